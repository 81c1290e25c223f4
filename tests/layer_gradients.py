"""The gradients of a layer against finite differences."""

import numpy as np
from numpy.testing import assert_allclose

from lib.calculus import gradient
from lib.networks import Network


def assert_gradients(layer, x, rng, atol=1e-7, training=False):
    """Assert that `backward` of a layer gives the derivatives of ⟨dy, y⟩ in the input and all parameters."""
    network = Network([layer], dtype=np.float64)
    network.parameters[0][...] = rng.normal(size=network.count)
    here = network.parameters[0].copy()
    dy = rng.normal(size=network.forward(x, training).shape)
    dx = network.backward(dy).copy()
    assert dx.shape == x.shape
    assert_allclose(dx, gradient(lambda x: np.vdot(dy, network.forward(x, training)), x), atol=atol)

    def value(parameters):
        network.parameters[0][...] = parameters
        return np.vdot(dy, network.forward(x, training))

    assert_allclose(network.gradients[0], gradient(value, here), atol=atol)
