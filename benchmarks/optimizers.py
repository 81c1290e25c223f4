"""Time one Adam step on one flat float32 buffer against PyTorch's default, foreach and fused variants."""

import numpy as np
import torch

from benchmarks.rounds import alternate, machine, table
from lib.optimizers import Adam

SIZE = 784 * 128 + 128 + 128 * 128 + 128 + 128 * 10 + 10  # the 784-128-128-10 network: 118,282 parameters


def theirs(weights, gradient, threads, **variant):
    """Return one step of PyTorch's on so many threads."""
    parameter = torch.nn.Parameter(torch.from_numpy(weights.copy()))
    parameter.grad = torch.from_numpy(gradient.copy())
    optimizer = torch.optim.Adam([parameter], **variant)

    def step():
        torch.set_num_threads(threads)
        optimizer.step()

    return step


def main():
    random = np.random.default_rng(0)
    weights = random.normal(size=SIZE).astype(np.float32)
    gradient = (0.01 * random.normal(size=SIZE)).astype(np.float32)
    optimizer, parameters, gradients = Adam(), [weights.copy()], [gradient]
    contenders = {
        "lib": lambda: optimizer.step(parameters, gradients),
        "lib, input checks only": lambda: optimizer._check(parameters, gradients),
    }
    for variant in ("default", "foreach", "fused"):
        options = {} if variant == "default" else {variant: True}
        for threads in (1, 2):
            run = theirs(weights, gradient, threads, **options)
            contenders[f"torch {variant}, {threads} thread{'s' * (threads > 1)}"] = run
    print(machine(np, torch))
    print(f"One Adam step on {SIZE:,} float32 parameters")
    table(alternate(contenders, rounds=25, steps=40), "lib", unit=1e-6, name="µs")


if __name__ == "__main__":
    main()
