"""Which rows each network is validated on."""

import numpy as np
import pytest
from sklearn.model_selection import train_test_split
from tiny_models import FOLDS, folded, folds_of

from fastmlp import Classifier, Regressor
from fastmlp.ensemble.splitters import held_out_mask

ROWS = 120


@pytest.mark.parametrize("n_estimators", [2, 3, 5])
def test_folds_cover_all_rows_once(n_estimators, X, y):
    fraction = 1 / n_estimators
    folds = folds_of(Regressor, X, y, n_estimators=n_estimators, validation_fraction=fraction)
    assert len(folds) == n_estimators
    assert {fold.size for fold in folds} == {ROWS // n_estimators}
    np.testing.assert_array_equal(np.sort(np.concatenate(folds)), np.sort(y))


def test_few_networks_have_folds_as_small(X, y):
    """Two networks would otherwise be trained on half of the rows each."""
    folds = folds_of(Regressor, X, y, n_estimators=2, validation_fraction=0.2)
    assert [fold.size for fold in folds] == [ROWS // 5] * 2
    model = folded(Regressor, X, y, n_estimators=2, validation_fraction=0.2)
    assert np.isfinite(model.oof_prediction_).sum() == 2 * ROWS // 5


def test_folds_where_rows_cannot_be_shared_out_evenly(X, y):
    folds = folds_of(Regressor, X[:117], y[:117], n_estimators=5, validation_fraction=0.2)
    assert sorted(fold.size for fold in folds) == [23, 23, 23, 24, 24]


def test_rows_are_dealt_anew_where_there_are_more_networks_than_folds(X, y):
    folds = folds_of(Regressor, X, y, n_estimators=10, validation_fraction=0.2)
    assert {fold.size for fold in folds} == {ROWS // 5}
    first, second = folds[:5], folds[5:]
    for deal in (first, second):
        np.testing.assert_array_equal(np.sort(np.concatenate(deal)), np.sort(y))
    assert not any(np.array_equal(one, other) for one in first for other in second)


def test_folds_keep_the_proportions_of_classes(X):
    labels = np.arange(ROWS) % 10 == 0
    folds = folds_of(Classifier, X, labels)
    assert [fold.sum() for fold in folds] == [3] * 4
    rare = np.where(np.arange(ROWS) < 2, "rare", "common")
    assert sorted(np.sum(fold == "rare") for fold in folds_of(Classifier, X, rare)) == [0, 0, 1, 1]


def test_one_network_has_the_fraction(X, y):
    (fold,) = folds_of(Regressor, X, y, n_estimators=1, validation_fraction=0.25)
    assert fold.size == 30
    assert np.isin(fold, y).all()


def test_given_validation_part_is_that_of_all(X, y):
    seen = []

    def metric(y_true, y_pred):
        seen.append(np.array_equal(y_true, y[80:]))
        return 0.0

    model = Regressor(**FOLDS, eval_metric=metric)
    model.fit(X[:80], y[:80], X_val=X[80:], y_val=y[80:])
    assert seen == [True] * (4 * 6)
    assert not hasattr(model, "oof_prediction_")


def test_without_early_stopping_there_are_no_folds(X, y):
    model = folded(Regressor, X, y, early_stopping=False)
    assert model.validation_curve_ is None
    assert model.best_iteration_ is None
    assert not hasattr(model, "oof_prediction_")


@pytest.mark.parametrize("test_size", [0.1, 0.37, 0.5])
@pytest.mark.parametrize("n_classes", [0, 2, 3, 40])
def test_held_out_rows_are_those_of_scikit_learn(n_classes, test_size):
    rows = np.arange(1001)
    classes = np.random.default_rng(0).integers(0, n_classes, rows.size) if n_classes else None
    n_val = int(test_size * rows.size)
    own, theirs = np.random.RandomState(0), np.random.RandomState(0)
    chosen = held_out_mask(rows.size, n_val, classes, own)
    _, expected = train_test_split(rows, test_size=n_val, random_state=theirs, stratify=classes)
    np.testing.assert_array_equal(rows[chosen], np.sort(expected))
    assert own.uniform() == theirs.uniform()  # both have drawn as often


def test_classes_too_small_to_be_held_out_by_class():
    rows = np.arange(100)
    alone = np.where(rows == 7, 1, 0)
    many = rows // 2  # more classes than rows to hold out
    for classes in (alone, many):
        one, other = (
            held_out_mask(rows.size, 10, c, np.random.RandomState(0)) for c in (classes, None)
        )
        np.testing.assert_array_equal(one, other)
