"""The central path of a linear program, and the steps of Newton's method that lead along it.

The program is that of :mod:`lib.linear_programs`, minimize ``c·x`` subject to ``Ax = b``, ``x >= 0``, with
its dual: maximize ``b·y`` subject to ``Aᵀy + s = c``, ``s >= 0``. The central path is made of the points with

    Ax = b,   Aᵀy + s = c,   x_j s_j = ν for every j,

all x_j and s_j being positive. As ν falls to 0 they become the conditions of optimality.
"""

from typing import NamedTuple

import numpy as np

from lib.arguments import real, real_array
from lib.linear_programs import independent_rows, largest, spread, standard_form
from lib.simplex import simplex

INSIDE = 0.9995  # the part of the way to the boundary that a step goes at most
MOST_STEPS = 500  # to a point of the central path; some ten are usual


class CentralPath(NamedTuple):
    """Points of the central path, a row for each ν: `x` (k, n), `y` (k, m) and `s` (k, n)."""

    x: np.ndarray
    y: np.ndarray
    s: np.ndarray


def central_path(c, A, b, barriers):
    """Return the points of the central path for given values of the barrier parameter ν.

    The point x for ν is the minimum of ``c·x − ν Σ log x_j`` subject to Ax = b, and y its multipliers.
    Newton's steps lead to it from x > 0 and s > 0 that are feasible. They go down on
    ``Σ (u_j − log u_j − 1)`` with u_j = x_j s_j / ν, and are halved until they go down enough. Once
    ``Σ (u_j − 1)²`` is at most 1/16, whole steps square the distance.

    Parameters
    ----------
    c, A, b : array_like, shapes (n,), (m, n), (m,)
        The program. Rows of A that follow from the rows above them get the multiplier 0.
    barriers : array_like, shape (k,)
        The values of ν, each above 0, in any order.

    Returns
    -------
    CentralPath
        In the order of `barriers`.

    Raises
    ------
    TypeError, ValueError
        As :func:`~lib.linear_programs.standard_form`; if a barrier is not positive; if no x > 0 has Ax = b,
        or no y has Aᵀy < c: there is no central path then.

    References
    ----------
    S. J. Wright, *Primal-Dual Interior-Point Methods*, SIAM, 1997.

    Examples
    --------
    On x₁ + x₂ = 1 with the cost x₁, where x₁(1 − y) = x₂(0 − y) = ν:

    >>> central_path([1, 0], [[1, 1]], [1], [1, 0.01]).x.round(4)
    array([[0.382 , 0.618 ],
           [0.0099, 0.9901]])
    """
    c, A, b = standard_form(c, A, b)
    barriers = [
        real(f"barriers[{k}]", nu, above=0)
        for k, nu in enumerate(real_array("barriers", barriers, ndim=1).tolist())
    ]
    rows = independent_rows(A)
    m = len(rows)
    x, y = _inner_point(A, b), _inner_prices(c, A[rows])
    u, s = np.append(y, x), c - y @ A[rows]
    points = {}
    for nu in sorted(set(barriers), reverse=True):  # each is a good start for the next
        u, s = _center(skew(A[rows]), np.append(b[rows], -c), u, s, nu)
        points[nu] = u[m:], spread(u[:m], rows, len(b)), s
    x, y, s = (
        np.array([points[nu][part] for nu in barriers]).reshape(-1, size)
        for part, size in enumerate((len(c), len(b), len(c)))
    )
    return CentralPath(x, y, s)


def skew(A):
    """Return ``[[0, A], [−Aᵀ, 0]]``, the matrix of Ax = b and −Aᵀy − s = −c in the unknowns (y, x).

    Examples
    --------
    >>> skew(np.array([[2.0, 3.0]]))
    array([[ 0.,  2.,  3.],
           [-2.,  0.,  0.],
           [-3.,  0.,  0.]])
    """
    m, n = A.shape
    return np.block([[np.zeros((m, m)), A], [-A.T, np.zeros((n, n))]])


def newton_direction(matrix, v, w, missing, change):
    """Solve ``matrix du − (0, dw) = missing`` and ``v dw + w dv = change``, where dv is the end of du.

    The second says that the products of v and w, both positive, change by `change` to first order.

    Parameters
    ----------
    matrix : ndarray, shape (k, k)
        Skew, so that the two equations have one solution if no du with dv = 0 is sent to 0.
    v, w, change : ndarray, shape (n,)
    missing : ndarray, shape (k,)

    Returns
    -------
    du, dw : ndarray, shapes (k,), (n,)

    Raises
    ------
    numpy.linalg.LinAlgError
        If the equations are singular to the last digit.

    Examples
    --------
    From x = 1/4, s = 1/4, −y = 1/4 to Newton's idea of x = 1, y + s = 0, xs = 1:

    >>> at_y_x, s = np.array([-0.25, 0.25]), np.array([0.25])
    >>> newton_direction(skew(np.eye(1)), at_y_x[1:], s, np.array([0.75, 0.0]), 1 - at_y_x[1:] * s)
    (array([-3.  ,  0.75]), array([3.]))
    """
    matrix, right = matrix.copy(), missing.copy()
    end = np.arange(len(matrix) - len(v), len(matrix))
    matrix[end, end] += w / v  # dw = (change − w dv) / v, put into the first equation
    right[end] += change / v
    du = np.linalg.solve(matrix, right)
    return du, (change - w * du[end]) / v


def inner_step(v, dv, w, dw, part=1):
    """Return the step, at most 1, that goes this part of the way until a component of v or w is 0.

    Examples
    --------
    >>> inner_step(np.array([1.0, 2.0]), np.array([5.0, -4.0]), np.array([1.0]), np.array([-1.0]))
    0.5
    """
    here, change = np.append(v, w), np.append(dv, dw)
    falling = change < 0
    return min(1.0, float(part * (here[falling] / -change[falling]).min(initial=np.inf)))


def _center(matrix, right, u, s, nu):
    """Move feasible u = (y, x) and s, with x > 0 and s > 0, to x_j s_j = ν."""
    m, whole_steps = len(u) - len(s), 0
    for _ in range(MOST_STEPS):
        x = u[m:]
        missing = right + np.append(np.zeros(m), s) - matrix @ u  # rounding only, and removed with the rest
        du, ds = newton_direction(matrix, x, s, missing, nu - x * s)
        ratios, step = x * s / nu, 1.0
        if np.linalg.norm(ratios - 1) <= 1 / 4:
            whole_steps += 1
        else:
            step = inner_step(x, du[m:], s, ds, INSIDE)
            slope = -np.sum((ratios - 1) ** 2 / ratios)
            while _height((x + step * du[m:]) * (s + step * ds) / nu) > _height(ratios) + step * slope / 10:
                step /= 2
        u, s = u + step * du, s + step * ds
        if whole_steps == 6:  # 1/4 squared so often is far below rounding
            return u, s
    raise ArithmeticError(f"no point of the central path found for the barrier {nu} in {MOST_STEPS} steps")


def _height(ratios):
    return np.sum(ratios - np.log(ratios) - 1)


def _inner_point(A, b):
    """Return an x > 0 with Ax = b whose least component is as large as can be, up to some size."""
    m, n = A.shape
    unit = largest(b) / largest(A)
    program = np.zeros((m + 1, n + 2))  # its unknowns: x − t unit, the t to be maximized, and 1 − t
    program[:m, :n], program[:m, n], program[m, n:] = A, unit * A.sum(axis=1), 1
    found = simplex(np.append(np.zeros(n), [-1, 0]), program, np.append(b, 1))
    if found.status != "optimal" or not found.x[n] > 0:
        raise ValueError("A and b must leave an x > 0 with Ax = b, or there is no central path; got none")
    return found.x[:n] + unit * found.x[n]


def _inner_prices(c, A):
    """Return a y with Aᵀy < c whose least difference is as large as can be, or large if it has no limit."""
    m, n = A.shape
    found = simplex(c, np.vstack([A, np.ones(n)]), np.append(np.zeros(m), 1))  # dual: max t, Aᵀy + t <= c
    if found.status == "infeasible":  # t has no limit: Aᵀy + t <= 0 < t for the certificate
        return 2 * largest(c) / found.certificate[m] * found.certificate[:m]
    if not (c - found.y[:m] @ A > 0).all():
        raise ValueError("c and A must leave a y with Aᵀy < c, or there is no central path; got none")
    return found.y[:m]
