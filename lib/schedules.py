"""Learning rates that change: functions of the step number 0, 1, 2, ... that return the rate of that step.

Both :mod:`lib.optimizers` and :func:`lib.descent.gradient_descent` take one wherever they take a number.
"""

import math

from lib.arguments import count, real


def inverse_time(rate):
    """Return the schedule ``rate/(t + 1)``, that is s₀/k with k = t + 1.

    Its sum diverges while the sum of its squares converges, the condition of Robbins and Monro (*A Stochastic
    Approximation Method*, Annals of Mathematical Statistics 22, 1951).

    Parameters
    ----------
    rate : float
        The rate at step 0, above 0.

    Returns
    -------
    callable
        From the step number t = 0, 1, 2, ... to the learning rate.

    Examples
    --------
    >>> schedule = inverse_time(0.6)
    >>> [round(schedule(t), 3) for t in range(3)]
    [0.6, 0.3, 0.2]
    """
    rate = real("rate", rate, above=0)
    return lambda t: rate / (count("t", t) + 1)


def inverse_sqrt(rate):
    """Return the schedule ``rate/sqrt(t + 1)``, that is s₀/√k with k = t + 1.

    Parameters
    ----------
    rate : float
        The rate at step 0, above 0.

    Returns
    -------
    callable
        From the step number t = 0, 1, 2, ... to the learning rate.
    """
    rate = real("rate", rate, above=0)
    return lambda t: rate / math.sqrt(count("t", t) + 1)


def exponential(rate, factor):
    """Return the schedule ``rate * factor**t``.

    Parameters
    ----------
    rate : float
        The rate at step 0, above 0.
    factor : float
        What each step multiplies the rate by, above 0 and at most 1.

    Returns
    -------
    callable
        From the step number t = 0, 1, 2, ... to the learning rate.
    """
    rate = real("rate", rate, above=0)
    factor = real("factor", factor, above=0, most=1)
    return lambda t: rate * factor ** count("t", t)


def cosine(rate, steps, *, warmup=0):
    """Return a linear rise to `rate`, then half a cosine wave down to 0.

    The rise takes the values ``rate (t + 1)/(warmup + 1)``, so no step is wasted on a rate of 0. Without it
    the schedule is PyTorch's ``CosineAnnealingLR``, except that after the last step it stays at 0.

    Parameters
    ----------
    rate : float
        The highest rate, reached at step `warmup`, above 0.
    steps : int
        The step from which on the rate is 0.
    warmup : int, optional
        How many steps come before the highest rate, fewer than `steps`.

    Returns
    -------
    callable
        From the step number t = 0, 1, 2, ... to the learning rate.

    Raises
    ------
    ValueError
        If `warmup` is not less than `steps`.

    References
    ----------
    I. Loshchilov, F. Hutter, *SGDR: Stochastic Gradient Descent with Warm Restarts*, ICLR 2017.

    Examples
    --------
    >>> schedule = cosine(1.0, 5, warmup=1)
    >>> [round(schedule(t), 3) for t in range(7)]
    [0.5, 1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """
    rate = real("rate", rate, above=0)
    steps, warmup = count("steps", steps, least=1), count("warmup", warmup)
    if warmup >= steps:
        raise ValueError(f"warmup must be less than steps = {steps}, got {warmup}")

    def schedule(t):
        if count("t", t) < warmup:
            return rate * (t + 1) / (warmup + 1)
        progress = min(1.0, (t - warmup) / (steps - warmup))
        return rate * (1 + math.cos(math.pi * progress)) / 2

    return schedule
