"""Convolution and pooling against their sums written out, finite differences and PyTorch."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_gradients import assert_gradients
from numpy.lib.stride_tricks import sliding_window_view
from numpy.testing import assert_allclose, assert_array_equal

from lib.convolutions import AveragePool, Convolution, MaxPool
from lib.datasets import digits
from lib.deep_layers import BatchNorm, Residual
from lib.layers import Dense, Flatten, ReLU, Tanh
from lib.losses import cross_entropy
from lib.networks import Network
from lib.optimizers import Adam

untimed = settings(deadline=None, max_examples=40)
sizes = st.integers(1, 3)


@st.composite
def windows(draw, most_padding=2):
    """Draw (generator, batch, channels, height, width, size, stride, padding) where the window fits."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    batch, channels, size, stride = draw(sizes), draw(sizes), draw(st.integers(1, 4)), draw(sizes)
    padding = draw(st.integers(0, most_padding))
    least = max(size - 2 * padding, 1)
    height, width = draw(st.integers(least, least + 5)), draw(st.integers(least, least + 5))
    return rng, batch, channels, height, width, size, stride, padding


def seen(x, size, stride, padding=0):
    """Return what each window sees, of shape (batch, channels, height, width, size, size)."""
    x = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])
    return sliding_window_view(x, (size, size), axis=(2, 3))[:, :, ::stride, ::stride]


def double(layer):
    """Bring one layer to float64."""
    Network([layer], dtype=np.float64)
    return layer


def assert_same_way_forth_and_back(layer, other, x, dy, rtol, atol):
    """Assert that two layers, or networks of PyTorch, return the same y, dx and gradients."""
    torch = pytest.importorskip("torch")
    theirs = torch.tensor(x, requires_grad=True)
    y = other(theirs)
    assert_allclose(layer.forward(x), y.detach().numpy(), rtol, atol)
    y.backward(torch.from_numpy(dy))
    assert_allclose(layer.backward(dy), theirs.grad.numpy(), rtol, atol)
    for ours, parameter in zip(layer.gradients, other.parameters(), strict=True):
        assert_allclose(ours, parameter.grad.numpy(), rtol, atol)


# Convolution


@given(case=windows(), out_channels=sizes)
@untimed
def test_a_convolution_is_its_sum(case, out_channels):
    rng, batch, channels, height, width, size, stride, padding = case
    layer = double(Convolution(channels, out_channels, size, rng, stride, padding))
    W, b = layer.parameters
    b[...] = rng.normal(size=out_channels)
    x = rng.normal(size=(batch, channels, height, width))
    expected = np.einsum("oipq,birspq->bors", W, seen(x, size, stride, padding)) + b[:, None, None]
    assert_allclose(layer.forward(x), expected, atol=1e-12)


@given(case=windows(), out_channels=sizes)
@untimed
def test_the_gradients_of_a_convolution_are_derivatives(case, out_channels):
    rng, batch, channels, height, width, size, stride, padding = case
    layer = Convolution(channels, out_channels, size, rng, stride, padding)
    assert_gradients(layer, rng.normal(size=(batch, channels, height, width)), rng)


@given(case=windows(), out_channels=sizes)
@untimed
def test_a_convolution_equals_pytorchs(case, out_channels):
    torch = pytest.importorskip("torch")
    rng, batch, channels, height, width, size, stride, padding = case
    layer = Convolution(channels, out_channels, size, rng, stride, padding)
    other = torch.nn.Conv2d(channels, out_channels, size, stride, padding)
    with torch.no_grad():
        for parameter, array in zip(other.parameters(), layer.parameters, strict=True):
            parameter[...] = torch.from_numpy(array)
    x = rng.normal(size=(batch, channels, height, width)).astype(np.float32)
    dy = rng.normal(size=layer.forward(x).shape).astype(np.float32)
    assert_same_way_forth_and_back(layer, other, x, dy, rtol=1e-4, atol=1e-5)


def test_one_pixel_of_the_kernel_shifts_the_picture():
    rng = np.random.default_rng(0)
    layer = Convolution(1, 1, 3, rng, padding=1)
    layer.parameters[0][...] = 0
    layer.parameters[0][0, 0, 0, 2] = 1
    picture = rng.normal(size=(5, 5)).astype(np.float32)
    shifted = layer.forward(picture[None, None])[0, 0]
    assert_array_equal(shifted[1:, :-1], picture[:-1, 1:])
    assert not shifted[0].any()
    assert not shifted[:, -1].any()


def test_a_window_as_large_as_the_picture_makes_a_dense_layer():
    rng = np.random.default_rng(0)
    convolution, dense = double(Convolution(3, 4, 5, rng)), double(Dense(75, 4, rng))
    for ours, theirs in zip(dense.parameters, convolution.parameters, strict=True):
        ours[...] = theirs.reshape(ours.shape)
    x, dy = rng.normal(size=(6, 3, 5, 5)), rng.normal(size=(6, 4))
    assert_allclose(convolution.forward(x)[:, :, 0, 0], dense.forward(x.reshape(6, -1)), atol=1e-12)
    dx = convolution.backward(dy[:, :, None, None])
    assert_allclose(dx.reshape(6, -1), dense.backward(dy), atol=1e-12)
    assert_allclose(convolution.gradients[0].reshape(4, -1), dense.gradients[0], atol=1e-12)


def test_without_padding_a_shifted_picture_gives_a_shifted_output():
    rng = np.random.default_rng(0)
    layer = double(Convolution(2, 3, 3, rng))
    x = rng.normal(size=(1, 2, 9, 9))
    whole = layer.forward(x).copy()
    assert_allclose(layer.forward(x[:, :, 2:, 1:]), whole[:, :, 2:, 1:], atol=1e-12)


def test_initial_weights_keep_the_mean_square_behind_relus():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20, 8, 12, 12))
    for _ in range(5):
        x = ReLU().forward(Convolution(x.shape[1], 64, 3, rng).forward(x))
    assert 0.5 < (x**2).mean() < 2


def test_initial_weights_are_told_their_fans_and_refused_in_another_shape():
    told = []
    Convolution(
        2, 5, 3, None, initial=lambda rng, shape, *fans: told.append((shape, *fans)) or np.ones(shape)
    )
    assert told == [((5, 2, 3, 3), 18, 45)]
    with pytest.raises(
        ValueError, match=re.escape("initial weights must have shape (5, 2, 3, 3), got shape (5,)")
    ):
        Convolution(2, 5, 3, None, initial=lambda *arguments: np.ones(5))


def test_initial_weights_may_be_drawn_in_any_order_in_memory():
    def drawn(order):
        rng = np.random.default_rng(1)
        return Convolution(2, 3, 3, rng, initial=lambda rng, shape, *_: rng.normal(size=shape).copy(order))

    rng = np.random.default_rng(0)
    x, dy = rng.normal(size=(4, 2, 5, 6)), rng.normal(size=(4, 3, 3, 4))
    rows, columns = drawn("C"), drawn("F")
    assert_array_equal(columns.forward(x), rows.forward(x))
    assert_array_equal(columns.backward(dy), rows.backward(dy))
    assert_array_equal(columns.gradients[0], rows.gradients[0])
    assert rows.gradients[0].all()


# Pooling


@given(case=windows(most_padding=0))
@untimed
def test_pools_are_the_maximum_and_the_mean_of_what_windows_see(case):
    rng, batch, channels, height, width, size, stride, _ = case
    x = rng.normal(size=(batch, channels, height, width))
    views = seen(x, size, stride)
    assert_array_equal(double(MaxPool(size, stride)).forward(x), views.max(axis=(4, 5)))
    assert_allclose(double(AveragePool(size, stride)).forward(x), views.mean(axis=(4, 5)), atol=1e-14)


@given(case=windows(most_padding=0), pool=st.sampled_from([MaxPool, AveragePool]))
@untimed
def test_the_gradients_of_pools_are_derivatives(case, pool):
    rng, batch, channels, height, width, size, stride, _ = case
    x = rng.permutation(batch * channels * height * width) / 10  # far from ties
    assert_gradients(pool(size, stride), x.reshape(batch, channels, height, width), rng)


@given(case=windows(most_padding=0), pool=st.sampled_from(["MaxPool", "AveragePool"]))
@untimed
def test_pools_equal_pytorchs_also_where_many_are_the_largest(case, pool):
    torch = pytest.importorskip("torch")
    rng, batch, channels, height, width, size, stride, _ = case
    layer = {"MaxPool": MaxPool, "AveragePool": AveragePool}[pool](size, stride)
    other = {"MaxPool": torch.nn.MaxPool2d, "AveragePool": torch.nn.AvgPool2d}[pool](size, stride)
    x = rng.integers(0, 3, size=(batch, channels, height, width)).astype(np.float32)
    dy = rng.normal(size=layer.forward(x).shape).astype(np.float32)
    assert_same_way_forth_and_back(layer, other, x, dy, rtol=1e-6, atol=1e-6)


def test_of_equal_numbers_the_first_gets_the_whole_gradient():
    layer = MaxPool(2)
    layer.forward(np.zeros((1, 1, 4, 4)))
    dx = layer.backward([[[[1, 2], [3, 4]]]])[0, 0]
    assert_array_equal(dx, [[1, 0, 2, 0], [0, 0, 0, 0], [3, 0, 4, 0], [0, 0, 0, 0]])


def test_a_pixel_gets_gradients_from_all_windows_that_see_it():
    x = np.zeros((1, 1, 3, 3))
    x[0, 0, 1, 1] = 9
    for pool, expected in (
        (MaxPool(2, 1), [[0, 0, 0], [0, 10, 0], [0, 0, 0]]),
        (AveragePool(2, 1), [[0.25, 0.75, 0.5], [1, 2.5, 1.5], [0.75, 1.75, 1]]),
    ):
        pool.forward(x)
        assert_array_equal(pool.backward([[[[1, 2], [3, 4]]]])[0, 0], expected)


def test_in_the_largest_windows_too_the_gradient_finds_its_place():
    for size in (15, 16, 17):
        layer = MaxPool(size)
        layer.forward(np.arange(2 * size**2).reshape(1, 2, size, size))
        dx = layer.backward([[[[1]], [[2]]]])
        assert_array_equal(dx[0, :, -1, -1], [1, 2])
        assert dx.sum() == 3


def test_without_a_stride_pools_move_by_their_size():
    for pool in (MaxPool, AveragePool):
        assert pool(3).forward(np.zeros((1, 1, 9, 8))).shape == (1, 1, 3, 2)
        assert pool(3, 1).forward(np.zeros((1, 1, 9, 8))).shape == (1, 1, 7, 6)


# Layouts and buffers


def batch_last(x):
    """Return the same array with the batch last in memory."""
    return np.moveaxis(np.moveaxis(x, 0, -1).copy(), -1, 0)


LAYOUTS = {
    "batch first": np.ascontiguousarray,
    "batch last": batch_last,
    "channels last": lambda x: x.transpose(0, 2, 3, 1).copy().transpose(0, 3, 1, 2),
    "every second": lambda x: np.repeat(x, 2, axis=3)[..., ::2],
    "backwards": lambda x: x[::-1].copy()[::-1],
}


@pytest.mark.parametrize("there", LAYOUTS.values(), ids=LAYOUTS)
@pytest.mark.parametrize("back", LAYOUTS.values(), ids=LAYOUTS)
def test_the_order_in_memory_makes_no_difference(there, back):
    def layers(rng):
        return [
            Convolution(2, 3, 3, rng, padding=1),
            Convolution(2, 3, 2, rng, stride=2),
            MaxPool(2),
            MaxPool(3, 2),
            AveragePool(2),
        ]

    rng = np.random.default_rng(0)
    x = rng.normal(size=(4, 2, 7, 6)).astype(np.float32)
    pairs = zip(layers(np.random.default_rng(1)), layers(np.random.default_rng(1)), strict=True)
    for layer, other in pairs:
        y = layer.forward(x)
        dy = rng.normal(size=y.shape).astype(np.float32)
        assert_array_equal(other.forward(there(x)), y)
        assert_array_equal(other.backward(back(dy)), layer.backward(dy))
        for one, another in zip(other.gradients, layer.gradients, strict=True):
            assert_array_equal(one, another)


def test_layers_in_a_row_copy_nothing():
    rng = np.random.default_rng(0)
    layers = [
        Convolution(1, 2, 3, rng),
        ReLU(),
        MaxPool(2),
        Convolution(2, 4, 3, rng),
        ReLU(),
        AveragePool(2),
    ]
    x = rng.normal(size=(5, 1, 14, 14))
    for layer in layers:
        x = layer.forward(x)
        assert np.moveaxis(x, 0, -1).flags.c_contiguous, layer
    flat = Flatten().forward(x)
    assert np.shares_memory(flat, x)
    dense = Dense(16, 3, rng)
    dy = Flatten().forward(x)
    dy = dense.backward(np.ones_like(dense.forward(flat))).reshape(x.shape)
    for layer in reversed(layers):
        assert np.moveaxis(dy, 0, -1).flags.c_contiguous, layer
        dy = layer.backward(dy)


def test_arrays_that_are_given_stay_as_they_are():
    rng = np.random.default_rng(0)
    for layer in (
        Convolution(2, 3, 3, rng, padding=1),
        Convolution(2, 3, 3, rng),
        MaxPool(2, 1),
        AveragePool(2),
    ):
        for order in LAYOUTS.values():
            x = order(rng.normal(size=(4, 2, 6, 6)).astype(np.float32))
            dy = order(np.float32(rng.normal(size=layer.forward(x).shape)))
            kept = x.copy(), dy.copy()
            x.flags.writeable = dy.flags.writeable = False
            y = layer.forward(x)
            forth = y.copy()
            dx = layer.backward(dy)
            back = dx.copy()
            assert_array_equal(y, forth)
            layer.forward(-x)
            assert_array_equal(x, kept[0])
            assert_array_equal(dy, kept[1])
            assert_array_equal(dx, back)


def test_batches_of_changing_size_and_gradients_that_do_not_add_up():
    rng = np.random.default_rng(0)
    layers = [
        Convolution(2, 3, 3, rng, padding=1),
        MaxPool(2, 1),
        AveragePool(3, 1),
        Convolution(3, 1, 2, rng),
    ]
    network = Network(layers, dtype=np.float64)
    x = rng.normal(size=(7, 2, 8, 8))
    whole = network.forward(x)
    dy = rng.normal(size=whole.shape)
    dx = network.backward(dy).copy()
    total = network.gradients[0].copy()
    added = 0
    for part in (slice(0, 3), slice(3, 6), slice(6, 7)):
        for _ in range(2):
            assert_allclose(network.forward(x[part]), whole[part], atol=1e-12)
            assert_allclose(network.backward(dy[part]), dx[part], atol=1e-12)
        added = added + network.gradients[0]
    assert_allclose(added, total, atol=1e-12)


def test_the_first_layer_can_leave_its_input_alone():
    rng = np.random.default_rng(0)
    layer = Convolution(1, 2, 3, rng)
    dy = np.ones_like(layer.forward(rng.normal(size=(2, 1, 5, 5))))
    layer.backward(dy)
    expected = [gradient.copy() for gradient in layer.gradients]
    for gradient in layer.gradients:
        gradient[...] = np.nan
    assert layer.backward(dy, to_input=False) is None
    for gradient, before in zip(layer.gradients, expected, strict=True):
        assert_array_equal(gradient, before)


def test_a_small_network_learns_the_digits():
    rng = np.random.default_rng(0)
    data = digits()
    first, second = Convolution(1, 8, 3, rng, padding=1), Convolution(8, 32, 3, rng, padding=1)
    network = Network([first, ReLU(), MaxPool(2), second, ReLU(), Flatten(), Dense(512, 10, rng)])
    images, labels, optimizer = data.train_inputs[:, None], data.train_labels, Adam(0.005)
    for _ in range(3):
        for batch in np.split(rng.permutation(1500), 75):
            loss = cross_entropy(network.forward(images[batch], training=True), labels[batch])
            network.backward(loss.gradient, to_input=False)
            optimizer.step(network.parameters, network.gradients)
    right = network.forward(data.test_inputs[:, None]).argmax(axis=1) == data.test_labels
    assert right.mean() > 0.93


def test_a_residual_block_as_in_alphago_zero():
    rng = np.random.default_rng(0)
    first, second = (Convolution(3, 3, 3, rng, padding=1) for _ in range(2))
    block = Residual([first, BatchNorm(3), Tanh(), second, BatchNorm(3)])
    x = rng.normal(size=(4, 3, 5, 4))
    assert block.forward(x).shape == x.shape
    assert_gradients(block, x, rng, training=True)


# Errors


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda rng: Convolution(0, 1, 3, rng), ValueError, "in_channels must be at least 1, got 0"),
        (lambda rng: Convolution(1, 0, 3, rng), ValueError, "out_channels must be at least 1, got 0"),
        (lambda rng: Convolution(1, 1, 0, rng), ValueError, "kernel must be at least 1, got 0"),
        (lambda rng: Convolution(1, 1, 3.0, rng), TypeError, "kernel must be a whole number, got 3.0"),
        (lambda rng: Convolution(1, 1, 3, rng, stride=0), ValueError, "stride must be at least 1, got 0"),
        (lambda rng: Convolution(1, 1, 3, rng, padding=-1), ValueError, "padding must be at least 0, got -1"),
        (lambda rng: MaxPool(0), ValueError, "size must be at least 1, got 0"),
        (lambda rng: AveragePool(2, 0), ValueError, "stride must be at least 1, got 0"),
    ],
)
def test_sizes_that_cannot_be(make, error, message):
    with pytest.raises(error, match=re.escape(message)):
        make(np.random.default_rng(0))


@pytest.mark.parametrize(
    ("make", "shape", "message"),
    [
        (
            lambda rng: Convolution(3, 8, 3, rng),
            (10, 1, 28, 28),
            "Convolution(3, 8, 3): the input has shape (10, 1, 28, 28), expected (batch, 3, height, width)",
        ),
        (
            lambda rng: Convolution(1, 8, 5, rng, stride=2, padding=1),
            (10, 1, 28, 2),
            "Convolution(1, 8, 5, stride=2, padding=1): the input has shape (10, 1, 28, 2), "
            "expected pictures of 3 × 3 pixels or more",
        ),
        (
            lambda rng: MaxPool(2),
            (10, 784),
            "MaxPool(2): the input has shape (10, 784), expected (batch, channels, height, width)",
        ),
        (
            lambda rng: AveragePool(3, 2),
            (10, 1, 2, 5),
            "AveragePool(3, stride=2): the input has shape (10, 1, 2, 5), "
            "expected pictures of 3 × 3 pixels or more",
        ),
        (
            lambda rng: Convolution(1, 8, 2, rng, padding=3),
            (10, 2, 1, 4),
            "Convolution(1, 8, 2, padding=3): the input has shape (10, 2, 1, 4), "
            "expected (batch, 1, height, width)",
        ),
    ],
)
def test_inputs_that_do_not_fit(make, shape, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make(np.random.default_rng(0)).forward(np.zeros(shape))


def test_gradients_that_do_not_fit():
    layer = MaxPool(2)
    layer.forward(np.zeros((3, 1, 4, 4)))
    with pytest.raises(
        ValueError, match=re.escape("the gradient has shape (3, 1, 2, 3), expected (3, 1, 2, 2)")
    ):
        layer.backward(np.zeros((3, 1, 2, 3)))
    with pytest.raises(RuntimeError, match=re.escape("AveragePool(2): forward must come before backward")):
        AveragePool(2).backward(np.zeros((3, 1, 2, 2)))
