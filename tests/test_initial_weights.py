"""Initial weights against the variances they promise, and what those do to signals."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lib.initial_weights import glorot, he, normal, zeros
from lib.layers import Dense, ReLU, Tanh
from lib.networks import Network


@pytest.mark.parametrize(("fan_in", "fan_out"), [(400, 100), (50, 900)])
def test_mean_and_variance(fan_in, fan_out):
    shape = fan_out, fan_in
    for initial, variance in (
        (he, 2 / fan_in),
        (glorot, 2 / (fan_in + fan_out)),
        (normal(0.3), 0.09),
    ):
        W = initial(np.random.default_rng(1), shape, fan_in, fan_out)
        assert W.shape == shape
        assert W.var() == pytest.approx(variance, rel=0.03)
        assert abs(W.mean()) < 4 * np.sqrt(variance / W.size)
    assert_array_equal(zeros(None, shape, fan_in, fan_out), np.zeros(shape))


def test_glorot_is_uniform_and_he_is_normal():
    rng = np.random.default_rng(2)
    uniform = glorot(rng, (300, 300), 300, 300)
    assert abs(uniform).max() == pytest.approx(0.1, rel=0.01)
    assert np.mean(abs(uniform) < 0.05) == pytest.approx(0.5, abs=0.01)
    bell = he(rng, (300, 300), 300, 300)
    assert np.mean(abs(bell) < bell.std()) == pytest.approx(0.683, abs=0.01)


@pytest.mark.parametrize(("initial", "activation"), [(he, ReLU), (glorot, Tanh)])
def test_signals_keep_their_size_through_twenty_layers(initial, activation):
    rng = np.random.default_rng(3)
    signal = start = 0.01 * rng.normal(size=(200, 256))  # small, where tanh is nearly straight
    for _ in range(20):
        signal = activation().forward(Dense(256, 256, rng, initial).forward(signal))
    assert 0.3 < np.mean(signal**2) / np.mean(start**2) < 3


def test_from_zeros_only_the_last_biases_learn():
    rng = np.random.default_rng(4)
    x, dy = rng.normal(size=(2, 8, 2))
    network = Network([Dense(2, 5, rng, zeros), Tanh(), Dense(5, 1, rng, zeros)])
    network.forward(x)
    network.backward(dy[:, :1])
    assert not network.layers[0].gradients[0].any()
    assert not network.layers[2].gradients[0].any()
    assert network.layers[2].gradients[1].any()


@pytest.mark.parametrize("initial", [he, glorot, normal(1)])
def test_a_seed_is_no_generator(initial):
    with pytest.raises(TypeError, match=r"rng must be a numpy.random.Generator, got 3"):
        Dense(2, 2, 3, initial)


def test_scale_must_be_a_number_of_at_least_zero():
    with pytest.raises(ValueError, match="scale must be finite and >= 0, got -1"):
        normal(-1)
