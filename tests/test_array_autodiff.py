"""Graphs of arrays against finite differences, graphs of numbers and PyTorch."""

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes
from numpy.testing import assert_allclose, assert_array_equal

from lib import losses
from lib.array_autodiff import Array, log_softmax
from lib.autodiff import Scalar, cos, exp, forward_mode, log, log1p, order, relu, sin, tanh
from lib.calculus import gradient, jacobian

untimed = settings(deadline=None, max_examples=25)
seeds = st.integers(0, 2**32 - 1)


def spread(shape, seed=0, low=0.2, high=2.0):
    """Numbers away from zero, above it."""
    return np.random.default_rng(seed).uniform(low, high, size=shape)


# name: (with Arrays, with NumPy arrays, the shapes it takes)
OPERATIONS = {
    "exp": (exp, np.exp, [(2, 3)]),
    "log": (log, np.log, [(2, 3)]),
    "log1p": (log1p, np.log1p, [(2, 3)]),
    "sin": (sin, np.sin, [(2, 3)]),
    "cos": (cos, np.cos, [(4,)]),
    "tanh": (tanh, np.tanh, [()]),
    "relu": (lambda x: relu(x - 1.1), lambda x: np.maximum(x - 1.1, 0), [(3, 4)]),
    "minus": (lambda x: -x, lambda x: -x, [(3,)]),
    "cube": (lambda x: (x - 1) ** 3, lambda x: (x - 1) ** 3, [(3, 2)]),
    "zeroth power": (lambda x: (x - 1) ** 0, lambda x: (x - 1) ** 0, [(3, 2)]),
    "array of powers": (lambda x: x ** np.array([0, 1, 2.5]), lambda x: x ** np.array([0, 1, 2.5]), [(2, 3)]),
    "power of 2": (lambda x: 2**x, lambda x: 2**x, [(3, 2)]),
    "a + b": (lambda a, b: a + b, np.add, [(2, 3), (3,)]),
    "a - b": (lambda a, b: a - b, np.subtract, [(2, 1), (1, 3)]),
    "a * b": (lambda a, b: a * b, np.multiply, [(), (2, 3)]),
    "a / b": (lambda a, b: a / b, np.divide, [(3,), (2, 3)]),
    "a ** b": (lambda a, b: a**b, np.power, [(2, 3), (2, 1)]),
    "array + x": (lambda x: np.ones((2, 3)) + x, lambda x: np.ones((2, 3)) + x, [(3,)]),
    "1 - x": (lambda x: 1 - x, lambda x: 1 - x, [(3,)]),
    "x - array": (lambda x: x - np.ones((2, 3)), lambda x: x - np.ones((2, 3)), [(3,)]),
    "array * x": (lambda x: np.arange(3.0) * x, lambda x: np.arange(3.0) * x, [(2, 1)]),
    "array / x": (lambda x: np.arange(3.0) / x, lambda x: np.arange(3.0) / x, [(2, 1)]),
    "x / 3": (lambda x: x / 3, lambda x: x / 3, [(2, 1)]),
    "matrix @ matrix": (lambda a, b: a @ b, np.matmul, [(2, 3), (3, 4)]),
    "matrix @ vector": (lambda a, b: a @ b, np.matmul, [(2, 3), (3,)]),
    "vector @ matrix": (lambda a, b: a @ b, np.matmul, [(3,), (3, 4)]),
    "vector @ vector": (lambda a, b: a @ b, np.matmul, [(3,), (3,)]),
    "array @ x": (lambda x: np.ones((2, 3)) @ x, lambda x: np.ones((2, 3)) @ x, [(3, 2)]),
    "x @ array": (lambda x: x @ np.arange(3.0), lambda x: x @ np.arange(3.0), [(2, 3)]),
    "sum": (lambda x: x.sum(), np.sum, [(2, 3)]),
    "column sums": (lambda x: x.sum(0), lambda x: x.sum(0), [(2, 3)]),
    "row sums": (lambda x: x.sum(axis=-1), lambda x: x.sum(axis=-1), [(2, 3, 2)]),
    "two axes": (lambda x: x.sum((0, 2)), lambda x: x.sum((0, 2)), [(2, 3, 2)]),
    "mean": (lambda x: x.mean(), np.mean, [(2, 3)]),
    "row means": (lambda x: x.mean(1), lambda x: x.mean(1), [(2, 3)]),
    "reshape": (lambda x: x.reshape(3, 2), lambda x: x.reshape(3, 2), [(2, 3)]),
    "reshape by a guess": (lambda x: x.reshape((-1,)), lambda x: x.reshape(-1), [(2, 3)]),
    "transpose": (lambda x: x.transpose(), np.transpose, [(2, 3)]),
    "cycle of axes": (lambda x: x.transpose(1, 2, 0), lambda x: x.transpose(1, 2, 0), [(2, 3, 4)]),
    "slice": (lambda x: x[1:, ::2], lambda x: x[1:, ::2], [(3, 4)]),
    "one entry": (lambda x: x[1, 2], lambda x: x[1, 2], [(3, 4)]),
    "entries taken twice": (lambda x: x[[0, 2, 0]], lambda x: x[[0, 2, 0]], [(3, 2)]),
    "entries by a mask": (
        lambda x: x[np.array([True, False, True])],
        lambda x: x[np.array([True, False, True])],
        [(3,)],
    ),
    "log softmax": (log_softmax, lambda x: x - np.log(np.exp(x).sum(-1, keepdims=True)), [(2, 3)]),
}
each_operation = pytest.mark.parametrize("name", OPERATIONS)


@each_operation
def test_operations_have_the_values_and_jacobians_of_numpy(name):
    ours, theirs, shapes = OPERATIONS[name]
    values = [spread(shape, seed) for seed, shape in enumerate(shapes)]
    nodes = [Array(value) for value in values]
    output = ours(*nodes)
    assert_allclose(output.value, theirs(*values), rtol=1e-13)
    for i, node in enumerate(nodes):

        def changed(flat, i=i):
            arguments = [flat.reshape(v.shape) if k == i else v for k, v in enumerate(values)]
            return np.ravel(theirs(*arguments))

        J = jacobian(changed, values[i].ravel())
        rng = np.random.default_rng(3)
        g, t = rng.normal(size=output.shape), rng.normal(size=node.shape)
        output.backward(g)
        assert node.derivative.shape == node.shape
        assert_allclose(node.derivative.ravel(), np.ravel(g) @ J, rtol=1e-7, atol=1e-8)
        pushed = forward_mode(output, {node: t})
        assert pushed.shape == output.shape
        assert_allclose(np.ravel(pushed), J @ np.ravel(t), rtol=1e-7, atol=1e-8)


@each_operation
def test_the_precision_of_the_parameters_is_kept(name):
    ours, _, shapes = OPERATIONS[name]
    nodes = [Array(spread(shape).astype(np.float32)) for shape in shapes]
    output = ours(*nodes)
    output.backward(np.ones(output.shape))
    for node in order(output):
        assert node.value.dtype == node.derivative.dtype == np.float32
    assert forward_mode(output, {nodes[0]: np.ones(shapes[0])}).dtype == np.float32


@given(shapes=mutually_broadcastable_shapes(num_shapes=2, max_dims=3, max_side=3), seed=seeds)
@untimed
def test_broadcasting_is_undone(shapes, seed):
    a, b = (Array(spread(shape, seed)) for shape in shapes.input_shapes)
    product = a * b
    g = np.random.default_rng(seed).normal(size=product.shape)
    product.backward(g)
    wanted = [np.zeros(a.shape), np.zeros(b.shape)]
    index_a, index_b = (np.arange(x.value.size).reshape(x.shape) for x in (a, b))
    spread_a, spread_b = np.broadcast_arrays(index_a, index_b)
    for g_k, i, j in zip(g.ravel(), spread_a.ravel(), spread_b.ravel(), strict=True):
        wanted[0].flat[i] += g_k * b.value.flat[j]
        wanted[1].flat[j] += g_k * a.value.flat[i]
    assert_allclose(a.derivative, wanted[0], atol=1e-12)
    assert_allclose(b.derivative, wanted[1], atol=1e-12)


def network(rng, samples=5, sizes=(4, 6, 6, 3), dtype=float):
    """A ReLU network: its data, its parameters, and its loss with any library's operations."""
    x = rng.normal(size=(samples, sizes[0])).astype(dtype)
    labels = rng.integers(sizes[-1], size=samples)
    parameters = []
    for fan_in, fan_out in pairwise(sizes):
        parameters += [
            rng.normal(size=(fan_in, fan_out)).astype(dtype),
            rng.normal(size=fan_out).astype(dtype),
        ]

    def scores(parameters, relu):
        hidden = x
        for k in range(0, len(parameters), 2):
            hidden = hidden @ parameters[k] + parameters[k + 1]
            hidden = relu(hidden) if k + 2 < len(parameters) else hidden
        return hidden

    return parameters, scores, labels


def our_loss(parameters, scores, labels):
    return -log_softmax(scores(parameters, relu))[np.arange(len(labels)), labels].mean()


@given(seed=seeds)
@untimed
def test_the_loss_of_a_network_and_its_gradient(seed):
    rng = np.random.default_rng(seed)
    arrays, scores, labels = network(rng)
    nodes = [Array(array) for array in arrays]
    loss = our_loss(nodes, scores, labels)
    loss.backward()
    by_formula = losses.cross_entropy(scores(arrays, lambda x: np.maximum(x, 0)), labels)
    assert loss.value == pytest.approx(by_formula.value, rel=1e-12)
    directions = {node: rng.normal(size=node.shape) for node in nodes}
    along = sum((node.derivative * d).sum() for node, d in directions.items())
    assert forward_mode(loss, directions) == pytest.approx(along, rel=1e-9, abs=1e-12)


@given(seed=seeds)
@untimed
def test_the_gradient_of_a_network_is_that_of_pytorch(seed):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    arrays, scores, labels = network(rng)
    nodes = [Array(array) for array in arrays]
    our_loss(nodes, scores, labels).backward()
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    x = torch.tensor(scores.__closure__[0].cell_contents)
    for k in range(0, len(tensors), 2):
        x = x @ tensors[k] + tensors[k + 1]
        x = torch.relu(x) if k + 2 < len(tensors) else x
    torch.nn.functional.cross_entropy(x, torch.tensor(labels)).backward()
    for node, tensor in zip(nodes, tensors, strict=True):
        assert_allclose(node.derivative, tensor.grad.numpy(), rtol=1e-9, atol=1e-12)


def test_the_gradient_of_a_network_is_a_finite_difference():
    rng = np.random.default_rng(0)
    arrays, scores, labels = network(rng)
    nodes = [Array(array) for array in arrays]
    our_loss(nodes, scores, labels).backward()

    def value(first):
        return losses.cross_entropy(scores([first, *arrays[1:]], lambda x: np.maximum(x, 0)), labels).value

    assert_allclose(nodes[0].derivative, gradient(value, arrays[0]), atol=1e-8)


@given(seed=seeds)
@untimed
def test_arrays_of_one_number_are_scalars(seed):
    at = np.random.default_rng(seed).uniform(0.5, 2, size=3)

    def compute(x, y, z):
        return exp(-x * y) + tanh(y / z) ** 3 - log(1 + x * x) * (2**z) + relu(x - y) - sin(z) / 3

    scalars, arrays = [Scalar(v) for v in at], [Array(v) for v in at]
    one, other = compute(*scalars), compute(*arrays)
    one.backward()
    other.backward()
    assert one.value == pytest.approx(other.value)
    assert [s.derivative for s in scalars] == pytest.approx([float(a.derivative) for a in arrays])
    assert [node.operation.replace("c + a", "a + c") for node in order(one)] == [
        node.operation.replace("a * c", "c * a") for node in order(other)
    ]


def test_a_sum_with_shared_parts_adds_up_and_a_second_sweep_starts_afresh():
    x = Array([1.0, 2.0])
    y = (x * x + x).sum()
    for _ in range(2):
        y.backward()
        assert_array_equal(x.derivative, [3, 5])


def test_constants_are_no_nodes():
    x, data = Array([[1.0, 2.0]]), np.eye(2)
    y = data @ (x @ data - 1).T @ Array([3.0])
    assert len(order(y)) == 7
    first, second = order(y)[1:3]
    assert (first.operation, second.operation, second.constant) == ("a @ c", "a - c", 1)
    assert first.constant is data
    assert (data @ x.T).operation == "c @ a"
    assert (1 / x).operation == "c / a"
    assert (x**2).operation == "a ** c"
    assert (2**x).operation == "c ** a"
    assert (2 - x).operation == "c - a"


@pytest.mark.filterwarnings("error")
def test_the_zeroth_power_is_flat_at_zero_too():
    x = Array([0.0, 0.0, 2.0])
    (x ** np.array([0, 1, 2])).sum().backward()
    assert_array_equal(x.derivative, [0, 1, 4])


def test_derivatives_of_inputs_share_no_memory():
    a, b = Array(np.ones(3)), Array(np.ones(3))
    total = a + b
    seed = np.ones(3)
    total.backward(seed)
    arrays = [a.derivative, b.derivative, total.derivative, seed]
    for k, one in enumerate(arrays):
        assert not any(np.shares_memory(one, other) for other in arrays[k + 1 :])
        one[0] = 5


def test_the_value_is_not_copied():
    weights = np.ones(3)
    assert Array(weights).value is weights


def test_large_scores_neither_overflow_nor_lose_the_small_ones():
    scores = Array(np.array([[1e4, 0.0], [-1e4, 0.0]]))
    out = log_softmax(scores)
    assert_array_equal(out.value, [[0, -1e4], [-1e4, 0]])
    out.backward(np.ones((2, 2)))
    assert_array_equal(scores.derivative, [[-1, 1], [1, -1]])


def test_a_deep_chain_needs_no_recursion():
    x = Array(np.ones(2))
    y = x
    for _ in range(5_000):
        y = y + 1
    y.backward([1.0, 2.0])
    assert_array_equal(x.derivative, [1, 2])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Array("a"), TypeError, "value must hold real numbers, got 'a'"),
        (lambda: Array([1j]), TypeError, "value must hold real numbers"),
        (
            lambda: Array([1.0]) + "a",
            TypeError,
            "the other operand of an Array must hold real numbers, got 'a'",
        ),
        (lambda: Array([1.0]) * Scalar(1), TypeError, "the other operand of an Array must hold real numbers"),
        (lambda: Scalar(1) * Array([1.0]), TypeError, "the other operand of a Scalar must be a real number"),
        (lambda: Array(np.ones(3)) + np.ones(2), ValueError, "could not be broadcast"),
        (lambda: Array(np.ones((2, 3))) @ np.ones(2), ValueError, "mismatch"),
        (
            lambda: Array(np.ones((2, 3, 2))) @ np.ones(2),
            ValueError,
            "vectors and matrices, got shapes (2, 3, 2)",
        ),
        (lambda: Array(1.0) @ np.ones(2), ValueError, "vectors and matrices, got shapes ()"),
        (
            lambda: Array(np.ones(3)).backward(),
            ValueError,
            "backward needs a gradient, for the output has shape (3,)",
        ),
        (
            lambda: Array(np.ones(3)).backward([1]),
            ValueError,
            "gradient must have shape (3,), got shape (1,)",
        ),
        (lambda: forward_mode(Array(1.0), Array(1.0)), TypeError, "directions must be a Scalar, or a dict"),
        (lambda: log_softmax(np.ones(3)), TypeError, "scores must be an Array, got array([1., 1., 1.])"),
        (lambda: log_softmax(Scalar(1)), TypeError, "scores must be an Array, got Scalar(1.0)"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call()


def test_a_direction_has_the_shape_of_its_node():
    x = Array(np.ones(2))
    with pytest.raises(ValueError, match=re.escape("a component of the direction must have shape (2,)")):
        forward_mode(x * x, {x: 1.0})
