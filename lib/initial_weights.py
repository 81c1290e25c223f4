"""Initial weights: how to draw them so that signals keep their size from layer to layer.

A function of this kind takes a generator, the shape of the weights, and how many inputs each output has
(`fan_in`) and how many outputs each input (`fan_out`).
"""

import math


def he(rng, shape, fan_in, fan_out):
    """Draw normal weights of variance 2/fan_in, which keeps the mean square of signals behind ReLUs."""
    return rng.normal(scale=math.sqrt(2 / fan_in), size=shape)
