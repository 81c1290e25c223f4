"""Dropout, batch normalization and residual paths against their formulas, finite differences and PyTorch."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_gradients import assert_gradients
from numpy.testing import assert_allclose, assert_array_equal

from lib.deep_layers import BatchNorm, Dropout, Residual
from lib.layers import Dense, ReLU, Tanh
from lib.networks import Network

untimed = settings(deadline=None, max_examples=40)
seeds = st.integers(0, 2**32 - 1)
shapes = st.one_of(
    st.tuples(st.integers(2, 6), st.integers(1, 4)),
    st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(2, 3)),
    st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(2, 3), st.integers(1, 3)),
)


def batch_last(x):
    """Return the same numbers, with the batch as the last axis in memory."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 0, -1)), -1, 0)


# Dropout


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.9])
def test_dropout_drops_its_share_and_keeps_the_mean(probability):
    layer = Dropout(probability, np.random.default_rng(0))
    y = layer.forward(np.ones((400, 500)), training=True)
    assert np.mean(y == 0) == pytest.approx(probability, abs=0.005)
    assert_allclose(y[y != 0], 1 / (1 - probability), rtol=1e-6)
    assert y.mean() == pytest.approx(1, abs=0.03)
    # one entry is dropped whatever happens to its neighbours
    kept = y != 0
    assert np.mean(kept[:, 1:] & kept[:, :-1]) == pytest.approx((1 - probability) ** 2, abs=0.01)
    assert np.mean(kept[1:] & kept[:-1]) == pytest.approx((1 - probability) ** 2, abs=0.01)


def test_the_gradient_of_dropout_goes_through_what_was_kept():
    rng = np.random.default_rng(1)
    layer, x, dy = Dropout(0.4, rng), rng.normal(size=(2, 50, 3))[0] + 5, rng.normal(size=(50, 3))
    y = layer.forward(x, training=True).copy()
    assert_allclose(layer.backward(dy), y / x * dy, rtol=1e-5)
    assert not np.array_equal(layer.forward(x, training=True), y), "each forward draws anew"
    assert_array_equal(layer.forward(x), x.astype(np.float32))
    assert_array_equal(layer.backward(dy), dy.astype(np.float32))


def test_dropout_of_nothing_changes_nothing():
    x = np.random.default_rng(2).normal(size=(3, 4)).astype(np.float32)
    assert_array_equal(Dropout(0, np.random.default_rng(3)).forward(x, training=True), x)


def test_dropout_drops_the_same_whatever_the_order_in_memory():
    x = np.random.default_rng(4).normal(size=(5, 2, 3, 4)).astype(np.float32)
    first, second = Dropout(0.5, np.random.default_rng(5)), Dropout(0.5, np.random.default_rng(5))
    y, z = first.forward(x, training=True), second.forward(batch_last(x), training=True)
    assert_array_equal(y, z)
    assert z.strides == batch_last(x).strides
    assert second.backward(x).strides == batch_last(x).strides


# Batch normalization


@given(seed=seeds, shape=shapes)
@untimed
def test_in_training_every_feature_gets_mean_beta_and_deviation_gamma(seed, shape):
    rng = np.random.default_rng(seed)
    layer = BatchNorm(shape[1], epsilon=1e-12)
    Network([layer], np.float64)
    gamma, beta = layer.parameters
    gamma[...], beta[...] = rng.uniform(0.5, 2, size=(2, shape[1]))
    y = layer.forward(rng.normal(3, 2, size=shape), training=True)
    others = (0, *range(2, len(shape)))
    assert_allclose(y.mean(others), beta, rtol=1e-6)
    assert_allclose(y.std(others), gamma, rtol=1e-4)


@pytest.mark.parametrize("training", [True, False])
@given(seed=seeds, shape=shapes)
@untimed
def test_the_gradients_of_batch_norm_are_derivatives(seed, shape, training):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=shape)
    layer = BatchNorm(shape[1], epsilon=0.1)
    layer.statistics = [rng.normal(size=shape[1]), rng.uniform(0.5, 2, shape[1])]
    assert_gradients(layer, x, rng, training=training, atol=1e-6)
    assert_gradients(BatchNorm(shape[1], epsilon=0.1), batch_last(x), rng, training=training, atol=1e-6)


@given(seed=seeds, shape=shapes)
@settings(deadline=None, max_examples=15)
def test_batch_norm_equals_pytorchs(seed, shape):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    layer = BatchNorm(shape[1], momentum=0.3, epsilon=0.01)
    other = (torch.nn.BatchNorm1d if len(shape) < 4 else torch.nn.BatchNorm2d)(
        shape[1], momentum=0.3, eps=0.01
    )
    layer.parameters[0][...], layer.parameters[1][...] = rng.normal(size=(2, shape[1]))
    with torch.no_grad():
        for parameter, array in zip(other.parameters(), layer.parameters, strict=True):
            parameter[...] = torch.from_numpy(array)
    for training in (True, True, False):
        other.train(training)
        x, dy = rng.normal(size=(2, *shape)).astype(np.float32)
        theirs = torch.tensor(x, requires_grad=True)
        y = other(theirs)
        assert_allclose(layer.forward(batch_last(x), training), y.detach().numpy(), rtol=1e-4, atol=1e-4)
        other.zero_grad()
        y.backward(torch.from_numpy(dy))
        assert_allclose(layer.backward(dy), theirs.grad.numpy(), rtol=1e-3, atol=1e-3)
        for gradient, parameter in zip(layer.gradients, other.parameters(), strict=True):
            assert_allclose(gradient, parameter.grad.numpy(), rtol=1e-4, atol=1e-4)
        running = other.running_mean, other.running_var
        for ours, tensor in zip(layer.statistics, running, strict=True):
            assert_allclose(ours, tensor.numpy(), rtol=1e-5, atol=1e-5)


def test_the_conventions_of_batch_norm():
    layer = BatchNorm(1)
    layer.forward([[1.0], [5.0]], training=True)
    assert_allclose(layer.statistics, [[0.1 * 3], [0.9 + 0.1 * 8]], rtol=1e-6)  # 8 = ((1−3)² + (5−3)²)/(2−1)
    before = [array.copy() for array in layer.statistics]
    assert_allclose(layer.forward([[2.0]]), (2 - 0.3) / np.sqrt(1.7 + 1e-5), rtol=1e-6)
    assert_array_equal(layer.statistics, before, err_msg="they are gathered in training only")
    forgetful = BatchNorm(1, momentum=1)
    forgetful.forward([[1.0], [5.0]], training=True)
    assert_array_equal(forgetful.statistics, [[3], [8]])
    constant = layer.forward(np.full((3, 1), 7.0), training=True)
    assert_array_equal(constant, 0)


def test_the_defaults_of_batch_norm_are_those_of_pytorch():
    torch = pytest.importorskip("torch")
    ours, theirs = BatchNorm(3), torch.nn.BatchNorm1d(3)
    assert (ours.momentum, ours.epsilon) == (theirs.momentum, theirs.eps)


# Residual


@given(seed=seeds, batch=st.integers(1, 5), features=st.integers(1, 4))
@untimed
def test_residual_adds_its_input_and_has_the_derivatives(seed, batch, features):
    rng = np.random.default_rng(seed)
    inner = [Dense(features, 3, rng), Tanh(), Dense(3, features, rng)]
    layer, x = Residual(inner), rng.normal(size=(batch, features)).astype(np.float32)
    y, through = layer.forward(x).copy(), x
    for part in inner:
        through = part.forward(through)
    assert_allclose(y, x + through, rtol=1e-6, atol=1e-6)
    assert_gradients(layer, x.astype(float), rng)
    assert_gradients(Residual([Tanh()]), x.astype(float), rng)  # which keeps what it returned
    assert Network(
        [Dense(features, features, rng), Residual([Dense(features, features, rng)])]
    ).count == 2 * (features * (features + 1))


def test_training_reaches_the_layers_inside():
    norm = BatchNorm(8)
    layer = Residual([Residual([norm]), Dropout(0.5, np.random.default_rng(6))])
    x = np.random.default_rng(7).normal(size=(50, 8)).astype(np.float32)
    assert np.mean(layer.forward(x, training=True) == x) == pytest.approx(0.5, abs=0.1)
    assert norm.statistics[0].all()
    assert np.mean(layer.forward(x) == x) == 0


def test_with_zero_weights_inside_a_residual_layer_passes_everything():
    layer = Residual([Dense(4, 4, None, lambda *_: np.zeros((4, 4)))])
    x = np.random.default_rng(8).normal(size=(3, 4)).astype(np.float32)
    assert_array_equal(layer.forward(x), x)
    assert_array_equal(layer.backward(x), x)


# Arrays given and returned


@pytest.mark.parametrize("training", [True, False])
def test_arrays_given_stay_and_what_one_way_returned_outlives_the_other(training):
    rng = np.random.default_rng(10)
    x, dy = rng.normal(size=(2, 5, 3)).astype(np.float32)
    kept = x.copy(), dy.copy()
    x.flags.writeable = dy.flags.writeable = False
    paths = [Dense(3, 3, rng), Tanh()], [Dropout(0.5, rng)]
    for layer in (BatchNorm(3), Dropout(0.5, rng), *map(Residual, paths)):
        y = layer.forward(x, training)
        forth = y.copy()
        dx = layer.backward(dy)
        assert_array_equal(y, forth)
        back = dx.copy()
        layer.forward(-x, training)
        assert_array_equal(dx, back)
        assert_array_equal(x, kept[0])
        assert_array_equal(dy, kept[1])


# Input


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Dropout(1, None), ValueError, "probability must be finite and < 1 and >= 0, got 1"),
        (lambda: Dropout(-0.1, None), ValueError, "probability must be finite and < 1 and >= 0, got -0.1"),
        (lambda: Dropout(0.5, 3), TypeError, "rng must be a numpy.random.Generator, got 3"),
        (lambda: BatchNorm(0), ValueError, "features must be at least 1, got 0"),
        (
            lambda: BatchNorm(2, momentum=1.1),
            ValueError,
            "momentum must be finite and >= 0 and <= 1, got 1.1",
        ),
        (lambda: BatchNorm(2, epsilon=0), ValueError, "epsilon must be finite and > 0, got 0"),
        (
            lambda: BatchNorm(2).forward(np.ones((4, 3))),
            ValueError,
            "BatchNorm(2): the input has shape (4, 3), expected (batch, 2, ...)",
        ),
        (lambda: BatchNorm(2).forward(np.ones(2)), ValueError, "has shape (2,), expected (batch, 2, ...)"),
        (
            lambda: BatchNorm(2).forward(np.ones((1, 2)), training=True),
            ValueError,
            "BatchNorm(2): in training a batch must hold two values or more of each feature, got one",
        ),
        (lambda: Residual(ReLU()), TypeError, "layers must be a list of layers, got ReLU()"),
        (lambda: Residual([]), ValueError, "layers must hold at least one layer, got none"),
        (lambda: Residual([ReLU(), np.tanh]), TypeError, "layers[1] must be a layer, got <ufunc 'tanh'>"),
        (
            lambda: Residual([Dense(2, 3, np.random.default_rng(0))]).forward(np.ones((5, 2))),
            ValueError,
            "Residual([Dense(2, 3)]): the layers inside return shape (5, 3), expected (5, 2)",
        ),
        (
            lambda: Residual([Dense(2, 2, np.random.default_rng(0))]).forward(np.ones((5, 3))),
            ValueError,
            "Dense(2, 2): the input has shape (5, 3), expected (batch, 2)",
        ),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call()


def test_a_batch_of_one_leaves_the_statistics_alone():
    layer = BatchNorm(2)
    with pytest.raises(ValueError, match="two values"):
        layer.forward([[3, 4]], training=True)
    assert_array_equal(layer.statistics, [[0, 0], [1, 1]])
    assert layer.forward(np.ones((1, 2, 2, 1)), training=True).shape == (1, 2, 2, 1)


def test_names():
    rng = np.random.default_rng(9)
    assert repr(Dropout(0.25, rng)) == "Dropout(0.25)"
    assert repr(BatchNorm(3)) == "BatchNorm(3)"
    assert repr(BatchNorm(3, momentum=0.5, epsilon=0.1)) == "BatchNorm(3, momentum=0.5, epsilon=0.1)"
    assert repr(Residual([Dense(2, 2, rng), ReLU()])) == "Residual([Dense(2, 2), ReLU()])"
