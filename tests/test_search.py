"""A search gives what a loop gives, here, in threads, in processes and on a cluster."""

import io
import math
import os
import re
import threading
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager, redirect_stderr
from multiprocessing import get_context

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.search import grid, log_uniform, random_settings, search

untimed = settings(deadline=None, max_examples=50)


@contextmanager
def cluster():
    """Start a Dask cluster of two worker processes on this machine."""
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.LocalCluster(**options) as workers, distributed.Client(workers) as client:
        yield client.get_executor()


EXECUTORS = {
    "threads": lambda: ThreadPoolExecutor(2),
    "processes": lambda: ProcessPoolExecutor(2, mp_context=get_context("spawn")),
    "dask": cluster,
}


@pytest.fixture(params=EXECUTORS.values(), ids=EXECUTORS, scope="module")
def executor(request):
    with request.param() as executor:
        yield executor


def noisy_sum(a, b, seed):
    """Take the longer, the earlier in the grid, and draw random numbers."""
    time.sleep(0.02 * (3 - a))
    return a + b + np.random.default_rng(seed).normal(), os.getpid()


def reciprocal(x):
    return 1 / x


def options(**setting):
    return setting


def test_results_stand_in_the_order_of_the_settings(executor):
    many = grid(a=[0, 1, 2, 3], b=[10.0, 20.0], seed=[7])
    results = search(noisy_sum, many, executor, progress=False)
    assert [result for result, _ in results] == [noisy_sum(**setting)[0] for setting in many]
    elsewhere = {process for _, process in results} != {os.getpid()}
    assert elsewhere == (not isinstance(executor, ThreadPoolExecutor))


def test_names_that_executors_use_themselves_are_only_names(executor):
    setting = {
        "fn": 1,
        "key": 2,
        "workers": 3,
        "pure": True,
        "retries": 5,
        "self": 6,
        "evaluate": 7,
        "setting": 8,
    }
    assert search(options, [setting, setting], executor, progress=False) == [setting, setting]
    assert search(options, [setting], progress=False) == [setting]


def test_the_first_error_names_its_setting(executor):
    message = "the evaluation of {'x': 0} failed: ZeroDivisionError: division by zero"
    many = grid(x=[2, 0, "a"])
    for where in (executor, None):
        with pytest.raises(RuntimeError, match=f"^{re.escape(message)}$") as caught:
            search(reciprocal, many, where, progress=False)
        assert isinstance(caught.value.__cause__, ZeroDivisionError)
        assert search(reciprocal, many[:1], where, progress=False) == [0.5]  # it can be used again


def test_what_has_not_begun_is_cancelled_after_an_error():
    begun = []

    def evaluate(i):
        begun.append(i)
        time.sleep(0.02)
        return 1 // i

    with ThreadPoolExecutor(1) as executor, pytest.raises(RuntimeError, match=r"\{'i': 0\}"):
        search(evaluate, grid(i=range(100)), executor, progress=False)
    assert len(begun) < 10
    begun.clear()
    with pytest.raises(RuntimeError, match=r"\{'i': 0\}"):
        search(evaluate, grid(i=range(100)), progress=False)
    assert begun == [0]


def test_evaluations_run_at_the_same_time():
    together = threading.Barrier(3, timeout=20)
    with ThreadPoolExecutor(3) as executor:
        assert sorted(search(lambda i: together.wait(), grid(i=range(3)), executor, progress=False)) == [
            0,
            1,
            2,
        ]


def test_any_executor_will_do_and_is_not_shut_down():
    class Here(Executor):
        calls = 0

        def submit(self, function, /, *arguments):
            self.calls += 1
            future = Future()
            future.set_result(function(*arguments))
            return future

        def shutdown(self, *arguments, **options):
            raise AssertionError

    here = Here()
    assert search(reciprocal, iter(grid(x=[1, 2])), here, progress=False) == [1, 0.5]
    assert here.calls == 2


def test_no_settings_no_results():
    assert search(reciprocal, [], progress=False) == []
    assert search(options, [{}], progress=False) == [{}]
    with ThreadPoolExecutor(1) as executor:
        assert search(reciprocal, [], executor, progress=False) == []


def test_the_progress_bar_is_for_people(monkeypatch):
    def shown(**keywords):
        with redirect_stderr(io.StringIO()) as screen:
            search(reciprocal, grid(x=[1, 2, 4]), **keywords)
        return screen.getvalue()

    monkeypatch.delenv("DOWNHILL_BUILD", raising=False)
    bar = shown()
    assert "0/3" in bar
    assert bar.endswith(" \r")  # it has been wiped away
    assert shown(progress=False) == ""
    monkeypatch.setenv("DOWNHILL_BUILD", "1")
    assert shown() == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((3, []), "evaluate must be callable, got 3"),
        ((reciprocal, [{"x": 1}, 2]), "settings[1] must be a dictionary of keyword arguments, got 2"),
        ((reciprocal, [{1: 2}]), "settings[0] must be a dictionary of keyword arguments, got {1: 2}"),
        ((reciprocal, [{"x": 1, 2: 3}]), "settings[0] must be a dictionary of keyword arguments, got {"),
        ((reciprocal, [], "threads"), "executor must have a method submit, got 'threads'"),
    ],
)
def test_arguments_of_a_search_that_cannot_be(arguments, message):
    with pytest.raises(TypeError, match=re.escape(message)):
        search(*arguments)


# Settings


@given(values=st.dictionaries(st.sampled_from("abcd"), st.lists(st.integers(), min_size=1, max_size=3)))
@untimed
def test_a_grid_is_nested_loops(values):
    settings = [{}]
    for name, some in values.items():
        settings = [{**setting, name: value} for setting in settings for value in some]
    assert grid(**values) == settings


def test_a_grid_takes_any_sequence_and_keeps_plain_numbers():
    (one, two) = grid(rate=np.array([0.1, 0.2]), name=("adam",))
    assert one == {"rate": 0.1, "name": "adam"}
    assert type(two["rate"]) is float


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ("adam", TypeError, "rule must be a sequence of values, got 'adam'"),
        (0.1, TypeError, "rule must be a sequence of values, got 0.1"),
        ({0.1, 0.2}, TypeError, "rule must be a sequence of values, got {"),
        (np.float64(0.1), TypeError, "rule must be a sequence of values, got "),
        (np.array(0.1), TypeError, "rule must be a sequence of values, got 0.1"),
        ([], ValueError, "rule must have one value or more, got []"),
    ],
)
def test_values_that_cannot_be(values, error, message):
    with pytest.raises(error, match=re.escape(message)):
        grid(rule=values)
    with pytest.raises(error, match=re.escape(message)):
        random_settings(np.random.default_rng(0), 1, rule=values)


def test_random_settings_are_independent_draws():
    rng = np.random.default_rng(0)
    many = random_settings(
        rng, 4000, rule=["a", "b", "c", "d"], rate=log_uniform(1e-3, 10), rng=lambda rng: rng.normal()
    )
    rules = [setting["rule"] for setting in many]
    assert all(900 < rules.count(rule) < 1100 for rule in "abcd")
    logs = np.log10([setting["rate"] for setting in many])
    assert logs.min() >= -3
    assert logs.max() <= 1
    ordered = np.sort((logs + 3) / 4)
    assert abs(ordered - np.arange(4000) / 4000).max() < 1.95 / math.sqrt(
        4000
    )  # Kolmogorov and Smirnov, 0.1 %
    normals = [setting["rng"] for setting in many]
    assert (
        abs(np.corrcoef([logs, normals, [rule == "a" for rule in rules]])[np.triu_indices(3, 1)]).max() < 0.06
    )
    assert len(set(logs)) == len(set(normals)) == 4000


def test_random_settings_depend_on_the_generator_only():
    one, another = (
        random_settings(np.random.default_rng(3), 5, a=log_uniform(1, 2), b=[1, 2]) for _ in range(2)
    )
    assert one == another
    assert random_settings(np.random.default_rng(3), 0, a=[1]) == []
    assert random_settings(np.random.default_rng(3), 2) == [{}, {}]
    with pytest.raises(ValueError, match="number must be at least 0, got -1"):
        random_settings(np.random.default_rng(3), -1)
    with pytest.raises(TypeError, match=re.escape("rng must be a numpy.random.Generator, got 3")):
        random_settings(3, 1, a=[1])


@pytest.mark.parametrize(
    ("ends", "message"),
    [
        ((0, 1), "low must be finite and > 0, got 0"),
        ((1, 1), "high must be finite and > 1.0, got 1"),
        ((1, math.inf), "high must be finite and > 1.0, got inf"),
    ],
)
def test_ends_that_cannot_be(ends, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        log_uniform(*ends)
