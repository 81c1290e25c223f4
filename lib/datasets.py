"""What the book learns from: images, and toy sets in the plane."""

from dataclasses import dataclass, field

import numpy as np

from lib import arguments
from lib.fashion_mnist import CLASSES, read_files


@dataclass(frozen=True, eq=False)
class Dataset:
    """Labelled images, split into a training and a test part.

    Attributes
    ----------
    train_inputs : ndarray of float32, shape (n, height, width)
        Gray images, batch first, each pixel in [0, 1].  ``images.reshape(len(images), -1)`` is what a
        dense layer takes, ``images[:, None]`` (with an axis for the one channel) what a convolution takes.
    train_labels : ndarray of int64, shape (n,)
        The class of each image, counted from 0.
    test_inputs : ndarray of float32, shape (m, height, width)
        Images that training does not see.
    test_labels : ndarray of int64, shape (m,)
        Their classes.
    class_names : tuple of str
        What each label stands for.
    """

    train_inputs: np.ndarray = field(repr=False)
    train_labels: np.ndarray = field(repr=False)
    test_inputs: np.ndarray = field(repr=False)
    test_labels: np.ndarray = field(repr=False)
    class_names: tuple[str, ...]


def digits():
    """Return the 1,797 handwritten digits that come with scikit-learn, 8 × 8 pixels each.

    The split is always the same, and every class has the same share of both parts: 1,500 images train,
    297 test.  No network is needed.

    Returns
    -------
    Dataset
        Images of shape (n, 8, 8).

    References
    ----------
    E. Alpaydin and C. Kaynak, "Cascading classifiers", Kybernetika 34 (1998) 369–374.

    Examples
    --------
    >>> digits().train_inputs.shape, digits().test_inputs.shape
    ((1500, 8, 8), (297, 8, 8))
    """
    from sklearn.datasets import load_digits  # here, for it takes two seconds and the toy sets do without
    from sklearn.model_selection import train_test_split

    source = load_digits()
    images, labels = (source.images / 16).astype(np.float32), source.target.astype(np.int64)
    train_inputs, test_inputs, train_labels, test_labels = train_test_split(
        images, labels, test_size=297, random_state=0, stratify=labels
    )
    return Dataset(train_inputs, train_labels, test_inputs, test_labels, tuple("0123456789"))


def fashion_mnist():
    """Return Fashion-MNIST: 60,000 training and 10,000 test images of clothes, 28 × 28 pixels each.

    The four files (31 MB) are downloaded once, from the address that the data set's authors give, and
    kept in the user's cache folder.  The environment variable ``DOWNHILL_FASHION_MNIST`` may instead
    name a folder that holds them; then nothing is downloaded.  Either way their SHA-256 sums are
    checked at every call, and a damaged file in the cache is downloaded again.

    Returns
    -------
    Dataset
        Images of shape (n, 28, 28).

    Raises
    ------
    DatasetError
        If a file can be neither found nor downloaded, or is not what it should be.

    References
    ----------
    H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine
    learning algorithms", arXiv:1708.07747 (2017).
    """
    train_images, train_labels, test_images, test_labels = read_files()
    return Dataset(
        np.divide(train_images, 255, dtype=np.float32),
        train_labels.astype(np.int64),
        np.divide(test_images, 255, dtype=np.float32),
        test_labels.astype(np.int64),
        tuple(CLASSES.split(", ")),
    )


def xor(rng, count, noise=0.1):
    """Draw points around the corners of the unit square, labelled with the exclusive or of the corner.

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of all randomness.
    count : int
        How many points; the corners take turns, so that four points without noise are the truth table.
    noise : float
        Standard deviation of the normal noise added to each coordinate.

    Returns
    -------
    points : ndarray of float64, shape (count, 2)
    labels : ndarray of int64, shape (count,)
        1 where exactly one coordinate of the corner is 1, else 0.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kind described, ``count`` is below 1 or ``noise`` negative.

    Examples
    --------
    >>> points, labels = xor(np.random.default_rng(0), 4, noise=0)
    >>> np.column_stack([points, labels]).astype(int).tolist()
    [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]]
    """
    count, noise = _checked(rng, count, noise)
    first, second = np.divmod(np.arange(count) % 4, 2)
    return _with_noise(rng, noise, first, second), first ^ second


def ball_and_ring(rng, count, noise=0.05):
    """Draw points from a ball and from the ring around it, which no straight line separates.

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of all randomness.
    count : int
        How many points; ball and ring take turns.
    noise : float
        Standard deviation of the normal noise added to each coordinate.

    Returns
    -------
    points : ndarray of float64, shape (count, 2)
        Before noise, spread evenly over the ball of radius 1/2 and the ring of radii 0.7 to 1.
    labels : ndarray of int64, shape (count,)
        0 in the ball, 1 in the ring.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kind described, ``count`` is below 1 or ``noise`` negative.
    """
    count, noise = _checked(rng, count, noise)
    labels = np.arange(count) % 2
    # Evenly spread over an area means that the square of the radius is uniform.
    radius = np.sqrt(rng.uniform(np.where(labels, 0.7**2, 0), np.where(labels, 1, 0.5**2)))
    angle = rng.uniform(0, 2 * np.pi, count)
    return _with_noise(rng, noise, radius * np.cos(angle), radius * np.sin(angle)), labels


def moons(rng, count, noise=0.1):
    """Draw points from two half circles that reach into each other.

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of all randomness.
    count : int
        How many points; the moons take turns.
    noise : float
        Standard deviation of the normal noise added to each coordinate.

    Returns
    -------
    points : ndarray of float64, shape (count, 2)
        Before noise, on the upper half of the unit circle around (0, 0) and the lower half of the one
        around (1, 1/2), as in scikit-learn's ``make_moons``.
    labels : ndarray of int64, shape (count,)
        0 on the upper moon, 1 on the lower.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kind described, ``count`` is below 1 or ``noise`` negative.
    """
    count, noise = _checked(rng, count, noise)
    labels = np.arange(count) % 2
    angle = rng.uniform(0, np.pi, count)
    angle += np.pi * labels
    return _with_noise(rng, noise, np.cos(angle) + labels, np.sin(angle) + labels / 2), labels


def spirals(rng, count, noise=0.02):
    """Draw points from two spirals wound around each other, one the other's mirror image in the origin.

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of all randomness.
    count : int
        How many points; the spirals take turns.
    noise : float
        Standard deviation of the normal noise added to each coordinate.

    Returns
    -------
    points : ndarray of float64, shape (count, 2)
        Before noise, at a radius r uniform in [0, 1] and the angle 3.5πr, that is 1¾ turns; the second
        spiral half a turn on.
    labels : ndarray of int64, shape (count,)
        Which spiral, 0 or 1.

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kind described, ``count`` is below 1 or ``noise`` negative.
    """
    count, noise = _checked(rng, count, noise)
    labels = np.arange(count) % 2
    radius = rng.uniform(0, 1, count)
    angle = 3.5 * np.pi * radius + np.pi * labels
    return _with_noise(rng, noise, radius * np.cos(angle), radius * np.sin(angle)), labels


def line(rng, count, noise=0.1, *, slope=2.0, intercept=1.0):
    """Draw points around a straight line, the first example of a fit.

    Parameters
    ----------
    rng : numpy.random.Generator
        The source of all randomness.
    count : int
        How many points.
    noise : float
        Standard deviation of the normal noise added to each target.
    slope, intercept : float
        The line: target = slope · input + intercept.

    Returns
    -------
    inputs : ndarray of float64, shape (count, 1)
        Uniform in [-1, 1].
    targets : ndarray of float64, shape (count,)

    Raises
    ------
    TypeError, ValueError
        If an argument is not of the kind described, ``count`` is below 1 or ``noise`` negative.
    """
    count, noise = _checked(rng, count, noise)
    slope, intercept = arguments.real("slope", slope), arguments.real("intercept", intercept)
    inputs = rng.uniform(-1, 1, count)
    targets = slope * inputs + intercept + noise * rng.standard_normal(count)
    return inputs[:, None], targets


def _checked(rng, count, noise):
    """Reject what no toy set can use."""
    arguments.generator("rng", rng)
    return arguments.count("count", count, least=1), arguments.real("noise", noise, least=0)


def _with_noise(rng, noise, first, second):
    """Return the points with these two coordinates, each moved a little."""
    return np.column_stack([first, second]) + noise * rng.standard_normal((len(first), 2))
