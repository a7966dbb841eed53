"""Ensembles of fewer networks: which are kept, and how many a budget of time allows."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy.sparse import csr_array
from sklearn.exceptions import NotFittedError
from tiny_models import TINY, outputs

from fastmlp import Classifier, Regressor
from fastmlp.compact.fewer_networks import first_row, n_within, of_networks, selection_order

X = pd.DataFrame(np.random.default_rng(0).standard_normal((80, 3)), columns=["a", "b", "c"])
Y = X["a"] - X["b"].abs()
SIX = TINY | {"preset": "default", "n_estimators": 6, "validation_fraction": 0.34}


@pytest.fixture(scope="module", params=["numbers", "classes"])
def model(request):
    if request.param == "numbers":
        return Regressor(**SIX, extrapolation="linear").fit(X, Y)
    return Classifier(**SIX).fit(X, np.digitize(Y, [-1, 0]))


def distance(model, positions):
    """Of the predictions of some networks from those of all."""
    fitted = model._model
    some = of_networks(fitted, positions).predict(X, 1, estimator="")
    return np.square(some - fitted.predict(X, 1, estimator="")).sum()


def test_each_network_is_the_one_that_brings_those_chosen_closest(model):
    order = selection_order(model._model, X, 4, estimator="", n_threads=1)
    for n, chosen in enumerate(order):
        left = set(np.flatnonzero(model.estimator_weights_)) - set(order[:n])
        assert chosen == min(left, key=lambda i: distance(model, [*order[:n], i]))
    kept = model.with_fewer_networks(X, n_networks=4)
    assert kept._model.members == tuple(model._model.members[i] for i in sorted(order))


def test_weights_keep_their_ratios(model):
    kept = model.with_fewer_networks(X, n_networks=3)
    positions = [model._model.members.index(member) for member in kept._model.members]
    expected = model.estimator_weights_[positions]
    assert_allclose(kept.estimator_weights_, expected / expected.sum())


def test_all_networks_predict_what_the_model_does(model):
    kept = model.with_fewer_networks(X, n_networks=9)
    n_counted = np.count_nonzero(model.estimator_weights_)  # others are left out
    assert kept.get_params() == model.get_params() | {"n_estimators": n_counted}
    assert_allclose(outputs(kept, X), outputs(model, X), rtol=1e-5, atol=1e-6)


def test_training_goes_on_with_the_networks_that_are_kept():
    model = Regressor(**SIX, warm_start=True).fit(X, Y)
    kept = model.with_fewer_networks(X, n_networks=2)
    assert not hasattr(kept, "oof_prediction_")
    for _ in range(2):
        kept.fit(X, Y)
    assert [len(curve.loss_curve) for curve in kept.histories_] == [9, 9]
    assert (len(kept.networks_), len(model.networks_)) == (2, 6)


def test_as_many_networks_are_kept_as_the_time_allows(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: clock[0])

    def predict_of(n):
        def predict(row):
            assert row == "row"
            clock[0] += n * 1e-5

        return predict

    predicts = [predict_of(n) for n in range(1, 6)]
    assert [n_within(us, predicts, "row") for us in (15, 25, 35, 1e9)] == [1, 2, 3, 5]
    with pytest.raises(ValueError, match="max_predict_us=5 is less than the 10 microseconds"):
        n_within(5, predicts, "row")


def test_a_budget_of_time_chooses_the_number(model):
    kept = model.with_fewer_networks(X, max_predict_us=1e9)
    assert len(kept.networks_) == np.count_nonzero(model.estimator_weights_)
    with pytest.raises(ValueError, match="max_predict_us=0 is less than"):
        model.with_fewer_networks(X, max_predict_us=0)


@pytest.mark.parametrize("kind", [np.asarray, csr_array, list, pd.DataFrame])
def test_the_time_is_that_of_one_row(kind):
    table = [[1.0, 2.0, 0.0], [3.0, 4.0, 5.0]]
    rows = kind(np.array(table)) if kind is csr_array else kind(table)
    row = first_row(rows)
    if kind is pd.DataFrame:
        assert row == {0: 1.0, 1: 2.0, 2: 0.0}
    else:
        np.testing.assert_array_equal(
            np.ravel(row.toarray() if kind is csr_array else row), table[0]
        )


def test_bad_arguments(model):
    with pytest.raises(ValueError, match="exactly one of n_networks and max_predict_us"):
        model.with_fewer_networks(X)
    with pytest.raises(ValueError, match="exactly one of n_networks and max_predict_us"):
        model.with_fewer_networks(X, n_networks=1, max_predict_us=1.0)
    with pytest.raises(ValueError, match="n_networks == 0, must be >= 1"):
        model.with_fewer_networks(X, n_networks=0)
    with pytest.raises(TypeError, match="n_networks must be an instance of int"):
        model.with_fewer_networks(X, n_networks=1.5)
    with pytest.raises(ValueError, match="feature names should match"):
        model.with_fewer_networks(X[["a", "b"]], n_networks=1)
    with pytest.raises(NotFittedError):
        Regressor().with_fewer_networks(X, n_networks=1)
