"""Graphs of numbers against computation by hand, the complex step and PyTorch."""

import math
import operator
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from lib.autodiff import Scalar, cos, cost, exp, forward_mode, log, log1p, order, relu, sin, tanh
from lib.calculus import complex_step

untimed = settings(deadline=None, max_examples=25)
seeds = st.integers(0, 2**32 - 1)
numbers = st.floats(-3, 3)

# name: (with nodes, with NumPy's complex numbers, the arguments that it takes)
FUNCTIONS = {
    "exp": (exp, np.exp, numbers),
    "log": (log, np.log, st.floats(0.1, 9)),
    "log1p": (log1p, np.log1p, st.floats(-0.9, 9)),
    "sin": (sin, np.sin, numbers),
    "cos": (cos, np.cos, numbers),
    "tanh": (tanh, np.tanh, numbers),
    "minus": (operator.neg, operator.neg, numbers),
    "cube": (lambda x: x**3, lambda x: x**3, numbers),
    "zeroth power": (lambda x: x**0, lambda x: x**0, numbers),
    "reciprocal": (lambda x: x**-1, lambda x: x**-1, st.floats(0.1, 9)),
    "root": (lambda x: x**0.5, lambda x: x**0.5, st.floats(0.1, 9)),
    "power of 3": (lambda x: 3**x, lambda x: 3**x, numbers),
    "x + 2": (lambda x: x + 2, lambda x: x + 2, numbers),
    "2 + x": (lambda x: 2 + x, lambda x: 2 + x, numbers),
    "x - 2": (lambda x: x - 2, lambda x: x - 2, numbers),
    "2 - x": (lambda x: 2 - x, lambda x: 2 - x, numbers),
    "x * 2": (lambda x: x * 2, lambda x: x * 2, numbers),
    "2 * x": (lambda x: 2 * x, lambda x: 2 * x, numbers),
    "x / 2": (lambda x: x / 2, lambda x: x / 2, numbers),
    "2 / x": (lambda x: 2 / x, lambda x: 2 / x, st.floats(0.1, 9)),
}
BINARY = {
    "+": (operator.add, numbers),
    "-": (operator.sub, numbers),
    "*": (operator.mul, numbers),
    "/": (operator.truediv, st.floats(0.1, 9)),
    "**": (operator.pow, st.floats(0.1, 3)),
}


def strang():
    x, y = Scalar(2, "x"), Scalar(3, "y")
    c, s = x**2, x + y
    return x, y, c, s, c * s


@pytest.mark.parametrize("name", FUNCTIONS)
@given(data=st.data())
@untimed
def test_functions_of_one_number(name, data):
    ours, theirs, domain = FUNCTIONS[name]
    at = data.draw(domain)
    x = Scalar(at)
    y = ours(x)
    y.backward()
    assert y.value == pytest.approx(theirs(at + 0j).real, rel=1e-14, abs=1e-14)
    slope = complex_step(lambda z: theirs(z), at)
    assert x.derivative == pytest.approx(slope, rel=1e-12, abs=1e-14)
    assert forward_mode(y, x) == x.derivative
    assert y.parents == (x,)
    assert y.partials == (x.derivative,)


@pytest.mark.parametrize("name", BINARY)
@given(data=st.data())
@untimed
def test_operations_of_two_numbers(name, data):
    operation, domain = BINARY[name]
    at = data.draw(domain), data.draw(domain)
    a, b = map(Scalar, at)
    y = operation(a, b)
    y.backward()
    assert y.value == operation(*at)
    assert a.derivative == pytest.approx(
        complex_step(lambda z: operation(z, at[1]), at[0]), rel=1e-12, abs=1e-14
    )
    assert b.derivative == pytest.approx(
        complex_step(lambda z: operation(at[0], z), at[1]), rel=1e-12, abs=1e-14
    )
    assert forward_mode(y, {a: 2, b: -1}) == pytest.approx(2 * a.derivative - b.derivative, abs=1e-12)
    assert y.operation == f"a {name} b"
    assert (y.parents, y.partials) == ((a, b), (a.derivative, b.derivative))


@given(x=st.floats(-3, 3).filter(lambda x: x != 0))
@untimed
def test_relu_passes_what_is_positive(x):
    node = Scalar(x)
    y = relu(node)
    y.backward()
    assert (y.value, node.derivative) == ((x, 1.0) if x > 0 else (0.0, 0.0))


def test_relu_at_its_kink_has_the_derivative_zero():
    x = Scalar(0)
    relu(x).backward()
    assert x.derivative == 0


def test_log1p_keeps_the_digits_of_a_small_number():
    assert log1p(Scalar(1e-18)).value == 1e-18


def test_a_power_may_have_a_negative_base_and_a_zero():
    x = Scalar(-2)
    (x**3).backward()
    assert x.derivative == 12
    zero = Scalar(0)
    (zero**0).backward()
    assert zero.derivative == 0
    (zero**1).backward()
    assert zero.derivative == 1


def test_the_square_times_the_sum_by_hand():
    x, y, c, s, F = strang()
    F.backward()
    assert [node.value for node in (x, y, c, s, F)] == [2, 3, 4, 5, 20]
    assert [node.derivative for node in (x, y, c, s, F)] == [24, 4, 5, 4, 1]
    assert c.partials == (4,)
    assert s.partials == (1, 1)
    assert F.partials == (5, 4)
    assert forward_mode(F, x) == 24
    assert [node.tangent for node in (x, y, c, s, F)] == [1, 0, 4, 1, 24]
    assert forward_mode(F, y) == 4
    assert [node.tangent for node in (x, y, c, s, F)] == [0, 1, 0, 1, 4]


@given(x=numbers, y=numbers)
@untimed
def test_the_difference_with_a_logarithm_by_hand(x, y):
    v1, v2 = Scalar(x), Scalar(y)
    v3 = v1 * v2
    v4 = exp(v3)
    v5 = 1 + v4
    v6 = log(v5)
    v7 = v3 - v6
    v7.backward()
    e = math.exp(x * y)
    assert v7.value == pytest.approx(x * y - math.log(1 + e), abs=1e-12)
    assert v7.derivative == 1
    assert v6.derivative == -1
    assert v5.derivative == v4.derivative == pytest.approx(-1 / (1 + e))
    assert v3.derivative == pytest.approx(1 - e / (1 + e), rel=1e-9)
    assert v2.derivative == pytest.approx(x * v3.derivative)
    assert v1.derivative == pytest.approx(y * v3.derivative)
    assert order(v7) == [v1, v2, v3, v4, v5, v6, v7]


STEPS = (
    lambda a, b, library: a + b,
    lambda a, b, library: a * b / 3,
    lambda a, b, library: a / (2 + b * b),
    lambda a, b, library: library["tanh"](a - b),
    lambda a, b, library: library["sin"](a) + 0.1 * b,
    lambda a, b, library: library["exp"](-a * a),
    lambda a, b, library: 1 - 2 * b,
)


def random_graph(seed, size=12):
    """Return inputs and a function of a random graph over them, for Scalars and for complex numbers."""
    rng = np.random.default_rng(seed)
    inputs = rng.uniform(0.5, 2, size=int(rng.integers(1, 4)))
    steps = [
        (int(rng.integers(len(STEPS))), *map(int, rng.integers(0, len(inputs) + k, 2))) for k in range(size)
    ]

    def compute(values, library):
        values = list(values)
        for kind, i, j in steps:
            values.append(STEPS[kind](values[i], values[j], library))
        return values[-1] + sum(values[:-1]) * 0.01

    return inputs, compute


OURS = {"exp": exp, "sin": sin, "tanh": tanh}
NUMPY = {"exp": np.exp, "sin": np.sin, "tanh": np.tanh}


@given(seed=seeds)
@untimed
def test_on_random_graphs_both_modes_find_the_gradient(seed):
    inputs, compute = random_graph(seed)
    nodes = [Scalar(value) for value in inputs]
    output = compute(nodes, OURS)
    output.backward()
    assert output.value == pytest.approx(compute(inputs, NUMPY), rel=1e-12)
    for i, node in enumerate(nodes):
        bumped = inputs.astype(complex)
        bumped[i] += 1e-20j
        slope = compute(bumped, NUMPY).imag / 1e-20
        assert node.derivative == pytest.approx(slope, rel=1e-9, abs=1e-12)
        assert forward_mode(output, node) == pytest.approx(node.derivative, rel=1e-12, abs=1e-14)
    direction = np.random.default_rng(seed).normal(size=len(nodes))
    along = forward_mode(output, dict(zip(nodes, direction, strict=True)))
    assert along == pytest.approx(direction @ [node.derivative for node in nodes], rel=1e-9, abs=1e-12)


@given(seed=seeds)
@settings(deadline=None, max_examples=30)
def test_gradients_of_random_graphs_are_those_of_pytorch(seed):
    torch = pytest.importorskip("torch")
    inputs, compute = random_graph(seed)
    nodes = [Scalar(value) for value in inputs]
    compute(nodes, OURS).backward()
    tensors = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in inputs]
    compute(tensors, {"exp": torch.exp, "sin": torch.sin, "tanh": torch.tanh}).backward()
    theirs = [0.0 if tensor.grad is None else tensor.grad.item() for tensor in tensors]
    assert_allclose([node.derivative for node in nodes], theirs, rtol=1e-9, atol=1e-12)


@given(seed=seeds)
@untimed
def test_parents_stand_before_children_and_nothing_stands_twice(seed):
    inputs, compute = random_graph(seed)
    nodes = order(compute([Scalar(value) for value in inputs], OURS))
    place = {node: k for k, node in enumerate(nodes)}
    assert len(place) == len(nodes)
    for node in nodes:
        assert all(place[parent] < place[node] for parent in node.parents)


def test_the_order_holds_what_leads_to_the_outputs_and_nothing_else():
    x, y, c, s, F = strang()
    assert order(F) == [x, y, c, s, F]
    assert order(s) == [x, y, s]
    assert order(c, s) == order(s, c, s) == [x, y, c, s]


def test_a_shared_subexpression_collects_from_all_its_children():
    x = Scalar(1.5)
    y = x
    for _ in range(50):  # 2^50 ways lead from x to y
        y = y + y
    y.backward()
    assert x.derivative == 2**50
    z = x * x
    z.backward()
    assert x.derivative == 3


def test_a_second_sweep_starts_afresh():
    x = Scalar(3)
    y = x * x
    y.backward()
    y.backward()
    assert x.derivative == 6
    (y * x).backward()
    assert (x.derivative, y.derivative) == (27, 3)


def test_a_deep_chain_needs_no_recursion():
    x = Scalar(1)
    y = x
    for _ in range(100_000):
        y = y * 1.00001
    y.backward()
    assert x.derivative == pytest.approx(math.e, rel=1e-4)
    assert forward_mode(y, x) == pytest.approx(x.derivative, rel=1e-10)
    assert len(order(y)) == 100_001
    del y


def test_an_output_that_is_its_own_input():
    x = Scalar(4)
    x.backward()
    assert x.derivative == 1
    assert forward_mode(x, x) == 1
    assert forward_mode(x, Scalar(1)) == 0


def test_a_forward_sweep_may_begin_in_the_middle():
    x, _, c, _, F = strang()
    assert forward_mode(F, c) == 5
    assert forward_mode(F, {c: 1, x: 1}) == 5 + 4


def test_nothing_is_known_before_a_sweep():
    x, _, c, _, _ = strang()
    assert x.derivative is x.tangent is c.derivative is c.tangent is None


@given(inputs=st.integers(1, 6), outputs=st.integers(1, 6))
@untimed
def test_forward_pays_for_inputs_and_reverse_for_outputs(inputs, outputs):
    x = [Scalar(k + 1) for k in range(inputs)]
    middle = x[0]
    for other in x[1:]:
        middle = middle * other
    found = cost(*(middle * (k + 2) for k in range(outputs)))
    assert found.operations == inputs - 1 + outputs
    assert found.edges == 2 * (inputs - 1) + outputs
    assert found.forward == inputs * found.edges
    assert found.reverse == outputs * found.edges
    assert found.edges <= 2 * found.operations


def test_the_constant_and_the_name_are_kept():
    x = Scalar(2, "x")
    assert repr(x) == "Scalar(2.0, 'x')"
    y = 1 - x
    assert (y.operation, y.constant, y.name) == ("c - a", 1.0, None)
    y.name = "y"
    assert repr(y) == "Scalar(-1.0, 'y')"
    assert repr(-y) == "Scalar(1.0)"


def test_numpy_numbers_are_numbers():
    x = Scalar(np.float32(0.5))
    for y in (np.float64(2) * x, x * np.int64(2), np.float32(1) + x - np.float64(0)):
        assert type(y) is Scalar
        assert type(y.value) is float


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Scalar("1"), TypeError, "value must be a real number, got '1'"),
        (lambda: Scalar(math.nan), ValueError, "value must be finite, got nan"),
        (lambda: Scalar(True), TypeError, "value must be a real number, got True"),
        (lambda: Scalar(1) + "2", TypeError, "the other operand of a Scalar must be a real number, got '2'"),
        (lambda: 1j * Scalar(1), TypeError, "the other operand of a Scalar must be a real number, got 1j"),
        (lambda: np.ones(2) * Scalar(1), TypeError, "must be a real number, got array([1., 1.])"),
        (lambda: log(Scalar(0)), ValueError, "the argument of log must be above 0, got 0.0"),
        (lambda: log1p(Scalar(-1)), ValueError, "1 + the argument of log1p must be above 0, got 0.0"),
        (lambda: Scalar(-2) ** 0.5, ValueError, "must be a whole number, got -2.0 ** 0.5"),
        (lambda: Scalar(-2) ** Scalar(2), ValueError, "with a Scalar exponent must be above 0, got -2.0"),
        (lambda: (-2) ** Scalar(2), ValueError, "with a Scalar exponent must be above 0, got -2.0"),
        (lambda: Scalar(1) / 0, ZeroDivisionError, "division by zero"),
        (lambda: exp(2.0), TypeError, "exp takes a Scalar or an Array, got 2.0"),
        (lambda: forward_mode(Scalar(1), 2), TypeError, "directions must be a Scalar, or a dict"),
        (lambda: forward_mode(Scalar(1), {"x": 2}), TypeError, "directions must be a Scalar, or a dict"),
        (
            lambda: forward_mode(Scalar(1), {Scalar(1): "2"}),
            TypeError,
            "a component of the direction must be",
        ),
        (lambda: order(3), TypeError, "outputs must be Scalars or Arrays, got 3"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call()
