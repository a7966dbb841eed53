"""Clones, copies and pickles of estimators."""

import copy
import pickle

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from tiny_models import DATA, assert_same_weights, both, outputs, presets, tiny

from fastmlp import Classifier, Regressor


@presets
@both
def test_clone_is_unfitted_and_alike(estimator, more):
    model = tiny(estimator, **more).fit(*DATA[estimator])
    other = clone(model)
    assert other.get_params() == model.get_params()
    assert set(other.__dict__) == set(model.get_params())


COPIES = {
    **{
        f"pickle {protocol}": lambda model, path, protocol=protocol: pickle.loads(
            pickle.dumps(model, protocol=protocol)
        )
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1)
    },
    "deepcopy": lambda model, path: copy.deepcopy(model),
    "copy": lambda model, path: copy.copy(model),
    "joblib": lambda model, path: joblib.load(joblib.dump(model, path / "model.joblib")[0]),
    "compressed": lambda model, path: joblib.load(joblib.dump(model, path / "m.z", compress=3)[0]),
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@presets
@both
def test_copy_of_a_fitted_model(estimator, more, dtype, how, tmp_path):
    X, y = DATA[estimator]
    model = tiny(estimator, dtype=dtype, **more).fit(X, y)
    other = COPIES[how](model, tmp_path)
    np.testing.assert_array_equal(outputs(other, X), outputs(model, X))
    assert_same_weights(model, other)
    assert other.get_params() == model.get_params()
    assert other.loss_curve_ == model.loss_curve_
    assert other.histories_ == model.histories_
    if how != "copy":  # goes on alike, and apart from the one that it was made of
        expected = outputs(model.partial_fit(X, y), X)
        np.testing.assert_array_equal(outputs(other.partial_fit(X, y), X), expected)


@both
def test_copy_of_an_unfitted_model(estimator):
    other = pickle.loads(pickle.dumps(tiny(estimator)))
    assert other.get_params() == tiny(estimator).get_params()
    assert set(other.__dict__) == set(other.get_params())


@presets
@pytest.mark.filterwarnings("ignore::fastmlp.ExtrapolationWarning")
def test_copy_after_set_params_predicts_as_before(more):
    """A parameter counts from the next fit on, not from the next pickling."""
    X, y = DATA[Regressor]
    model = tiny(Regressor, **more).fit(X, y)
    before = model.predict(9 * X)
    model.set_params(loss="poisson", preset="best", n_estimators=7, standardize=False)
    other = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(model.predict(9 * X), before)
    np.testing.assert_array_equal(other.predict(9 * X), before)
    assert model.out_activation_ == "identity"


@presets
@both
def test_networks_are_copies(estimator, more):
    X, y = DATA[estimator]
    model = tiny(estimator, **more).fit(X, y)
    before = model.predict(X)
    for network in model.networks_:
        for values in network.parameters:
            values[...] = 0
    np.testing.assert_array_equal(model.predict(X), before)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), before)


def stops(record):
    return record.epoch == 2


WITHOUT = {
    "callbacks": lambda record: record.epoch == 2,
    "eval_metric": lambda y_true, y_pred: float(np.mean(y_true != y_pred)),
}


@pytest.mark.parametrize("name", WITHOUT)
@both
def test_pickle_without_a_function_that_cannot_be_pickled(estimator, name, tmp_path):
    X, y = DATA[estimator]
    model = tiny(estimator, **{name: WITHOUT[name]}).fit(X, y)
    with pytest.warns(UserWarning, match=f"the pickle holds the model without its {name}, <"):
        other = pickle.loads(pickle.dumps(model))
    with pytest.warns(UserWarning, match="which cannot be pickled. A function that is defined"):
        joblib.dump(model, tmp_path / "model.joblib")
    for one in (other, joblib.load(tmp_path / "model.joblib")):
        np.testing.assert_array_equal(outputs(one, X), outputs(model, X))
        assert one.get_params() == model.get_params() | {name: None}
    assert model.get_params()[name] is WITHOUT[name]
    for one in (clone(model), copy.copy(model), copy.deepcopy(model)):
        assert one.get_params()[name] is WITHOUT[name]


def test_pickle_keeps_the_functions_that_can_be_pickled():
    X, y = DATA[Regressor]
    model = tiny(callbacks=stops).fit(X, y)
    assert pickle.loads(pickle.dumps(model)).callbacks is stops
    model.set_params(callbacks=[stops, WITHOUT["callbacks"]])
    with pytest.warns(UserWarning, match="without 1 of its 2 callbacks, which cannot be pickled"):
        assert pickle.loads(pickle.dumps(model)).callbacks == [stops]
    listed = tiny(callbacks=(stops, stops))
    assert pickle.loads(pickle.dumps(listed)).callbacks == (stops, stops)


def test_search_in_other_processes_with_a_lambda():
    """They get it, so that it stops training as in this process."""
    X, y = DATA[Classifier]
    model = tiny(Classifier, callbacks=WITHOUT["callbacks"], n_jobs=1)
    grid = {"alpha": [0.0, 0.1]}
    alone, searched = (GridSearchCV(model, grid, cv=2, n_jobs=n).fit(X, y) for n in (None, 2))
    assert searched.best_estimator_.n_iter_ == 2
    for score in ("mean_test_score", "std_test_score"):
        np.testing.assert_array_equal(searched.cv_results_[score], alone.cv_results_[score])
