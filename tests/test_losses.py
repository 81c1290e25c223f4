"""Losses against their definitions, finite differences, PyTorch and scikit-learn."""

import re

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from lib.calculus import gradient_error
from lib.losses import binary_cross_entropy, cross_entropy, hinge, square

untimed = settings(deadline=None, max_examples=60)
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 6)
single = np.float32, np.float64


def batch(loss, samples, seed, spread=3.0, width=4):
    """Return outputs and targets for a loss."""
    rng = np.random.default_rng(seed)
    outputs = spread * rng.normal(size=(samples, width))
    if loss is square:
        return outputs, rng.normal(size=(samples, width))
    if loss is cross_entropy:
        return outputs, rng.integers(width, size=samples)
    return outputs[:, 0], rng.integers(2, size=samples) * (2 if loss is hinge else 1) - (loss is hinge)


every = pytest.mark.parametrize("loss", [square, hinge, binary_cross_entropy, cross_entropy])


@given(seed=seeds, samples=sizes, width=sizes)
@untimed
def test_losses_are_the_means_of_their_definitions(seed, samples, width):
    outputs, targets = batch(square, samples, seed, width=width)
    expected = np.mean(
        [np.linalg.norm(row - target) ** 2 for row, target in zip(outputs, targets, strict=True)]
    )
    assert square(outputs, targets).value == pytest.approx(expected, rel=1e-12)
    flat = square(outputs.ravel(), targets.ravel())
    assert flat.value == pytest.approx(expected / width, rel=1e-12)
    scores, signs = batch(hinge, samples, seed)
    expected = np.mean([max(0, 1 - y * f) for f, y in zip(scores, signs, strict=True)])
    assert hinge(scores, signs).value == pytest.approx(expected, abs=1e-14)
    scores, classes = batch(binary_cross_entropy, samples, seed)
    p = 1 / (1 + np.exp(-scores))
    expected = -np.mean(classes * np.log(p) + (1 - classes) * np.log(1 - p))
    assert binary_cross_entropy(scores, classes).value == pytest.approx(expected, abs=1e-10)
    scores, labels = batch(cross_entropy, samples, seed, width=width)
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    expected = -np.mean([np.log(row[label]) for row, label in zip(p, labels, strict=True)])
    assert cross_entropy(scores, labels).value == pytest.approx(expected, abs=1e-10)


@every
@given(seed=seeds, samples=sizes)
@untimed
def test_gradients_are_those_of_finite_differences(loss, seed, samples):
    outputs, targets = batch(loss, samples, seed)
    if loss is hinge:
        outputs += 0.1 * np.sign(targets * outputs - 1) * targets  # away from the kink
    error = gradient_error(
        lambda x: loss(x, targets).value,
        lambda x: loss(x, targets).gradient,
        outputs,
        np.random.default_rng(seed),
    )
    assert error < 1e-5


@given(seed=seeds, samples=sizes)
@untimed
def test_soft_targets_mix_the_losses_of_the_classes(seed, samples):
    rng = np.random.default_rng(seed)
    scores, targets = 3 * rng.normal(size=samples), rng.random(samples)
    mixed = binary_cross_entropy(scores, targets)
    apart = [[binary_cross_entropy(scores[i : i + 1], [c]).value for i in range(samples)] for c in (0, 1)]
    assert mixed.value == pytest.approx(np.mean((1 - targets) * apart[0] + targets * apart[1]), rel=1e-12)
    error = gradient_error(
        lambda f: binary_cross_entropy(f, targets).value,
        lambda f: binary_cross_entropy(f, targets).gradient,
        scores,
        rng,
    )
    assert error < 1e-5


@every
@pytest.mark.parametrize("dtype", single)
@pytest.mark.parametrize("samples", [1, 7, 600])
def test_losses_equal_pytorchs(loss, dtype, samples):
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    outputs, targets = batch(loss, samples, 5, width=10)
    outputs = outputs.astype(dtype)
    theirs = torch.from_numpy(outputs.copy()).requires_grad_()
    right = torch.from_numpy(np.asarray(targets))
    value = {
        square: lambda: functional.mse_loss(theirs, right.to(theirs.dtype)) * 10,
        hinge: lambda: torch.relu(1 - right * theirs).mean(),
        binary_cross_entropy: lambda: functional.binary_cross_entropy_with_logits(
            theirs, right.to(theirs.dtype)
        ),
        cross_entropy: lambda: functional.cross_entropy(theirs, right),
    }[loss]()
    value.backward()
    ours = loss(outputs, targets)
    precision = float(np.finfo(dtype).eps)
    assert ours.value == pytest.approx(value.item(), rel=20 * precision)
    assert_allclose(ours.gradient, theirs.grad.numpy(), rtol=200 * precision, atol=2 * precision / samples)


def test_losses_equal_scikit_learns():
    scores, signs = batch(hinge, 200, 1)
    assert hinge(scores, signs).value == pytest.approx(sklearn.metrics.hinge_loss(signs, scores), rel=1e-12)
    scores, classes = batch(binary_cross_entropy, 200, 2)
    p = 1 / (1 + np.exp(-scores))
    assert binary_cross_entropy(scores, classes).value == pytest.approx(sklearn.metrics.log_loss(classes, p))
    scores, labels = batch(cross_entropy, 200, 3)
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    assert cross_entropy(scores, labels).value == pytest.approx(sklearn.metrics.log_loss(labels, p))
    outputs, targets = batch(square, 200, 4)
    peer = sklearn.metrics.mean_squared_error(targets, outputs)
    assert square(outputs, targets).value == pytest.approx(4 * peer, rel=1e-12)


@every
@pytest.mark.parametrize("dtype", single)
def test_the_precision_of_the_outputs_is_kept_and_they_are_not_changed(loss, dtype):
    outputs, targets = batch(loss, 5, 0)
    outputs = outputs.astype(dtype)
    outputs.flags.writeable = False
    value, gradient = loss(outputs, targets)
    assert type(value) is float
    assert gradient.dtype == dtype
    assert gradient.shape == outputs.shape
    assert gradient.flags.c_contiguous
    for other in (int, np.float16):
        assert loss(np.round(outputs).astype(other), targets).gradient.dtype == np.float64


@pytest.mark.parametrize("dtype", single)
@pytest.mark.filterwarnings("error")
def test_extreme_scores_neither_overflow_nor_warn(dtype):
    scores = np.array([1e4, -1e4, 1e4, -1e4], dtype=dtype)
    value, gradient = binary_cross_entropy(scores, [1, 0, 0, 1])
    assert value == 5000
    assert_array_equal(gradient, [0, 0, 0.25, -0.25])
    value, gradient = hinge(scores, [1, -1, -1, 1])
    assert value == pytest.approx(10001 / 2)
    assert_array_equal(gradient, [0, 0, 0.25, -0.25])
    value, gradient = cross_entropy(scores.reshape(2, 2), [0, 1])
    assert value == 10000
    assert_array_equal(gradient, [[0, 0], [0.5, -0.5]])
    value, gradient = cross_entropy(np.array([[1e4, 0], [-1e4, -1e4]], dtype=dtype), [0, 1])
    assert value == pytest.approx(np.log(2) / 2)
    assert_array_equal(gradient, [[0, 0], [0.25, -0.25]])
    assert square(scores, 0 * scores).value == pytest.approx(1e8)


def test_the_small_losses_of_large_scores_are_kept():
    value, _ = binary_cross_entropy(np.array([50.0]), [1])
    assert value == pytest.approx(np.exp(-50), rel=1e-12, abs=0)
    value, gradient = binary_cross_entropy(np.array([-60.0]), [0])
    assert value == pytest.approx(np.exp(-60), rel=1e-12, abs=0)
    assert gradient[0] == pytest.approx(np.exp(-60), rel=1e-12, abs=0)


@given(seed=seeds, samples=sizes, shift=st.floats(-100, 100))
@untimed
def test_what_must_not_matter_does_not(seed, samples, shift):
    scores, labels = batch(cross_entropy, samples, seed)
    value, gradient = cross_entropy(scores, labels)
    lifted = cross_entropy(scores + shift, labels)
    assert lifted.value == pytest.approx(value, abs=1e-11)
    assert_allclose(lifted.gradient, gradient, atol=1e-12)
    assert_allclose(gradient.sum(axis=1), 0, atol=1e-15)
    order = np.random.default_rng(seed).permutation(4)
    renamed = cross_entropy(scores[:, order], np.argsort(order)[labels])
    assert renamed.value == pytest.approx(value, rel=1e-12)
    assert_allclose(renamed.gradient, gradient[:, order], atol=1e-15)
    pair = np.column_stack([0 * scores[:, 0], scores[:, 0]])
    two, one = cross_entropy(pair, labels % 2), binary_cross_entropy(scores[:, 0], labels % 2)
    assert two.value == pytest.approx(one.value, abs=1e-13)
    assert_allclose(two.gradient[:, 1], one.gradient, atol=1e-15)
    mirrored = binary_cross_entropy(-scores[:, 0], 1 - labels % 2)
    assert mirrored.value == pytest.approx(one.value, rel=1e-12)
    assert_allclose(mirrored.gradient, -one.gradient, atol=1e-15)
    sides = 2 * (labels % 2) - 1
    assert hinge(-scores[:, 0], -sides).value == hinge(scores[:, 0], sides).value


@every
def test_a_sample_seen_twice_changes_nothing(loss):
    outputs, targets = batch(loss, 5, 0)
    once, twice = loss(outputs, targets), loss(np.tile(outputs.T, 2).T, np.tile(targets.T, 2).T)
    assert twice.value == pytest.approx(once.value, rel=1e-14)
    assert_allclose(2 * twice.gradient[:5], once.gradient, atol=1e-15)


def test_at_the_kink_the_gradient_of_the_hinge_is_0():
    assert_array_equal(hinge(np.array([1.0, -1.0, 0.5]), [1, -1, 1]).gradient, [0, 0, -1 / 3])
    assert not np.signbit(hinge(np.array([2.0, -3.0]), [1, -1]).gradient).any()


def test_a_run_that_diverges_goes_on():
    with np.errstate(invalid="ignore"):
        for outputs in (np.array([np.nan, 1.0]), np.array([np.inf, 1.0])):
            assert not np.isfinite(square(outputs, [0, 0]).value)
            assert not np.isfinite(hinge(outputs, [-1, 1]).value)
            assert not np.isfinite(binary_cross_entropy(outputs, [0, 1]).value)
            assert not np.isfinite(cross_entropy(outputs[None], [1]).value)


FINE = np.zeros(2)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: square(1.0, 1.0), ValueError, "outputs must have 1 or 2 axes, none empty, got shape ()"),
        (lambda: square([], []), ValueError, "outputs must have 1 or 2 axes, none empty, got shape (0,)"),
        (lambda: square(np.array(["a"]), [1]), TypeError, "outputs must hold real numbers, got <U1"),
        (lambda: square([[1.0, 2.0], [3.0]], [1, 2]), ValueError, "outputs must be a rectangular array"),
        (lambda: square(FINE, [[1], [2, 3]]), ValueError, "targets must be a rectangular array"),
        (lambda: cross_entropy(np.eye(2), [[0], []]), ValueError, "labels must be a rectangular array"),
        (lambda: square(FINE, [1j, 0]), TypeError, "targets must hold real numbers"),
        (
            lambda: square(FINE, [[1], [2]]),
            ValueError,
            "targets must have the shape of the outputs, (2,), got shape (2, 1)",
        ),
        (lambda: square(FINE, [0, np.nan]), ValueError, "targets must be finite, got nan at index (1,)"),
        (lambda: square(FINE, [-np.inf, 0]), ValueError, "targets must be finite, got -inf at index (0,)"),
        (lambda: hinge(np.zeros((2, 1)), [[1], [1]]), ValueError, "scores must have 1 axes"),
        (lambda: hinge(FINE, [1, 0]), ValueError, "targets must be -1 or 1, got 0 at index (1,)"),
        (lambda: hinge(FINE, [1, np.nan]), ValueError, "targets must be -1 or 1, got nan at index (1,)"),
        (lambda: binary_cross_entropy(FINE, [2, 0]), ValueError, "targets must be between 0 and 1, got 2"),
        (lambda: binary_cross_entropy(FINE, [0, -0.1]), ValueError, "targets must be between 0 and 1"),
        (lambda: binary_cross_entropy(FINE, [True, False]), TypeError, "targets must hold real numbers"),
        (lambda: cross_entropy(FINE, [0, 1]), ValueError, "scores must have 2 axes"),
        (lambda: cross_entropy(np.zeros((1, 0)), [0]), ValueError, "scores must have 2 axes, none empty"),
        (lambda: cross_entropy(np.zeros((2, 3)), [0.0, 1.0]), TypeError, "labels must be whole numbers"),
        (lambda: cross_entropy(np.zeros((2, 3)), [True, False]), TypeError, "labels must be whole numbers"),
        (
            lambda: cross_entropy(np.zeros((2, 3)), [0]),
            ValueError,
            "labels must have shape (2,), got shape (1,)",
        ),
        (
            lambda: cross_entropy(np.zeros((2, 3)), np.eye(2, dtype=int)),
            ValueError,
            "labels must have shape (2,)",
        ),
        (
            lambda: cross_entropy(np.zeros((2, 3)), [0, 3]),
            ValueError,
            "labels must be from 0 to 2, got 0 to 3",
        ),
        (
            lambda: cross_entropy(np.zeros((2, 3)), [-1, 2]),
            ValueError,
            "labels must be from 0 to 2, got -1 to 2",
        ),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call()
