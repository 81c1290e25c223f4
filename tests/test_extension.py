"""Tests of the Sphinx extension: small books are built, one sound and one with every fault."""

import gc
import io
import re
import shutil
import sys
import warnings
import zipfile
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from unittest import mock

import nbformat
import pytest
from jupyter_cache import get_cache
from nbformat.v4 import new_code_cell, new_notebook
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import docutils_namespace

from lib.tables import source_items

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "_ext"))

from downhill.execution import code, key, modules  # noqa: E402

CONF = """
extensions = ["sphinx_togglebutton", "myst_nb", "sphinx_thebe", "sphinx_exercise", "sphinx_proof", "downhill"]
html_theme = "sphinx_book_theme"
html_context = {"default_mode": "auto"}
myst_enable_extensions = ["dollarmath"]
nb_execution_mode = "cache"
nb_execution_timeout = 60
nb_output_stderr = "error"
nitpicky = True
exclude_patterns = ["_build", "README.md"]
thebe_config = {}
"""
NOTEBOOK = """---
jupytext: {text_representation: {format_name: myst}}
kernelspec: {display_name: Python 3, name: python3}
---

"""
LIB = {
    "__init__": "",
    "data/__init__": "",
    "check": '''
from IPython.display import display


def publish(html="<p>✓</p>", **facts):
    """Publish facts as the checks of the book do."""
    facts = {"kind": "identity", "labels": [], "items": [], **facts}
    display({"text/html": html, "text/plain": "✓"}, raw=True, metadata={"downhill": facts})
''',
    "used": '''"""Scales."""
from . import deep


def f(x):
    """Scale."""
    return deep.FACTOR * x
''',
    "deep": "FACTOR = 2\n",
    "unused": "NUMBER = 1\n",
}
LIMITS = """# Limits

## Definition

A limit {source}`A-def-2.1, A-2.1` and {source}`A-2.2`, with $1 < 2$.

$$ 1 + 1 = 2 $$ (eq-limits-sum)

$$ x := 1 $$ (def-limits-x)

See {ref}`fig-limits-one`, {ref}`the other <fig-limits-two>`, {eq}`eq-limits-sum`.

### Deeper

```{sources}
A-2.4, A-fn-4
A-2.1
```

```{code-cell} ipython3
import os, sys
from lib.check import publish

print("build", os.environ["DOWNHILL_BUILD"], "by", sys.executable)
publish(verdict="checked", labels=["eq-limits-sum", "thm-limits-one"], items=["A-2.1", "A-2.2", "A-2.3"])
for name in ("one", "two"):
    publish(f'<figure id="fig-limits-{name}"></figure>', kind="figure", labels=[f"fig-limits-{name}"])
words = dict(grade="slip", says=None, printed="$1$", right="$2$", why="it is so", evidence=None)
publish('<aside id="erratum-A-2.2"></aside>', kind="erratum", verdict="corrected", items=["A-2.2"], **words)
publish(kind="attempt", labels=["ex-limits-one"])
```

## Theorems

```{prf:theorem} One
:label: thm-limits-one
A theorem.
```

```{prf:proof}
Its proof.
```

```{prf:proof}
Another.
```

```{exercise}
:label: ex-limits-one
Do it.
```

```{solution} ex-limits-one
:class: dropdown
Done.
```

```{exercise-start}
:label: ex-limits-two
```
Compute.
```{exercise-end}
```

```{solution-start} ex-limits-two
:class: dropdown
```
```{code-cell} ipython3
print("solved")
```
```{solution-end}
```
"""
DERIVATIVES = """# Derivatives

## Of something

Told here too {source}`A-2.3`, and {source}`A-2.12`.

```{code-cell} ipython3
from lib.used import f

print("twice three is", f(3))
```
"""
LISTS = """# {0}

```{{{0}}} A
```

```{{{0}}} B
```
"""


def make_book(root, pages):
    """Write a book and its library. Pages with cells are those whose text has some."""
    for name, text in LIB.items():
        path = root / "lib" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "lib/data/table.csv").write_text("1\n")
    (root / "requirements.lock").write_text("numpy==2\n")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, root)
    (root / "conf.py").write_text(CONF)
    (root / "index.md").write_text("# Book\n\n```{toctree}\n" + "\n".join(pages) + "\n```\n")
    for name, text in pages.items():
        path = root / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(NOTEBOOK + text if "{code-cell}" in text else text)
    return root


def build(root, chapter=None, **environment):
    """Build with warnings as errors; return the pages executed, those read, the warnings and the status."""
    said, warned = io.StringIO(), io.StringIO()
    environment |= {"DOWNHILL_CHAPTER": chapter} if chapter else {}
    folders = (root, root, root / "_build/html", root / "_build/.doctrees")
    with (
        mock.patch.dict("os.environ", environment),
        warnings.catch_warnings(),
        docutils_namespace(),
    ):
        warnings.simplefilter("ignore")
        app = Sphinx(*folders, "html", status=said, warning=warned, warningiserror=True, keep_going=True)
        app.build()
        gc.collect()  # nbclient leaves event loops open
    said, warned = (re.sub(r"\x1b\[[\d;]*m", "", stream.getvalue()) for stream in (said, warned))
    executed = set(re.findall(r"executed (\S+) in \d", said))
    read = set(re.findall(r"reading sources\.\.\. \[ *\d+%\] (\S+)", said))
    return executed, read, warned, app.statuscode


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """A sound book, built twice: with one chapter only, then whole, where another Jupyter is in the way."""
    pages = {
        "chapters/calculus/limits": LIMITS,
        "chapters/calculus/derivatives": DERIVATIVES,
        "chapters/appendix/concordance": LISTS.format("concordance") + "\n```{concordance}\n```\n",
        "chapters/appendix/errata": LISTS.format("errata"),
    }
    root = make_book(tmp_path_factory.mktemp("book"), pages)
    executed, _, _, _ = build(root, chapter="calculus/derivatives")
    assert executed == {"chapters/calculus/derivatives"}
    other = root.with_name("jupyter") / "kernels" / "python3"
    other.mkdir(parents=True)
    (other / "kernel.json").write_text('{"argv": ["/bin/false"], "display_name": "x", "language": "python"}')
    executed, read, warned, status = build(root, JUPYTER_PATH=str(other.parents[1]))
    assert (executed, warned, status) == ({"chapters/calculus/limits"}, "", 0)
    assert "chapters/calculus/limits" in read
    return root


def html(book, page):
    return (book / "_build/html" / f"{page}.html").read_text(encoding="utf-8")


def notebook(book, page, folder="jupyter_execute"):
    return nbformat.read(book / "_build" / folder / f"{page}.ipynb", as_version=4)


def printed(notebook):
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "".join(output.text for output in outputs if output.output_type == "stream")


class Tags(HTMLParser):
    """All start tags of a page, as (tag, attributes)."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_kernels_are_of_this_environment_and_know_that_they_build(book):
    assert f"build 1 by {sys.executable}" in printed(notebook(book, "chapters/calculus/limits"))


def test_section_ends_with_links_to_its_sources(book):
    page = html(book, "chapters/calculus/limits")
    (line,) = re.findall(r'<p class="sources">.*?</p>', page)
    assert re.sub("<.*?>", "", line) == "Sources: A-def-2.1, A-2.1, A-2.2, A-2.4, A-fn-4"
    assert 'href="../appendix/concordance.html#item-A-2.4"' in line
    section = page[page.index('id="definition"') : page.index('id="theorems"')]
    assert section.index("Deeper") < section.index(line)
    assert 'id="item-A-2.4"' in html(book, "chapters/appendix/concordance")


def test_role_is_a_link_with_the_description_of_its_item(book):
    (mark,) = re.findall(
        r'<sup class="source">(?:(?!</sup>).)*A-2.2.*?</sup>', html(book, "chapters/calculus/limits")
    )
    description = next(item.description for item in source_items() if item.id == "A-2.2")
    assert f'title="{escape(description)}"' in mark


@pytest.mark.parametrize(
    ("item", "verdict", "where"),
    [
        ("A-def-2.1", "cited", ["Definition"]),
        ("A-2.1", "checked", ["Definition"]),  # cited twice in one section, listed once
        ("A-2.2", "corrected", ["Definition"]),  # checked too
        ("A-2.3", "open", ["Of something"]),  # checked, and cited, but not by the chapter that owns it
        ("A-2.12", "cited", ["Of something"]),
        ("A-2.13", "open", []),
    ],
)
def test_concordance_gives_verdict_and_places(book, item, verdict, where):
    page = html(book, "chapters/appendix/concordance")
    (row,) = re.findall(rf'<tr id="item-{re.escape(item)}">.*?</tr>', page)
    assert f'<td class="{verdict}">{verdict}</td>' in row
    assert re.findall(r'<a href="\.\./calculus/[^"]*"[^>]*>(.*?)</a>', row) == where


def test_concordance_counts(book):
    page, items = html(book, "chapters/appendix/concordance"), source_items()
    of_a = sum(item.document == "A" for item in items)
    treated = "1 corrected, 1 checked, 4 cited"
    assert f"<p>{of_a} items: {treated}, {of_a - 6} open.</p>" in page
    assert f"<p>{len(items)} items: {treated}, {len(items) - 6} open.</p>" in page


def test_errata_are_listed_by_document_with_a_link_to_each(book):
    page = html(book, "chapters/appendix/errata")
    assert "<p>1 found so far.</p>" in page
    assert "<p>None found so far.</p>" in page
    assert '<a href="../calculus/limits.html#erratum-A-2.2" title="">Limits</a>' in page
    assert r"\(2\)" in page
    assert "tex-svg.js" in page  # though Sphinx sees no mathematics there


def test_figures_are_targets_of_references(book):
    page = html(book, "chapters/calculus/limits")
    assert re.search(r'href="#fig-limits-one"><span class="std std-ref">the figure</span>', page)
    assert re.search(r'href="#fig-limits-two"><span class="std std-ref">the other</span>', page)


def test_ids_are_unique_and_solutions_still_collapse(book):
    for page in (book / "_build/html").rglob("*.html"):
        ids = [attributes["id"] for _, attributes in Tags(page.read_text()).found if "id" in attributes]
        assert sorted(ids) == sorted(set(ids)), page
    tags = Tags(html(book, "chapters/calculus/limits")).found
    solutions = [attributes for _, attributes in tags if "solution" in attributes.get("class", "").split()]
    assert len(solutions) == 2
    assert all("dropdown" in attributes["class"] for attributes in solutions)
    styles = "".join(path.read_text() for path in (book / "_build/html/_static").glob("*.css"))
    assert not re.search(r"#(proof|exercise|solution)-content", styles)


def test_nothing_comes_from_another_host(book):
    for page in (book / "_build/html").rglob("*.html"):
        tags = Tags(page.read_text()).found
        assert (
            any("tex-svg.js" in attributes.get("src", "") for _, attributes in tags) or "webpack" in page.name
        )
        for tag, attributes in tags:
            place = attributes.get("src", "") if tag != "link" else attributes.get("href", "")
            assert tag not in ("script", "link", "img") or not re.match(r"(https?:)?//", place), (page, place)
        assert "thebe" not in "".join(re.findall(r"(?s)<(?:script.*?</script|link.*?)>", page.read_text()))
    assert (book / "_build/html/_static/tex-svg.js").stat().st_size > 1e6


def test_executed_notebook_and_wheel_are_offered(book):
    folder, page = book / "_build/html/chapters/calculus", html(book, "chapters/calculus/limits")
    aside = page[page.index('<aside class="run">') :]
    offered = [(folder / place).resolve() for place in re.findall(r'href="([^"]*)" download', aside)]
    notebook, wheel = offered
    assert printed(nbformat.read(notebook, as_version=4)).endswith("solved\n")
    assert {"lib/used.py", "lib/data/table.csv"} <= set(zipfile.ZipFile(wheel).namelist())
    assert wheel.name in aside[: aside.index("</aside>")].split("</p>")[1]
    assert 'href="../../_sources/chapters/calculus/limits.ipynb"' in page.replace(aside, "")  # by the theme
    assert '<aside class="run">' not in html(book, "index")


def test_build_leaves_nothing_outside_its_folder(book):
    kept = {"conf.py", "index.md", "chapters", "lib", "pyproject.toml", "README.md", "LICENSE"}
    assert {path.name for path in book.iterdir()} == kept | {"requirements.lock", "_build"}


def change(book, path, old, new):
    text = (book / path).read_text()
    assert old in text
    (book / path).write_text(text.replace(old, new))


BOTH = {"chapters/calculus/limits", "chapters/calculus/derivatives"}


def test_second_build_executes_nothing_and_keeps_outputs(book):
    executed, read, _, status = build(book)
    assert (executed, read, status) == (set(), set(), 0)
    assert "twice three is" in printed(notebook(book, "chapters/calculus/derivatives"))
    assert "twice three is" in printed(notebook(book, "chapters/calculus/derivatives", "html/_sources"))


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("chapters/calculus/derivatives.md", "Told here", "Said here"),
        ("lib/used.py", '"""Scale."""', '"""Multiply."""  # a comment'),
        ("lib/unused.py", "1", "2"),
    ],
)
def test_prose_docstrings_and_unused_modules_execute_nothing(book, path, old, new):
    change(book, path, old, new)
    executed, read, _, status = build(book)
    assert (executed, status) == (set(), 0)
    assert read == ({path.removesuffix(".md")} if path.endswith(".md") else set())
    assert "twice three is" in printed(notebook(book, "chapters/calculus/derivatives"))


def shown(book):
    """What the page of the chapter on derivatives shows that it has computed."""
    number = re.search(r"twice three is ([\d.]+)", html(book, "chapters/calculus/derivatives"))
    return number and float(number[1])


def test_module_used_indirectly_executes_its_chapters_and_the_page_is_read_again(book):
    before = shown(book)
    change(book, "lib/deep.py", "FACTOR = ", "FACTOR = 2 * ")
    executed, read, _, status = build(book)
    assert executed == read == {"chapters/calculus/derivatives"}
    assert shown(book) == 2 * before
    assert status == 0


def test_page_is_read_again_even_if_the_build_that_executed_it_broke_off(book):
    before = shown(book)
    change(book, "lib/deep.py", "FACTOR = ", "FACTOR = 2 * ")
    broken = mock.patch("sphinx.builders.Builder._read_serial", side_effect=KeyboardInterrupt)
    with broken, pytest.raises(KeyboardInterrupt):
        build(book)
    executed, read, _, _ = build(book)
    assert (executed, read) == (set(), {"chapters/calculus/derivatives"})
    assert shown(book) == 2 * before


@pytest.mark.parametrize(
    ("path", "old", "new"), [("lib/data/table.csv", "1", "2"), ("requirements.lock", "2", "3")]
)
def test_data_and_pins_execute_everything(book, path, old, new):
    change(book, path, old, new)
    assert build(book)[0] == BOTH


def test_one_chapter_leaves_the_others_to_the_next_build(book):
    change(book, "requirements.lock", "numpy", "scipy")
    change(book, "chapters/calculus/derivatives.md", "and", "or")
    assert build(book, chapter="calculus/limits")[0] == {"chapters/calculus/limits"}
    assert shown(book) is None
    executed, read, _, status = build(book)
    assert (executed, read, status) == (
        {"chapters/calculus/derivatives"},
        {"chapters/calculus/derivatives"},
        0,
    )
    assert shown(book)


def test_unknown_chapter_is_refused(book):
    with pytest.raises(
        ExtensionError, match=r"chapters/calculus/limit is none of .*chapters/calculus/limits"
    ):
        build(book, chapter="calculus/limit")


FAULTS = """# Limits

Too early {source}`A-2.1`.

## Section

Unknown {source}`A-none`, {ref}`fig-limits-none`.

```{sources}
A-nothing
```

$$ 1 + 1 = 3 $$ (eq-limits-unproved)

$$ 1 + 1 = 2 $$ (limits-sum)

$$ x := 1 $$ (def-limits-x)

```{code-cell} ipython3
from lib.check import publish
publish(verdict="checked", labels=["eq-limits-none"], items=["A-nowhere"])
```
"""


@pytest.fixture(scope="module")
def faults(tmp_path_factory):
    root = make_book(tmp_path_factory.mktemp("faults"), {"chapters/calculus/limits": FAULTS})
    _, _, warned, status = build(root)
    assert status == 1
    return [line for line in warned.splitlines() if "WARNING" in line]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (None, "A-2.1 is cited outside any section"),
        (12, "the sources have no item 'A-none'"),
        (12, "undefined label: 'fig-limits-none'"),
        (14, "the sources have no item 'A-nothing'"),
        (None, "no check proves equation 'eq-limits-unproved'"),
        (None, "equation label 'limits-sum' begins with neither eq- nor def-"),
        (None, "a check names 'eq-limits-none', which is the label of nothing"),
        (None, "the sources have no item 'A-nowhere'"),
    ],
)
def test_fault_fails_the_build_where_it_is(faults, line, says):
    (warning,) = [warning for warning in faults if says in warning]
    assert re.search(rf"chapters/calculus/limits\.md:{line or ''}", warning)


def test_no_other_fault_is_seen(faults):
    assert len(faults) == 8, faults


def test_failing_cells_fail_the_build_with_page_and_traceback(tmp_path):
    cell = "# {0}\n\n```{{code-cell}} ipython3\n{1}\n```\n"
    pages = {"chapters/bad": cell.format("Bad", "1 / 0"), "chapters/good": cell.format("Good", "1 + 1")}
    make_book(tmp_path, pages)
    with pytest.raises(ExtensionError, match=r"(?s)chapters/bad:\n.*1 / 0.*ZeroDivisionError") as error:
        build(tmp_path)
    assert "chapters/good" not in str(error.value)
    change(tmp_path, "chapters/bad.md", "1 / 0", "1 +")
    with pytest.raises(ExtensionError, match=r"chapters/bad: a cell is not Python: invalid syntax: 1 \+"):
        build(tmp_path)
    change(tmp_path, "chapters/bad.md", "1 +", "0 / 1")
    assert build(tmp_path)[0] == {"chapters/bad"}  # what was good has been kept


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("from lib import a, b as c", {"a", "b"}),
        ("from lib.a import b", {"a"}),
        ("import lib.a as y, lib.b", {"a", "b"}),
        ("from . import a", {"a"}),
        ("from .a import b", {"a"}),
        ("def f():\n    from lib.a import b", {"a"}),
        ("%matplotlib inline\n!ls\nimport lib.a", {"a"}),
        ("%%time\nimport lib.a", {"a"}),
        ("import library, numpy.lib\nfrom numpy import lib\nfrom lib.data import a", set()),
    ],
)
def test_modules(source, names):
    assert modules(source) == names


def test_code_ignores_docstrings_comments_and_layout_only():
    source = '"""Module."""\nclass A:\n  """Class."""\n  def f(self):\n    """Function."""\n    return 1\n'
    bare = "class A:\n\n    def f(self): return (1)  # one\n"
    assert code(source) == code(bare)
    assert code(bare) != code(bare.replace("1)", "2)"))
    assert code("x = 'a'") != code("x = 'b'")
    assert code("def f(): 1; 'not a docstring'") != code("def f(): 1")


def test_key_changes_with_cells_code_data_and_pins_only(tmp_path):
    root = make_book(tmp_path / "book", {})
    cache = get_cache(tmp_path / "cache")

    def now(source="import lib.used"):
        return key("page", new_notebook(cells=[new_code_cell(source)]), cache, root)

    first = now()
    change(root, "lib/used.py", '"""Scale."""', '"""Multiply."""')
    change(root, "lib/unused.py", "1", "2")
    assert now() == first
    assert now("import lib.used  # again") != first
    for path, old, new in [
        ("lib/deep.py", "2", "3"),
        ("lib/data/table.csv", "1", "2"),
        ("requirements.lock", "2", "3"),
    ]:
        before = now()
        change(root, path, old, new)
        assert now() != before
