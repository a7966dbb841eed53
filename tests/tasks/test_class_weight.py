"""class_weight="balanced": what it counts, and where."""

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight
from tiny_models import presets, tiny

from fastmlp import Classifier
from fastmlp.tasks import ClassificationTask
from fastmlp.tasks.losses import ClassificationLoss

ROWS = 60
LABELS = np.repeat(["a", "b", "c"], [40, 15, 5])
OPTIONS = {"training_loss": ClassificationLoss(), "class_weight": "balanced", "calibrate": False}


def balanced(y, sample_weight=None):
    task, _ = ClassificationTask.learn(y, np.dtype("f4"), **OPTIONS)
    return task.balanced_by(y, sample_weight)


@pytest.mark.parametrize("weights", [None, np.arange(ROWS) % 4 / 2])
def test_balanced_weights_are_scikit_learns(weights):
    task = balanced(LABELS, weights)
    found = compute_class_weight(
        "balanced", classes=np.unique(LABELS), y=LABELS, sample_weight=weights
    )
    expected = found[np.searchsorted(np.unique(LABELS), LABELS)]
    np.testing.assert_allclose(task.class_weights(LABELS), expected, rtol=1e-15)


def test_balanced_weights_of_several_labels():
    y = np.column_stack([LABELS == "a", LABELS == "b"]).astype(int)
    expected = compute_sample_weight("balanced", y)
    np.testing.assert_array_equal(balanced(y).class_weights(y), expected)
    some = np.arange(ROWS) % 3 > 0
    expected = compute_sample_weight("balanced", y[some])
    np.testing.assert_array_equal(balanced(y, some * 1.0).class_weights(y[some]), expected)


def test_rows_of_weight_zero_are_as_if_absent():
    """Even the class that only they have."""
    weights = np.where(LABELS == "c", 0.0, 1.0)
    task, counted = balanced(LABELS, weights), weights > 0
    expected = compute_sample_weight("balanced", LABELS[counted])
    np.testing.assert_allclose(task.class_weights(LABELS)[counted], expected, rtol=1e-15)


@presets
def test_validation_rows_are_weighted_as_the_training_rows(more, X):
    """Not by how often they have each class themselves."""
    y, held_out = (LABELS == "a").astype(int), slice(None, None, 3)
    share = compute_class_weight("balanced", classes=np.array([0, 1]), y=y)
    options = more | {"early_stopping": True}
    validation = {"X_val": X[held_out], "y_val": np.r_[y[held_out][:-1], 1]}
    one, other = (
        tiny(Classifier, class_weight=weight, **options).fit(X, y, **validation)
        for weight in ("balanced", dict(enumerate(share)))
    )
    assert one.validation_curve_ == other.validation_curve_


def test_partial_fit_refuses_balanced(X):
    y = (LABELS == "a").astype(int)
    model = tiny(Classifier, class_weight="balanced")
    with pytest.raises(ValueError, match="class_weight='balanced' is not supported for partial_"):
        model.partial_fit(X, y)
    before = model.fit(X, y).predict_proba(X)
    with pytest.raises(ValueError, match="compute_class_weight"):
        model.partial_fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), before)


def test_a_label_of_all_rows_may_be_otherwise_in_validation_rows():
    X = np.random.default_rng(0).normal(size=(40, 2))
    labels = np.column_stack([X[:, 0] > 0, np.zeros(40)]).astype(int)
    of_validation = np.column_stack([X[:, 0] > 0, np.ones(40)]).astype(int)
    model = Classifier(preset="plain", hidden_layer_sizes=2, max_iter=1, class_weight="balanced")
    model.fit(X, labels, X_val=X, y_val=of_validation)
    assert np.isfinite(model.predict_proba(X)).all()
