"""Tomography: a picture seen only through its sums along rays, as a system of linear equations.

A picture fills the square [−1, 1]² with pixels × pixels equal cells. As an array its first row is at the
*top* and its first column at the left, as pictures are drawn; as a vector its rows stand one after another
(``picture.ravel()``). A ray is the line x cos θ + y sin θ = s: θ is the angle of its normal, s its signed
distance from the middle. At θ = 0 the rays run up along columns, at θ = π/2 along rows.
"""

import numpy as np
import scipy.sparse

from lib.arguments import count, real_array

ELLIPSES = (  # tenths added, half axes along and across, middle (x, y), degrees that the first one is turned
    (10, 0.69, 0.92, 0.0, 0.0, 0),
    (-8, 0.6624, 0.874, 0.0, -0.0184, 0),
    (-2, 0.11, 0.31, 0.22, 0.0, -18),
    (-2, 0.16, 0.41, -0.22, 0.0, 18),
    (1, 0.21, 0.25, 0.0, 0.35, 0),
    (1, 0.046, 0.046, 0.0, 0.1, 0),
    (1, 0.046, 0.046, 0.0, -0.1, 0),
    (1, 0.046, 0.023, -0.08, -0.605, 0),
    (1, 0.023, 0.023, 0.0, -0.606, 0),
    (1, 0.023, 0.046, 0.06, -0.605, 0),
)


def ray_lengths(pixels, angles, offsets):
    """Return the matrix whose entry (i, j) is the length of ray i within pixel j.

    Times a picture it gives the sums along the rays, with each pixel's value constant on its cell. A ray is
    cut where it crosses the lines of the grid; the middle of each part tells its pixel. A ray that runs along
    a line of the grid belongs to the pixels at its right (θ = 0) or above it (θ = π/2), and on the border of
    the square to those within.

    Parameters
    ----------
    pixels : int
        Side of the picture, at least 1.
    angles : array_like, shape (many,)
        The angles θ of the normals, in radians.
    offsets : array_like, shape (rays,)
        The distances s, the same for each angle.

    Returns
    -------
    scipy.sparse.csr_array, shape (many * rays, pixels**2)
        The rays of the first angle, then of the second, ...

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the described kind, or there is no ray.

    References
    ----------
    R. L. Siddon, "Fast Calculation of the Exact Radiological Path for a Three-Dimensional CT Array", Medical
    Physics 12(2), 1985, 252–255.

    Examples
    --------
    Through the middle of the lower pixels, from side to side, and through the left ones, up:

    >>> ray_lengths(2, angles=[np.pi / 2, 0], offsets=[-0.5]).toarray()
    array([[0., 0., 1., 1.],
           [1., 0., 1., 0.]])
    """
    pixels = count("pixels", pixels, least=1)
    angles, offsets = real_array("angles", angles, ndim=1), real_array("offsets", offsets, ndim=1)
    if angles.size == 0 or offsets.size == 0:
        raise ValueError(f"angles and offsets must not be empty, got {angles.size} and {offsets.size}")
    lines = np.linspace(-1, 1, pixels + 1)
    return scipy.sparse.vstack([_cut(_direction(angle), offsets, lines) for angle in angles], format="csr")


def phantom(pixels):
    """Return a picture of a head made of ten ellipses, each pixel the value at its middle.

    The ellipses are those of Shepp and Logan. Their contrasts are raised, as is usual for pictures on a
    screen (values 0, 0.1, 0.2, 0.3, 0.4 and 1): in the original a skull of 2 holds tissue from 1 to 1.04.

    Parameters
    ----------
    pixels : int
        Side of the picture, at least 1.

    Returns
    -------
    ndarray, shape (pixels, pixels)
        The first row at the top.

    Raises
    ------
    TypeError, ValueError
        If `pixels` is not a whole number above 0.

    References
    ----------
    L. A. Shepp and B. F. Logan, "The Fourier Reconstruction of a Head Section", IEEE Transactions on Nuclear
    Science 21(3), 1974, 21–43. The contrasts: P. Toft, *The Radon Transform: Theory and Implementation*,
    thesis, Technical University of Denmark, 1996.

    Examples
    --------
    >>> phantom(5)
    array([[0. , 0. , 0.2, 0. , 0. ],
           [0. , 0.2, 0.3, 0.2, 0. ],
           [0. , 0.2, 0.2, 0.2, 0. ],
           [0. , 0.2, 0.2, 0.2, 0. ],
           [0. , 0. , 0.2, 0. , 0. ]])
    """
    pixels = count("pixels", pixels, least=1)
    middles = (np.arange(pixels) + 0.5) * 2 / pixels - 1
    x, y = middles, -middles[:, None]
    tenths = np.zeros((pixels, pixels))
    for added, along, across, right, up, degrees in ELLIPSES:
        cos, sin = _direction(np.radians(degrees))
        u, v = (x - right) * cos + (y - up) * sin, (y - up) * cos - (x - right) * sin
        tenths += added * ((u / along) ** 2 + (v / across) ** 2 <= 1)
    return tenths / 10


def _direction(angle):
    """Return cos and sin, exactly 0 where π/2 misses it by rounding: a ray along the grid must not lean."""
    pair = np.array([np.cos(angle), np.sin(angle)])
    return np.where(np.abs(pair) < 1e-12, 0, pair)


def _cut(normal, offsets, lines):
    """Return the rows of the matrix for parallel rays, which the lines of the grid cut into parts."""
    feet, way = normal[:, None] * offsets, np.array([-normal[1], normal[0]])
    # where each ray meets the upright lines and the level ones, measured from its foot; if it runs along
    # the ones, it meets the others only
    cuts = [(lines - foot[:, None]) / step for foot, step in zip(feet, way, strict=True) if step]
    cuts = np.sort(np.hstack(cuts), axis=1)
    lengths, middles = np.diff(cuts, axis=1), (cuts[:, 1:] + cuts[:, :-1]) / 2
    x, y = feet[:, :, None] + way[:, None, None] * middles
    # at a corner two lines are met at once, but for rounding
    inside = (np.abs(x) <= 1) & (np.abs(y) <= 1) & (lengths > 1e-12)
    pixels = lines.size - 1
    column, level = (np.minimum((c[inside] + 1) * pixels / 2, pixels - 1).astype(int) for c in (x, y))
    places = np.nonzero(inside)[0], (pixels - 1 - level) * pixels + column
    return scipy.sparse.csr_array((lengths[inside], places), shape=(offsets.size, pixels**2))
