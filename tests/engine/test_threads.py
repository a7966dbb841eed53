"""How many threads a call takes, and that nothing but time depends on it."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import joblib
import numpy as np
import pytest
from joblib.externals.loky import get_reusable_executor
from sklearn.base import clone
from sklearn.model_selection import cross_val_predict
from threadpoolctl import threadpool_limits
from tiny_models import assert_same_weights, both, outputs

from fastmlp import Classifier, Regressor, _core
from fastmlp._threads import n_threads

openmp = pytest.mark.skipif(
    _core.build_info()["threading"] != "OpenMP", reason="built without OpenMP"
)

# ---- how many


@pytest.mark.parametrize("n_jobs", [1, 2, 5, 100])
def test_positive_numbers_are_taken_as_they_are(n_jobs):
    assert n_threads(n_jobs) == n_jobs


def test_negative_numbers_count_from_all_cores():
    cores = joblib.cpu_count()
    assert n_threads(-1) == cores
    assert n_threads(-cores) == 1
    assert n_threads(-cores - 100) == 1


def test_there_is_an_end():
    assert n_threads(10**9) == 1024


@openmp
def test_none_obeys_threadpoolctl():
    free = n_threads(None)
    with threadpool_limits(1):
        assert n_threads(None) == 1
        assert n_threads(3) == 3
    assert n_threads(None) == free


# started(call) is the number of threads that the process has gained by a call.
SCRIPT = """
import os
{first}
import time
import joblib
import numpy as np
from threadpoolctl import threadpool_limits
from fastmlp import Regressor
from fastmlp._threads import n_threads

X = np.random.default_rng(0).normal(size=(2000, 30))

def fit(n_jobs=None, **options):
    options = {{"preset": "plain", "batch_size": 1000, "max_iter": 1}} | options
    Regressor((500, 300), n_jobs=n_jobs, **options).fit(X, X[:, 0])

def fit_several(n_jobs=None):
    fit(n_jobs, preset="default", n_estimators=2)

def started(call, *arguments):
    before = len(os.listdir("/proc/self/task"))
    call(*arguments)
    return len(os.listdir("/proc/self/task")) - before

{then}
"""
LIMITS = ("OMP_NUM_THREADS", "OMP_THREAD_LIMIT", "OMP_DYNAMIC", "LOKY_MAX_CPU_COUNT")


@pytest.fixture
def numbers(forked):
    """What a script prints in a process that has no other limits than those given."""

    def printed(then, first="", **variables):
        environment = dict.fromkeys(LIMITS) | variables
        done = forked(SCRIPT.format(first=first, then=then), **environment)
        assert done.returncode == 0, done.stderr
        return list(map(int, done.stdout.split()))

    return printed


@openmp
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="threads are counted in /proc")
class TestThreadsOfAProcess:
    def test_one_for_each_core_where_nothing_limits_them(self, numbers):
        limited, meanwhile, allowed, cores, gained = numbers(
            "with threadpool_limits(1): print(n_threads(None), started(fit))\n"
            "print(n_threads(None), joblib.cpu_count(), started(fit))"
        )
        assert (limited, meanwhile) == (1, 0)
        assert allowed == cores
        assert min(cores, 2) - 1 <= gained <= cores - 1

    def test_affinity(self, numbers):
        first = "os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})"
        then = "print(n_threads(None), n_threads(-1), started(fit), started(fit, -1))"
        assert numbers(then, first) == [1, 1, 0, 0]

    def test_quota(self, numbers):
        """joblib.cpu_count knows the container's; the variable stands in for it."""
        then = "print(n_threads(None), n_threads(-1), started(fit), started(fit, -1))"
        limits = {"LOKY_MAX_CPU_COUNT": "1", "OMP_NUM_THREADS": "1000"}
        assert numbers(then, **limits) == [1, 1, 0, 0]

    def test_openmps_variable_means_none_and_no_number(self, numbers):
        then = "print(n_threads(None), n_threads(3), started(fit), started(fit, 3))"
        assert numbers(then, OMP_NUM_THREADS="1") == [1, 3, 0, 2]

    @pytest.mark.parametrize("n_jobs", [1, 2, 5])
    def test_several_networks_leave_no_threads_behind(self, n_jobs, numbers):
        """They may take a moment to go: a hang is an error."""
        then = (
            f"print(started(fit, {n_jobs}))\n"
            f"gained = started(fit_several, {n_jobs})\n"
            "while gained > 0: gained += started(time.sleep, 0.01)\n"
            "print(gained)"
        )
        assert numbers(then) == [n_jobs - 1, 0]

    def test_fewer_threads_than_asked_for(self, numbers):
        """Where OpenMP gives no more, those that came do the work and wait for nobody else."""
        assert numbers("print(started(fit, 8))", OMP_THREAD_LIMIT="2") == [1]


# ---- the same bits


# The shapes of test_determinism.py have neither minibatches of a few rows nor any of these.
SHAPES = {
    "minibatches of 16": {"shape": (150, 6), "hidden": (32, 24), "batch_size": 16},
    "single rows": {"shape": (25, 3), "hidden": (5,), "batch_size": 1},
    "one row is left": {"shape": (402, 17), "hidden": (161, 31), "batch_size": 40},
    "many weights": {"shape": (500, 31), "hidden": (421, 333), "batch_size": 201},
    "many features": {"shape": (300, 2111), "hidden": (67,), "batch_size": 128},
    "many outputs": {"shape": (500, 5), "hidden": (90,), "batch_size": 300, "outputs": 111},
    "chunks of a minibatch": {"shape": (20_000, 4), "hidden": (9,), "batch_size": 20_000},
    "several networks": {
        "shape": (201, 6),
        "hidden": (16,),
        "batch_size": 64,
        "options": {"preset": "default", "n_estimators": 3},
    },
}


def data(name, estimator):
    shape = SHAPES[name]
    rng = np.random.default_rng(0)
    X = rng.normal(size=shape["shape"])
    noise = rng.normal(size=(len(X), shape.get("outputs", 1)))
    Y = np.sin(X[:, :1]) + X[:, 1:2] * X[:, 2:3] + noise
    if estimator is Regressor:
        return X, Y.squeeze()
    return X, (Y > 0).astype(int).squeeze() if Y.shape[1] > 1 else np.digitize(Y[:, 0], [-1, 1])


def model_for(name, estimator, n_jobs):
    shape = SHAPES[name]
    rates = [0.3, 0.1][: len(shape["hidden"])]
    return estimator(
        shape["hidden"],
        batch_size=shape["batch_size"],
        dropout=rates,
        max_iter=2,
        random_state=0,
        n_jobs=n_jobs,
        **shape.get("options", {"preset": "plain"}),
    )


@cache
def serial(name, estimator):
    return model_for(name, estimator, 1).fit(*data(name, estimator))


def assert_same_bits(one, other, X):
    assert_same_weights(one, other)
    assert one.loss_curve_ == other.loss_curve_
    assert one.validation_curve_ == other.validation_curve_
    np.testing.assert_array_equal(outputs(one, X), outputs(other, X))


@pytest.mark.parametrize("n_jobs", [None, 2, 3, 4, 8])
@both
@pytest.mark.parametrize("name", SHAPES)
def test_fit(name, estimator, n_jobs):
    X, y = data(name, estimator)
    assert_same_bits(serial(name, estimator), model_for(name, estimator, n_jobs).fit(X, y), X)


@pytest.mark.parametrize("n_jobs", [None, 2, 3, 4, 8])
@both
def test_predict(estimator, n_jobs):
    """Cut in whatever way, since a thread's rows end anywhere."""
    X, _ = data("chunks of a minibatch", estimator)
    model = serial("chunks of a minibatch", estimator)
    whole = outputs(model, X)
    model = clone(model).set_params(n_jobs=n_jobs).fit(*data("chunks of a minibatch", estimator))
    for rows in (1, 2, 7, 113, 5000, len(X)):
        np.testing.assert_array_equal(outputs(model, X[:rows]), whole[:rows])


# ---- beside others


def test_many_fits_at_once():
    """Of all shapes, with more threads together than there are cores, again and again."""
    tasks = [(name, kind) for name in SHAPES for kind in (Regressor, Classifier)]
    expected = {task: serial(*task) for task in tasks}
    ready = threading.Barrier(len(tasks))

    def work(number):
        ready.wait()
        for k in range(5):
            task = tasks[(number + k) % len(tasks)]
            X, y = data(*task)
            assert_same_bits(expected[task], model_for(*task, n_jobs=1 + k % 4).fit(X, y), X)
        return True

    with ThreadPoolExecutor(len(tasks)) as pool:
        assert all(pool.map(work, range(len(tasks))))


@pytest.fixture(scope="module")
def workers():
    yield
    get_reusable_executor().shutdown(wait=True)


@pytest.mark.parametrize("backend", ["loky", "threading"])
@pytest.mark.parametrize("n_jobs", [None, 3])
def test_fits_in_joblibs_workers(backend, n_jobs, workers):
    names = ["minibatches of 16", "many weights", "many outputs", "several networks"]
    tasks = [(name, kind) for name in names for kind in (Regressor, Classifier)]
    with joblib.parallel_config(backend, n_jobs=2):
        fitted = joblib.Parallel()(
            joblib.delayed(model_for(*task, n_jobs).fit)(*data(*task)) for task in tasks
        )
    for task, model in zip(tasks, fitted, strict=True):
        assert_same_bits(serial(*task), model, data(*task)[0])


@pytest.mark.parametrize("backend", ["loky", "threading"])
def test_cross_validation(backend, workers):
    X, y = data("many weights", Regressor)
    model = model_for("many weights", Regressor, None)
    alone = cross_val_predict(model, X, y, cv=2)
    with joblib.parallel_config(backend, n_jobs=2):
        np.testing.assert_array_equal(cross_val_predict(model, X, y, cv=2), alone)


def test_a_worker_keeps_to_its_share_of_the_cores(workers):
    with joblib.parallel_config("loky", n_jobs=2, inner_max_num_threads=1):
        assert joblib.Parallel()(joblib.delayed(n_threads)(n) for n in (None, 3)) == [1, 3]
