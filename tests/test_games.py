"""Games against HiGHS and by what strategies guarantee; learning against Freund and Schapire's theorem."""

import re
from itertools import product

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.testing import assert_allclose, assert_array_equal

from lib import games
from lib.games import multiplicative_weights, saddle_points, solve_game, undominated
from lib.simplex import Solution, simplex

untimed = settings(deadline=None, max_examples=60)
seeds = st.integers(0, 2**32 - 1)
shapes = hnp.array_shapes(min_dims=2, max_dims=2, max_side=6)
small_tables = hnp.arrays(float, shapes, elements=st.integers(-3, 3))
ROCK_PAPER_SCISSORS = np.array([[0, 1, -1], [-1, 0, 1], [1, -1, 0]])


@st.composite
def gaussian_tables(draw):
    """Draw numbers with no ties, at times moved, scaled, or with rows that are mixtures of others."""
    m, n = draw(shapes)
    rng = np.random.default_rng(draw(seeds))
    table = rng.normal(size=(m, n))
    if draw(st.booleans()):
        table = np.vstack([table, table[:1], (table[:1] + table[-1:]) / 2])
    return table * draw(st.sampled_from([1e-6, 1, 1e6])) + draw(st.sampled_from([0, -10, 1e4]))


tables = small_tables | gaussian_tables()


def highs_value(payoff):
    """The smallest v that is at least every column's payoff, with v of any sign."""
    m, n = payoff.shape
    peer = scipy.optimize.linprog(
        np.append(np.zeros(m), 1),
        A_ub=np.hstack([payoff.T, -np.ones((n, 1))]),
        b_ub=np.zeros(n),
        A_eq=[[*np.ones(m), 0]],
        b_eq=[1],
        bounds=[(0, None)] * m + [(None, None)],
        method="highs",
    )
    assert peer.status == 0
    return peer.fun


def is_strategy(weights, tolerance=1e-12):
    return (weights >= 0).all() and abs(weights.sum() - 1) < tolerance


@given(payoff=tables)
@untimed
def test_both_strategies_guarantee_the_value_of_highs(payoff):
    value, x, y = solve_game(payoff)
    assert type(value) is float
    assert x.shape == payoff.shape[:1]
    assert y.shape == payoff.shape[1:]
    assert is_strategy(x)
    assert is_strategy(y)
    excess, spread = payoff - payoff.min(), np.ptp(payoff)
    blur = 1e-12 * spread + 1e-15 * abs(payoff).max()
    assert_allclose([max(x @ excess), min(excess @ y)], value - payoff.min(), rtol=0, atol=blur)
    peer = highs_value(excess / (spread or 1)) * spread + payoff.min()
    assert value == pytest.approx(peer, rel=1e-15, abs=1e-7 * spread)


@given(payoff=tables)
@untimed
def test_what_is_played_is_equally_good_and_what_is_worse_is_not_played(payoff):
    value, x, y = solve_game(payoff)
    excess, excess_value = payoff - payoff.min(), value - payoff.min()
    losses, shortfalls = excess @ y - excess_value, excess_value - x @ excess
    blur = 1e-12 * np.ptp(payoff) + 1e-15 * abs(payoff).max()
    assert min(losses) >= -blur
    assert min(shortfalls) >= -blur
    assert (losses[x > 1e-3] <= 1e3 * blur).all()
    assert (shortfalls[y > 1e-3] <= 1e3 * blur).all()


@given(payoff=tables, shift=st.floats(-100, 100), scale=st.floats(0.01, 100))
@untimed
def test_moving_scaling_and_changing_sides(payoff, shift, scale):
    value = solve_game(payoff).value
    size = abs(payoff).max() + 1
    assert solve_game(scale * payoff + shift).value == pytest.approx(
        scale * value + shift, abs=1e-9 * (scale * size + 100)
    )
    assert solve_game(-payoff.T).value == pytest.approx(-value, abs=1e-9 * size)


@given(square=hnp.arrays(float, st.integers(1, 6).map(lambda n: (n, n)), elements=st.integers(-4, 4)))
@untimed
def test_a_symmetric_game_has_value_zero(square):
    value, x, y = solve_game(square - square.T)
    assert abs(value) < 1e-12
    # Both sit in the same place, so that either strategy serves either player.
    assert max(y @ (square - square.T)) < 1e-12
    assert min((square - square.T) @ x) > -1e-12


@given(diagonal=hnp.arrays(float, st.integers(1, 8), elements=st.floats(0.1, 10)))
@untimed
def test_hide_and_seek(diagonal):
    # X hides in one of the places, Y finds and wins what is there: by equal payoffs x_i d_i = v for all i.
    value, x, y = solve_game(np.diag(diagonal))
    expected = 1 / (1 / diagonal).sum()
    assert value == pytest.approx(expected, rel=1e-10)
    assert_allclose(x, expected / diagonal, rtol=1e-9)
    assert_allclose(y, expected / diagonal, rtol=1e-9)


@given(steps=st.tuples(*[st.integers(1, 1000)] * 3), last=st.integers(-1000, 1000), turned=st.booleans())
@untimed
def test_two_by_two_without_a_saddle_point(steps, last, turned):
    # From corner to corner around the table the payoff falls, rises, falls, and so rises back to the first.
    a, b, c, d = last + steps[0], last, last + steps[1], last + min(steps[:2]) - steps[2]
    payoff = np.array([[b, a], [c, d]] if turned else [[a, b], [d, c]]) / 100
    assert saddle_points(payoff) == []
    (a, b), (c, d) = payoff
    value, x, y = solve_game(payoff)
    assert value == pytest.approx((a * d - b * c) / (a + d - b - c), abs=1e-9)
    assert_allclose(x, np.array([d - c, a - b]) / (a + d - b - c), atol=1e-9)
    assert_allclose(y, np.array([d - b, a - c]) / (a + d - b - c), atol=1e-9)


def test_games_known_by_heart():
    assert_allclose(solve_game(ROCK_PAPER_SCISSORS)[1:], 1 / 3)
    assert solve_game([[7]]) == (7, 1, 1)
    value, x, y = solve_game([[2, 2, 2], [2, 2, 2]])
    assert value == 2
    assert is_strategy(x)
    assert is_strategy(y)
    value, x, y = solve_game([[3, 1, 2]])
    assert (value, x.tolist(), y.tolist()) == (3, [1], [1, 0, 0])
    value, x, y = solve_game([[3], [1], [2]])
    assert (value, x.tolist(), y.tolist()) == (1, [0, 1, 0], [1])
    assert not np.signbit(solve_game(np.eye(3) - 1).y).any()


def test_what_rounding_leaves_below_zero_is_zero(monkeypatch):
    def blurred(*program, basis):
        solution = simplex(*program, basis=basis)
        return solution._replace(x=solution.x - 1e-17, y=np.where(solution.y == 0, -0.0, solution.y))

    monkeypatch.setattr(games, "simplex", blurred)
    _, x, y = solve_game([[1, 0, 4], [3, -1, 2], [5, 5, 5]])
    assert x[2] == y[1] == 0
    assert not np.signbit(x).any()
    assert not np.signbit(y).any()


@given(payoff=small_tables)
@untimed
def test_it_does_not_matter_at_which_corner_the_program_is_solved(payoff):
    def highs(c, A, b, *, basis):
        peer = scipy.optimize.linprog(c, A_eq=A, b_eq=b, method="highs")
        return Solution("optimal", peer.x, peer.eqlin.marginals, peer.fun, [], 0, None)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(games, "simplex", highs)
        value, x, y = solve_game(payoff)
    assert is_strategy(x)
    assert is_strategy(y)
    assert value == pytest.approx(solve_game(payoff).value, abs=1e-9)


def test_a_solution_lost_in_rounding_is_an_error(monkeypatch):
    def spoiled(*program, basis):
        solution = simplex(*program, basis=basis)
        return solution._replace(x=solution.x[::-1])

    monkeypatch.setattr(games, "simplex", spoiled)
    with pytest.raises(ArithmeticError, match="entries of payoff differ too much in size"):
        solve_game([[1, 0, 4], [3, -1, 2]])
    monkeypatch.setattr(
        games, "simplex", lambda *program, basis: simplex(*program, basis=basis)._replace(status="cycling")
    )
    with pytest.raises(ArithmeticError, match="rounding hides the solution"):
        solve_game([[1, 0, 4], [3, -1, 2]])


@given(payoff=small_tables)
@untimed
def test_saddle_points_are_smallest_in_their_column_and_largest_in_their_row(payoff):
    m, n = payoff.shape
    expected = [
        (i, j)
        for i, j in product(range(m), range(n))
        if all(payoff[k, j] >= payoff[i, j] for k in range(m))
        and all(payoff[i, k] <= payoff[i, j] for k in range(n))
    ]
    assert saddle_points(payoff) == expected
    assert all(payoff[point] == pytest.approx(solve_game(payoff).value, abs=1e-12) for point in expected)
    # There is one exactly if pure strategies alone reach the value from both sides.
    assert bool(expected) == (payoff.max(axis=1).min() == payoff.min(axis=0).max())


def test_several_saddle_points_and_types():
    found = saddle_points([[1, 1, 0], [1, 1, 0], [2, 3, -1]])
    assert found == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert all(type(k) is int for point in found for k in point)


def highs_margin(losses, strategy, mine, others):
    """By how much the best mixture of all of `mine` beats the strategy in the worst case of `others`."""
    return -highs_value(losses[np.ix_(mine, others)] - losses[strategy, others])


@given(payoff=small_tables | hnp.arrays(float, shapes, elements=st.integers(-30, 30)))
@untimed
def test_elimination_step_by_step_and_by_highs(payoff):
    rows, columns = (list(range(size)) for size in payoff.shape)
    result = undominated(payoff)
    for step in result.steps:
        losses, mine, others = (payoff, rows, columns) if step.player == "X" else (-payoff.T, columns, rows)
        assert is_strategy(step.mixture)
        mine.remove(step.strategy)
        assert set(np.flatnonzero(step.mixture)) <= set(mine)
        assert (step.mixture @ losses < losses[step.strategy])[others].all()
        if (losses[np.ix_(mine, others)] < losses[step.strategy, others]).all(axis=1).any():
            assert step.mixture.max() == 1, "a single strategy is named where one dominates"
    assert (result.rows, result.columns) == (rows, columns)
    for losses, mine, others in ((payoff, rows, columns), (-payoff.T, columns, rows)):
        assert all(highs_margin(losses, strategy, mine, others) < 1e-7 for strategy in mine)

    value, x, y = solve_game(payoff)
    assert solve_game(payoff[np.ix_(rows, columns)]).value == pytest.approx(value, abs=1e-10)
    assert np.delete(x, rows).max(initial=0) < 1e-12
    assert np.delete(y, columns).max(initial=0) < 1e-12


@given(payoff=small_tables, seed=seeds)
@settings(untimed, max_examples=30)
def test_the_order_of_elimination_does_not_matter(payoff, seed):
    rng = np.random.default_rng(seed)
    order, column_order = (rng.permutation(size) for size in payoff.shape)
    plain, shuffled = undominated(payoff), undominated(payoff[np.ix_(order, column_order)])
    assert sorted(order[shuffled.rows]) == plain.rows
    assert sorted(column_order[shuffled.columns]) == plain.columns
    sides = undominated(-payoff.T)
    assert (sides.rows, sides.columns) == (plain.columns, plain.rows)


def test_what_is_only_weakly_dominated_stays():
    for payoff in (
        [[0, 0], [0, 1]],
        [[1, 2], [2, 1], [1, 2]],
        [[0, 4], [4, 0], [2, 2]],
        np.zeros((3, 2)),
        [[5]],
    ):
        rows, columns = np.shape(payoff)
        assert undominated(payoff)[:2] == (list(range(rows)), list(range(columns)))
    # A third of each row is 0.1 + 0.2 + 0.3 in exact arithmetic, and just below or above in floating point.
    thirds = np.array([[0.1, 0.2, 0.3], [0.2, 0.3, 0.1], [0.3, 0.1, 0.2], [0.2, 0.2, 0.2]])
    assert undominated(thirds).steps == []
    assert undominated(-thirds.T).steps == []


def test_margins_that_rounding_can_make_do_not_count():
    assert undominated([[0], [1e-10], [1]]).rows == [0, 1]
    assert undominated([[0], [1e-8], [1]]).rows == [0]
    assert undominated([[0], [1e-18]]).rows == [0], "it depends on the spread, not on the unit"
    assert undominated([[1e9], [1e9 + 1]]).rows == [0]


def test_a_single_strategy_is_named_where_one_dominates():
    # Half of each would leave a margin of 2.5 instead of 1.
    assert_array_equal(undominated([[0, 3], [3, 0], [4, 4]]).steps[0].mixture, [1, 0, 0])


@pytest.mark.parametrize("turned", [False, True])
def test_a_mixture_can_dominate_where_no_single_strategy_does(turned):
    payoff = np.array([[0, 4], [4, 0], [3, 3]])
    result = undominated(-payoff.T if turned else payoff)
    assert (result.rows, result.columns) == ([0, 1], [0, 1])
    assert [(step.player, step.strategy) for step in result.steps] == [("Y" if turned else "X", 2)]
    assert_allclose(result.steps[0].mixture, [0.5, 0.5, 0])


def test_one_elimination_makes_room_for_the_next():
    result = undominated([[1, 0, 2], [3, -1, 4]])
    assert (result.rows, result.columns) == ([0], [2])
    assert [(step.player, step.strategy) for step in result.steps] == [("Y", 0), ("Y", 1), ("X", 1)]
    result = undominated([[1, 0, 4], [3, -1, 2]])
    assert (result.rows, result.columns) == ([0, 1], [0, 2])


@given(payoff=small_tables, rate=st.floats(0.01, 2), seed=seeds)
@untimed
def test_learning_follows_its_recurrence(payoff, rate, seed):
    m, n = payoff.shape
    weights = (
        np.random.default_rng(seed).uniform(0.1, 3, m),
        np.random.default_rng(seed + 1).uniform(0.1, 3, n),
    )
    play = multiplicative_weights(payoff, 12, rate, start=weights)
    x, y = weights[0] / weights[0].sum(), weights[1] / weights[1].sum()
    assert play.x.shape == play.mean_x.shape == (13, m)
    assert play.y.shape == play.mean_y.shape == (13, n)
    for k in range(13):
        assert_allclose(play.x[k], x, rtol=1e-9)
        assert_allclose(play.y[k], y, rtol=1e-9)
        assert_allclose(play.mean_x[k], play.x[: k + 1].mean(axis=0), rtol=1e-12)
        assert_allclose(play.mean_y[k], play.y[: k + 1].mean(axis=0), rtol=1e-12)
        assert play.upper[k] == pytest.approx(max(play.mean_x[k] @ payoff), abs=1e-12)
        assert play.lower[k] == pytest.approx(min(payoff @ play.mean_y[k]), abs=1e-12)
        x, y = x * np.exp(-rate * (payoff @ y)), y * np.exp(rate * (x @ payoff))
        x, y = x / x.sum(), y / y.sum()


@given(payoff=tables)
@untimed
def test_averages_bound_the_value_from_both_sides(payoff):
    play = multiplicative_weights(payoff, 30, 0.5 / abs(payoff).max(initial=1e-9))
    value, blur = solve_game(payoff).value, 1e-9 * abs(payoff).max()
    assert (play.lower <= value + blur).all()
    assert (play.upper >= value - blur).all()


def regret_bound(rate, losses, start):
    """Freund and Schapire 1999, theorem 1: what exp(−rate · loss) can lose, if losses lie between 0 and 1."""
    return min(rate * losses.sum(axis=0) - np.log(start)) / (1 - np.exp(-rate))


@given(
    payoff=hnp.arrays(float, shapes, elements=st.floats(0, 1)),
    rate=st.floats(0.05, 5),
    steps=st.integers(0, 60),
    seed=seeds,
)
@untimed
def test_regret_obeys_freund_and_schapire(payoff, rate, steps, seed):
    rng = np.random.default_rng(seed)
    play = multiplicative_weights(
        payoff, steps, rate, start=[rng.dirichlet(np.ones(size)) for size in payoff.shape]
    )
    paid = np.einsum("ki,ij,kj->", play.x, payoff, play.y)
    assert paid <= regret_bound(rate, play.y @ payoff.T, play.x[0]) + 1e-9
    # To Y what is not won is lost.
    assert steps + 1 - paid <= regret_bound(rate, 1 - play.x @ payoff, play.y[0]) + 1e-9


@pytest.mark.parametrize("rate", [0.01, 0.1])
def test_freund_and_schapires_bound_is_nearly_reached(rate):
    for payoff, choices, sign in (([[0], [1]], "x", 1), ([[0, 1]], "y", -1)):
        play = multiplicative_weights(payoff, 5000, rate)
        lost = getattr(play, choices) @ [0, 1][::sign]
        assert 0.98 * np.log(2) < (1 - np.exp(-rate)) * lost.sum() <= np.log(2)


@pytest.mark.parametrize("rounds", [10, 100, 1000])
def test_with_the_best_rate_the_bounds_close_like_one_over_the_root_of_the_rounds(rounds):
    # Freund and Schapire 1999, corollary 4, for both players.
    payoff = np.random.default_rng(rounds).uniform(size=(5, 5))
    play = multiplicative_weights(payoff, rounds - 1, np.log1p(np.sqrt(2 * np.log(5) / rounds)))
    assert play.upper[-1] - play.lower[-1] <= 2 * (np.sqrt(2 * np.log(5) / rounds) + np.log(5) / rounds)


@given(payoff=tables, rate=st.floats(0.05, 5), steps=st.integers(0, 60))
@untimed
def test_the_bounds_close_as_promised(payoff, rate, steps):
    spread = np.ptp(payoff) or 1.0
    play = multiplicative_weights(payoff, steps, rate / spread)
    rounds = np.arange(1, steps + 2)
    promised = np.log(payoff.size) * spread / (rate * rounds) + rate * spread / 4
    assert (play.upper - play.lower <= promised + 1e-9 * abs(payoff).max()).all()


def test_against_one_column_it_is_a_softmax():
    costs = np.array([0.0, 1.0, 2.0])
    play = multiplicative_weights(costs[:, None], 4, 0.7)
    expected = np.exp(-0.7 * np.outer(np.arange(5), costs))
    assert_allclose(play.x, expected / expected.sum(axis=1, keepdims=True))
    assert_array_equal(play.y, np.ones((5, 1)))


def test_rock_paper_scissors_circles_outward_around_its_solution():
    still = multiplicative_weights(ROCK_PAPER_SCISSORS, 10, 0.5)
    assert_allclose(still.x, 1 / 3)
    play = multiplicative_weights(ROCK_PAPER_SCISSORS, 2000, 0.1, start=([5, 3, 2], [1, 1, 1]))
    distance = -(np.log(play.x) + np.log(play.y)).sum(axis=1)
    assert (np.diff(distance) > 0).all(), "the relative entropy to the solution grows in every round"
    assert_allclose(play.mean_x[-1], 1 / 3, atol=0.05)
    assert play.upper[-1] - play.lower[-1] < 0.06


def test_weights_that_vanish_come_back():
    play = multiplicative_weights([[1, 0], [0, 1]], 30, 1000, start=([2, 1], [1, 1]))
    assert_allclose(play.x.sum(axis=1), 1)
    vanished = np.argmax(play.x[:, 0] == 0)
    assert vanished > 0
    assert play.x[vanished:, 0].max() > 0.99


def test_no_step_is_the_start_and_the_payoff_is_left_alone():
    payoff = np.array([[1.0, 2.0], [3.0, 0.0]])
    start = np.array([1.0, 3.0]), np.array([2.0, 2.0])
    play = multiplicative_weights(payoff, 0, 1, start=start)
    assert_array_equal(play.x, [[0.25, 0.75]])
    assert_array_equal(play.y, [[0.5, 0.5]])
    solve_game(payoff), undominated(payoff), saddle_points(payoff)
    assert_array_equal(payoff, [[1, 2], [3, 0]])
    assert_array_equal(start, [[1, 3], [2, 2]])


@pytest.mark.parametrize(
    "solve", [saddle_points, solve_game, undominated, lambda a: multiplicative_weights(a, 1, 1)]
)
@pytest.mark.parametrize(
    ("payoff", "error", "message"),
    [
        ([], ValueError, "payoff must have 2 axes, got shape (0,)"),
        ([1, 2], ValueError, "payoff must have 2 axes, got shape (2,)"),
        ([[]], ValueError, "payoff must have a row and a column at least, got shape (1, 0)"),
        (np.empty((0, 3)), ValueError, "payoff must have a row and a column at least, got shape (0, 3)"),
        ([[1, 2], [3]], ValueError, "payoff must be a rectangular array"),
        ([[1, np.nan]], ValueError, "payoff must be finite, got nan at index (0, 1)"),
        ([[1, "2"]], TypeError, "payoff must hold real numbers"),
    ],
)
def test_bad_tables_are_named(solve, payoff, error, message):
    with pytest.raises(error, match=re.escape(message)):
        solve(payoff)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda a: multiplicative_weights(a, 1.0, 1), TypeError, "steps must be a whole number, got 1.0"),
        (lambda a: multiplicative_weights(a, -1, 1), ValueError, "steps must be at least 0, got -1"),
        (
            lambda a: multiplicative_weights(a, 1, 0),
            ValueError,
            "learning_rate must be finite and > 0, got 0",
        ),
        (
            lambda a: multiplicative_weights(a, 10, 1e308),
            ValueError,
            "steps * learning_rate * largest payoff must be finite, got inf",
        ),
        (
            lambda a: multiplicative_weights(a, 1, 1, start=([1, 1, 1], [1, 1])),
            ValueError,
            "start[0] must have shape (2,), got shape (3,)",
        ),
        (
            lambda a: multiplicative_weights(a, 1, 1, start=([1, 1], [1, 0])),
            ValueError,
            "start[1] must be > 0, got [1. 0.]",
        ),
        (lambda a: solve_game(a * 1e308), ValueError, "payoff.max() - payoff.min() must be finite, got inf"),
    ],
)
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call(np.array([[1, -1], [-1, 1]]))
