"""Ray lengths against chords of squares and discs, grids that a ray runs along, and slow clipping by cell."""

import re

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from lib.tomography import phantom, ray_lengths

untimed = settings(deadline=None, max_examples=60)
angles = st.one_of(st.floats(-7, 7), st.integers(-8, 8).map(lambda k: k * np.pi / 4))


def chord(left, right, bottom, top, angle, offset, border=0.0):
    """Return how much of the line x cos θ + y sin θ = s lies in a box and, along its sides, in a border."""
    cos, sin = (0.0 if abs(c) < 1e-12 else c for c in (np.cos(angle), np.sin(angle)))
    first, last = -np.inf, np.inf
    for foot, way, low, high in ((offset * cos, -sin, left, right), (offset * sin, cos, bottom, top)):
        if way:
            ends = sorted([(low - foot) / way, (high - foot) / way])
            first, last = max(first, ends[0]), min(last, ends[1])
        elif not low - border <= foot <= high + border:
            return 0.0
    return max(0.0, last - first)


@given(pixels=st.integers(1, 9), angle=angles, offset=st.floats(-1.5, 1.5))
@untimed
def test_the_parts_of_a_ray_are_its_chords_in_the_cells(pixels, angle, offset):
    lines = np.linspace(-1, 1, pixels + 1)
    parts = ray_lengths(pixels, [angle], [offset]).toarray().reshape(pixels, pixels)
    assert parts.sum() == pytest.approx(chord(-1, 1, -1, 1, angle, offset), abs=1e-9)
    expected = [
        [chord(lines[j], lines[j + 1], lines[i], lines[i + 1], angle, offset, 1e-9) for j in range(pixels)]
        for i in reversed(range(pixels))
    ]
    along = np.sum(expected) > parts.sum() + 1e-9  # the ray runs along a line of the grid
    if not along:
        assert_allclose(parts, expected, atol=1e-9)
    assert (parts <= np.array(expected) + 1e-9).all()


@pytest.mark.parametrize("pixels", [1, 2, 3, 8, 10])
@pytest.mark.parametrize("quarter", [-3, 0, 1, 2, 3, 102])
def test_rays_at_right_angles_are_exact_and_on_grid_lines_counted_once(pixels, quarter):
    lines = np.linspace(-1, 1, pixels + 1)
    middles = (lines[1:] + lines[:-1]) / 2
    rays = ray_lengths(pixels, [quarter * np.pi / 2], np.concatenate([middles, lines])).toarray()
    pictures = rays.reshape(-1, pixels, pixels)
    if quarter % 2:
        pictures = pictures[:, ::-1].transpose(0, 2, 1)  # now a ray fills a column, counted from s = −1
    if quarter % 4 in (2, 3):
        pictures = pictures[:, :, ::-1]
    assert_allclose(
        pictures[:pixels], np.repeat(np.eye(pixels)[:, None], pixels, axis=1) * 2 / pixels, atol=1e-14
    )
    for k, picture in enumerate(pictures[pixels:]):
        assert_allclose(picture.sum(axis=1), 2 / pixels, rtol=1e-12)
        (column,) = np.flatnonzero(picture.any(axis=0))
        assert column in (k - 1, k)


def test_on_a_grid_line_the_cell_at_the_right_or_above_is_met():
    along = ray_lengths(2, [0, np.pi / 2], [0.0]).toarray().reshape(2, 2, 2)
    assert_array_equal(along, [[[0, 1], [0, 1]], [[1, 1], [0, 0]]])


def test_a_ray_through_corners_meets_the_diagonal_only():
    for pixels in (1, 2, 3, 7, 64):
        rising, falling = ray_lengths(pixels, [-np.pi / 4, np.pi / 4], [0.0]).toarray()
        cell = np.sqrt(8) / pixels
        assert_allclose(falling.reshape(pixels, pixels), cell * np.eye(pixels), atol=1e-14)
        assert_allclose(rising.reshape(pixels, pixels), cell * np.eye(pixels)[::-1], atol=1e-14)
    A = ray_lengths(64, [np.pi / 4], [0.0])
    assert A.nnz == 64


def test_rows_are_angles_by_offsets_and_columns_a_picture_from_its_top():
    turns, offsets = [0.3, 1.1, 2.0], [-0.5, 0.1, 0.2, 0.9]
    A = ray_lengths(5, turns, offsets)
    assert isinstance(A, scipy.sparse.csr_array)
    assert A.shape == (12, 25)
    assert (A.data > 0).all()
    for a, angle in enumerate(turns):
        for o, offset in enumerate(offsets):
            one = ray_lengths(5, [angle], [offset]).toarray()[0]
            assert_array_equal(A[[4 * a + o]].toarray()[0], one)
    top_left = ray_lengths(3, [3 * np.pi / 4], [np.sqrt(2) - 0.1]).toarray()[0]
    assert_array_equal(np.flatnonzero(top_left), [0])


@given(angle=st.floats(0.01, 1.5), offset=st.floats(-1.4, 1.4))
@untimed
def test_turning_the_ray_turns_the_picture(angle, offset):
    here, turned, back, mirrored = (
        ray_lengths(6, [theta], [s]).toarray().reshape(6, 6)
        for theta, s in (
            (angle, offset),
            (angle + np.pi / 2, offset),
            (angle + np.pi, -offset),
            (np.pi - angle, offset),
        )
    )
    assert_allclose(turned, np.rot90(here), atol=1e-12)
    assert_allclose(back, here, atol=1e-12)
    assert_allclose(mirrored, here[:, ::-1], atol=1e-12)


def test_the_sums_of_a_disc_are_its_chords():
    pixels, fine, middle, radius = 60, 8, np.array([0.2, -0.3]), 0.45
    places = (np.arange(pixels * fine) + 0.5) * 2 / (pixels * fine) - 1
    inside = (places - middle[0]) ** 2 + (-places[:, None] - middle[1]) ** 2 <= radius**2
    picture = inside.reshape(pixels, fine, pixels, fine).mean(axis=(1, 3))
    turns, offsets = np.linspace(0, np.pi, 25, endpoint=False), (np.arange(60) + 0.5) / 30 - 1
    sums = (ray_lengths(pixels, turns, offsets) @ picture.ravel()).reshape(25, 60)
    distance = offsets - (np.cos(turns) * middle[0] + np.sin(turns) * middle[1])[:, None]
    chords = 2 * np.sqrt(np.maximum(radius**2 - distance**2, 0))
    assert_allclose(sums, chords, atol=0.1)  # at the rim the chord is steep
    assert np.abs(sums - chords).mean() < 0.004
    deep = np.abs(distance) < 0.8 * radius
    assert np.abs(sums - chords)[deep].max() < 0.03
    assert_array_equal(sums[np.abs(distance) > radius + 0.05], 0)


def test_the_phantom_holds_its_tissues_at_their_places():
    picture = phantom(200)
    assert_array_equal(np.unique(picture), [0, 0.1, 0.2, 0.3, 0.4, 1])

    def at(x, y):
        return picture[int((1 - y) * 100), int((x + 1) * 100)]

    assert at(0, 0.9) == at(0.675, 0) == 1  # the skull
    assert at(0.22, 0) == at(-0.22, 0) == 0  # the ventricles
    assert at(0, -0.3) == 0.2
    assert at(0, 0.35) == at(0, 0.1) == at(0, -0.1) == 0.3
    assert at(0.06, -0.605) == at(-0.08, -0.605) == at(0, -0.606) == 0.3
    assert at(0, 0.98) == at(0.9, 0) == 0
    # the ventricles lean apart at their tops
    assert at(0.30, 0.25) == 0
    assert at(0.14, 0.25) != 0
    assert at(-0.34, 0.35) == 0
    assert at(-0.10, 0.35) != 0


def test_the_phantom_has_the_mass_of_its_ellipses():
    halves = [
        (1, 0.69, 0.92),
        (-0.8, 0.6624, 0.874),
        (-0.2, 0.11, 0.31),
        (-0.2, 0.16, 0.41),
        (0.1, 0.21, 0.25),
    ]
    small = [(0.1, 0.046, 0.046)] * 2 + [(0.1, 0.046, 0.023), (0.1, 0.023, 0.023), (0.1, 0.023, 0.046)]
    mass = np.pi * sum(value * a * b for value, a, b in halves + small)
    assert phantom(512).mean() * 4 == pytest.approx(mass, rel=1e-3)
    turned = phantom(41)
    assert turned.shape == (41, 41)
    assert_array_equal(turned[0], 0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ray_lengths(0, [0], [0]), ValueError, "pixels must be at least 1, got 0"),
        (lambda: ray_lengths(2.0, [0], [0]), TypeError, "pixels must be a whole number"),
        (lambda: ray_lengths(2, 0.0, [0]), ValueError, "angles must have 1 axes"),
        (lambda: ray_lengths(2, [0], [[0]]), ValueError, "offsets must have 1 axes"),
        (lambda: ray_lengths(2, [np.nan], [0]), ValueError, "angles must be finite"),
        (lambda: ray_lengths(2, [0], []), ValueError, "angles and offsets must not be empty, got 1 and 0"),
        (lambda: ray_lengths(2, [], [0]), ValueError, "angles and offsets must not be empty, got 0 and 1"),
        (lambda: phantom(0), ValueError, "pixels must be at least 1"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=re.escape(message)):
        call()
