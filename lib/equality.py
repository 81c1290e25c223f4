"""How a check decides: whether two expressions are equal, and whether it compares a thing with itself.

`lib.verify` is what chapters call; this is the engine room below it.
"""

import ast
import inspect
from functools import lru_cache

import numpy as np
import sympy as sp
from executing import Source
from sympy.core.function import AppliedUndef
from sympy.integrals.risch import NonElementaryIntegral
from sympy.matrices.expressions.matexpr import MatrixElement

DIGITS = 30
POINTS = 12
ARITHMETIC = (ast.Name, ast.Constant, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop, ast.Load)


class CheckFailed(AssertionError):
    """A claim that does not hold, or a check that could not have failed."""


class Undecided(CheckFailed):
    """SymPy can neither prove nor refute the claim."""


def expression(name, value):
    """Return `value` as a SymPy expression or an explicit matrix.

    Raises
    ------
    TypeError
        If it is anything else: text, an equation, a set, a truth value, a matrix of unknown shape.
    """
    if isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim):
        value = sp.Matrix(value)
    try:
        value = sp.sympify(value, strict=True)
    except sp.SympifyError as error:
        raise TypeError(f"{name} must be an expression or a matrix, got {value!r}") from error
    if isinstance(value, sp.MatrixExpr) and all(sp.sympify(side).is_Integer for side in value.shape):
        value = value.as_explicit()
    # An explicit immutable matrix is a MatrixExpr too.
    if not (isinstance(value, sp.MatrixBase) or (isinstance(value, sp.Expr) and not value.is_Matrix)):
        raise TypeError(f"{name} must be an expression or a matrix of known shape, got {value!r}")
    return value


def equal(left, right):
    """Return whether two expressions, or matrices of them, are equal; raise `Undecided` rather than guess.

    They differ if they differ at one admissible point, computed to 30 digits. They are equal only if algebra
    proves it. Matrices of different shapes differ.
    """
    if isinstance(left, sp.MatrixBase) or isinstance(right, sp.MatrixBase):
        same_shape = getattr(left, "shape", ()) == getattr(right, "shape", ())
        return same_shape and all(equal(a, b) for a, b in zip(left, right, strict=True))
    left, right = _evaluated(left), _evaluated(right)
    if left == right and left is not sp.nan:
        return True
    if left.is_infinite or right.is_infinite:
        return False
    difference = left - right
    if sp.expand(difference) == 0:
        return True
    if _differs(difference):
        return False
    if _simplified(difference) == 0:
        return True
    if not difference.has(sp.Integral):  # what follows would work them out again, at length
        for rewrite in (_trigonometric, _exponential, _factored, _by_cases, _by_parts):
            if rewrite(difference) == 0:
                return True
        if difference.equals(0):
            return True
    raise Undecided(
        f"SymPy cannot decide whether this is zero: {difference}\n  left:  {left}\n  right: {right}"
    )


@lru_cache(maxsize=64)
def _evaluated(side):
    """The expression with its integrals and sums worked out, where SymPy can; remembered, for it is slow."""
    return side.doit()


def _simplified(difference):
    return sp.simplify(difference, doit=False)  # what can be worked out has been


def _trigonometric(difference):
    return _simplified(sp.expand_trig(sp.expand(difference)))


def _exponential(difference):
    return _simplified(difference.rewrite(sp.exp))


def _factored(difference):
    return sp.factor(difference, deep=True)  # squares under roots


def _by_cases(difference):
    return _simplified(sp.piecewise_fold(difference.rewrite(sp.Piecewise)))


def _by_parts(difference):
    return _simplified(sp.expand(difference, complex=True))


def _differs(difference):
    """Whether the expression is clearly not zero at one of a few admissible points."""
    concrete = _concrete(difference)
    symbols = sorted(concrete.free_symbols, key=str)
    # Integrals that are left are computed by quadrature, slowly and to fewer digits.
    integrals = concrete.has(sp.Integral)
    digits, points = (15, 2) if integrals else (DIGITS, POINTS)
    precision = sp.Float("1e-6" if integrals else "1e-20", DIGITS)
    generator = np.random.default_rng(20)
    for _ in range(points if symbols else 1):
        point = {symbol: _admissible(symbol, generator) for symbol in symbols}
        try:
            there = concrete.subs(point).doit(integrals=False)
            terms = [sp.N(term, digits) for term in sp.Add.make_args(there)]
            value = sp.N(sp.Add(*terms), digits)
        except (TypeError, ValueError, ZeroDivisionError):
            continue
        if all(number.is_number and number.is_finite for number in (value, *terms)):
            # Below the second bound there is nothing but what is left of digits that cancelled.
            size = max(precision, *(abs(term) for term in terms))
            if abs(value) > precision * size:
                return True
    return False


def _concrete(difference):
    """The expression with a polynomial of its arguments in place of each unknown function.

    Entries of unknown vectors and matrices become functions of their indices, or symbols. Outer functions
    come first: in f(g(x)) the derivative of f is taken with respect to g(x).
    """
    difference = difference.replace(NonElementaryIntegral, sp.Integral)  # which quadrature knows
    entries = difference.atoms(MatrixElement)
    difference = difference.xreplace({entry: sp.Dummy(str(entry)) for entry in sorted(entries, key=str)})
    for entry in difference.atoms(sp.Indexed):
        difference = difference.xreplace({entry: sp.Function(str(entry.base))(*entry.indices)})
    uses = sorted(difference.atoms(AppliedUndef), key=lambda use: (-len(use.atoms(AppliedUndef)), str(use)))
    functions = {use.func: use for use in uses}
    for place, (function, use) in enumerate(functions.items(), start=2):
        slots = sp.symbols(f"slot:{len(use.args)}", cls=sp.Dummy)
        cubics = [1 + (place + i) * s / 7 + s**2 / (place + 1) + s**3 / 5 for i, s in enumerate(slots)]
        body = sp.Mul(*cubics) + sum(s**2 for s in slots) / place  # not a product: partial derivatives differ
        if use.is_nonnegative or use.is_nonpositive:
            body = (1 + body**2) * (1 if use.is_nonnegative else -1)
        difference = difference.replace(function, sp.Lambda(slots, body)).doit(integrals=False)
    return difference.doit(integrals=False)


def _admissible(symbol, generator):
    """A random number that fits what is assumed of a symbol: exact, so that nothing is rounded."""
    a, b = (sp.Rational(int(generator.integers(1, 4000)), 1009) for _ in range(2))
    kinds = (
        [a, -a, a + b * sp.I, b - a * sp.I],
        [*map(sp.Integer, range(-9, 10))],
        [sp.sqrt(2) * a, -sp.sqrt(2) * a, a * sp.I],
    )
    for numbers in kinds:
        fitting = [number for number in numbers if _fits(number, symbol)]
        if fitting:
            return fitting[generator.integers(len(fitting))]
    raise TypeError(f"no number is known that fits {symbol.assumptions0}")


def _fits(number, symbol):
    return all(getattr(number, f"is_{name}") == truth for name, truth in symbol.assumptions0.items())


def unnoticed(truth, claimed):
    """Return the name of a fault that the claim could have and still equal the truth, or None.

    Faults are a term too many, the wrong sign, a wrong factor, and the wrong sign of one term, in the claim
    or in an entry of the matrix that it is.
    """
    if isinstance(claimed, sp.MatrixBase):
        for place, (true_entry, entry) in enumerate(zip(truth, claimed, strict=True)):
            fault = unnoticed(true_entry, entry)
            if fault:
                return f"{fault} in entry {divmod(place, claimed.cols)}"
        return None
    return next((fault for fault, wrong in _faults(claimed) if equal(truth, wrong)), None)


def _faults(claimed):
    if claimed.is_infinite:
        yield "a wrong sign", -claimed
        return
    yield "a wrong term", claimed + 1
    if equal(claimed, sp.Integer(0)):
        return
    yield "a wrong sign", -claimed
    yield "a wrong factor", 2 * claimed
    terms = sp.Add.make_args(claimed)
    if len(terms) > 1:
        for term in terms:
            yield f"a wrong sign of {term}", claimed - 2 * term


def refuse_repetition():
    """Raise `CheckFailed` if the check that calls this was given the same expression twice.

    The text of the call decides, not the values: that two results agree is what a check is for. A name stands
    for what the code above assigned to it, if it did so once, and from numbers and names by arithmetic alone:
    what is called, or changed on the way, may have come to agree.
    """
    frame = inspect.currentframe().f_back.f_back
    call = Source.executing(frame).node
    if not isinstance(call, ast.Call) or any(isinstance(argument, ast.Starred) for argument in call.args):
        return
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    sides = [
        side for side in call.args if not (isinstance(side, ast.Constant) and isinstance(side.value, str))
    ]
    sides += [named[name] for name in ("derived", "computed", "truth", "left") if name in named]
    sides += [named[name] for name in ("claimed", "right") if name in named]
    if len(sides) < 2:
        return
    bound = _bindings(_scope(Source.for_frame(frame).tree, call.lineno), call)
    first, second = (_spelled(side, bound) for side in sides[:2])
    if first == second:
        raise CheckFailed(f"both sides are the same expression, {first}, so the check proves nothing")


def _scope(tree, line):
    """The innermost function that holds a line, or the whole cell or file."""
    holders = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.lineno <= line <= node.end_lineno
    ]
    return max(holders, key=lambda node: node.lineno, default=tree)


def _bindings(scope, call):
    """For each name, what is assigned to it before the call, and None for every other change of it."""
    bound, plain = {}, set()
    for node in ast.walk(scope):
        if getattr(node, "lineno", call.lineno + 1) > call.lineno:
            continue
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and len(node.targets) == 1:
            bound.setdefault(node.targets[0].id, []).append(node.value)
            plain.add(node.targets[0])
        elif isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store):
            base = node
            while isinstance(base, ast.Subscript | ast.Attribute):
                base = base.value
            if isinstance(base, ast.Name):
                bound.setdefault(base.id, []).append(None)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node not in plain:
            bound.setdefault(node.id, []).append(None)
    return bound


def _spelled(node, bound):
    """The text of an expression; of a name, that of the arithmetic it stands for."""
    while isinstance(node, ast.Name) and len(bound.get(node.id, ())) == 1 and bound[node.id][0]:
        (value,) = bound[node.id]
        parts = list(ast.walk(value))
        changed = any(isinstance(part, ast.Name) and len(bound.get(part.id, ())) > 1 for part in parts)
        if changed or not all(isinstance(part, ARITHMETIC) for part in parts):
            break
        node = value
    return ast.unparse(node)
