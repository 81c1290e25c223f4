"""The schedules against their formulas and PyTorch."""

import itertools
import math

import numpy as np
import pytest

from lib.schedules import cosine, exponential, inverse_sqrt, inverse_time


def test_schedules_are_the_textbook_formulas():
    for t in range(50):
        assert inverse_time(0.6)(t) == pytest.approx(0.6 / (t + 1), rel=1e-15)
        assert inverse_sqrt(0.6)(t) == pytest.approx(0.6 * (t + 1) ** -0.5, rel=1e-15)
        assert exponential(0.6, 0.9)(t) == pytest.approx(0.6 * math.exp(t * math.log(0.9)), rel=1e-13)


def test_schedules_equal_pytorch():
    torch = pytest.importorskip("torch")
    schedulers = torch.optim.lr_scheduler
    for ours, theirs in (
        (exponential(0.3, 0.9), lambda o: schedulers.ExponentialLR(o, 0.9)),
        (cosine(0.3, 40), lambda o: schedulers.CosineAnnealingLR(o, 40)),
    ):
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.3)
        scheduler = theirs(optimizer)
        for t in range(41):
            assert ours(t) == pytest.approx(scheduler.get_last_lr()[0], abs=1e-12)
            optimizer.step()
            scheduler.step()


def test_cosine_rises_then_falls_to_zero_and_stays():
    schedule = cosine(0.5, 30, warmup=9)
    rates = [schedule(t) for t in range(40)]
    np.testing.assert_allclose(rates[:10], 0.05 * np.arange(1, 11), rtol=1e-14)
    assert all(a > b for a, b in itertools.pairwise(rates[9:31]))
    assert rates[30:] == [0.0] * 10


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: inverse_time(0), r"rate must be finite and > 0, got 0"),
        (lambda: inverse_sqrt(-1.0), r"rate must be finite and > 0, got -1\.0"),
        (lambda: exponential(0.1, 1.1), r"factor must be finite and > 0 and <= 1, got 1\.1"),
        (lambda: cosine(0.1, 0), r"steps must be at least 1, got 0"),
        (lambda: cosine(0.1, 5, warmup=5), r"warmup must be less than steps = 5, got 5"),
        (lambda: cosine(0.1, 5)(-1), r"t must be at least 0, got -1"),
        (lambda: inverse_time(0.1)(-1), r"t must be at least 0, got -1"),
        (lambda: inverse_sqrt(0.1)(-1), r"t must be at least 0, got -1"),
        (lambda: exponential(0.1, 0.5)(-1), r"t must be at least 0, got -1"),
    ],
)
def test_schedules_refuse_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
