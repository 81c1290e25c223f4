"""Training: what it shuffles, records and reaches, and how it ends."""

import re
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tqdm.auto import tqdm

from lib.datasets import digits, line, moons
from lib.deep_layers import BatchNorm, Dropout, Residual
from lib.initial_weights import glorot
from lib.layers import Dense, Flatten, Layer, ReLU, Tanh
from lib.losses import Loss, binary_cross_entropy, cross_entropy, square
from lib.networks import Network
from lib.optimizers import SGD, Adam, Momentum
from lib.schedules import exponential
from lib.training import mean_loss, train


class Spy(Layer):
    """Passes everything, and remembers the batches and the mode."""

    def __init__(self):
        super().__init__([1.0])
        self.seen = []

    def compute(self, x, training):
        self.seen.append((x.copy(), training))
        return x

    def propagate(self, dy, to_input):
        self.gradients[0][...] = 0
        return dy


def settings(**changes):
    usual = {"loss": square, "optimizer": SGD(0.1), "batch_size": 4, "epochs": 2, "progress": False}
    return usual | {"rng": np.random.default_rng(0)} | changes


def test_every_epoch_takes_every_sample_once_in_a_new_order_with_its_target():
    spy, x = Spy(), np.arange(10.0)[:, None]
    targets = []

    def loss(outputs, wanted):
        targets.append(wanted)
        return square(outputs, wanted)

    history = train(Network([spy]), x, 10 * x, **settings(loss=loss, epochs=3))
    assert [len(batch) for batch, _ in spy.seen] == [4, 4, 2] * 3
    assert all(training for _, training in spy.seen)
    taken = np.concatenate([batch for batch, _ in spy.seen]).reshape(3, 10)
    assert_array_equal(np.sort(taken), np.tile(np.arange(10), (3, 1)))
    assert len({tuple(row) for row in taken}) == 3
    assert not any((row == np.arange(10)).all() for row in taken)
    assert_array_equal(np.concatenate(targets).ravel(), 10 * taken.ravel())
    assert history.losses.shape == (9,)
    assert_allclose(
        history.losses,
        [np.mean((9 * batch) ** 2) for batch, _ in spy.seen],
        rtol=1e-5,
        err_msg="before a step",
    )


def test_steps_are_those_written_out():
    def make():
        rng = np.random.default_rng(1)
        return Network([Dense(3, 5, rng), Tanh(), Dense(5, 2, rng)])

    rng = np.random.default_rng(2)
    x, targets = rng.normal(size=(11, 3)).astype(np.float32), rng.normal(size=(11, 2))
    network, by_hand = make(), make()
    history = train(network, x, targets, **settings(optimizer=Momentum(exponential(0.1, 0.9)), epochs=3))
    optimizer, rng, losses = Momentum(exponential(0.1, 0.9)), np.random.default_rng(0), []
    for _ in range(3):
        order = rng.permutation(11)
        for begin in (0, 4, 8):
            batch = order[begin : begin + 4]
            value, gradient = square(by_hand.forward(x[batch], training=True), targets[batch])
            by_hand.backward(gradient)
            optimizer.step(by_hand.parameters, by_hand.gradients)
            losses.append(value)
    assert_array_equal(network.parameters[0], by_hand.parameters[0])
    assert_array_equal(history.losses, losses)
    assert history.stopped == "all 9 steps taken"


def test_on_a_line_training_finds_the_least_squares():
    x, targets = line(np.random.default_rng(3), 50)
    network = Network([Dense(1, 1, np.random.default_rng(4))], np.float64)
    train(network, x, targets, **settings(optimizer=SGD(0.5), batch_size=100, epochs=200))
    slope, intercept = np.polyfit(x[:, 0], targets, 1)
    assert_allclose(network.parameters[0], [slope, intercept], rtol=1e-9)
    residuals = slope * x[:, 0] + intercept - targets
    assert mean_loss(network, x, targets, square) == pytest.approx(np.mean(residuals**2), rel=1e-9)


def test_two_classes_from_one_output():
    x, labels = moons(np.random.default_rng(5), 300)
    rng = np.random.default_rng(6)
    network = Network([Dense(2, 16, rng), ReLU(), Dense(16, 1, rng)])
    options = settings(loss=binary_cross_entropy, optimizer=Adam(0.02), batch_size=30, epochs=60)
    train(network, x, labels, **options)
    assert np.mean((network.forward(x)[:, 0] > 0) == labels) > 0.97
    column = Network([Spy()])
    assert mean_loss(column, [[1.0], [2.0]], [[1.0], [4.0]], square) == 2


NETWORKS = {
    "dense": lambda rng: [Flatten(), Dense(64, 32, rng), ReLU(), Dense(32, 10, rng)],
    "tanh": lambda rng: [Flatten(), Dense(64, 32, rng, glorot), Tanh(), Dense(32, 10, rng)],
    "normalized": lambda rng: [Flatten(), Dense(64, 32, rng), BatchNorm(32), ReLU(), Dense(32, 10, rng)],
    "dropout": lambda rng: [Flatten(), Dense(64, 64, rng), ReLU(), Dropout(0.3, rng), Dense(64, 10, rng)],
    "residual": lambda rng: [
        Flatten(),
        Dense(64, 32, rng),
        *[Residual([ReLU(), Dense(32, 32, rng)]) for _ in range(3)],
        Dense(32, 10, rng),
    ],
}


@pytest.mark.parametrize("name", NETWORKS)
def test_digits_are_learned(name):
    data, rng = digits(), np.random.default_rng(7)
    network = Network(NETWORKS[name](rng))
    history = train(
        network,
        data.train_inputs,
        data.train_labels,
        **settings(loss=cross_entropy, optimizer=Adam(0.003), batch_size=50, epochs=20, rng=rng),
        validation=lambda network: network.accuracy(data.test_inputs, data.test_labels),
    )
    assert history.validation[-1] > 0.95
    assert len(history.validation) == len(history.seconds) == 20
    assert history.losses[:30].mean() > 1
    assert mean_loss(network, data.train_inputs, data.train_labels, cross_entropy) < 0.1


def test_the_same_seed_gives_the_same_network():
    data = digits()
    results = []
    for _ in range(2):
        rng = np.random.default_rng(8)
        network = Network(NETWORKS["dropout"](rng))
        options = settings(loss=cross_entropy, optimizer=Adam(), batch_size=100, epochs=1, rng=rng)
        train(network, data.train_inputs, data.train_labels, **options)
        results.append(network.parameters[0].tobytes())
    assert results[0] == results[1]


def test_epochs_are_timed_without_the_validation(monkeypatch):
    now = 50.0
    monkeypatch.setattr("lib.training.perf_counter", lambda: now)

    def wait(result, seconds):
        nonlocal now
        now += seconds
        return result

    history = train(
        Network([Spy()]),
        np.ones((10, 1)),
        np.ones(10),
        **settings(loss=lambda outputs, targets: wait(square(outputs, targets), 2)),
        validation=lambda network: wait(now, 1000),
    )
    assert_array_equal(history.seconds, [6, 6])  # three batches each
    assert history.validation == [56, 1062]


def test_the_mean_loss_does_not_depend_on_the_batches():
    rng = np.random.default_rng(9)
    network = Network([Dense(3, 4, rng), Dropout(0.5, rng), BatchNorm(4)], np.float64)
    x, labels = rng.normal(size=(23, 3)), rng.integers(4, size=23)
    expected = cross_entropy(network.forward(x), labels).value
    for size in (1, 7, 23, 100):
        assert mean_loss(network, x, labels, cross_entropy, size) == pytest.approx(expected, rel=1e-12)
    assert isinstance(mean_loss(network, x, list(labels), cross_entropy), float)
    with pytest.raises(ValueError, match="there must be as many targets as samples, 23, got 22"):
        mean_loss(network, x, labels[1:], cross_entropy, 22)


def test_divergence_stops_training_and_is_recorded():
    rng = np.random.default_rng(10)
    x = rng.normal(size=(20, 2))
    network = Network([Dense(2, 2, rng)])
    history = train(network, x, x, **settings(optimizer=SGD(1e6), epochs=100))
    steps = len(history.losses)
    assert history.stopped == f"the loss or its gradient overflows at step {steps - 1}"
    assert steps < 10
    assert np.isfinite(history.losses[:-1]).all()
    assert len(history.seconds) == (steps - 1) // 5
    assert np.isfinite(network.parameters[0]).all(), "the step that overflows is not taken"


@pytest.mark.parametrize("value", [1.0, np.inf])
def test_a_loss_or_a_gradient_that_overflows_stops_training_without_a_warning(value):
    network = Network([Dense(1, 1, np.random.default_rng(0))])
    before = network.parameters[0].copy()

    def loss(outputs, targets):
        return Loss(value, np.full_like(outputs, 1e38) * (1000 if value == 1 else 0))

    history = train(network, np.ones((4, 1)), np.ones(4), **settings(loss=loss))
    assert history.stopped == "the loss or its gradient overflows at step 0"
    assert_array_equal(history.losses, [value])
    assert_array_equal(network.parameters[0], before)


def test_no_epochs_leave_everything_as_it_is():
    network = Network([Spy()])
    history = train(network, np.ones((3, 1)), np.ones(3), **settings(epochs=0))
    assert history.losses.shape == history.seconds.shape == (0,)
    assert history.stopped == "all 0 steps taken"
    assert network.layers[0].seen == []


# The progress bar


@pytest.mark.parametrize("wanted", [True, False])
@pytest.mark.parametrize("building", [True, False])
def test_a_progress_bar_is_shown_if_wanted_and_not_in_a_build(monkeypatch, capsys, wanted, building):
    monkeypatch.delenv("DOWNHILL_BUILD", raising=False)
    if building:
        monkeypatch.setenv("DOWNHILL_BUILD", "1")
    monkeypatch.setattr("lib.training.tqdm", partial(tqdm, mininterval=0))
    train(Network([Spy()]), np.ones((8, 1)), np.ones(8), **settings(progress=wanted))
    out, err = capsys.readouterr()
    assert out == ""
    shown = wanted and not building
    assert [f"{step}/4" in err for step in range(5)] == [shown] * 5
    assert bool(err) == shown
    if shown:
        assert err.rsplit("\r", 1)[-1].strip() == "", "the bar is wiped at the end"


# Input


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1, got 0"),
        ({"batch_size": 2.0}, TypeError, "batch_size must be a whole number, got 2.0"),
        ({"rng": 3}, TypeError, "rng must be a numpy.random.Generator, got 3"),
        ({"epochs": -1}, ValueError, "epochs must be at least 0, got -1"),
        ({"targets": np.ones(3)}, ValueError, "there must be as many targets as samples, 8, got 3"),
        (
            {"x": np.ones((0, 1)), "targets": np.ones(0)},
            ValueError,
            "there must be at least one sample, got none",
        ),
        ({"x": np.ones((8, 2))}, ValueError, "Dense(1, 1): the input has shape (4, 2), expected (batch, 1)"),
        ({"x": np.ones((8, 1), bool)}, TypeError, "Dense(1, 1): the input must hold real numbers, got bool"),
        ({"validation": 0.0}, TypeError, "validation must be a function of the network, got 0.0"),
        ({"targets": np.full(8, np.nan)}, ValueError, "targets must be finite, got nan"),
        ({"optimizer": SGD(lambda t: -1)}, ValueError, "learning_rate at step 0 must be finite and >= 0"),
        ({"loss": lambda outputs, targets: 3}, TypeError, "unpack"),
    ],
)
def test_bad_input_is_named(changes, error, message):
    changes = {"x": np.ones((8, 1)), "targets": np.ones(8)} | changes
    network = Network([Dense(1, 1, np.random.default_rng(0))])
    with pytest.raises(error, match=re.escape(message)):
        train(network, changes.pop("x"), changes.pop("targets"), **settings(**changes))
