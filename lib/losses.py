"""What it costs to be wrong: losses of a batch, each with its gradient in the outputs.

A loss takes what the model says and what is right, one sample per row, and returns the *mean* over the
samples together with the derivatives with respect to the outputs, which is where backpropagation begins.
Outputs in float32 give gradients in float32. They are not searched for infinity and NaN: a training run that
diverges goes on.
"""

from typing import NamedTuple

import numpy as np


class Loss(NamedTuple):
    """A loss and where it comes from.

    Attributes
    ----------
    value : float
        The mean of the losses of the samples.
    gradient : ndarray
        The derivatives of `value` with respect to the outputs, in their shape.
    """

    value: float
    gradient: np.ndarray


def square(outputs, targets):
    """Return the mean over the samples of ‖ŷ − y‖².

    PyTorch's ``MSELoss`` divides by the number of outputs of a sample too; for one output they are equal.

    Parameters
    ----------
    outputs : ndarray, shape (samples,) or (samples, outputs)
        What the model says.
    targets : array_like, same shape
        What is right.

    Raises
    ------
    TypeError, ValueError
        If an argument is not an array of real numbers, or the shapes disagree.

    Examples
    --------
    >>> square(np.array([1.0, 4.0]), [1.0, 2.0])
    Loss(value=2.0, gradient=array([0., 2.]))
    """
    outputs = _outputs("outputs", outputs, (1, 2))
    residuals = outputs - _targets(outputs, targets)
    return Loss(float(np.vdot(residuals, residuals)) / len(outputs), 2 / len(outputs) * residuals)


def hinge(scores, targets):
    """Return the mean over the samples of max(0, 1 − yf) for the classes y = −1 and 1.

    A score on the right side of zero with a margin of at least 1 costs nothing. At the kink the gradient is
    taken as 0.

    Parameters
    ----------
    scores : ndarray, shape (samples,)
        The model's f.
    targets : array_like, shape (samples,)
        −1 or 1.

    Raises
    ------
    TypeError, ValueError
        As for :func:`square`, and if a target is neither −1 nor 1.

    References
    ----------
    C. Cortes and V. Vapnik, "Support-Vector Networks", Machine Learning 20, 1995, 273–297.

    Examples
    --------
    >>> hinge(np.array([2.0, 0.5]), [1, -1])
    Loss(value=0.75, gradient=array([0. , 0.5]))
    """
    scores = _outputs("scores", scores, (1,))
    targets = _targets(scores, targets, lambda t: np.abs(t) == 1, "-1 or 1")
    missing = np.maximum(1 - targets * scores, 0)
    return Loss(float(missing.sum()) / len(scores), np.where(missing > 0, -targets, 0) / len(scores))


def binary_cross_entropy(scores, targets):
    """Return the mean of −y log p − (1 − y) log(1 − p) with p = σ(f), computed from the scores f themselves.

    In the scores it is log(1 + eᶠ) − yf, whose form with ``log1p`` neither overflows nor loses the small
    losses of large scores. Its gradient is (σ(f) − y) / samples.

    Parameters
    ----------
    scores : ndarray, shape (samples,)
        The model's f, before the sigmoid.
    targets : array_like, shape (samples,)
        Numbers from 0 to 1: usually one of the two, the class.

    Raises
    ------
    TypeError, ValueError
        As for :func:`square`, and if a target is outside [0, 1].

    Examples
    --------
    >>> binary_cross_entropy(np.array([0.0, 0.0]), [0, 1])
    Loss(value=0.6931471805599453, gradient=array([ 0.25, -0.25]))
    """
    scores = _outputs("scores", scores, (1,))
    targets = _targets(scores, targets, lambda t: (t >= 0) & (t <= 1), "between 0 and 1")
    shrunk = np.exp(-np.abs(scores))
    losses = np.maximum(scores, 0) - targets * scores + np.log1p(shrunk)
    probabilities = np.where(scores >= 0, 1, shrunk) / (1 + shrunk)
    return Loss(float(losses.mean()), (probabilities - targets) / len(scores))


def cross_entropy(scores, labels):
    """Return the mean of −log p over the right classes, p being the softmax of the scores.

    In the scores it is log Σⱼ exp(fⱼ) − f of the right class; the largest score is taken out of the sum,
    which then cannot overflow. Its gradient is (p − one-hot) / samples.

    Parameters
    ----------
    scores : ndarray, shape (samples, classes)
        The model's f, before the softmax (logits).
    labels : array_like of int, shape (samples,)
        The right classes, counted from 0.

    Raises
    ------
    TypeError, ValueError
        As for :func:`square`, and if a label is not a whole number from 0 to classes − 1.

    Examples
    --------
    >>> cross_entropy(np.zeros((1, 2)), [1])
    Loss(value=0.6931471805599453, gradient=array([[ 0.5, -0.5]]))
    """
    scores = _outputs("scores", scores, (2,))
    labels = _array("labels", labels)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"labels must be whole numbers, got {labels.dtype}")
    samples, classes = scores.shape
    if labels.shape != (samples,):
        raise ValueError(f"labels must have shape {(samples,)}, got shape {labels.shape}")
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"labels must be from 0 to {classes - 1}, got {labels.min()} to {labels.max()}")
    # across few classes NumPy's max and sum would cost more than all the rest
    shifted = scores - scores.T.copy().max(axis=0)[:, None]
    gradient = np.exp(shifted)
    totals = gradient @ np.ones(classes, dtype=scores.dtype)
    right = np.arange(samples), labels
    value = float(np.log(totals).sum() - shifted[right].sum()) / samples
    gradient /= (samples * totals)[:, None]
    gradient[right] -= 1 / samples
    return Loss(value, gradient)


def _array(name, value):
    """Return an array; refuse rows of different lengths."""
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} must be a rectangular array, got {value!r}") from error


def _outputs(name, value, axes):
    """Check what a model said: real numbers, not none; float32 stays float32."""
    array = _array(name, value)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must hold real numbers, got {array.dtype}")
    if array.ndim not in axes or array.size == 0:
        raise ValueError(
            f"{name} must have {' or '.join(map(str, axes))} axes, none empty, got shape {array.shape}"
        )
    return array if array.dtype == np.float32 else array.astype(float, copy=False)


def _targets(outputs, targets, allowed=np.isfinite, wanted="finite"):
    """Check the targets of some outputs, and bring them to the outputs' precision."""
    array = _array("targets", targets)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"targets must hold real numbers, got {array.dtype}")
    if array.shape != outputs.shape:
        raise ValueError(
            f"targets must have the shape of the outputs, {outputs.shape}, got shape {array.shape}"
        )
    if not np.all(allowed(array)):
        where = tuple(int(i) for i in np.argwhere(~allowed(array))[0])
        raise ValueError(f"targets must be {wanted}, got {array[where]} at index {where}")
    return array.astype(outputs.dtype, copy=False)
