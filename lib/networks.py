"""Networks of layers whose parameters lie in one flat array."""

import numpy as np


class Network:
    """Layers one after the other.

    All parameters are gathered in one flat array, and all gradients in another; the arrays of the layers
    become views into them.

    Parameters
    ----------
    layers : list of Layer
        Each belongs to one network only.
    dtype : dtype
        float32, or float64 where gradients are checked.

    Attributes
    ----------
    parameters, gradients : list of one ndarray
        The flat arrays, for :meth:`lib.optimizers.Optimizer.step`.
    """

    def __init__(self, layers, dtype=np.float32):
        self.layers, self.dtype = tuple(layers), np.dtype(dtype)
        self._gather()

    def _gather(self):
        parts = list(_parts(self.layers))
        arrays = [array for layer in parts for array in layer.parameters]
        size = sum(array.size for array in arrays)
        self.parameters, self.gradients = [np.zeros(size, self.dtype)], [np.zeros(size, self.dtype)]
        end = 0
        for layer in parts:
            layer.dtype = self.dtype
            layer.statistics = [array.astype(self.dtype) for array in layer.statistics]
            for i, array in enumerate(layer.parameters):
                begin, end = end, end + array.size
                views = (flat[0][begin:end].reshape(array.shape) for flat in (self.parameters, self.gradients))
                layer.parameters[i], layer.gradients[i] = views
                layer.parameters[i][...] = array

    @property
    def count(self):
        """How many numbers are trained."""
        return self.parameters[0].size

    def forward(self, x, training=False):
        """Return the outputs for a batch, as :meth:`lib.layers.Layer.forward`, but in an array of their own."""
        for layer in self.layers:
            x = layer.forward(x, training)
        return x.copy()

    def backward(self, dy, to_input=True):
        """Write the gradients of all parameters, and return dx, as :meth:`lib.layers.Layer.backward`."""
        for i in reversed(range(len(self.layers))):
            dy = self.layers[i].backward(dy, to_input or i > 0)
        return dy

    def __repr__(self):
        return f"Network({', '.join(map(repr, self.layers))})"


def _parts(layers):
    """Yield all layers, those inside of others too."""
    for layer in layers:
        yield layer
        yield from _parts(layer.layers)
