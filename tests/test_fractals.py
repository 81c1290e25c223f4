"""Random affine maps against laws known in closed form, long walks, brute force, and known dimensions."""

import re

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from lib import fractals
from lib.fractals import (
    Maps,
    box_dimension,
    compositions,
    density,
    lyapunov_exponent,
    mean_square_radius,
    sgd_maps,
    stationary,
    walks,
)

untimed = settings(deadline=None, max_examples=60)
X = np.array([[0.0, 1.0], [1.0, 0.5], [1.0, -0.5]])
Y = np.array([0.0, 4.0, 0.0])
RATES = (0.3, 0.5, 0.65, 0.8, 1.0, 1.3)


def coin(rate, heads=1.0, tails=-1.0):
    """Return the maps w ↦ (1 − α)w + αy, for two fair targets y."""
    return sgd_maps([[1.0], [1.0]], [heads, tails], rate)


@st.composite
def contracting(draw):
    """Draw maps whose matrices shrink."""
    many, size = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    matrices = rng.normal(size=(many, size, size))
    matrices *= (rng.uniform(0.1, 0.9, size=many) / np.linalg.norm(matrices, 2, axis=(1, 2)))[:, None, None]
    return Maps(matrices, rng.normal(size=(many, size)))


@given(seed=st.integers(0, 2**32 - 1), rate=st.floats(0.01, 3))
@untimed
def test_maps_are_the_steps_of_sgd(seed, rate):
    rng = np.random.default_rng(seed)
    samples, targets, weights = rng.normal(size=(4, 3)), rng.normal(size=4), rng.normal(size=3)
    maps = sgd_maps(samples, targets, rate)
    for x, y, A, s in zip(samples, targets, *maps, strict=True):
        assert_allclose(A @ weights + s, weights - rate * (x @ weights - y) * x, atol=1e-12 * (1 + rate))


def test_the_cantor_set_is_that_of_the_ternary_digits_0_and_2():
    maps = coin(2 / 3, heads=0, tails=1)
    points = compositions(maps, [0.0], 9)[0]
    choices = np.arange(512)[:, None] >> np.arange(9)[::-1] & 1
    assert_allclose(points, (2 * choices / 3.0 ** np.arange(1, 10)).sum(axis=1), atol=1e-15)
    law = stationary(maps)
    assert_allclose(law.mean, [1 / 2], rtol=1e-15)
    assert_allclose(law.covariance, [[1 / 8]], rtol=1e-15)


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, (3 - 5**0.5) / 2, 0.9, 1.2, 1.9])
def test_bernoulli_convolutions_have_their_moments(rate):
    law = stationary(coin(rate))
    assert_allclose(law.mean, [0], atol=1e-15)
    assert_allclose(law.covariance, [[rate / (2 - rate)]], rtol=1e-13)
    assert mean_square_radius(coin(rate)) == pytest.approx((1 - rate) ** 2, rel=1e-14)


def test_halving_with_a_fair_coin_fills_an_interval_evenly():
    points = np.sort(compositions(coin(0.5), [0.0], 12)[0])
    assert_allclose(points, (2 * np.arange(4096) + 1) / 4096 - 1, atol=1e-15)


@given(maps=contracting())
@untimed
def test_the_exact_law_after_many_steps_has_the_stationary_moments(maps):
    law, size = stationary(maps), maps.shifts.shape[1]
    points = compositions(maps, law.mean, 4)
    assert points.shape == (size, len(maps.shifts) ** 4)
    scale = 1 + np.abs(maps.shifts).max() ** 2
    assert_allclose(points.mean(axis=1), law.mean, atol=1e-11 * scale)
    # the covariance that is still missing has been carried through four steps
    now, missing = np.cov(points, bias=True).reshape(size, size), law.covariance
    for _ in range(4):
        missing = np.mean([A @ missing @ A.T for A in maps.matrices], axis=0)
    assert_allclose(now + missing, law.covariance, atol=1e-10 * scale * (1 + np.abs(law.covariance).max()))


@given(maps=contracting())
@untimed
def test_with_one_matrix_the_covariance_is_scipys(maps):
    matrix, size = maps.matrices[0], maps.shifts.shape[1]
    noise = np.cov(maps.shifts.T, bias=True).reshape(size, size)
    same = Maps(np.array([matrix] * len(maps.shifts)), maps.shifts)
    expected = scipy.linalg.solve_discrete_lyapunov(matrix, noise)
    assert_allclose(stationary(same).covariance, expected, atol=1e-10 * (1 + np.abs(expected).max()))
    assert mean_square_radius(same) == pytest.approx(np.abs(np.linalg.eigvals(matrix)).max() ** 2, abs=1e-9)


@pytest.mark.parametrize("rate", [0.1, 0.65, 1.2])
def test_long_walks_have_the_stationary_moments(rate):
    maps = sgd_maps(X, Y, rate)
    law = stationary(maps)
    many = 40_000
    ends = walks(maps, np.zeros((2, many)), 150, np.random.default_rng(5))
    off = np.linalg.solve(np.linalg.cholesky(law.covariance), ends - law.mean[:, None])
    assert_allclose(off.mean(axis=1), 0, atol=5 / many**0.5)
    assert_allclose(off @ off.T / many, np.eye(2), atol=0.06)


def test_a_walk_takes_one_of_the_maps_at_each_step_each_as_often():
    maps = sgd_maps(X, Y, 0.65)
    ends = walks(maps, np.ones((2, 9000)), 2, np.random.default_rng(0))
    reached, times = np.unique(ends.round(9), axis=1, return_counts=True)
    assert_allclose(reached, np.unique(compositions(maps, [1, 1], 2).round(9), axis=1))
    assert_allclose(times, 1000, atol=150)
    starts = np.random.default_rng(1).normal(size=(2, 5))
    stayed = walks(maps, starts, 0, np.random.default_rng(0))
    assert_array_equal(stayed, starts)
    assert not np.shares_memory(stayed, starts)


@given(maps=contracting())
@untimed
def test_all_sequences_are_made_of_copies_of_the_shorter_ones(maps):
    start = np.arange(1.0, maps.shifts.shape[1] + 1)
    points = compositions(maps, start, 3)
    last = [A @ compositions(maps, start, 2) + s[:, None] for A, s in zip(*maps, strict=True)]
    assert_allclose(points, np.hstack(last), atol=1e-12)
    first = [compositions(maps, A @ start + s, 2) for A, s in zip(*maps, strict=True)]
    assert_allclose(points, np.stack(first, axis=2).reshape(len(start), -1), atol=1e-12)
    assert_array_equal(compositions(maps, start, 0), start[:, None])


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("block", [60_000, 300])
def test_the_picture_is_that_of_brute_force(rate, block, monkeypatch):
    monkeypatch.setattr(fractals, "BLOCK", block)
    maps, pixels = sgd_maps(X, Y, rate), 64
    points = compositions(maps, stationary(maps).mean, 11)
    rng = np.random.default_rng(0)
    low, high = points.min(axis=1) - 0.1, points.max(axis=1) + 0.1
    windows = [np.column_stack([low, high])]
    for size in (1.0, 0.3, 0.03, 0.003):
        for middle in points[:, rng.integers(points.shape[1], size=4)].T:
            windows.append((middle + rng.uniform(-size, size, 2) / 2)[:, None] + [-size / 2, size / 2])
    shown = 0
    for window in windows:
        places = (points - window[:, :1]) * (pixels / np.ptp(window, axis=1))[:, None]
        # a point near a pixel's border may fall on either side: the counts lie between these
        clear = (np.abs(places - np.round(places)) > 1e-3).all(axis=0)
        within = ((places > -1e-3) & (places < pixels + 1e-3)).all(axis=0)
        sure, unsure = np.zeros((2, pixels + 2, pixels + 2), dtype=int)
        x, y = np.floor(places[:, clear & within]).astype(int) + 1
        np.add.at(sure, (y, x), 1)
        for shift in ([1e-3, 1e-3], [-1e-3, 1e-3], [1e-3, -1e-3], [-1e-3, -1e-3]):
            x, y = np.floor(places[:, ~clear & within] + np.array(shift)[:, None]).astype(int) + 1
            np.add.at(unsure, (y, x), 1)
        picture = density(maps, window, pixels, 11)
        assert picture.shape == (pixels, pixels)
        assert (sure[1:-1, 1:-1] <= picture).all()
        assert (picture <= (sure + unsure)[1:-1, 1:-1]).all()
        shown += picture.sum() < 3**11
    assert density(maps, windows[0], pixels, 11).sum() == 3**11
    assert shown > 12


def test_the_picture_stands_where_the_points_are():
    still = Maps(np.zeros((2, 2, 2)), np.array([[1e6 + 0.35, 0.1], [1e6 + 0.85, 0.6]]))
    picture = density(still, ((1e6, 1e6 + 1), (0, 1)), pixels=10, depth=3)
    rows, columns = np.nonzero(picture)
    assert_array_equal(rows, [1, 6])
    assert_array_equal(columns, [3, 8])
    assert_array_equal(picture[rows, columns], [4, 4])
    assert density(still, ((0, 1), (0, 1)), pixels=10, depth=20).sum() == 0
    borders = Maps(np.zeros((4, 2, 2)), np.array([[0.0, 0.5], [0.5, 0.0], [1.0, 0.5], [0.5, 1.0]]))
    rows, columns = np.nonzero(density(borders, ((0, 1), (0, 1)), pixels=10, depth=1))
    assert_array_equal(rows, [0, 5])
    assert_array_equal(columns, [5, 0])


def test_far_from_the_origin_and_deep_inside_the_picture_is_the_same():
    maps = sgd_maps(X, Y, 0.65)
    far = Maps(maps.matrices, maps.shifts + (np.eye(2) - maps.matrices) @ [1e6, -1e6])
    window = np.array([[2.0, 2.125], [1.25, 1.375]])
    here = density(maps, window, 64, 14)
    assert here.sum() > 1000
    moved = density(far, np.add(window, [[1e6], [-1e6]]), 64, 14)
    assert np.abs(here - moved).sum() <= 1e-4 * here.sum() + 2


def test_a_deep_zoom_finds_every_point():
    # base 4 with the digits 0 and 3 on both axes: what is in a corner is a copy of all
    dust = Maps(np.tile(np.eye(2) / 4, (4, 1, 1)), np.array([[0, 0], [0, 3], [3, 0], [3, 3]]) / 4)
    side = 4.0**-10
    assert density(dust, ((0, side), (1 - side, 1)), 64, 15).sum() == 4**5
    whole, corner = density(dust, ((0, 1), (0, 1)), 64, 5), density(dust, ((0, side), (0, side)), 64, 15)
    assert_array_equal(whole, corner)


def test_dimensions_of_fractals_are_known():
    half = np.tile(np.eye(2) / 2, (3, 1, 1))
    triangle = density(Maps(half, np.array([[0, 0], [1, 0], [0, 1]]) / 2), ((0, 1), (0, 1)), 512, 12)
    dimension, sides, counts = box_dimension(triangle)
    assert_array_equal(sides, [2, 4, 8, 16, 32, 64])
    assert_array_equal(counts, 3 ** np.arange(8, 2, -1))
    assert dimension == pytest.approx(np.log2(3), rel=1e-12)
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    dust = Maps(np.tile(np.eye(2) / 4, (4, 1, 1)), corners * 3 / 4)
    dimension, _, counts = box_dimension(density(dust, ((0, 1), (0, 1)), 1024, 10))
    assert_array_equal(counts, [1024, 256, 256, 64, 64, 16, 16])
    assert dimension == pytest.approx(1, abs=0.08)
    # its thirds do not fit into boxes that halve: the estimate is only near
    dust = Maps(np.tile(np.eye(2) / 3, (4, 1, 1)), corners * 2 / 3)
    dimension, *_ = box_dimension(density(dust, ((0, 1), (0, 1)), 512, 10))
    assert dimension == pytest.approx(np.log(4) / np.log(3), abs=0.2)


def test_dimensions_of_simple_shapes_are_exact():
    shape = np.zeros((64, 64))
    shape[10, 20] = -1
    assert box_dimension(shape)[0] == pytest.approx(0, abs=1e-12)
    shape[:, 5] = 0.1
    assert box_dimension(shape[:, :] * (np.arange(64) == 5))[0] == pytest.approx(1, rel=1e-12)
    dimension, sides, counts = box_dimension(np.ones((64, 64), dtype=bool))
    assert dimension == pytest.approx(2, rel=1e-12)
    assert isinstance(dimension, float)
    assert_array_equal(sides, [2, 4, 8])
    assert_array_equal(counts, [1024, 256, 64])


def test_lyapunov_exponents_of_diagonal_maps_and_turns_are_exact():
    diagonal = Maps(np.array([np.diag([0.5, 0.25]), np.diag([-0.5, 0.125])]), np.zeros((2, 2)))
    assert lyapunov_exponent(diagonal, 60, np.random.default_rng(0)) == pytest.approx(-np.log(2), rel=1e-12)
    turn = np.array([[np.cos(1), -np.sin(1)], [np.sin(1), np.cos(1)]])
    growing = Maps(1.5 * np.array([turn, turn.T, np.eye(2)]), np.zeros((3, 2)))
    assert lyapunov_exponent(growing, 1, np.random.default_rng(0)) == pytest.approx(np.log(1.5), rel=1e-12)


def test_lyapunov_exponents_in_one_dimension_are_mean_logarithms():
    samples = np.array([[0.3], [1.0], [1.9]])
    factors = np.log(np.abs(1 - 0.7 * samples[:, 0] ** 2))
    found = lyapunov_exponent(sgd_maps(samples, [0, 1, 2], 0.7), 100, np.random.default_rng(1))
    assert found == pytest.approx(factors.mean(), abs=5 * factors.std() / (100 * 1000) ** 0.5)


@pytest.mark.parametrize("rate", [0.2, 0.65, 1.3, 2.2])
def test_lyapunov_exponents_are_the_growth_of_one_long_product(rate):
    maps, rng = sgd_maps(X, Y, rate), np.random.default_rng(7)
    product, growth, steps = np.eye(2), 0.0, 40_000
    for i in rng.integers(3, size=steps):
        product = maps.matrices[i] @ product
        size = np.abs(product).max()
        product, growth = product / size, growth + np.log(size) / steps
    assert lyapunov_exponent(maps, 100, rng) == pytest.approx(growth, abs=0.02)


def test_runs_with_the_same_choices_meet_just_if_the_exponent_is_negative():
    starts = np.random.default_rng(0).normal(size=(2, 2, 2000))
    for rate in (0.65, 2.2):
        maps = sgd_maps(X, Y, rate)
        one, other = (walks(maps, start, 40, np.random.default_rng(1)) for start in starts)
        apart = np.log(np.linalg.norm(one - other, axis=0) / np.linalg.norm(starts[0] - starts[1], axis=0))
        exponent = lyapunov_exponent(maps, 200, np.random.default_rng(2))
        assert apart.mean() / 40 == pytest.approx(exponent, abs=0.03)
        assert (exponent < 0) == (apart.mean() < 0)


def test_at_the_rate_1_some_choices_forget_the_start_at_once():
    maps = sgd_maps(X, Y, 1.0)
    first, second, _ = maps.matrices
    assert_array_equal(first @ second @ first, np.zeros((2, 2)))
    assert lyapunov_exponent(maps, 20, np.random.default_rng(0)) == -np.inf
    assert lyapunov_exponent(maps, 1, np.random.default_rng(0), walkers=1) > -np.inf


THREE = sgd_maps(X, Y, 0.65)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: sgd_maps([1, 2], [1], 1), ValueError, "X must have 2 axes"),
        (lambda: sgd_maps([[]], [1], 1), ValueError, "X must have samples and features, got shape (1, 0)"),
        (lambda: sgd_maps(X, [1, 2], 1), ValueError, "y must have shape (3,)"),
        (lambda: sgd_maps(X, Y, 0), ValueError, "learning_rate must be finite and > 0"),
        (
            lambda: stationary(sgd_maps(X, Y, 1.7)),
            ValueError,
            "maps must have a mean square radius below 1, got 1.02296",
        ),
        (lambda: stationary(coin(2)), ValueError, "mean square radius below 1, got 1"),
        (
            lambda: mean_square_radius(Maps(np.ones((2, 1, 2)), np.ones((2, 1)))),
            ValueError,
            "maps.matrices must have shape (k, n, n), got (2, 1, 2)",
        ),
        (
            lambda: walks(Maps(np.ones((0, 2, 2)), np.ones((0, 2))), [[0], [0]], 1, None),
            ValueError,
            "maps.matrices must have shape",
        ),
        (
            lambda: compositions(Maps(np.eye(2)[None], [1, 2]), [0, 0], 1),
            ValueError,
            "maps.shifts must have shape (1, 2)",
        ),
        (
            lambda: lyapunov_exponent(Maps([[[np.nan]]], [[1]]), 1, None),
            ValueError,
            "maps.matrices must be finite",
        ),
        (lambda: compositions(THREE, [0], 1), ValueError, "start must have shape (2,)"),
        (lambda: compositions(THREE, [0, 0], -1), ValueError, "depth must be at least 0"),
        (lambda: compositions(THREE, [0, 0], 17), ValueError, "depth must leave 50000000 sequences at most"),
        (lambda: walks(THREE, [[1, 2]], 1, None), ValueError, "starts must have 2 rows, got shape (1, 2)"),
        (lambda: walks(THREE, [[1], [2]], 1.0, None), TypeError, "steps must be a whole number"),
        (lambda: density(THREE, (0, 1)), ValueError, "window must have shape (2, 2)"),
        (
            lambda: density(THREE, ((0, 1), (2, 2))),
            ValueError,
            "window must be ((left, right), (bottom, top)), got [[0.0, 1.0], [2.0, 2.0]]",
        ),
        (lambda: density(THREE, ((0, 1), (0, 1)), 0), ValueError, "pixels must be at least 1"),
        (lambda: density(coin(0.5), ((0, 1), (0, 1))), ValueError, "plane, got maps of 1 dimensions"),
        (
            lambda: density(THREE, ((0, 5), (0, 5)), depth=30),
            ValueError,
            "depth or window must be smaller: over 1e+09 points",
        ),
        (
            lambda: box_dimension(np.ones((64, 32))),
            ValueError,
            "side a power of two from 64, got shape (64, 32)",
        ),
        (lambda: box_dimension(np.ones((96, 96))), ValueError, "side a power of two from 64"),
        (lambda: box_dimension(np.ones((32, 32))), ValueError, "side a power of two from 64"),
        (lambda: box_dimension(5), ValueError, "picture must be square"),
        (lambda: box_dimension(np.zeros((64, 64))), ValueError, "picture must show something"),
        (lambda: lyapunov_exponent(THREE, 0, None), ValueError, "steps must be at least 1"),
        (lambda: lyapunov_exponent(THREE, 1, None, 0), ValueError, "walkers must be at least 1"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call()
