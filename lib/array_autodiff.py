"""Computational graphs of arrays: what :mod:`lib.autodiff` does with numbers, one node for a whole array.

The local derivative of an array with respect to another is a linear map J. Its matrix would be far too
large, and nobody needs it: a forward sweep needs only ``t ↦ Jt``, here *push*, and a reverse sweep only
``g ↦ Jᵀg``, here *pull*. For a product AB with respect to A they are ``t ↦ tB`` and ``g ↦ gBᵀ``.
"""

import numpy as np

from lib.arguments import real_array
from lib.autodiff import Node, next_number, order


class Array(Node):
    """An array that remembers how it was computed.

    It takes part in ``+ - * / ** @`` with others of its kind, with arrays and with numbers, and in the
    functions of :mod:`lib.autodiff`. Shapes broadcast as in NumPy. Its `value` is a NumPy array, its local
    derivatives (`partials`) are pairs of functions, (push, pull). Infinity and NaN go through, with the
    warnings of NumPy.

    Parameters
    ----------
    value : array_like
        Real numbers. An array of float32 stays one, all else becomes float64. It is not copied: after an
        optimizer has changed it in place, make a new Array of it.
    name : str, optional

    Raises
    ------
    TypeError
        If `value`, or the other operand of an operation, does not hold real numbers.
    ValueError
        If the shapes of an operation disagree.

    Examples
    --------
    >>> W = Array([[1, 2], [3, 4]], "W")
    >>> loss = ((W @ np.array([1, 1])) ** 2).sum()
    >>> loss.backward()
    >>> W.derivative
    array([[ 6.,  6.],
           [14., 14.]])
    """

    __slots__ = ()

    def __init__(self, value, name=None):
        self.value = _real("value", value)
        self.operation, self.edges, self.name = "input", (), name
        self.constant = self.derivative = self.tangent = None
        self.number = next_number()

    @property
    def shape(self):
        """The shape of the value."""
        return self.value.shape

    @property
    def T(self):
        """The array with its axes in the opposite order."""
        return self.transpose()

    # Each operation: its value, then its local derivative with respect to every operand.

    def __add__(self, other):
        a, b = self.value, self._operand(other)
        return _node("a + b", a + b, (_scaled(self, 1), _scaled(other, 1)), other)

    __radd__ = __add__

    def __sub__(self, other):
        a, b = self.value, self._operand(other)
        return _node("a - b", a - b, (_scaled(self, 1), _scaled(other, -1)), other)

    def __rsub__(self, other):
        a, b = self._operand(other), self.value
        return _node("a - b", a - b, (None, _scaled(self, -1)), other)

    def __mul__(self, other):
        a, b = self.value, self._operand(other)
        return _node("a * b", a * b, (_scaled(self, b), _scaled(other, a)), other)

    __rmul__ = __mul__

    def __truediv__(self, other):
        a, b = self.value, self._operand(other)
        value = a / b
        return _node("a / b", value, (_scaled(self, 1 / b), _scaled(other, -value / b)), other)

    def __rtruediv__(self, other):
        a, b = self._operand(other), self.value
        value = a / b
        return _node("a / b", value, (None, _scaled(self, -value / b)), other)

    def __pow__(self, other):
        a, b = self.value, self._operand(other)
        value = a**b
        slope = b * a ** np.where(b == 0, 1, b - 1).astype(a.dtype)  # at a = b = 0 too
        if not isinstance(other, Array):  # a may be negative, and has no logarithm
            return _node("a ** b", value, (_scaled(self, slope), None), other)
        return _node("a ** b", value, (_scaled(self, slope), _scaled(other, np.log(a) * value)), other)

    def __rpow__(self, other):
        a, b = self._operand(other), self.value
        value = a**b
        slope = np.log(a).astype(b.dtype) * value
        return _node("a ** b", value, (None, _scaled(self, slope)), other)

    def __neg__(self):
        return _node("-a", -self.value, (_scaled(self, -1),))

    def __matmul__(self, other):
        return _product(self, other, self.value, self._operand(other))

    def __rmatmul__(self, other):
        return _product(other, self, self._operand(other), self.value)

    def exp(self):
        value = np.exp(self.value)
        return _node("exp(a)", value, (_scaled(self, value),))

    def log(self):
        a = self.value
        return _node("log(a)", np.log(a), (_scaled(self, 1 / a),))

    def log1p(self):
        a = self.value
        return _node("log1p(a)", np.log1p(a), (_scaled(self, 1 / (1 + a)),))

    def sin(self):
        a = self.value
        return _node("sin(a)", np.sin(a), (_scaled(self, np.cos(a)),))

    def cos(self):
        a = self.value
        return _node("cos(a)", np.cos(a), (_scaled(self, -np.sin(a)),))

    def tanh(self):
        value = np.tanh(self.value)
        return _node("tanh(a)", value, (_scaled(self, 1 - value**2),))

    def relu(self):
        a = self.value
        return _node("relu(a)", np.maximum(a, 0), (_scaled(self, (a > 0).astype(a.dtype)),))

    def sum(self, axis=None):
        """Return the sum of all entries, or the sums along an axis or several."""
        a, kept = self.value, self.value.sum(axis, keepdims=True)
        edge = _edge(self, lambda t: t.sum(axis), lambda g: np.zeros_like(a) + g.reshape(kept.shape))
        return _node("sum(a)", kept.squeeze(axis), (edge,))

    def mean(self, axis=None):
        """Return the mean of all entries, or the means along an axis or several."""
        total = self.sum(axis)
        return total / (self.value.size // total.value.size)

    def reshape(self, *shape):
        """Return the same entries in another shape."""
        a = self.value
        edge = _edge(self, lambda t: t.reshape(*shape), lambda g: g.reshape(a.shape))
        return _node("reshape(a)", a.reshape(*shape), (edge,))

    def transpose(self, *axes):
        """Return the array with its axes in another order, by default the opposite one."""
        value = self.value.transpose(*axes)
        back = np.argsort(axes) if axes else None
        edge = _edge(self, lambda t: t.transpose(*axes), lambda g: g.transpose(back))
        return _node("transpose(a)", value, (edge,))

    def __getitem__(self, index):
        a = self.value

        def pull(g):
            spread = np.zeros_like(a)
            np.add.at(spread, index, g)  # an entry taken twice counts twice
            return spread

        return _node("entries(a)", a[index], (_edge(self, lambda t: t[index], pull),))

    def backward(self, gradient=None):
        """Sweep backward from this output: set in every node below it the `derivative` of this output.

        Each node hands its derivative through the transpose of the local map to each of its parents.
        Derivatives of an earlier sweep are overwritten, not added to.

        Parameters
        ----------
        gradient : array_like, optional
            The g of the shape of this output such that ``(g * output).sum()`` is what is differentiated.
            It may be left out if the output is one number.

        Raises
        ------
        TypeError, ValueError
            If `gradient` is not of that kind, or missing where the output has several entries.
        """
        if gradient is None and self.value.size != 1:
            raise ValueError(
                f"backward needs a gradient, for the output has shape {self.shape}, not one entry"
            )
        nodes = order(self)
        for node in nodes:
            node.derivative = None
        gradient = real_array(
            "gradient", np.ones(self.shape) if gradient is None else gradient, shape=self.shape
        )
        self.derivative = gradient.astype(self.value.dtype)
        for node in reversed(nodes):
            for parent, (_, pull) in node.edges:
                part = pull(node.derivative)
                parent.derivative = part if parent.derivative is None else parent.derivative + part

    def _direction(self, component):
        given = real_array("a component of the direction", component, shape=self.shape)
        return given.astype(self.value.dtype)

    def _pushed(self):
        total = np.zeros(self.shape, self.value.dtype)
        for parent, (push, _) in self.edges:
            total += push(parent.tangent)
        return total

    def _operand(self, other):
        """Return the value of the other operand of an operation; a constant array in this one's precision."""
        if isinstance(other, Array):
            return other.value
        if isinstance(other, float | int):
            return other
        return _real("the other operand of an Array", other).astype(self.value.dtype, copy=False)


def log_softmax(scores):
    """Return the logarithms of the softmax along the last axis, ``f − log Σ exp f``.

    The largest score is taken out of the sum, which then cannot overflow. Minus the mean over the samples of
    the entries at the right classes is the cross-entropy, :func:`lib.losses.cross_entropy`.

    Raises
    ------
    TypeError
        If `scores` is not an Array.

    Examples
    --------
    >>> scores = Array([[0, 0], [1000, 0]])
    >>> loss = -log_softmax(scores)[[0, 1], [1, 0]].mean()
    >>> loss.backward()
    >>> scores.derivative
    array([[ 0.25, -0.25],
           [ 0.  ,  0.  ]])
    """
    if not isinstance(scores, Array):
        raise TypeError(f"scores must be an Array, got {scores!r}")
    f = scores.value
    shifted = f - f.max(axis=-1, keepdims=True)
    value = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    p = np.exp(value)
    edge = _edge(
        scores,
        lambda t: t - (p * t).sum(axis=-1, keepdims=True),
        lambda g: g - p * g.sum(axis=-1, keepdims=True),
    )
    return _node("log_softmax(a)", value, (edge,))


def _node(operation, value, edges, other=None):
    """Return the Array that an operation makes. The `other` operand may be a constant, whose edge is None."""
    constant = None
    if None in edges:
        letter = "ab"[edges.index(None)]
        operation = operation.replace(letter, "c").replace("b", "a")
        edges = tuple(edge for edge in edges if edge)
        constant = other
    node = object.__new__(Array)
    node.value, node.operation, node.edges, node.constant = value, operation, edges, constant
    node.name = node.derivative = node.tangent = None
    node.number = next_number()
    return node


def _edge(operand, push, pull):
    return (operand, (push, pull)) if isinstance(operand, Array) else None


def _scaled(operand, partial):
    """Return the edge of an operation entry by entry: the Jacobian is diagonal."""
    if not isinstance(operand, Array):
        return None
    shape = operand.value.shape
    return operand, (lambda t: partial * t, lambda g: _gathered(partial * g, shape))


def _gathered(g, shape):
    """Undo broadcasting: add up what has gone from one entry of `shape` to many."""
    if g.shape == shape:
        return g
    g = g.sum(axis=tuple(range(g.ndim - len(shape))))
    stretched = tuple(axis for axis, size in enumerate(shape) if size == 1 and g.shape[axis] > 1)
    return g.sum(axis=stretched, keepdims=True)


def _product(left, right, a, b):
    """Return the product of matrices, or of vectors as rows on the left and columns on the right."""
    if not (1 <= np.ndim(a) <= 2 and 1 <= np.ndim(b) <= 2):
        raise ValueError(f"@ takes vectors and matrices, got shapes {np.shape(a)} and {np.shape(b)}")
    rows, columns = np.atleast_2d(a), b.reshape(len(b), -1)

    def as_matrix(g):
        return g.reshape(len(rows), columns.shape[1])

    by_left = _edge(left, lambda t: t @ b, lambda g: (as_matrix(g) @ columns.T).reshape(a.shape))
    by_right = _edge(right, lambda t: a @ t, lambda g: (rows.T @ as_matrix(g)).reshape(b.shape))
    return _node("a @ b", a @ b, (by_left, by_right), right if by_left else left)


def _real(name, value):
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers, got {value!r}")
    return array if array.dtype == np.float32 else array.astype(float, copy=False)
