"""What checks and errata tell the reader, and the facts that travel with it."""

import pytest

from lib.reports import correct, erratum_html, erratum_text, remark, report

ERRATUM = {
    "grade": "wrong",
    "says": "the step",
    "printed": "$x < 1$",
    "right": "“always <b>”",
    "why": "a sign was lost",
    "evidence": "The claim needs 3 < 2, which is false.",
    "reference": "Nesterov (1983)",
}


@pytest.mark.parametrize(
    ("kind", "mark", "style"), [("identity", "✓", "holds"), ("counterexample", "✗", "fails")]
)
def test_report(published, kind, mark, style):
    report(kind, "$a<b$ & <i>", "eq-one", ["X-1", "X-2"])
    ((bundle, facts),) = published
    assert bundle["text/plain"] == f"{mark} $a<b$ & <i>"
    math = r'<span class="tex2jax_process">\(a&lt;b\)</span>'
    assert bundle["text/html"] == f'<p class="check {style}">{mark} {math} &amp; &lt;i&gt;</p>'
    assert facts == {
        "kind": kind,
        "says": "$a<b$ & <i>",
        "labels": ["eq-one"],
        "items": ["X-1", "X-2"],
        "verdict": "checked",
    }


def test_report_without_labels(published):
    report("agreement", "so", None, None)
    assert published[0][1]["labels"] == published[0][1]["items"] == []


def test_correct(published):
    correct("X-1", ["eq-one"], **ERRATUM)
    ((bundle, facts),) = published
    assert facts == ERRATUM | {
        "kind": "erratum",
        "labels": ["eq-one"],
        "items": ["X-1"],
        "verdict": "corrected",
    }
    assert bundle["text/html"] == f'<aside class="erratum" id="erratum-X-1">{erratum_html(facts)}</aside>'
    assert bundle["text/plain"] == erratum_text(facts)


def test_erratum_html():
    html = erratum_html(ERRATUM)
    assert "Erratum · wrong" in html
    assert r"the step: the document prints <span class=" in html
    assert r"\(x &lt; 1\)</span>. Right: “always &lt;b&gt;”.</p>" in html
    assert "<p>A sign was lost. The claim needs 3 &lt; 2, which is false. See Nesterov (1983).</p>" in html
    plain = erratum_html(ERRATUM | {"says": None, "evidence": None, "reference": None})
    assert "<p>The document prints" in plain
    assert plain.endswith("<p>A sign was lost.</p>")


@pytest.mark.parametrize(
    ("why", "written"),
    [
        ("the sign", "The sign."),
        ("The sign.", "The sign."),
        ("x is negative", "x is negative."),
        ("a sign", "A sign."),
        ("$x$ is", "$x$ is."),
        ("n", "n."),
    ],
)
def test_erratum_text(why, written):
    facts = ERRATUM | {"items": ["X-1", "X-2"], "why": why}
    assert erratum_text(facts) == (
        f"erratum X-1, X-2 (wrong): printed $x < 1$, right “always <b>”. {written} "
        f"{ERRATUM['evidence']} See Nesterov (1983)."
    )


def test_remark(published):
    remark("not yet: <x>", "waits", "ex-one")
    assert published == [
        (
            {"text/html": '<p class="check waits">not yet: &lt;x&gt;</p>', "text/plain": "not yet: <x>"},
            {"kind": "attempt", "labels": ["ex-one"]},
        )
    ]
