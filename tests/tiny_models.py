"""Models that train in an instant or nearly so, and comparisons of two of them."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris

from fastmlp import Classifier, Regressor

ESTIMATORS = [Regressor, Classifier]
DATA = {Regressor: load_diabetes(return_X_y=True), Classifier: load_iris(return_X_y=True)}
both = pytest.mark.parametrize("estimator", ESTIMATORS)

# Every step of a fit is run; what is learnt does not matter.
TINY = {"hidden_layer_sizes": 8, "max_iter": 3, "random_state": 0}
SEVERAL = {"preset": "default", "n_estimators": 2}
THREE = {"preset": "default", "n_estimators": 3, "hidden_layer_sizes": 16}
presets = pytest.mark.parametrize("more", [{}, SEVERAL], ids=["plain", "default"])

# Four networks, each with a quarter of the rows held out.
FOLDS = TINY | {"max_iter": 6, "n_estimators": 4, "validation_fraction": 0.25}

HALF = 1000  # of the rows of the fixture `made`

# Small, but what can be learnt from some hundred rows is learnt.
LEARNING = {"hidden_layer_sizes": 16, "max_iter": 30, "n_estimators": 3, "random_state": 0}
LEARNING_PLAIN = {
    "preset": "plain",
    "hidden_layer_sizes": (64, 64),
    "activation": "silu",
    "learning_rate_init": 5e-3,
    "weight_decay": 0.01,
    "random_state": 0,
}


def tiny(estimator=Regressor, **options):
    """One network of the plain preset, unless the options say otherwise."""
    return estimator(**TINY | {"preset": "plain"} | options)


def target(estimator, y):
    """Numbers for a regressor, two classes of about equal size for a classifier."""
    return y if estimator is Regressor else (y > np.median(y)).astype(int)


def outputs(model, X):
    """All that a model predicts: numbers, or the probability of every class."""
    return model.predict(X) if isinstance(model, Regressor) else model.predict_proba(X)


def weights_of(model) -> list[np.ndarray]:
    return [values for network in model.networks_ for values in network.parameters]


def assert_same_arrays(ones, others):
    for one, other in zip(ones, others, strict=True):
        np.testing.assert_array_equal(one, other)


def assert_same_weights(one, other):
    assert_same_arrays(weights_of(one), weights_of(other))


def same_weights(one, other) -> bool:
    pairs = zip(weights_of(one), weights_of(other), strict=True)
    return all(np.array_equal(own, others) for own, others in pairs)


def folded(estimator, X, y, **options):
    """Fitted networks of which each has a fold held out."""
    return estimator(**FOLDS | options).fit(X, target(estimator, y))


def folds_of(estimator, X, y, **options):
    """The targets that each network is validated on, as `eval_metric` gets them."""
    seen = []

    def metric(y_true, y_pred):
        seen.append(np.sort(y_true))
        return 0.0

    options = FOLDS | {"max_iter": 1, "n_jobs": 1, "eval_metric": metric} | options
    model = estimator(**options).fit(X, y)
    return seen[-len(model.networks_) :]  # before, folds that lack a class are tried


def recipe_kinds(model) -> list[str]:
    """The recipe that each network of an ensemble is trained by."""
    return [member.recipe.spec.kind for member in model._model.members]
