"""Numbers on the outside are those of Python and float64, whatever the networks compute in."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tiny_models import SEVERAL, both, presets, target, tiny

from fastmlp import Classifier, Regressor
from fastmlp.tasks import ClassificationTask
from fastmlp.tasks.losses import ClassificationLoss

COUNTS = ("n_iter_", "best_iteration_", "t_", "n_layers_", "n_outputs_", "n_features_in_")
NUMBERS = ("loss_", "best_loss_", "fit_seconds_")
CURVES = ("loss_curve_", "validation_curve_", "metric_curve_", "learning_rate_curve_")
ARRAYS = {
    Regressor: {"predict": lambda model, X: model.predict(X)},
    Classifier: {
        "predict_proba": lambda model, X: model.predict_proba(X),
        "predict_log_proba": lambda model, X: model.predict_log_proba(X),
    },
}


def scaled_error(y_true, y_pred):
    """A metric in float32, as a user's own may be."""
    return np.float32(np.mean(np.asarray(y_true, float) != y_pred))


@presets
@both
def test_numbers_go_into_json(estimator, more, X, y):
    y = target(estimator, y)
    options = {"compute_importances": True, "eval_metric": scaled_error}
    model = tiny(estimator, **more | options).fit(X, y)
    for name in COUNTS:
        assert type(getattr(model, name)) is int, name
    for name in NUMBERS:
        assert type(getattr(model, name)) is float, name
    for name in CURVES:
        assert {type(value) for value in getattr(model, name)} == {float}, name
    arrays = {name: of(model, X) for name, of in ARRAYS[estimator].items()}
    names = ["feature_importances_", "estimator_weights_"]
    if more:
        names.append("oof_prediction_" if estimator is Regressor else "oof_proba_")
    arrays |= {name: getattr(model, name) for name in names}
    for name, values in arrays.items():
        assert values.dtype == np.float64, name
    found = [*(values.flat[0] for values in arrays.values()), model.score(X, y)]
    found += [getattr(model, name) for name in COUNTS + NUMBERS + CURVES]
    json.dumps(found)


def test_quantiles_are_float64(X, y):
    model = tiny(loss="quantile", quantile=[0.1, 0.9], **SEVERAL).fit(X, y)
    assert model.predict(X).dtype == model.oof_prediction_.dtype == np.float64


@pytest.mark.parametrize("calibrate", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_probabilities_add_up_to_1_in_float64(n_classes, calibrate, X):
    labels = np.arange(len(X)) % n_classes
    model = tiny(Classifier, **SEVERAL, calibrate=calibrate).fit(X, labels)
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1, rtol=0, atol=4e-16)


def test_certain_float32_outputs_stay_as_certain_as_float32_can_tell():
    """A temperature moves what float32 rounds to 1 by its own precision, not float64's."""
    task, _ = ClassificationTask.learn(
        np.array([0, 1]),
        np.dtype("f4"),
        training_loss=ClassificationLoss(),
        class_weight=None,
        calibrate=False,
    )
    warmer = replace(task, temperature=2.0)
    sure = warmer.decode(np.array([[1.0]], dtype=np.float32))
    assert sure[0, 0] == pytest.approx(np.sqrt(np.finfo(np.float32).tiny), rel=1e-6)
