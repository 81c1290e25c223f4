"""Time forward and backward of a small convolutional network against PyTorch's variants."""

import numpy as np
import torch

from benchmarks.rounds import alternate, machine, table
from lib.convolutions import Convolution, MaxPool
from lib.layers import Dense, Flatten, ReLU
from lib.losses import cross_entropy
from lib.networks import Network

BATCH = 64


def ours(rng):
    """Return the network of the library."""
    first = [Convolution(1, 8, 3, rng), ReLU(), MaxPool(2)]
    second = [Convolution(8, 16, 3, rng), ReLU(), MaxPool(2)]
    return Network([*first, *second, Flatten(), Dense(400, 10, rng)])


def theirs(network, x, labels, layout):
    """Return PyTorch's network with the same parameters, and its step, which returns the loss."""
    nn = torch.nn
    first = [nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2)]
    second = [nn.Conv2d(8, 16, 3), nn.ReLU(), nn.MaxPool2d(2)]
    copy = nn.Sequential(*first, *second, nn.Flatten(), nn.Linear(400, 10))
    parameters = [array for layer in network.layers for array in layer.parameters]
    with torch.no_grad():
        for parameter, array in zip(copy.parameters(), parameters, strict=True):
            parameter[...] = torch.from_numpy(array)
    copy = copy.to(memory_format=layout)
    x = torch.from_numpy(x).to(memory_format=layout)
    labels = torch.from_numpy(labels)

    def step():
        copy.zero_grad()
        loss = nn.functional.cross_entropy(copy(x), labels)
        loss.backward()
        return loss.item()

    return copy, step


def main():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(BATCH, 1, 28, 28)).astype(np.float32)
    labels = rng.integers(10, size=BATCH)
    network = ours(rng)

    def step():
        loss = cross_entropy(network.forward(x, training=True), labels)
        network.backward(loss.gradient, to_input=False)
        return loss.value

    contenders = {"lib": step}
    expected = step()
    for name, layout in {"": torch.contiguous_format, " channels_last": torch.channels_last}.items():
        copy, run = theirs(network, x, labels, layout)
        assert abs(run() - expected) < 1e-4
        gradient = np.concatenate([parameter.grad.numpy().ravel() for parameter in copy.parameters()])
        assert abs(gradient - network.gradients[0]).max() < 1e-4
        for threads in (1, 2):

            def alone(run=run, threads=threads):
                torch.set_num_threads(threads)
                run()

            contenders[f"torch{name}, {threads} thread{'s' * (threads > 1)}"] = alone
    print(machine(np, torch))
    print(f"Forward and backward of 1→8→16 channels on {BATCH} pictures of 28 × 28")
    table(alternate(contenders, rounds=25, steps=10), "lib")


if __name__ == "__main__":
    main()
