"""Training: batches in random order, and a record of what happened."""

import math
import os
from time import perf_counter
from typing import NamedTuple

import numpy as np
from tqdm.auto import tqdm

from lib.arguments import count, generator
from lib.networks import batches, check_lengths


class History(NamedTuple):
    """What happened in training.

    Attributes
    ----------
    losses : ndarray of float64, shape (steps,)
        The loss of the batch of each step, before the step.
    validation : list
        What `validation` returned after each epoch.
    seconds : ndarray of float64, shape (epochs,)
        How long each epoch took, without the validation.
    stopped : str
        Why there are no more steps.
    """

    losses: np.ndarray
    validation: list
    seconds: np.ndarray
    stopped: str


def train(network, x, targets, *, loss, optimizer, batch_size, epochs, rng, validation=None, progress=True):
    """Train a network on batches drawn without replacement, in a new order in every epoch.

    Where the loss or its gradient overflows, training stops, with the parameters as they are then.

    Parameters
    ----------
    network : Network
    x : ndarray, shape (samples, ...)
        The inputs.
    targets : ndarray, shape (samples, ...)
        What is right for each.
    loss : callable
        A function of :mod:`lib.losses`, or one like them. If `targets` has one axis and the network one
        output, it gets the outputs with one axis too.
    optimizer : lib.optimizers.Optimizer
        Its learning rate may be a schedule. Its state goes on from where it is.
    batch_size : int
        How many samples a step takes; the last batch of an epoch has those that are left.
    epochs : int
        How often every sample is taken.
    rng : numpy.random.Generator
        Draws the order.
    validation : callable, optional
        A function of the network, called after each epoch.
    progress : bool
        Whether to show a progress bar, which disappears at the end. The build of the book shows none.

    Returns
    -------
    History

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the described kind, or the network, the loss or the optimizer refuses it.

    Examples
    --------
    >>> from lib.datasets import xor
    >>> from lib.layers import Dense, ReLU
    >>> from lib.losses import cross_entropy
    >>> from lib.networks import Network
    >>> from lib.optimizers import Adam
    >>> rng = np.random.default_rng(0)
    >>> x, labels = xor(rng, 200)
    >>> network = Network([Dense(2, 8, rng), ReLU(), Dense(8, 2, rng)])
    >>> options = {"loss": cross_entropy, "optimizer": Adam(0.01), "batch_size": 20, "epochs": 30, "rng": rng}
    >>> history = train(network, x, labels, **options, progress=False)
    >>> len(history.losses), network.accuracy(x, labels)
    (300, 1.0)
    """
    x, targets = np.asarray(x), np.asarray(targets)
    check_lengths(x, targets)
    batch_size, epochs = count("batch_size", batch_size, least=1), count("epochs", epochs)
    generator("rng", rng)
    if validation is not None and not callable(validation):
        raise TypeError(f"validation must be a function of the network, got {validation!r}")
    steps = epochs * math.ceil(len(x) / batch_size)
    losses, validated, seconds = [], [], []
    hidden = not progress or "DOWNHILL_BUILD" in os.environ
    with tqdm(total=steps, disable=hidden, leave=False, unit="step") as bar, np.errstate(all="ignore"):
        for _ in range(epochs):
            begin, order = perf_counter(), rng.permutation(len(x))
            for batch in batches(order, batch_size):
                outputs = network.forward(x[batch], training=True)
                value, gradient = _loss(loss, outputs, targets[batch])
                network.backward(gradient, to_input=False)
                losses.append(value)
                if not math.isfinite(value + np.vdot(network.gradients[0], network.gradients[0])):
                    stopped = f"the loss or its gradient overflows at step {len(losses) - 1}"
                    return History(np.array(losses), validated, np.array(seconds), stopped)
                optimizer.step(network.parameters, network.gradients)
                bar.update()
            seconds.append(perf_counter() - begin)
            if validation is not None:
                validated.append(validation(network))
    return History(np.array(losses), validated, np.array(seconds), f"all {steps} steps taken")


def mean_loss(network, x, targets, loss, batch_size=1000):
    """Return the mean loss over all samples, as the network answers when it is not in training.

    Parameters
    ----------
    network : Network
    x, targets : ndarray, shape (samples, ...)
    loss : callable
        As for :func:`train`.
    batch_size : int
        How many samples go through the network at a time; the result is the same up to rounding.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        If there are not as many targets as samples, or none, or the network or the loss refuses them.
    """
    check_lengths(x, targets)
    pairs = zip(batches(x, batch_size), batches(np.asarray(targets), batch_size), strict=True)
    return sum(len(a) * _loss(loss, network.forward(a), b)[0] for a, b in pairs) / len(x)


def _loss(loss, outputs, targets):
    """Return a loss and its gradient in the outputs' shape; numbers as targets want numbers as outputs."""
    numbers = targets.ndim == 1 and outputs.shape[1:] == (1,)
    value, gradient = loss(outputs[:, 0] if numbers else outputs, targets)
    return value, gradient.reshape(outputs.shape)
