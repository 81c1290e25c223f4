"""Layers that help deep networks to learn: dropout, batch normalization, and paths around layers.

The first two do one thing in training and another afterwards: ``forward(x, training=True)`` tells them.
"""

import numpy as np

from lib.arguments import count, generator, real
from lib.layers import Layer, checked_layers


class Dropout(Layer):
    """In training, set entries to 0 at random and divide the others by the probability to stay.

    So every entry keeps its mean, and afterwards ``y = x``: nothing has to be scaled then ("inverted"
    dropout). The way back goes through the same entries, ``dx = mask · dy``.

    Parameters
    ----------
    probability : float
        With which an entry is dropped, at least 0 and below 1.
    rng : numpy.random.Generator
        Draws which.

    Raises
    ------
    TypeError, ValueError
        If `probability` is no such number, or `rng` is no generator.

    References
    ----------
    N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever and R. Salakhutdinov, "Dropout: A Simple Way to
    Prevent Neural Networks from Overfitting", Journal of Machine Learning Research 15, 2014, 1929–1958. There
    nothing is divided in training, and the weights are multiplied by the probability to stay afterwards.

    Examples
    --------
    >>> layer = Dropout(0.5, np.random.default_rng(0))
    >>> layer.forward([[1, 2, 3, 4]], training=True)
    array([[2., 4., 6., 0.]], dtype=float32)
    >>> layer.forward([[1, 2, 3, 4]])
    array([[1., 2., 3., 4.]], dtype=float32)
    """

    def __init__(self, probability, rng):
        super().__init__()
        self.probability = real("probability", probability, least=0, below=1)
        self.rng = generator("rng", rng)

    def compute(self, x, training):
        self.mask = None
        if not training:
            return x
        self.mask = self.buffer("mask", like=x)
        np.greater_equal(self.rng.random(x.shape, x.dtype), self.probability, out=self.mask)
        self.mask /= 1 - self.probability
        return np.multiply(x, self.mask, out=self.buffer("y", like=x))

    def propagate(self, dy, to_input):
        return dy if self.mask is None else np.multiply(dy, self.mask, out=self.buffer("dx", like=self.mask))

    def __repr__(self):
        return f"Dropout({self.probability})"


class BatchNorm(Layer):
    """Shift and scale every feature by its mean and variance: ``y = γ z + β`` with ``z = (x − m)/√(v + ε)``.

    In training, m and v are the mean and the variance over the batch (and over the pixels of an image);
    afterwards, running averages of them. Equal to PyTorch's ``BatchNorm1d`` and ``BatchNorm2d``.

    In training the way back goes through m and v too. With means over the same n values,
    ``dγ = n · mean(dy z)``, ``dβ = n · mean(dy)`` and
    ``dx = γ/√(v + ε) · (dy − mean(dy) − z · mean(dy z))``; afterwards ``dx = γ/√(v + ε) · dy``.

    Parameters
    ----------
    features : int
        The length of the second axis of x, which has shape (batch, features, ...).
    momentum : float
        The share of the new batch in the running averages, between 0 and 1: 1 minus what is elsewhere called
        momentum, as in PyTorch.
    epsilon : float
        ε, above 0.

    Attributes
    ----------
    parameters : list of ndarray
        γ, at first 1, and β, at first 0, both of shape (features,).
    statistics : list of ndarray
        The running mean, at first 0, and the running variance, at first 1. The variance of a batch divides by
        n where it normalizes, by n − 1 where it enters the running one.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the described kind.
    ValueError
        By `forward` in training, if there is only one value of each feature.

    References
    ----------
    S. Ioffe and C. Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal
    Covariate Shift", ICML 2015.

    Examples
    --------
    >>> layer = BatchNorm(2)
    >>> layer.forward([[1, 10], [3, 50]], training=True).round(3)
    array([[-1., -1.],
           [ 1.,  1.]], dtype=float32)
    >>> layer.statistics
    [array([0.2, 3. ], dtype=float32), array([ 1.1, 80.9], dtype=float32)]
    """

    def __init__(self, features, momentum=0.1, epsilon=1e-5):
        self.features = count("features", features, least=1)
        self.momentum = real("momentum", momentum, least=0, most=1)
        self.epsilon = real("epsilon", epsilon, above=0)
        super().__init__(np.ones(self.features), np.zeros(self.features))
        self.statistics = [np.zeros(self.features, self.dtype), np.ones(self.features, self.dtype)]

    def output_shape(self, shape):
        if shape[1:2] != (self.features,):
            self._refuse("input", shape, f"(batch, {self.features}, ...)")
        return shape

    def compute(self, x, training):
        gamma, beta = map(_along(x), self.parameters)
        self.training = training
        if training:
            mean, variance = x.mean(_others(x), keepdims=True), x.var(_others(x), keepdims=True)
            self._remember(mean.ravel(), variance.ravel(), x.size // self.features)
        else:
            mean, variance = map(_along(x), self.statistics)
        self.deviation = np.sqrt(variance + self.epsilon)
        self.z = np.subtract(x, mean, out=self.buffer("z", like=x))
        self.z /= self.deviation
        y = np.multiply(gamma, self.z, out=self.buffer("y", like=x))
        y += beta
        return y

    def _remember(self, mean, variance, n):
        if n < 2:
            raise ValueError(
                f"{self}: in training a batch must hold two values or more of each feature, got one"
            )
        for running, new in zip(self.statistics, (mean, variance * (n / (n - 1))), strict=True):
            running += self.momentum * (new - running)

    def propagate(self, dy, to_input):
        dgamma, dbeta = self.gradients
        dx = np.multiply(dy, self.z, out=self.buffer("dx", like=self.z))
        dx.sum(_others(dy), out=dgamma)
        dy.sum(_others(dy), out=dbeta)
        if self.training:
            n = dy.size // self.features
            np.multiply(self.z, _along(dy)(dgamma / -n), out=dx)
            dx -= _along(dy)(dbeta / n)
            dx += dy
        else:
            dx[...] = dy
        dx *= _along(dy)(self.parameters[0]) / self.deviation
        return dx

    def __repr__(self):
        defaults = {"momentum": 0.1, "epsilon": 1e-5}
        own = [
            f", {name}={getattr(self, name)}" for name in defaults if getattr(self, name) != defaults[name]
        ]
        return f"BatchNorm({self.features}{''.join(own)})"


class Residual(Layer):
    """A path around some layers: ``y = x + F(x)``, F being what they compute one after the other.

    The way back is ``dx = dy + dF``: however little comes back through the layers, dy itself arrives.

    Parameters
    ----------
    layers : list of Layer
        Their last output must have the shape of x.

    Raises
    ------
    TypeError, ValueError
        If there is no layer, or an entry is not one.
    ValueError
        By `forward`, if the last output has another shape than x.

    References
    ----------
    K. He, X. Zhang, S. Ren and J. Sun, "Deep Residual Learning for Image Recognition", CVPR 2016.

    Examples
    --------
    >>> from lib.layers import ReLU
    >>> layer = Residual([ReLU()])
    >>> layer.forward([[-1, 2]]), layer.backward([[5, 7]])
    (array([[-1.,  4.]], dtype=float32), array([[ 5., 14.]], dtype=float32))
    """

    def __init__(self, layers):
        super().__init__()
        self.layers = checked_layers(layers)

    def output_shape(self, shape):
        through = shape
        for layer in self.layers:
            through = layer.output_shape(through)
        if through != shape:
            raise ValueError(f"{self}: the layers inside return shape {through}, expected {shape}")
        return shape

    def compute(self, x, training):
        y = x
        for layer in self.layers:
            y = layer.forward(y, training)
        return np.add(x, y, out=self.buffer("y", like=x))

    def propagate(self, dy, to_input):
        dx = dy
        for layer in reversed(self.layers):
            dx = layer.backward(dx)
        return np.add(dy, dx, out=self.buffer("dx", like=dy))

    def __repr__(self):
        return f"Residual({list(self.layers)})"


def _others(array):
    """Return all axes but that of the features."""
    return (0, *range(2, array.ndim))


def _along(array):
    """Return the function that lays numbers, one for each feature, along the second axis of an array."""
    return lambda numbers: numbers.reshape(-1, *(1,) * (array.ndim - 2))
