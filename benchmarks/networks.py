"""Time one training step of the 784-128-128-10 ReLU network against PyTorch's variants, by batch size.

A step is the forward pass, the softmax cross-entropy, the backward pass and Adam. Every step takes other
data, and the rate is so small that the gradients stay as they are when training begins: where they vanish,
subnormal numbers slow both sides down.
"""

import sys
from itertools import cycle, pairwise

import numpy as np
import torch

from benchmarks.rounds import alternate, machine, table
from lib.layers import Dense, ReLU
from lib.losses import cross_entropy
from lib.networks import Network
from lib.optimizers import Adam

SIZES = 784, 128, 128, 10
SAMPLES = 6000
RATE = 1e-7
STEPS = {1: 200, 10: 200, 100: 50, 1000: 10}  # how many a round takes the mean of, by batch size


def library(data):
    """Return one step of ours, on the next of some pairs of inputs and labels."""
    rng = np.random.default_rng(0)
    layers = [part for n, m in pairwise(SIZES) for part in (Dense(n, m, rng), ReLU())]
    network, optimizer, batches = Network(layers[:-1]), Adam(RATE), cycle(data)

    def step():
        x, labels = next(batches)
        network.backward(cross_entropy(network.forward(x, training=True), labels).gradient, to_input=False)
        optimizer.step(network.parameters, network.gradients)

    return step


def theirs(data, threads, **variant):
    """Return one step of PyTorch's on so many threads, on the next of some pairs of inputs and labels."""
    pairs = [(torch.nn.Linear(n, m), torch.nn.ReLU()) for n, m in pairwise(SIZES)]
    network = torch.nn.Sequential(*[part for pair in pairs for part in pair][:-1])
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE, **variant)
    batches = cycle([(torch.from_numpy(x), torch.from_numpy(labels)) for x, labels in data])

    def step():
        torch.set_num_threads(threads)
        x, labels = next(batches)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(x), labels).backward()
        optimizer.step()

    return step


def main(rounds=15):
    print(machine(np, torch))
    rng = np.random.default_rng(1)
    x, labels = rng.random((SAMPLES, SIZES[0]), np.float32), rng.integers(SIZES[-1], size=SAMPLES)
    for batch, steps in STEPS.items():
        data = [(x[i : i + batch], labels[i : i + batch]) for i in range(0, SAMPLES, batch)]
        contenders = {"lib": library(data)}
        for variant in ("default", "foreach", "fused"):
            options = {} if variant == "default" else {variant: True}
            for threads in (1, 2):
                name = f"torch {variant}, {threads} thread{'s' * (threads > 1)}"
                contenders[name] = theirs(data, threads, **options)
        print(f"\nOne training step at batch size {batch}, of {'-'.join(map(str, SIZES))}")
        table(alternate(contenders, rounds, steps), "lib", unit=1e-6, name="µs")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
