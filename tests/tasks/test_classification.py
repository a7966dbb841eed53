"""Probabilities, weights of classes, label smoothing, several labels."""

import numpy as np
import pytest
from sklearn.metrics import log_loss
from tiny_models import HALF, LEARNING_PLAIN
from uniform_table import ENOUGH, ROWS, UNSEEN, X, classifier

from fastmlp import Classifier

RARE = np.random.default_rng(6).random(ROWS) < 1 / (1 + np.exp(4 - 2 * X[:, 0]))


def test_probabilities_are_as_frequent_as_they_say():
    truth = np.random.default_rng(8).random(ROWS) < 1 / (1 + np.exp(-3 * X[:, 0]))
    predicted = classifier(truth).predict_proba(UNSEEN)[:, 1]
    for part in (predicted < 0.3, predicted > 0.7, predicted >= 0):
        expected = np.mean(1 / (1 + np.exp(-3 * UNSEEN[part, 0])))
        assert predicted[part].mean() == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize("class_weight", ["balanced", {False: 1, True: 20}])
def test_class_weight(class_weight):
    plain, weighted = (classifier(RARE, class_weight=each) for each in (None, class_weight))
    assert weighted.predict_proba(X)[:, 1].mean() > 4 * plain.predict_proba(X)[:, 1].mean()
    recalls = [model.predict(X)[RARE].mean() for model in (plain, weighted)]
    assert recalls[1] > recalls[0] + 0.3


def test_class_weight_is_sample_weight_by_class():
    by_class = classifier(RARE, class_weight={True: 5})
    weights = np.where(RARE, 5.0, 1.0)
    by_row = Classifier(**ENOUGH).fit(X, RARE, weights)
    np.testing.assert_array_equal(by_class.predict_proba(X), by_row.predict_proba(X))


@pytest.mark.parametrize("classes", [2, 3])
def test_label_smoothing(classes):
    y = np.digitize(X[:, 0], [0, 0.4][: classes - 1])
    surest = [
        classifier(y, label_smoothing=share, calibrate=False).predict_proba(X).max(axis=1).mean()
        for share in (0.0, 0.2, 0.5)
    ]
    assert surest[0] > surest[1] + 0.05 > surest[2] + 0.1
    assert surest[2] == pytest.approx(0.5 + 0.5 / classes, abs=0.1)


def test_validation_is_not_smoothed():
    """So the curves of all amounts of smoothing can be compared."""
    y, half = X[:, 0] > 0, ROWS // 2
    model = Classifier(
        16, label_smoothing=0.3, n_estimators=1, calibrate=False, max_iter=5, random_state=0
    ).fit(X[:half], y[:half], X_val=X[half:], y_val=y[half:])
    expected = log_loss(y[half:], model.predict_proba(X[half:]))
    assert model.best_loss_ == pytest.approx(expected, rel=1e-4)


LABELS = np.column_stack(
    [X[:, 0] > 0, X[:, 1] > 0.5, np.random.default_rng(7).random(ROWS) < 0.3]
).astype(int)


@pytest.mark.parametrize("preset", ["default", "plain"])
def test_multilabel(preset):
    model = classifier(LABELS, preset=preset)
    probabilities = model.predict_proba(X)
    assert probabilities.shape == (ROWS, 3)
    np.testing.assert_allclose(probabilities.mean(axis=0), LABELS.mean(axis=0), atol=0.05)
    np.testing.assert_array_equal(model.predict(X), probabilities > 0.5)
    assert np.mean(model.predict(X)[:, :2] == LABELS[:, :2]) > 0.95
    assert np.ptp(probabilities.sum(axis=1)) > 0.5  # the labels of a row do not exclude each other
    known = model.oof_proba_[np.isfinite(model.oof_proba_[:, 0])]
    assert known.shape[1] == 3
    assert known.min() >= 0
    assert known.max() <= 1


@pytest.fixture(scope="module")
def rare(made):
    X, _, noise = made
    return X, (X[:, 0] + 0.8 * noise > 1.6).astype(int)  # a tenth is of class 1


def minority_recall(model, X, y) -> float:
    return model.predict(X[HALF:])[y[HALF:] == 1].mean()


def test_balanced_class_weight_raises_minority_recall(rare):
    X, y = rare
    plain = Classifier(**LEARNING_PLAIN).fit(X[:HALF], y[:HALF])
    balanced = Classifier(class_weight="balanced", **LEARNING_PLAIN).fit(X[:HALF], y[:HALF])
    assert minority_recall(balanced, X, y) > minority_recall(plain, X, y) + 0.2


def test_class_weight_multiplies_sample_weight(rare):
    X, y = rare
    weights = np.random.default_rng(0).uniform(0.5, 2, size=HALF)
    by_class = Classifier(class_weight={0: 1.0, 1: 7.0}, **LEARNING_PLAIN).fit(
        X[:HALF], y[:HALF], weights
    )
    by_row = Classifier(**LEARNING_PLAIN).fit(
        X[:HALF], y[:HALF], weights * np.where(y[:HALF] == 1, 7.0, 1.0)
    )
    np.testing.assert_allclose(
        by_class.predict_proba(X), by_row.predict_proba(X), rtol=1e-3, atol=1e-4
    )


@pytest.mark.parametrize("classes", [2, 3])
def test_label_smoothing_lowers_confidence(classes, made):
    X, f, _ = made
    y = np.digitize(f, np.quantile(f, np.linspace(0, 1, classes + 1)[1:-1]))

    def confidence(share):
        model = Classifier(label_smoothing=share, **LEARNING_PLAIN).fit(X[:HALF], y[:HALF])
        assert model.score(X[HALF:], y[HALF:]) > 0.85
        return model.predict_proba(X[HALF:]).max(axis=1).mean()

    none, some, much = (confidence(share) for share in (0.0, 0.1, 0.3))
    assert none > some + 0.01 > much + 0.05
    # No higher than the smoothed label itself, but for what the fit overshoots.
    assert much < 1 - 0.3 * (classes - 1) / classes + 0.03


@pytest.mark.parametrize("classes", [2, 3, 6])
def test_probabilities(classes, made):
    X, f, _ = made
    y = np.digitize(f, np.quantile(f, np.linspace(0, 1, classes + 1)[1:-1]))
    model = Classifier(max_iter=10, **LEARNING_PLAIN).fit(X, y)
    p = model.predict_proba(X)
    assert p.shape == (len(X), classes)
    assert p.min() >= 0
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(model.classes_[p.argmax(axis=1)], model.predict(X))
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), p, rtol=1e-5, atol=1e-7)


def test_every_label_is_learnt(made):
    X, _, _ = made
    Y = np.column_stack([X[:, 0] > 0, X[:, 1] > 0.3, X[:, 0] * X[:, 2] > 0]).astype(int)
    model = Classifier(**LEARNING_PLAIN).fit(X[:HALF], Y[:HALF])
    assert (model.predict(X[HALF:]) == Y[HALF:]).mean(axis=0).min() > 0.94
    p = model.predict_proba(X)
    assert p.shape == Y.shape
    np.testing.assert_array_equal(model.predict(X), p > 0.5)
    assert model.out_activation_ == "logistic"
