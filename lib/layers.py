"""Layers of a network: each computes its outputs, and carries a gradient back through them.

Arrays are batch first: one sample per entry of the first axis. In the docstrings x is the input of a layer
and y its output, dx and dy are the derivatives of the loss with respect to them, dW those with respect to W.
"""

import math

import numpy as np
from scipy.special import expit

from lib.arguments import count, real, real_array
from lib.initial_weights import he


class Layer:
    """The base of all layers: check the input, keep arrays for use again, remember the shapes.

    A layer of your own defines ``compute(x, training)``, which returns y, and ``propagate(dy, to_input)``,
    which returns dx and writes the gradients; both get checked arrays. Where shapes change, or not every
    input fits, it defines `output_shape` too.

    Attributes
    ----------
    parameters, gradients : list of ndarray
        What is trained, at first the arguments of the base, and the derivatives of the loss that the last
        `backward` found, in the same shapes.
    statistics : list of ndarray
        What is gathered from the data without gradients, and belongs to the model all the same.
    layers : tuple of Layer
        Those inside this one, if any. They keep their parameters themselves.
    dtype : numpy.dtype
        The precision of all arrays: float32, unless a :class:`lib.networks.Network` sets it to float64.

    Notes
    -----
    What `forward` and `backward` return is overwritten by their next call with arrays of the same shape:
    copy what is to be kept, or given to the same layer again. No layer changes an array that it is given, and
    none may change between `forward` and `backward`.
    """

    layers = ()

    def __init__(self, *parameters):
        self.dtype = np.dtype(np.float32)
        # row by row in memory: gradients in another order could not be written through views
        self.parameters = [np.array(values, self.dtype, order="C") for values in parameters]
        self.gradients = [np.zeros_like(values) for values in self.parameters]
        self.statistics = []
        self.taken = False  # by a network
        self._shapes = None, None  # of the last input and output
        self._buffers = {}

    def forward(self, x, training=False):
        """Return y, and keep what `backward` needs.

        Parameters
        ----------
        x : array_like, shape (batch, ...)
            Real numbers. They may be infinite or NaN: a training run that diverges goes on.
        training : bool
            Whether the layers that do something else in training are to do it: dropout and batch norm.

        Raises
        ------
        TypeError, ValueError
            If `x` does not hold real numbers, or has a shape that does not fit the layer.
        """
        x = self._numbers("input", x)
        if x.shape != self._shapes[0]:
            if x.size == 0 or x.ndim == 0:
                self._refuse("input", x.shape, "(batch, ...) with no axis empty")
            self._shapes = x.shape, self.output_shape(x.shape)
        return self.compute(x, training)

    def backward(self, dy, to_input=True):
        """Return dx for the last `forward`, and overwrite the gradients of the parameters.

        Parameters
        ----------
        dy : array_like
            The derivatives of the loss with respect to what `forward` returned, in its shape.
        to_input : bool
            Whether dx is wanted. If not, None is returned: the first layer of a network saves much work so.

        Raises
        ------
        RuntimeError
            If `forward` has not been called.
        TypeError, ValueError
            If `dy` does not hold real numbers, or has not the shape of the output.
        """
        if self._shapes[1] is None:
            raise RuntimeError(f"{self}: forward must come before backward")
        dy = self._numbers("gradient", dy)
        if dy.shape != self._shapes[1]:
            self._refuse("gradient", dy.shape, self._shapes[1])
        dx = self.propagate(dy, to_input)
        return dx if to_input else None

    def output_shape(self, shape):
        """Return the shape of y for an x of this shape, batch included; refuse what does not fit."""
        return shape

    def buffer(self, name, *shape, like=None):
        """Return an array of this shape, or shaped and ordered `like` another: the same while it fits."""
        kind = shape if like is None else (like.shape, like.strides), self.dtype
        known, array = self._buffers.get(name, (None, None))
        if known != kind:
            array = np.empty(shape, self.dtype) if like is None else np.empty_like(like, self.dtype)
            self._buffers[name] = kind, array
        return array

    def __repr__(self):
        return f"{type(self).__name__}()"

    def _numbers(self, name, values):
        try:
            array = np.asarray(values)
        except ValueError as error:
            raise ValueError(f"{self}: the {name} must be a rectangular array, got {values!r}") from error
        if array.dtype != self.dtype:
            if array.dtype.kind not in "iuf":
                raise TypeError(f"{self}: the {name} must hold real numbers, got {array.dtype}")
            array = array.astype(self.dtype)
        return array

    def _refuse(self, name, shape, expected):
        raise ValueError(f"{self}: the {name} has shape {shape}, expected {expected}")


class Dense(Layer):
    """All outputs are weighted sums of all inputs: ``y = x Wᵀ + b``. Equal to PyTorch's ``Linear``.

    The way back is ``dW = dyᵀ x``, ``db = dyᵀ 1`` and ``dx = dy W``.

    Parameters
    ----------
    inputs, outputs : int
        How many there are of each.
    rng : numpy.random.Generator
        Draws the initial weights.
    initial : callable
        How it does, as in :mod:`lib.initial_weights`. The biases begin at 0.

    Attributes
    ----------
    parameters : list of ndarray
        W of shape (outputs, inputs) and b of shape (outputs,).

    Raises
    ------
    TypeError, ValueError
        If a size is not a whole number, or less than 1, or `initial` draws another shape.

    Examples
    --------
    >>> layer = Dense(3, 2, np.random.default_rng(0), initial=lambda rng, shape, *fans: np.ones(shape))
    >>> layer.forward([[1, 2, 3]])
    array([[6., 6.]], dtype=float32)
    >>> layer.backward([[1, 10]])
    array([[11., 11., 11.]], dtype=float32)
    >>> layer.gradients[0]
    array([[ 1.,  2.,  3.],
           [10., 20., 30.]], dtype=float32)
    """

    def __init__(self, inputs, outputs, rng, initial=he):
        self.inputs = count("inputs", inputs, least=1)
        self.outputs = count("outputs", outputs, least=1)
        shape = self.outputs, self.inputs
        weights = initial(rng, shape, self.inputs, self.outputs)
        super().__init__(real_array("initial weights", weights, shape=shape), np.zeros(self.outputs))

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
        np.dot(np.ones(len(dy), dy.dtype), dy, out=db)  # several times as fast as dy.sum(axis=0)
        if not to_input:
            return None
        dx = self.buffer("dx", like=self.x)
        if dx.flags.c_contiguous:
            return np.dot(dy, W, out=dx)
        np.dot(W.T, dy.T, out=dx.T)  # x came from a convolution, whose batch is the last axis in memory
        return dx

    def __repr__(self):
        return f"Dense({self.inputs}, {self.outputs})"


class Activation(Layer):
    """A function of every entry, y = φ(x), whose derivative is computed from its value: ``dx = φ′ dy``.

    One of your own defines ``value(x, out)`` and ``derivative(y, out)``, which write into `out`.
    """

    def __init__(self):
        super().__init__()

    def compute(self, x, training):
        self.y = self.buffer("y", like=x)
        self.value(x, self.y)
        return self.y

    def propagate(self, dy, to_input):
        dx = self.buffer("dx", like=self.y)
        self.derivative(self.y, dx)
        dx *= dy
        return dx


class ReLU(Activation):
    """The rectified linear unit ``max(x, 0)``. At 0 its derivative is taken as 0."""

    def value(self, x, out):
        np.maximum(x, 0, out=out)

    def derivative(self, y, out):
        np.greater(y, 0, out=out)


class LeakyReLU(Activation):
    """The function x where x > 0 and slope · x elsewhere. At 0 its derivative is taken as the slope.

    Parameters
    ----------
    slope : float
        Above 0 and below 1; PyTorch calls it ``negative_slope``.

    Raises
    ------
    TypeError, ValueError
        If it is no such number.
    """

    def __init__(self, slope=0.01):
        super().__init__()
        self.slope = real("slope", slope, above=0, below=1)

    def value(self, x, out):
        np.multiply(x, self.slope, out=out)
        np.maximum(x, out, out=out)

    def derivative(self, y, out):
        np.greater(y, 0, out=out)
        np.maximum(out, self.slope, out=out)

    def __repr__(self):
        return f"LeakyReLU({self.slope})"


class Tanh(Activation):
    """The hyperbolic tangent, with ``φ′ = 1 − φ²``."""

    def value(self, x, out):
        np.tanh(x, out=out)

    def derivative(self, y, out):
        np.multiply(y, y, out=out)
        np.subtract(1, out, out=out)


class Sigmoid(Activation):
    """The logistic function ``σ(x) = 1/(1 + e⁻ˣ)``, with ``σ′ = σ(1 − σ)``."""

    def value(self, x, out):
        expit(x, out=out)

    def derivative(self, y, out):
        np.subtract(1, y, out=out)
        out *= y


class Flatten(Layer):
    """Every sample in one row: shape (batch, channels, height, width) becomes (batch, all of them)."""

    def __init__(self):
        super().__init__()

    def output_shape(self, shape):
        return shape[0], math.prod(shape[1:])

    def compute(self, x, training):
        return x.reshape(self._shapes[1])

    def propagate(self, dy, to_input):
        return dy.reshape(self._shapes[0])


def checked_layers(layers):
    """Return a list of layers as a tuple; refuse what is no layer, and an empty list."""
    if not isinstance(layers, list | tuple):
        raise TypeError(f"layers must be a list of layers, got {layers!r}")
    if not layers:
        raise ValueError("layers must hold at least one layer, got none")
    for i, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            raise TypeError(f"layers[{i}] must be a layer, got {layer!r}")
    return tuple(layers)
