"""The recurrent layer against its recurrence, finite differences and PyTorch, and what it can remember."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_gradients import assert_gradients
from numpy.testing import assert_allclose, assert_array_equal

from lib.layers import Dense
from lib.losses import square
from lib.networks import Network
from lib.optimizers import Adam
from lib.recurrent import Recurrent

untimed = settings(deadline=None, max_examples=40)
sizes = st.integers(1, 4)


@st.composite
def sequences(draw):
    """Draw (generator, x, hidden) with x of shape (batch, time, inputs)."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return rng, rng.normal(size=(draw(sizes), draw(st.integers(1, 6)), draw(sizes))), draw(sizes)


def double(layer):
    """Bring one layer to float64, with a bias that is not zero."""
    Network([layer], dtype=np.float64)
    layer.parameters[2][...] = np.linspace(-0.5, 0.5, layer.hidden)
    return layer


@given(case=sequences())
@untimed
def test_every_sample_follows_the_recurrence(case):
    rng, x, hidden = case
    layer = double(Recurrent(x.shape[2], hidden, rng))
    U, V, b = layer.parameters
    expected = np.empty((*x.shape[:2], hidden))
    for sample, sequence in enumerate(x):
        h = np.zeros(hidden)
        for t, inputs in enumerate(sequence):
            h = np.tanh(U @ inputs + V @ h + b)
            expected[sample, t] = h
    assert_allclose(layer.forward(x), expected, atol=1e-13)


@given(case=sequences())
@untimed
def test_its_gradients_are_derivatives(case):
    rng, x, hidden = case
    assert_gradients(Recurrent(x.shape[2], hidden, rng), x, rng)


@given(case=sequences())
@untimed
def test_it_equals_pytorchs(case):
    torch = pytest.importorskip("torch")
    rng, x, hidden = case
    layer = Recurrent(x.shape[2], hidden, rng)
    layer.parameters[2][...] = rng.normal(size=hidden)
    other = torch.nn.RNN(x.shape[2], hidden, batch_first=True)
    with torch.no_grad():
        for parameter, array in zip(other.parameters(), layer.parameters, strict=False):
            parameter[...] = torch.from_numpy(array)
        other.bias_hh_l0[...] = 0
    theirs = torch.tensor(x, dtype=torch.float32, requires_grad=True)
    y, _ = other(theirs)
    assert_allclose(layer.forward(x), y.detach().numpy(), rtol=1e-4, atol=1e-5)
    dy = rng.normal(size=y.shape).astype(np.float32)
    y.backward(torch.from_numpy(dy))
    assert_allclose(layer.backward(dy), theirs.grad.numpy(), rtol=1e-4, atol=1e-5)
    for ours, parameter in zip(layer.gradients, other.parameters(), strict=False):
        assert_allclose(ours, parameter.grad.numpy(), rtol=1e-4, atol=1e-5)


def test_one_step_without_memory_is_a_dense_layer_with_tanh():
    rng = np.random.default_rng(0)
    layer, dense = double(Recurrent(3, 4, rng)), Dense(3, 4, rng)
    Network([dense], dtype=np.float64)
    for ours, theirs in zip(dense.parameters, (layer.parameters[0], layer.parameters[2]), strict=True):
        ours[...] = theirs
    x, dy = rng.normal(size=(6, 3)), rng.normal(size=(6, 4))
    y = np.tanh(dense.forward(x))
    assert_allclose(layer.forward(x[:, None])[:, 0], y, atol=1e-14)
    assert_allclose(layer.backward(dy[:, None])[:, 0], dense.backward((1 - y**2) * dy), atol=1e-14)
    assert not layer.gradients[1].any()


@given(case=sequences(), data=st.data())
@untimed
def test_it_knows_the_past_and_not_the_future(case, data):
    rng, x, hidden = case
    layer = double(Recurrent(x.shape[2], hidden, rng))
    whole = layer.forward(x).copy()
    time = data.draw(st.integers(1, x.shape[1]))
    assert_allclose(layer.forward(x[:, :time]), whole[:, :time], atol=1e-14)
    dy = np.zeros_like(whole)
    layer.forward(x)
    dy[:, time - 1] = 1
    dx = layer.backward(dy)
    assert dx[:, :time].all()
    assert not dx[:, time:].any()


def test_gradients_through_time_shrink_or_grow_like_powers_of_the_weight():
    layer = double(Recurrent(1, 1, np.random.default_rng(0)))
    U, V, b = layer.parameters
    U[...], b[...] = 1, 0
    dy = np.zeros((1, 30, 1))
    dy[:, -1] = 1
    for weight in (0.5, 1, 1.5):
        V[...] = weight
        layer.forward(np.zeros((1, 30, 1)))  # at 0, where tanh has slope 1
        assert_allclose(layer.backward(dy)[0, :, 0], weight ** np.arange(29.0, -1, -1), rtol=1e-12)


def test_the_order_in_memory_makes_no_difference_and_what_is_given_stays():
    rng = np.random.default_rng(0)
    x, dy = rng.normal(size=(5, 7, 2)), rng.normal(size=(5, 7, 3))
    one, another = (double(Recurrent(2, 3, np.random.default_rng(1))) for _ in range(2))
    kept = x.copy(), dy.copy()
    x.flags.writeable = dy.flags.writeable = False
    assert_allclose(
        one.forward(x), another.forward(x.transpose(1, 2, 0).copy().transpose(2, 0, 1)), atol=1e-14
    )
    assert_allclose(one.backward(dy), another.backward(dy[::-1].copy()[::-1]), atol=1e-14)
    y = one.forward(x)
    forth = y.copy()
    dx = one.backward(dy)
    back, slopes = dx.copy(), [gradient.copy() for gradient in one.gradients]
    one.backward(dy)
    for gradient, before in zip(one.gradients, slopes, strict=True):
        assert_array_equal(gradient, before)
    assert_array_equal(y, forth)
    one.forward(-x)
    assert_array_equal(dx, back)
    assert_array_equal(x, kept[0])
    assert_array_equal(dy, kept[1])


def test_longer_and_larger_batches_can_follow():
    rng = np.random.default_rng(0)
    layer = double(Recurrent(2, 3, rng))
    x, dy = rng.normal(size=(4, 6, 2)), rng.normal(size=(4, 6, 3))
    layer.forward(x)
    dx = layer.backward(dy).copy()
    gradients = [gradient.copy() for gradient in layer.gradients]
    layer.forward(x[:2, :3])
    layer.backward(dy[:2, :3])
    parts = 0
    for part in (slice(0, 3), slice(3, 4)):
        layer.forward(x[part])
        assert_allclose(layer.backward(dy[part]), dx[part], atol=1e-14)
        parts = parts + layer.gradients[1]
    assert_allclose(parts, gradients[1], atol=1e-14)
    layer.forward(x)
    for gradient in layer.gradients:
        gradient[...] = np.nan
    assert layer.backward(dy, to_input=False) is None
    for gradient, before in zip(layer.gradients, gradients, strict=True):
        assert_array_equal(gradient, before)


def test_it_learns_to_remember_the_first_input():
    rng = np.random.default_rng(0)
    layer, dense, optimizer = Recurrent(1, 8, rng), Dense(8, 1, rng), Adam(0.01)
    for _ in range(300):
        x = rng.choice([-1, 1], size=(32, 8, 1)).astype(np.float32)
        states = layer.forward(x)
        loss = square(dense.forward(states[:, -1]), x[:, 0])
        dy = np.zeros_like(states)
        dy[:, -1] = dense.backward(loss.gradient)
        layer.backward(dy, to_input=False)
        optimizer.step([*layer.parameters, *dense.parameters], [*layer.gradients, *dense.gradients])
    assert loss.value < 0.05


@pytest.mark.parametrize(
    ("sizes", "error", "message"),
    [
        ((0, 3), ValueError, "inputs must be at least 1, got 0"),
        ((2, -1), ValueError, "hidden must be at least 1, got -1"),
        ((2, 1.5), TypeError, "hidden must be a whole number, got 1.5"),
    ],
)
def test_sizes_that_cannot_be(sizes, error, message):
    with pytest.raises(error, match=re.escape(message)):
        Recurrent(*sizes, np.random.default_rng(0))


@pytest.mark.parametrize("shape", [(4, 2), (4, 5, 3), (4, 5, 2, 1)])
def test_inputs_that_do_not_fit(shape):
    layer = Recurrent(2, 3, np.random.default_rng(0))
    message = f"Recurrent(2, 3): the input has shape {shape}, expected (batch, time, 2)"
    with pytest.raises(ValueError, match=re.escape(message)):
        layer.forward(np.zeros(shape))


def test_initial_weights_are_glorots_if_nothing_else_is_wanted():
    U, V, b = Recurrent(300, 200, np.random.default_rng(0)).parameters
    assert U.var() == pytest.approx(2 / 500, rel=0.02)
    assert V.var() == pytest.approx(2 / 400, rel=0.02)
    assert not b.any()


def test_initial_weights_are_told_their_fans_and_refused_in_another_shape():
    told = []
    Recurrent(2, 3, None, initial=lambda rng, shape, *fans: told.append((shape, *fans)) or np.ones(shape))
    assert told == [((3, 2), 2, 3), ((3, 3), 3, 3)]
    with pytest.raises(
        ValueError, match=re.escape("initial weights must have shape (3, 3), got shape (3, 2)")
    ):
        Recurrent(2, 3, None, initial=lambda *arguments: np.ones((3, 2)))
