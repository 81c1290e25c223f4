"""A recurrent layer: a network that reads a sequence step by step and remembers."""

import numpy as np

from lib.arguments import count, real_array
from lib.initial_weights import glorot
from lib.layers import Layer


class Recurrent(Layer):
    """Elman's recurrent layer: ``hₜ = tanh(U xₜ + V hₜ₋₁ + b)``, with h = 0 before the first step.

    It maps (batch, time, inputs) to (batch, time, hidden): all the states, from the first to the last.

    On the way back, through time, aₜ stands for the derivatives with respect to what tanh is taken of. The
    state hₜ had an influence on what was handed out at t and on the next state, so ``aₜ = (1 − hₜ²) (dyₜ +
    Vᵀ aₜ₊₁)``, from the last step to the first. The same weights act at every step, so their derivatives are
    sums over time: ``dU = Σ aₜ xₜᵀ``, ``dV = Σ aₜ hₜ₋₁ᵀ``, ``db = Σ aₜ``; and ``dxₜ = Uᵀ aₜ``.

    Parameters
    ----------
    inputs, hidden : int
        The numbers of inputs and of states at each step.
    rng : numpy.random.Generator
        Draws the initial weights.
    initial : callable
        How it does, as in :mod:`lib.initial_weights`. The biases begin at 0.

    Attributes
    ----------
    parameters : list of ndarray
        U of shape (hidden, inputs), V of shape (hidden, hidden) and b of shape (hidden,). PyTorch's ``RNN``
        has two vectors in place of b, which are added.

    Raises
    ------
    TypeError, ValueError
        If a size is not a whole number, or less than 1, or `initial` draws another shape.

    References
    ----------
    J. L. Elman, "Finding Structure in Time", Cognitive Science 14, 1990, 179–211.

    P. J. Werbos, "Backpropagation Through Time: What It Does and How to Do It", Proceedings of the IEEE 78,
    1990, 1550–1560.

    Examples
    --------
    One state that remembers half of itself:

    >>> layer = Recurrent(1, 1, np.random.default_rng(0))
    >>> U, V, b = layer.parameters
    >>> U[...], V[...] = 1, 0.5
    >>> layer.forward([[[0.01], [0.0], [0.0]]])[0, :, 0].round(4)
    array([0.01  , 0.005 , 0.0025], dtype=float32)
    """

    def __init__(self, inputs, hidden, rng, initial=glorot):
        self.inputs = count("inputs", inputs, least=1)
        self.hidden = count("hidden", hidden, least=1)
        weights = []
        for size in (inputs, hidden):
            drawn = initial(rng, (hidden, size), size, hidden)
            weights.append(real_array("initial weights", drawn, shape=(hidden, size)))
        super().__init__(*weights, np.zeros(hidden))

    def output_shape(self, shape):
        if len(shape) != 3 or shape[2] != self.inputs:
            self._refuse("input", shape, f"(batch, time, {self.inputs})")
        return *shape[:2], self.hidden

    # Inside, time comes first: each step then works on one block of memory.

    def compute(self, x, training):
        U, V, b = self.parameters
        batch, time, _ = x.shape
        self.x = self.buffer("x", time, batch, self.inputs)
        self.x[...] = np.moveaxis(x, 0, 1)
        self.h = self.buffer("h", time, batch, self.hidden)
        np.dot(self.x.reshape(-1, self.inputs), U.T, out=self.h.reshape(-1, self.hidden))
        self.h += b
        for t in range(time):
            if t > 0:
                self.h[t] += self.h[t - 1] @ V.T
            np.tanh(self.h[t], out=self.h[t])
        return np.moveaxis(self.h, 0, 1)

    def propagate(self, dy, to_input):
        U, V, _ = self.parameters
        dU, dV, db = self.gradients
        a = self.buffer("a", like=self.h)
        a[...] = np.moveaxis(dy, 1, 0)
        slopes = 1 - self.h**2
        a[-1] *= slopes[-1]
        for t in reversed(range(len(a) - 1)):
            a[t] += a[t + 1] @ V
            a[t] *= slopes[t]
        flat = a.reshape(-1, self.hidden)
        np.dot(flat.T, self.x.reshape(-1, self.inputs), out=dU)
        np.dot(a[1:].reshape(-1, self.hidden).T, self.h[:-1].reshape(-1, self.hidden), out=dV)
        flat.sum(axis=0, out=db)
        dx = self.buffer("dx", like=self.x)
        np.dot(flat, U, out=dx.reshape(-1, self.inputs))
        return np.moveaxis(dx, 0, 1)

    def __repr__(self):
        return f"Recurrent({self.inputs}, {self.hidden})"
