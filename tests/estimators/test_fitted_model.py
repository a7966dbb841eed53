"""What a fit produces is one immutable object that later calls and parameters do not reach."""

import copy
import pickle
from dataclasses import FrozenInstanceError

import numpy as np
import pandas as pd
import pytest
from tiny_models import SEVERAL, TINY

from fastmlp import Classifier, Regressor

OPTIONS = TINY | SEVERAL
OTHER = {  # values of all that a prediction could depend on
    "hidden_layer_sizes": (3, 3),
    "activation": "tanh",
    "preset": "plain",
    "n_estimators": 7,
    "categorical_features": [0],
    "numeric_embedding": None,
    "standardize": False,
    "extrapolation": "linear",
    "dtype": "float64",
    "random_state": 5,
    "early_stopping": False,
    "validation_fraction": 0.5,
}
OTHER_LOSS = {
    Regressor: {"loss": "quantile", "quantile": [0.1, 0.9], "delta": 3.0},
    Classifier: {"calibrate": True, "label_smoothing": 0.5, "class_weight": {0: 9}},
}


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(40, 3))


@pytest.fixture(params=[Regressor, Classifier])
def estimator(request):
    return request.param


@pytest.fixture
def y(X, estimator):
    return X[:, 0] if estimator is Regressor else (X[:, 0] > 0).astype(int)


def test_parameters_set_later_do_not_reach_it(estimator, X, y):
    model = estimator(**OPTIONS).fit(X, y)
    before = model.predict(X), model.score(X, y), model.summary(), model.n_layers_
    for name, value in {**OTHER, **OTHER_LOSS[estimator]}.items():
        model.set_params(**{name: value})
        after = model.predict(X), model.score(X, y), model.summary(), model.n_layers_
        np.testing.assert_array_equal(after[0], before[0])
        assert after[1:] == before[1:], name


def test_it_cannot_be_changed(estimator, X, y):
    model = estimator(**OPTIONS).fit(X, y)
    for owner, name in (
        (model._model, "task"),
        (model._model.encoder, "n_numeric"),
        (model._model.scaling, "shift"),
        (model._model.task, "n_outputs"),
        (model._model.members[0], "network"),
        (model._model.members[0].recipe, "max_iter"),
    ):
        with pytest.raises((FrozenInstanceError, AttributeError)):
            setattr(owner, name, None)
    frame = pd.DataFrame(X, columns=list("abc"))
    named = estimator(compute_importances=True, **OPTIONS).fit(frame, y)
    names = ["estimator_weights_", "feature_importances_", "feature_names_in_"]
    names += ["oof_prediction_"] if estimator is Regressor else ["oof_proba_", "classes_"]
    for model_or_copy in (named, pickle.loads(pickle.dumps(named))):
        for name in names:
            with pytest.raises(ValueError, match="read-only"):
                getattr(model_or_copy, name)[:1] = 0
    before, last = named.loss_, named.loss_curve_[-1]
    named.loss_curve_.append(0.0)
    named.histories_[0].loss_curve.append(0.0)
    assert (named.loss_, named.loss_curve_[-1]) == (before, last)
    assert isinstance(named._model.ensemble.predictors, tuple)


@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_training_that_goes_on_makes_a_new_one(estimator, X, y, call):
    model = estimator(warm_start=True, **OPTIONS).fit(X, y)
    first, outputs = model._model, model.predict(X)
    parameters = [np.concatenate([p.ravel() for p in net.parameters]) for net in model.networks_]
    getattr(model, call)(X, y)
    assert model._model is not first
    assert model.t_ > first.samples_seen
    model._model = first
    np.testing.assert_array_equal(model.predict(X), outputs)
    for net, before in zip(model.networks_, parameters, strict=True):
        np.testing.assert_array_equal(np.concatenate([p.ravel() for p in net.parameters]), before)


@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_failed_call_keeps_it(estimator, X, y, call):
    model = estimator(warm_start=True, **OPTIONS).fit(X, y)
    kept = model._model

    def fail(record):
        raise RuntimeError("stop here")

    model.callbacks = fail
    with pytest.raises(RuntimeError, match="stop here"):
        getattr(model, call)(X, y)
    assert model._model is kept
    unfitted = estimator(callbacks=fail, **OPTIONS)
    with pytest.raises(RuntimeError, match="stop here"):
        getattr(unfitted, call)(X, y)
    assert vars(unfitted) == unfitted.get_params(deep=False)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_predict_the_same_bits_and_go_on_alike(estimator, X, y, copied):
    model = estimator(warm_start=True, **OPTIONS).fit(X, y)
    other = copied(model)
    np.testing.assert_array_equal(other.predict(X), model.predict(X))
    np.testing.assert_array_equal(other.estimator_weights_, model.estimator_weights_)
    np.testing.assert_array_equal(other.fit(X, y).predict(X), model.fit(X, y).predict(X))
    assert other.loss_curve_ == model.loss_curve_
    assert other._model.version == model._model.version


def test_attributes_do_not_exist_before_fit(estimator):
    model = estimator()
    for name in ("n_iter_", "loss_curve_", "n_features_in_", "networks_", "feature_importances_"):
        assert not hasattr(model, name)
        with pytest.raises(AttributeError, match="is not fitted yet"):
            getattr(model, name)


def test_missing_attributes_say_how_to_get_them(estimator, X, y):
    model = estimator(early_stopping=False, **OPTIONS).fit(X, y)
    out_of_fold = "oof_prediction_" if estimator is Regressor else "oof_proba_"
    for name, how in (
        ("feature_importances_", "compute_importances=True"),
        ("feature_names_in_", "column names"),
        (out_of_fold, "early_stopping=True and without X_val"),
    ):
        with pytest.raises(AttributeError, match=f"has no {name}: .*{how}"):
            getattr(model, name)


def test_samples_seen_as_in_scikit_learn(estimator, X, y):
    model = estimator(early_stopping=False, **OPTIONS).fit(X, y)
    assert model.t_ == 3 * len(X)
    assert model.partial_fit(X[:10], y[:10]).t_ == 3 * len(X) + 10


def test_labels_cannot_be_changed_through_it_or_its_predictor(X):
    labels = np.where(X > 0, "high", "low")
    several = Classifier(**OPTIONS).fit(pd.DataFrame(X, columns=list("abc")), labels)
    single = Classifier(**OPTIONS).fit(X, labels[:, 0])
    shown = [*several.classes_, *several.predictor().classes_, single.predictor().classes_]
    for array in [*shown, several.predictor().feature_names_in_]:
        with pytest.raises(ValueError, match="read-only"):
            array[:1] = "other"
