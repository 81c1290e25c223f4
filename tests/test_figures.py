"""Figures: their description, their size, and what the recurring pictures draw."""

import base64
import io
import re
from html.parser import HTMLParser

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgba
from PIL import Image

from lib import figures


def tags(html):
    """The start tags of a page as (name, attributes)."""
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda name, attributes: found.append((name, dict(attributes)))
    parser.feed(html)
    return found


def test_show(published):
    axes = figures.axes()
    axes.plot([0, 1], [0, 1])
    figures.show(axes, caption="See $x<1$ & more", alt='a "line" <up>', label="fig-one")
    ((bundle, facts),) = published
    (_, outer), (_, image), *_ = tags(bundle["text/html"])
    assert outer == {"class": "picture", "id": "fig-one"}
    assert image["alt"] == 'a "line" <up>'
    pixels = Image.open(io.BytesIO(base64.b64decode(image["src"].split(",")[1])))
    assert pixels.size == (2 * int(image["width"]), 2 * int(image["height"]))
    assert pixels.width == figures.WIDTH * figures.PIXELS
    assert (
        r"See <span class=\"tex2jax_process\">\(x&lt;1\)</span> &amp; more".replace('\\"', '"')
        in (bundle["text/html"])
    )
    assert bundle["text/plain"] == '[figure] See $x<1$ & more\na "line" <up>'
    assert facts == {"kind": "figure", "labels": ["fig-one"], "title": "See $x<1$ & more"}
    assert plt.get_fignums() == []


def test_show_takes_figures_and_arrays_of_axes(published):
    figures.show(plt.figure(), caption="a", alt="b")
    panels = figures.axes(panels=2, height=2)
    assert panels.shape == (2,)
    figures.show(panels, caption="a", alt="b")
    sizes = [(i["width"], i["height"]) for b, _ in published for n, i in tags(b["text/html"]) if n == "img"]
    assert sizes == [("600", "370"), ("600", "200")]
    assert plt.get_fignums() == []
    assert "id=" not in published[0][0]["text/html"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"caption": " ", "alt": "b"}, "needs a caption and an alt"),
        ({"caption": "a", "alt": ""}, "needs a caption and an alt"),
        ({"caption": "a", "alt": "b", "label": "eq-one"}, "must begin with 'fig-', got 'eq-one'"),
    ],
)
def test_show_rejects(published, arguments, message):
    axes = figures.axes()
    with pytest.raises(ValueError, match=message):
        figures.show(axes, **arguments)
    plt.close("all")
    assert published == []


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a < b", "a &lt; b"),
        ("$a$", r'<span class="tex2jax_process">\(a\)</span>'),
        (
            "if $a<b$ then $c$.",
            r'if <span class="tex2jax_process">\(a&lt;b\)</span> then '
            r'<span class="tex2jax_process">\(c\)</span>.',
        ),
        ("costs 5$", "costs 5$"),
        ("", ""),
    ],
)
def test_mathematics(text, html):
    assert figures.mathematics(text) == html


def test_flat_and_png_keep_the_picture():
    pixels = np.zeros((4, 6, 4), np.uint8)
    pixels[..., 3] = 255
    pixels[:, 3:, 0] = 200
    image = Image.open(io.BytesIO(figures.png(figures.flat(pixels))))
    assert image.mode == "P"
    assert (np.asarray(image.convert("RGB")) == pixels[..., :3]).all()
    assert re.match(r"data:image/png;base64,[A-Za-z0-9+/]+=*$", figures.data_uri(image))


def test_contours_are_level_sets():
    axes = figures.axes()
    figures.contours(axes, lambda p: p[0] ** 2 + p[1] ** 2, (-2, 2), (-1, 1), levels=[0.25, 0.81])
    (drawn,) = axes.collections
    for level, curve in zip([0.25, 0.81], drawn.get_paths(), strict=True):
        assert len(curve.vertices) > 100
        assert (curve.vertices**2).sum(axis=1) == pytest.approx(level, abs=1e-3)
    assert axes.get_xlim() == (-2, 2)
    assert axes.get_ylim() == (-1, 1)
    dark, light = drawn.get_edgecolor()
    assert dark[:3] == pytest.approx(to_rgba(figures.FUNCTION)[:3])
    assert sum(dark) < sum(light)
    plt.close("all")


def test_contours_choose_equally_spaced_radii_on_a_bowl():
    axes = figures.axes()
    figures.contours(axes, lambda p: p[0] ** 2 + p[1] ** 2, (-1, 1), (-1, 1))
    radii = np.sqrt(axes.collections[0].levels[1:])
    assert len(radii) == 11
    assert np.diff(radii) == pytest.approx(np.diff(radii)[0])
    plt.close("all")


def test_contours_leave_out_where_the_function_is_not_finite():
    axes = figures.axes()
    with np.errstate(divide="ignore", invalid="ignore"):
        figures.contours(axes, lambda p: np.log(p[0]) + p[1], (-1, 1), (-1, 1))
    assert np.isfinite(axes.collections[0].levels).all()
    axes.figure.canvas.draw()
    plt.close("all")


def test_path_begins_with_an_open_circle():
    axes = figures.axes()
    points = np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 1.0]])
    figures.path(axes, points, label="descent")
    steps, start = axes.lines
    assert (steps.get_xydata() == points).all()
    assert steps.get_color() == figures.PATH
    assert steps.get_label() == "descent"
    assert start.get_xydata().tolist() == [[0.0, 0.0]]
    assert start.get_markerfacecolor() == figures.CARD
    plt.close("all")


def test_path_that_diverges_can_be_drawn():
    axes = figures.axes()
    figures.contours(axes, lambda p: p[0] ** 2 + p[1] ** 2, (-1, 1), (-1, 1))
    figures.path(axes, [[1, 1], [-1e3, 1e9], [1e80, -1e160], [1e300, 1e308], [np.inf, np.nan]])
    axes.figure.canvas.draw()
    assert axes.get_xlim() == (-1, 1)
    plt.close("all")


def test_path_rejects_other_shapes():
    axes = figures.axes()
    with pytest.raises(ValueError, match=r"points must have shape \(steps \+ 1, 2\), got \(3,\)"):
        figures.path(axes, [1, 2, 3])
    plt.close("all")
