"""Other threads and forked processes beside a fit or a prediction."""

import multiprocessing
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from endless_fits import endless
from tiny_models import both

from fastmlp import Classifier, Dense, Network


def test_gil_is_released_during_fit(many_rows):
    """With no forced switches another thread only runs while the main one has let go."""
    X, y = many_rows
    stop, started = threading.Event(), threading.Event()
    count = 0

    def work():
        nonlocal count
        while not stop.is_set():
            count += 1
            if count % 1000 == 0:
                started.set()
                time.sleep(1e-6)  # lets go, so that the fit gets in when it wants

    interval = sys.getswitchinterval()
    thread = threading.Thread(target=work)
    try:
        sys.setswitchinterval(100)
        thread.start()
        started.wait()
        before = count
        endless(max_iter=60, n_jobs=1).fit(X, y)
        counted = count - before
    finally:
        sys.setswitchinterval(interval)
        stop.set()
        thread.join()
    assert counted >= 20_000


def test_gil_is_released_during_prediction(many_rows):
    X, y = many_rows
    model = endless(max_iter=1, hidden_layer_sizes=(512, 512)).fit(X, y)
    many = np.tile(X, (20, 1))
    inside, seen = threading.Event(), []
    interval = sys.getswitchinterval()

    def watch():
        inside.wait()
        seen.append("watched")

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        sys.setswitchinterval(100)
        inside.set()
        # One call into the engine and nothing else
        model._model.ensemble.predictors[0].predict(many, 1)
        seen.append("predicted")
    finally:
        sys.setswitchinterval(interval)
        thread.join()
    assert seen == ["watched", "predicted"]


@pytest.mark.parametrize("n_jobs", [1, 2, 4])
@pytest.mark.parametrize("options", [{}, {"preset": "default", "n_estimators": 2}], ids=str)
def test_prediction_from_eight_threads_gives_the_serial_bits(many_rows, options, n_jobs):
    X, y = many_rows
    options = {"hidden_layer_sizes": (200, 100), "n_jobs": n_jobs} | options
    model = endless(max_iter=2, **options).fit(X, y)
    serial = model.predict(X)
    barrier = threading.Barrier(8)

    def predict(_):
        barrier.wait()
        return [model.predict(X) for _ in range(10)]

    with ThreadPoolExecutor(8) as pool:
        for predictions in pool.map(predict, range(8)):
            for prediction in predictions:
                np.testing.assert_array_equal(prediction, serial)


def run_forked(task) -> None:
    context = multiprocessing.get_context("fork")
    process = context.Process(target=task)
    process.start()
    process.join(timeout=60)
    hung = process.is_alive()
    if hung:
        process.kill()
        process.join()
    assert not hung
    assert process.exitcode == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
@both
@pytest.mark.parametrize("options", [{"preset": "plain"}, {"n_estimators": 2}], ids=str)
def test_forked_child_fits_and_predicts(many_rows, options, estimator):
    X, y = many_rows
    y = y > 0 if estimator is Classifier else y

    def fresh():
        defaults = {"max_iter": 2, "batch_size": 1000, "n_jobs": 2, "random_state": 0}
        return estimator((256, 256), **defaults | options)

    model = fresh().fit(X, y)  # threads run
    prediction = model.predict(X)

    def child():
        np.testing.assert_array_equal(model.predict(X), prediction)
        again = fresh().fit(X, y)
        np.testing.assert_array_equal(again.predict(X), prediction)
        network = Network([Dense(20, 600, "relu"), Dense(600, 1)], random_state=0, n_jobs=2)
        network.backward(X, np.zeros(len(X)))

    run_forked(child)
    np.testing.assert_array_equal(fresh().fit(X, y).predict(X), prediction)
