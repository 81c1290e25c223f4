"""Linear programs on which several tests run, what HiGHS says of them, and what a proof must show."""

import numpy as np
from scipy.optimize import linprog

BEALE = (
    [-0.75, 150, -0.02, 6, 0, 0, 0],
    [[0.25, -60, -0.04, 9, 1, 0, 0], [0.5, -90, -0.02, 3, 0, 1, 0], [0, 0, 1, 0, 0, 0, 1]],
    [0, 0, 1],
)
KINDS = ("whole numbers", "solvable", "redundant", "degenerate", "Gaussian", "homogeneous", "units", "gaps")


def program(seed):
    """Return c, A, b of a small program, of a kind that the seed chooses."""
    rng, kind = np.random.default_rng(seed), KINDS[seed % len(KINDS)]
    m, n = int(rng.integers(1, 7)), int(rng.integers(1, 10))
    A = rng.integers(-2, 3, (m, n)).astype(float)
    b, c = rng.integers(-2, 3, m).astype(float), rng.integers(-2, 3, n).astype(float)
    if kind in ("solvable", "units"):
        b, c = A @ rng.integers(0, 2, n), A.T @ rng.integers(-1, 2, m) + rng.integers(0, 2, n)
    if kind == "units":
        rows, columns = 10.0 ** rng.integers(-4, 5, m), 10.0 ** rng.integers(-3, 4, n)
        A, b, c = A * np.outer(rows, columns), b * rows, c * columns
    if kind == "redundant":
        A = np.vstack([A, 2 * A[0], A.sum(axis=0), np.zeros(n), A[0]])
        b = A @ rng.integers(0, 2, n) + (rng.random() < 0.2) * rng.integers(0, 2, len(A))
    if kind == "degenerate":
        b = A[:, 0] * rng.integers(0, 2)
    if kind == "Gaussian":
        A, c = rng.standard_normal((m, n)), rng.standard_normal(n)
        b = A @ rng.exponential(size=n) if rng.random() < 0.7 else rng.standard_normal(m)
    if kind == "homogeneous":
        b = np.zeros(m)
    if kind == "gaps":
        A[:, rng.integers(n)], A[rng.integers(m)], A[:, -1] = 0, 0, A[:, 0]
        b = A @ rng.integers(0, 2, n)
    return c, A, b


def verdict(c, A, b):
    """Return the status that HiGHS finds, and the cost."""
    found = linprog(c, A_eq=A, b_eq=b, method="highs")
    if found.status == 0:
        return "optimal", found.fun
    feasible = linprog(np.zeros_like(c), A_eq=A, b_eq=b, method="highs").status == 0
    return "unbounded" if feasible else "infeasible", None


def relative(difference, terms):
    """The largest component of the difference, over the size of the terms that should cancel."""
    return np.max(difference / np.where(terms > 0, terms, 1), initial=-np.inf)


def assert_optimal(found, c, A, b, tolerance):
    """A feasible x and a feasible y whose costs agree: weak duality then says that both are optimal."""
    assert found.x.shape == c.shape
    assert found.y.shape == b.shape
    assert (found.x >= 0).all()
    assert relative(abs(A @ found.x - b), abs(A) @ found.x + abs(b)) <= tolerance
    assert relative(found.y @ A - c, abs(found.y) @ abs(A) + abs(c)) <= tolerance
    assert abs(c @ found.x - b @ found.y) <= tolerance * (abs(c) @ found.x + abs(b) @ abs(found.y))
    assert found.cost == c @ found.x
    assert found.certificate is None


def assert_infeasible(y, A, b, tolerance):
    """Aᵀy <= 0 < b·y, up to the tolerance."""
    assert relative(y @ A, abs(y) @ abs(A)) <= tolerance
    assert b @ y > 1e-6 * (abs(b) @ abs(y))


def assert_unbounded(d, c, A, tolerance):
    """Ad = 0, d >= 0, c·d < 0, up to the tolerance."""
    assert (d >= 0).all()
    assert relative(abs(A @ d), abs(A) @ d) <= tolerance
    assert c @ d < -1e-6 * (abs(c) @ d)


def klee_minty(n):
    """A cube, bent so that Dantzig's rule goes to all its corners; the last n unknowns are its slacks."""
    A = np.eye(n)
    for i in range(n):
        A[i, :i] = 2.0 ** np.arange(i + 1, 1, -1)
    costs = -(2.0 ** np.arange(n - 1, -1, -1))
    return np.append(costs, np.zeros(n)), np.hstack([A, np.eye(n)]), 5.0 ** np.arange(1, n + 1)
