"""Kaczmarz's method: solve Ax = b by projecting on one equation after another.

The solutions of the equation aᵢ·x = bᵢ are a hyperplane. A step goes from x to its nearest point there,
``x + (bᵢ − aᵢ·x) aᵢ / ‖aᵢ‖²``, straight along the row: only one row is ever looked at.

A matrix is an array or a sparse matrix of SciPy. A block is an array of row indices.
"""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import scipy.sparse

from lib.arguments import real_array

PIECES = 400  # so many pieces of a run in 10 unknowns fit in a processor's cache, side by side
FEW = 20  # columns, up to which multiplying n × n matrices side by side beats a Python loop over vectors


class Run(NamedTuple):
    """Where a run of :func:`kaczmarz` ends, and how it got there.

    Attributes
    ----------
    x : ndarray, shape (n,)
        The last point.
    lengths : ndarray, shape (steps,)
        The signed length of each step, (bᵢ − aᵢ·x) / ‖aᵢ‖: what x lacked along the unit normal of the row.
    """

    x: np.ndarray
    lengths: np.ndarray


def kaczmarz(A, b, start, rows):
    """Project on the hyperplanes aᵢ·x = bᵢ, one after another.

    If x* solves the system, step and remaining error are the legs of a right triangle: ``‖x_k − x*‖² =
    ‖x_{k+1} − x*‖² + lengths[k]²``. Summed backwards, from the end of the run where the errors are small, the
    lengths give the errors of all steps without cancellation.

    A long run in few unknowns is cut into pieces. Each piece is one affine map, the product of its
    projections; these products are multiplied side by side, and tell where each piece begins. Then all
    pieces are walked side by side. The points are the same but for rounding.

    Parameters
    ----------
    A : array_like or sparse, shape (m, n)
    b : array_like, shape (m,)
    start : array_like, shape (n,)
        The point to start from.
    rows : array_like of int, shape (steps,)
        Which row each step projects on.

    Returns
    -------
    Run

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the described kind, the shapes disagree, a row does not exist, or a row
        that is chosen is zero.

    References
    ----------
    S. Kaczmarz, "Angenäherte Auflösung von Systemen linearer Gleichungen", Bulletin International de
    l'Académie Polonaise des Sciences et des Lettres A 35, 1937, 355–357.

    Examples
    --------
    Lines at a right angle are solved in one round:

    >>> run = kaczmarz([[3.0, 4.0], [4.0, -3.0]], [5.0, 10.0], start=[0, 0], rows=[0, 1])
    >>> run
    Run(x=array([ 2.2, -0.4]), lengths=array([1., 2.]))

    So the squared distances from the solution were, at the start and after each step:

    >>> np.append(np.cumsum(run.lengths[::-1] ** 2)[::-1], 0)
    array([5., 4., 0.])
    """
    A, b, x, norms = _system(A, b, start)
    rows = _chosen("rows", rows, norms)
    norms[norms == 0] = 1  # of rows that are not chosen
    units, offsets = scipy.sparse.diags_array(1 / norms) @ A, b / norms
    if scipy.sparse.issparse(A):
        ends = pairwise(units.indptr)
        lines = [(units.indices[begin:end], units.data[begin:end]) for begin, end in ends]
        return _one_by_one(lines, offsets, x, rows)
    lines = [(slice(None), unit) for unit in units]
    if x.size > FEW or rows.size < 10 * PIECES:
        return _one_by_one(lines, offsets, x, rows)
    whole = rows.size // PIECES * PIECES
    pieces = _side_by_side(units, offsets, x, rows[:whole].reshape(PIECES, -1).T)
    rest = _one_by_one(lines, offsets, pieces.x, rows[whole:])
    return Run(rest.x, np.concatenate([pieces.lengths, rest.lengths]))


def block_kaczmarz(A, b, start, blocks):
    """Project on the common solutions of a block of equations, block after block.

    The step is the shortest that solves the block, ``A_B⁺ (b_B − A_B x)`` with the pseudoinverse A_B⁺. Where
    a block contradicts itself, it leads to the nearest of its least-squares solutions.

    Parameters
    ----------
    A, b, start
        As for :func:`kaczmarz`.
    blocks : sequence of array_like of int
        The rows of each step.

    Returns
    -------
    ndarray, shape (steps + 1, n)
        The path, beginning with the start.

    Raises
    ------
    TypeError, ValueError
        As for :func:`kaczmarz`, and if a block is empty.

    References
    ----------
    D. Needell and J. A. Tropp, "Paved with Good Intentions: Analysis of a Randomized Block Kaczmarz Method",
    Linear Algebra and its Applications 441, 2014, 199–221.

    Examples
    --------
    >>> block_kaczmarz([[1, 0, 0], [1, 1, 0], [0, 0, 1]], [1, 3, 5], start=[0, 0, 0], blocks=[[0, 1], [2]])
    array([[0., 0., 0.],
           [1., 2., 0.],
           [1., 2., 5.]])
    """
    return _by_blocks(A, b, start, blocks, lambda part, lacking: np.linalg.lstsq(part, lacking)[0])


def averaged_kaczmarz(A, b, start, blocks):
    """Go to the mean of the projections on the equations of a block, block after block.

    The projections of a block do not wait for each other: they can be made in parallel. With all rows in
    every block it is Cimmino's method, with equal weights.

    Arguments, result and errors are those of :func:`block_kaczmarz`. A row that stands twice in a block
    counts twice.

    References
    ----------
    G. Cimmino, "Calcolo approssimato per le soluzioni dei sistemi di equazioni lineari", La Ricerca
    Scientifica, series II, 9, 1938, 326–333 (to the mirror images, twice as far).

    Examples
    --------
    From 0 the lines x = 2 and x + y = 4 are nearest at (2, 0) and (2, 2):

    >>> averaged_kaczmarz([[1, 0], [1, 1]], [2, 4], start=[0, 0], blocks=[[0, 1]])
    array([[0., 0.],
           [2., 1.]])
    """

    def step(part, lacking):
        return part.T @ (lacking / (part**2).sum(axis=1)) / len(lacking)

    return _by_blocks(A, b, start, blocks, step)


def row_probabilities(A):
    """Return ‖aᵢ‖² / ‖A‖²_F, the probabilities with which Strohmer and Vershynin choose the rows.

    Raises
    ------
    TypeError, ValueError
        If `A` is not a matrix of real numbers, or zero.

    Examples
    --------
    >>> row_probabilities([[1, 1], [1, -1], [2, 0]])
    array([0.25, 0.25, 0.5 ])
    """
    squares = _row_squares(_nonzero(A))
    return squares / squares.sum()


def strohmer_vershynin_rate(A):
    """Return 1 − σ²/‖A‖²_F, with the smallest singular value σ of A: what a random step leaves at most.

    If the system has a solution and row i is chosen with probability ‖aᵢ‖²/‖A‖²_F, the expected squared error
    after k steps is at most its k-th power times the squared error of the start. Columns that depend on each
    other have σ = 0 and the rate 1, which promises nothing.

    Raises
    ------
    TypeError, ValueError
        If `A` is not a matrix of real numbers, or zero.

    References
    ----------
    T. Strohmer and R. Vershynin, "A Randomized Kaczmarz Algorithm with Exponential Convergence", Journal of
    Fourier Analysis and Applications 15, 2009, 262–278.

    Examples
    --------
    >>> strohmer_vershynin_rate([[1, 0], [0, 2]])
    0.8
    """
    A = _nonzero(A)
    if A.shape[0] < A.shape[1]:
        return 1.0
    singular = np.linalg.svd(A.toarray() if scipy.sparse.issparse(A) else A, compute_uv=False)
    return float(1 - singular[-1] ** 2 / (singular**2).sum())


def _one_by_one(lines, offsets, start, rows):
    """Walk row by row. A line is where a unit row is not zero, and what it is there."""
    x, lengths = start.copy(), np.empty(rows.size)
    for step, i in enumerate(rows):
        where, unit = lines[i]
        lengths[step] = length = offsets[i] - unit @ x[where]
        x[where] += length * unit
    return Run(x, lengths)


def _side_by_side(units, offsets, start, order):
    """Walk pieces of one run, the columns of `order`, each beginning where the one before it ends."""
    size, (length, pieces) = start.size, order.shape
    units = np.ascontiguousarray(units.T)
    # maps[:, :, p] takes (x, 1) at the beginning of piece p to the x at its end
    maps = np.tile(np.eye(size, size + 1)[:, :, None], pieces)
    change = np.empty_like(maps)
    for chosen in order:
        unit = units[:, chosen]
        excess = np.einsum("ip,ijp->jp", unit, maps)
        excess[-1] -= offsets[chosen]
        maps -= np.multiply(unit[:, None], excess, out=change)
    points = np.empty((size, pieces))
    for piece in range(pieces):
        points[:, piece] = start
        start = maps[:, :, piece] @ np.append(start, 1)
    lengths = np.empty((length, pieces))
    for step, chosen in enumerate(order):
        unit = units[:, chosen]
        lengths[step] = offsets[chosen] - np.einsum("ip,ip->p", unit, points)
        points += lengths[step] * unit
    return Run(start, lengths.T.ravel())


def _by_blocks(A, b, start, blocks, step):
    """Return the path of steps that `step` makes of the rows of a block and of what they lack."""
    A, b, start, norms = _system(A, b, start)
    path = [start]
    for k, block in enumerate(blocks):
        block = _chosen(f"blocks[{k}]", block, norms)
        if block.size == 0:
            raise ValueError(f"blocks[{k}] must have a row, got none")
        part = A[block].toarray() if scipy.sparse.issparse(A) else A[block]
        path.append(path[k] + step(part, b[block] - part @ path[k]))
    return np.array(path)


def _matrix(A):
    """Return a matrix of finite numbers, dense or by rows."""
    if not scipy.sparse.issparse(A):
        return real_array("A", A, ndim=2)
    A = scipy.sparse.csr_array(A)
    A.data = real_array("A", A.data)
    return A


def _nonzero(A):
    A = _matrix(A)
    if not _row_squares(A).any():
        raise ValueError(f"A must not be zero, got zeros of shape {A.shape}")
    return A


def _row_squares(A):
    return (A * A).sum(axis=1)


def _system(A, b, start):
    A = _matrix(A)
    b, start = real_array("b", b, shape=A.shape[:1]), real_array("start", start, shape=A.shape[1:])
    return A, b, start, np.sqrt(_row_squares(A))


def _chosen(name, rows, norms):
    """Return indices of rows as an array, if they are whole, there are such rows, and none is zero."""
    rows = np.asarray(rows)
    if rows.ndim != 1:
        raise ValueError(f"{name} must have 1 axes, got shape {rows.shape}")
    if rows.dtype.kind not in "iu" and rows.size:
        raise TypeError(f"{name} must hold whole numbers, got {rows.dtype}")
    rows = rows.astype(int)
    if ((rows < 0) | (rows >= len(norms))).any():
        raise ValueError(f"{name} must be from 0 to {len(norms) - 1}, got {rows.min()} to {rows.max()}")
    if not norms[rows].all():
        raise ValueError(f"{name} must not choose a zero row of A, got row {rows[norms[rows] == 0][0]}")
    return rows
