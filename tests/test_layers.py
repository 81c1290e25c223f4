"""Layers against their formulas, finite differences and PyTorch."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_gradients import assert_gradients
from numpy.testing import assert_allclose, assert_array_equal

from lib.initial_weights import glorot
from lib.layers import Activation, Dense, Flatten, Layer, LeakyReLU, ReLU, Sigmoid, Tanh
from lib.networks import Network

untimed = settings(deadline=None, max_examples=40)
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 6)

ACTIVATIONS = {
    "ReLU": (ReLU, lambda x: np.where(x > 0, x, 0)),
    "LeakyReLU": (lambda: LeakyReLU(0.2), lambda x: np.where(x > 0, x, 0.2 * x)),
    "Tanh": (Tanh, lambda x: (np.exp(2 * x) - 1) / (np.exp(2 * x) + 1)),
    "Sigmoid": (Sigmoid, lambda x: 1 / (1 + np.exp(-x))),
}
each_activation = pytest.mark.parametrize("name", ACTIVATIONS)


def batch_last(x):
    """Return the same numbers, with the batch as the last axis in memory."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 0, -1)), -1, 0)


# Dense


@given(seed=seeds, batch=sizes, inputs=sizes, outputs=sizes)
@untimed
def test_every_output_of_a_dense_layer_is_its_sum(seed, batch, inputs, outputs):
    rng = np.random.default_rng(seed)
    layer = Dense(inputs, outputs, rng)
    Network([layer], np.float64)
    layer.parameters[1][...] = rng.normal(size=outputs)
    x, (W, b) = rng.normal(size=(batch, inputs)), layer.parameters
    expected = [[sum(W[o, i] * row[i] for i in range(inputs)) + b[o] for o in range(outputs)] for row in x]
    assert_allclose(layer.forward(x), expected, rtol=1e-12, atol=1e-13)


@given(seed=seeds, batch=sizes, inputs=sizes, outputs=sizes)
@untimed
def test_the_gradients_of_a_dense_layer_are_derivatives(seed, batch, inputs, outputs):
    rng = np.random.default_rng(seed)
    assert_gradients(Dense(inputs, outputs, rng), rng.normal(size=(batch, inputs)), rng)


@given(seed=seeds, batch=sizes, inputs=sizes, outputs=sizes)
@settings(deadline=None, max_examples=15)
def test_a_dense_layer_equals_pytorchs(seed, batch, inputs, outputs):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    layer, other = Dense(inputs, outputs, rng), torch.nn.Linear(inputs, outputs)
    layer.parameters[1][...] = rng.normal(size=outputs)
    with torch.no_grad():
        for parameter, array in zip(other.parameters(), layer.parameters, strict=True):
            parameter[...] = torch.from_numpy(array)
    x, dy = (rng.normal(size=(batch, n)).astype(np.float32) for n in (inputs, outputs))
    theirs = torch.tensor(x, requires_grad=True)
    y = other(theirs)
    assert_allclose(layer.forward(x), y.detach().numpy(), rtol=1e-5, atol=1e-5)
    y.backward(torch.from_numpy(dy))
    assert_allclose(layer.backward(dy), theirs.grad.numpy(), rtol=1e-5, atol=1e-5)
    for gradient, parameter in zip(layer.gradients, other.parameters(), strict=True):
        assert_allclose(gradient, parameter.grad.numpy(), rtol=1e-5, atol=1e-5)


def test_initial_weights_are_drawn_as_told_and_biases_are_zero():
    for initial in ({}, {"initial": glorot}):
        layer = Dense(300, 200, np.random.default_rng(0), **initial)
        variance = 2 / 500 if initial else 2 / 300
        assert layer.parameters[0].var() == pytest.approx(variance, rel=0.02)
        assert not layer.parameters[1].any()
        assert {array.dtype for array in layer.parameters + layer.gradients} == {np.dtype(np.float32)}


def test_initial_weights_may_be_drawn_in_any_order_in_memory():
    layer = Dense(3, 2, None, lambda *_: np.asfortranarray([[1, 2, 3], [4, 5, 6]]))
    assert_array_equal(layer.forward([[1, 0, 0]]), [[1, 4]])
    assert_array_equal(layer.backward([[1, 10]]), [[41, 52, 63]])
    assert_array_equal(layer.gradients[0], [[1, 0, 0], [10, 0, 0]])


def test_gradients_are_overwritten_not_added():
    rng = np.random.default_rng(1)
    layer, x, dy = Dense(3, 2, rng), rng.normal(size=(4, 3)), rng.normal(size=(4, 2))
    layer.forward(x)
    layer.backward(dy)
    first = [array.copy() for array in layer.gradients]
    layer.backward(dy)
    for array, expected in zip(layer.gradients, first, strict=True):
        assert_array_equal(array, expected)


# Activations


@each_activation
@given(seed=seeds, batch=sizes, features=sizes)
@untimed
def test_an_activation_is_its_function(name, seed, batch, features):
    make, function = ACTIVATIONS[name]
    x = 3 * np.random.default_rng(seed).normal(size=(batch, features))
    layer = make()
    Network([layer], np.float64)
    assert_allclose(layer.forward(x), function(x), rtol=1e-12, atol=1e-14)


@each_activation
@given(seed=seeds, batch=sizes, features=sizes)
@untimed
def test_the_gradient_of_an_activation_is_its_derivative(name, seed, batch, features):
    rng = np.random.default_rng(seed)
    x = 2 * rng.normal(size=(batch, features))
    x += np.sign(x) * 1e-3  # away from the kink
    assert_gradients(ACTIVATIONS[name][0](), x, rng)


@each_activation
def test_an_activation_equals_pytorchs_at_zero_and_far_away_too(name):
    torch = pytest.importorskip("torch")
    x = np.array([[0, -0.0, 1, -1, 1e-30, 30, -30, 100, -100, np.inf, -np.inf]], np.float32)
    options = {"negative_slope": 0.2} if name == "LeakyReLU" else {}
    layer, theirs = ACTIVATIONS[name][0](), torch.tensor(x, requires_grad=True)
    y = getattr(torch.nn, name)(**options)(theirs)
    assert_allclose(layer.forward(x), y.detach().numpy(), rtol=1e-6)
    y.sum().backward()
    assert_allclose(layer.backward(np.ones_like(x)), theirs.grad.numpy(), rtol=1e-6, atol=1e-7)


def test_at_the_kink_the_derivative_is_that_of_the_left():
    for layer, expected in ((ReLU(), 0), (LeakyReLU(0.2), 0.2)):
        layer.forward([[0.0]])
        assert layer.backward([[1.0]]) == pytest.approx(expected)


def test_an_activation_of_ones_own():
    class Exponential(Activation):
        def value(self, x, out):
            np.exp(x, out=out)

        def derivative(self, y, out):
            out[...] = y

    rng = np.random.default_rng(2)
    assert_gradients(Exponential(), rng.normal(size=(3, 2, 2)), rng)
    assert repr(Exponential()) == "Exponential()"


# Flatten, and order in memory


def test_flatten_keeps_every_sample_in_its_row_and_copies_nothing():
    pictures = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)
    for x in (pictures, batch_last(pictures)):
        layer = Flatten()
        y = layer.forward(x)
        assert_array_equal(y, pictures.reshape(2, 60))
        assert np.shares_memory(y, x)
        dx = layer.backward(y)
        assert_array_equal(dx, pictures)
        assert dx.strides == x.strides


@pytest.mark.parametrize("make", [ACTIVATIONS[name][0] for name in ACTIVATIONS], ids=ACTIVATIONS)
def test_elementwise_layers_keep_the_order_in_memory(make):
    x = np.random.default_rng(3).normal(size=(5, 2, 3, 4)).astype(np.float32)
    plain, moved = make(), make()
    y, z = plain.forward(x), moved.forward(batch_last(x))
    assert_array_equal(y, z)
    assert (y.strides, z.strides) == (x.strides, batch_last(x).strides)
    dx, dz = plain.backward(x), moved.backward(x)
    assert_array_equal(dx, dz)
    assert (dx.strides, dz.strides) == (x.strides, batch_last(x).strides)


@given(seed=seeds, batch=sizes, inputs=sizes, outputs=sizes)
@untimed
def test_a_dense_layer_takes_the_transposed_as_it_is_and_gives_the_gradient_back_so(
    seed, batch, inputs, outputs
):
    rng = np.random.default_rng(seed)
    x, dy = rng.normal(size=(batch, inputs)), rng.normal(size=(batch, outputs))
    layer = Dense(inputs, outputs, rng)
    Network([layer], np.float64)
    results = []
    for given_x, given_dy in ((x, dy), (batch_last(x), batch_last(dy)), (np.repeat(x, 2, 1)[:, ::2], dy)):
        results.append(
            (
                layer.forward(given_x).copy(),
                layer.backward(given_dy).copy(),
                *[array.copy() for array in layer.gradients],
            )
        )
        if given_x is not x and given_x.flags.f_contiguous:
            assert layer.backward(given_dy).flags.f_contiguous
    for other in results[1:]:
        for array, expected in zip(other, results[0], strict=True):
            assert_allclose(array, expected, rtol=1e-12, atol=1e-14)


# What all layers share


def make_all():
    rng = np.random.default_rng(4)
    return [Dense(3, 2, rng), ReLU(), LeakyReLU(), Tanh(), Sigmoid(), Flatten()]


@pytest.mark.parametrize("layer", make_all(), ids=repr)
def test_arrays_given_are_not_changed_and_buffers_used_again(layer):
    rng = np.random.default_rng(5)
    x = rng.normal(size=(4, 3)).astype(np.float32)
    x.flags.writeable = False
    y = layer.forward(x)
    dy = np.ones(y.shape, np.float32)
    dy.flags.writeable = False
    dx = layer.backward(dy)
    if not isinstance(layer, Flatten):
        assert layer.forward(x) is y
        assert layer.backward(dy) is dx
    assert layer.forward(x[:2]).shape == (2, *y.shape[1:])
    assert layer.backward(dy[:2]).shape == (2, 3)
    assert_array_equal(layer.forward(x), y)
    assert layer.backward(dy, to_input=False) is None


def test_numbers_of_any_kind_are_brought_to_the_layers_precision():
    layer = Dense(2, 1, np.random.default_rng(6))
    for x in ([[1, 2]], np.array([[1, 2]], np.uint8), np.array([[1.0, 2.0]]), np.array([[1, 2]], np.float32)):
        assert layer.forward(x).dtype == np.float32
        assert layer.backward([[1]]).dtype == np.float32
        assert_allclose(layer.forward(x), np.array([[1, 2]]) @ layer.parameters[0].T, rtol=1e-6)
    double, odd = ReLU(), 2**24 + 1  # which float32 cannot hold
    Network([double], np.float64)
    assert double.forward([[odd]]) == odd


@pytest.mark.parametrize("layer", make_all(), ids=repr)
def test_a_layer_used_before_goes_on_in_the_precision_of_its_network(layer):
    x = np.random.default_rng(6).normal(size=(4, 3))
    for expected in (np.float32, np.float64):
        y = layer.forward(x)
        assert y.dtype == layer.backward(y).dtype == expected
        if expected == np.float32:
            Network([layer], np.float64)


def test_parameters_are_the_layers_own():
    drawn = np.ones(3, np.float32)
    layer = Layer(drawn)
    layer.parameters[0][...] = 2
    assert_array_equal(drawn, 1)


def test_infinity_and_nan_go_through():
    layer = Dense(2, 1, np.random.default_rng(7))
    with np.errstate(all="ignore"):
        assert not np.isfinite(layer.forward([[np.inf, 1], [np.nan, 1]])).any()
        assert np.isnan(ReLU().forward([[np.nan]])).all()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda layer: layer.forward(np.ones((100, 783))),
            ValueError,
            "Dense(784, 128): the input has shape (100, 783), expected (batch, 784)",
        ),
        (lambda layer: layer.forward(np.ones(784)), ValueError, "shape (784,), expected (batch, 784)"),
        (lambda layer: layer.forward(np.ones((0, 784))), ValueError, "shape (0, 784), expected (batch, ...)"),
        (lambda layer: layer.forward(1.0), ValueError, "the input has shape (), expected (batch, ...)"),
        (
            lambda layer: layer.forward([[1, 2], [3]]),
            ValueError,
            "Dense(784, 128): the input must be a rectangular array, got [[1, 2], [3]]",
        ),
        (lambda layer: layer.forward([["a"] * 784]), TypeError, "the input must hold real numbers, got <U1"),
        (lambda layer: layer.forward(np.ones((1, 784), complex)), TypeError, "real numbers, got complex128"),
        (lambda layer: layer.forward(np.ones((1, 784), bool)), TypeError, "real numbers, got bool"),
        (
            lambda layer: layer.backward(np.ones((1, 128))),
            RuntimeError,
            "Dense(784, 128): forward must come before backward",
        ),
        (
            lambda layer: (layer.forward(np.ones((2, 784))), layer.backward(np.ones((3, 128)))),
            ValueError,
            "Dense(784, 128): the gradient has shape (3, 128), expected (2, 128)",
        ),
        (
            lambda layer: (layer.forward(np.ones((2, 784))), layer.backward(np.ones((2, 1)))),
            ValueError,
            "Dense(784, 128): the gradient has shape (2, 1), expected (2, 128)",
        ),
        (
            lambda layer: (layer.forward(np.ones((2, 784))), layer.backward([[None] * 128] * 2)),
            TypeError,
            "Dense(784, 128): the gradient must hold real numbers, got object",
        ),
        (lambda layer: Dense(0, 1, None), ValueError, "inputs must be at least 1, got 0"),
        (lambda layer: Dense(1, 0, None), ValueError, "outputs must be at least 1, got 0"),
        (lambda layer: Dense(1, 2.0, None), TypeError, "outputs must be a whole number, got 2.0"),
        (
            lambda layer: Dense(1, 2, None, lambda *_: np.ones((1, 2))),
            ValueError,
            "initial weights must have shape (2, 1), got shape (1, 2)",
        ),
        (
            lambda layer: Dense(1, 1, None, lambda *_: [[np.nan]]),
            ValueError,
            "initial weights must be finite, got nan",
        ),
        (lambda layer: LeakyReLU(1), ValueError, "slope must be finite and > 0 and < 1, got 1"),
    ],
)
def test_bad_input_is_named(call, error, message):
    layer = Dense(784, 128, np.random.default_rng(8))
    with pytest.raises(error, match=re.escape(message)):
        call(layer)


def test_a_refused_shape_leaves_the_layer_usable():
    layer = Dense(2, 1, np.random.default_rng(9))
    for _ in range(2):
        with pytest.raises(ValueError, match="expected"):
            layer.forward(np.ones((1, 3)))
    assert layer.forward(np.ones((1, 2))).shape == (1, 1)


def test_names():
    assert [repr(layer) for layer in make_all()] == [
        "Dense(3, 2)",
        "ReLU()",
        "LeakyReLU(0.01)",
        "Tanh()",
        "Sigmoid()",
        "Flatten()",
    ]
    assert isinstance(make_all()[0], Layer)
