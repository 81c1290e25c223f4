"""Reads the built pages as a browser would, and holds them to the rules that all pages share."""

import re
from html.parser import HTMLParser

import pytest
from nbformat.v4 import new_code_cell, new_notebook

LIMIT = 2.5e6  # bytes of a page with its pictures
LINES = 25  # of a cell that is not folded away: what is longer is not read
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


class Page(HTMLParser):
    """The article of a page: its text outside code, the ids and images of the whole page, its classes."""

    def __init__(self, html):
        super().__init__()
        self.html, self.text, self.ids, self.images, self.classes, self.open = html, "", [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag == "img":
            self.images.append(attributes.get("alt"))
        self.classes += (attributes.get("class") or "").split()
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data):
        if not {"pre", "code", "script", "style", "title"} & set(self.open):
            self.text += data


def faults(html, chapter=False):
    """What is wrong with a page."""
    page = Page(html)
    found = [f"a NumPy scalar: {text}" for text in re.findall(r".{0,20}\bnp\.\w+.{0,20}", page.text)]
    found += [f"id {name!r} twice" for name in sorted(set(page.ids)) if page.ids.count(name) > 1]
    found += [f"an image described by {alt!r}" for alt in page.images if not described(alt)]
    if len(html.encode()) > LIMIT:
        found.append(f"weighs {len(html.encode()) / 1e6:.2f} MB")
    if chapter:
        found += [] if "sources" in page.classes else ["no line of sources"]
        exercises, solutions = page.classes.count("exercise"), page.classes.count("solution")
        if exercises < 6 or not exercises == solutions <= page.classes.count("dropdown"):
            found.append(f"{exercises} exercises and {solutions} solutions, not six or more of each")
        if (attempts := page.text.count("no answer yet")) < 2:
            found.append(f"invites {attempts} answers, not two or more")
    return found


def described(alt):
    """Whether a description is one: not empty, and no file name."""
    return bool(alt and alt.strip()) and not re.search(r"\.(png|svg|jpe?g|gif|webp)$", alt.strip())


def test_pages_keep_the_rules(root, notebooks):
    site = root / "_build" / "html"
    found = {}
    for source in [root / "index.md", *sorted((root / "chapters").rglob("*.md"))]:
        page = source.relative_to(root).with_suffix("").as_posix()
        if (site / f"{page}.html").exists():
            html = (site / f"{page}.html").read_text(encoding="utf-8")
            chapter = page.startswith("chapters/") and not page.startswith("chapters/appendix/")
            found |= {page: seen} if (seen := faults(html, chapter)) else {}
    assert found == {}


def untreated(concordance):
    """The items of the sources that no chapter cites."""
    return re.findall(r'<tr id="item-([^"]+)">(?:(?!</tr>).)*<td class="open">', concordance)


def test_every_item_of_the_sources_is_treated(root):
    page = root / "_build" / "html" / "chapters" / "appendix" / "concordance.html"
    assert untreated(page.read_text(encoding="utf-8")) == []


def test_an_open_item_is_untreated():
    row = '<tr id="item-{}"><th>A</th><td>open</td><td class="{}">as it is</td></tr>'
    assert untreated(row.format("A-1", "cited") + row.format("A-2", "open") + row.format("A-3", "checked")) == ["A-2"]


def long_cells(notebook):
    """The first lines of the cells that a reader sees unfolded and that are too long to be followed."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    seen = [cell.source for cell in cells if not {"hide-input", "remove-cell"} & set(cell.metadata.get("tags", ()))]
    return [code.splitlines()[0] for code in seen if len(code.splitlines()) > LINES]


def test_cells_that_are_seen_are_short(notebooks):
    assert {page: found for page, notebook in notebooks.items() if (found := long_cells(notebook))} == {}


def test_a_long_cell_is_seen_unless_it_is_folded():
    tags = [[], ["hide-input"], ["remove-cell"], ["raises-exception"]]
    cells = [new_code_cell("x\n" * 26, metadata={"tags": tag}) for tag in tags]
    assert long_cells(new_notebook(cells=cells)) == ["x", "x"]
    assert long_cells(new_notebook(cells=[new_code_cell("x\n" * 25)])) == []


EXERCISE = "<div class='exercise admonition'></div><div class='solution dropdown admonition'></div>"
SOUND = (
    "<p>See <code>np.exp</code><br></p><pre>np.log</pre><img alt='A path.'><p class='sources'>A</p>"
    + 6 * EXERCISE
    + 2 * "<p>no answer yet</p>"
)


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ("<p>It is np.float64(1.0).</p>", "a NumPy scalar: It is np.float64(1.0)."),
        ("<p id='a'></p><p><img alt='A path.'><b id='a'>x</b></p>", "id 'a' twice"),
        ("<img src='a.png'>", "an image described by None"),
        ("<img src='a.png' alt=' '>", "an image described by ' '"),
        ("<img src='a.png' alt='../_images/a.png'>", "an image described by '../_images/a.png'"),
        ("x" * 2_600_000, "weighs 2.60 MB"),
        ("<p>No sources.</p>", "no line of sources"),
        (SOUND.replace("solution", "hint", 1), "6 exercises and 5 solutions, not six or more of each"),
        (SOUND.replace("exercise", "remark", 1), "5 exercises and 6 solutions, not six or more of each"),
        (SOUND.replace("dropdown", "open"), "6 exercises and 6 solutions, not six or more of each"),
        (SOUND.replace("no answer yet", "right", 1), "invites 1 answers, not two or more"),
    ],
)
def test_each_fault_is_seen(html, fault):
    assert fault in faults(html, chapter=True)


def test_code_may_name_numpy_and_a_sound_page_passes():
    assert faults(SOUND, chapter=True) == []
