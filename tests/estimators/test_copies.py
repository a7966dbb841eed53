"""Clones, copies and pickles of estimators."""

import copy
import pickle

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from tiny_models import DATA, both, outputs, presets, tiny, weights_of

from fastmlp import Regressor


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
    for one, two in zip(weights_of(model), weights_of(other), strict=True):
        np.testing.assert_array_equal(one, two)
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
