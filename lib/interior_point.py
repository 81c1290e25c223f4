"""An interior-point method: through the inside of a linear program, or from outside it, or to a proof.

The program is that of :mod:`lib.linear_programs`, minimize ``c·x`` subject to ``Ax = b``, ``x >= 0``, with
its dual: maximize ``b·y`` subject to ``Aᵀy + s = c``, ``s >= 0``. Newton's steps solve both at once, along a
path like that of :mod:`lib.central_path`.
"""

from typing import NamedTuple

import numpy as np

from lib.arguments import count, real
from lib.central_path import INSIDE, inner_step, newton_direction, skew
from lib.linear_programs import balance, independent_rows, largest, spread, standard_form

EXHAUSTED = 1e-30  # products that sum to less no longer change the digits of the residuals


class Iterate(NamedTuple):
    """A point on the way of :func:`interior_point`, already divided by the homogenizing unknown τ.

    Attributes
    ----------
    x, y, s : ndarray, shapes (n,), (m,), (n,)
        The candidates for the solutions; all x_j and s_j are positive.
    barrier : float
        ν, the mean of x_j s_j.
    primal_residual, dual_residual : float
        The largest entries of \\|Ax − b\\| and \\|Aᵀy + s − c\\|.
    gap : float
        \\|c·x − b·y\\|, divided by \\|b·y\\| if that is above 1. This and the residuals are in units in which
        the largest entries of b, of c, and of each row and column of A are 1.
    """

    x: np.ndarray
    y: np.ndarray
    s: np.ndarray
    barrier: float
    primal_residual: float
    dual_residual: float
    gap: float


class Solution(NamedTuple):
    """What :func:`interior_point` found.

    Attributes
    ----------
    status : str
        "optimal", "infeasible" (no x >= 0 has Ax = b), "unbounded" (the cost falls without end) or "stopped"
        (none of these was settled).
    x, y, s : ndarray or None
        The solutions of the program, shape (n,), and of its dual, shapes (m,) and (n,), if "optimal".
    cost : float or None
        c·x.
    path : list of Iterate
        The start, and the iterate after each step.
    certificate : ndarray or None
        The proof, up to the tolerance: if "infeasible", a y with Aᵀy <= 0 and b·y = 1; if "unbounded", a ray
        d >= 0 with Ad = 0 and c·d = −1.
    """

    status: str
    x: np.ndarray | None
    y: np.ndarray | None
    s: np.ndarray | None
    cost: float | None
    path: list
    certificate: np.ndarray | None


def interior_point(c, A, b, *, tolerance=1e-8, limit=60):
    """Minimize c·x subject to Ax = b, x >= 0, from outside the constraints, or prove that it cannot be done.

    The *homogeneous self-dual model* asks for y and nonnegative x, τ, s, κ with

        Ax − bτ = 0,   −Aᵀy + cτ = s,   b·y − c·x = κ.

    If τ > 0, then x/τ, y/τ and s/τ are feasible; their gap c·x − b·y, which is −κ, can then not be negative,
    so it is 0 and they are optimal. If κ > 0, then b·y > 0 or c·x < 0: y proves that no x is feasible, or x
    is a ray along which the cost falls. One of τ and κ is positive at some solution, to which the steps
    lead.

    The matrix is skew, so that x·s + τκ = 0 at every solution. Each step solves Newton's equations twice. The
    *predictor* aims at products x_j s_j and τκ of 0, and shows how much of that the boundary allows. The
    *corrector* aims only so low that the products can stay equal, which keeps away from the boundary, and
    takes in the second-order terms that the predictor has shown.

    Parameters
    ----------
    c, A, b : array_like, shapes (n,), (m, n), (m,)
        The costs, the matrix, whose rows need not be independent, and the right side.
    tolerance : float
        What counts as zero: for the residuals and the gap of an :class:`Iterate`, and in the same units for
        the errors of a certificate, the rounding of its sums included.
    limit : int
        How many steps to take at most; those that settle whether an unbounded program is feasible count too.

    Returns
    -------
    Solution

    Raises
    ------
    TypeError, ValueError
        As :func:`~lib.linear_programs.standard_form`; if `tolerance` is not at least 1e-12 and below 1; if
        `limit` is negative.

    References
    ----------
    X. Xu, P.-F. Hung and Y. Ye, "A simplified homogeneous and self-dual linear programming algorithm and its
    implementation", Annals of Operations Research 62, 1996, 151–171. E. D. Andersen and K. D. Andersen, "The
    MOSEK interior point optimizer for linear programming: an implementation of the homogeneous algorithm", in
    *High Performance Optimization*, Kluwer, 2000, 197–232. S. Mehrotra, "On the Implementation of a
    Primal-Dual Interior Point Method", SIAM Journal on Optimization 2(4), 1992, 575–601.

    Examples
    --------
    >>> found = interior_point([5, 3, 8], [[1, 1, 2]], [4])
    >>> found.status, found.x.round(6), round(found.cost, 6)
    ('optimal', array([0., 4., 0.]), 12.0)
    >>> interior_point([-1, 0], [[1, -1]], [0]).status
    'unbounded'
    """
    c, A, b = standard_form(c, A, b)
    tolerance = real("tolerance", tolerance, least=1e-12, below=1)
    limit = count("limit", limit)
    # A row that follows from others, b included, would make Newton's equations singular.
    rows = independent_rows(np.column_stack([A, b]))
    row_units, column_units = balance(A[rows])
    b_unit, c_unit = largest(b[rows] / row_units), largest(c / column_units)
    x_units, y_units, cost_unit = b_unit / column_units, c_unit / row_units, b_unit * c_unit
    status, path, proof = _follow(
        c / column_units / c_unit,
        A[rows] / row_units[:, None] / column_units,
        b[rows] / row_units / b_unit,
        tolerance,
        limit,
    )
    path = [
        at._replace(
            x=at.x * x_units,
            y=spread(at.y * y_units, rows, len(b)),
            s=at.s * c_unit * column_units,
            barrier=at.barrier * cost_unit,
        )
        for at in path
    ]
    if status == "optimal":
        x, y, s = path[-1][:3]
        return Solution(status, x, y, s, float(c @ x), path, None)
    if status == "infeasible":
        proof = spread(proof * y_units / cost_unit, rows, len(b))
    elif status == "unbounded":
        proof = proof * x_units / cost_unit
    return Solution(status, None, None, None, None, path, proof)


def _follow(c, A, b, tolerance, limit):
    """Solve the homogeneous self-dual model. Return status, path and certificate."""
    m, n = A.shape
    matrix = skew(np.column_stack([A, -b]))
    matrix[m:-1, -1], matrix[-1, m:-1] = c, -c
    u, w = np.append(np.zeros(m), np.ones(n + 1)), np.ones(n + 1)  # u = (y, x, τ), w = (s, κ)
    path = []
    for step in range(limit + 1):
        y, x, tau = u[:m], u[m:-1], u[-1]
        path.append(_iterate(c, A, b, x / tau, y / tau, w[:-1] / tau))
        if max(path[-1][4:]) <= tolerance:
            return "optimal", path, None
        if _proves(y @ A, b @ y, np.abs(y) @ np.abs(np.column_stack([A, b])), tolerance):
            return "infeasible", path, y / (b @ y)
        if _proves(np.abs(A @ x), -(c @ x), np.abs(np.vstack([A, c])) @ x, tolerance):
            # The ray is there; is there a point for it to start from? Any would do: the cost is left out.
            status, _, proof = _follow(np.zeros(n), A, b, tolerance, limit - step)
            return ("unbounded", path, x / -(c @ x)) if status == "optimal" else (status, path, proof)
        if step == limit or u[m:] @ w < EXHAUSTED:
            break
        try:
            with np.errstate(all="ignore"):
                u, w = _predictor_corrector(matrix, u, w)
        except np.linalg.LinAlgError:
            break
        if not np.isfinite(np.append(u, w)).all():
            break  # like the error: near the end, data of very different sizes can leave nothing but rounding
    return "stopped", path, None


def _proves(errors, gain, terms, tolerance):
    """Return whether the errors are zero up to the tolerance in a certificate, whose gain is to be 1.

    Where the terms of a sum cancel, rounding is all that is left: an Aᵀy <= 0 with b·y = 0 would seem a proof
    whenever the last digits of b·y make it positive. So rounding counts as an error; `terms` has the sums of
    absolute values, for each error and, last, for the gain.
    """
    rounding = np.finfo(float).eps * terms
    return (np.append(errors, 0) + rounding).max() < tolerance * gain


def _iterate(c, A, b, x, y, s):
    primal, dual = np.abs(A @ x - b).max(initial=0), np.abs(y @ A + s - c).max()
    gap = abs(c @ x - b @ y) / max(1, abs(b @ y))
    return Iterate(x, y, s, float(x @ s / len(x)), float(primal), float(dual), float(gap))


def _predictor_corrector(matrix, u, w):
    m = len(u) - len(w)
    v = u[m:]
    missing = np.append(np.zeros(m), w) - matrix @ u
    du, dw = newton_direction(matrix, v, w, missing, -v * w)
    left = (1 - inner_step(v, du[m:], w, dw)) ** 3  # small if the predictor could go far
    change = left * (v @ w) / len(w) - v * w - du[m:] * dw
    du, dw = newton_direction(matrix, v, w, (1 - left) * missing, change)
    step = inner_step(v, du[m:], w, dw, INSIDE)
    return u + step * du, w + step * dw
