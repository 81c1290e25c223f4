"""Time 600,000 random Kaczmarz steps on a 100 × 10 system of condition 400, with the error of every step."""

import numpy as np

from benchmarks.rounds import alternate, machine, table
from lib.kaczmarz import kaczmarz, row_probabilities

try:
    import numba
except ImportError:
    numba = None

STEPS = 600_000


def problem():
    """Return a system whose solution is 0, a start, and rows drawn by their squared norms."""
    rng = np.random.default_rng(0)
    left, right = (np.linalg.qr(rng.normal(size=(m, 10)))[0] for m in (100, 10))
    A = left * np.geomspace(1, 1 / 400, 10) @ right.T
    return A, np.zeros(100), rng.normal(size=10), rng.choice(100, size=STEPS, p=row_probabilities(A))


def library(A, b, start, rows):
    """Return squared errors and squared cosines between error and row, from the lengths of the steps."""
    run = kaczmarz(A, b, start, rows)
    squares = run.lengths**2
    errors = run.x @ run.x + np.cumsum(squares[::-1])[::-1]
    return errors, squares / errors


def loop(A, b, start, rows):
    """The same from the points themselves, row by row."""
    norms = (A**2).sum(axis=1)
    errors, cosines = np.empty((2, len(rows)))
    x = start.copy()
    for k in range(len(rows)):
        i = rows[k]
        row = A[i]
        lacking = b[i] - row @ x
        errors[k] = x @ x
        cosines[k] = lacking**2 / (norms[i] * errors[k])
        x += lacking / norms[i] * row
    return errors, cosines


def main():
    given = problem()
    some = (*given[:3], given[3][: STEPS // 20])
    contenders = {"lib": lambda: library(*given), "NumPy loop, 1/20 of steps": lambda: loop(*some)}
    if numba:
        compiled = numba.njit(loop)
        contenders["numba loop"] = lambda: compiled(*given)
    for name, run in contenders.items():
        for ours, theirs in zip(library(*given), run(), strict=True):
            np.testing.assert_allclose(ours[: len(theirs)], theirs, rtol=1e-9, atol=1e-14, err_msg=name)
    print(machine(*[package for package in (np, numba) if package]))
    print(f"{STEPS:,} steps of random Kaczmarz on {given[0].shape[0]} × {given[0].shape[1]}")
    table(alternate(contenders, rounds=7), "lib")


if __name__ == "__main__":
    main()
