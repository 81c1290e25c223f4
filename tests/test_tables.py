"""The tables that come with the library are whole, and say where they come from."""

import re
from collections import Counter

import pytest

from lib import tables

BATCH_SIZES = 1, 5, 10, 50, 100, 200, 300, 1000, 3000, 6000, 60000
CHAPTERS = {
    "limits",
    "derivatives",
    "gradients",
    "convexity",
    "newton",
    "lagrange-multipliers",
    "linear-programming",
    "flows-and-games",
    "learning",
    "gradient-descent",
    "momentum",
    "stochastic-gradient-descent",
    "fractals",
    "kaczmarz",
    "adaptive-methods",
    "neural-networks",
    "backpropagation",
    "convolutional-networks",
    "hyperparameters",
    "beyond",
}
KINDS = {
    "algorithm",
    "citation",
    "claim",
    "definition",
    "equation",
    "example",
    "exercise",
    "figure",
    "history",
    "lemma",
    "proof",
    "software",
    "table",
    "theorem",
}


def test_items_are_named_once_and_owned_by_a_chapter():
    items = tables.source_items()
    assert [name for name, times in Counter(item.id for item in items).items() if times > 1] == []
    assert {item.document for item in items} == {source.id for source in tables.sources()}
    assert {item.chapter for item in items} == CHAPTERS
    assert {item.kind for item in items} == KINDS
    for item in items:
        assert item.id.startswith(f"{item.document}-"), item
        assert all(field and field == field.strip() for field in item), item


def test_items_are_complete():
    counts = Counter(item.document for item in tables.source_items())
    assert counts == {"A": 151, "B": 422, "C": 47, "D": 53, "E": 55}


def test_sources_have_a_title_a_kind_and_an_extent():
    found = tables.sources()
    assert [source.id for source in found] == list("ABCDE")
    assert found[3].title == "Gradient based optimization"
    assert all(field and field == field.strip() for source in found for field in source)


def test_batch_sizes_have_three_runs_each_and_say_where_they_ran():
    about, machine, columns = tables.measurements("batch_sizes")
    assert about.startswith("Fashion-MNIST")
    assert re.search(r"cores\), .*numpy \d.*begun on \d{4}-\d\d-\d\d$", machine)
    runs = Counter(zip(*(columns[name].tolist() for name in ("batch_size", "rate", "seed")), strict=True))
    kinds = [(size, 0.001) for size in BATCH_SIZES] + [(1, 0.0001)]
    assert runs == {(*kind, seed): 1 for kind in kinds for seed in range(3)}
    assert set(columns["epochs"]) == {10}
    assert (columns["test_accuracy"] > 0.1).all()
    assert (columns["test_accuracy"] < 1).all()
    assert (columns["seconds"] > 0).all()


def test_unknown_measurements_are_named():
    with pytest.raises(ValueError, match="name must be one of 'batch_sizes', got 'sizes'"):
        tables.measurements("sizes")
