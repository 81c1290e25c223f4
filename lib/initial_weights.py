"""Initial weights: random numbers whose spread lets signals keep their size from layer to layer.

A function of this kind is called with a ``numpy.random.Generator``, the shape of the weights, how many inputs
each output has (`fan_in`) and how many outputs each input has (`fan_out`). Layers take it as `initial`.
"""

import math

import numpy as np

from lib.arguments import generator, real


def he(rng, shape, fan_in, fan_out):
    """Draw normal weights of variance 2/fan_in: behind a ReLU they keep the mean square of a signal.

    Half of a symmetric signal's square is lost in a ReLU, and the 2 makes up for it.

    Raises
    ------
    TypeError
        If `rng` is no generator.

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun, "Delving Deep into Rectifiers: Surpassing Human-Level Performance on
    ImageNet Classification", ICCV 2015.

    Examples
    --------
    >>> W = he(np.random.default_rng(0), (1000, 50), fan_in=50, fan_out=1000)
    >>> round(float(W.var()) * 50, 1)
    2.0
    """
    return generator("rng", rng).normal(scale=math.sqrt(2 / fan_in), size=shape)


def glorot(rng, shape, fan_in, fan_out):
    """Draw uniform weights of variance 2/(fan_in + fan_out), for tanh and its like.

    A linear layer keeps the variance of its signals if the weights have variance 1/fan_in, and that of the
    gradients on their way back if it is 1/fan_out. This lies between.

    Raises
    ------
    TypeError
        If `rng` is no generator.

    References
    ----------
    X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks",
    AISTATS 2010.

    Examples
    --------
    >>> W = glorot(np.random.default_rng(0), (1000, 50), fan_in=50, fan_out=1000)
    >>> round(float(W.var()) * (50 + 1000), 1)
    2.0
    """
    end = math.sqrt(6 / (fan_in + fan_out))
    return generator("rng", rng).uniform(-end, end, size=shape)


def normal(scale):
    """Return the function that draws normal weights of this standard deviation, whatever the layer.

    Parameters
    ----------
    scale : float
        The standard deviation, at least 0.

    Raises
    ------
    TypeError, ValueError
        If it is no such number.

    Examples
    --------
    >>> normal(0.01)(np.random.default_rng(0), (1, 2), fan_in=2, fan_out=1).round(4)
    array([[ 0.0013, -0.0013]])
    """
    scale = real("scale", scale, least=0)
    return lambda rng, shape, fan_in, fan_out: generator("rng", rng).normal(scale=scale, size=shape)


def zeros(rng, shape, fan_in, fan_out):
    """Return zeros, from which several layers in a row learn nothing but the biases of the last.

    Between them stand functions with φ(0) = 0, such as ReLU and tanh: so every signal is zero behind the
    first layer, and every gradient before the last.
    """
    return np.zeros(shape)
