"""Differences against exact derivatives, their orders, and SciPy; Taylor polynomials against SymPy."""

import re

import numpy as np
import pytest
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from landscapes import waves, waves_gradient, waves_hessian
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize._numdiff import approx_derivative

from lib.calculus import (
    EPSILON,
    backward_difference,
    centered_difference,
    complex_step,
    directional_derivative,
    forward_difference,
    gradient,
    gradient_error,
    hessian,
    jacobian,
    taylor,
)

untimed = settings(deadline=None, max_examples=50)
numbers = st.floats(-3, 3)
QUOTIENTS = [forward_difference, backward_difference, centered_difference]


def spiral(point):
    x, y = point
    return np.array([x * np.cos(y), x * np.sin(y), x * x * y])


def spiral_jacobian(point):
    x, y = point
    return np.array([[np.cos(y), -x * np.sin(y)], [np.sin(y), x * np.cos(y)], [2 * x * y, x * x]])


@pytest.mark.parametrize(
    ("quotient", "order", "leading"),
    [
        (forward_difference, 1, lambda x: np.exp(x) / 2),
        (backward_difference, 1, lambda x: -np.exp(x) / 2),
        (centered_difference, 2, lambda x: np.exp(x) / 6),
    ],
)
def test_the_error_has_its_order_and_its_leading_coefficient(quotient, order, leading):
    x, h = np.linspace(-1, 1, 5), 1e-3
    error = quotient(np.exp, x, h) - np.exp(x)
    assert_allclose(error / h**order, leading(x), rtol=2e-3)


@pytest.mark.parametrize(
    ("quotient", "power", "reach"), [(forward_difference, 1 / 2, 1e-7), (centered_difference, 1 / 3, 1e-9)]
)
def test_the_best_step_balances_truncation_and_rounding(quotient, power, reach):
    h = EPSILON**power * np.geomspace(1e-3, 1e3, 61)
    x = np.linspace(0.5, 1.5, 40)[:, None]
    worst = abs(quotient(np.exp, x, h) - np.exp(x)).max(axis=0)
    best = h[worst.argmin()]
    assert EPSILON**power / 10 < best < EPSILON**power * 10
    assert worst.min() < reach < worst[[0, -1]].min()


@given(coefficients=hnp.arrays(float, 3, elements=numbers), x=numbers, h=st.floats(0.01, 1))
@untimed
def test_on_parabolas_the_centered_difference_is_exact_and_the_others_off_by_h_times_the_curvature(
    coefficients, x, h
):
    f, slope = np.polynomial.Polynomial(coefficients), np.polynomial.Polynomial(coefficients).deriv()
    error = {quotient: quotient(f, x, h) - slope(x) for quotient in QUOTIENTS}
    assert_allclose(error[centered_difference], 0, atol=1e-11)
    assert_allclose(error[forward_difference], h * coefficients[2], atol=1e-11)
    assert_allclose(error[backward_difference], -h * coefficients[2], atol=1e-11)


@given(x=numbers)
@untimed
def test_the_complex_step_is_right_to_the_last_digits(x):
    assert_allclose(
        complex_step(lambda x: np.exp(x) * np.sin(x) ** 3, x),
        derivative_of_product(x),
        rtol=1e-14,
        atol=1e-15,
    )


def derivative_of_product(x):
    return np.exp(x) * np.sin(x) ** 2 * (np.sin(x) + 3 * np.cos(x))


@pytest.mark.parametrize("quotient", [*QUOTIENTS, complex_step])
def test_quotients_broadcast_points_with_steps(quotient):
    x, h = np.array([[0.5], [1.0]]), np.array([0.1, 0.2, 0.3])
    table = quotient(np.sin, x, h)
    assert table.shape == (2, 3)
    for i, j in np.ndindex(2, 3):
        assert table[i, j] == quotient(np.sin, x[i, 0], h[j])


@given(point=hnp.arrays(float, 2, elements=numbers))
@untimed
def test_gradient_jacobian_and_hessian_are_those_of_the_formula_and_of_scipy(point):
    assert_allclose(gradient(waves, point), waves_gradient(point), atol=1e-8)
    assert_allclose(gradient(waves, point), approx_derivative(waves, point, method="3-point"), atol=1e-8)
    assert_allclose(jacobian(spiral, point), spiral_jacobian(point), atol=1e-8)
    assert_allclose(jacobian(spiral, point), approx_derivative(spiral, point, method="3-point"), atol=1e-8)
    assert_allclose(jacobian(waves_gradient, point), waves_hessian(point), atol=1e-7)
    # The fourth derivatives are at most 274, so at 3 the quotient may miss by 274 (2h)²/12, 1.2e-5.
    assert_allclose(hessian(waves, point), waves_hessian(point), atol=2e-5)


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 2, 2)])
def test_the_gradient_has_the_shape_of_the_point(shape):
    x = np.random.default_rng(1).normal(size=shape)
    weights = np.random.default_rng(2).normal(size=shape)
    assert_allclose(gradient(lambda x: np.sum(weights * x**2), x), 2 * weights * x, atol=1e-8)


def test_the_step_grows_with_the_point():
    assert_allclose(gradient(lambda x: np.sum(x**2), [1e8, 1e-8]), [2e8, 2e-8], rtol=1e-9, atol=1)
    assert_allclose(hessian(lambda x: np.sum(x**3), [1e6, 1.0]), np.diag([6e6, 6]), rtol=1e-4, atol=1e5)


@pytest.mark.parametrize(
    "call",
    [
        lambda f, x: gradient(lambda x: f(x).sum(), x),
        jacobian,
        lambda f, x: forward_difference(f, x, 0.1),
        lambda f, x: gradient_error(lambda x: f(x).sum(), f, x, np.random.default_rng(0)),
    ],
)
def test_a_function_that_works_in_place_cannot_move_the_point(call):
    def spoiling(x):
        x += 1
        return x

    point = np.array([1.0, 2.0])
    call(spoiling, point)
    assert_array_equal(point, [1, 2])


@given(point=hnp.arrays(float, 2, elements=numbers), angle=st.floats(0, 7), length=st.floats(0.01, 100))
@untimed
def test_the_directional_derivative_is_the_gradient_times_the_direction(point, angle, length):
    direction = length * np.array([np.cos(angle), np.sin(angle)])
    expected = waves_gradient(point) @ direction
    assert_allclose(directional_derivative(waves, point, direction), expected, atol=1e-8 * length)


def test_taylor_polynomials_of_one_variable_are_those_of_sympy():
    x = sp.symbols("x")
    f, center = sp.exp(sp.sin(x)), 0.3
    derivatives = [float(f.diff(x, order).subs(x, center)) for order in range(6)]
    exact = sp.lambdify(x, sp.series(f, x, sp.Rational(3, 10), 6).removeO())
    points = np.linspace(-1, 1, 9)
    assert_allclose(taylor(center, *derivatives)(points), exact(points), rtol=1e-12)


def test_taylor_polynomials_of_two_variables_are_those_of_sympy():
    x, y, t = sp.symbols("x y t")
    f, center = sp.exp(x) * sp.sin(y + x), (0.2, -0.1)
    variables = (x, y)

    def tensor(order):
        entries = [
            float(f.diff(*[variables[i] for i in index]).subs(dict(zip(variables, center, strict=True))))
            if order
            else float(f.subs(dict(zip(variables, center, strict=True))))
            for index in np.ndindex((2,) * order)
        ]
        return np.reshape(entries, (2,) * order)

    along = f.subs(
        {x: center[0] + t * (x - center[0]), y: center[1] + t * (y - center[1])}, simultaneous=True
    )
    points = np.random.default_rng(3).normal(size=(2, 4, 3))
    for order in range(4):
        exact = sum(along.diff(t, k).subs(t, 0) / sp.factorial(k) for k in range(order + 1))
        expected = np.broadcast_to(sp.lambdify(variables, exact)(*points), (4, 3))
        polynomial = taylor(center, *[tensor(k) for k in range(order + 1)])
        assert_allclose(polynomial(points), expected, rtol=1e-12, atol=1e-12)
        assert_allclose(polynomial(points[:, 1, 2]), expected[1, 2], rtol=1e-12, atol=1e-12)


def test_the_error_of_a_taylor_polynomial_has_the_next_order():
    point, direction = np.array([0.3, -0.2]), np.array([0.6, 0.8])
    lengths = np.geomspace(2e-2, 1e-3, 9)
    points = point[:, None] + direction[:, None] * lengths
    for order in (1, 2):
        derivatives = [waves(point), waves_gradient(point), waves_hessian(point)][: order + 1]
        errors = abs(taylor(point, *derivatives)(points) - waves(points))
        slope = np.polyfit(np.log(lengths), np.log(errors), 1)[0]
        assert slope == pytest.approx(order + 1, abs=0.1)


@pytest.mark.parametrize("shape", [(), (4,), (2, 3)])
def test_the_gradient_check_passes_right_gradients_and_fails_wrong_ones(shape):
    x = np.random.default_rng(5).normal(size=shape)
    f = lambda x: np.sum(np.sin(x) * x)  # noqa: E731
    right = lambda x: np.cos(x) * x + np.sin(x)  # noqa: E731
    for seed in range(20):
        check = lambda gradient, seed=seed: gradient_error(f, gradient, x, np.random.default_rng(seed))  # noqa: E731
        assert check(right) < 1e-7
        assert check(lambda x: -right(x)) > 0.5
        assert check(lambda x: 1.01 * right(x)) == pytest.approx(0.01 / 1.01, rel=1e-3)
        assert check(lambda x: right(x) + 0.1) > 1e-4


def test_the_gradient_check_of_a_constant():
    rng = np.random.default_rng(0)
    assert gradient_error(lambda x: 3.0, np.zeros_like, [1.0, 2.0], rng) == 0
    assert gradient_error(lambda x: 3.0, np.ones_like, [1.0, 2.0], rng) == 1


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: forward_difference(np.sin, 1, 0), ValueError, "h must be > 0, got 0.0"),
        (lambda: centered_difference(np.sin, np.nan, 1), ValueError, "x must be finite, got nan"),
        (lambda: backward_difference(np.sin, "1", 1), TypeError, "x must hold real numbers"),
        (lambda: forward_difference(np.sum, [1, 2], 1), ValueError, "f must return shape (2,), got shape ()"),
        (lambda: forward_difference(lambda x: 1j * x, 1, 1), TypeError, "f must return real numbers"),
        (lambda: complex_step(abs, 1), TypeError, "f must return complex numbers for complex ones"),
        (lambda: complex_step(np.sum, [1, 2]), ValueError, "f must return shape (2,), got shape ()"),
        (lambda: gradient(lambda x: x, [1, 2]), ValueError, "f must return shape (), got shape (2,)"),
        (lambda: jacobian(np.sum, [1, 2]), ValueError, "f must return one axis, got shape ()"),
        (lambda: jacobian(np.sin, 1), ValueError, "x must have 1 axes, got shape ()"),
        (lambda: hessian(np.sum, [[1]]), ValueError, "x must have 1 axes, got shape (1, 1)"),
        (lambda: hessian(lambda x: x, [1, 2]), ValueError, "f must return shape (), got shape (2,)"),
        (lambda: directional_derivative(np.sum, [1], [0]), ValueError, "direction must not be zero"),
        (lambda: directional_derivative(np.sum, [1, 2], [1]), ValueError, "direction must have shape (2,)"),
        (
            lambda: gradient_error(np.sum, np.sum, [1, 2], np.random.default_rng()),
            ValueError,
            "gradient must return shape (2,)",
        ),
        (lambda: taylor(0), ValueError, "derivatives must hold at least the value"),
        (lambda: taylor([0, 0], 1, 2), ValueError, "derivatives[1] must have shape (2,), got shape ()"),
        (lambda: taylor(0, 1, np.nan), ValueError, "derivatives[1] must be finite"),
        (lambda: taylor([[0]], 1), ValueError, "center must have at most one axis, got shape (1, 1)"),
        (
            lambda: taylor([0, 0], 1)([1, 2, 3]),
            ValueError,
            "point must have shape (2,), or that of a batch, got (3,)",
        ),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call()
