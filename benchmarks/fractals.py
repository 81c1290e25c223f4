"""Time a picture of 3¹⁵ points of the law of SGD on 512 × 512 pixels, against loops over random steps."""

import numpy as np

from benchmarks.rounds import alternate, machine, table
from lib.fractals import compositions, density, sgd_maps, stationary

try:
    import numba
except ImportError:
    numba = None

PIXELS = 512
MAPS = sgd_maps([[0, 1], [1, 0.5], [1, -0.5]], [0, 4, 0], learning_rate=0.65)
POINTS = 3**15


def window():
    points = compositions(MAPS, stationary(MAPS).mean, 10)
    return np.column_stack([points.min(axis=1) - 0.5, points.max(axis=1) + 0.5])


def loop(matrices, shifts, left, bottom, across, up, draws, steps):
    """Count where one long run passes, the reader's way: two floats at a time, the draws made before."""
    picture = np.zeros((PIXELS, PIXELS), dtype=np.int64)
    x, y = 2.0, 1.3
    for k in range(steps):
        A, s = matrices[draws[k]], shifts[draws[k]]
        x, y = A[0][0] * x + A[0][1] * y + s[0], A[1][0] * x + A[1][1] * y + s[1]
        picture[int((y - bottom) * up), int((x - left) * across)] += 1
    return picture


def main():
    (left, right), (bottom, top) = view = window()
    scale = PIXELS / (right - left), PIXELS / (top - bottom)
    draws = np.random.default_rng(0).integers(3, size=POINTS)
    lists, some = [array.tolist() for array in MAPS], draws[: POINTS // 27].tolist()
    contenders = {
        "lib": lambda: density(MAPS, view, PIXELS, 15),
        "Python loop, 1/27 of the points": lambda: loop(*lists, left, bottom, *scale, some, len(some)),
    }
    if numba:
        compiled = numba.njit(loop)
        contenders["numba loop"] = lambda: compiled(*MAPS, left, bottom, *scale, draws, POINTS)
    ours = density(MAPS, view, PIXELS, 15) / POINTS
    for name, run in contenders.items():
        theirs = run()
        coarse = (ours - theirs / theirs.sum()).reshape(16, PIXELS // 16, 16, PIXELS // 16).sum(axis=(1, 3))
        np.testing.assert_allclose(coarse, 0, atol=0.01, err_msg=name)
    print(machine(*[package for package in (np, numba) if package]))
    print(f"{POINTS:,} points on {PIXELS} × {PIXELS} pixels")
    table(alternate(contenders, rounds=9), "lib")


if __name__ == "__main__":
    main()
