"""What the tests of the built book share: the option that accepts what is printed, and the notebooks."""

from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[2]
EXECUTED = ROOT / "_build" / "jupyter_execute"


def pytest_addoption(parser):
    parser.addoption("--accept", action="store_true", help="keep what the notebooks print now")


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def notebooks():
    """The executed notebooks of the book, by page: ``index``, ``chapters/descent/momentum``."""
    if not (ROOT / "_build" / "html" / "index.html").exists():
        pytest.exit("there is no built book in _build: run make book first", returncode=2)
    return {
        path.relative_to(EXECUTED).with_suffix("").as_posix(): nbformat.read(path, as_version=4)
        for path in sorted(EXECUTED.rglob("*.ipynb"))
    }
