"""Sliders: what the built page holds, and what a running notebook shows."""

import base64
import io
import itertools
import json
from html.parser import HTMLParser

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from lib import explore as module
from lib import figures
from lib.explore import explore

CAPTION = "Move $x<1$ & see."


def still(axes):
    axes.plot([0, 1], [0.2, 0.2], color=figures.FUNCTION)
    axes.set(xlim=(0, 1), ylim=(0, 1), title="still")


def draw(axes, height):
    axes.plot([0.2, 0.8], [height, height], color=figures.PATH)
    return {"double": 2 * height}


def fresh(axes, height):
    """What `still` and `draw` make together."""
    still(axes)
    return draw(axes, height)


class Page(HTMLParser):
    """The elements that matter of the HTML of a slider."""

    def __init__(self, html):
        super().__init__()
        self.images, self.inputs, self.labels, self.outputs, self.open = [], [], [], [], []
        self.texts, self.style = {}, None
        self.feed(html)
        assert not self.open

    def handle_starttag(self, name, attributes):
        attributes = dict(attributes)
        kinds = {"img": self.images, "input": self.inputs, "label": self.labels, "output": self.outputs}
        kinds.get(name, []).append(attributes)
        self.style = attributes.get("style", self.style)
        if name not in ("img", "input"):
            self.open.append(name)

    def handle_endtag(self, name):
        assert self.open.pop() == name

    def handle_data(self, data):
        self.texts.setdefault(self.open[-1], []).append(data)


def decoded(uri):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.split(",")[1]))).convert("RGBA")).astype(int)


def composed(page):
    """The pictures as a reader sees them: each image over the background."""
    backdrop = decoded(page.style.removeprefix("background-image:url(").removesuffix(")"))[..., :3]
    for image in page.images:
        pixels = decoded(image["src"])
        assert set(np.unique(pixels[..., 3])) <= {0, 255}
        yield np.where(pixels[..., 3:] == 255, pixels[..., :3], backdrop)


@pytest.fixture
def built(monkeypatch, published):
    """A function that explores as in a build, and returns the page, the text and the facts."""
    monkeypatch.setenv("DOWNHILL_BUILD", "1")

    def build(draw, **arguments):
        arguments = {"caption": CAPTION, "alt": "a picture"} | arguments
        explore(draw, **arguments)
        bundle, facts = published.pop()
        return Page(bundle["text/html"]), bundle["text/plain"], facts

    return build


def test_page(built):
    def draw_at(axes, level):
        return draw(axes, level)

    levels = np.array([0.3, 0.5, 0.7])
    page, text, facts = built(
        draw_at, still=still, alt='at "{level:.1f}" <{double:.2f}>', level=levels, start={"level": 0.5}
    )
    assert [image["alt"] for image in page.images] == [
        'at "0.3" <0.60>', 'at "0.5" <1.00>', 'at "0.7" <1.40>',
    ]  # fmt: skip
    assert ["hidden" in image for image in page.images] == [True, False, True]
    for image in page.images:
        assert decoded(image["src"]).shape[:2] == (2 * int(image["height"]), 2 * int(image["width"]))
    (control,), (label,), (output,) = page.inputs, page.labels, page.outputs
    assert control["id"] == label["for"] == output["for"]
    assert (control["type"], control["min"], control["max"], control["value"]) == ("range", "0", "2", "1")
    assert json.loads(control["data-labels"]) == ["0.3", "0.5", "0.7"]
    assert control["aria-valuetext"] == "0.5"
    assert page.texts["output"] == ["0.5"]
    assert page.texts["figcaption"] == ["Move ", " & see."]
    assert page.texts["span"] == [r"\(x<1\)"]
    assert text.splitlines() == [
        f"[slider] {CAPTION}", "level: 0.3 to 0.7, 3 values",
        'at "0.3" <0.60>', 'at "0.5" <1.00>', 'at "0.7" <1.40>',
    ]  # fmt: skip
    assert facts == {"kind": "slider", "frames": 3}
    assert plt.get_fignums() == []


def near(picture, direct):
    """Equal up to the rounding of colours: exact in most pixels, and close in all."""
    difference = np.abs(picture - direct[..., :3]).max(axis=-1)
    return difference.max() <= 48 and (difference <= 8).mean() > 0.999


@pytest.mark.parametrize("kept", [True, False])
def test_pictures_are_those_drawn_directly(built, kept):
    levels = [0.3, 0.5, 0.7]

    def moving(axes, level):
        return (draw if kept else fresh)(axes, level)

    page, _, _ = built(moving, still=still if kept else None, level=levels)
    directs = []
    for level in levels:
        figure = module.Figure(figsize=(figures.WIDTH, figures.HEIGHT), dpi=figures.PIXELS)
        fresh(figure.subplots(), level)
        canvas = module.FigureCanvasAgg(figure)
        canvas.draw()
        directs.append(np.array(canvas.buffer_rgba()).astype(int))
    for i, picture in enumerate(composed(page)):
        assert [near(picture, direct) for direct in directs] == [j == i for j in range(3)]


def test_still_redraws_only_what_moves(built):
    calls = []

    def counted(axes):
        calls.append(axes)
        still(axes)

    def moving(axes, level):
        assert len(axes.lines) == 1
        axes.text(0.5, level, "here")
        axes.plot([0.1, 0.9], [level, level])

    page, _, _ = built(moving, still=counted, level=[0.3, 0.6, 0.9])
    assert len(calls) == 1
    # No colour is given: that of the cycle is the same in every picture.
    colours = [np.unique(p[(p != p[0, 0]).any(axis=-1)], axis=0).tolist() for p in composed(page)]
    blue = [0, 114, 178]
    assert all(min(np.abs(np.array(c) - blue).max(axis=1)) <= 8 for c in colours)
    orange = [213, 94, 0]
    assert all(min(np.abs(np.array(c) - orange).max(axis=1)) > 40 for c in colours)


@pytest.mark.parametrize(
    "change",
    [
        lambda axes: axes.set_xlim(0, 2),
        lambda axes: axes.set_ylim(0, 2),
        lambda axes: axes.set_title("moved"),
        lambda axes: axes.set_xlabel("moved"),
        lambda axes: axes.plot([0, 1], [0, 1], label="moved")[0].axes.legend(),
        lambda axes: axes.figure.text(0, 0, "moved"),
        lambda axes: axes.twinx(),
    ],
)
def test_still_rejects_what_it_would_not_redraw(built, change):
    def moving(axes, step):
        if step:
            change(axes)

    with pytest.raises(ValueError, match="draw changed"):
        built(moving, still=still, step=range(2))


def test_labels_and_values(built):
    def moving(axes, rate):
        axes.plot([0, 1], [rate, 0])
        seen.append(rate)

    seen = []
    rates = np.geomspace(1e-3, 1e-3 * 1.01, 5)
    page, _, _ = built(moving, alt="{rate:.5f}", rate=rates)
    labels = json.loads(page.inputs[0]["data-labels"])
    assert seen == list(rates)
    assert len(set(labels)) == 5
    assert [float(label) for label in labels] == pytest.approx(rates, rel=5e-3)
    page, _, _ = built(moving, alt="{rate:d}", rate=np.arange(-1, 2), start={"rate": 0})
    assert json.loads(page.inputs[0]["data-labels"]) == ["−1", "0", "1"]
    assert [image["alt"] for image in page.images] == ["-1", "0", "1"]


def test_named_values(built):
    curves = {'a "square" <&>': np.array([0.0, 1.0]), "it's flat": np.array([1.0, 1.0])}

    def moving(axes, curve):
        axes.plot([0, 1], curve)

    page, text, _ = built(moving, alt="this is {curve}", curve=curves, start={"curve": "it's flat"})
    assert [image["alt"] for image in page.images] == [f"this is {name}" for name in curves]
    assert "hidden" not in page.images[1]
    assert json.loads(page.inputs[0]["data-labels"]) == list(curves)
    assert page.texts["output"] == ["it's flat"]
    assert 'curve: a "square" <&> to it\'s flat, 2 values' in text


def test_two_parameters_make_a_grid(built):
    def moving(axes, first_one, second):
        axes.plot([0, first_one], [second, 1])

    page, _, facts = built(
        moving, alt="{first_one} {second}", first_one=[1, 2], second=[5, 6, 7],
        start={"second": 6, "first_one": 2},
    )  # fmt: skip
    assert facts["frames"] == 6
    sizes = [int(control["max"]) + 1 for control in page.inputs]
    assert sizes == [2, 3]
    values = [[1, 2], [5, 6, 7]]
    for places in itertools.product(*map(range, sizes)):
        place = 0  # as _static/explore.js computes it
        for size, own in zip(sizes, places, strict=True):
            place = place * size + own
        assert page.images[place]["alt"] == f"{values[0][places[0]]} {values[1][places[1]]}"
    assert [i for i, image in enumerate(page.images) if "hidden" not in image] == [4]
    assert page.texts["label"] == ["first one", "second"]
    assert len({control["id"] for control in page.inputs}) == 2


def test_panels(built):
    def moving(axes, level):
        for panel, height in zip(axes, (level, 1 - level), strict=True):
            panel.plot([0, 1], [height, height])

    def empty(axes):
        for panel in axes:
            panel.set(xlim=(0, 1), ylim=(0, 1))

    page, _, _ = built(moving, still=empty, panels=2, level=[0.2, 0.4])
    assert len(page.images) == 2


@pytest.mark.usefixtures("built")
def test_output_is_deterministic(published):
    outputs = []
    for _ in range(2):
        explore(lambda axes, level: draw(axes, level), still=still, caption="c", alt="a", level=[0.2, 0.6])
        outputs.append(published.pop()[0])
    assert outputs[0] == outputs[1]


def test_memory_of_many_pictures_is_modest():
    overlays = module._Overlays(np.zeros((100, 100, 4), np.uint8), 5)
    rng = np.random.default_rng(0)
    for _ in range(5):
        overlays.add(rng.integers(1, 255, (100, 100, 4), dtype=np.uint8))
    held = sum(part.nbytes for change in overlays.changes for part in change)
    assert held <= 5 * 100 * 100 * 2.2
    assert sum(sample.nbytes for sample in overlays.sample) <= 100_000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "one or two parameters"),
        ({"a": [1, 2], "b": [1, 2], "c": [1, 2]}, "one or two parameters"),
        ({"a": [1]}, "a must have two or more different values"),
        ({"a": [1, 1]}, "a must have two or more different values"),
        ({"a": [1, 2], "start": {"b": 1}}, "start must name parameters"),
        ({"a": [1, 2], "start": {"a": 3}}, "start of a must be one of"),
        ({"a": [1, 2], "start": {"a": "3"}}, "start of a must be one of"),
        ({"a": [1, 2], "alt": "{b}"}, "alt asks for 'b'"),
        ({"a": [1, 2], "alt": "{}"}, "alt asks for"),
    ],
)
def test_bad_arguments(built, arguments, message):
    with pytest.raises(ValueError, match=message):
        built(lambda axes, **values: axes.plot([0, sum(values.values())]), **arguments)


def test_pictures_that_are_all_the_same_are_rejected(built):
    with pytest.raises(ValueError, match="every picture of the slider is the same"):
        built(lambda axes, a: axes.plot([0, 1]) and None, a=[1, 2])


def broken(axes, step):
    axes.plot([0, 1], [0, step])
    if step == 1:
        raise ZeroDivisionError("no <step> 1")


def test_an_error_in_draw_fails_the_build(built):
    with pytest.raises(ZeroDivisionError, match="no <step> 1"):
        built(broken, step=range(3))


@pytest.fixture
def live(monkeypatch):
    """A function that explores as in a notebook, and returns sliders, image and words."""
    monkeypatch.delenv("DOWNHILL_BUILD", raising=False)
    shown = []
    monkeypatch.setattr(module, "display", shown.append)

    def run(draw, **arguments):
        explore(draw, caption=CAPTION, **arguments)
        (box,) = shown
        *sliders, image, words, caption = box.children
        assert isinstance(image, ipywidgets.Image)
        assert caption.value == figures.mathematics(CAPTION)
        return sliders, image, words

    return run


@pytest.mark.parametrize("background", [None, still])
def test_live_slider(live, background):
    (slider,), image, words = live(
        lambda axes, level: draw(axes, level), still=background, alt="<{level:.1f}> {double:.1f}",
        level=np.array([0.3, 0.5, 0.7]), start={"level": 0.5},
    )  # fmt: skip
    assert slider.label == "0.5"
    assert words.value == "&lt;0.5&gt; 1.0"
    before = image.value
    assert Image.open(io.BytesIO(before)).size == (1200, 740)
    slider.label = "0.7"
    assert words.value == "&lt;0.7&gt; 1.4"
    assert image.value != before
    slider.label = "0.5"
    assert image.value == before
    assert plt.get_fignums() == []


@pytest.mark.parametrize("background", [None, lambda axes: axes.set(xlim=(0, 1), ylim=(0, 3))])
def test_live_error_is_said_and_leaves_no_trace(live, background):
    (slider,), image, words = live(broken, still=background, alt="step {step}", step=range(3))
    first = image.value
    with pytest.raises(ZeroDivisionError):
        slider.value = 1
    assert words.value == "<strong>ZeroDivisionError: no &lt;step&gt; 1</strong>"
    slider.value = 0
    assert words.value == "step 0"
    assert image.value == first
