"""What the methods for linear programs share: the standard form, independent equations, signs that are sure.

A linear program here is: minimize ``c·x`` subject to ``Ax = b`` and ``x >= 0``, with A of shape (m, n). Its
dual is: maximize ``b·y`` subject to ``Aᵀy <= c``.

Whether rows are independent, contradict each other, or leave a component zero, is decided under rounding. It
is measured by the size of the sums that cancelled, not by a fixed small number, so that the units of rows and
columns do not matter.
"""

import numpy as np

from lib.arguments import real_array

ROUNDING = 1e-12  # about 5000 units in the last place: what a chain of operations may lose
DEPENDENT = 1e-10  # the part of its length that a row must have to itself, not to be taken for a combination


def standard_form(c, A, b):
    """Return c, A, b as float64 arrays, if they make a linear program.

    Raises
    ------
    TypeError, ValueError
        If A has not two axes, each of at least one; c or b does not fit it; or an entry is not a finite real
        number.

    Examples
    --------
    >>> standard_form([1, 2], [[1, 1]], [3])
    (array([1., 2.]), array([[1., 1.]]), array([3.]))
    """
    A = real_array("A", A, ndim=2)
    if A.size == 0:
        raise ValueError(f"A must have at least one row and one column, got shape {A.shape}")
    m, n = A.shape
    return real_array("c", c, shape=(n,)), A, real_array("b", b, shape=(m,))


def solve(matrix, right):
    """Solve ``matrix @ x = right`` and bound what rounding may have done to each component.

    With absolute values taken entry by entry, the bound is a multiple of
    ``|matrix⁻¹| (|matrix| |x| + |right|)``: what changes in the last digits of the data can do. Elimination
    mixes rows and does worse, but corrections make its errors smaller each time: they are allowed 1e-24 of
    the largest component.

    Parameters
    ----------
    matrix : ndarray, shape (n, n)
    right : ndarray, shape (n,)

    Returns
    -------
    x, blur : ndarray, shape (n,)

    Raises
    ------
    numpy.linalg.LinAlgError
        If the matrix is singular to the last digit.

    References
    ----------
    R. D. Skeel, "Iterative Refinement Implies Numerical Stability for Gaussian Elimination", Mathematics of
    Computation 35, 1980, 817–832.

    Examples
    --------
    >>> x, blur = solve(np.array([[1.0, 1.0], [0.0, 3.0]]), np.array([0.3, 0.9]))
    >>> abs(x[0]) < blur[0], abs(x[1]) < blur[1]
    (np.True_, np.False_)
    """
    inverse = np.linalg.inv(matrix)
    x = inverse @ right
    for _ in range(2):
        x = x + inverse @ (right - matrix @ x)
    mixed_in = ROUNDING**2 * np.abs(x).max(initial=0)
    return x, ROUNDING * np.abs(inverse) @ (np.abs(matrix) @ np.abs(x) + np.abs(right)) + mixed_in


def sure(values, blur):
    """Return the values, those that may be nothing but rounding set to zero.

    Examples
    --------
    >>> sure(np.array([2.0, -3e-17, -1e-30]), blur=np.array([1e-12, 1e-12, 0]))
    array([ 2.e+00,  0.e+00, -1.e-30])
    """
    return np.where(np.abs(values) > blur, values, 0.0)


def largest(array):
    """Return the largest absolute value in the array, as a unit to divide by: 1 if all are zero."""
    return float(np.abs(array).max(initial=0)) or 1.0


def balance(A):
    """Return units for the rows and columns of A; divided by both, each has a largest entry of about 1.

    What measures in millimetres need not be small. The units are square roots of the largest entries, row by
    row and column by column, taken again and again.

    Parameters
    ----------
    A : ndarray, shape (m, n)

    Returns
    -------
    row_units, column_units : ndarray, shapes (m,), (n,)

    References
    ----------
    D. Ruiz, "A scaling algorithm to equilibrate both rows and columns norms in matrices", Technical Report
    RAL-TR-2001-034, Rutherford Appleton Laboratory, 2001.

    Examples
    --------
    >>> A = np.array([[1000.0, 0.0], [3.0, 0.002]])
    >>> row_units, column_units = balance(A)
    >>> (A / row_units[:, None] / column_units).round(3)
    array([[1.   , 0.   ],
           [0.282, 1.   ]])
    """
    row_units, column_units = np.ones(A.shape[0]), np.ones(A.shape[1])
    for _ in range(20):  # each time halves the logarithms of what is not 1 yet
        scaled = np.abs(A) / row_units[:, None] / column_units
        rows, columns = scaled.max(axis=1, initial=0), scaled.max(axis=0, initial=0)
        row_units = row_units * np.sqrt(np.where(rows > 0, rows, 1))
        column_units = column_units * np.sqrt(np.where(columns > 0, columns, 1))
    return row_units, column_units


def independent_rows(matrix):
    """Return the indices of the rows that are no combination of the rows above them.

    Rounding makes almost every row independent of others; one that has less than 1e-10 of its length to
    itself counts as a combination.

    Parameters
    ----------
    matrix : ndarray, shape (m, n)

    Returns
    -------
    ndarray of int, shape (rank,)

    Examples
    --------
    >>> independent_rows(np.array([[1, 1], [2, 2], [0, 0], [0, 1]])).tolist()
    [0, 3]
    """
    _, column_units = balance(matrix)
    kept, directions = [], np.empty((0, matrix.shape[1]))
    for index, row in enumerate(matrix / column_units):
        if not row.any():
            continue
        own = row / np.linalg.norm(row)
        for _ in range(2):  # what rounding leaves of the other directions goes the second time
            own = own - (directions @ own) @ directions
        length = np.linalg.norm(own)
        if length > DEPENDENT:
            kept.append(index)
            directions = np.vstack([directions, own / length])
    return np.array(kept, dtype=int)


def contradiction(A, b):
    """Return a y with Aᵀy = 0 and b·y > 0, which proves that no x has Ax = b, or None if there is an x.

    Parameters
    ----------
    A : ndarray, shape (m, n)
    b : ndarray, shape (m,)

    Examples
    --------
    >>> contradiction(np.array([[1.0, 1.0], [2.0, 2.0]]), np.array([1.0, 3.0]))
    array([-2.,  1.])
    """
    rows = independent_rows(A)
    columns = independent_rows(A[rows].T)
    block = A[np.ix_(rows, columns)].T
    for index in np.setdiff1d(np.arange(len(b)), rows):
        mixture, blur = solve(block, A[index, columns])  # of the independent rows, that makes this row
        difference = b[index] - mixture @ b[rows]
        # A row that is a combination up to DEPENDENT leaves a difference as uncertain.
        if abs(difference) > DEPENDENT * abs(b[index]) + DEPENDENT / ROUNDING * blur @ np.abs(b[rows]):
            y = spread(-sure(mixture, blur), rows, len(b))
            y[index] = 1
            return np.sign(difference) * y
    return None


def spread(y, rows, m):
    """Return the multipliers of all m rows: y for those that were kept, 0 for the others.

    Examples
    --------
    >>> spread(np.array([5.0, 7.0]), rows=[0, 2], m=3)
    array([5., 0., 7.])
    """
    full = np.zeros(m)
    full[rows] = y
    return full
