"""Update rules that change arrays in place.

Every rule is one short method, ``update``, that reads like the recurrence in its paper. What the rules share
(checking the input, keeping state, subtracting the change) is in the base class :class:`Optimizer`.

In the docstrings ``w`` is a parameter, ``g`` its gradient, ``η`` the learning rate, ``t`` = 1, 2, ... counts
the steps, ``←`` assigns, every operation acts on each entry by itself, and all state starts at zero.
"""

import math

import numpy as np

from lib.arguments import real

# What all rules share

_SUBNORMALS_EVERY = 128  # steps; often enough to keep subnormal numbers rare, too rare to cost anything


def _check_list(name, arrays):
    if not isinstance(arrays, list | tuple):
        raise TypeError(f"{name} must be a list of arrays, got {type(arrays).__name__}")
    if not arrays:
        raise ValueError(f"{name} must hold at least one array, got none")


def _check_parameter(name, array):
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{name} must be a NumPy array, got {type(array).__name__}")
    if array.dtype != np.float32 and array.dtype != np.float64:
        raise TypeError(f"{name} must hold float32 or float64 numbers, got dtype {array.dtype}")


def _check_finite(name, array, *, squared=False):
    # One pass settles the usual case. The squares of large finite entries overflow too: then look closer.
    if math.isfinite(np.vdot(array, array)):
        return
    with np.errstate(over="ignore"):
        good = np.isfinite(array * array if squared else array)
    if not good.all():
        where = tuple(int(i) for i in np.argwhere(~good)[0])
        wanted = "finite, and its squares too" if squared else "finite"
        raise ValueError(f"{name} must be {wanted}, got {array[where]!s} at index {where}")


def _average(mean, value, beta, scratch):
    """Let mean ← beta mean + (1 − beta) value; `scratch` may be `value` itself."""
    np.multiply(value, 1 - beta, out=scratch)
    mean *= beta
    mean += scratch


def _divide_by_root(direction, v, epsilon, out):
    """Let out ← direction/(√v + epsilon), and 0 where both vanish, even when epsilon is 0."""
    np.sqrt(v, out=out)
    out += max(epsilon, math.sqrt(np.finfo(out.dtype).tiny))  # a smaller root has lost its digits anyhow
    np.divide(direction, out, out=out)


class Optimizer:
    """The base of all rules: check the input, keep the state, subtract the change.

    A rule names its state in `moments` (`v` holds squares of gradients) and defines
    ``update(gradient, change, rate, **state)``, which writes into `change` what is to be subtracted. All
    changes are computed before the first parameter moves.

    Parameters
    ----------
    learning_rate : float or callable
        η, a number of at least 0, or a function of the step number 0, 1, 2, ... that returns one.
    **constants : float
        Those the rule takes of `momentum` (μ), `beta1` (β₁) and `beta2` (β₂), all in [0, 1), and `epsilon`
        (ε), at least 0. Their defaults are PyTorch's (0.9 for the momentum), for :class:`Yogi` its paper's.

    Attributes
    ----------
    t : int
        How many steps were taken since the last reset.
    state : list of dict
        For each parameter its state arrays by name, in the parameter's dtype; empty before the first step.

    Raises
    ------
    TypeError, ValueError
        If a constant is not a real number, or outside its range.

    Notes
    -----
    Where a rule adds ε to a root, an ε below the root of the dtype's smallest normal number counts as that
    root. So ε = 0 is safe: an entry whose gradients have all been 0 stays where it is.

    A moment that no gradient feeds decays into the subnormal numbers, where arithmetic is slow on many
    processors, and rounding stops it before 0. Every 128 steps such numbers are set to 0.

    Examples
    --------
    >>> w = np.array([3.0, -2.0])
    >>> optimizer = SGD(learning_rate=0.5)
    >>> optimizer.step([w], [2 * w])
    >>> w
    array([0., 0.])
    """

    moments = ()

    def __init__(self, learning_rate, **constants):
        if not callable(learning_rate):
            real("learning_rate", learning_rate, least=0)
        self.learning_rate = learning_rate
        for name, value in constants.items():
            setattr(self, name, real(name, value, least=0, below=None if name == "epsilon" else 1))
        self.reset()

    def reset(self):
        """Forget all state, so that the next step is the first."""
        self.t = 0
        self.state = []
        self._changes = []

    def step(self, parameters, gradients):
        """Change the parameters in place. When the input is refused, nothing has changed.

        Parameters
        ----------
        parameters : list of ndarray
            Writeable arrays of dtype float32 or float64, of any shapes; the same ones at every step.
        gradients : list of ndarray
            For each parameter an array of its shape and dtype, with finite entries.

        Raises
        ------
        TypeError
            If an argument is not a list, an entry not an array, or a dtype not the one expected.
        ValueError
            If the lists differ in length, an array and its gradient in shape, an array is read-only, a
            gradient is not finite (or its square overflows, where the rule squares it), the learning rate at
            this step is negative or not finite, or the parameters are not those that the state belongs to.
        """
        rate = self.learning_rate(self.t) if callable(self.learning_rate) else self.learning_rate
        rate = real(f"learning_rate at step {self.t}", rate, least=0)
        self._check(parameters, gradients)
        if not self.state:
            self._changes = [np.empty_like(w, subok=False) for w in parameters]
            self.state = [{name: np.zeros_like(c) for name in self.moments} for c in self._changes]
        self.t += 1
        for gradient, change, state in zip(gradients, self._changes, self.state, strict=True):
            self.update(gradient, change, rate, **state)
        for parameter, change in zip(parameters, self._changes, strict=True):
            parameter -= change
        if self.t % _SUBNORMALS_EVERY == 0:
            for moment in (array for state in self.state for array in state.values()):
                moment *= np.abs(moment) >= np.finfo(moment.dtype).tiny

    def _check(self, parameters, gradients):
        _check_list("parameters", parameters)
        _check_list("gradients", gradients)
        if len(parameters) != len(gradients):
            raise ValueError(
                f"gradients must be as many as parameters, {len(parameters)}, got {len(gradients)}"
            )
        if self.state and len(parameters) != len(self.state):
            message = f"parameters must be {len(self.state)} arrays as before, got {len(parameters)}"
            raise ValueError(f"{message}; call reset() to start anew")
        for i, (w, g) in enumerate(zip(parameters, gradients, strict=True)):
            _check_parameter(f"parameters[{i}]", w)
            if not w.flags.writeable:
                raise ValueError(f"parameters[{i}] must be writeable, got a read-only array")
            if self.state and ((old := self._changes[i]).shape != w.shape or old.dtype != w.dtype):
                message = f"parameters[{i}] must have shape {old.shape} and dtype {old.dtype} as before"
                raise ValueError(f"{message}, got {w.shape} and {w.dtype}; call reset() to start anew")
            if not isinstance(g, np.ndarray):
                raise TypeError(f"gradients[{i}] must be a NumPy array, got {type(g).__name__}")
            if g.dtype != w.dtype:
                raise TypeError(f"gradients[{i}] must have its parameter's dtype {w.dtype}, got {g.dtype}")
            if g.shape != w.shape:
                raise ValueError(f"gradients[{i}] must have its parameter's shape {w.shape}, got {g.shape}")
            _check_finite(f"gradients[{i}]", g, squared="v" in self.moments)


class SGD(Optimizer):
    """Stochastic gradient descent: ``w ← w − η g``. Equal to PyTorch's ``SGD``."""

    def __init__(self, learning_rate):
        super().__init__(learning_rate)

    def update(self, gradient, change, rate):
        """Let change ← η g."""
        np.multiply(gradient, rate, out=change)


class Momentum(Optimizer):
    """Gradient descent with heavy-ball momentum. Equal to PyTorch's ``SGD(momentum=μ)``.

    The rule is ``u ← μ u + g`` and ``w ← w − η u``. Polyak's has the rate inside the memory:
    ``w ← w − η g + μ (w − w_before)``. With a constant rate they are the same (his last move is ``−η u``).
    When the rate changes they part: here the new rate scales the remembered gradients too, there it does not.

    References
    ----------
    B. T. Polyak, *Some methods of speeding up the convergence of iteration methods*, USSR Computational
    Mathematics and Mathematical Physics 4(5), 1964.
    """

    moments = ("velocity",)

    def __init__(self, learning_rate, *, momentum=0.9):
        super().__init__(learning_rate, momentum=momentum)

    def update(self, gradient, change, rate, velocity):
        """Let u ← μ u + g and change ← η u."""
        velocity *= self.momentum
        velocity += gradient
        np.multiply(velocity, rate, out=change)


class Nesterov(Momentum):
    """Gradient descent with Nesterov's momentum. Equal to PyTorch's ``SGD(momentum=μ, nesterov=True)``.

    The rule is ``u ← μ u + g`` and ``w ← w − η (g + μ u)``. Nesterov keeps two points, ``x ← y − η ∇f(y)``
    and ``y ← x + μ (x − x_before)``. With constant η and μ our ``w`` is his ``y``, where gradients are taken,
    and his ``x`` is ``w + η μ u``. When the rate changes they part, as in :class:`Momentum`.

    References
    ----------
    - Y. Nesterov, *A method of solving a convex programming problem with convergence rate O(1/k²)*, Soviet
      Mathematics Doklady 27, 1983.
    - I. Sutskever, J. Martens, G. Dahl, G. Hinton, *On the importance of initialization and momentum in deep
      learning*, ICML 2013.
    """

    def update(self, gradient, change, rate, velocity):
        """Let u ← μ u + g and change ← η (g + μ u)."""
        velocity *= self.momentum
        velocity += gradient
        np.multiply(velocity, self.momentum, out=change)
        change += gradient
        change *= rate


class AdaGrad(Optimizer):
    """Rates that shrink with the sum of all squared gradients. Equal to PyTorch's ``Adagrad``.

    The rule is ``v ← v + g²`` and ``w ← w − η g/(√v + ε)``. The paper's diagonal version without constraint
    or regularizer is the same, its δ being ε.

    References
    ----------
    J. Duchi, E. Hazan, Y. Singer, *Adaptive Subgradient Methods for Online Learning and Stochastic
    Optimization*, Journal of Machine Learning Research 12, 2011.
    """

    moments = ("v",)

    def __init__(self, learning_rate=0.01, *, epsilon=1e-10):
        super().__init__(learning_rate, epsilon=epsilon)

    def update(self, gradient, change, rate, v):
        """Let v ← v + g² and change ← η g/(√v + ε)."""
        np.multiply(gradient, gradient, out=change)
        v += change
        _divide_by_root(gradient, v, self.epsilon, out=change)
        change *= rate


class RMSProp(Optimizer):
    """Rates that shrink with a moving average of squared gradients. Equal to PyTorch's ``RMSprop``.

    The rule is ``v ← β₂ v + (1 − β₂) g²`` and ``w ← w − η g/(√v + ε)``. PyTorch calls β₂ ``alpha``. The
    lecture has β₂ = 0.9 and no ε; some texts put ε inside the root, ``√(v + ε)``, which is another rule.

    References
    ----------
    T. Tieleman, G. Hinton, *Lecture 6.5: RMSProp*, Neural Networks for Machine Learning, Coursera, 2012.
    """

    moments = ("v",)

    def __init__(self, learning_rate=0.01, *, beta2=0.99, epsilon=1e-8):
        super().__init__(learning_rate, beta2=beta2, epsilon=epsilon)

    def update(self, gradient, change, rate, v):
        """Let v ← β₂ v + (1 − β₂) g² and change ← η g/(√v + ε)."""
        np.multiply(gradient, gradient, out=change)
        _average(v, change, self.beta2, scratch=change)
        _divide_by_root(gradient, v, self.epsilon, out=change)
        change *= rate


class Adam(Optimizer):
    """Moving averages of gradients and of their squares. Equal to PyTorch's ``Adam`` and to the paper.

    The rule is ``m ← β₁ m + (1 − β₁) g``, ``v ← β₂ v + (1 − β₂) g²``, ``m̂ = m/(1 − β₁ᵗ)``,
    ``v̂ = v/(1 − β₂ᵗ)`` and ``w ← w − η m̂/(√v̂ + ε)``. The bias corrections are numbers, so they
    are folded into η and ε.

    References
    ----------
    D. P. Kingma, J. Ba, *Adam: A Method for Stochastic Optimization*, ICLR 2015.
    """

    moments = ("m", "v")

    def __init__(self, learning_rate=0.001, *, beta1=0.9, beta2=0.999, epsilon=1e-8):
        super().__init__(learning_rate, beta1=beta1, beta2=beta2, epsilon=epsilon)

    def update(self, gradient, change, rate, m, v):
        """Update m and v, then let change ← η m̂/(√v̂ + ε)."""
        self._update_averages(gradient, change, m, v)
        self._corrected_change(change, rate, m, v)

    def _update_averages(self, gradient, change, m, v):
        _average(m, gradient, self.beta1, scratch=change)
        np.multiply(gradient, gradient, out=change)
        _average(v, change, self.beta2, scratch=change)

    def _corrected_change(self, change, rate, m, v):
        # With c = √(1 − β₂ᵗ): m̂/(√v̂ + ε) = m/(1 − β₁ᵗ) · c/(√v + c ε)
        c = math.sqrt(1 - self.beta2**self.t)
        _divide_by_root(m, v, self.epsilon * c, out=change)
        change *= rate * c / (1 - self.beta1**self.t)


class AMSGrad(Adam):
    """Adam whose denominator never shrinks. Equal to PyTorch's ``Adam(amsgrad=True)``.

    The rule is Adam's with ``v_max ← max(v_max, v)`` in place of ``v`` in the change; the maximum is over the
    uncorrected ``v``, and the corrections of Adam come after it. The paper has no corrections and no ε: its
    change is ``η m/√v_max``. It is ours with ε = 0 and the rate ``η (1 − β₁ᵗ)/√(1 − β₂ᵗ)``.

    References
    ----------
    S. J. Reddi, S. Kale, S. Kumar, *On the Convergence of Adam and Beyond*, ICLR 2018.
    """

    moments = ("m", "v", "v_max")

    def update(self, gradient, change, rate, m, v, v_max):
        """Update m, v and v_max, then let change ← η m̂/(√v̂ + ε) with v_max for v."""
        self._update_averages(gradient, change, m, v)
        np.maximum(v_max, v, out=v_max)
        self._corrected_change(change, rate, m, v_max)


class Yogi(Optimizer):
    """Adam with an additive update of ``v``, which moves by at most (1 − β₂) g² a step. Equal to the paper.

    The rule is ``m ← β₁ m + (1 − β₁) g``, ``v ← v − (1 − β₂) sign(v − g²) g²`` and ``w ← w − η m/(√v + ε)``.
    PyTorch has no such rule. The paper has no bias correction; libraries that add Adam's differ in the first
    steps.

    References
    ----------
    M. Zaheer, S. Reddi, D. Sachan, S. Kale, S. Kumar, *Adaptive Methods for Nonconvex Optimization*,
    NeurIPS 2018.
    """

    moments = ("m", "v")

    def __init__(self, learning_rate=0.01, *, beta1=0.9, beta2=0.999, epsilon=1e-3):
        super().__init__(learning_rate, beta1=beta1, beta2=beta2, epsilon=epsilon)

    def update(self, gradient, change, rate, m, v):
        """Update m and v, then let change ← η m/(√v + ε)."""
        _average(m, gradient, self.beta1, scratch=change)
        np.multiply(gradient, gradient, out=change)
        change *= np.sign(v - change)
        change *= 1 - self.beta2
        v -= change
        _divide_by_root(m, v, self.epsilon, out=change)
        change *= rate


class WeightAverage:
    """The mean of the weights given to it so far. Equal to PyTorch's ``AveragedModel`` with its default.

    Attributes
    ----------
    n : int
        How many sets of weights were added.
    parameters : list of ndarray
        Their mean, empty before the first.

    References
    ----------
    - B. T. Polyak, A. B. Juditsky, *Acceleration of Stochastic Approximation by Averaging*, SIAM Journal on
      Control and Optimization 30(4), 1992.
    - P. Izmailov, D. Podoprikhin, T. Garipov, D. Vetrov, A. G. Wilson, *Averaging Weights Leads to Wider
      Optima and Better Generalization*, UAI 2018.

    Examples
    --------
    >>> average = WeightAverage()
    >>> for w in ([1.0, 8.0], [3.0, 0.0]):
    ...     average.add([np.array(w)])
    >>> average.parameters
    [array([2., 4.])]
    """

    def __init__(self):
        self.reset()

    def reset(self):
        """Forget all weights added."""
        self.n = 0
        self.parameters = []

    def add(self, parameters):
        """Take one more set of weights into the mean. When it is refused, nothing has changed.

        Parameters
        ----------
        parameters : list of ndarray
            Arrays of dtype float32 or float64 with finite entries, of the same shapes and dtypes each time.

        Raises
        ------
        TypeError
            If it is not a list, or an entry not an array of these dtypes.
        ValueError
            If it is empty or not finite, or the number, a shape or a dtype differs from the sets before.
        """
        _check_list("parameters", parameters)
        for i, w in enumerate(parameters):
            _check_parameter(f"parameters[{i}]", w)
            _check_finite(f"parameters[{i}]", w)
        kinds = [(w.shape, str(w.dtype)) for w in parameters]
        before = [(w.shape, str(w.dtype)) for w in self.parameters]
        if self.n and kinds != before:
            raise ValueError(f"parameters must keep shapes and dtypes {before}, got {kinds}")
        if not self.n:
            self.parameters = [np.zeros_like(w, subok=False) for w in parameters]
        self.n += 1
        for mean, w in zip(self.parameters, parameters, strict=True):
            mean += (w - mean) / self.n
