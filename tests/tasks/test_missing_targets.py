"""Several outputs of which some rows lack some: what is missing counts nothing."""

import io
import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import r2_score
from tiny_models import LEARNING, assert_same_weights, tiny
from uniform_table import UNSEEN, X

import fastmlp
from fastmlp import Classifier, Regressor

TRUTH = np.column_stack([4 + 3 * X[:, 0], 1000 + 50 * X[:, 1] ** 2, np.exp(X[:, 0])])
UNSEEN_TRUTH = np.column_stack(
    [4 + 3 * UNSEEN[:, 0], 1000 + 50 * UNSEEN[:, 1] ** 2, np.exp(UNSEEN[:, 0])]
)
KNOWN = np.random.default_rng(0).uniform(size=TRUTH.shape) < 0.6
KNOWN[np.arange(len(KNOWN)), np.arange(len(KNOWN)) % 3] = True
Y = np.where(KNOWN, TRUTH, np.nan)


@pytest.fixture(scope="module")
def model():
    return Regressor(**LEARNING | {"n_estimators": 5}).fit(X, Y)


def test_all_outputs_are_learnt(model):
    scores = r2_score(UNSEEN_TRUTH, model.predict(UNSEEN), multioutput="raw_values")
    assert scores.min() > 0.9
    assert np.isfinite(model.oof_prediction_).all()


def test_score_is_the_mean_over_outputs_of_known_rows(model):
    predicted = model.predict(X)
    expected = [r2_score(TRUTH[rows, k], predicted[rows, k]) for k, rows in enumerate(KNOWN.T)]
    assert model.score(X, Y) == pytest.approx(np.mean(expected))
    weights = np.arange(1.0, len(X) + 1)
    expected = [
        r2_score(TRUTH[rows, k], predicted[rows, k], sample_weight=weights[rows])
        for k, rows in enumerate(KNOWN.T)
    ]
    assert model.score(X, Y, weights) == pytest.approx(np.mean(expected))


@pytest.mark.parametrize("loss", ["squared_error", "gamma"])
def test_losses_of_held_out_rows_are_means_of_what_is_known(loss):
    some = slice(0, 60)
    model = tiny(loss=loss, early_stopping=True, max_iter=1)
    model.fit(X[some], Y[some], X_val=X[some], y_val=Y[some])
    predicted, y = model.predict(X[some])[KNOWN[some]], Y[some][KNOWN[some]]
    if loss == "gamma":
        expected = np.mean(y / predicted - np.log(y / predicted) - 1)
    else:
        unit = np.broadcast_to(np.nanstd(Y[some], axis=0), Y[some].shape)[KNOWN[some]]
        model = tiny(loss=loss, max_iter=1, standardize=True)
        model.fit(X[some], Y[some], X_val=X[some], y_val=Y[some])
        expected = np.mean((y - predicted) ** 2 / unit**2)
    assert model.validation_curve_[0] == pytest.approx(expected, rel=1e-2)


def test_frames_with_missing_numbers():
    frame = pd.DataFrame(Y[:60], columns=["a", "b", "c"]).astype("Float64")
    as_array, as_frame = (tiny().fit(X[:60], y) for y in (Y[:60], frame))
    assert_same_weights(as_array, as_frame)


def test_training_goes_on():
    model = tiny().partial_fit(X[:60], Y[:60])
    only_second = np.where([False, True, False], TRUTH[:60], np.nan)
    before = model.predict(X[:60])
    model.partial_fit(X[:60], only_second)
    assert np.isfinite(model.predict(X[:60])).all()
    file = io.BytesIO()
    model.save(file)
    file.seek(0)
    np.testing.assert_array_equal(fastmlp.load(file).predict(X), model.predict(X))
    assert not np.array_equal(before, model.predict(X[:60]))


def test_importances():
    model = tiny(compute_importances=True).fit(X[:60], Y[:60])
    assert np.isfinite(model.feature_importances_).all()


def test_importances_on_other_rows_count_what_is_known(model):
    few = {"n_repeats": 1, "random_state": 0}
    found = model.importances(X[:60], Y[:60], **few).importances
    known = model.importances(X[:60], TRUTH[:60], **few).importances
    assert found.argmax() == known.argmax()
    assert not np.array_equal(found, known)
    with pytest.raises(ValueError, match="y must have at least one number in each row; row 3"):
        model.importances(X[:60], _with_gap(3, slice(None)))


def test_calibration_with_other_rows_takes_those_that_have_all_targets(model):
    complete = KNOWN.all(axis=1)
    some, other = (pickle.loads(pickle.dumps(model)) for _ in range(2))
    some.conformalize(X, Y)
    other.conformalize(X[complete], TRUTH[complete])
    np.testing.assert_array_equal(some.predict_interval(UNSEEN), other.predict_interval(UNSEEN))
    one_each = np.where(np.eye(3, dtype=bool)[np.arange(len(X)) % 3], TRUTH, np.nan)
    with pytest.raises(ValueError, match="y must have all targets, and sample_weight must"):
        model.conformalize(X, one_each)


def test_gaps_are_among_the_targets_of_the_training_rows(model):
    for y in (Y, np.where(np.isnan(Y), -np.nan, Y), pd.DataFrame(Y).astype("Float64")):
        pickle.loads(pickle.dumps(model)).conformalize(None, y)
    with pytest.raises(ValueError, match="y must hold the targets that fit was given"):
        model.conformalize(None, TRUTH)


def _with_gap(row, column):
    y = TRUTH[:60].copy()
    y[row, column] = np.nan
    return y


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (_with_gap(3, slice(None)), "y must have at least one number in each row; row 3 has none"),
        (_with_gap(slice(None), 1), "y must have a number in each column; column 1 has none"),
        (_with_gap(3, 1)[:, 1], "Input y contains NaN"),
        (_with_gap(3, 1)[:, [1]], "Input y contains NaN"),
        (np.where(TRUTH[:60] > 1040, np.inf, TRUTH[:60]), "Input y contains infinity"),
    ],
)
def test_gaps_that_are_refused(y, message):
    with pytest.raises(ValueError, match=message):
        tiny().fit(X[:60], y)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"extrapolation": "linear"}, "extrapolation='linear' needs all targets"),
        ({"eval_metric": "r2"}, "eval_metric must be None where validation rows lack"),
    ],
)
def test_what_needs_all_targets(options, message):
    with pytest.raises(ValueError, match=message):
        tiny(**options).fit(X[:60], Y[:60])


def test_labels_must_be_complete():
    labels = np.where(KNOWN[:60], TRUTH[:60] > 1, np.nan)
    with pytest.raises(ValueError, match="Input y contains NaN"):
        tiny(Classifier).fit(X[:60], labels)


def test_intervals_are_calibrated_by_the_rows_that_have_all_targets():
    model = tiny(n_estimators=2, validation_fraction=0.5).fit(X, Y)
    complete = int(KNOWN.all(axis=1).sum())
    assert 0 < len(model._model.conformal.scores.values) <= complete
    intervals = model.predict_interval(UNSEEN, coverage=0.8)
    assert np.isfinite(intervals).all()
    assert np.all(intervals[..., 0] < intervals[..., 1])
    file = io.BytesIO()
    model.save(file)
    file.seek(0)
    np.testing.assert_array_equal(
        fastmlp.load(file).predict_interval(UNSEEN, coverage=0.8), intervals
    )
