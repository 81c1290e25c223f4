"""Computational graphs of numbers, and the two ways to sweep derivatives through them.

Arithmetic with a :class:`Scalar` computes and remembers: every result knows the nodes it was made from and
its derivative with respect to each, a *local* derivative, found while the value is at hand. That is all the
chain rule needs. Forward mode multiplies local derivatives from one input towards the outputs, reverse mode
from one output back to the inputs; both pass every edge of the graph once.

:mod:`lib.array_autodiff` does the same with arrays.
"""

import math
from itertools import count
from numbers import Real
from operator import attrgetter
from typing import NamedTuple

from lib.arguments import real

next_number = count().__next__
_new = object.__new__


class Node:
    """What a number and an array in a graph have in common.

    Attributes
    ----------
    value : float or ndarray
    name : str or None
        What to call it in a drawing. It may be set at any time.
    operation : str
        What made the value out of its parents ``a`` and ``b`` and a constant ``c``, such as ``"a * b"``;
        ``"input"`` if nothing did.
    constant : float or None
        The ``c`` of the operation.
    edges : tuple
        Pairs of a parent and the local derivative with respect to it. Constants have none.
    derivative : float or ndarray or None
        The derivative of the output with respect to this node, after ``output.backward()``.
    tangent : float or ndarray or None
        The derivative of this node with respect to the input, after :func:`forward_mode`.
    """

    __slots__ = ("constant", "derivative", "edges", "name", "number", "operation", "tangent", "value")
    __array_ufunc__ = None  # so that NumPy leaves `array * node` to the node

    @property
    def parents(self):
        """The nodes that the operation took."""
        return tuple(parent for parent, _ in self.edges)

    @property
    def partials(self):
        """The local derivatives, one for each parent."""
        return tuple(partial for _, partial in self.edges)

    def __repr__(self):
        name = f", {self.name!r}" if self.name else ""
        return f"{type(self).__name__}({self.value!r}{name})"


class Scalar(Node):
    """A number that remembers how it was computed.

    It takes part in ``+ - * / **`` with others of its kind and with plain numbers, and in the functions of
    this module. See :class:`Node` for what it knows.

    Parameters
    ----------
    value : float
        A finite number.
    name : str, optional

    Raises
    ------
    TypeError, ValueError
        If `value` is not a finite real number, or the other operand of an operation is none. Beyond that an
        operation that has no value, such as a division by zero, raises what it raises with floats.

    Examples
    --------
    >>> x, y = Scalar(2, "x"), Scalar(3, "y")
    >>> F = x**2 * (x + y)
    >>> F.backward()
    >>> F.value, x.derivative, y.derivative
    (20.0, 24.0, 4.0)
    """

    __slots__ = ()

    def __init__(self, value, name=None):
        # most are floats, and these are checked in a tenth of the time
        self.value = value if type(value) is float and math.isfinite(value) else real("value", value)
        self.operation, self.edges, self.name = "input", (), name
        self.constant = self.derivative = self.tangent = None
        self.number = next_number()

    # Each operation: its value, then its derivative with respect to every parent.

    def __add__(self, other):
        if type(other) is Scalar:
            return _node("a + b", self.value + other.value, ((self, 1.0), (other, 1.0)))
        c = _number(other)
        return _node("a + c", self.value + c, ((self, 1.0),), c)

    def __radd__(self, other):
        c = _number(other)
        return _node("c + a", c + self.value, ((self, 1.0),), c)

    def __sub__(self, other):
        if type(other) is Scalar:
            return _node("a - b", self.value - other.value, ((self, 1.0), (other, -1.0)))
        c = _number(other)
        return _node("a - c", self.value - c, ((self, 1.0),), c)

    def __rsub__(self, other):
        c = _number(other)
        return _node("c - a", c - self.value, ((self, -1.0),), c)

    def __mul__(self, other):
        if type(other) is Scalar:
            return _node("a * b", self.value * other.value, ((self, other.value), (other, self.value)))
        c = _number(other)
        return _node("c * a", c * self.value, ((self, c),), c)

    __rmul__ = __mul__

    def __truediv__(self, other):
        if type(other) is Scalar:
            value = self.value / other.value
            return _node("a / b", value, ((self, 1 / other.value), (other, -value / other.value)))
        c = _number(other)
        return _node("a / c", self.value / c, ((self, 1 / c),), c)

    def __rtruediv__(self, other):
        c = _number(other)
        value = c / self.value
        return _node("c / a", value, ((self, -value / self.value),), c)

    def __pow__(self, other):
        if type(other) is Scalar:
            a, b = _positive("the base of a power with a Scalar exponent", self.value), other.value
            value = a**b
            return _node("a ** b", value, ((self, b * a ** (b - 1)), (other, math.log(a) * value)))
        a, c = self.value, _number(other)
        if a < 0 and not c.is_integer():
            raise ValueError(f"the exponent of a negative base must be a whole number, got {a} ** {c}")
        return _node("a ** c", a**c, ((self, c * a ** (c - 1) if c else 0.0),), c)

    def __rpow__(self, other):
        c = _positive("the base of a power with a Scalar exponent", _number(other))
        value = c**self.value
        return _node("c ** a", value, ((self, math.log(c) * value),), c)

    def __neg__(self):
        return _node("-a", -self.value, ((self, -1.0),))

    def exp(self):
        value = math.exp(self.value)
        return _node("exp(a)", value, ((self, value),))

    def log(self):
        a = _positive("the argument of log", self.value)
        return _node("log(a)", math.log(a), ((self, 1 / a),))

    def log1p(self):
        a = self.value
        _positive("1 + the argument of log1p", 1 + a)
        return _node("log1p(a)", math.log1p(a), ((self, 1 / (1 + a)),))

    def sin(self):
        return _node("sin(a)", math.sin(self.value), ((self, math.cos(self.value)),))

    def cos(self):
        return _node("cos(a)", math.cos(self.value), ((self, -math.sin(self.value)),))

    def tanh(self):
        value = math.tanh(self.value)
        return _node("tanh(a)", value, ((self, 1 - value**2),))

    def relu(self):
        if self.value > 0:
            return _node("relu(a)", self.value, ((self, 1.0),))
        return _node("relu(a)", 0.0, ((self, 0.0),))

    def _direction(self, component):
        return real("a component of the direction", component)

    def _pushed(self):
        return sum((parent.tangent * partial for parent, partial in self.edges), 0.0)

    def backward(self):
        """Sweep backward from this output: set in every node below it the `derivative` of this output.

        Each node hands its derivative, times the local one, to each of its parents. Derivatives of an
        earlier sweep are overwritten, not added to.

        References
        ----------
        S. Linnainmaa, "Taylor Expansion of the Accumulated Rounding Error", BIT 16, 1976, 146–160.
        """
        nodes = order(self)
        for node in nodes:
            node.derivative = 0.0
        self.derivative = 1.0
        for node in reversed(nodes):
            derivative = node.derivative
            for parent, partial in node.edges:
                parent.derivative += derivative * partial


def exp(x):
    """Return eˣ, of a Scalar or an Array, as every function here."""
    return x.exp() if isinstance(x, Node) else _refuse("exp", x)


def log(x):
    """Return the natural logarithm of x."""
    return x.log() if isinstance(x, Node) else _refuse("log", x)


def log1p(x):
    """Return log(1 + x), which keeps all its digits where x is small."""
    return x.log1p() if isinstance(x, Node) else _refuse("log1p", x)


def sin(x):
    """Return sin x."""
    return x.sin() if isinstance(x, Node) else _refuse("sin", x)


def cos(x):
    """Return cos x."""
    return x.cos() if isinstance(x, Node) else _refuse("cos", x)


def tanh(x):
    """Return tanh x."""
    return x.tanh() if isinstance(x, Node) else _refuse("tanh", x)


def relu(x):
    """Return max(x, 0). Its derivative at 0 is taken as 0, as PyTorch takes it."""
    return x.relu() if isinstance(x, Node) else _refuse("relu", x)


def order(*outputs):
    """Return the nodes that the outputs are computed from, parents before children, the outputs included.

    They stand as they were created: no node could be made before its parents.

    Raises
    ------
    TypeError
        If an output is neither a Scalar nor an Array.
    """
    for output in outputs:
        if not isinstance(output, Node):
            raise TypeError(f"outputs must be Scalars or Arrays, got {output!r}")
    nodes = list(dict.fromkeys(outputs))
    seen = set(nodes)
    for node in nodes:  # the list grows while it is walked
        for parent, _ in node.edges:
            if parent not in seen:
                seen.add(parent)
                nodes.append(parent)
    nodes.sort(key=attrgetter("number"))
    return nodes


def forward_mode(output, directions):
    """Sweep forward: return the derivative of the output along a direction in its inputs.

    With v̇ for the derivative of a node v along the direction, each node adds up the v̇ of its parents, each
    times its local derivative. All are kept as `tangent`. A sweep serves one direction: a gradient takes as
    many sweeps as there are inputs.

    Parameters
    ----------
    output : Scalar or Array
    directions : Scalar, or dict
        The input to differentiate by, or the component of the direction for each of several inputs: numbers
        for Scalars, arrays of their shapes for Arrays. Inputs not named stay put. A node that is no input
        may be named too; it is then moved as if it were one.

    Returns
    -------
    float or ndarray, of the shape of the output's value

    Raises
    ------
    TypeError, ValueError
        If `directions` is neither, or a component is not finite and real or of another shape than its node.

    References
    ----------
    R. E. Wengert, "A Simple Automatic Derivative Evaluation Program", Communications of the ACM 7(8), 1964,
    463–464.

    Examples
    --------
    >>> x, y = Scalar(2, "x"), Scalar(3, "y")
    >>> F = x**2 * (x + y)
    >>> forward_mode(F, x), forward_mode(F, y), forward_mode(F, {x: 1, y: 10})
    (24.0, 4.0, 64.0)
    """
    if type(directions) is Scalar:
        directions = {directions: 1.0}
    if not isinstance(directions, dict) or not all(isinstance(node, Node) for node in directions):
        raise TypeError(f"directions must be a Scalar, or a dict from nodes to numbers, got {directions!r}")
    given = {node: node._direction(component) for node, component in directions.items()}
    for node in order(output):
        node.tangent = given[node] if node in given else node._pushed()
    return output.tangent


class Cost(NamedTuple):
    """What :func:`cost` counts.

    Attributes
    ----------
    operations : int
        Nodes that are no inputs: what one evaluation takes.
    edges : int
        Local derivatives: the multiplications of one sweep, in either direction.
    forward : int
        Multiplications for all derivatives of all outputs by one forward sweep for each input.
    reverse : int
        The same by one reverse sweep for each output.
    """

    operations: int
    edges: int
    forward: int
    reverse: int


def cost(*outputs):
    """Count what it takes to differentiate all outputs with respect to all inputs of a graph of Scalars.

    An operation has one edge or two, so a sweep takes at most two multiplications for each operation of
    the evaluation, however many inputs there are.

    References
    ----------
    A. Griewank and A. Walther, *Evaluating Derivatives*, second edition, SIAM, 2008.

    Examples
    --------
    >>> x, y = Scalar(2), Scalar(3)
    >>> cost(x**2 * (x + y))
    Cost(operations=3, edges=5, forward=10, reverse=5)
    """
    nodes = order(*outputs)
    edges = sum(len(node.edges) for node in nodes)
    inputs = sum(not node.edges for node in nodes)
    return Cost(len(nodes) - inputs, edges, inputs * edges, len(set(outputs)) * edges)


def _node(operation, value, edges, constant=None):
    """Return the Scalar that an operation makes. (The class itself would check the value.)"""
    node = _new(Scalar)
    node.value, node.operation, node.edges, node.constant = value, operation, edges, constant
    node.name = node.derivative = node.tangent = None
    node.number = next_number()
    return node


def _number(other):
    if type(other) is float:
        return other
    return float(other) if isinstance(other, Real) else real("the other operand of a Scalar", other)


def _positive(what, value):
    if not value > 0:
        raise ValueError(f"{what} must be above 0, got {value}")
    return value


def _refuse(function, x):
    raise TypeError(f"{function} takes a Scalar or an Array, got {x!r}")
