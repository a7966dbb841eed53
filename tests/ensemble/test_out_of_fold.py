"""Out-of-fold predictions: of networks that were not trained on the row."""

import numpy as np
import pytest
from scipy.special import logit
from tiny_models import FOLDS, TINY, both, folded, folds_of, tiny

from fastmlp import Classifier, Regressor

ROWS = 120
OUT_OF_FOLD = {Regressor: "oof_prediction_", Classifier: "oof_proba_"}


@both
def test_predictions_out_of_fold_are_of_the_last_fit(estimator, X, y):
    model, labels = folded(estimator, X, y), y if estimator is Regressor else y > 1
    name = OUT_OF_FOLD[estimator]
    assert getattr(model, name).shape[0] == ROWS
    model.fit(X[:80], labels[:80], X_val=X[80:], y_val=labels[80:])
    assert not hasattr(model, name)


def test_every_row_is_predicted_by_the_network_that_has_not_seen_it(X, y):
    model = folded(Regressor, X, y, standardize=False, dtype="float64")
    for network, fold in zip(model.networks_, folds_of(Regressor, X, y), strict=True):
        rows = np.isin(y, fold)
        expected = network.forward(X[rows])[:, 0].clip(y.min(), y.max())
        np.testing.assert_allclose(model.oof_prediction_[rows], expected)


def test_noise_cannot_be_predicted_out_of_fold():
    """Though the last epoch counts, which knows the rows of training by heart."""
    rng = np.random.default_rng(0)
    X, noise = rng.normal(size=(200, 30)), rng.normal(size=200)
    options = FOLDS | {"max_iter": 60, "hidden_layer_sizes": 64, "dropout": 0.0}
    options["eval_metric"] = lambda y_true, y_pred: 0.0
    model = Regressor(**options).fit(X, noise)
    assert model.score(X, noise) > 0.6
    assert np.corrcoef(model.oof_prediction_, noise)[0, 1] < 0.2
    model = Classifier(**options).fit(X, noise > 0)
    assert model.score(X, noise > 0) > 0.8
    assert np.mean((model.oof_proba_[:, 1] > 0.5) == (noise > 0)) < 0.6


def test_shapes_out_of_fold(X, y):
    two = np.column_stack([y, 1000 * y])
    assert folded(Regressor, X, y).oof_prediction_.shape == (ROWS,)
    assert folded(Regressor, X, two).oof_prediction_.shape == (ROWS, 2)
    assert folded(Classifier, X, y).oof_proba_.shape == (ROWS, 2)
    alone = folded(Regressor, X, y, n_estimators=1)
    assert not hasattr(alone, "oof_prediction_")  # of a fifth of the rows it would be


@pytest.mark.parametrize("random_state", [None, 0])
@pytest.mark.parametrize("n_estimators", [1, 4])
def test_warm_start_keeps_to_its_folds(n_estimators, random_state, X, y):
    folds = []

    def metric(y_true, y_pred):
        folds.append(tuple(y_true))
        return 0.0

    options = {"eval_metric": metric, "n_jobs": 1, "max_iter": 1, "n_estimators": n_estimators}
    model = Regressor(**FOLDS | options | {"random_state": random_state}, warm_start=True)
    model.fit(X, y).fit(X, y)
    assert folds == 2 * folds[:n_estimators]


# ---- training that goes on


def test_partial_fit_forgets_what_was_out_of_fold(X, y):
    model = tiny(preset="default", n_estimators=5, compute_importances=True).fit(X, y)
    assert hasattr(model, "oof_prediction_")
    model.partial_fit(X, y)
    assert not hasattr(model, "oof_prediction_")
    assert not hasattr(model, "feature_importances_")


def permuted(X, y):
    """The same targets in the same order, of rows that have changed places with their equals."""
    order, ties = np.argsort(y, kind="stable"), np.random.default_rng(2).permutation(len(y))
    rows = np.empty_like(order)
    rows[order] = np.lexsort((ties, y))
    np.testing.assert_array_equal(y[rows], y)
    assert (rows != np.arange(len(y))).mean() > 0.5
    return X[rows], y


CHANGES = {
    "nothing": lambda model, X, y: (X, y),
    "fewer rows": lambda model, X, y: (X[:50], y[:50]),
    "another order": lambda model, X, y: (X[::-1], y[::-1]),
    "other rows of the same targets": lambda model, X, y: (X[::-1], y),
    "rows permuted among equal targets": lambda model, X, y: permuted(X, y),
    "other parts": lambda model, X, y: model.set_params(validation_fraction=0.4) and (X, y),
    "a call of partial_fit": lambda model, X, y: model.partial_fit(X, y) and (X, y),
    "a fit on all rows": lambda model, X, y: (
        model.set_params(early_stopping=False).fit(X, y).set_params(early_stopping=True) and (X, y)
    ),
}


@pytest.mark.parametrize("change", CHANGES)
@both
def test_no_row_is_out_of_fold_that_was_trained_on(estimator, change, X, y):
    """Each of these but the first gave predictions of rows that the networks had seen."""
    y = np.round(y) if estimator is Regressor else y > 0
    name = OUT_OF_FOLD[estimator]
    options = {"n_estimators": 10, "max_iter": 3, "random_state": 0, "warm_start": True}
    model = estimator(8, **options).fit(X, y)
    assert hasattr(model, name)
    weights = model.estimator_weights_
    changed = CHANGES[change](model, X, y)
    model.fit(*changed)
    assert hasattr(model, name) == (change == "nothing")
    if change != "nothing":
        np.testing.assert_array_equal(model.estimator_weights_, weights)
        model.set_params(validation_fraction="auto").fit(X, y)
        assert not hasattr(model, name)  # once seen is seen


def test_calibration_is_not_learnt_from_rows_that_were_trained_on():
    """The labels are noise, which the networks know by heart after long training."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 20)), np.repeat([0, 1], 100)
    options = {"standardize": False, "max_iter": 100, "dropout": 0.0, "dtype": "float64"}
    options["eval_metric"] = lambda y_true, y_pred: 0.0  # the last epoch counts
    model = Classifier(**TINY | options, n_estimators=1, warm_start=True).fit(X, y)

    def temperature():
        """By which the network's outputs were divided before they became probabilities."""
        (network,) = model.networks_
        return network.forward(X)[:, 0] / logit(model.predict_proba(X)[:, 1])

    before = temperature()[0]
    assert before > 1.05  # networks that know noise by heart are too sure
    model.fit(*permuted(X, y))
    np.testing.assert_allclose(temperature(), before, rtol=1e-6)
