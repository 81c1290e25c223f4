"""Checks pass on truths, fail on falsehoods with both sides, and turn down what proves nothing."""

import ast
import re

import numpy as np
import pytest
import sympy as sp
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from lib.verify import (
    CheckFailed,
    agreement,
    attempt,
    counterexample,
    erratum,
    identity,
    inequality,
    number,
)

pytestmark = pytest.mark.usefixtures("published")
x, y = sp.symbols("x y", real=True)


def text(published):
    return published[-1][0]["text/plain"]


def test_identity(published):
    identity(sp.diff(x**2, x), 2 * x, says="the slope", proves="eq-slope", source=["X-1", "X-2"])
    ((bundle, facts),) = published
    assert bundle["text/plain"] == "✓ the slope"
    assert facts["labels"] == ["eq-slope"]
    assert facts["items"] == ["X-1", "X-2"]
    assert facts["verdict"] == "checked"


def test_identity_of_matrices():
    gradient = sp.Matrix([x**2 * y]).jacobian([x, y])
    identity(gradient, [[2 * x * y, x**2]], says="gradient")
    with pytest.raises(CheckFailed, match=r"shape, \(1, 2\) and \(2, 1\)"):
        identity(gradient, [2 * x * y, x**2], says="gradient")
    with pytest.raises(CheckFailed, match="gradient: fails"):
        identity(gradient, [[2 * x * y, x]], says="gradient")


def test_identity_shows_both_sides_and_their_difference(published):
    with pytest.raises(CheckFailed) as error:
        identity(sp.diff(x**3, x), 2 * x**2, says="the cube")
    left, right, difference = ("3*x**2", "2*x**2", "x**2")
    assert re.fullmatch(
        rf"the cube: fails\s+left: +{re.escape(left)}\s+right: +{re.escape(right)}\s+"
        rf"difference: {re.escape(difference)}",
        str(error.value),
    )
    assert published == []


def test_identity_with_a_term_that_cannot_be_told_apart():
    hidden = sp.Mul(5, sp.sin(y) ** 2 + sp.cos(y) ** 2 - 1, evaluate=False)
    with pytest.raises(CheckFailed, match="passes with a wrong sign of"):
        identity(sp.diff(x**2 / 2, x), sp.Add(x, hidden, evaluate=False), says="x")


def test_zero_claims():
    identity(sp.diff(sp.Integer(5), x), 0, says="constants")
    agreement(np.zeros(3), 0, says="zero")
    with pytest.raises(CheckFailed, match="too"):
        agreement(np.zeros(3), 0, says="zero", tolerance=1)


SETUP = "import sympy as sp, numpy as np\nfrom lib.verify import *\nx = sp.Symbol('x')\n"
REPEATED = [
    "identity(x**2, (x ** 2), says='a')",
    "identity(derived=x**2, claimed=x**2, says='a')",
    "identity(x**2, claimed=x**2, says='a')",
    "u = x**2\nidentity(u, u, says='a')",
    "u = x**2\nv = x**2\nidentity(u, v, says='a')",
    "u = x**2\nv = u\nw = v\nidentity(w, u, says='a')",
    "agreement(np.sin(1), np.sin(1), says='a')",
    "agreement(computed=2.0, claimed=2.0, says='a')",
    "inequality(x, '<=', x, says='a')",
    "counterexample(2, '<', 2, says='a')",
    "erratum(source='X', printed=x, right=2*x, truth=2*x, why='no', grade='slip')",
]
DERIVED = [
    "u = sp.diff(x**3 / 3, x)\nv = sp.integrate(2 * x, x)\nidentity(u, v, says='a')",
    "u = sp.diff(x**2, x)\nv = sp.diff(x**2, x)\nidentity(u, v, says='a')",
    "a = 0\nb = 0\nfor i in range(9): a += i\nfor i in range(9): b += 8 - i\nagreement(a, b, says='a')",
    "a = []\nb = []\na.append(1)\nb.append(1)\nagreement(a, b, says='a')",
    "w = 4.0\na = w / 2\nw = 2.0\nb = w / 2 + 1\nw = 4.0\nagreement(a, b, says='a')",
    "w = 3.0\na = w**2 - 2*w\nw = 3.0 - 4.0\nb = w**2 - 2*w\nagreement(a, b, says='a')",
    "a = np.ones(2)\nb = np.ones(2)\na[0] = b[0] = 7\nagreement(a, b, says='a')",
]


@pytest.fixture
def shell():
    return InteractiveShell.instance()


@pytest.mark.parametrize("where", ["cell", "function"])
@pytest.mark.parametrize("code", REPEATED)
def test_repetition_is_refused(shell, code, where):
    with pytest.raises(CheckFailed, match="both sides are the same expression"):
        run(shell, code, where)


@pytest.mark.parametrize("where", ["cell", "function"])
@pytest.mark.parametrize("code", DERIVED)
def test_results_that_agree_are_not_refused(shell, code, where):
    run(shell, code, where)


def run(shell, code, where):
    if where == "function":
        code = "def check():\n    " + code.replace("\n", "\n    ") + "\ncheck()"
    shell.run_cell(SETUP).raise_error()
    result = shell.run_cell(code, silent=True)
    error = result.error_in_exec or result.error_before_exec
    if error:
        raise error


def test_repetition_is_refused_in_a_file():
    first = x**2
    second = x**2
    with pytest.raises(CheckFailed, match=r"same expression, x \*\* 2"):
        identity(first, second, says="a")


def test_agreement(published):
    agreement(np.sin([0.1, 0.2]), [0.1, 0.2], says="small angles", tolerance=0.01, proves="eq-a")
    agreement([sp.sqrt(2), 1.5 - 0.5], [2**0.5, 1], says="exact numbers")
    agreement(np.full(3, 2.0), np.float32(2), says="one number")
    assert [facts["kind"] for _, facts in published] == ["agreement"] * 3


@pytest.mark.parametrize(
    ("computed", "claimed", "tolerance", "message"),
    [
        (1.0, 1.1, 1e-9, r"left: +1.0\s+right: +1.1\s+difference: 0.1"),
        ([1.0, 2.0], [1.0, 2.1], 1e-3, "difference: 0.1"),
        (1.0, 1.001, 0.6, "with tolerance 0.6 the check passes with a wrong term too"),
        (1.0, 1.001, 5, "the check passes with"),
        (np.nan, 1.0, 1, "computed must be finite"),
        (1.0, np.inf, 1, "claimed must be finite"),
        ([], 1.0, 1, "computed must be finite"),
        (1 + 2j, 1.0, 1e-9, "computed must be real numbers"),
        ([1.0, 2.0], np.array([1, 2 + 1j]), 1e-9, "claimed must be real numbers"),
        ([1, 2, 3], [1, 2], 1e-9, "cannot agree"),
        ([[1], [2]], [1, 2], 1e-9, "cannot agree"),
    ],
)
def test_agreement_fails(computed, claimed, tolerance, message):
    with pytest.raises(CheckFailed, match=message):
        agreement(computed, claimed, says="a", tolerance=tolerance)


def test_agreement_rejects_bad_tolerances():
    with pytest.raises(ValueError, match="tolerance must be finite and >= 0, got -1"):
        agreement(1.0, 1, says="a", tolerance=-1)


grid = np.linspace(-1, 1, 9)


@pytest.mark.parametrize(
    ("left", "relation", "right"),
    [
        (np.sin(abs(grid)), "<=", abs(grid)),
        (np.sin(abs(grid[5:])), "<", abs(grid[5:])),
        (np.exp(grid), ">=", 1 + grid),
        (np.exp(grid[5:]), ">", 1 + grid[5:]),
        (-1.2, "<=", -1.0),
        (-0.8, ">=", -1.0),
        (grid**2, ">=", 0),
        (grid**2 + 1, ">", 0),
        (-(grid**2), "<=", 0),
        (0, "<=", 0.0),
        (1 / 3 + 1e-16, "<=", 1 / 3),
    ],
)
def test_inequality(published, left, relation, right):
    inequality(left, relation, right, says="a bound")
    assert text(published) == "✓ a bound"


@pytest.mark.parametrize(
    ("left", "relation", "right", "message"),
    [
        ([0, 3, 1], "<=", [1, 1, 2], r"at index \(1,\): fails\s+left: +3.0\s+right: +1.0\s+difference: 2"),
        ([0, -3, 1], ">", -2, r"at index \(1,\)"),
        (1.0, "<", 1.00, "fails"),
        (0, ">", 0.0, "fails"),
        (np.sin(grid), "<=", 5, "half its size to spare"),
        (grid, ">=", -4, "half its size to spare"),
        (grid + 9, ">", 2, "half its size to spare"),
        (grid - 9, "<", -2, "half its size to spare"),
        (grid**2, "<=", 100 * grid**2, "half its size to spare"),
        (np.inf, ">", 1, "left must be finite"),
        (1, "<", [2, np.nan], "right must be finite"),
    ],
)
def test_inequality_fails(left, relation, right, message):
    with pytest.raises(CheckFailed, match=message):
        inequality(left, relation, right, says="a bound")


def test_inequality_rejects_other_relations():
    with pytest.raises(ValueError, match="relation must be one of"):
        inequality(1, "==", 1.0, says="a")


third = sp.Rational(1, 3)


@pytest.mark.parametrize(
    ("left", "relation", "right", "shown"),
    [
        (3.0, "<=", 2.0, "3 ≤ 2"),
        (np.float64(1), ">", np.int64(1) * 2, "1 > 2"),
        (sp.sqrt(2), "<", sp.Rational(7, 5), "sqrt(2) < 7/5"),
        ((1 + sp.sqrt(2)) ** 2, "!=", 3 + 2 * sp.sqrt(2), "≠"),
        (sp.oo, "<", sp.Integer(3), "oo < 3"),
        (2, "<", 4 // 2, "2 < 2"),
        (np.inf, "<=", 1.0, "inf ≤ 1"),
        (0.0, "!=", 0 * 1.0, "0 ≠ 0"),
        (1.0000001, "==", 1.0, "1.0000001 = 1"),
        (third, "==", sp.Rational(1, 4), "1/3 = 1/4"),
    ],
)
def test_counterexample(published, left, relation, right, shown):
    counterexample(left, relation, right, says="the claim", at={"x": 1, "y": 2})
    assert shown in text(published)
    assert text(published).startswith("✗ not so: the claim; ")
    assert text(published).endswith(" is false at x = 1, y = 2")


@pytest.mark.parametrize(
    ("left", "relation", "right", "message"),
    [
        (1.0, "<=", 2.0, "no counterexample, 1.0 <= 2.0"),
        (2.0 + 1e-13, "<=", 2.0, "no counterexample"),
        (2.0, "==", 2.0 + 1e-13, "no counterexample"),
        (0.1 + 0.2, "==", 0.3, "no counterexample"),
        (1e-17, "==", 0.0, "no counterexample"),
        (2.0, "<", 1.0 + 1.0, "no counterexample"),
        ((1 + sp.sqrt(2)) ** 2, "==", 3 + 2 * sp.sqrt(2), "no counterexample"),
        (sp.oo, ">=", sp.Integer(3), "no counterexample"),
        (np.nan, "==", 1.0, "NaN"),
        (1.0, "<", np.nan, "NaN"),
        (sp.nan, "==", sp.Integer(1), "NaN"),
    ],
)
def test_counterexample_fails(left, relation, right, message):
    with pytest.raises(CheckFailed, match=message):
        counterexample(left, relation, right, says="the claim")


def test_counterexample_rejects():
    with pytest.raises(ValueError, match="relation must be one of"):
        counterexample(1, "=", 2, says="a")
    with pytest.raises(TypeError, match="two real numbers"):
        counterexample(x, "<", sp.Integer(1), says="a")


GIVEN = {"source": "X-1", "printed": x**2, "right": 2 * x, "why": "the rule was lost", "grade": "wrong"}


def test_erratum_by_truth(published):
    erratum(**GIVEN, truth=sp.diff(x**2, x), proves="eq-a")
    facts = published[-1][1]
    assert (facts["printed"], facts["right"]) == ("$x^{2}$", "$2 x$")
    assert (facts["verdict"], facts["labels"], facts["items"]) == ("corrected", ["eq-a"], ["X-1"])
    wide = GIVEN | {"printed": [1, 2, 3], "right": [1, 2]}
    erratum(**wide, truth=sp.Matrix([1, sp.Integer(4) / 2]))


def test_erratum_by_witness(published):
    words = GIVEN | {"printed": "always below 2", "right": "below 2 for x < 1"}
    erratum(**words, witness=(3.0, "<", 2.0), at="x = 3")
    assert "The claim needs 3 < 2 at x = 3, which is false." in text(published)
    assert "“always below 2”" in text(published)
    with pytest.raises(CheckFailed, match="what X-1 claims: no counterexample"):
        erratum(**words, witness=(1.0, "<", 2.0))


def test_erratum_by_reference(published):
    erratum(**GIVEN | {"printed": "1985", "right": "1983"}, reference="nesterov1983")
    assert published[-1][1]["reference"] == "nesterov1983"


def test_erratum_by_numbers():
    numbers = GIVEN | {"printed": 0.5, "right": 0.84}
    erratum(**numbers, truth=np.sin(1.0), tolerance=0.01)
    with pytest.raises(CheckFailed, match=r"the correction of X-1: fails"):
        erratum(**numbers, truth=np.sin(1.0), tolerance=1e-6)
    with pytest.raises(CheckFailed, match=r"what is printed, 0\.5, holds"):
        erratum(**numbers, truth=np.sin(1.0), tolerance=0.45)
    with pytest.raises(CheckFailed, match="passes with a wrong term too"):
        erratum(**numbers | {"printed": -9}, truth=np.sin(1.0), tolerance=0.6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"printed": 2 * x + 0 * y}, r"what is printed, 2\*x, holds"),
        ({"right": 3 * x}, r"the correction of X-1: fails\s+left: +2\*x\s+right: +3\*x\s+difference: -x"),
    ],
)
def test_erratum_fails(changes, message):
    with pytest.raises(CheckFailed, match=message):
        erratum(**GIVEN | changes, truth=sp.diff(x**2, x))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"grade": "bad"}, "grade must be one of"),
        ({"truth": None}, "exactly one of"),
        ({"reference": "key"}, "exactly one of"),
        ({"source": []}, "needs a source"),
        ({"why": " "}, "needs a source and a reason"),
    ],
)
def test_erratum_rejects(changes, message):
    with pytest.raises(ValueError, match=message):
        erratum(**{**GIVEN, "truth": 2 * x} | changes)


def judge(answer):
    return 0 < answer < 1


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (..., "no answer yet"),
        (0.5, "✓ it converges"),
        (1.5, "not yet: 1.5 does not do it"),
        ("a", "not yet: 'a' gives TypeError: '<' not supported between instances of 'int' and 'str'"),
    ],
)
def test_attempt(published, monkeypatch, answer, line):
    monkeypatch.delenv("DOWNHILL_BUILD", raising=False)
    attempt(answer, judge, exercise="ex-a", wrong=2, says="it converges")
    assert text(published) == line
    assert published[-1][1] == {"kind": "attempt", "labels": ["ex-a"]}


def test_attempt_in_a_build(published, monkeypatch):
    monkeypatch.setenv("DOWNHILL_BUILD", "1")
    attempt(..., judge, exercise="ex-a", wrong=2)
    attempt(0.5, judge, exercise="ex-a", wrong=2)
    assert len(published) == 2
    with pytest.raises(CheckFailed, match=r"the solution of ex-a is wrong: 1\.5"):
        attempt(1.5, judge, exercise="ex-a", wrong=2)
    with pytest.raises(TypeError, match="not supported"):
        attempt("a", judge, exercise="ex-a", wrong=2)


def test_attempt_needs_a_judge_that_turns_down():
    with pytest.raises(CheckFailed, match="the judge of ex-a accepts 2, which is wrong"):
        attempt(..., lambda answer: True, exercise="ex-a", wrong=2)
    with pytest.raises(CheckFailed, match="cannot judge 'a': TypeError"):
        attempt(0.5, judge, exercise="ex-a", wrong="a")


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.float64(1), "1.0"),
        (np.float32(0.5), "0.5"),
        (np.array(0.25), "0.25"),
        (np.int64(3), "3"),
        (sp.Integer(3), "3"),
        (sp.Rational(1, 4), "0.25"),
        (7, "7"),
    ],
)
def test_number_glues_plain_numbers(shell, value, plain):
    shell.user_ns["value"] = value
    with capture_output() as captured:
        shell.run_cell("from lib.verify import number\nnumber('chapter-a', value)").raise_error()
    (output,) = captured.outputs
    # This text is all that the page has: it prints it, or reads it as a number and formats that.
    (payload,) = output.data.values()
    assert payload == plain
    assert output.metadata["scrapbook"]["name"] == "chapter-a"
    assert f"{ast.literal_eval(payload):.1e}" == f"{float(value):.1e}"


@pytest.mark.parametrize("value", [np.nan, np.inf, sp.oo])
def test_number_rejects_what_is_not_finite(value):
    with pytest.raises(ValueError, match="chapter-a must be finite"):
        number("chapter-a", value)
