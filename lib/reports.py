"""How a check speaks: a line for the reader, and facts that travel with it to the book's appendices."""

from lib.figures import mathematics, publish


def report(kind, says, labels, items):
    """Publish that a check has passed.

    Parameters
    ----------
    kind : str
        Which check: identity, agreement, inequality or counterexample.
    says : str
        What it shows; inline mathematics between dollar signs.
    labels, items : str or list of str or None
        The equations it proves and the source items it settles.
    """
    mark, style = ("✗", "fails") if kind == "counterexample" else ("✓", "holds")
    facts = {
        "kind": kind,
        "says": says,
        "labels": _listed(labels),
        "items": _listed(items),
        "verdict": "checked",
    }
    publish(f'<p class="check {style}">{mathematics(f"{mark} {says}")}</p>', f"{mark} {says}", facts)


def correct(items, labels, *, grade, says, printed, right, why, evidence, reference):
    """Publish an erratum: what a source prints, what is right, why, and the evidence if there are numbers."""
    facts = {
        "kind": "erratum",
        "labels": _listed(labels),
        "items": _listed(items),
        "verdict": "corrected",
        "grade": grade,
        "says": says,
        "printed": printed,
        "right": right,
        "why": why,
        "evidence": evidence,
        "reference": reference,
    }
    name = f"erratum-{facts['items'][0]}"
    publish(f'<aside class="erratum" id="{name}">{erratum_html(facts)}</aside>', erratum_text(facts), facts)


def erratum_html(facts):
    """Return the sentences of an erratum as HTML, for its chapter and for the list of all errata."""
    about = f"{facts['says']}: the" if facts["says"] else "The"
    return (
        f'<p class="grade">Erratum · {facts["grade"]}</p>'
        f"<p>{mathematics(about)} document prints {mathematics(facts['printed'])}. "
        f"Right: {mathematics(facts['right'])}.</p><p>{mathematics(_reasons(facts))}</p>"
    )


def erratum_text(facts):
    """Return an erratum as plain text."""
    head = f"erratum {', '.join(facts['items'])} ({facts['grade']}): "
    head += f"printed {facts['printed']}, right {facts['right']}"
    return f"{head}. {_reasons(facts)}"


def _reasons(facts):
    reference = f"See {facts['reference']}." if facts.get("reference") else None
    return " ".join(filter(None, [_sentence(facts["why"]), facts["evidence"], reference]))


def remark(line, style, exercise):
    """Publish what a reader's answer to an exercise is worth."""
    facts = {"kind": "attempt", "labels": [exercise]}
    publish(f'<p class="check {style}">{mathematics(line)}</p>', line, facts)


def _listed(names):
    return [names] if isinstance(names, str) else list(names or [])


def _sentence(text):
    """The text with a capital and a full stop, unless it begins with a symbol such as x."""
    symbol = text[1:2] in ("", " ") and text[0] not in "aA"
    return f"{text[0] if symbol else text[0].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"
