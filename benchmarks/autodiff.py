"""Time automatic differentiation, forward and backward, on one thread.

Graphs of numbers are timed against micrograd, graphs of arrays against PyTorch and HIPS autograd.
"""

from itertools import pairwise

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from benchmarks.rounds import alternate, machine, table
from lib.array_autodiff import Array, log_softmax
from lib.autodiff import Scalar, order, relu

try:
    import autograd
    import autograd.numpy as anp
except ImportError:
    autograd = None
try:
    from micrograd.engine import Value
except ImportError:
    Value = None

NETWORKS = {
    "4-16-16-3, batch 10": (10, (4, 16, 16, 3)),
    "784-128-128-10, batch 100": (100, (784, 128, 128, 10)),
}


def perceptron(kind, weights, x, relu):
    """Return the squared error of a network of numbers, differentiated, and its first weight."""
    hidden = [kind(value) for value in x]
    first = None
    for layer in weights:
        rows = [[kind(w) for w in row] for row in layer]
        first = first or rows[0][0]
        # a loop, for `sum` would begin each with the number 0
        outputs = []
        for row in rows:
            total = row[0] * hidden[0]
            for w, v in zip(row[1:], hidden[1:], strict=True):
                total = total + w * v
            outputs.append(relu(total))
        hidden = outputs
    error = (hidden[0] - 1) ** 2
    error.backward()
    return error, first


def numbers():
    rng = np.random.default_rng(0)
    x = rng.normal(size=8).tolist()
    weights = [rng.uniform(0, 0.5, size=shape).tolist() for shape in ((16, 8), (16, 16), (1, 16))]
    contenders = {"lib": lambda: perceptron(Scalar, weights, x, relu)}
    if Value:
        contenders["micrograd"] = lambda: perceptron(Value, weights, x, Value.relu)
    error, first = contenders["lib"]()
    if Value:
        assert np.isclose(first.derivative, contenders["micrograd"]()[1].grad)
    nodes = len(order(error))
    print(f"A network of {nodes} nodes, one number each: per node")
    table(alternate(contenders, rounds=40, steps=4), "lib", unit=1e-6 * nodes, name="µs")


def arrays(title, samples, sizes):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(samples, sizes[0])).astype(np.float32)
    labels, rows = rng.integers(sizes[-1], size=samples), np.arange(samples)
    parameters = []
    for shape in pairwise(sizes):
        parameters += [rng.normal(size=shape).astype(np.float32) / 10, np.zeros(shape[1], np.float32)]

    def scores(x, parameters, relu):
        for k in range(0, len(parameters), 2):
            x = x @ parameters[k] + parameters[k + 1]
            x = relu(x) if k + 2 < len(parameters) else x
        return x

    def ours():
        nodes = [Array(array) for array in parameters]
        loss = -log_softmax(scores(x, nodes, relu))[rows, labels].mean()
        loss.backward()
        return [node.derivative for node in nodes]

    tensors = [torch.tensor(array, requires_grad=True) for array in parameters]
    tensor, classes = torch.tensor(x), torch.tensor(labels)

    def theirs():
        loss = torch.nn.functional.cross_entropy(scores(tensor, tensors, torch.relu), classes)
        return torch.autograd.grad(loss, tensors)

    def numpy_loss(parameters):
        f = scores(x, parameters, lambda v: anp.maximum(v, 0))
        f = f - anp.max(f, axis=1, keepdims=True)
        return -anp.mean(f[rows, labels] - anp.log(anp.sum(anp.exp(f), axis=1)))

    contenders = {"lib": ours, "torch, 1 thread": theirs}
    if autograd:
        gradient = autograd.grad(numpy_loss)
        contenders["autograd"] = lambda: gradient(parameters)
    for name, run in contenders.items():
        for one, other in zip(ours(), run(), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-5, err_msg=name)
    print(f"The loss of a network and its gradient: {title}")
    table(alternate(contenders, rounds=25, steps=8), "lib", unit=1e-6, name="µs")


def main():
    torch.set_num_threads(1)
    print(machine(np, torch))
    with threadpool_limits(1):
        numbers()
        for title, (samples, sizes) in NETWORKS.items():
            arrays(title, samples, sizes)


if __name__ == "__main__":
    main()
