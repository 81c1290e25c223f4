"""The simplex method: to the least corner along the edges, with every corner and a proof at the end.

The program, minimize ``c·x`` subject to ``Ax = b`` and ``x >= 0``, and its dual are those of
:mod:`lib.linear_programs`. A *basis* is a set of columns of A that are independent and as many as A has
independent rows; with the other unknowns at zero, Ax = b leaves one x, and if x >= 0 it is a *corner*.
"""

from itertools import combinations
from math import comb
from typing import NamedTuple

import numpy as np

from lib.arguments import count
from lib.linear_programs import (
    DEPENDENT,
    ROUNDING,
    balance,
    contradiction,
    independent_rows,
    solve,
    spread,
    standard_form,
    sure,
)

MOST_BASES = 100_000


class BasicPoint(NamedTuple):
    """A corner as a point: its `basis` (a tuple of columns, in order) and `x`, shape (n,)."""

    basis: tuple
    x: np.ndarray


class Corner(NamedTuple):
    """A corner as the simplex method sees it.

    Attributes
    ----------
    basis : tuple of int
        The columns of the basis B, in order.
    x : ndarray, shape (n,)
        The corner.
    y : ndarray, shape (m,)
        The multipliers (prices) that make the cost of each column in the basis come out: Bᵀy = c_B.
    reduced_costs : ndarray, shape (n,)
        c − Aᵀy: by how much the cost rises with each unknown, the basis making up for it. None is negative
        at the solution, where y is then feasible for the dual.
    cost : float
        c·x, which is b·y.
    """

    basis: tuple
    x: np.ndarray
    y: np.ndarray
    reduced_costs: np.ndarray
    cost: float


class Solution(NamedTuple):
    """What :func:`simplex` found.

    Attributes
    ----------
    status : str
        "optimal", "infeasible" (no x >= 0 has Ax = b), "unbounded" (the cost falls without end) or "cycling"
        (a basis came back).
    x, y, cost : ndarray, ndarray and float, or None
        The solutions of the program and of its dual, and their common value, if the status is "optimal".
    corners : list of Corner
        The corners visited in the second phase, the first and the last included. While the cost stands still
        the point is the same, and the basis another. Empty if the first phase was the last.
    pivots : int
        The changes of basis, in both phases.
    certificate : ndarray or None
        The proof: if "infeasible", a y with Aᵀy <= 0 and b·y > 0 (a solution x would give
        0 >= (Aᵀy)·x = y·b > 0); if "unbounded", a ray d with Ad = 0, d >= 0 and c·d < 0, along which the last
        corner leads down for ever.
    """

    status: str
    x: np.ndarray | None
    y: np.ndarray | None
    cost: float | None
    corners: list
    pivots: int
    certificate: np.ndarray | None


def corners(A, b):
    """Return every corner of {x >= 0 : Ax = b}, by trying every set of columns.

    Parameters
    ----------
    A, b : array_like, shapes (m, n), (m,)

    Returns
    -------
    list of BasicPoint
        In the order of their bases. A degenerate corner, with a zero in its basis, comes once with each of
        its bases.

    Raises
    ------
    TypeError, ValueError
        As :func:`~lib.linear_programs.standard_form`, and if there are more than 100 000 sets of columns.

    Examples
    --------
    >>> for basis, x in corners([[1, 1, 2]], [4]):
    ...     print(basis, x)
    (0,) [4. 0. 0.]
    (1,) [0. 4. 0.]
    (2,) [0. 0. 2.]
    """
    n = np.shape(A)[1] if np.ndim(A) == 2 else 0
    _, A, b = standard_form(np.zeros(n), A, b)
    if contradiction(A, b) is not None:
        return []
    rows = independent_rows(A)
    if comb(n, len(rows)) > MOST_BASES:
        sets = f"sets of {len(rows)} of its {n} columns to try"
        raise ValueError(f"A must leave at most {MOST_BASES} {sets}, got {comb(n, len(rows))}")
    row_units, column_units = balance(A[rows])
    balanced = A[rows] / row_units[:, None] / column_units
    found = []
    for basis in combinations(range(n), len(rows)):
        if np.linalg.svd(balanced[:, list(basis)], compute_uv=False).min(initial=1) > DEPENDENT:
            x = _point(A[rows], b[rows], basis)
            if (x >= 0).all():
                found.append(BasicPoint(basis, x))
    return found


def simplex(c, A, b, *, rule="bland", basis=None):
    """Minimize c·x subject to Ax = b, x >= 0, by Dantzig's simplex method.

    At a corner, the reduced costs tell which unknowns would lower the cost if they rose from zero. One of
    them enters the basis. It rises along an edge, until an unknown of the basis has fallen to zero: that one
    leaves, and the next corner is reached. Where no reduced cost is negative, y is feasible for the dual and
    has the same cost, so that both are optimal. Where the edge has no end, the program is unbounded.

    Without a `basis` to start from, a *first phase* finds one by the same method: it adds one artificial
    unknown to each equation, which makes a corner at once, and minimizes their sum. If that stays above zero,
    the multipliers y of the first phase prove that there is no x. Equations that follow from others are
    dropped beforehand; their multipliers are 0.

    It ends because no basis is visited twice: there are finitely many, and one that comes back stops it.

    Parameters
    ----------
    c, A, b : array_like, shapes (n,), (m, n), (m,)
        The costs, the matrix, whose rows need not be independent, and the right side, of any sign.
    rule : str
        Who enters: "dantzig" takes the most negative reduced cost, "bland" the first negative one. If several
        can leave, the first does. Only Bland's rule is proved never to cycle.
    basis : sequence of int, optional
        The columns of a corner to start from, as many as A has independent rows.

    Returns
    -------
    Solution

    Raises
    ------
    TypeError, ValueError
        As :func:`~lib.linear_programs.standard_form`; if the rule is neither of the two; if `basis` is no
        basis, or its x is not >= 0.

    References
    ----------
    G. B. Dantzig, *Linear Programming and Extensions*, Princeton University Press, 1963. R. G. Bland, "New
    Finite Pivoting Rules for the Simplex Method", Mathematics of Operations Research 2(2), 1977, 103–107.

    Examples
    --------
    From (4, 0, 0), the cheapest corner of the triangle x₁ + x₂ + 2x₃ = 4 takes one step:

    >>> found = simplex([5, 3, 8], [[1, 1, 2]], [4], basis=[0])
    >>> [corner.basis for corner in found.corners], found.x, found.cost
    ([(0,), (1,)], array([0., 4., 0.]), 12.0)
    >>> found.y, found.corners[-1].reduced_costs
    (array([3.]), array([2., 0., 2.]))

    No x >= 0 makes x₁ + x₂ = −1, which y = −1 proves: −x₁ − x₂ <= 0 cannot be 1.

    >>> found = simplex([1, 1], [[1, 1]], [-1])
    >>> found.status, found.certificate
    ('infeasible', array([-1.]))
    """
    c, A, b = standard_form(c, A, b)
    if rule not in ("bland", "dantzig"):
        raise ValueError(f"rule must be 'bland' or 'dantzig', got {rule!r}")
    proof = contradiction(A, b)
    if proof is not None:
        return Solution("infeasible", None, None, None, [], 0, proof)
    rows = independent_rows(A)
    status, pivots = "feasible", 0
    if basis is None:
        status, basis, pivots, proof = _first_phase(A[rows], b[rows], rule)
    else:
        basis = _checked_basis(basis, A[rows], b[rows])
    path = []
    if status == "feasible":
        status, path, proof = _walk(c, A[rows], b[rows], basis, rule)
        path = [corner._replace(y=spread(corner.y, rows, len(b))) for corner in path]
        pivots += len(path) - 1
    elif status == "infeasible":
        proof = spread(proof, rows, len(b))
    if status == "optimal":
        return Solution(status, path[-1].x, path[-1].y, path[-1].cost, path, pivots, None)
    return Solution(status, None, None, None, path, pivots, proof)


def _walk(c, A, b, basis, rule, allowed=None, floor=-np.inf):
    """Go from corner to corner, no further than to the cost `floor`. Return status, corners and ray.

    Only the first `allowed` unknowns may enter the basis.
    """
    path, visited = [], set()
    while True:
        corner = _corner(c, A, b, basis)
        path.append(corner)
        downhill = np.flatnonzero(corner.reduced_costs[:allowed] < 0)
        if downhill.size == 0 or corner.cost <= floor:
            return "optimal", path, None
        if corner.basis in visited:
            return "cycling", path, None
        visited.add(corner.basis)
        if rule == "dantzig":  # the first of those that equal the least but for rounding
            least = corner.reduced_costs[downhill].min()
            downhill = downhill[corner.reduced_costs[downhill] <= (1 - ROUNDING) * least]
        entering = downhill[0]
        basis = np.array(corner.basis, dtype=int)
        fall = sure(*solve(A[:, basis], A[:, entering]))  # of the basis, for a unit of the entering one
        falling = fall > 0
        if not falling.any():
            ray = np.zeros_like(corner.x)
            ray[basis], ray[entering] = -fall, 1
            return "unbounded", path, ray
        reach = corner.x[basis[falling]] / fall[falling]
        leaving = basis[falling][reach <= reach.min() + ROUNDING * abs(reach.min())][0]
        basis = sorted({*corner.basis, int(entering)} - {int(leaving)})


def _first_phase(A, b, rule):
    """Find a basis, for independent rows. Return status, basis, pivots and the proof if there is none."""
    m, n = A.shape
    artificial = np.diag(np.where(b < 0, -1.0, 1.0))  # the sign makes them start at |b|
    extended = np.hstack([A, artificial])
    costs = np.concatenate([np.zeros(n), np.ones(m)])
    # An artificial unknown that has left is not needed again.
    status, path, _ = _walk(costs, extended, b, range(n, n + m), rule, allowed=n, floor=0)
    pivots, last = len(path) - 1, path[-1]
    if status == "cycling":
        return status, None, pivots, None
    if last.x[n:].any():
        return "infeasible", None, pivots, last.y
    basis = list(last.basis)
    for place in range(m):
        if basis[place] >= n:
            # It is zero, so that any column with an entry in its row can take its place; a large one is safe.
            row = np.abs(np.linalg.solve(extended[:, basis].T, np.eye(m)[place]) @ A)
            basis[place] = int(np.argmax(row > 0.9 * row.max()))
            pivots += 1
    return "feasible", sorted(basis), pivots, None


def _corner(c, A, b, basis):
    basis = list(basis)
    x = _point(A, b, basis)
    y, blur = solve(A[:, basis].T, c[basis])
    y = sure(y, blur)
    reduced_costs = sure(c - y @ A, ROUNDING * np.abs(c) + blur @ np.abs(A))
    reduced_costs[basis] = 0
    return Corner(tuple(basis), x, y, reduced_costs, float(c @ x))


def _point(A, b, basis):
    """Return the x that Ax = b leaves, the unknowns outside the basis being zero."""
    basis = list(basis)
    x = np.zeros(A.shape[1])
    x[basis] = sure(*solve(A[:, basis], b))
    return x


def _checked_basis(basis, A, b):
    m, n = A.shape
    basis = sorted(count(f"basis[{k}]", column) for k, column in enumerate(basis))
    if len(set(basis)) != m or len(basis) != m or (basis and basis[-1] >= n):
        raise ValueError(f"basis must be {m} different columns below {n}, got {basis}")
    if len(independent_rows(A[:, basis].T)) < m:
        raise ValueError(f"basis must be independent columns, got {basis}")
    x = _point(A, b, basis)
    if (x < 0).any():
        raise ValueError(f"basis must have a corner x >= 0, got {basis} with x = {x}")
    return basis
