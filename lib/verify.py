"""Checks that stand beside the formulas they prove.

Each takes a claim as it is printed and an independent computation of the same thing, and raises `CheckFailed`
with both sides and their difference when they part. A check that passes is then turned against itself: the
claim is given a wrong sign, a wrong factor, a wrong term, and every one of these must be told from the truth.
A check prints one line for the reader and publishes what it proves, from which the book makes its appendices
and refuses to be built with a formula that nothing proves.
"""

import operator
import os

import numpy as np
import sympy as sp

from lib.arguments import real
from lib.equality import CheckFailed, equal, expression, refuse_repetition, unnoticed
from lib.reports import correct, remark, report

RELATIONS = {
    "==": (operator.eq, "="),
    "!=": (operator.ne, "≠"),
    "<": (operator.lt, "<"),
    "<=": (operator.le, "≤"),
    ">": (operator.gt, ">"),
    ">=": (operator.ge, "≥"),
}
GRADES = ("wrong", "imprecise", "slip")


def identity(derived, claimed, *, says, proves=None, source=None):
    """Prove with SymPy that a derived expression equals the claimed one.

    Parameters
    ----------
    derived, claimed : sympy expression or matrix
        One side differentiated, solved or summed, the other as the book prints it. What is assumed of the
        symbols is stated where they are made (``sp.symbols("x", positive=True)``).
    says : str
        What has been proved, in the reader's words.
    proves : str or list of str, optional
        Labels of the equations or theorems that this settles.
    source : str or list of str, optional
        Ids of the source items that this settles.

    Raises
    ------
    CheckFailed
        If the sides differ, with a point where they do, or if the same expression is written twice.
    Undecided
        If SymPy can neither prove nor refute it. That is no pass.
    """
    refuse_repetition()
    derived, claimed = expression("derived", derived), expression("claimed", claimed)
    if not equal(derived, claimed):
        raise CheckFailed(_sides(says, derived, claimed))
    if fault := unnoticed(derived, claimed):
        raise CheckFailed(f"{says}: the check passes with {fault} too, so it proves nothing")
    report("identity", says, proves, source)


def agreement(computed, claimed, *, says, proves=None, source=None, tolerance=1e-9):
    """Confirm that numbers computed in one way agree with the claim.

    Parameters
    ----------
    computed, claimed : array_like
        Two independent computations, of the same shape or one of them a single number.
    says, proves, source
        As in `identity`.
    tolerance : float
        The largest distance allowed, relative to the largest absolute value among the claimed ones, or
        absolute where all of these are zero.

    Raises
    ------
    CheckFailed
        If they differ by more, or are not finite, or if the tolerance is too wide to notice a wrong sign,
        factor or term.
    """
    refuse_repetition()
    tolerance = real("tolerance", tolerance, least=0)
    computed, claimed = _numbers("computed", computed), _numbers("claimed", claimed)
    if computed.shape != claimed.shape and 1 not in (computed.size, claimed.size):
        raise CheckFailed(f"{says}: shapes {computed.shape} and {claimed.shape} cannot agree")
    if not _agree(computed, claimed, claimed, tolerance):
        raise CheckFailed(_sides(says, computed, claimed))
    if fault := _unnoticed(computed, claimed, claimed, tolerance):
        raise CheckFailed(f"{says}: with tolerance {tolerance} the check passes with {fault} too")
    report("agreement", says, proves, source)


def inequality(left, relation, right, *, says, proves=None, source=None):
    """Confirm that an inequality holds at all the points where both sides were computed, and says something.

    A bound that nothing comes near proves little: half of it must be exceeded somewhere. A bound of zero
    everywhere claims a sign, which needs no more. Check one bound at a time: stacked in one array, a tight
    one would vouch for a loose one.

    Parameters
    ----------
    left, right : array_like
        Both sides at the same points; the claimed bound is `right`.
    relation : {"<", "<=", ">", ">="}
    says, proves, source
        As in `identity`.

    Raises
    ------
    CheckFailed
        If it fails anywhere by more than rounding, with the worst point, or if the bound could be moved
        towards the values by half its size and would still hold, or a side is not finite.
    """
    refuse_repetition()
    compare = _order(relation)
    left, right = np.broadcast_arrays(_numbers("left", left), _numbers("right", right))
    outward = 1 if relation in ("<", "<=") else -1
    size = np.maximum(np.abs(left), np.abs(right))
    room = outward * 1e-12 * size if "=" in relation else 0

    def holds(bound):
        return bool(np.all(compare(left, bound + room)))

    if not holds(right):
        worst = np.unravel_index(np.argmax(outward * (left - right)), left.shape)
        point = f"{says}, at index {tuple(map(int, worst))}" if left.ndim else says
        raise CheckFailed(_sides(point, left[worst], right[worst]))
    if right.any() and holds(right - outward * np.abs(right) / 2):
        raise CheckFailed(
            f"{says}: the bound holds with half its size to spare everywhere, so it is not tested"
        )
    report("inequality", says, proves, source)


def counterexample(left, relation, right, *, says, at=None, proves=None, source=None):
    """Show a point where a tempting claim fails.

    Parameters
    ----------
    left, right : number or sympy number
        Both sides, computed at that point.
    relation : {"==", "!=", "<", "<=", ">", ">="}
        What was claimed of them.
    says : str
        The claim, in the reader's words.
    at : str or dict, optional
        The point.
    proves, source
        As in `identity`.

    Raises
    ------
    CheckFailed
        If the claim holds there after all, by rounding or altogether, or a side is NaN.
    """
    refuse_repetition()
    shown = _witness(says, left, relation, right)
    report("counterexample", f"not so: {says}; {shown} is false{_place(at)}", proves, source)


def erratum(
    *,
    source,
    printed,
    right,
    why,
    grade,
    truth=None,
    tolerance=0,
    witness=None,
    reference=None,
    at=None,
    says=None,
    proves=None,
):
    """Record that a source document is wrong, with the computation that decides.

    One of `truth`, `witness` and `reference` decides. For a formula, `truth` is derived independently; it
    must equal `right` and differ from `printed`. For a claim with "always", "only" or "any", `printed` and
    `right` are the clause and its correction in words, and `witness` is a triple (left, relation, right) that
    the claim says holds and that fails. For an attribution or a fact, `reference` is the work that settles
    it, as "Author (year)", cited in the text beside.

    Parameters
    ----------
    source : str or list of str
        Ids of the items corrected.
    printed, right : sympy expression, number or str
    why : str
        What went wrong, kindly.
    grade : {"wrong", "imprecise", "slip"}
        Wrong; true under a condition that `right` states; or a mere symbol or word.
    truth : sympy expression or number, optional
    witness : tuple, optional
    reference : str, optional
    at : str or dict, optional
        The point of the witness.
    says : str, optional
        What the two formulas are about, where `why` does not tell.
    tolerance : float, optional
        For numbers that were computed: how far apart equal ones may be, relative to the truth.
    proves : str or list of str, optional
        As in `identity`.

    Raises
    ------
    CheckFailed
        If the printed form holds after all, or the right one does not.
    ValueError
        If the grade is unknown, or not exactly one of the three ways to decide is given.
    """
    refuse_repetition()
    if not source or not why.strip():
        raise ValueError(f"erratum needs a source and a reason, got {source!r} and {why!r}")
    if grade not in GRADES:
        raise ValueError(f"grade must be one of {GRADES}, got {grade!r}")
    if sum(way is not None for way in (truth, witness, reference)) != 1:
        raise ValueError("erratum needs exactly one of truth, witness and reference")
    evidence = None
    if truth is not None:
        _decide_erratum(source, truth, printed, right, tolerance)
        printed, right = (f"${sp.latex(expression('formula', form))}$" for form in (printed, right))
    else:
        printed = f"“{printed}”"
    if witness is not None:
        shown = _witness(f"what {source} claims", *witness)
        evidence = f"The claim needs {shown}{_place(at)}, which is false."
    correct(
        source,
        proves,
        grade=grade,
        says=says,
        printed=printed,
        right=right,
        why=why,
        evidence=evidence,
        reference=reference,
    )


def _decide_erratum(source, truth, printed, right, tolerance):
    if tolerance:
        tolerance = real("tolerance", tolerance, above=0)
        truth, printed, right = (_numbers(f"{source}", value) for value in (truth, printed, right))
        holds = _agree(truth, right, truth, tolerance), _agree(truth, printed, truth, tolerance)
        fault = holds[0] and _unnoticed(truth, right, truth, tolerance)
    else:
        truth, printed, right = (
            expression(name, value)
            for name, value in (("truth", truth), ("printed", printed), ("right", right))
        )
        holds = equal(truth, right), equal(truth, printed)
        fault = holds[0] and unnoticed(truth, right)
    if not holds[0]:
        raise CheckFailed(_sides(f"the correction of {source}", truth, right))
    if holds[1]:
        raise CheckFailed(f"{source}: what is printed, {printed}, holds")
    if fault:
        raise CheckFailed(f"{source}: the correction passes with {fault} too, so it proves nothing")


def attempt(answer, judge, *, exercise, wrong, says="right"):
    """Judge a reader's answer to an exercise.

    Parameters
    ----------
    answer : object
        The reader's; ``...`` until there is one.
    judge : callable
        Takes the answer and returns whether it is right.
    exercise : str
        The label of the exercise.
    wrong : object
        An answer that the judge must turn down, tried each time, so that no judge accepts everything.
    says : str
        What a right answer has achieved.

    Raises
    ------
    CheckFailed
        If the judge accepts `wrong`, or cannot judge it. Also if the answer is wrong while the book is being
        built, where the only answers are those of the solutions.
    """
    try:
        accepted = bool(judge(wrong))
    except Exception as error:
        raise CheckFailed(f"the judge of {exercise} cannot judge {wrong!r}: {error!r}") from error
    if accepted:
        raise CheckFailed(f"the judge of {exercise} accepts {wrong!r}, which is wrong")
    if answer is ...:
        remark("no answer yet", "waits", exercise)
        return
    try:
        verdict = f"✓ {says}" if judge(answer) else None
        reason = f"{answer!r} does not do it"
    except Exception as error:  # whatever a reader's answer sets off is about the answer
        if "DOWNHILL_BUILD" in os.environ:
            raise
        verdict, reason = None, f"{answer!r} gives {type(error).__name__}: {error}"
    if verdict:
        remark(verdict, "holds", exercise)
    elif "DOWNHILL_BUILD" in os.environ:
        raise CheckFailed(f"the solution of {exercise} is wrong: {reason}")
    else:
        remark(f"not yet: {reason}", "waits", exercise)


def number(name, value):
    """Give a computed number to the text, where ``{glue:text}`` prints it.

    Parameters
    ----------
    name : str
        Begins with the chapter's name, for all pages share these names.
    value : number
        Any of Python's, NumPy's or SymPy's real numbers.

    Raises
    ------
    TypeError
        If it is not real.
    ValueError
        If it is infinite or NaN.
    """
    from myst_nb import glue

    whole = isinstance(value, int | np.integer | sp.Integer)
    value = int(value) if whole else real(name, float(value))
    glue(name, value, display=False)


def _numbers(name, value):
    if np.iscomplexobj(value):  # NumPy would drop the imaginary parts, and with them what is wrong
        raise CheckFailed(f"{name} must be real numbers, got {value!r}: check real and imaginary parts")
    array = np.asarray(value, dtype=float)
    if array.size == 0 or not np.isfinite(array).all():
        raise CheckFailed(f"{name} must be finite numbers, got {value!r}")
    return array


def _order(relation):
    if relation not in ("<", "<=", ">", ">="):
        raise ValueError(f"relation must be one of <, <=, >, >=, got {relation!r}")
    return RELATIONS[relation][0]


def _agree(computed, claimed, reference, tolerance):
    """Whether arrays agree within a tolerance relative to the largest absolute value of the reference."""
    if computed.shape != claimed.shape and 1 not in (computed.size, claimed.size):
        return False
    return bool(np.all(np.abs(computed - claimed) <= tolerance * (np.abs(reference).max() or 1.0)))


def _unnoticed(computed, claimed, reference, tolerance):
    """The name of a fault that the claimed numbers could have and still agree, or None."""
    wrongs = {"a wrong term": claimed + (np.abs(reference).max() or 1.0) / 2}
    if claimed.any():
        wrongs |= {"a wrong sign": -claimed, "a wrong factor": 2 * claimed}
    agreeing = (fault for fault, wrong in wrongs.items() if _agree(computed, wrong, reference, tolerance))
    return next(agreeing, None)


def _witness(says, left, relation, right):
    """The claim in numbers, if it clearly fails between them."""
    if relation not in RELATIONS:
        raise ValueError(f"relation must be one of {list(RELATIONS)}, got {relation!r}")
    if all(isinstance(side, int | sp.Basic) for side in (left, right)):
        left, right = sp.sympify(left), sp.sympify(right)
        signs = _exact_signs(left, right)
    else:
        left, right = float(left), float(right)
        signs = _signs(left, right)
    if signs is None:
        raise CheckFailed(f"{says}: a side is NaN, which shows nothing")
    if any(RELATIONS[relation][0](sign, 0) for sign in signs):
        raise CheckFailed(f"{says}: no counterexample, {left} {relation} {right} holds there")
    return f"{_written(left, right)} {RELATIONS[relation][1]} {_written(right, left)}"


def _exact_signs(left, right):
    """The sign of left - right as a list, or None where a side is no real number."""
    if sp.nan in (left, right):
        return None
    if not (left.is_extended_real and right.is_extended_real and left.is_number and right.is_number):
        raise TypeError(f"a counterexample needs two real numbers, got {left} and {right}")
    return [0] if equal(left, right) else [1 if sp.N(left - right, 30) > 0 else -1]


def _signs(left, right):
    """The signs that left - right may have, given that both were rounded; None where a side is NaN."""
    if np.isnan(left) or np.isnan(right):
        return None
    size = max(abs(left), abs(right))
    if (np.isfinite(size) and 0 < abs(left - right) <= max(1e-9 * size, 1e-12)) or left == right != 0:
        return [-1, 0, 1]
    return [(left > right) - (left < right)]


def _sides(says, left, right):
    """The message of a check that does not hold."""
    try:
        difference = left - right
        difference = np.abs(difference).max() if isinstance(left, np.ndarray) else sp.simplify(difference)
    except (TypeError, sp.ShapeError):
        shapes = (getattr(side, "shape", "no matrix") for side in (left, right))
        difference = "one of shape, {} and {}".format(*shapes)
    return f"{says}: fails\n  left:       {left}\n  right:      {right}\n  difference: {difference}"


def _place(at):
    point = ", ".join(f"{name} = {value}" for name, value in at.items()) if isinstance(at, dict) else at
    return f" at {point}" if point else ""


def _written(value, other):
    """A number with as many digits as tell it from the other, six at least."""
    if not isinstance(value, float):
        return str(value)
    digits = (n for n in range(6, 17) if value == other or f"{value:.{n}g}" != f"{other:.{n}g}")
    return f"{value:.{next(digits, 17)}g}"
