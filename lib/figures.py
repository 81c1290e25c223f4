"""The book's pictures: one style, four colours with fixed meanings, and a caption and a description for each.

Importing this module sets the style. A picture is made with `axes`, filled with matplotlib as usual, and
published with `show`, which puts the description where a screen reader finds it.
"""

import base64
import io
import re
from html import escape

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from IPython.display import display
from PIL import Image

# The palette of Okabe and Ito (2008), told apart by every common kind of colour vision.
FUNCTION = "#0072B2"  # the function, its graph and its level sets
PATH = "#D55E00"  # where an algorithm has been
GRADIENT = "#009E73"  # gradients, tangents, slopes
CONSTRAINT = "#CC79A7"  # constraints and bounds
OTHERS = ("#E69F00", "#56B4E9", "#000000")
QUIET = "#767676"  # axes, guides, what stands in the background

WIDTH, HEIGHT = 6.0, 3.7  # inches; one inch is 100 CSS pixels on the page
PIXELS = 200  # image pixels per inch: twice the density of the page
CARD = "#fcfcfa"

matplotlib.rcParams.update(
    {
        "axes.axisbelow": True,
        "axes.edgecolor": QUIET,
        "axes.facecolor": CARD,
        "axes.grid": True,
        "axes.labelsize": 13,
        "axes.linewidth": 0.8,
        "axes.prop_cycle": matplotlib.cycler(color=[FUNCTION, PATH, GRADIENT, CONSTRAINT, *OTHERS]),
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlesize": 13,
        "figure.constrained_layout.use": True,
        "figure.dpi": 100,
        "figure.facecolor": CARD,
        "figure.figsize": (WIDTH, HEIGHT),
        "font.size": 12,
        "grid.color": "#e4e4e0",
        "grid.linewidth": 0.7,
        "legend.frameon": False,
        "legend.fontsize": 12,
        "lines.linewidth": 2,
        "lines.markersize": 5,
        "mathtext.fontset": "cm",
        "savefig.dpi": PIXELS,
    }
)


def axes(panels=1, height=HEIGHT):
    """Return the axes of a new figure: one, or an array of `panels` beside each other.

    Parameters
    ----------
    panels : int
        How many.
    height : float
        The height of the figure in inches. The width is the width of the page's text.
    """
    return plt.subplots(1, panels, figsize=(WIDTH, height))[1]


def contours(axes, f, x, y, levels=None):
    """Draw level sets of `f` over the rectangle `x` × `y`, darker where `f` is lower.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    f : callable
        Takes a point as an array whose first axis holds the two components, and broadcasts over the others.
    x, y : tuple of float
        The ends of each side.
    levels : array_like, optional
        The values whose level sets are drawn. By default twelve, crowded towards the lowest values on the
        rectangle, as the sets of a quadratic bowl with equally spaced radii are.
    """
    grid = np.array(np.meshgrid(np.linspace(*x, 241), np.linspace(*y, 241)))
    values = f(grid)
    if levels is None:
        finite = values[np.isfinite(values)]
        low, high = finite.min(), finite.max()
        levels = low + (high - low) * np.linspace(0.02, 1, 12) ** 2
    shades = matplotlib.colors.LinearSegmentedColormap.from_list("depth", [FUNCTION, "#b9d4e6"])
    axes.contour(*grid, values, levels=levels, cmap=shades, linewidths=1.1)
    axes.set(xlim=x, ylim=y)
    axes.grid(visible=False)


def path(axes, points, label=None):
    """Draw the steps of an algorithm through the plane, its start as an open circle.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    points : ndarray, shape (steps + 1, 2)
    label : str, optional
        Its name in the legend.

    Raises
    ------
    ValueError
        If the points are not in the plane.
    """
    points = np.asarray(points, dtype=float)
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"points must have shape (steps + 1, 2), got {points.shape}")
    axes.plot(*points.T, "o-", color=PATH, markersize=3.5, linewidth=1.4, label=label)
    axes.plot(*points[0], "o", color=PATH, markersize=8, markerfacecolor=CARD)


def show(figure, *, caption, alt, label=None):
    """Publish a figure, or the figure of the axes given, with its caption and its description.

    Parameters
    ----------
    figure : matplotlib.figure.Figure, or matplotlib.axes.Axes or an array of them
    caption : str
        What to see in it; inline mathematics between dollar signs.
    alt : str
        What a reader who cannot see it needs to know: what is drawn and what it shows.
    label : str, optional
        Its name for cross-references, ``fig-`` + chapter + name.

    Raises
    ------
    ValueError
        If caption or description is missing, or the label does not begin with ``fig-``.
    """
    figure = np.ravel(figure)[0].figure
    if not caption.strip() or not alt.strip():
        raise ValueError(f"a figure needs a caption and an alt text, got {caption!r} and {alt!r}")
    if label is not None and not label.startswith("fig-"):
        raise ValueError(f"label must begin with 'fig-', got {label!r}")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    plt.close(figure)
    image = np.asarray(Image.open(buffer))
    width, height = image.shape[1] // 2, image.shape[0] // 2
    source = data_uri(flat(image))
    name = f' id="{escape(label)}"' if label else ""
    publish(
        f'<figure class="picture"{name}>'
        f'<img src="{source}" width="{width}" height="{height}" alt="{escape(alt)}">'
        f"<figcaption>{mathematics(caption)}</figcaption></figure>",
        f"[figure] {caption}\n{alt}",
        {"kind": "figure", "labels": [label] if label else [], "title": caption},
    )


def publish(html, text, facts=None):
    """Display one output of a cell: as HTML for pages and notebooks, and as text for terminals and reviewers.

    `facts` travel with the output as metadata, where the appendices of the book read them.
    """
    metadata = {"downhill": facts} if facts else {}
    display({"text/html": html, "text/plain": text}, raw=True, metadata=metadata)


def mathematics(text):
    """Return HTML of a line of text in which ``$...$`` holds TeX, typeset by the page or the notebook."""
    parts = re.split(r"\$([^$]+)\$", text)
    odd = [rf'<span class="tex2jax_process">\({escape(part)}\)</span>' for part in parts[1::2]]
    return "".join(a + b for a, b in zip(map(escape, parts[::2]), [*odd, ""], strict=True))


def flat(pixels):
    """Return pixels, shape (height, width, 3 or 4), as a PIL image of 128 colours, a third of the size."""
    return Image.fromarray(pixels).convert("RGB").quantize(128, dither=Image.Dither.NONE)


def png(image, **options):
    """Return a PIL image as the bytes of a PNG file."""
    buffer = io.BytesIO()
    image.save(buffer, "png", compress_level=6, **options)
    return buffer.getvalue()


def data_uri(image, **options):
    """Return a PIL image as an address that holds the picture itself."""
    return "data:image/png;base64," + base64.b64encode(png(image, **options)).decode()
