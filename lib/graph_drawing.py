"""Drawings of computational graphs, with the numbers that a forward and a reverse sweep leave behind.

A node shows what it computes, its value in a box, and below the box a derivative. An edge shows the local
derivative of the node it points to with respect to the one it comes from. So the chain rule can be read off:
multiply along a way, add over all ways.
"""

import re
from collections import defaultdict
from functools import partial
from math import isfinite
from numbers import Real
from statistics import fmean

import numpy as np
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from lib import figures
from lib.arguments import count
from lib.autodiff import Node, Scalar, forward_mode, order
from lib.graph_layout import layers

# In inches: the width of a box in graphs of up to four columns and of more, its height, the space of a row.
WIDE, NARROW, HIGH, ROW = 0.7, 0.6, 0.4, 1.6
DARK, PALE = "#333333", "#cfcfcb"

# In TeX and in words; functions that are not here are written by their name.
SIGNS = {"-": ("-", "−"), "*": (r"\,", "·"), "**": ("^", "**"), "@": (r"\,", "@")}
FUNCTIONS = {
    "-a": ("-%s", "−%s"),
    "exp": ("e^{%s}", "exp %s"),
    "log": (r"\log\,%s", "log %s"),
    "log1p": (r"\log(1+%s)", "log(1 + %s)"),
}


def steps(output):
    """Return how many steps :func:`draw` has for Scalars: each node once forward and once backward."""
    return 2 * len(order(output))


def draw(output, axes, *, variable=None, step=None):
    """Draw the graph that leads to an output, from left to right.

    Nodes without a name are called v₁, v₂ and so on by their place in the order of evaluation. A bar marks
    the derivative of the output with respect to a node, a dot that of a node with respect to `variable`.
    Arrays are drawn with their shapes in place of values, and without derivatives.

    Parameters
    ----------
    output : Scalar or Array
        The last node of a small graph. A page holds six columns of it side by side.
    axes : matplotlib.axes.Axes
        What to draw on; best a figure of its own.
    variable : Scalar, optional
        Show a forward sweep from this input instead of the reverse sweep.
    step : int, optional
        How far to go; by default to the end. In the first steps one node after the other gets its value, in
        the order of evaluation. Then they get their derivatives, in the opposite order. In a forward sweep
        the derivatives come with the values.

    Returns
    -------
    dict
        Under ``"says"``, in words, what the step does: for the description of a figure or a slider.

    Raises
    ------
    TypeError, ValueError
        If `output` is no node, or `step` is not a whole number or beyond the last.

    Examples
    --------
    >>> x, y = Scalar(2, "x"), Scalar(3, "y")
    >>> F = x**2 * (x + y)
    >>> F.name = "F"
    >>> for k in (3, 8, 10):
    ...     print(draw(F, figures.axes(), step=k)["says"])
    Forward: v3 = x ** 2 = 4.
    Backward: the derivative of F with respect to v3 is 1 · 5 = 5.
    Backward: the derivative of F with respect to x is 5 · 4 + 4 · 1 = 24.
    """
    moment = _Moment(output, variable, step)
    grid = axes.get_subplotspec().get_gridspec()
    width, height = axes.figure.get_size_inches() / (grid.ncols, grid.nrows)
    axes.set(xlim=(0, width), ylim=(0, height))
    axes.set_aspect("equal")
    axes.set_axis_off()
    columns, chains = layers(moment.nodes)
    box = WIDE if len(columns) <= 4 else NARROW
    places = _places(columns, width, height)
    for node in moment.nodes:
        _draw_node(axes, places[node], box, moment, node)
    for (parent, node), chain in chains.items():
        slopes = [slope for other, slope in node.edges if other is parent]
        for k, slope in enumerate(slopes):  # two in x · x
            bend = _bend([places[key] for key in chain], box) + (k - (len(slopes) - 1) / 2) * 0.5
            _draw_edge(axes, (places[parent], places[node]), box, bend, moment, (parent, node), slope)
    return {"says": moment.says()}


class _Moment:
    """What is known at one step of a sweep, and how it is said."""

    def __init__(self, output, variable, step):
        if not isinstance(output, Node):
            raise TypeError(f"output must be a Scalar or an Array, got {output!r}")
        self.output, self.variable, self.nodes = output, variable, order(output)
        self.names = {node: node.name or f"v{k}" for k, node in enumerate(self.nodes, 1)}
        self.scalar = all(isinstance(node, Scalar) for node in self.nodes)
        size = len(self.nodes)
        if variable is not None:
            forward_mode(output, variable)
        elif self.scalar:
            output.backward()
        last = 2 * size if variable is None and self.scalar else size
        self.step = last if step is None else count("step", step)
        if self.step > last:
            raise ValueError(f"step must be at most {last}, got {step}")
        self.backward = self.step > size
        self.valued = set(self.nodes[: self.step])
        self.derived = self.valued if last == size else set(self.nodes[last - self.step :])
        self.current = None
        if step:
            self.current = self.nodes[last - step] if self.backward else self.nodes[step - 1]
        self.children = defaultdict(list)
        for node in self.nodes:
            for parent, slope in node.edges:
                self.children[parent].append((node, slope))

    def derivative(self, node):
        return node.derivative if self.variable is None else node.tangent

    def value(self, node):
        return _digits(node.value) if self.scalar else "×".join(map(str, node.value.shape)) or "number"

    def formula(self, node, words):
        """Return what the node computes, in TeX (words = 0) or in words (1)."""
        letters = dict(zip("ab", (self.named(parent, words) for parent in node.parents), strict=False))
        letters["c"] = self._constant(node, words)
        if " " in node.operation:
            left, sign, right = node.operation.split()
            sign = SIGNS.get(sign, (sign, sign))[words]
            return ("{}{}{{{}}}", "{} {} {}")[words].format(letters[left], sign, letters[right])
        name = node.operation.split("(")[0]
        pattern = FUNCTIONS.get(name, (rf"\mathrm{{{name.replace('_', ' ')}}}\,%s", f"{name} %s"))[words]
        return pattern % letters["a"]

    def _constant(self, node, words):
        if not isinstance(node.constant, Real):  # an array has no short name
            return "C"
        return _bracketed(node.constant) if words else _tex(_bracketed(node.constant))

    def named(self, node, words, mark=False):
        """Return the node's name; in TeX x1 is x with an index, loss is upright, derivatives have a mark."""
        name = self.names[node]
        if words:
            return name
        letters, index = re.fullmatch(r"(.+?)_?(\d*)", name).groups()
        if len(letters) > 1:
            letters = rf"\mathrm{{{letters}}}"
        if mark and self.variable is not None:
            letters = rf"\dot{{{letters}}}"
        elif mark:
            letters = rf"\bar{{{letters}}}" if len(letters) == 1 else rf"\overline{{{letters}}}"
        return letters + (f"_{{{index}}}" if index else "")

    def says(self):
        """Return in words what the current step does, or what the whole sweep has found."""
        node = self.current
        if node is None:
            return self._found() if self.step else "Nothing is computed yet."
        name = self.names[node]
        if self.backward:
            parts = [(self.derivative(child), slope) for child, slope in self.children[node]]
            derivative = f"the derivative of {self.names[self.output]} with respect to {name}"
            return f"Backward: {derivative} is {self._total(parts, node)}."
        formula = f" = {self.formula(node, 1)}" if node.edges else ""
        said = f"Forward: {name}{formula} = {self.value(node)}"
        if self.variable is None:
            return said + "."
        parts = [(slope, self.derivative(parent)) for parent, slope in node.edges]
        total = self._total(parts, node)
        return f"{said}, its derivative with respect to {self.names[self.variable]} is {total}."

    def _total(self, parts, node):
        result = _digits(self.derivative(node))
        terms = [" · ".join(map(_bracketed, part)) for part in parts]
        return f"{' + '.join(terms)} = {result}" if terms else result

    def _found(self):
        inputs = [node for node in self.nodes if node.operation == "input"]
        if not self.scalar:
            return f"{self.names[self.output]} has the shape {self.output.value.shape}."
        said = f"{self.names[self.output]} = {self.value(self.output)}"
        if self.variable is not None:
            change = _digits(self.output.tangent)
            return f"{said}, its derivative with respect to {self.names[self.variable]} is {change}."
        found = ", ".join(f"{_digits(node.derivative)} with respect to {self.names[node]}" for node in inputs)
        return f"{said}, its derivatives are {found}."


def _digits(number):
    """Return a number with three digits, or all of a whole one."""
    whole = number == round(number) and abs(number) < 1e5 if isfinite(number) else False
    text = f"{number + 0.0:.0f}" if whole else f"{number:.3g}"  # + 0.0 makes 0 of −0
    return re.sub(r"e\+?(-?)0*", r"e\1", text).replace("-", "−")


def _bracketed(number):
    return f"({_digits(number)})" if number < 0 else _digits(number)


def _tex(digits):
    return re.sub(r"e(−?\d+)", r"\\cdot 10^{\1}", digits)


def _places(columns, width, height):
    """Return the middle of every key, in inches."""
    rows = max(map(len, columns))
    row = min(ROW, (height - 0.3) / rows)
    side = 0.85 if len(columns) <= 4 else 0.48
    x = np.linspace(side, width - side, len(columns)) if len(columns) > 1 else [width / 2]
    return {
        key: (x[k], height / 2 - (i - (len(column) - 1) / 2) * row)
        for k, column in enumerate(columns)
        for i, key in enumerate(column)
    }


def _bend(points, width):
    """Return how far an arc must swing out, as a part of its length, to pass the places on its way."""
    (x0, y0), *between, (x1, y1) = points
    if not between:
        return 0.0
    return ((y0 + y1) / 2 - fmean(y for _, y in between)) * 2 / (x1 - x0 - width)


def _draw_node(axes, place, width, moment, node):
    """Draw one node, in a box of that width; in a narrow one derivatives go without their names."""
    x, y = place
    current = node is moment.current
    known = figures.FUNCTION if node in moment.valued else PALE
    box = FancyBboxPatch(
        (x - width / 2, y - HIGH / 2),
        width,
        HIGH,
        boxstyle=f"round,pad=0,rounding_size={HIGH / 2}",
        facecolor="white",
        edgecolor=figures.PATH if current else known,
        linewidth=2.8 if current else 1.6,
        zorder=3,
    )
    axes.add_patch(box)
    text = partial(axes.text, x, ha="center", fontsize=13 if width == WIDE else 12, zorder=4)
    formula = f" = {moment.formula(node, 0)}" if node.edges else ""
    text(y + HIGH / 2 + 0.06, f"${moment.named(node, 0)}{formula}$", va="bottom", color=DARK)
    if node in moment.valued:
        value = moment.value(node)
        size = 13 if len(value) < 6 else 10
        text(y - 0.01, value, va="center", color=figures.FUNCTION, fontsize=size)
    if node in moment.derived and moment.scalar:
        name = f"{moment.named(node, 0, mark=True)} = " if width == WIDE else ""
        found = _tex(_digits(moment.derivative(node)))
        text(y - HIGH / 2 - 0.07, f"${name}{found}$", va="top", color=figures.GRADIENT)


def _draw_edge(axes, ends, width, bend, moment, link, slope):
    """Draw an edge from the right of one box to the left of another, and its local derivative."""
    parent, node = link
    known = node in moment.valued
    moved = moment.current is (parent if moment.backward else node)
    (x0, y0), (x1, y1) = ends
    x0, x1 = x0 + width / 2, x1 - width / 2
    arrow = FancyArrowPatch(
        (x0, y0),
        (x1, y1),
        connectionstyle=f"arc3,rad={bend}",
        arrowstyle="-|>",
        mutation_scale=12,
        linewidth=2.2 if moved else 1.3,
        color=figures.PATH if moved else figures.QUIET if known else PALE,
        shrinkA=1,
        shrinkB=2,
        zorder=2,
    )
    axes.add_patch(arrow)
    if not known or not moment.scalar:
        return
    text = _digits(slope)
    above = y0 == y1 and x1 - x0 < 0.7  # the number would hide a short arrow
    along = 0.4 if y1 < y0 else 0.5  # it keeps away from the title of the node that the edge falls on
    swing = 2 * along * (1 - along) * bend  # the arc is a parabola
    axes.text(
        x0 + along * (x1 - x0) + swing * (y1 - y0),
        y0 + along * (y1 - y0) - swing * (x1 - x0) + 0.05 * above,
        text,
        ha="center",
        va="bottom" if above else "center_baseline",
        fontsize=12 if width == WIDE else 11 if len(text) < 5 else 10,
        color=figures.PATH if moved else DARK,
        bbox=None if above else {"facecolor": figures.CARD, "edgecolor": "none", "pad": 1},
        zorder=2.5,
    )
