"""Games of two players in which one pays what the other gets.

``payoff[i, j]`` is what X, who chooses row i, pays to Y, who chooses column j: X wants it small, Y wants it
large. A *mixed strategy* is a vector of probabilities with which a player draws a row or a column. If X plays
x, the worst that can happen is ``max(x @ payoff)``; if Y plays y, it is ``min(payoff @ y)``.
"""

from typing import NamedTuple

import numpy as np

from lib.arguments import count, real, real_array
from lib.simplex import simplex

PRECISION = 1e-9  # of the spread of the payoffs, the largest minus the smallest: less may be rounding


class Game(NamedTuple):
    """What :func:`solve_game` found.

    With the probabilities x of the rows, X pays at most the value on average, whatever Y does; with the
    probabilities y of the columns, Y gets at least the value, whatever X does.
    """

    value: float
    x: np.ndarray
    y: np.ndarray


class Elimination(NamedTuple):
    """A step of :func:`undominated`: player ("X" or "Y"), index of the row or column, what dominates it."""

    player: str
    strategy: int
    mixture: np.ndarray


class Survivors(NamedTuple):
    """What :func:`undominated` leaves: indices of rows and columns, and each `Elimination`, in order."""

    rows: list
    columns: list
    steps: list


class Play(NamedTuple):
    """The rounds of :func:`multiplicative_weights`; the first axis of each array counts them.

    Attributes
    ----------
    x, y : ndarrays, shapes (steps + 1, m) and (steps + 1, n)
        The strategies of both players.
    mean_x, mean_y : ndarrays of the same shapes
        The averages of the strategies so far.
    upper, lower : ndarrays, shape (steps + 1,)
        ``max(mean_x @ payoff)``, what X pays at most with that average, and ``min(payoff @ mean_y)``, what Y
        gets at least. The value of the game lies between.
    """

    x: np.ndarray
    y: np.ndarray
    mean_x: np.ndarray
    mean_y: np.ndarray
    upper: np.ndarray
    lower: np.ndarray


def saddle_points(payoff):
    """List the entries of a table that are smallest in their column and largest in their row.

    There X cannot pay less by choosing another row, nor Y get more by choosing another column. All saddle
    points of a table have the same payoff, which is the value of the game.

    Parameters
    ----------
    payoff : array_like, shape (m, n)
        The table: what X pays to Y. It needs a row and a column at least.

    Returns
    -------
    list of tuple
        Their (row, column), row by row.

    Raises
    ------
    TypeError, ValueError
        If `payoff` is not such a table of finite real numbers.

    Examples
    --------
    >>> saddle_points([[1, 0, 2], [3, -1, 4]]), saddle_points([[1, 0, 4], [3, -1, 2]])
    ([(0, 2)], [])
    """
    payoff = _table(payoff)
    smallest_in_column = payoff == payoff.min(axis=0)
    largest_in_row = payoff == payoff.max(axis=1, keepdims=True)
    return [(int(i), int(j)) for i, j in np.argwhere(smallest_in_column & largest_in_row)]


def solve_game(payoff):
    """Find the value of a game and best mixed strategies of both players, by linear programming.

    X looks for probabilities x and the smallest v with ``x @ payoff <= v``. With slack s this is a program in
    standard form: minimize v, where ``v − (x @ payoff)_j − s_j = 0`` for each column j, ``Σ x_i = 1``, and
    x, v, s ≥ 0. The multipliers of these equations are y and w, and the dual program is what Y looks for:
    the largest w with ``payoff @ y >= w``, where y ≥ 0 and ``Σ y_j <= 1``. That v = w at the solution is von
    Neumann's minimax theorem. So that v ≥ 0 is no restriction and the y_j have sum 1, the payoffs are first
    moved and scaled into the interval from 1 to 2. Of several best strategies it finds one.

    Parameters
    ----------
    payoff : array_like, shape (m, n)
        The table.

    Returns
    -------
    Game
        The value and the strategies.

    Raises
    ------
    TypeError, ValueError
        If `payoff` is not such a table of finite real numbers.
    ArithmeticError
        If what x and y guarantee differs by more than 1e-9 of the spread of the payoffs, after rounding.

    References
    ----------
    J. von Neumann, "Zur Theorie der Gesellschaftsspiele", Mathematische Annalen 100, 1928, 295–320.

    Examples
    --------
    >>> value, x, y = solve_game([[1, 0, 4], [3, -1, 2]])
    >>> round(value, 6), x.round(6), y.round(6)
    (2.5, array([0.25, 0.75]), array([0.5, 0. , 0.5]))
    """
    payoff = _table(payoff)
    (m, n), spread = payoff.shape, _spread(payoff)
    scaled = 1 + (payoff - payoff.min()) / (spread or 1)
    # The unknowns are x (m of them), v (the one of index m) and s (n of them).
    above = np.hstack([-scaled.T, np.ones((n, 1)), -np.eye(n)])
    total = np.append(np.ones(m), np.zeros(1 + n))
    A, b, c = np.vstack([above, total]), np.eye(n + 1)[n], np.eye(m + 1 + n)[m]
    # Row 0 alone is a corner: v is its largest payoff, and every column has slack but the one it stands in.
    slack = [m + 1 + j for j in range(n) if j != scaled[0].argmax()]
    solution = simplex(c, A, b, basis=[0, m, *slack])
    if solution.status == "optimal":
        x, y = _probabilities(solution.x[:m]), _probabilities(solution.y[:n])
        if max(x @ scaled) - min(scaled @ y) < PRECISION:
            return Game(float(x @ payoff @ y), x, y)
    raise ArithmeticError("rounding hides the solution: the entries of payoff differ too much in size")


def undominated(payoff):
    """Cross out strategies that no player would use, until none is left to cross out.

    A row is *strictly dominated* if another row, or a mixture of others, costs X less in every column; a
    column, if another or a mixture brings Y more in every row. A mixture can do it where no single one can.
    Whether there is one is a game itself: subtract the row from the others, and X can do better than 0 in
    that table exactly if the row is dominated. Margins up to 1e-9 of the spread of the payoffs do not count.

    A strategy that falls may leave one of the opponent's dominated, so the search begins anew after each.
    What remains does not depend on the order, and contains all that any best mixed strategy uses.

    Parameters
    ----------
    payoff : array_like, shape (m, n)
        The table.

    Returns
    -------
    Survivors
        The indices of the rows and columns that are left, and a step for each of the others: the player, the
        index, and the probabilities of all the player's rows or columns in a mixture that dominates it.

    Raises
    ------
    TypeError, ValueError, ArithmeticError
        As :func:`solve_game`.

    References
    ----------
    I. Gilboa, E. Kalai and E. Zemel, "On the order of eliminating dominated strategies", Operations Research
    Letters 9(2), 1990, 85–89.

    Examples
    --------
    No row beats the last in both columns, but half of each of the others does:

    >>> result = undominated([[0, 4], [4, 0], [3, 3]])
    >>> result.rows, result.columns
    ([0, 1], [0, 1])
    >>> result.steps[0].mixture.round(6)
    array([0.5, 0.5, 0. ])
    """
    payoff = _table(payoff)
    rows, columns = (list(range(size)) for size in payoff.shape)
    steps = []
    # Each step removes a strategy, and the last of a player is not dominated.
    while step := _dominated("X", payoff, rows, columns) or _dominated("Y", -payoff.T, columns, rows):
        (rows if step.player == "X" else columns).remove(step.strategy)
        steps.append(step)
    return Survivors(rows, columns, steps)


def multiplicative_weights(payoff, steps, learning_rate, *, start=None):
    """Let both players learn: after each round they shift weight to what would have done better in it.

    ``x_i ← x_i exp(−η (payoff @ y)_i)`` and ``y_j ← y_j exp(η (x @ payoff)_j)`` at the same time, scaled to
    sum 1. The strategies may circle for ever. Their averages approach best ones: from equal weights, after T
    rounds, ``upper − lower <= (ln m + ln n) / (ηT) + η (largest payoff − smallest payoff)² / 4``.

    Parameters
    ----------
    payoff : array_like, shape (m, n)
        The table.
    steps : int
        How often they learn: they play one round more.
    learning_rate : float
        The rate η, above 0.
    start : tuple of two array_like, shapes (m,) and (n,), optional
        The weights of rows and columns in the first round, above 0; they are scaled to sum 1. By default they
        are equal, where rock, paper, scissors would stand still.

    Returns
    -------
    Play
        The strategies of each round, their averages, and the bounds of the value that these give.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the described kind, or the weights would outgrow the floating-point numbers.

    References
    ----------
    Y. Freund and R. E. Schapire, "Adaptive Game Playing Using Multiplicative Weights", Games and Economic
    Behavior 29, 1999, 79–103. The bound: N. Cesa-Bianchi and G. Lugosi, *Prediction, Learning, and Games*,
    Cambridge University Press, 2006, theorem 2.2, for each player.

    Examples
    --------
    >>> play = multiplicative_weights([[1, 0, 4], [3, -1, 2]], steps=4000, learning_rate=0.02)
    >>> print(f"the value lies between {play.lower[-1]:.2f} and {play.upper[-1]:.2f}")
    the value lies between 2.49 and 2.51
    """
    payoff = _table(payoff)
    m, n = payoff.shape
    steps = count("steps", steps)
    learning_rate = real("learning_rate", learning_rate, above=0)
    real("steps * learning_rate * largest payoff", steps * learning_rate * float(np.abs(payoff).max()))
    first_x, first_y = (np.ones(m), np.ones(n)) if start is None else start
    # The logarithms of the weights, because the weights of bad strategies soon become 0 in floating point.
    log_x, log_y = np.log(_positive("start[0]", first_x, m)), np.log(_positive("start[1]", first_y, n))
    x, y = np.empty((steps + 1, m)), np.empty((steps + 1, n))
    for k in range(steps + 1):
        x[k], y[k] = _probabilities(np.exp(log_x - log_x.max())), _probabilities(np.exp(log_y - log_y.max()))
        log_x -= learning_rate * (payoff @ y[k])
        log_y += learning_rate * (x[k] @ payoff)
    rounds = np.arange(1, steps + 2)[:, None]
    mean_x, mean_y = np.cumsum(x, axis=0) / rounds, np.cumsum(y, axis=0) / rounds
    return Play(x, y, mean_x, mean_y, (mean_x @ payoff).max(axis=1), (mean_y @ payoff.T).min(axis=1))


def _dominated(player, losses, mine, others):
    """Return the elimination of the first of `mine` that is strictly dominated against `others`, or None."""
    margin = PRECISION * _spread(losses)
    for strategy in mine:
        # Its own differences are 0: no mixture that is below 0 everywhere gains by a share of it.
        differences = losses[np.ix_(mine, others)] - losses[strategy, others]
        best = np.eye(len(mine))[differences.max(axis=1).argmin()]
        if max(best @ differences) >= -margin:
            best = solve_game(differences).x
        if max(best @ differences) < -margin:
            mixture = np.zeros(len(losses))
            mixture[mine] = best
            return Elimination(player, strategy, mixture)
    return None


def _table(payoff):
    payoff = real_array("payoff", payoff, ndim=2)
    if payoff.size == 0:
        raise ValueError(f"payoff must have a row and a column at least, got shape {payoff.shape}")
    return payoff


def _spread(payoff):
    return real("payoff.max() - payoff.min()", float(payoff.max()) - float(payoff.min()))


def _positive(name, weights, size):
    weights = real_array(name, weights, shape=(size,))
    if not (weights > 0).all():
        raise ValueError(f"{name} must be > 0, got {weights}")
    return weights


def _probabilities(weights):
    weights = np.maximum(weights, 0) + 0.0  # rounding may have left some below 0, or at -0.0
    return weights / weights.sum()
