"""Time one Adam step on one flat float32 buffer against PyTorch's.

Both sides step the same parameters with the same gradient, in alternating rounds within one process.
PyTorch's best is the variant (default, foreach or fused, on 1 or 2 threads) with the smallest median.
Run from the root of the repository: ``python -m benchmarks.optimizers``.
"""

import argparse
import platform
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch

from lib.optimizers import Adam

SIZE = 784 * 128 + 128 + 128 * 128 + 128 + 128 * 10 + 10  # the 784-128-128-10 network: 118,282 parameters


def processor():
    """Return the processor's name, from Linux's list where there is one."""
    listing = Path("/proc/cpuinfo")
    if listing.exists():
        for line in listing.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    return platform.processor() or platform.machine()


def ours(weights, gradient):
    """Return one step of ours, and the part of it that checks the input."""
    optimizer, parameters, gradients = Adam(), [weights.copy()], [gradient]
    return lambda: optimizer.step(parameters, gradients), lambda: optimizer._check(parameters, gradients)


def theirs(weights, gradient, threads, **variant):
    """Return one step of PyTorch's, on so many threads."""
    parameter = torch.nn.Parameter(torch.from_numpy(weights.copy()))
    parameter.grad = torch.from_numpy(gradient.copy())
    return threads, torch.optim.Adam([parameter], **variant).step


def seconds(run, steps):
    """Return the seconds one call takes, the mean of `steps` calls after a first one."""
    run()
    start = time.perf_counter()
    for _ in range(steps):
        run()
    return (time.perf_counter() - start) / steps


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--steps", type=int, default=40, help="steps timed together in a round")
    arguments = parser.parse_args()

    random = np.random.default_rng(0)
    weights = random.normal(size=SIZE).astype(np.float32)
    gradient = (0.01 * random.normal(size=SIZE)).astype(np.float32)
    step, check = ours(weights, gradient)
    variants = {"default": {}, "foreach": {"foreach": True}, "fused": {"fused": True}}
    peers = {
        f"torch {name}, {threads} thread{'s' * (threads > 1)}": theirs(weights, gradient, threads, **variant)
        for name, variant in variants.items()
        for threads in (1, 2)
    }

    times = {name: [] for name in ("ours", "ours, input checks only", *peers)}
    for _ in range(arguments.rounds):
        times["ours"].append(seconds(step, arguments.steps))
        times["ours, input checks only"].append(seconds(check, arguments.steps))
        for name, (threads, run) in peers.items():
            torch.set_num_threads(threads)
            times[name].append(seconds(run, arguments.steps))

    print(f"{processor()}, {platform.system()}, Python {platform.python_version()}")
    print(f"NumPy {np.__version__}, PyTorch {torch.__version__}")
    print(f"One Adam step on {SIZE:,} float32 parameters: µs, and ours / theirs in the same round")
    print(f"{'':26}{'median':>10}{'min':>10}{'max':>10}{'ratio':>8}{'min':>8}{'max':>8}")
    for name, column in times.items():
        row = [1e6 * f(column) for f in (median, min, max)]
        line = f"{name:26}" + "".join(f"{value:10.1f}" for value in row)
        if name in peers:
            ratios = [a / b for a, b in zip(times["ours"], column, strict=True)]
            line += "".join(f"{f(ratios):8.2f}" for f in (median, min, max))
        print(line)
    best = min(peers, key=lambda name: median(times[name]))
    share = median(c / o for c, o in zip(times["ours, input checks only"], times["ours"], strict=True))
    print(f"Best of PyTorch: {best}. Input checks: {100 * share:.0f} % of our step.")


if __name__ == "__main__":
    main()
