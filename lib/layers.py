"""Layers of a network: each computes its outputs, and carries a gradient back through them.

Arrays are batch first: one sample per entry of the first axis. In the docstrings ``x`` is the input of a
layer, ``y`` its output, and ``dx``, ``dy`` are the derivatives of the loss with respect to them.
"""

import numpy as np

from lib.arguments import count, real
from lib.initial_weights import he


class Layer:
    """The base of all layers: check the input, keep the arrays, remember what the way back needs.

    A layer defines ``compute(x, training)`` and ``propagate(dy, to_input)``, which are called with checked
    arrays, and ``output_shape(shape)`` where shapes change or not every input fits.

    Attributes
    ----------
    parameters, gradients : list of ndarray
        What is trained, and the derivatives of the loss that the last `backward` found, in the same shapes.
    statistics : list of ndarray
        What is learned from the data without gradients, and saved with the parameters.
    layers : tuple of Layer
        Those that it is made of, if any.
    dtype : numpy.dtype
        The precision: float32, until a :class:`lib.networks.Network` decides otherwise.

    Notes
    -----
    The arrays that `forward` and `backward` return are used again: the next call with an input of the same
    shape overwrites them. Copy what is to be kept. No layer changes an array that it is given.
    """

    layers = ()

    def __init__(self, *parameters):
        self.parameters = [np.asarray(array, np.float32) for array in parameters]
        self.gradients = [np.zeros_like(array) for array in self.parameters]
        self.statistics = []
        self.dtype = np.dtype(np.float32)
        self._buffers = {}
        self._shapes = None, None

    def forward(self, x, training=False):
        """Return the outputs for a batch, and keep what `backward` needs.

        Parameters
        ----------
        x : array_like, shape (batch, ...)
            Real numbers; they are brought to the layer's precision.
        training : bool
            Whether dropout and batch normalization do what they do in training.

        Raises
        ------
        TypeError, ValueError
            If `x` does not hold real numbers, or its shape does not fit the layer.
        """
        x = self._numbers("input", x)
        if x.shape != self._shapes[0]:
            if x.ndim < 2 or len(x) == 0:
                self._refuse("input", x.shape, "a batch of one sample or more: (batch, ...)")
            self._shapes = x.shape, self.output_shape(x.shape)
        return self.compute(x, training)

    def backward(self, dy, to_input=True):
        """Return dx for the input of the last `forward`, and write the derivatives of the parameters.

        Parameters
        ----------
        dy : array_like
            The derivatives of the loss with respect to what `forward` returned, in that shape.
        to_input : bool
            Whether dx is wanted. The first layer of a network can save half of its work: it then returns
            None.

        Raises
        ------
        RuntimeError
            If `forward` has not been called.
        TypeError, ValueError
            If `dy` does not hold real numbers, or has another shape than the output.
        """
        dy = self._numbers("gradient", dy)
        if dy.shape != self._shapes[1]:
            if self._shapes[1] is None:
                raise RuntimeError(f"{self}: backward needs a forward before it")
            self._refuse("gradient", dy.shape, self._shapes[1])
        return self.propagate(dy, to_input)

    def output_shape(self, shape):
        """Return the shape of the output for an input of this shape, batch included; refuse what cannot be."""
        return shape

    def __repr__(self):
        return f"{type(self).__name__}()"

    def buffer(self, name, *shape, like=None):
        """Return an uninitialized array to write into: the same one as long as the shape is the same.

        Parameters
        ----------
        name : str
            Which of the layer's buffers.
        *shape : int
            Its shape, or
        like : ndarray
            an array whose shape and order in memory it takes.
        """
        key = shape if like is None else (like.shape, like.strides)
        held = self._buffers.get(name)
        if held is None or held[0] != key or held[1].dtype != self.dtype:
            array = np.empty(shape, self.dtype) if like is None else np.empty_like(like, self.dtype)
            held = self._buffers[name] = key, array
        return held[1]

    def _numbers(self, name, array):
        array = np.asarray(array)
        if array.dtype != self.dtype:
            if array.dtype.kind not in "iuf":
                raise TypeError(f"{self}: the {name} must hold real numbers, got {array.dtype}")
            array = array.astype(self.dtype)
        return array

    def _refuse(self, name, shape, expected):
        raise ValueError(f"{self}: the {name} has shape {shape}, expected {expected}")


class Dense(Layer):
    """Every output a weighted sum of all inputs: ``y = x Wᵀ + b``.

    The way back is ``dW = dyᵀ x``, ``db = Σ dy`` over the batch, and ``dx = dy W``.

    Parameters
    ----------
    inputs, outputs : int
        How many there are of each.
    rng : numpy.random.Generator
        Draws the initial weights.
    initial : callable
        How, as in :mod:`lib.initial_weights`.

    Attributes
    ----------
    parameters : list of ndarray
        W of shape (outputs, inputs), as in PyTorch, and b of shape (outputs,), at first 0.
    """

    def __init__(self, inputs, outputs, rng, initial=he):
        self.inputs = count("inputs", inputs, least=1)
        self.outputs = count("outputs", outputs, least=1)
        super().__init__(initial(rng, (outputs, inputs), inputs, outputs), np.zeros(outputs))

    def output_shape(self, shape):
        if shape[1:] != (self.inputs,):
            self._refuse("input", shape, f"(batch, {self.inputs})")
        return shape[0], self.outputs

    def compute(self, x, training):
        W, b = self.parameters
        self.x = x
        y = np.dot(x, W.T, out=self.buffer("y", len(x), self.outputs))
        y += b
        return y

    def propagate(self, dy, to_input):
        W, _ = self.parameters
        dW, db = self.gradients
        np.dot(dy.T, self.x, out=dW)
        dy.sum(axis=0, out=db)
        if not to_input:
            return None
        dx = self.buffer("dx", like=self.x)
        # what comes from a convolution has the batch as its last axis in memory, and dx goes back as it came
        if dx.flags.c_contiguous:
            return np.dot(dy, W, out=dx)
        return np.dot(W.T, dy.T, out=dx.T).T

    def __repr__(self):
        return f"Dense({self.inputs}, {self.outputs})"


class ReLU(Layer):
    """What is positive passes, what is not becomes 0; at 0 the derivative is taken as 0."""

    def compute(self, x, training):
        self.y = np.maximum(x, 0, out=self.buffer("y", like=x))
        return self.y

    def propagate(self, dy, to_input):
        dx = self.buffer("dx", like=self.y)
        np.greater(self.y, 0, out=dx)
        dx *= dy
        return dx


class Flatten(Layer):
    """Every sample in one row: (batch, channels, height, width) becomes (batch, channels · height · width)."""

    def output_shape(self, shape):
        return shape[0], int(np.prod(shape[1:]))

    def compute(self, x, training):
        return x.reshape(self._shapes[1])

    def propagate(self, dy, to_input):
        return dy.reshape(self._shapes[0])
