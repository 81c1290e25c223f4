"""Time a sweep over 41 learning rates against loops over them: 500 steps each on Rosenbrock's function."""

import numpy as np

from benchmarks.rounds import alternate, machine, table
from lib.descent import gradient_descent, sweep

START = (-1.2, 1.0)
LEARNING_RATES = np.linspace(1e-4, 4e-3, 41)
STEPS = 500


def gradient(point):
    x, y = point
    r = 200 * (y - x * x)
    return np.array([2 * (x - 1 - x * r), r])


def vectorized():
    return sweep(gradient, START, LEARNING_RATES, STEPS)


def one_by_one():
    paths = [gradient_descent(gradient, START, rate, STEPS) for rate in LEARNING_RATES]
    return np.stack(paths, axis=-1)


def numpy_loop():
    """The plain loop a reader would write: an array of two numbers at a time."""
    paths = []
    for rate in LEARNING_RATES:
        point = np.array(START)
        path = [point]
        for _ in range(STEPS):
            point = point - rate * gradient(point)
            path.append(point)
        paths.append(path)
    return np.moveaxis(np.array(paths), 0, -1)


def float_loop():
    """The fastest loop without NumPy: two Python floats at a time, the gradient written out in place."""
    paths = []
    for rate in LEARNING_RATES.tolist():
        x, y = START
        path = [START]
        for _ in range(STEPS):
            r = 200 * (y - x * x)
            x, y = x - rate * (2 * (x - 1 - x * r)), y - rate * r
            path.append((x, y))
        paths.append(path)
    return np.moveaxis(np.array(paths), 0, -1)


def main():
    contenders = {
        "sweep": vectorized,
        "NumPy loop": numpy_loop,
        "gradient_descent per rate": one_by_one,
        "loop over Python floats": float_loop,
    }
    for name, run in contenders.items():
        np.testing.assert_array_equal(run(), vectorized(), err_msg=name)
    print(machine(np))
    print(f"{len(LEARNING_RATES)} learning rates × {STEPS} steps")
    table(alternate(contenders, rounds=21), "sweep")


if __name__ == "__main__":
    main()
