"""The simplex method against HiGHS, enumeration, duality and the programs made to vex it."""

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from programs import (
    BEALE,
    KINDS,
    assert_infeasible,
    assert_optimal,
    assert_unbounded,
    klee_minty,
    program,
    verdict,
)

from lib.linear_programs import independent_rows
from lib.simplex import corners, simplex

untimed = settings(deadline=None, max_examples=150)
few = settings(deadline=None, max_examples=40)
seeds = st.integers(0, 2**32 - 1)
rules = pytest.mark.parametrize("rule", ["bland", "dantzig"])
TRIANGLE = ([5, 3, 8], [[1, 1, 2]], [4])


@rules
@given(seed=seeds)
@untimed
def test_status_and_cost_are_those_of_highs_and_proved(rule, seed):
    c, A, b = program(seed)
    found = simplex(c, A, b, rule=rule)
    status, cost = verdict(c, A, b)
    assert found.status == status
    if status == "optimal":
        assert found.cost == pytest.approx(cost, rel=1e-7, abs=1e-7 * abs(c).max())
        assert_optimal(found, c, A, b, 1e-10)
        assert_array_equal(found.corners[-1].x, found.x)
        assert_array_equal(found.corners[-1].y, found.y)
        assert found.cost == found.corners[-1].cost
        assert (found.corners[-1].reduced_costs >= 0).all()
        return
    assert found.x is found.y is found.cost is None
    if status == "infeasible":
        assert found.corners == []
        assert_infeasible(found.certificate, A, b, 1e-10)
    else:
        assert_unbounded(found.certificate, c, A, 1e-10)
        start = found.corners[-1].x
        assert_allclose(A @ (start + 7 * found.certificate), b, atol=1e-9 * (1 + abs(A).max() * start.max()))
        outside = np.setdiff1d(np.arange(c.size), found.corners[-1].basis)
        assert np.count_nonzero(found.certificate[outside]) == 1, "the ray is not an edge"


@rules
@given(seed=seeds)
@untimed
def test_every_corner_solves_the_equations_of_its_basis_and_the_walk_goes_along_edges(rule, seed):
    c, A, b = program(seed)
    found = simplex(c, A, b, rule=rule)
    for corner in found.corners:
        basis = list(corner.basis)
        assert basis == sorted(set(basis))
        assert len(basis) == np.linalg.matrix_rank(A / abs(A).max(axis=0).clip(1e-9))
        assert_array_equal(np.delete(corner.x, basis), 0)
        assert (corner.x >= 0).all()
        assert_allclose(A @ corner.x, b, atol=1e-10 * (1e-9 + (abs(A) @ corner.x).max()))
        priced = abs(corner.y) @ abs(A) + abs(c)
        assert_allclose((corner.y @ A - c)[basis] / np.where(priced > 0, priced, 1)[basis], 0, atol=1e-10)
        assert (abs(corner.reduced_costs - (c - corner.y @ A)) <= 1e-9 * priced).all()
        assert corner.cost == c @ corner.x
        assert abs(corner.cost - b @ corner.y) <= 1e-9 * (abs(c) @ corner.x + abs(b) @ abs(corner.y))
    for here, there in pairwise(found.corners):
        (entering,) = set(there.basis) - set(here.basis)
        assert here.reduced_costs[entering] < 0
        assert there.cost <= here.cost + 1e-9 * (abs(c) @ here.x)
        downhill = np.flatnonzero(here.reduced_costs < 0)
        if rule == "bland":
            assert entering == downhill[0]
        else:
            least = here.reduced_costs.min()
            assert entering == np.flatnonzero(here.reduced_costs <= least + 1e-11 * abs(least))[0]
    assert len({corner.basis for corner in found.corners}) == len(found.corners) or found.status == "cycling"
    assert found.pivots >= max(len(found.corners) - 1, 0)


def small(seed):
    """A program with m n at most 60, of small whole numbers."""
    c, A, b = program(seed - seed % len(KINDS) + (seed % 4))
    return c, A[:4], b[:4]


@given(seed=seeds)
@few
def test_the_corners_are_all_basic_feasible_solutions_and_the_cheapest_is_the_solution(seed):
    c, A, b = small(seed)
    every = corners(A, b)
    for basis, x in every:
        assert (x >= 0).all()
        assert_allclose(A @ x, b, atol=1e-9)
        assert_array_equal(np.delete(x, basis), 0)
        assert np.linalg.matrix_rank(A[:, basis]) == len(basis) == np.linalg.matrix_rank(A)
    bases = [basis for basis, _ in every]
    assert bases == sorted(set(bases))
    found = simplex(c, A, b)
    assert (found.status == "infeasible") == (every == [])
    assert {corner.basis for corner in found.corners} <= set(bases)
    if found.status == "optimal":
        assert min(c @ x for _, x in every) == pytest.approx(found.cost, abs=1e-9)


def test_the_number_of_corners_of_a_cube_and_of_an_octahedron():
    assert len(corners(np.hstack([np.eye(4), np.eye(4)]), np.ones(4))) == 16
    # |x₁| + |x₂| + |x₃| = 1 with x = p − q: the corners are the six unit vectors.
    assert [x.tolist() for _, x in corners(np.ones((1, 6)), [1])] == np.eye(6).tolist()


def test_a_degenerate_corner_is_found_with_each_of_its_bases():
    # The tip of a pyramid over a square, with the four slacks of its sides: any 3 of the 4 can be zero.
    sides = np.array(
        [[1, 1, 1, 1, 0, 0, 0], [-1, 1, 1, 0, 1, 0, 0], [1, -1, 1, 0, 0, 1, 0], [-1, -1, 1, 0, 0, 0, 1]]
    )
    A = np.hstack([sides[:, :2], -sides[:, :2], sides[:, 2:]])  # x₁ and x₂ of any sign
    tip = [basis for basis, x in corners(A, np.ones(4)) if x[4] == 1]
    assert len(tip) > 4
    assert (1, 3, 4, 5) not in tip


@rules
def test_corners_that_are_given_are_the_start(rule):
    c, A, b = TRIANGLE
    found = simplex(c, A, b, rule=rule, basis=[2])
    assert found.corners[0].basis == (2,)
    assert_array_equal(found.corners[0].x, [0, 0, 2])
    assert_array_equal(found.corners[0].y, [4])
    assert_array_equal(found.corners[0].reduced_costs, [1, -1, 0])
    assert found.pivots == 1
    assert simplex(c, A, b, basis=(1,)).pivots == 0


@given(seed=seeds)
@few
def test_the_solution_does_not_depend_on_the_corner_where_it_starts(seed):
    c, A, b = small(seed)
    found = simplex(c, A, b)
    for basis, x in corners(A, b)[:6]:
        other = simplex(c, A, b, basis=basis[::-1])
        assert other.status == found.status
        assert_array_equal(other.corners[0].x, x)
        assert other.pivots == len(other.corners) - 1
        assert (other.cost is None) == (found.cost is None)
        assert found.cost is None or other.cost == pytest.approx(found.cost, abs=1e-9)


def test_a_basis_comes_back_under_dantzigs_rule_on_beales_example_and_not_under_blands():
    cycle = simplex(*BEALE, rule="dantzig", basis=[4, 5, 6])
    bases = [corner.basis for corner in cycle.corners]
    assert cycle.status == "cycling"
    assert bases[0] == bases[-1] == (4, 5, 6)
    assert len(set(bases)) == 6 == cycle.pivots
    assert cycle.x is cycle.y is cycle.cost is cycle.certificate is None
    assert {corner.cost for corner in cycle.corners} == {0}
    found = simplex(*BEALE, rule="bland", basis=[4, 5, 6])
    assert found.status == "optimal"
    assert_allclose(found.x[:4], [0.04, 0, 1, 0], atol=1e-15)
    assert found.cost == pytest.approx(-0.05, abs=1e-15)


@pytest.mark.parametrize("n", range(1, 10))
def test_dantzigs_rule_goes_to_every_corner_of_a_klee_minty_cube(n):
    c, A, b = klee_minty(n)
    found = simplex(c, A, b, rule="dantzig", basis=range(n, 2 * n))
    assert_array_equal(found.corners[0].x[:n], 0)
    assert len({tuple(corner.x > 0) for corner in found.corners}) == 2**n == len(found.corners)
    assert (np.diff([corner.cost for corner in found.corners]) < 0).all()
    assert found.cost == pytest.approx(-(5**n), rel=1e-14)


def test_in_the_first_phase_a_cycle_is_told_too():
    # The third row makes the reduced costs of the first phase those of Beale's example.
    cost, A, _ = (np.array(part, dtype=float) for part in BEALE)
    A = np.vstack([A[:2, :6], -cost[:6] - A[:2, :6].sum(axis=0)])
    cycle = simplex(np.zeros(6), A, [0, 0, 1], rule="dantzig")
    assert cycle.status == "cycling"
    assert cycle.corners == []
    assert cycle.pivots == 8
    assert cycle.certificate is None
    assert simplex(np.zeros(6), A, [0, 0, 1]).status == verdict(np.zeros(6), A, [0, 0, 1])[0]


@rules
@pytest.mark.parametrize(
    ("c", "A", "b", "status"),
    [
        ([0, 0], [[0, 0]], [0], "optimal"),
        ([1, -1], [[0, 0]], [0], "unbounded"),
        ([1, -1], [[0, 0]], [1], "infeasible"),
        ([1, -1], [[0, 0]], [-1], "infeasible"),
        ([1], [[1], [2], [3]], [1, 2, 3], "optimal"),
        ([1], [[1], [2], [3]], [1, 2, 4], "infeasible"),
        ([1, 1], [[1, 2], [3, 4]], [5, 11], "optimal"),
        ([1, 1], [[1, 2], [3, 4]], [5, 16], "infeasible"),
        ([-1, -1, 0], [[1, 1, 0], [1, 1, 0]], [0, 0], "optimal"),
        ([0, 0, -1], [[1, 1, 0]], [3], "unbounded"),
        ([-1, -1], [[1, -1]], [0], "unbounded"),
        ([1e-9, -1e-9], [[1e-6, 1e-6]], [1e-12], "optimal"),
        ([1e9, -1e9], [[1e7, -1e7]], [1e-3], "optimal"),
        ([1e9, -1.1e9], [[1e7, -1e7]], [1e-3], "unbounded"),
        ([1, 1], [[1, 0], [1, 0]], [1, 1 + 1e-8], "infeasible"),
        ([1, 1], [[1, 0], [1, 0]], [1, 1 + 1e-15], "optimal"),
        ([0.3, 0.1, 0.2], [[0.3, 0.1, 0.2]], [0.6], "optimal"),
    ],
)
def test_programs_at_the_edge(c, A, b, status, rule):
    c, A, b = (np.array(part, dtype=float) for part in (c, A, b))
    found = simplex(c, A, b, rule=rule)
    assert found.status == status
    if status == "optimal":
        assert_optimal(found, c, A, b, 1e-12)
    elif status == "infeasible":
        assert (found.certificate @ A <= 1e-15).all()
        assert found.certificate @ b > 0
    else:
        assert_unbounded(found.certificate, c, A, 1e-15)


@given(seed=seeds)
@untimed
def test_units_change_nothing_on_blands_way(seed):
    c, A, b = program(seed)
    rng = np.random.default_rng(seed)
    rows, columns = 2.0 ** rng.integers(-20, 21, len(b)), 2.0 ** rng.integers(-20, 21, len(c))
    every = [corner.basis for corner in simplex(c, A, b).corners]
    if every:
        here = simplex(c, A, b, basis=every[0])
        there = simplex(c * columns, A * np.outer(rows, columns), b * rows, basis=every[0])
        assert [corner.basis for corner in there.corners] == [corner.basis for corner in here.corners]
        assert there.status == here.status


def test_redundant_rows_have_no_price():
    c, A, _ = TRIANGLE
    found = simplex(c, np.vstack([np.zeros(3), *A, np.multiply(A, -2)]), [0, 4, -8])
    assert_array_equal(found.y, [0, 3, 0])
    assert found.corners[-1].basis == (1,)


@given(seed=seeds)
@few
def test_artificial_unknowns_at_zero_leave_the_basis(seed):
    # b = 0 keeps them all in the basis at the end of the first phase.
    c, A, _ = program(seed)
    found = simplex(abs(c), A, np.zeros(len(A)))
    assert found.status == "optimal"
    assert found.pivots == len(independent_rows(A)) + len(found.corners) - 1
    assert max(found.corners[0].basis, default=0) < c.size


def test_arguments_are_left_alone():
    c, A, b = (np.array(part, dtype=float) for part in BEALE)
    before = [part.copy() for part in (c, A, b)]
    simplex(c, A, b)
    for part, kept in zip((c, A, b), before, strict=True):
        assert_array_equal(part, kept)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: simplex([1, 2], [[1, 1]], [1, 2]), ValueError, "b must have shape (1,), got shape (2,)"),
        (lambda: simplex([1], [[1, 1]], [1]), ValueError, "c must have shape (2,), got shape (1,)"),
        (lambda: simplex([1, 2], [1, 1], [1]), ValueError, "A must have 2 axes"),
        (lambda: simplex([1, np.nan], [[1, 1]], [1]), ValueError, "c must be finite, got nan"),
        (lambda: simplex([1, 2], [[1, np.inf]], [1]), ValueError, "A must be finite, got inf"),
        (lambda: simplex([1, 2], [[1, 1]], ["1"]), TypeError, "b must hold real numbers"),
        (
            lambda: simplex([], np.empty((1, 0)), [1]),
            ValueError,
            "A must have at least one row and one column",
        ),
        (
            lambda: simplex([1], np.empty((0, 1)), []),
            ValueError,
            "A must have at least one row and one column",
        ),
        (
            lambda: simplex(*TRIANGLE, rule="steepest"),
            ValueError,
            "rule must be 'bland' or 'dantzig', got 'steepest'",
        ),
        (
            lambda: simplex(*TRIANGLE, basis=[0, 1]),
            ValueError,
            "basis must be 1 different columns below 3, got [0, 1]",
        ),
        (
            lambda: simplex(*TRIANGLE, basis=[3]),
            ValueError,
            "basis must be 1 different columns below 3, got [3]",
        ),
        (lambda: simplex(*TRIANGLE, basis=[-1]), ValueError, "basis[0] must be at least 0, got -1"),
        (lambda: simplex(*TRIANGLE, basis=[0.0]), TypeError, "basis[0] must be a whole number, got 0.0"),
        (
            lambda: simplex([0, 0, 0], np.eye(3)[:2], [1, 1], basis=[0, 2]),
            ValueError,
            "basis must be independent columns, got [0, 2]",
        ),
        (
            lambda: simplex([0, 0], [[1, -1]], [1], basis=[1]),
            ValueError,
            "basis must have a corner x >= 0, got [1] with x = [ 0. -1.]",
        ),
        (
            lambda: simplex([0, 0], np.eye(2), [1, 1], basis=[1, 1]),
            ValueError,
            "basis must be 2 different columns below 2, got [1, 1]",
        ),
        (lambda: corners([1, 2], [1]), ValueError, "A must have 2 axes"),
        (lambda: corners([[1, 2]], [1, 2]), ValueError, "b must have shape (1,)"),
        (
            lambda: corners(np.eye(10, 30), np.ones(10)),
            ValueError,
            "A must leave at most 100000 sets of 10 of its 30 columns to try, got 30045015",
        ),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call()
