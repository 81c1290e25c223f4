"""What every benchmark does: time contenders in alternating rounds, and say on which machine.

Alternating matters: when the machine's speed changes, it changes for both sides.
"""

import gc
import platform
import time
from pathlib import Path
from statistics import median


def machine(*packages):
    """Return one line that names the processor, the system, and the versions of Python and of packages."""
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text().splitlines() if listing.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    processor = names[0] if names else platform.processor() or platform.machine()
    versions = [f"{package.__name__} {package.__version__}" for package in packages]
    python = f"Python {platform.python_version()}"
    return ", ".join([f"{processor} ({len(names) or '?'} cores)", platform.system(), python, *versions])


def alternate(contenders, rounds, steps=1):
    """Return for each contender the seconds that one call takes in every round, the mean of `steps` calls."""
    # What the imported packages hold is kept out of the garbage collections, which would else go through all
    # of it again and again, on the time of whoever happens to make many objects.
    gc.collect()
    gc.freeze()
    times = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            run()
            begin = time.perf_counter()
            for _ in range(steps):
                run()
            times[name].append((time.perf_counter() - begin) / steps)
    return times


def table(times, ours, unit=1e-3, name="ms"):
    """Print medians with minimum and maximum, and how much of each contender's time `ours` took per round."""
    print(f"{name:28}{'median':>10}{'min':>10}{'max':>10}   {ours} / this: median (min–max)")
    for contender, column in times.items():
        line = f"{contender:28}" + "".join(f"{f(column) / unit:10.2f}" for f in (median, min, max))
        if contender != ours:
            ratios = [a / b for a, b in zip(times[ours], column, strict=True)]
            line += f"   {median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})"
        print(line)
