"""Failed and interrupted calls leave the model as it was."""

import copy
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from theirs_and_ours import RNG, X, Y, few_epochs, regressor, same_weights

from fastmlp.neural_network.training import Session

pytestmark = few_epochs
WEIGHTLESS = np.where(np.arange(150) % 2 == 0, 1.0, -1.0)
FAILURES = {
    "diverging": (X * 1e155, Y * 1e300, None, ValueError, "non-finite parameter"),
    "no weight": (X, Y, WEIGHTLESS, ZeroDivisionError, "Weights sum to zero"),
}


@pytest.mark.parametrize(
    ("solver", "method", "failure"),
    [
        ("adam", "fit", "diverging"),
        ("adam", "partial_fit", "diverging"),
        ("sgd", "fit", "no weight"),
        ("sgd", "partial_fit", "diverging"),
        ("sgd", "partial_fit", "no weight"),
        ("lbfgs", "fit", "no weight"),
    ],
)
def test_a_failed_call_leaves_the_model(solver, method, failure):
    model = regressor(warm_start=True, solver=solver).fit(X, Y)
    if method == "partial_fit":
        model.partial_fit(X, Y)
    before = copy.deepcopy(model)
    table, y, weights, error, message = FAILURES[failure]
    with np.errstate(all="ignore"), pytest.raises(error, match=message):
        getattr(model, method)(table, y, sample_weight=weights)
    assert model.__dict__.keys() == before.__dict__.keys()
    assert same_weights(model, before)
    assert getattr(model, "loss_curve_", None) == getattr(before, "loss_curve_", None)
    np.testing.assert_array_equal(model.predict(X), before.predict(X))
    for other in (model, before):
        getattr(other, method)(X, Y)
    assert same_weights(model, before)


def test_interrupt_keeps_a_model():
    table, y = RNG.normal(size=(20_000, 50)), RNG.normal(size=20_000)
    model = regressor(hidden_layer_sizes=(256, 256), max_iter=10_000, tol=0, verbose=False)
    timer = threading.Timer(1.0, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model.fit(table, y)
    assert 0 <= model.n_iter_ < 10_000
    assert len(model.loss_curve_) == model.n_iter_
    assert np.isfinite(model.predict(table)).all()


def test_interrupted_partial_fit_goes_on_as_if_it_had_not_been(monkeypatch):
    table, y = RNG.normal(size=(20_000, 50)), RNG.normal(size=20_000)
    model = regressor(hidden_layer_sizes=(600, 600)).partial_fit(table[:500], y[:500])
    model.partial_fit(table[:500], y[:500])
    other = copy.deepcopy(model)
    run_epoch = Session.run_epoch

    def run_with_alarm(*args):
        threading.Timer(0.1, signal.raise_signal, [signal.SIGINT]).start()
        return run_epoch(*args)

    monkeypatch.setattr(Session, "run_epoch", run_with_alarm)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model.partial_fit(np.tile(table, (10, 1)), np.tile(y, 10))
    assert same_weights(model, other)
    monkeypatch.undo()
    for each in (model, other):
        each.partial_fit(table[:500], y[:500])
    assert same_weights(model, other)


def test_failed_call_shows_readers_no_half_model():
    model = regressor().fit(X, Y)
    model.partial_fit(X, Y)
    stop = threading.Event()

    def predict():
        while not stop.is_set():
            model.predict(X)
        return True

    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(predict)
        for _ in range(200):
            with pytest.raises(ValueError, match="contains NaN"):
                model.partial_fit(np.full_like(X, np.nan), Y)
        stop.set()
        assert reader.result()
