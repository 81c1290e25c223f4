"""The engine of the checks: deciding equality, and refusing a comparison of a thing with itself."""

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.equality import CheckFailed, Undecided, _admissible, equal, expression, unnoticed

x, y = sp.symbols("x y", real=True)
z = sp.symbols("z")
s = sp.symbols("s", positive=True)
n = sp.symbols("n", integer=True, positive=True)
even, odd = sp.symbols("e", even=True), sp.symbols("o", odd=True)
f, g = sp.Function("f"), sp.Function("g")
i = sp.symbols("i", integer=True)
data = sp.IndexedBase("d")
A, B = sp.MatrixSymbol("A", 2, 2), sp.MatrixSymbol("B", 2, 2)

TRUTHS = {
    "derivative": (sp.diff(sp.sin(x) ** 2, x), sp.sin(2 * x)),
    "unevaluated derivative": (sp.Derivative(x**3, x), 3 * x**2),
    "unevaluated sum": (sp.Sum(i, (i, 1, n)), n * (n + 1) / 2),
    "unevaluated integral": (sp.Integral(sp.exp(-(x**2) / s), (x, -sp.oo, sp.oo)), sp.sqrt(sp.pi * s)),
    "unevaluated limit": (sp.Limit(sp.sin(x) / x, x, 0), sp.Integer(1)),
    "positive root": (sp.sqrt(s**2 * x**2), s * sp.Abs(x)),
    "root of a square of positive numbers": (sp.sqrt(s**2 + 2 * s + 1), s + 1),
    "powers of an even number": ((-1) ** even, sp.Integer(1)),
    "powers of an odd number": ((-1) ** odd, sp.Integer(-1)),
    "modulus": (z * sp.conjugate(z), sp.Abs(z) ** 2),
    "cases": (sp.Max(0, x), (x + sp.Abs(x)) / 2),
    "sigmoid": (sp.diff(1 / (1 + sp.exp(-x)), x), sp.exp(-x) / (1 + sp.exp(-x)) ** 2),
    "nested roots": (sp.sqrt(3 + 2 * sp.sqrt(2)), 1 + sp.sqrt(2)),
    "unknown function": (sp.diff(f(x) * g(x), x), g(x) * f(x).diff(x) + f(x) * g(x).diff(x)),
    "chain rule": (sp.diff(f(g(x)), x), f(y).diff(y).subs(y, g(x)) * g(x).diff(x)),
    "sum of unknown function": (sp.Sum(2 * f(i), (i, 1, n)), 2 * sp.Sum(f(i), (i, 1, n))),
    "indexed sum": (sp.Sum(3 * data[i], (i, 1, n)), 3 * sp.Sum(data[i], (i, 1, n))),
    "product that cancels": (sp.exp(x) * (sp.sin(x) ** 2 + sp.cos(x) ** 2 - 1), sp.Integer(0)),
    "infinity": (sp.limit(1 / x, x, 0, "+"), sp.oo),
    "transposes": (expression("", (A * B).T), expression("", B.T * A.T)),
}
FALSEHOODS = {
    "derivative": (sp.diff(sp.sin(x) ** 2, x), sp.cos(2 * x)),
    "root of a real square": (sp.sqrt(x**2), x),
    "root of a complex square": (sp.sqrt(z**2), sp.Abs(z)),
    "conjugate": (sp.conjugate(z), z),
    "integers are not all even": ((-1) ** n, sp.Integer(1)),
    "separable functions only": (
        f(x, y) * f(x, y).diff(x, y),
        f(x, y).diff(x) * f(x, y).diff(y),
    ),
    "unevaluated integral": (sp.Integral(sp.exp(-(x**2) / s), (x, -sp.oo, sp.oo)), sp.sqrt(sp.pi * 2 * s)),
    "quadrature": (sp.Integral(sp.exp(-(x**x)), (x, 1, 2)), sp.Rational(1, 7)),
    "indexed sum": (sp.Sum(3 * data[i], (i, 1, n)), 2 * sp.Sum(data[i], (i, 1, n))),
    "infinities": (sp.oo, -sp.oo),
    "infinite and finite": (sp.oo, x),
    "products of matrices": (expression("", A * B), expression("", B * A)),
    "shapes": (sp.ones(1, 2), sp.ones(2, 1)),
    "matrix and number": (sp.ones(1, 1), sp.Integer(1)),
}


@pytest.mark.parametrize("name", TRUTHS)
def test_equal_truths(name):
    assert equal(*TRUTHS[name])


@pytest.mark.parametrize("name", FALSEHOODS)
def test_different_falsehoods(name):
    assert not equal(*FALSEHOODS[name])


def test_positive_functions_are_positive_at_the_points_tried():
    h = sp.Function("h", positive=True)
    assert equal(sp.sqrt(h(x, y) ** 2 + 2 * h(x, y) + 1), h(x, y) + 1)


@pytest.mark.parametrize(
    "assumptions",
    [
        {"positive": True},
        {"nonpositive": True},
        {"integer": True, "negative": True},
        {"even": True, "nonzero": True},
        {"odd": True, "positive": True},
        {"prime": True},
        {"imaginary": True},
        {"irrational": True},
        {"zero": True},
        {"real": False, "complex": True},
    ],
)
def test_points_fit_what_is_assumed(assumptions):
    symbol, generator = sp.Symbol("q", **assumptions), np.random.default_rng(0)
    for _ in range(20):
        number = _admissible(symbol, generator)
        assert {name: getattr(number, f"is_{name}") for name in assumptions} == assumptions


def test_points_of_plain_symbols_are_not_all_real():
    generator = np.random.default_rng(0)
    assert {_admissible(z, generator).is_real for _ in range(20)} == {True, False}


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (sp.Integral(sp.exp(-(x**x)), (x, 1, 2)), sp.Integral(sp.exp(-((x + 1) ** (x + 1))), (x, 0, 1))),
        (sp.nan, sp.nan),
    ],
    ids=["integrals without a formula", "nan"],
)
def test_undecided_is_an_error(left, right):
    with pytest.raises(Undecided, match="cannot decide"):
        equal(left, right)


def test_expression_accepts_matrices_of_every_kind():
    for value in ([[1, 2], [3, 4]], np.array([[1, 2], [3, 4]]), sp.ImmutableMatrix([[1, 2], [3, 4]])):
        assert equal(expression("value", value), sp.Matrix([[1, 2], [3, 4]]))
    assert expression("value", A).shape == (2, 2)
    assert expression("value", np.float64(2.5)) == sp.Float(2.5)
    assert expression("value", np.array(3)) == 3


@pytest.mark.parametrize(
    "value", ["x**2", sp.Eq(x, y), sp.true, sp.Interval(0, 1), sp.MatrixSymbol("M", n, n), None, object()]
)
def test_expression_rejects_what_is_none(value):
    with pytest.raises(TypeError, match="claimed must be"):
        expression("claimed", value)


def test_unnoticed_faults():
    assert unnoticed(x + 1, x + 1) is None
    assert unnoticed(sp.Integer(0), sp.Integer(0)) is None
    assert unnoticed(sp.oo, sp.oo) is None
    assert unnoticed(sp.zoo, sp.zoo) == "a wrong sign"
    hidden = sp.sin(y) ** 2 + sp.cos(y) ** 2 - 1
    claimed = sp.Add(x, sp.Mul(3, hidden, evaluate=False), evaluate=False)
    assert unnoticed(x, claimed).startswith("a wrong sign of")
    assert unnoticed(sp.Matrix([[1, x]]), sp.Matrix([[1, claimed]])).endswith("in entry (0, 1)")


coefficients = st.lists(st.integers(-5, 5), min_size=1, max_size=4)
waves = st.sampled_from([x, sp.sin(x), sp.cos(x), sp.sin(2 * x), sp.exp(x)])


@settings(max_examples=25, deadline=None)
@given(coefficients, coefficients, waves, st.data())
def test_products_equal_their_expansion_and_no_other(first, second, wave, data):
    p, q = (sum(c * wave**k for k, c in enumerate(cs)) for cs in (first, second))
    expanded = sp.expand(p * q)
    assert equal(expanded, p * q)
    assert unnoticed(p * q, expanded) is None
    power = data.draw(st.integers(0, 6))
    assert not equal(expanded + data.draw(st.sampled_from([-1, 1, 7])) * wave**power, p * q)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4))
def test_sums_of_angles(a, b):
    assert equal(sp.sin(a * x + b * y), sp.sin(a * x) * sp.cos(b * y) + sp.cos(a * x) * sp.sin(b * y))
    assert not equal(sp.sin(a * x + b * y), sp.sin(a * x) * sp.cos(b * y) - sp.cos(a * x) * sp.sin(b * y))


def test_failed_checks_are_assertions():
    assert issubclass(Undecided, CheckFailed)
    assert issubclass(CheckFailed, AssertionError)
