"""Try many settings of a method, one after another or many at once.

A setting is a dictionary of keyword arguments.
"""

import math
import os
from collections.abc import Sequence
from itertools import product

import numpy as np
from tqdm.auto import tqdm

from lib.arguments import count, generator, real


def search(evaluate, settings, executor=None, progress=True):
    """Return the results of ``evaluate(**setting)`` for every setting, in the order of the settings.

    The evaluations do not wait for each other, so they can run at the same time: in threads, in processes,
    or on the machines of a cluster. That changes when the results are ready and nothing else, as long as
    every evaluation draws its random numbers from a seed in its setting.

    Parameters
    ----------
    evaluate : callable
        Takes the entries of a setting as keyword arguments. Other processes must be able to import it.
    settings : iterable of dict
        As from :func:`grid` or :func:`random_settings`.
    executor : concurrent.futures.Executor, optional
        Where to evaluate: a ``ThreadPoolExecutor``, a ``ProcessPoolExecutor``, what ``Client.get_executor()``
        of ``dask.distributed`` returns, or another with a method ``submit``. It is not shut down. If not
        given, the evaluations are made one after another, here.
    progress : bool
        Whether a bar shows how many are done; it disappears at the end.

    Raises
    ------
    TypeError
        If `evaluate` is not callable, a setting is not a dictionary with strings as keys, or `executor` has
        no method ``submit``.
    RuntimeError
        From the first error of an evaluation, in the order of the settings; the message names the setting.
        Evaluations that have not begun are cancelled.

    Examples
    --------
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> def power(base, exponent):
    ...     return base**exponent
    >>> settings = grid(base=[2, 3], exponent=[1, 2, 3])
    >>> with ThreadPoolExecutor() as executor:
    ...     results = search(power, settings, executor)
    >>> results
    [2, 4, 8, 3, 9, 27]
    >>> settings[np.argmax(results)]
    {'base': 3, 'exponent': 3}
    """
    if not callable(evaluate):
        raise TypeError(f"evaluate must be callable, got {evaluate!r}")
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise TypeError(f"executor must have a method submit, got {executor!r}")
    settings = list(settings)
    for i, setting in enumerate(settings):
        if not isinstance(setting, dict) or not all(isinstance(name, str) for name in setting):
            raise TypeError(f"settings[{i}] must be a dictionary of keyword arguments, got {setting!r}")
    futures = []
    if executor is not None:
        # a setting travels in one piece: as keywords, Dask would take some for options of its own
        futures = [executor.submit(_call, evaluate, setting) for setting in settings]
    results = []
    hidden = not progress or "DOWNHILL_BUILD" in os.environ
    try:
        for i, setting in enumerate(tqdm(settings, disable=hidden, leave=False, unit="setting")):
            try:
                results.append(futures[i].result() if futures else _call(evaluate, setting))
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                raise RuntimeError(f"the evaluation of {setting} failed: {reason}") from error
    finally:
        for future in futures:
            future.cancel()
    return results


def grid(**values):
    """Return all combinations of values as settings; the last name varies fastest.

    Raises
    ------
    TypeError, ValueError
        If the values of a name are not a list or another sequence, or there are none.

    Examples
    --------
    >>> for setting in grid(learning_rate=[0.1, 0.01], seed=range(2)):
    ...     print(setting)
    {'learning_rate': 0.1, 'seed': 0}
    {'learning_rate': 0.1, 'seed': 1}
    {'learning_rate': 0.01, 'seed': 0}
    {'learning_rate': 0.01, 'seed': 1}
    """
    values = {name: _choices(name, some) for name, some in values.items()}
    return [dict(zip(values, some, strict=True)) for some in product(*values.values())]


def random_settings(rng, number, /, **distributions):
    """Return settings drawn at random, every entry independently of the others.

    If only some of the entries matter, no two of the settings waste a trial on the same values of these, as
    those of a grid do.

    Parameters
    ----------
    rng : numpy.random.Generator
    number : int
        How many settings.
    **distributions : callable or sequence
        For each name a function of the generator that draws one value, such as :func:`log_uniform` returns,
        or values of which each is as likely as the others.

    Raises
    ------
    TypeError, ValueError
        If `rng` is not a generator, `number` not a count, or a distribution is neither of the two, or empty.

    References
    ----------
    J. Bergstra and Y. Bengio, "Random Search for Hyper-Parameter Optimization", Journal of Machine Learning
    Research 13, 2012, 281–305.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> rates = log_uniform(1e-4, 1)
    >>> for setting in random_settings(rng, 2, learning_rate=rates, batch_size=[10, 100]):
    ...     print(f"{setting['learning_rate']:.6f}", setting["batch_size"])
    0.035306 100
    0.000146 10
    """
    rng, number = generator("rng", rng), count("number", number)
    draw = {name: _distribution(name, some) for name, some in distributions.items()}
    return [{name: one(rng) for name, one in draw.items()} for _ in range(number)]


def log_uniform(low, high):
    """Return a function that draws numbers whose logarithms are uniform: every power of ten is as likely.

    That suits what is known by its order of magnitude only, such as a learning rate.

    Parameters
    ----------
    low, high : float
        The ends, above 0.

    Raises
    ------
    TypeError, ValueError
        If the ends are not positive real numbers, `low` below `high`.

    Examples
    --------
    >>> draw, rng = log_uniform(1e-4, 1), np.random.default_rng(0)
    >>> values = [draw(rng) for _ in range(10_000)]
    >>> [sum(low <= value < 10 * low for value in values) for low in (1e-4, 1e-3, 1e-2, 1e-1)]
    [2524, 2466, 2505, 2505]
    """
    low = real("low", low, above=0)
    high = real("high", high, above=low)
    return lambda rng: math.exp(rng.uniform(math.log(low), math.log(high)))


def _call(evaluate, setting):
    return evaluate(**setting)


def _choices(name, values):
    values = values.tolist() if isinstance(values, np.ndarray) else values
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise TypeError(f"{name} must be a sequence of values, got {values!r}")
    if len(values) == 0:
        raise ValueError(f"{name} must have one value or more, got {values!r}")
    return values


def _distribution(name, distribution):
    if callable(distribution):
        return distribution
    values = _choices(name, distribution)
    return lambda rng: values[rng.integers(len(values))]
