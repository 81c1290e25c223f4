"""Stochastic gradient descent on least squares as a random iterated function system, and the set it draws.

A step on sample i of ½(xᵢᵀw − yᵢ)² is an affine map of the weights, ``w ← (I − α xᵢxᵢᵀ) w + α yᵢ xᵢ``. A run
of SGD applies such maps in random order, and what the weights settle into is not a point but a law: the
*stationary* law, which one more random step leaves as it is.

Every function raises TypeError or ValueError if an argument is not of the described kind.
"""

from typing import NamedTuple

import numpy as np

from lib.arguments import count, real, real_array

BLOCK = 60_000  # points that one core keeps at hand while it counts them
MOST = 50_000_000  # points, more of which fill the memory of a laptop
WORDS = 20_000  # blocks of points, more of which take longer than anyone waits


class Maps(NamedTuple):
    """Affine maps w ↦ Aw + s, each applied with the same probability.

    Attributes
    ----------
    matrices : ndarray, shape (k, n, n)
    shifts : ndarray, shape (k, n)
    """

    matrices: np.ndarray
    shifts: np.ndarray


class Stationary(NamedTuple):
    """Mean and covariance of the stationary law, of shapes (n,) and (n, n)."""

    mean: np.ndarray
    covariance: np.ndarray


def sgd_maps(X, y, learning_rate):
    """Return the steps of SGD on ½(xᵢᵀw − yᵢ)², one map for each sample (row) of X, with target in y.

    >>> sgd_maps([[0.0, 1.0], [1.0, 0.0]], [3.0, 5.0], learning_rate=0.5).shifts
    array([[0. , 1.5],
           [2.5, 0. ]])
    """
    X = real_array("X", X, ndim=2)
    if X.size == 0:
        raise ValueError(f"X must have samples and features, got shape {X.shape}")
    y = real_array("y", y, shape=X.shape[:1])
    rate = real("learning_rate", learning_rate, above=0)
    outer = X[:, :, None] * X[:, None, :]
    return Maps(np.eye(X.shape[1]) - rate * outer, rate * y[:, None] * X)


def mean_square_radius(maps):
    """Return the spectral radius of E[A ⊗ A]: the covariance of the weights settles just if it is below 1."""
    return float(np.abs(np.linalg.eigvals(_mean_square(_checked(maps)))).max())


def stationary(maps):
    """Return mean and covariance of the stationary law.

    The mean solves ``m = E[A] m + E[s]``. The covariance solves the Lyapunov equation
    ``Σ = E[A Σ Aᵀ] + E[(Am + s − m)(Am + s − m)ᵀ]``, which is linear in the entries of Σ. There is no finite
    covariance, and a ValueError, if :func:`mean_square_radius` is not below 1.

    >>> stationary(sgd_maps([[1.0], [1.0]], [0.0, 2.0], learning_rate=0.5)).mean
    array([1.])
    """
    maps, radius = _checked(maps), mean_square_radius(maps)
    if not radius < 1:
        raise ValueError(f"maps must have a mean square radius below 1, got {radius:.6g}")
    size = maps.shifts.shape[1]
    mean = np.linalg.solve(np.eye(size) - maps.matrices.mean(0), maps.shifts.mean(0))
    pushes = maps.matrices @ mean + maps.shifts - mean
    noise = (pushes[:, :, None] * pushes[:, None, :]).mean(0)
    covariance = np.linalg.solve(np.eye(size * size) - _mean_square(maps), noise.ravel())
    return Stationary(mean, covariance.reshape(size, size))


def compositions(maps, start, depth):
    """Return where every sequence of `depth` maps leads from `start`: no chance, each sequence once.

    Parameters
    ----------
    maps : Maps
    start : array_like, shape (n,)
    depth : int
        How many maps are applied one after another; k**depth may be 50 million at most.

    Returns
    -------
    ndarray, shape (n, k**depth)
        In the order of the sequences, the map applied last counting slowest.

    Examples
    --------
    The law after two fair steps to 0 or 2, each halving what was there:

    >>> compositions(sgd_maps([[1.0], [1.0]], [0.0, 2.0], learning_rate=0.5), [0.0], depth=2)
    array([[0. , 0.5, 1. , 1.5]])
    """
    maps, depth = _checked(maps), count("depth", depth)
    many, size = maps.shifts.shape
    points = real_array("start", start, shape=(size,))[:, None]
    if depth * np.log(many) > np.log(MOST):
        raise ValueError(f"depth must leave {MOST} sequences at most, got {depth} for {many} maps")
    for _ in range(depth):
        images = maps.matrices @ points + maps.shifts[:, :, None]
        points = images.transpose(1, 0, 2).reshape(size, -1)
    return points


def walks(maps, starts, steps, rng):
    """Return where `steps` random maps, drawn from `rng` for each, lead many walkers.

    Starts and result have the shape (n, many).
    """
    maps, points = _checked(maps), real_array("starts", starts, ndim=2).copy()
    if len(points) != maps.shifts.shape[1]:
        raise ValueError(f"starts must have {maps.shifts.shape[1]} rows, got shape {points.shape}")
    for _ in range(count("steps", steps)):
        drawn = rng.integers(len(maps.shifts), size=points.shape[1])
        points = np.einsum("jab,bj->aj", maps.matrices[drawn], points) + maps.shifts[drawn].T
    return points


def density(maps, window, pixels=512, depth=15):
    """Count where every sequence of `depth` maps leads from the mean, as a picture.

    From the mean of the stationary law, all sequences of 15 maps of three are 14 348 907 points. The law of
    the weights after that many steps has no other; it is near the stationary law when the maps contract.
    Sequences that cannot end in the window are left out early, so a window ten times as narrow can be looked
    at with more depth in the same time.

    Parameters
    ----------
    maps : Maps
        Maps of the plane, with a mean square radius below 1.
    window : array_like, shape (2, 2)
        ``((left, right), (bottom, top))``. What lies on the right or the top border is outside.
    pixels : int
        Side of the picture.
    depth : int
        How many maps are applied one after another.

    Returns
    -------
    ndarray of int, shape (pixels, pixels)
        How many points fall in each pixel, the first row at the bottom. A point that is closer to the border
        of a pixel than a thousandth of its side may be counted beyond it.
    """
    window = real_array("window", window, shape=(2, 2))
    if not (window[:, 0] < window[:, 1]).all():
        raise ValueError(f"window must be ((left, right), (bottom, top)), got {window.tolist()}")
    maps, pixels, depth = _checked(maps), count("pixels", pixels, least=1), count("depth", depth)
    many, size = maps.shifts.shape
    if size != 2:
        raise ValueError(f"maps must be maps of the plane, got maps of {size} dimensions")
    first = min(depth, int(np.log(BLOCK) / np.log(max(2, many))))
    points = compositions(maps, stationary(maps).mean, first)
    matrices, shifts = _words(maps, points, window, depth - first)
    scale = pixels / np.ptp(window, axis=1)
    return _counted(matrices * scale[:, None], (shifts - window[:, 0]) * scale, points, pixels)


def box_dimension(picture):
    """Return the box-counting dimension of what a square picture shows, and the sides and counts behind it.

    Of boxes of side 1, 2, 4, ... pixels so many N are not empty; the dimension is the slope of log N against
    minus log side, over sides from 2 pixels to an eighth of the picture. The picture is not zero where
    something is; its side is a power of two, at least 64.
    """
    filled = np.atleast_1d(picture) != 0
    pixels = len(filled)
    if filled.shape != (pixels, pixels) or pixels < 64 or pixels & (pixels - 1):
        raise ValueError(f"picture must be square, its side a power of two from 64, got shape {filled.shape}")
    if not filled.any():
        raise ValueError("picture must show something, got only zeros")
    sides = 2 ** np.arange(1, int(np.log2(pixels)) - 2)
    counts = np.array([filled.reshape(pixels // s, s, pixels // s, s).any(axis=(1, 3)).sum() for s in sides])
    return -float(np.polyfit(np.log(sides), np.log(counts), 1)[0]), sides, counts


def lyapunov_exponent(maps, steps, rng, walkers=1000):
    """Return the mean growth per step of the logarithm of the distance between two runs.

    Two runs that make the same random choices keep a difference that only the matrices act on. If the
    exponent is negative, the difference dies out for almost all choices, whatever the starts; it is −inf if
    a product of matrices vanishes. The mean is taken over so many directions (walkers) and steps, after as
    many steps again that let the directions turn as the matrices want them.

    References
    ----------
    H. Furstenberg and H. Kesten, "Products of Random Matrices", The Annals of Mathematical Statistics 31(2),
    1960, 457–469.

    Examples
    --------
    A step that halves, whatever the sample, has the exponent −log 2:

    >>> halving = sgd_maps([[1.0], [1.0]], [0.0, 2.0], learning_rate=0.5)
    >>> round(lyapunov_exponent(halving, 10, np.random.default_rng(0)), 12)
    -0.69314718056
    """
    maps, steps, walkers = _checked(maps), count("steps", steps, least=1), count("walkers", walkers, least=1)
    directions, growth = rng.normal(size=(walkers, maps.shifts.shape[1])), 0.0
    for step in range(-steps, steps + 1):
        lengths = np.linalg.norm(directions, axis=1)
        if not lengths.all():
            return -np.inf
        growth += np.log(lengths).mean() if step > 0 else 0.0
        drawn = rng.integers(len(maps.shifts), size=walkers)
        directions = np.einsum("jab,jb->ja", maps.matrices[drawn], directions / lengths[:, None])
    return float(growth / steps)


def _checked(maps):
    """Return maps of finite numbers whose shapes agree."""
    matrices = real_array("maps.matrices", maps.matrices, ndim=3)
    shifts = real_array("maps.shifts", maps.shifts, shape=matrices.shape[:2])
    if matrices.size == 0 or matrices.shape[1] != matrices.shape[2]:
        raise ValueError(f"maps.matrices must have shape (k, n, n), got {matrices.shape}")
    return Maps(matrices, shifts)


def _mean_square(maps):
    """E[A ⊗ A], the matrix of Σ ↦ E[A Σ Aᵀ] on the entries of Σ, row by row."""
    return np.mean([np.kron(A, A) for A in maps.matrices], axis=0)


def _words(maps, points, window, length):
    """Return those compositions p ↦ Mp + t of so many maps that may take a point into the window."""
    # boxes, as middle and half sides, around the points, and around their images under 1, 2, ... maps
    boxes = [((points.min(axis=1) + points.max(axis=1)) / 2, np.ptp(points, axis=1) / 2)]
    for _ in range(length - 1):
        centers, halves = maps.matrices @ boxes[-1][0] + maps.shifts, np.abs(maps.matrices) @ boxes[-1][1]
        low, high = (centers - halves).min(axis=0), (centers + halves).max(axis=0)
        boxes.append(((low + high) / 2, (high - low) / 2))
    matrices, shifts = np.eye(2)[None], np.zeros((1, 2))
    for middle, half in reversed(boxes[:length]):
        # one more map between the points and the words so far; the box is what the others can still reach
        shifts = (np.einsum("wab,kb->wka", matrices, maps.shifts) + shifts[:, None]).reshape(-1, 2)
        matrices = np.einsum("wab,kbc->wkac", matrices, maps.matrices).reshape(-1, 2, 2)
        reach = np.abs(matrices) @ half + np.ptp(window, axis=1) / 2
        near = np.abs(matrices @ middle + shifts - window.mean(axis=1)) <= reach * (1 + 1e-9)
        matrices, shifts = matrices[near.all(axis=1)], shifts[near.all(axis=1)]
        if len(matrices) > WORDS:
            raise ValueError(
                f"depth or window must be smaller: over {WORDS * BLOCK:.0e} points to be counted"
            )
    return matrices, shifts


def _counted(matrices, shifts, points, pixels):
    """Count the images Mp + t of the points under each word, in units of pixels."""
    picture = np.zeros(pixels * pixels, dtype=np.int64)
    middle, half = (points.min(axis=1) + points.max(axis=1)) / 2, np.ptp(points, axis=1) / 2
    points, centers, reach = points - middle[:, None], matrices @ middle + shifts, np.abs(matrices) @ half
    # float32 is precise enough, and fast, for a word that stays inside; others may reach far beyond
    inside = ((centers - reach > 0) & (centers + reach < pixels - 0.01)).all(axis=1)
    for matrix, center in zip(matrices[~inside], centers[~inside], strict=True):
        images = matrix @ points + center[:, None]
        x, y = images[:, ((images >= 0) & (images < pixels)).all(axis=0)].astype(np.int64)
        picture += np.bincount(y * pixels + x, minlength=picture.size)
    lowest = np.floor(centers - reach)[:, 1]  # row of the picture, from which a word is counted
    words = np.concatenate([matrices, centers[:, :, None]], axis=2)
    words[:, 1, 2] -= lowest
    inputs = np.vstack([points, np.ones_like(points[0])]).astype(np.float32)
    images, cells = np.empty_like(inputs[:2]), np.empty(points.shape, dtype=np.int32)
    for word, row in zip(words[inside].astype(np.float32), lowest[inside].astype(int), strict=True):
        np.dot(word, inputs, out=images)
        cells[:] = images  # int32: what the processor turns float32 into at once
        cells[1] *= pixels
        cells[1] += cells[0]
        counted = np.bincount(cells[1])
        picture[row * pixels : row * pixels + counted.size] += counted
    return picture.reshape(pixels, pixels)
