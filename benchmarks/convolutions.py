"""Time forward and backward of a small convolutional network against PyTorch's layouts and threads."""

import sys

import numpy as np
import torch

from benchmarks.rounds import alternate, machine, table
from lib.convolutions import Convolution, MaxPool
from lib.layers import Dense, Flatten, ReLU
from lib.losses import cross_entropy
from lib.networks import Network

BATCH = 64


def library(x, labels):
    """Return our network, and its step, which returns the loss."""
    rng = np.random.default_rng(0)
    first = [Convolution(1, 8, 3, rng), ReLU(), MaxPool(2)]
    second = [Convolution(8, 16, 3, rng), ReLU(), MaxPool(2)]
    network = Network([*first, *second, Flatten(), Dense(400, 10, rng)])

    def step():
        loss = cross_entropy(network.forward(x, training=True), labels)
        network.backward(loss.gradient, to_input=False)
        return loss.value

    return network, step


def theirs(network, x, labels, layout, threads):
    """Return PyTorch's network with the same parameters, and its step, on so many threads."""
    nn = torch.nn
    first = [nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2)]
    second = [nn.Conv2d(8, 16, 3), nn.ReLU(), nn.MaxPool2d(2)]
    twin = nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(400, 10))
    arrays = [array for layer in network.layers for array in layer.parameters]
    with torch.no_grad():
        for parameter, array in zip(twin.parameters(), arrays, strict=True):
            parameter[...] = torch.from_numpy(array)
    twin = twin.to(memory_format=layout)
    x, labels = torch.from_numpy(x).to(memory_format=layout), torch.from_numpy(labels)

    def step():
        torch.set_num_threads(threads)
        twin.zero_grad()
        loss = nn.functional.cross_entropy(twin(x), labels)
        loss.backward()
        return loss.item()

    return twin, step


def main(rounds=25):
    rng = np.random.default_rng(1)
    x = rng.normal(size=(BATCH, 1, 28, 28)).astype(np.float32)
    labels = rng.integers(10, size=BATCH)
    network, step = library(x, labels)
    contenders, loss = {"lib": step}, step()
    for layout in (torch.contiguous_format, torch.channels_last):
        for threads in (1, 2):
            twin, run = theirs(network, x, labels, layout, threads)
            # it is the same work only if it has the same results
            np.testing.assert_allclose(run(), loss, rtol=1e-4)
            gradients = [parameter.grad.numpy().ravel() for parameter in twin.parameters()]
            np.testing.assert_allclose(np.concatenate(gradients), network.gradients[0], atol=1e-4)
            name = str(layout).removeprefix("torch.").removesuffix("_format")
            contenders[f"torch {name}, {threads} thread{'s' * (threads > 1)}"] = run
    print(machine(np, torch))
    print(f"Forward and backward of 1→8→16 channels on {BATCH} pictures of 28 × 28")
    table(alternate(contenders, rounds, steps=10), "lib")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
