"""Derivatives from values of the function alone, the Taylor polynomials they make, and a test of gradients.

Functions of one variable are applied to whole arrays, element by element. Functions of several take one
point, an array of its components.
"""

from itertools import combinations_with_replacement
from math import factorial

import numpy as np

from lib.arguments import real_array, returned

EPSILON = np.finfo(float).eps  # 2^-52, the relative spacing of the floating-point numbers


def forward_difference(f, x, h):
    """Estimate f′(x) by the slope of the chord to the right, ``(f(x + h) − f(x)) / h``.

    The chord misses the tangent by about ``h f″(x)/2``, and rounding adds up to about ``2ε|f(x)|/h`` with
    ε = 2^−52: the best h is near √ε.

    Parameters
    ----------
    f : callable
        The function, applied to arrays element by element.
    x : float or array_like
        Where the derivative is wanted.
    h : float or array_like
        The step, above 0; of a shape that broadcasts with that of `x`.

    Returns
    -------
    float64, or ndarray of float64 of the shape `x` and `h` have together

    Raises
    ------
    TypeError, ValueError
        If `x` or `h` is not finite and real, `h` is not positive, or `f` returns another shape than it was
        given.

    Examples
    --------
    >>> forward_difference(lambda x: x**2, 3, [1, 0.5, 0.25])
    array([7.  , 6.5 , 6.25])
    """
    x, h = _places(x, h)
    return (_at(f, x + h) - _at(f, x)) / h


def backward_difference(f, x, h):
    """Estimate f′(x) by the slope of the chord to the left, ``(f(x) − f(x − h)) / h``.

    As good as :func:`forward_difference`, with an error of the opposite sign; all else is as there.

    Examples
    --------
    >>> backward_difference(lambda x: x**2, 3, [1, 0.5, 0.25])
    array([5.  , 5.5 , 5.75])
    """
    x, h = _places(x, h)
    return (_at(f, x) - _at(f, x - h)) / h


def centered_difference(f, x, h):
    """Estimate f′(x) by the slope of the chord across, ``(f(x + h) − f(x − h)) / 2h``.

    The error is about ``h² f‴(x)/6``, and rounding adds up to about ``ε|f(x)|/h`` with ε = 2^−52: the best h
    is near the cube root of ε. All else is as for :func:`forward_difference`.

    Examples
    --------
    On a parabola the chord across is parallel to the tangent:

    >>> centered_difference(lambda x: x**2, 3, [1, 0.5, 0.25])
    array([6., 6., 6.])
    """
    x, h = _places(x, h)
    return (_at(f, x + h) - _at(f, x - h)) / (2 * h)


def complex_step(f, x, h=1e-20):
    """Estimate f′(x) by a step into the complex plane, ``Im f(x + ih) / h``.

    Nothing is subtracted, so nothing cancels: the error ``h² f‴(x)/6`` can be made smaller than the rounding
    of f′(x) itself. The formula of f must be analytic: ``abs``, comparisons and the conjugate are not.

    Parameters
    ----------
    f : callable
        The function, applied to complex arrays element by element.
    x, h : float or array_like
        As for :func:`forward_difference`, and so is what is returned.

    Raises
    ------
    TypeError, ValueError
        As :func:`forward_difference`, and if `f` does not return complex numbers.

    References
    ----------
    W. Squire and G. Trapp, "Using Complex Variables to Estimate Derivatives of Real Functions", SIAM Review
    40(1), 1998, 110–112.

    Examples
    --------
    >>> complex_step(lambda x: x**3, [1, 2])
    array([ 3., 12.])
    """
    x, h = _places(x, h)
    value = np.asarray(f(x + 1j * h))
    if value.dtype.kind != "c":
        raise TypeError(f"f must return complex numbers for complex ones, got {value!r}")
    if value.shape != x.shape:
        raise ValueError(f"f must return shape {x.shape}, got shape {value.shape}")
    return value.imag / h


def gradient(f, x):
    """Estimate the gradient by a centered difference along each component.

    Parameters
    ----------
    f : callable
        The function, from an array of the shape of `x` to a number.
    x : float or array_like
        The point, of any shape.

    Returns
    -------
    ndarray of float64, of the shape of `x`
        For a smooth f of moderate size right to about ten digits.

    Raises
    ------
    TypeError, ValueError
        If `x` is not finite and real, or `f` does not return a real number.

    Examples
    --------
    >>> gradient(lambda x: x[0] ** 2 + 3 * x[1], [1, 2]).round(6)
    array([2., 3.])
    """
    x = real_array("x", x)
    result = np.empty(x.shape)
    for i, (above, below) in _neighbours(x):
        result[i] = (returned("f", f(above), ()) - returned("f", f(below), ())) / (above[i] - below[i])
    return result


def jacobian(f, x):
    """Estimate the Jacobian matrix by a centered difference along each component.

    Parameters
    ----------
    f : callable
        The function, from an array of shape (n,) to one of shape (m,).
    x : array_like, shape (n,)
        The point.

    Returns
    -------
    ndarray of float64, shape (m, n)
        Row i is the gradient of the component i of f.

    Raises
    ------
    TypeError, ValueError
        If `x` is not finite, real and of one axis, or `f` does not return real numbers with one axis.

    Examples
    --------
    >>> jacobian(lambda x: np.array([x[0] * x[1], x[0] + x[1], 5 * x[1]]), [2, 3]).round(6)
    array([[3., 2.],
           [1., 1.],
           [0., 5.]])
    """
    x = real_array("x", x, ndim=1)
    shape = np.shape(f(x.copy()))
    if len(shape) != 1:
        raise ValueError(f"f must return one axis, got shape {shape}")
    result = np.empty((*shape, x.size))
    for i, (above, below) in _neighbours(x):
        change = returned("f", f(above), shape) - returned("f", f(below), shape)
        result[:, *i] = change / (above[i] - below[i])
    return result


def hessian(f, x):
    """Estimate the Hessian matrix by centered second differences.

    Parameters
    ----------
    f : callable
        The function, from an array of shape (n,) to a number.
    x : array_like, shape (n,)
        The point.

    Returns
    -------
    ndarray of float64, shape (n, n)
        Symmetric, whatever f is. For a smooth f of moderate size right to about six digits; where the
        gradient is known, its :func:`jacobian` is right to ten.

    Raises
    ------
    TypeError, ValueError
        If `x` is not finite, real and of one axis, or `f` does not return a real number.

    Examples
    --------
    >>> hessian(lambda x: x[0] ** 2 * x[1], [1, 2]).round(4)
    array([[4., 2.],
           [2., 0.]])
    """
    x = real_array("x", x, ndim=1)
    steps = np.diag(EPSILON**0.25 * np.maximum(1, abs(x)))
    result = np.empty((x.size, x.size))
    for i, j in combinations_with_replacement(range(x.size), 2):
        mixed = sum(
            sign_i * sign_j * returned("f", f(x + sign_i * steps[i] + sign_j * steps[j]), ())
            for sign_i in (1, -1)
            for sign_j in (1, -1)
        )
        result[i, j] = result[j, i] = mixed / (4 * steps[i, i] * steps[j, j])
    return result


def directional_derivative(f, x, direction):
    """Estimate the derivative of ``t ↦ f(x + t direction)`` at t = 0 by a centered difference.

    Parameters
    ----------
    f : callable
        The function, from an array of the shape of `x` to a number.
    x : float or array_like
        The point, of any shape.
    direction : float or array_like
        The direction, of the shape of `x`. It is not normalized: twice as long, twice the derivative.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        If `x` or `direction` is not finite and real, their shapes differ, `direction` is zero, or `f` does
        not return a real number.

    Examples
    --------
    >>> round(directional_derivative(lambda x: x[0] * x[1], [1, 2], [3, 4]), 6)
    10.0
    """
    x = real_array("x", x)
    direction = real_array("direction", direction, shape=x.shape)
    length = np.linalg.norm(direction)
    if length == 0:
        raise ValueError(f"direction must not be zero, got {direction!r}")
    t = EPSILON ** (1 / 3) * max(1, abs(x).max()) / length
    change = returned("f", f(x + t * direction), ()) - returned("f", f(x - t * direction), ())
    return float(change / (2 * t))


def taylor(center, *derivatives):
    """Make the Taylor polynomial of a function from its derivatives at one point.

    Of order 2 in several variables it is ``f(c) + ∇f(c)ᵀ(x − c) + ½ (x − c)ᵀ∇²f(c)(x − c)``.

    Parameters
    ----------
    center : float or array_like, shape (n,)
        The point c.
    *derivatives : float or array_like
        The value, the gradient, the Hessian and so on as far as the order goes: the k-th has shape (n,) · k,
        or is a number if `center` is one.

    Returns
    -------
    callable
        The polynomial: a function of a point, or of a batch of points whose first axis holds the components
        (of any array, if `center` is a number).

    Raises
    ------
    TypeError, ValueError
        If no derivative is given, `center` has more than one axis, or a derivative has the wrong shape or is
        not finite and real.

    Examples
    --------
    >>> float(taylor(0, 1, 1, 1)(0.5))  # of the exponential
    1.625
    >>> float(taylor([1, 1], 5, [2, 0], [[2, 0], [0, 4]])([2, 3]))
    16.0
    """
    center = real_array("center", center)
    if center.ndim > 1:
        raise ValueError(f"center must have at most one axis, got shape {center.shape}")
    if not derivatives:
        raise ValueError("derivatives must hold at least the value at the center, got none")
    tensors = [
        real_array(f"derivatives[{order}]", tensor, shape=center.shape * order)
        for order, tensor in enumerate(derivatives)
    ]

    def polynomial(point):
        point = np.asarray(point, dtype=float)
        batch = point.shape[center.ndim :]
        if point.shape != center.shape + batch:
            raise ValueError(f"point must have shape {center.shape}, or that of a batch, got {point.shape}")
        ones = (1,) * len(batch)
        step = point - center.reshape(center.shape + ones)
        total = np.zeros(batch)
        for order, tensor in enumerate(tensors):
            term = tensor.reshape(tensor.shape + ones)
            for _ in range(order):
                term = np.einsum("i...,i...->...", term, step) if center.ndim else term * step
            total = total + term / factorial(order)
        return total

    return polynomial


def gradient_error(f, gradient, x, rng):
    """Compare a gradient that a program computes with the function it should belong to.

    The slope ``∇f(x)·d`` along a random d is compared with a centered difference of f along d:
    two values of f, however many components x has. A right gradient of a smooth f differs by 1e-6 or less; a
    wrong one, unless chance has it, by as much as it is wrong.

    Parameters
    ----------
    f : callable
        The function, from an array of the shape of `x` to a number.
    gradient : callable
        The gradient under test, from an array of the shape of `x` to one of the same.
    x : float or array_like
        The point, of any shape.
    rng : numpy.random.Generator
        Draws the direction.

    Returns
    -------
    float
        The difference of the two slopes, divided by the larger; 0 if both are 0.

    Raises
    ------
    TypeError, ValueError
        As :func:`directional_derivative`, and if `gradient` returns another shape than it was given.

    Examples
    --------
    >>> f, rng = lambda x: np.sum(x**3), np.random.default_rng(0)
    >>> gradient_error(f, lambda x: 3 * x**2, [1, 2, 3], rng) < 1e-8
    True
    >>> round(gradient_error(f, lambda x: 6 * x**2, [1, 2, 3], rng), 6)
    0.5
    """
    x = real_array("x", x)
    direction = np.asarray(rng.normal(size=x.shape))
    slope = float(np.sum(returned("gradient", gradient(x.copy()), x.shape) * direction))
    difference = directional_derivative(f, x, direction)
    return abs(slope - difference) / (max(abs(slope), abs(difference)) or 1.0)


def _places(x, h):
    x, h = real_array("x", x), real_array("h", h)
    if not (h > 0).all():
        raise ValueError(f"h must be > 0, got {h!s}")
    return np.broadcast_arrays(x, h)


def _at(f, x):
    return returned("f", f(x.copy()), x.shape)


def _neighbours(x):
    """Yield each index of `x`, and the points a little above and below it along that component."""
    for i in np.ndindex(x.shape):
        step = EPSILON ** (1 / 3) * max(1, abs(x[i]))
        above, below = x.copy(), x.copy()
        above[i] += step
        below[i] -= step
        yield i, (above, below)
