"""Guards against notebooks without results, which a second run would confirm without running anything."""

import pytest
import yaml
from nbformat.v4 import new_code_cell, new_notebook, new_output


def faults(notebook):
    """What shows that a notebook was not executed whole, or not without trouble."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    outputs = [output for cell in cells for output in cell.outputs]
    found = [f"not executed: {cell.source}" for cell in cells if not cell.execution_count]
    found += [f"{output.ename}: {output.evalue}" for output in outputs if output.output_type == "error"]
    found += [f"stderr: {output.text}" for output in outputs if output.get("name") == "stderr"]
    return found if outputs else [*found, "no outputs"]


def notebook_pages(root):
    """The pages in the table of contents whose front matter makes them notebooks."""
    contents = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    chapters = [chapter["file"] for part in contents["parts"] for chapter in part["chapters"]]
    pages = [contents["root"], *chapters]
    return {
        page for page in pages if "format_name: myst" in (root / f"{page}.md").read_text(encoding="utf-8")
    }


def test_every_notebook_of_the_contents_is_there_and_no_other(notebooks, root):
    assert set(notebooks) == notebook_pages(root)


def test_every_notebook_was_executed_without_trouble(notebooks):
    assert {page: found for page, notebook in notebooks.items() if (found := faults(notebook))} == {}


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        (new_code_cell("x"), "not executed: x"),
        (new_code_cell("x", execution_count=1), "no outputs"),
        (
            new_code_cell("x", execution_count=1, outputs=[new_output("error", ename="E", evalue="no")]),
            "E: no",
        ),
        (
            new_code_cell("x", execution_count=1, outputs=[new_output("stream", name="stderr", text="w")]),
            "stderr: w",
        ),
    ],
)
def test_the_guard_sees_each_fault(cell, fault):
    assert fault in faults(new_notebook(cells=[cell]))


def test_the_guard_lets_a_sound_notebook_pass():
    output = new_output("stream", name="stdout", text="1\n")
    assert faults(new_notebook(cells=[new_code_cell("x", execution_count=1, outputs=[output])])) == []
