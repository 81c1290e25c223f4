"""Time a sweep over 41 learning rates against loops over them: 500 steps each on Rosenbrock's function.

Run from the root of the repository: ``python -m benchmarks.descent``.
Both sides of each pair run in alternating rounds, so that a change in the machine's speed meets both alike.
"""

import platform
import statistics
import time

import numpy as np

from lib.descent import gradient_descent, sweep

START = (-1.2, 1.0)
LEARNING_RATES = np.linspace(1e-4, 4e-3, 41)
STEPS = 500
ROUNDS = 21


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


def milliseconds(run):
    begin = time.perf_counter()
    run()
    return 1e3 * (time.perf_counter() - begin)


def summary(values, unit):
    return f"{statistics.median(values):7.2f} {unit} ({min(values):.2f}–{max(values):.2f})"


def main():
    contenders = {
        "NumPy loop": numpy_loop,
        "gradient_descent per rate": one_by_one,
        "loop over Python floats": float_loop,
    }
    ours = vectorized()
    for name, run in contenders.items():
        np.testing.assert_array_equal(run(), ours, err_msg=name)
    print(f"{len(LEARNING_RATES)} learning rates × {STEPS} steps, medians (min–max) of {ROUNDS} rounds")
    print(f"Python {platform.python_version()}, NumPy {np.__version__}, {platform.platform()}, {processor()}")
    times = {name: [] for name in ["sweep", *contenders]}
    for _ in range(ROUNDS):
        times["sweep"].append(milliseconds(vectorized))
        for name, run in contenders.items():
            times[name].append(milliseconds(run))
    for name, values in times.items():
        ratios = [mine / theirs for mine, theirs in zip(times["sweep"], values, strict=True)]
        print(f"{name:26} {summary(values, 'ms')}   sweep takes {summary(ratios, 'of it').strip()}")


def processor():
    """Return the processor's name where the system tells it (Linux), else its architecture."""
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


if __name__ == "__main__":
    main()
