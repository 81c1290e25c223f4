"""Bad input is turned down with the argument, the value and what was expected."""

import re
from fractions import Fraction

import numpy as np
import pytest

from lib.arguments import count, generator, real, real_array


@pytest.mark.parametrize("value", [2, 2.0, np.float32(2), np.int64(2), Fraction(2)])
def test_real_returns_a_float(value):
    assert type(real("rate", value)) is float
    assert real("rate", value, least=2, most=2, above=1, below=3) == 2


@pytest.mark.parametrize("value", [True, np.True_, "2", None, 2j, [2], np.array([2.0])])
def test_real_rejects_other_types(value):
    with pytest.raises(TypeError, match=re.escape(f"rate must be a real number, got {value!r}")):
        real("rate", value)


@pytest.mark.parametrize(
    ("value", "limits", "wanted"),
    [
        (np.inf, {}, "rate must be finite, got inf"),
        (-np.inf, {}, "finite, got -inf"),
        (np.nan, {"least": 0}, "finite and >= 0, got nan"),
        (0, {"above": 0}, "finite and > 0, got 0"),
        (1, {"below": 1}, "finite and < 1, got 1"),
        (-1, {"least": 0, "below": 1}, "< 1 and >= 0, got -1"),
        (2, {"most": 1}, "finite and <= 1, got 2"),
    ],
)
def test_real_names_the_limits(value, limits, wanted):
    with pytest.raises(ValueError, match=re.escape(wanted)):
        real("rate", value, **limits)


def test_count():
    assert type(count("steps", np.int64(3))) is int
    assert count("steps", 0) == 0
    for value in (2.0, True, np.False_, "3", None):
        with pytest.raises(TypeError, match="steps must be a whole number, got"):
            count("steps", value)
    with pytest.raises(ValueError, match="steps must be at least 1, got 0"):
        count("steps", 0, least=1)


def test_generator():
    rng = np.random.default_rng(0)
    assert generator("rng", rng) is rng
    for value in (0, None, np.random.RandomState(0), np.random.default_rng):
        with pytest.raises(
            TypeError, match=re.escape(f"rng must be a numpy.random.Generator, got {value!r}")
        ):
            generator("rng", value)


def test_real_array_returns_float64_and_copies_only_if_it_must():
    array = np.arange(6.0).reshape(2, 3)
    assert real_array("points", array, ndim=2, shape=(2, 3)) is array
    for value in ([1, 2], np.array([1, 2], np.int8), np.array([1, 2], np.float32), (1.0, 2.0)):
        assert real_array("points", value).dtype == np.float64
    assert real_array("points", 3, ndim=0).shape == ()
    assert real_array("points", []).size == 0


@pytest.mark.parametrize("value", ["ab", [True, False], [1j], [None], [object()]])
def test_real_array_rejects_other_types(value):
    with pytest.raises(TypeError, match="points must hold real numbers, got"):
        real_array("points", value)


@pytest.mark.parametrize(
    ("value", "wanted", "message"),
    [
        ([1, 2], {"ndim": 2}, "points must have 2 axes, got shape (2,)"),
        ([1, 2], {"shape": (3,)}, "points must have shape (3,), got shape (2,)"),
        ([[1, 2], [3]], {}, "points must be a rectangular array"),
        ([[1, 2], [3, np.nan]], {}, "points must be finite, got nan at index (1, 1)"),
        ([np.inf], {}, "points must be finite, got inf at index (0,)"),
    ],
)
def test_real_array_names_what_is_wrong(value, wanted, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        real_array("points", value, **wanted)
