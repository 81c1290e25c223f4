"""The interior-point method against HiGHS and the proofs it must give, and the central path against SciPy."""

import re

import numpy as np
import pytest
import scipy.linalg
import scipy.optimize
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from programs import program, verdict

import lib.interior_point
from lib.central_path import central_path, inner_step, newton_direction
from lib.interior_point import interior_point
from lib.linear_programs import balance, independent_rows, largest

untimed = settings(deadline=None, max_examples=150)
seeds = st.integers(0, 2**32 - 1)


def in_units(c, A, b):
    """The program in units in which the largest entries are 1, and these units."""
    rows, columns = balance(A)
    c_unit, b_unit = largest(c / columns), largest(b / rows)
    return (c / columns / c_unit, A / np.outer(rows, columns), b / rows / b_unit), (
        b_unit / columns,
        c_unit / rows,
        c_unit * columns,
        c_unit * b_unit,
    )


def check(found, c, A, b, tolerance=1e-8):
    """Assert that the status is that of HiGHS, and what is said of the solution or the certificate."""
    status, cost = verdict(c, A, b)
    assert found.status == status
    rows = independent_rows(np.column_stack([A, b]))  # whose units the method takes
    (c1, A1, b1), (x_units, y_units, s_units, cost_unit) = in_units(c, A[rows], b[rows])
    margin = 10 * tolerance
    if status == "optimal":
        x, y, s = found.x, found.y, found.s
        assert x.shape == s.shape == c.shape
        assert y.shape == b.shape
        assert (x > 0).all()
        assert (s > 0).all()
        assert abs(A1 @ (x / x_units) - b1).max(initial=0) <= margin
        assert abs((y[rows] / y_units) @ A1 + s / s_units - c1).max() <= margin
        assert abs(c @ x - b @ y) <= margin * max(cost_unit, abs(b @ y))
        assert abs(found.cost - cost) <= 1e3 * margin * max(cost_unit, abs(cost))
        assert found.cost == c @ x
        assert found.certificate is None
        assert_array_equal(found.path[-1].x, x)
        return
    assert found.x is found.y is found.s is found.cost is None
    if status == "infeasible":
        y = found.certificate
        assert y.shape == b.shape
        assert y @ b == pytest.approx(1)
        assert (y @ A * x_units <= margin).all()
    else:
        d = found.certificate
        assert d.shape == c.shape
        assert (d >= 0).all()
        assert c @ d == pytest.approx(-1)
        assert (abs(A[rows] @ d) * y_units <= margin).all()


@given(seed=seeds)
@example(seed=19270742)  # two unknowns, six rows of very different sizes
@example(seed=1121179425)  # solvable: on the way Aᵀy <= 0, and rounding alone makes b·y positive
@example(seed=2316532215)  # the same while it looks for a point of an unbounded program
@example(seed=943381162)  # infeasible: on the way b·y is the last digits of terms 1e14 times as large
@untimed
def test_status_and_cost_are_those_of_highs_and_proved(seed):
    c, A, b = program(seed)
    check(interior_point(c, A, b), c, A, b)


def test_two_hundred_programs_need_at_most_sixty_iterations():
    found = [interior_point(*program(seed)) for seed in range(200)]
    assert {one.status for one in found} == {"optimal", "infeasible", "unbounded"}
    assert min([one.status for one in found].count(s) for s in ("optimal", "infeasible", "unbounded")) > 15
    iterations = [len(one.path) - 1 for one in found]
    assert max(iterations) <= 12
    assert sum(iterations) <= 800, "without the second-order terms it takes over 900"


@pytest.mark.parametrize("seed", range(8))
def test_programs_of_middle_size(seed):
    rng = np.random.default_rng(seed)
    m, n = 40, 100
    A = rng.standard_normal((m, n))
    b, c = 100 * A @ rng.exponential(size=n), A.T @ rng.standard_normal(m) + rng.exponential(size=n)
    if seed % 4 == 1:
        A = np.vstack([A, A[:5].sum(axis=0), A[7]])
        b = np.append(b, [b[:5].sum(), b[7]])
    if seed % 4 == 2:
        A[3] = abs(A[3])
        b[3] = -1
    if seed % 4 == 3:
        c = -abs(c)
        A[:, 1] = -A[:, 0]
    found = interior_point(c, A, b)
    check(found, c, A, b)
    assert len(found.path) <= 30
    assert found.status == ("optimal", "optimal", "infeasible", "unbounded")[seed % 4]


@given(seed=seeds)
@untimed
def test_every_iterate_is_positive_and_says_how_far_it_is(seed):
    c, A, b = program(seed)
    found = interior_point(c, A, b)
    kept = len(independent_rows(np.column_stack([A, b]))) == len(A)
    (c1, A1, b1), (x_units, y_units, s_units, _) = in_units(c, A, b)
    for at in found.path:
        assert (at.x > 0).all()
        assert (at.s > 0).all()
        assert at.barrier == pytest.approx(np.mean(at.x * at.s))
        if kept:
            x, y, s = at.x / x_units, at.y / y_units, at.s / s_units
            assert at.primal_residual == pytest.approx(
                abs(A1 @ x - b1).max(), rel=1e-6, abs=1e-12 * (1 + x.max())
            )
            assert at.dual_residual == pytest.approx(
                abs(y @ A1 + s - c1).max(), rel=1e-6, abs=1e-12 * (1 + abs(y).max() + s.max())
            )
            size = 1 + abs(c1) @ x + abs(b1) @ abs(y)
            gap = abs(c1 @ x - b1 @ y) / max(1, abs(b1 @ y))
            assert at.gap == pytest.approx(gap, rel=1e-6, abs=1e-12 * size)
    small = [max(at.primal_residual, at.dual_residual, at.gap) <= 1e-8 for at in found.path]
    assert small[:-1] == [False] * (len(small) - 1)
    assert small[-1] == (found.status == "optimal")


def test_it_starts_outside_and_the_residuals_fall_together():
    rng = np.random.default_rng(0)
    A = rng.standard_normal((5, 12))
    c, b = A.T @ rng.standard_normal(5) + rng.exponential(size=12), A @ rng.exponential(size=12)
    path = interior_point(c, A, b).path
    assert path[0].primal_residual > 0.1
    primal = np.array([at.primal_residual for at in path])
    dual = np.array([at.dual_residual for at in path])
    assert_allclose(primal[1:-2] / primal[0], dual[1:-2] / dual[0], rtol=1e-4)
    assert (np.diff(primal) < 0).all()


def test_an_infeasible_program_that_has_a_ray_is_not_called_unbounded():
    # Neither has the program a point nor its dual: the ray (1, 1, 0, 0) costs −1.
    c, A, b = np.array([-1.0, 0, 0, 0]), np.array([[1.0, -1, 0, 0], [0, 0, 1, 1]]), np.array([0.0, -1e-3])
    found = interior_point(c, A, b)
    check(found, c, A, b)
    assert found.status == "infeasible"
    for cost in (-1e-4, -1e-2, -1, -100):
        c[0] = cost
        for right in (-1e-6, -1e-2, -1e2):
            assert interior_point(c, A, np.array([0.0, right])).status == "infeasible"


@pytest.mark.parametrize(
    ("c", "A", "b", "status"),
    [
        ([0, 0], [[0, 0]], [0], "optimal"),
        ([1, -1], [[0, 0]], [0], "unbounded"),
        ([1, -1], [[0, 0]], [1], "infeasible"),
        ([1], [[1], [2], [3]], [1, 2, 3], "optimal"),
        ([1], [[1], [2], [3]], [1, 2, 4], "infeasible"),
        ([1, 1], [[1, 2], [3, 4]], [5, 11], "optimal"),
        ([1, 1], [[1, 2], [3, 4]], [5, 16], "infeasible"),
        ([-1, -1, 0], [[1, 1, 0], [1, 1, 0]], [0, 0], "optimal"),
        ([-1, -1], [[1, -1]], [0], "unbounded"),
        ([1e-9, -1e-9], [[1e-6, 1e-6]], [1e-12], "optimal"),
        ([1e150, -1e150], [[1e120, -1e120]], [1e-100], "optimal"),
        ([1e9, -1.1e9], [[1e7, -1e7]], [1e-3], "unbounded"),
    ],
)
def test_programs_at_the_edge(c, A, b, status):
    c, A, b = (np.array(part, dtype=float) for part in (c, A, b))
    found = interior_point(c, A, b)
    assert found.status == status
    if status == "optimal":
        assert_allclose(A @ found.x, b, atol=1e-7 * largest(b))
        if abs(c).max() < 1e20:
            assert found.cost == pytest.approx(verdict(c, A, b)[1], rel=1e-7, abs=1e-7)


def test_the_limit_stops_it_and_a_tighter_tolerance_takes_more_steps():
    c, A, b = [5, 3, 8], [[1, 1, 2]], [4]
    stopped = interior_point(c, A, b, limit=2)
    assert stopped.status == "stopped"
    assert stopped.x is stopped.y is stopped.s is stopped.cost is stopped.certificate is None
    assert len(stopped.path) == 3
    assert len(interior_point(c, A, b, limit=0).path) == 1
    loose, tight = interior_point(c, A, b, tolerance=1e-3), interior_point(c, A, b, tolerance=1e-12)
    assert len(loose.path) < len(tight.path)
    assert max(loose.path[-1][4:]) > 1e-12 >= max(tight.path[-1][4:])
    assert tight.cost == pytest.approx(12, rel=1e-11)
    # The question whether an unbounded program is feasible takes its steps from the same limit.
    steps = len(interior_point([-1, 0], [[1, -1]], [1]).path) - 1
    assert interior_point([-1, 0], [[1, -1]], [1], limit=steps).status == "stopped"
    assert interior_point([-1, 0], [[1, -1]], [1], limit=steps + 30).status == "unbounded"


@pytest.mark.parametrize(
    ("c", "A", "b", "status"),
    [
        ([1, 1], [[1, 0], [1, 0]], [1, 1 + 1e-5], "infeasible"),  # b·y cancels
        ([1, -1 - 1e-5], [[1, -1]], [1], "unbounded"),  # c·x cancels
        ([1, -1e-5, 0], [[0, 1, -1]], [1], "unbounded"),  # Ax cancels, and is 1e5 times as large as c·x
    ],
)
def test_a_proof_is_given_only_if_its_rounding_is_within_the_tolerance(c, A, b, status):
    c, A, b = (np.array(part, dtype=float) for part in (c, A, b))
    check(interior_point(c, A, b), c, A, b)
    assert interior_point(c, A, b).status == status
    assert interior_point(c, A, b, tolerance=1e-12).status == "stopped"


@pytest.mark.parametrize("fault", [np.linalg.LinAlgError("singular"), None])
def test_it_stops_where_newtons_equations_fail(monkeypatch, fault):
    def failing(matrix, v, w, missing, change):
        if fault:
            raise fault
        return np.full(len(matrix), np.nan), np.full(len(w), np.nan)

    monkeypatch.setattr(lib.interior_point, "newton_direction", failing)
    found = interior_point([1, 2], [[1, 1]], [1])
    assert found.status == "stopped"
    assert len(found.path) == 1


def test_what_rounding_does_not_let_it_reach_ends_in_stopped():
    rng = np.random.default_rng(2)
    for _ in range(40):
        A = rng.standard_normal((4, 9)) * 10.0 ** rng.integers(-8, 9, (4, 9))
        b, c = A @ rng.exponential(size=9), rng.standard_normal(9) * 10.0 ** rng.integers(-8, 9, 9)
        found = interior_point(c, A, b, tolerance=1e-12, limit=300)
        assert found.status in ("optimal", "unbounded", "infeasible", "stopped")


def inside(seed):
    """A program with strictly feasible points on both sides."""
    rng = np.random.default_rng(seed)
    m, n = int(rng.integers(1, 6)), int(rng.integers(2, 12))
    A = rng.standard_normal((m, n)) if seed % 2 else rng.integers(-3, 4, (m, n)).astype(float)
    return A.T @ rng.standard_normal(m) + rng.exponential(size=n), A, A @ np.exp(rng.standard_normal(n))


@given(seed=seeds)
@example(seed=579)  # the fifth row is a mixture of the others, 1e5 times one of them
@untimed
def test_the_central_path_solves_its_equations_to_rounding(seed):
    c, A, b = inside(seed)
    barriers = 10.0 ** np.array([1, -6, 3, 0, -9, -2])
    x, y, s = central_path(c, A, b, barriers)
    assert x.shape == s.shape == (6, c.size)
    assert y.shape == (6, b.size)
    assert (x > 0).all()
    assert (s > 0).all()
    assert_allclose(x * s / barriers[:, None], 1, atol=1e-13)
    rows = independent_rows(A)  # the others are mixtures of these, of their rounding too
    mixture, size = abs(A @ np.linalg.pinv(A[rows])), x @ abs(A).T + abs(b)
    assert (abs(x @ A.T - b) <= 1e-12 * (size + size[:, rows] @ mixture.T)).all()
    assert (abs(y @ A + s - c) <= 1e-14 * (abs(y) @ abs(A) + s + abs(c))).all()
    assert_allclose(x @ c - y @ b, barriers * c.size, atol=1e-12 * (x @ abs(c) + abs(y) @ abs(b)).max())
    order = np.argsort(barriers)
    assert (np.diff((x @ c)[order]) >= -1e-12 * (x @ abs(c)).max()).all()


@pytest.mark.parametrize("seed", range(12))
def test_the_central_path_minimizes_the_barrier_function(seed):
    c, A, b = inside(seed)
    barrier = 10.0 ** (seed % 4 - 2)
    x = central_path(c, A, b, [barrier]).x[0]
    directions = scipy.linalg.null_space(A)
    start = central_path(c, A, b, [10 * barrier]).x[0]

    def point(z):
        return start + directions @ z

    def height(z):
        return c @ point(z) - barrier * np.log(point(z)).sum() if (point(z) > 0).all() else np.inf

    if directions.shape[1] == 0:
        assert_allclose(x, start)
        return
    found = scipy.optimize.minimize(
        height,
        np.zeros(directions.shape[1]),
        jac=lambda z: directions.T @ (c - barrier / point(z)),
        hess=lambda z: directions.T @ np.diag(barrier / point(z) ** 2) @ directions,
        method="trust-exact",
        options={"gtol": 1e-10, "maxiter": 500},
    )
    assert_allclose(point(found.x), x, rtol=1e-6)


def test_the_central_path_ends_at_the_solution():
    c, A, b = inside(3)
    x, y, s = central_path(c, A, b, [1e-11])
    found = interior_point(c, A, b, tolerance=1e-11)
    assert c @ x[0] == pytest.approx(found.cost, rel=1e-8)
    assert_allclose(x[0], found.x, atol=1e-7)
    assert_allclose(s[0], found.s, atol=1e-7)
    assert_allclose(y[0], found.y, atol=1e-7)


def test_a_central_path_known_in_closed_form():
    # x₁ + x₂ = 1, cost x₁: x₁ − x₂ ... with x₂ = 1 − x₁: 1 = ν/x₁ − ν/x₂.
    barriers = np.array([1e-10, 1e-3, 1, 1e3, 1e-3])
    x = central_path([1, 0], [[1, 1], [2, 2]], [1, 2], barriers)
    first = (1 + 2 * barriers - np.sqrt(1 + 4 * barriers**2)) / 2
    exact = 2 * barriers / (1 + 2 * barriers + np.sqrt(1 + 4 * barriers**2))
    assert_allclose(first, exact, atol=1e-12)
    assert_allclose(x.x[:, 0], exact, rtol=1e-12)
    assert_array_equal(x.y[:, 1], 0)
    assert central_path([1, 0], [[1, 1]], [1], []).x.shape == (0, 2)


@pytest.mark.parametrize(
    ("c", "A", "b", "message"),
    [
        ([1, 1], [[1, 1]], [0], "A and b must leave an x > 0"),
        ([1, 1], [[1, 1]], [-1], "A and b must leave an x > 0"),
        ([1, 1], [[1, 0], [2, 0]], [1, 3], "A and b must leave an x > 0"),
        ([1, 1, 1], [[1, 1, 0], [0, 1, 1]], [1, 0], "A and b must leave an x > 0"),
        ([-1, -1], [[1, -1]], [0], "c and A must leave a y"),
        ([0, 0], [[1, -1]], [0], "c and A must leave a y"),
        ([1, 0], [[1, 0]], [1], "c and A must leave a y"),
    ],
)
def test_without_points_inside_there_is_no_central_path(c, A, b, message):
    with pytest.raises(ValueError, match=message):
        central_path(c, A, b, [1])


@given(seed=seeds)
@untimed
def test_newtons_direction_solves_its_equations_and_steps_stay_inside(seed):
    rng = np.random.default_rng(seed)
    k, n = 5, 3
    half = rng.standard_normal((k, k))
    v, w = np.exp(rng.standard_normal((2, n)))
    missing, change = rng.standard_normal(k), rng.standard_normal(n)
    matrix = half - half.T
    du, dw = newton_direction(matrix, v, w, missing, change)
    size = 1 + abs(du).max() + abs(dw).max()
    assert_allclose(matrix @ du - np.append(np.zeros(k - n), dw), missing, atol=1e-9 * size**2)
    assert_allclose(v * dw + w * du[-n:], change, atol=1e-9 * size**2)
    step = inner_step(v, du[-n:], w, dw)
    ends = np.append(v + step * du[-n:], w + step * dw)
    assert ends.min() >= -1e-12 * size
    assert step == 1 or ends.min() <= 1e-12 * size
    assert inner_step(v, du[-n:], w, dw, 0.5) >= 0.5 * step


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: interior_point([1], [[1, 1]], [1]), ValueError, "c must have shape (2,)"),
        (lambda: interior_point([1, 1], [[1, np.nan]], [1]), ValueError, "A must be finite, got nan"),
        (
            lambda: interior_point([1], [[1]], [1], tolerance=0),
            ValueError,
            "tolerance must be finite and < 1 and >= 1e-12, got 0",
        ),
        (
            lambda: interior_point([1], [[1]], [1], tolerance=1),
            ValueError,
            "tolerance must be finite and < 1 and >= 1e-12, got 1",
        ),
        (lambda: interior_point([1], [[1]], [1], limit=-1), ValueError, "limit must be at least 0"),
        (lambda: interior_point([1], [[1]], [1], limit=2.5), TypeError, "limit must be a whole number"),
        (lambda: central_path([1], [[1]], [1], 1.0), ValueError, "barriers must have 1 axes"),
        (
            lambda: central_path([1], [[1]], [1], [1, 0]),
            ValueError,
            "barriers[1] must be finite and > 0, got 0",
        ),
        (lambda: central_path([1, 2], [[1]], [1], [1]), ValueError, "c must have shape (1,)"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call()
