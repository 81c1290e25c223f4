"""What linear programs share: rows that depend, rows that contradict, units, and signs under rounding."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from lib.linear_programs import balance, contradiction, independent_rows, largest, solve, standard_form, sure

untimed = settings(deadline=None, max_examples=150)
seeds = st.integers(0, 2**32 - 1)


def deficient(seed):
    """A matrix with rows that others explain, and its rank."""
    rng = np.random.default_rng(seed)
    m, n, rank = rng.integers(1, 8), rng.integers(1, 8), rng.integers(0, 5)
    A = (rng.integers(-3, 4, (m, rank)) @ rng.integers(-3, 4, (rank, n))).astype(float)
    return A, np.linalg.matrix_rank(A), rng


@given(seed=seeds)
@untimed
def test_independent_rows_are_the_first_that_span_all_in_any_units(seed):
    A, rank, rng = deficient(seed)
    rows = independent_rows(A)
    assert len(rows) == rank
    for index in range(len(A)):
        above = np.linalg.matrix_rank(A[:index]) if index else 0
        assert (index in rows) == (np.linalg.matrix_rank(A[: index + 1]) > above)
    units = np.outer(10.0 ** rng.integers(-9, 10, A.shape[0]), 10.0 ** rng.integers(-3, 4, A.shape[1]))
    assert_array_equal(independent_rows(A * units), rows)


def test_rows_that_differ_by_less_than_rounding_depend():
    assert independent_rows(np.array([[1, 1], [1, 1 + 1e-12]])).tolist() == [0]
    assert independent_rows(np.array([[1, 1], [1, 1 + 1e-8]])).tolist() == [0, 1]
    assert independent_rows(np.array([[0.1, 0.2, 0.3], [0.3, 0.6, 0.9]])).tolist() == [0]


def test_what_rounding_leaves_of_a_right_side_of_zero_contradicts_nothing():
    A, b = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, -1.0]]), np.array([3 * 0.1, 0.3, 0.0])
    assert b[0] != b[1]
    assert contradiction(A, b) is None


@given(seed=seeds)
@untimed
def test_a_contradiction_is_found_exactly_where_there_is_one(seed):
    A, rank, rng = deficient(seed)
    b = A @ rng.integers(-3, 4, A.shape[1]) / 3
    assert contradiction(A, b) is None
    wrong = b.copy()
    wrong[rng.integers(len(b))] += 1
    y = contradiction(A, wrong)
    assert (y is not None) == (np.linalg.matrix_rank(np.column_stack([A, 3 * wrong])) > rank)
    if y is not None:
        assert_allclose(y @ A, 0, atol=1e-12 * (1 + abs(y) @ abs(A)).max())
        assert y @ wrong > 1e-9


@given(seed=seeds)
@untimed
def test_the_bound_of_rounding_holds_and_is_not_far_from_it(seed):
    rng = np.random.default_rng(seed)
    n = rng.integers(1, 9)
    matrix, true = rng.integers(-9, 10, (n, n)).astype(float), rng.integers(-1, 2, n).astype(float)
    if abs(np.linalg.det(matrix)) < 0.5:
        return
    units = 2.0 ** rng.integers(-9, 10, (2, n))
    x, blur = solve(matrix * np.outer(*units), matrix @ true * units[0])
    assert (abs(x * units[1] - true) <= blur * units[1]).all()
    assert_array_equal(sure(x, blur) == 0, true == 0)
    assert (blur * units[1] < 1e-12 * (np.linalg.cond(matrix) + 1) * 100 * n).all()


def test_zeros_stay_zeros_where_elimination_has_mixed_rows():
    # Only the last equation has a right side: the others say that their unknowns are 0.
    for seed in range(200):
        rng = np.random.default_rng(seed)
        matrix = np.eye(6)
        matrix[:4, :4], matrix[5, :4] = rng.standard_normal((4, 4)), 1
        matrix[4, :4] = rng.standard_normal(4)
        assert_array_equal(sure(*solve(matrix, np.eye(6)[5])), np.eye(6)[5])


@given(seed=seeds)
@untimed
def test_balanced_rows_and_columns_have_largest_entries_of_one(seed):
    A, _, rng = deficient(seed)
    A = A * np.outer(10.0 ** rng.integers(-5, 6, A.shape[0]), 10.0 ** rng.integers(-5, 6, A.shape[1]))
    rows, columns = balance(A)
    balanced = abs(A) / np.outer(rows, columns)
    assert_allclose(balanced.max(axis=0), A.any(axis=0), atol=1e-4)
    assert_allclose(balanced.max(axis=1), A.any(axis=1), atol=1e-4)
    assert (rows > 0).all()
    assert (columns > 0).all()


def test_nothing_is_a_unit():
    assert largest(np.zeros(3)) == largest(np.empty(0)) == 1
    assert largest(np.array([-3.0, 2.0])) == 3
    with pytest.raises(ValueError, match=r"A must have at least one row and one column, got shape \(0, 2\)"):
        standard_form([1, 2], np.empty((0, 2)), [])
