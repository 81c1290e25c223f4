"""Drawings of graphs: what is written where, at every step, and that nothing lies on anything else."""

import re
from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgba
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from lib import figures
from lib.array_autodiff import Array, log_softmax
from lib.autodiff import Scalar, exp, log, log1p, order, relu, sin
from lib.explore import explore
from lib.graph_drawing import draw, steps
from lib.graph_layout import layers


def square_times_sum():
    x, y = Scalar(2, "x"), Scalar(3, "y")
    c, s = x**2, x + y
    F = c * s
    c.name, s.name, F.name = "c", "s", "F"
    return F


def difference_with_logarithm():
    x, y = Scalar(1, "x"), Scalar(2, "y")
    v = x * y
    f = v - log(1 + exp(v))
    f.name = "f"
    return f


GRAPHS = pytest.mark.parametrize("make", [square_times_sum, difference_with_logarithm])


@pytest.fixture
def axes():
    yield figures.axes()
    plt.close("all")


def texts(axes):
    return [text.get_text() for text in axes.texts]


def patches(axes, kind):
    return [patch for patch in axes.patches if isinstance(patch, kind)]


def colours(axes, kind):
    return [to_rgba(patch.get_edgecolor()) for patch in patches(axes, kind)]


def test_the_whole_graph_has_values_local_derivatives_and_derivatives(axes):
    says = draw(square_times_sum(), axes)["says"]
    assert says == "F = 20, its derivatives are 24 with respect to x, 4 with respect to y."
    written = texts(axes)
    assert {"$x$", "$y$", "$c = x^{2}$", "$s = x+{y}$", r"$F = c\,{s}$"} <= set(written)
    assert {r"$\bar{x} = 24$", r"$\bar{y} = 4$", r"$\bar{c} = 5$", r"$\bar{s} = 4$", r"$\bar{F} = 1$"} <= set(
        written
    )
    # the values 2, 3, 4, 5, 20 and the local derivatives 4, 1, 1, 5, 4
    numbers = sorted(int(text) for text in written if "$" not in text)
    assert numbers == sorted([2, 3, 4, 5, 20, 4, 1, 1, 5, 4])
    assert len(patches(axes, FancyArrowPatch)) == 5
    assert to_rgba(figures.PATH) not in colours(axes, FancyBboxPatch)


def test_a_forward_sweep_has_dots(axes):
    F = square_times_sum()
    x = order(F)[0]
    says = draw(F, axes, variable=x)["says"]
    assert says == "F = 20, its derivative with respect to x is 24."
    assert {
        rf"$\dot{{{name}}} = {value}$" for name, value in zip("xycsF", [1, 0, 4, 1, 24], strict=True)
    } <= set(texts(axes))


def test_each_step_says_what_it_does():
    F = square_times_sum()
    said = []
    for step in range(steps(F) + 1):
        said.append(draw(F, figures.axes(), step=step)["says"])
        plt.close("all")
    assert said == [
        "Nothing is computed yet.",
        "Forward: x = 2.",
        "Forward: y = 3.",
        "Forward: c = x ** 2 = 4.",
        "Forward: s = x + y = 5.",
        "Forward: F = c · s = 20.",
        "Backward: the derivative of F with respect to F is 1.",
        "Backward: the derivative of F with respect to s is 1 · 4 = 4.",
        "Backward: the derivative of F with respect to c is 1 · 5 = 5.",
        "Backward: the derivative of F with respect to y is 4 · 1 = 4.",
        "Backward: the derivative of F with respect to x is 5 · 4 + 4 · 1 = 24.",
    ]


def test_each_forward_step_says_what_it_does():
    F = square_times_sum()
    said = []
    for step in range(1, 6):
        said.append(draw(F, figures.axes(), step=step, variable=order(F)[0])["says"])
        plt.close("all")
    assert said == [
        "Forward: x = 2, its derivative with respect to x is 1.",
        "Forward: y = 3, its derivative with respect to x is 0.",
        "Forward: c = x ** 2 = 4, its derivative with respect to x is 4 · 1 = 4.",
        "Forward: s = x + y = 5, its derivative with respect to x is 1 · 1 + 1 · 0 = 1.",
        "Forward: F = c · s = 20, its derivative with respect to x is 5 · 4 + 4 · 1 = 24.",
    ]


@GRAPHS
def test_a_step_shows_what_is_known_and_marks_what_is_used(make):
    output = make()
    nodes = order(output)
    for step in range(1, steps(output) + 1):
        axes = figures.axes()
        draw(output, axes, step=step)
        valued = min(step, len(nodes))
        derived = max(step - len(nodes), 0)
        edges = sum(len(node.edges) for node in nodes[:valued])
        assert len(axes.texts) == len(nodes) + valued + edges + derived
        boxes, arrows = colours(axes, FancyBboxPatch), colours(axes, FancyArrowPatch)
        assert boxes.count(to_rgba(figures.PATH)) == 1
        backward = step > len(nodes)
        node = nodes[2 * len(nodes) - step] if backward else nodes[step - 1]
        assert boxes.index(to_rgba(figures.PATH)) == nodes.index(node)
        used = sum(n.parents.count(node) for n in nodes) if backward else len(node.edges)
        assert arrows.count(to_rgba(figures.PATH)) == used
        plt.close("all")


@GRAPHS
@pytest.mark.parametrize("height", [3.7, 3.0])
def test_no_writing_lies_on_writing(make, height):
    axes = figures.axes(height=height)
    draw(make(), axes)
    axes.figure.canvas.draw()
    renderer = axes.figure.canvas.get_renderer()
    boxes = [text.get_window_extent(renderer) for text in axes.texts]
    for (one, first), (other, second) in combinations(zip(texts(axes), boxes, strict=True), 2):
        width = min(first.x1, second.x1) - max(first.x0, second.x0)
        height = min(first.y1, second.y1) - max(first.y0, second.y0)
        assert min(width, height) <= 1.5, (one, other, width, height)
    page = axes.figure.bbox
    for box in boxes:
        assert page.x0 <= box.x0
        assert box.x1 <= page.x1
        assert page.y0 <= box.y0
        assert box.y1 <= page.y1
    plt.close("all")


def test_formulas_and_names(axes):
    x1, w = Scalar(4, "x1"), Scalar(-3, "weight")
    loss = sin(relu(log1p(x1 * x1) / w - 2) + 1) - (-3) * x1**w
    loss.name = "loss"
    draw(loss, axes)
    written = " ".join(texts(axes))
    for formula in (
        r"$v_{3} = x_{1}\,{x_{1}}$",
        r"$v_{4} = \log(1+v_{3})$",
        r"$v_{5} = v_{4}/{\mathrm{weight}}$",
        "$v_{6} = v_{5}-{2}$",
        r"$v_{7} = \mathrm{relu}\,v_{6}$",
        r"$v_{9} = \mathrm{sin}\,v_{8}$",
        r"$v_{10} = x_{1}^{\mathrm{weight}}$",
        r"$v_{11} = (−3)\,{v_{10}}$",
        r"$\mathrm{loss} = v_{9}-{v_{11}}$",
    ):
        assert formula in written
    axes.figure.canvas.draw()


def test_a_square_as_a_product_has_two_edges(axes):
    x = Scalar(3, "x")
    draw(x * x, axes)
    up, down = patches(axes, FancyArrowPatch)
    assert up.get_connectionstyle().rad == -down.get_connectionstyle().rad != 0
    assert texts(axes).count("3") == 3  # the value and two local derivatives


def test_an_edge_that_passes_a_column_swings_around_it(axes):
    draw(difference_with_logarithm(), axes)
    bends = [arrow.get_connectionstyle().rad for arrow in patches(axes, FancyArrowPatch)]
    assert sum(bend != 0 for bend in bends) == 1


def test_arrays_are_drawn_with_their_shapes(axes):
    W, b = Array(np.ones((4, 3)), "W"), Array(np.zeros(3), "b")
    loss = -log_softmax(np.ones((5, 4)) @ W + b).mean()
    loss.name = "loss"
    assert draw(loss, axes)["says"] == "loss has the shape ()."
    assert {"4×3", "5×3", "3"} <= set(texts(axes))
    assert not any("bar" in text for text in texts(axes))
    assert loss.derivative is None
    axes.figure.canvas.draw()


def test_a_single_node(axes):
    assert draw(Scalar(1, "x"), axes)["says"] == "x = 1, its derivatives are 1 with respect to x."


@pytest.mark.parametrize(
    ("number", "written"),
    [
        (0.00012345, "0.000123"),
        (-1234.5, "−1.23e3"),
        (123456.0, "1.23e5"),
        (1 / 3, "0.333"),
        (-0.0, "0"),
        (7.0, "7"),
    ],
)
def test_numbers_are_short(axes, number, written):
    draw(Scalar(number, "x"), axes, step=1)
    assert written in texts(axes)


def test_a_slider_can_walk_through_it(published, monkeypatch):
    monkeypatch.setenv("DOWNHILL_BUILD", "1")
    F = square_times_sum()
    explore(
        lambda axes, step: draw(F, axes, step=step),
        caption="Forward and backward",
        alt="Step {step}. {says}",
        step=range(steps(F) + 1),
    )
    ((bundle, facts),) = published
    assert facts["frames"] == 11
    assert (
        "Step 10. Backward: the derivative of F with respect to x is 5 · 4 + 4 · 1 = 24."
        in bundle["text/html"]
    )


@given(seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=40)
def test_layers_keep_every_node_behind_its_parents(seed):
    rng = np.random.default_rng(seed)
    nodes = [Scalar(1) for _ in range(int(rng.integers(1, 4)))]
    for _ in range(int(rng.integers(1, 10))):
        i, j = rng.integers(0, len(nodes), 2)
        nodes.append(nodes[i] + nodes[j])
    nodes = order(nodes[-1])
    columns, chains = layers(nodes)
    place = {key: k for k, column in enumerate(columns) for key in column}
    assert len(place) == sum(map(len, columns))
    assert set(nodes) <= set(place)
    assert all(columns)
    assert set(chains) == {(parent, node) for node in nodes for parent in node.parents}
    for (parent, node), chain in chains.items():
        assert (chain[0], chain[-1]) == (parent, node)
        assert [place[key] for key in chain] == list(range(place[parent], place[node] + 1))
    assert len(place) == len(nodes) + sum(len(chain) - 2 for chain in chains.values())


def test_layers_avoid_crossings_that_can_be_avoided():
    a, b, c = Scalar(1), Scalar(2), Scalar(3)
    # as created the middle column is (c c, a a, b b), and all edges cross
    one, two, three = c + c, a + a, b + b
    columns, _ = layers(order((one + two) + three))
    assert [columns[0].index(x) for x in (c, a)] == [columns[1].index(x) for x in (one, two)]


def test_layers_bring_inputs_beside_each_other_that_are_used_together():
    a, b, c = Scalar(1), Scalar(2), Scalar(3)
    columns, _ = layers(order((a + c) * (-b)))
    assert columns[0].index(b) != 1


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda axes: draw(3, axes), TypeError, "output must be a Scalar or an Array, got 3"),
        (lambda axes: draw(Scalar(1), axes, step=3), ValueError, "step must be at most 2, got 3"),
        (lambda axes: draw(Scalar(1), axes, step=-1), ValueError, "step must be at least 0, got -1"),
        (lambda axes: draw(Scalar(1), axes, step=1.0), TypeError, "step must be a whole number, got 1.0"),
        (lambda axes: draw(Scalar(1), axes, variable="x"), TypeError, "directions must be a Scalar"),
    ],
)
def test_bad_input_is_named(axes, call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call(axes)
