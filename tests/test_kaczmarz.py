"""Kaczmarz's method against its formula row by row, the geometry of projections, and pseudoinverses."""

import re

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from lib import kaczmarz as module
from lib.kaczmarz import (
    averaged_kaczmarz,
    block_kaczmarz,
    kaczmarz,
    row_probabilities,
    strohmer_vershynin_rate,
)

untimed = settings(deadline=None, max_examples=60)


@st.composite
def systems(draw, most=7):
    """Draw a matrix without zero rows, Gaussian or of small integers, a point x* and a start."""
    m, n = draw(st.integers(1, most)), draw(st.integers(1, most))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    A = rng.normal(size=(m, n))
    if draw(st.booleans()):
        A = rng.integers(-2, 3, size=(m, n)).astype(float)
        A[~A.any(axis=1), 0] = 1
    return A, rng.normal(size=n), rng.normal(size=n)


def formula(A, b, start, rows):
    """Return all points of the method, written as in a textbook."""
    path = [np.array(start, dtype=float)]
    for i in rows:
        path.append(path[-1] + (b[i] - A[i] @ path[-1]) / (A[i] @ A[i]) * A[i])
    return np.array(path)


@given(system=systems())
@untimed
def test_a_step_leads_straight_to_the_hyperplane(system):
    A, _, start = system
    b = np.arange(1.0, len(A) + 1)
    for i, row in enumerate(A):
        x, (length,) = kaczmarz(A, b, start, [i])
        assert row @ x == pytest.approx(b[i], abs=1e-12 * (1 + np.abs(row) @ np.abs(x)))
        assert_allclose(x - start, length * row / np.linalg.norm(row), atol=1e-13 * (1 + abs(length)))


@given(system=systems(), seed=st.integers(0, 2**32 - 1))
@untimed
def test_step_and_remaining_error_are_at_a_right_angle_and_lengths_give_all_errors(system, seed):
    A, solution, start = system
    rows = np.random.default_rng(seed).integers(len(A), size=40)
    run = kaczmarz(A, A @ solution, start, rows)
    path = formula(A, A @ solution, start, rows)
    scale = np.sum((start - solution) ** 2)
    assert_allclose(
        ((path[1:] - solution) * A[rows]).sum(axis=1), 0, atol=1e-12 * (1 + scale) * np.abs(A).max()
    )
    squares = np.sum((run.x - solution) ** 2) + np.append(np.cumsum(run.lengths[::-1] ** 2)[::-1], 0)
    assert_allclose(squares, ((path - solution) ** 2).sum(axis=1), atol=1e-12 * (1 + scale))
    assert (np.diff(squares) <= 0).all()


@pytest.mark.parametrize("consistent", [True, False])
@pytest.mark.parametrize("unknowns", [1, 2, 10, 20, 21])
@pytest.mark.parametrize("steps", [0, 1, 3999, 4000, 4399, 9123])
def test_long_runs_side_by_side_are_the_runs_row_by_row(unknowns, steps, consistent):
    rng = np.random.default_rng(steps + unknowns)
    A = rng.normal(size=(40, unknowns)) * np.geomspace(1e-3, 1e3, 40)[:, None]
    b, start = A @ rng.normal(size=unknowns), rng.normal(size=unknowns)
    if not consistent:
        b += rng.normal(size=40) * np.linalg.norm(A, axis=1)
    rows = rng.integers(40, size=steps)
    run = kaczmarz(A, b, start, rows)
    path = formula(A, b, start, rows)
    assert_allclose(run.x, path[-1], atol=1e-11)
    assert_allclose(
        run.lengths,
        (np.diff(path, axis=0) * (A / np.linalg.norm(A, axis=1)[:, None])[rows]).sum(axis=1),
        atol=1e-11,
    )


def test_a_long_run_in_few_unknowns_is_walked_side_by_side(monkeypatch):
    walked = []
    whole = module._one_by_one
    monkeypatch.setattr(module, "_one_by_one", lambda *args: walked.append(args[-1].size) or whole(*args))
    for steps, unknowns in ((4123, 20), (3999, 20), (4123, 21)):
        kaczmarz(np.ones((2, unknowns)), [1, 1], np.zeros(unknowns), np.zeros(steps, dtype=int))
    assert walked == [123, 3999, 4123]


def test_small_errors_of_a_long_run_are_kept_to_all_digits():
    rng = np.random.default_rng(3)
    A, start = rng.normal(size=(30, 6)), rng.normal(size=6)
    rows = rng.integers(30, size=4100)  # towards 0, so that the points are the errors
    run = kaczmarz(A, np.zeros(30), start, rows)
    path = formula(A, np.zeros(30), start, rows)
    squares = run.x @ run.x + np.append(np.cumsum(run.lengths[::-1] ** 2)[::-1], 0)
    assert squares[-1] < 1e-100
    assert_allclose(squares, (path**2).sum(axis=1), rtol=1e-10)


@given(system=systems())
@untimed
def test_from_any_start_it_converges_to_the_solution_nearest_to_the_start(system):
    A, solution, start = system
    b = A @ solution
    singular = np.linalg.svd(A, compute_uv=False)
    if singular[singular > 1e-9][-1] < 0.2 * singular[0]:
        return  # too slow to wait for
    rows = np.tile(np.arange(len(A)), 400)
    nearest = start + np.linalg.pinv(A, rcond=1e-9) @ (b - A @ start)
    assert_allclose(kaczmarz(A, b, start, rows).x, nearest, atol=1e-8)
    assert_allclose(kaczmarz(A, b, 0 * start, rows).x, np.linalg.pinv(A, rcond=1e-9) @ b, atol=1e-8)


@given(system=systems())
@untimed
def test_the_expected_squared_error_of_a_random_step_is_within_the_rate(system):
    A, solution, start = system
    b, error = A @ solution, start - solution
    after = [np.sum((kaczmarz(A, b, start, [i]).x - solution) ** 2) for i in range(len(A))]
    expected = row_probabilities(A) @ after
    # exactly, for every error: what is lost is ‖A e‖² / ‖A‖²
    total = np.sum(A**2)
    assert expected == pytest.approx(error @ error - np.sum((A @ error) ** 2) / total, rel=1e-10, abs=1e-12)
    assert expected <= strohmer_vershynin_rate(A) * (error @ error) + 1e-12 * (1 + error @ error)
    worst = np.linalg.svd(A)[2][-1]
    after = [np.sum(kaczmarz(A, 0 * b, worst, [i]).x ** 2) for i in range(len(A))]
    assert row_probabilities(A) @ after == pytest.approx(strohmer_vershynin_rate(A), rel=1e-10, abs=1e-12)


def test_the_rate_is_that_of_the_smallest_eigenvalue():
    A = np.random.default_rng(0).normal(size=(9, 4))
    square = A.T @ A
    assert strohmer_vershynin_rate(A) == pytest.approx(1 - np.linalg.eigvalsh(square)[0] / np.trace(square))
    assert strohmer_vershynin_rate(7 * A) == pytest.approx(strohmer_vershynin_rate(A), rel=1e-14)
    assert strohmer_vershynin_rate(scipy.sparse.csr_array(A)) == pytest.approx(strohmer_vershynin_rate(A))
    assert strohmer_vershynin_rate(A.T) == 1.0
    assert strohmer_vershynin_rate(np.column_stack([A, A])) == pytest.approx(1, abs=1e-15)
    assert strohmer_vershynin_rate(np.eye(5)) == pytest.approx(4 / 5, rel=1e-15)


@pytest.mark.parametrize("kind", ["csr_array", "csr_matrix", "coo_array", "csc_array"])
def test_sparse_is_dense(kind):
    rng = np.random.default_rng(1)
    A = rng.normal(size=(12, 8)) * (rng.random(size=(12, 8)) < 0.3)
    A[:, 0] += 1
    b, start, rows = rng.normal(size=12), rng.normal(size=8), rng.integers(12, size=5000)
    sparse = getattr(scipy.sparse, kind)(A)
    ours, dense = kaczmarz(sparse, b, start, rows), kaczmarz(A, b, start, rows)
    assert_allclose(ours.x, dense.x, atol=1e-12)
    assert_allclose(ours.lengths, dense.lengths, atol=1e-12)
    blocks = rows[:30].reshape(-1, 3)
    for method in (block_kaczmarz, averaged_kaczmarz):
        assert_allclose(method(sparse, b, start, blocks), method(A, b, start, blocks), atol=1e-10)
    assert_allclose(row_probabilities(sparse), row_probabilities(A), rtol=1e-14)


def test_an_entry_stored_in_parts_counts_as_their_sum_and_stays_as_it_was():
    twice = scipy.sparse.csr_array((np.array([1.0, 2.0, 4.0]), np.array([0, 0, 1]), np.array([0, 3])))
    run = kaczmarz(twice, [5.0], [0, 0], [0])
    assert_allclose(run.x, [0.6, 0.8])
    assert run.lengths == pytest.approx([1.0])
    assert_array_equal(twice.data, [1, 2, 4])


@given(system=systems(), seed=st.integers(0, 2**32 - 1))
@untimed
def test_a_block_step_is_the_shortest_that_solves_the_block(system, seed):
    A, solution, start = system
    b = A @ solution
    rng = np.random.default_rng(seed)
    blocks = [rng.integers(len(A), size=rng.integers(1, len(A) + 2)) for _ in range(4)]
    path = block_kaczmarz(A, b, start, blocks)
    assert_array_equal(path[0], start)
    for block, here, there in zip(blocks, path, path[1:], strict=False):
        part = A[block]
        assert_allclose(part @ there, b[block], atol=1e-9)
        across = here - there  # nothing of it along the solutions of the block
        assert_allclose(np.linalg.pinv(part, rcond=1e-10) @ (part @ across), across, atol=1e-8)
    one = block_kaczmarz(A, b, start, [[i] for i in range(len(A))])
    assert_allclose(one, formula(A, b, start, range(len(A))), atol=1e-11)


def test_a_block_that_contradicts_itself_is_solved_by_least_squares():
    A, b = np.array([[1.0, 0.0], [1.0, 0.0], [2.0, 0.0]]), np.array([0.0, 1.0, 5.0])
    path = block_kaczmarz(A, b, [7.0, 3.0], [[0, 1], [0, 1, 2]])
    assert_allclose(path[1:], [[0.5, 3], [11 / 6, 3]], rtol=1e-14)


@given(system=systems(), seed=st.integers(0, 2**32 - 1))
@untimed
def test_an_averaged_step_is_the_mean_of_the_single_ones(system, seed):
    A, solution, start = system
    rng = np.random.default_rng(seed)
    b = rng.normal(size=len(A))
    blocks = [rng.integers(len(A), size=size) for size in (1, 2, 5)]
    path = averaged_kaczmarz(A, b, start, blocks)
    assert_array_equal(path[0], start)
    for block, here, there in zip(blocks, path, path[1:], strict=False):
        assert_allclose(there, np.mean([formula(A, b, here, [i])[1] for i in block], axis=0), atol=1e-11)
    toward = averaged_kaczmarz(A, A @ solution, start, blocks) - solution
    assert (np.diff((toward**2).sum(axis=1)) <= 1e-12).all()


def test_averaged_steps_converge_where_single_ones_keep_jumping():
    A, b = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), np.array([0.0, 1.0, 2.0])
    assert_allclose(averaged_kaczmarz(A, b, [9, 9], [[0, 1, 2]] * 100)[-1], [0.5, 2], atol=1e-12)
    assert abs(kaczmarz(A, b, [9, 9], [0, 1, 2] * 100).x[0] - 0.5) == 0.5


def test_rows_are_chosen_by_their_squared_norms():
    A = np.random.default_rng(2).normal(size=(6, 3))
    probabilities = row_probabilities(A)
    assert probabilities.sum() == pytest.approx(1, abs=1e-15)
    assert_allclose(probabilities, np.linalg.norm(A, axis=1) ** 2 / np.linalg.norm(A) ** 2, rtol=1e-14)
    assert_array_equal(row_probabilities([[0, 0], [1, 2]]), [0, 1])


def test_zero_rows_and_nothing_to_do_are_met():
    A, b, start = np.array([[0.0, 0.0], [1.0, 1.0]]), [5.0, 2.0], np.array([3.0, 1.0])
    for matrix in (A, scipy.sparse.csr_array(A)):
        assert_allclose(kaczmarz(matrix, b, start, [1, 1]).x, [2, 0], atol=1e-15)
        run = kaczmarz(matrix, b, start, [])
        assert_array_equal(run.x, start)
        assert run.lengths.shape == (0,)
        assert_array_equal(block_kaczmarz(matrix, b, start, []), [start])
        run.x[:] = 0
        assert_array_equal(start, [3, 1])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: kaczmarz([1, 2], [1], [1], [0]), ValueError, "A must have 2 axes"),
        (lambda: kaczmarz([[1, np.nan]], [1], [0, 0], [0]), ValueError, "A must be finite"),
        (
            lambda: kaczmarz(scipy.sparse.csr_array([[1, np.inf]]), [1], [0, 0], [0]),
            ValueError,
            "A must be finite",
        ),
        (lambda: kaczmarz([[1, 2]], [1, 2], [0, 0], [0]), ValueError, "b must have shape (1,)"),
        (lambda: kaczmarz([[1, 2]], [1], [0], [0]), ValueError, "start must have shape (2,)"),
        (lambda: kaczmarz([[1, 2]], [1j], [0, 0], [0]), TypeError, "b must hold real numbers"),
        (lambda: kaczmarz([[1, 2]], [1], [0, 0], [0.0]), TypeError, "rows must hold whole numbers"),
        (lambda: kaczmarz([[1, 2]], [1], [0, 0], [True]), TypeError, "rows must hold whole numbers"),
        (lambda: kaczmarz([[1, 2]], [1], [0, 0], 0), ValueError, "rows must have 1 axes"),
        (lambda: kaczmarz([[1, 2]], [1], [0, 0], [0, 1]), ValueError, "rows must be from 0 to 0, got 0 to 1"),
        (lambda: kaczmarz([[1, 2]], [1], [0, 0], [-1]), ValueError, "rows must be from 0 to 0, got -1"),
        (
            lambda: kaczmarz([[1, 2], [0, 0]], [1, 0], [0, 0], [0, 1]),
            ValueError,
            "rows must not choose a zero row of A, got row 1",
        ),
        (
            lambda: block_kaczmarz([[1, 2], [0, 0]], [1, 0], [0, 0], [[0], [0, 1]]),
            ValueError,
            "blocks[1] must not choose a zero row of A, got row 1",
        ),
        (lambda: block_kaczmarz([[1, 2]], [1], [0, 0], [[]]), ValueError, "blocks[0] must have a row"),
        (lambda: averaged_kaczmarz([[1, 2]], [1], [0, 0], [0]), ValueError, "blocks[0] must have 1 axes"),
        (
            lambda: averaged_kaczmarz([[1, 2]], [1], [0, 0], [[1]]),
            ValueError,
            "blocks[0] must be from 0 to 0",
        ),
        (lambda: row_probabilities([[0, 0]]), ValueError, "A must not be zero"),
        (lambda: strohmer_vershynin_rate(np.zeros((2, 0))), ValueError, "A must not be zero"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call()
