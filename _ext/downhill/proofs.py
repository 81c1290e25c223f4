"""Collects what the checks in the executed notebooks publish, and refuses formulas that nothing proves.

A label ``eq-`` is a claim: a check must name it. A label ``def-`` is a definition or an assumption. A
displayed equation has no other labels, and no check names a label that does not exist.
"""

import os

from sphinx.util import logging

from lib.tables import source_items

logger = logging.getLogger(__name__)
ITEMS = {item.id: item for item in source_items()}


def facts(app):
    """All facts that checks and figures publish, each with the name of its page."""
    return [
        {**output.metadata["downhill"], "page": page}
        for page, notebook in app.notebooks.items()
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "downhill" in output.get("metadata", {})
    ]


def label_figures(app, env):
    """Make ``fig-`` labels, which cells publish while they run, known to Sphinx's references."""
    std = env.get_domain("std")
    for fact in facts(app):
        for label in fact["labels"] if fact["kind"] == "figure" else []:
            std.anonlabels[label] = (fact["page"], label)
            std.labels[label] = (fact["page"], label, "the figure")


def known(items, location):
    """Those items that exist; a warning for each other."""
    for item in items:
        if item not in ITEMS:
            logger.warning(f"the sources have no item {item!r}", location=location)
    return [item for item in items if item in ITEMS]


def check(app, env):
    only = os.environ.get("DOWNHILL_CHAPTER", "")  # then other chapters may have been left unexecuted
    equations = env.get_domain("math").equations
    labels = {*equations, *env.get_domain("std").anonlabels, *getattr(env, "proof_list", {})}
    proved = set()
    for fact in facts(app):
        known(fact.get("items", []), fact["page"])
        proved.update(fact.get("labels", []))
        for label in set(fact.get("labels", [])) - labels:
            logger.warning(f"a check names {label!r}, which is the label of nothing", location=fact["page"])
    for label, (page, _) in equations.items():
        if not label.startswith(("eq-", "def-")):
            logger.warning(f"equation label {label!r} begins with neither eq- nor def-", location=page)
        elif label.startswith("eq-") and label not in proved and page.endswith(only):
            logger.warning(f"no check proves equation {label!r}", location=page)
