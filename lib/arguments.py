"""Clear errors for bad input: each names the argument, the value it got and what was expected."""

import math
from numbers import Integral, Real

import numpy as np


def real(name, value, *, above=None, below=None, least=None, most=None):
    """Return `value` as a float, if it is a finite real number within the limits.

    `above` and `below` exclude their end, `least` and `most` include it.

    Raises
    ------
    TypeError
        If `value` is not a real number (a bool is not one here).
    ValueError
        If it is infinite, NaN or outside the limits.
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a real number, got {value!r}")
    limits = {">": above, "<": below, ">=": least, "<=": most}
    wanted = " and ".join(f"{sign} {end}" for sign, end in limits.items() if end is not None)
    inside = (
        math.isfinite(value)
        and (above is None or value > above)
        and (below is None or value < below)
        and (least is None or value >= least)
        and (most is None or value <= most)
    )
    if not inside:
        raise ValueError(f"{name} must be finite{' and ' + wanted if wanted else ''}, got {value!r}")
    return float(value)


def count(name, value, *, least=0):
    """Return `value` as an int, if it is a whole number of at least `least`.

    Raises
    ------
    TypeError
        If `value` is not an integer (2.0 is not one here, nor is a bool).
    ValueError
        If it is less than `least`.
    """
    if isinstance(value, bool | np.bool_) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be a whole number, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value!r}")
    return int(value)


def generator(name, value):
    """Return `value`, if it is a ``numpy.random.Generator``; else raise TypeError."""
    if not isinstance(value, np.random.Generator):
        raise TypeError(f"{name} must be a numpy.random.Generator, got {value!r}")
    return value


def real_array(name, value, *, ndim=None, shape=None):
    """Return `value` as a new or existing float64 array, if it holds finite real numbers only.

    Parameters
    ----------
    name : str
        What the caller's signature calls the argument.
    value : array_like
    ndim : int, optional
        How many axes it must have.
    shape : tuple of int, optional
        The shape it must have.

    Raises
    ------
    TypeError
        If an entry is not a real number.
    ValueError
        If the shape differs from what was expected, or an entry is infinite or NaN.
    """
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} must be a rectangular array of real numbers, got {value!r}") from error
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers, got {value!r}")
    array = array.astype(float, copy=False)
    if ndim is not None and array.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} axes, got shape {array.shape}")
    if shape is not None and array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got shape {array.shape}")
    if not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{name} must be finite, got {array[where]} at index {where}")
    return array


def returned(name, value, shape):
    """Return what the caller's function `name` gave back as an array, if it holds real numbers in that shape.

    They may be infinite or NaN: that is the function's own affair.

    Raises
    ------
    TypeError
        If an entry is not a real number.
    ValueError
        If the shape differs from `shape`.
    """
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} must return shape {shape}, got components of different shapes") from error
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must return real numbers, got {value!r}")
    if array.shape != shape:
        raise ValueError(f"{name} must return shape {shape}, got shape {array.shape}")
    return array


def read_only(array):
    """Return a copy that a caller's function cannot change: one that works in place raises ValueError."""
    array = np.array(array, dtype=float)
    array.flags.writeable = False
    return array
