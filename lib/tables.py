"""The tables that come with the library: what the book's sources contain, and what was measured once."""

import csv
from importlib import resources
from typing import NamedTuple

import numpy as np

MEASUREMENTS = ("batch_sizes",)


class Source(NamedTuple):
    """One of the five documents that the book mirrors."""

    id: str  #: a letter, A to E
    title: str  #: as the document gives it
    kind: str  #: what it is
    extent: str  #: which of its sections or pages the items come from


class SourceItem(NamedTuple):
    """One equation, theorem, definition, example, figure, table, algorithm or claim of a source."""

    id: str  #: by which the book cites it, such as ``A-2.7``
    document: str  #: the source's letter
    section: str  #: the section or page of the source
    kind: str  #: ``equation``, ``theorem``, ``claim``, and so on
    chapter: str  #: the chapter of the book that owns it
    description: str  #: what it is about, without a judgement


def sources():
    """Return the five documents that the book mirrors, as a list of ``Source``.

    Examples
    --------
    >>> [source.id for source in sources()]
    ['A', 'B', 'C', 'D', 'E']
    """
    return [Source(**row) for row in _rows("sources.csv")]


def source_items():
    """Return what the five documents contain, as a list of ``SourceItem`` in the documents' order.

    Examples
    --------
    >>> next(item.kind for item in source_items() if item.id == "A-2.4")
    'theorem'
    """
    return [SourceItem(**row) for row in _rows("items.csv")]


class Measurements(NamedTuple):
    """What a benchmark measured once, for the book to draw."""

    about: str  #: what was measured
    machine: str  #: on what, with which versions, and when
    columns: dict[str, np.ndarray]  #: the numbers by name, one for each run


def measurements(name):
    """Return a table that comes with the library's data because it takes too long to measure in a chapter.

    Parameters
    ----------
    name : str
        ``"batch_sizes"``: training on Fashion-MNIST with batches of many sizes, by
        ``python -m benchmarks.batch_sizes``.

    Returns
    -------
    Measurements

    Raises
    ------
    ValueError
        If there is no such table.

    Examples
    --------
    >>> table = measurements("batch_sizes")
    >>> table.about
    'Fashion-MNIST, 784-128-128-10 ReLU network, Adam; seconds of training alone'
    >>> sorted(set(table.columns["batch_size"].tolist()))
    [1, 5, 10, 50, 100, 200, 300, 1000, 3000, 6000, 60000]
    """
    if name not in MEASUREMENTS:
        raise ValueError(f"name must be one of {', '.join(map(repr, MEASUREMENTS))}, got {name!r}")
    with _open(f"{name}.csv") as file:
        about, machine = (file.readline().removeprefix("#").strip() for _ in range(2))
        table = np.genfromtxt(file, delimiter=",", names=True, dtype=None)
    return Measurements(about, machine, {column: table[column] for column in table.dtype.names})


def _rows(name):
    """Return the rows of a table that stands with the library's data."""
    with _open(name) as file:
        return list(csv.DictReader(file))


def _open(name):
    """Open a file that stands with the library's data."""
    return resources.files("lib.data").joinpath(name).open(encoding="utf-8", newline="")
