"""Intervals and sets of classes: what they are calibrated on, and how often they hold the truth."""

import copy
import io
import pickle

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from tiny_models import FOLDS, TINY, folds_of, tiny

import fastmlp
from fastmlp import Classifier, Regressor, federated

ROWS = 400
FEW = "needs 19 calibration rows"


def made(seed, n):
    """Rows, a target whose noise grows with it, and classes."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, size=(n, 3))
    y = X[:, 0] + (1.2 + X[:, 0]) * rng.normal(size=n)
    return X, y, np.digitize(y, [-1, 1])


X, Y, CLASSES = made(0, ROWS)
X_NEW, Y_NEW, CLASSES_NEW = made(1, 4000)


def held(intervals, y):
    return np.mean((intervals[..., 0] <= y) & (y <= intervals[..., 1]))


def tolerance(n, coverage=0.9, n_calibrated=ROWS):
    """Four standard errors of the share of n new rows, after calibration on some."""
    variance = coverage * (1 - coverage)
    return 4 * np.sqrt(variance / n + variance / n_calibrated)


@pytest.fixture(scope="module")
def model():
    return Regressor(**FOLDS).fit(X, Y)


@pytest.fixture(scope="module")
def classifier():
    return Classifier(**FOLDS).fit(X, CLASSES)


def again(model):
    return pickle.loads(pickle.dumps(model))


# ---- coverage


@pytest.mark.parametrize("coverage", [0.5, 0.9])
def test_out_of_fold_intervals_hold_as_many_as_asked_for(model, coverage):
    found = model.predict_interval(X_NEW, coverage)
    assert abs(held(found, Y_NEW) - coverage) < tolerance(4000, coverage)


def test_coverage_after_conformalize_is_exact_on_average():
    """99 rows: each end is the 5th from outside, so 90 of 100 places for the new one are inside."""
    model, shares = tiny().fit(X, Y), []
    for seed in range(60):
        X_own, y_own, _ = made(2 + seed, 99)
        model.conformalize(X_own, y_own)
        shares.append(held(model.predict_interval(X_NEW), Y_NEW))
    # Of the true coverage after calibration, a beta distribution; new rows are the same ones.
    error = np.sqrt(0.09 / 101 / 60 + 0.09 / 4000)
    assert abs(np.mean(shares) - 0.9) < 4 * error
    assert 0.5 < np.std(shares) / np.sqrt(0.09 / 101) < 1.5


def test_intervals_are_wide_where_errors_are(model):
    widths = np.ptp(model.predict_interval(X_NEW), axis=1)
    high, low = X_NEW[:, 0] > 0.5, X_NEW[:, 0] < -0.5
    assert widths[high].mean() > 1.5 * widths[low].mean()


def test_misses_are_as_many_below_as_above():
    skewed = np.random.default_rng(0).exponential(size=ROWS)
    model = tiny().fit(X, X[:, 0] + skewed)
    y = X_NEW[:, 0] + np.random.default_rng(1).exponential(size=4000)
    model.conformalize(X_NEW[:2000], y[:2000])
    low, high = model.predict_interval(X_NEW[2000:]).T
    limit = tolerance(2000, 0.05, 2000)
    assert abs(np.mean(y[2000:] < low) - 0.05) < limit
    assert abs(np.mean(y[2000:] > high) - 0.05) < limit


def test_coverage_in_each_group():
    is_noisy = X[:, 1] > 0.5
    y, y_new = (
        values + 5 * np.sin(1e4 * table[:, 2]) * (table[:, 1] > 0.5)
        for values, table in ((Y, X), (Y_NEW, X_NEW))
    )
    noisy = Regressor(**FOLDS).fit(X, y)
    groups = np.where(X_NEW[:, 1] > 0.5, "noisy", "calm")
    rows = groups == "noisy"
    assert held(noisy.predict_interval(X_NEW[rows]), y_new[rows]) < 0.8
    noisy.conformalize(None, y, groups=pd.Series(np.where(is_noisy, "noisy", "calm")))
    for group in ("noisy", "calm"):
        own = groups == group
        found = noisy.predict_interval(X_NEW[own], groups=groups[own])
        n_calibrated = is_noisy.sum() if group == "noisy" else (~is_noisy).sum()
        assert abs(held(found, y_new[own]) - 0.9) < tolerance(own.sum(), 0.9, n_calibrated)


def test_sets_hold_as_many_as_asked_for(classifier):
    model = again(classifier).conformalize(X_NEW[:2000], CLASSES_NEW[:2000])
    found = model.predict_set(X_NEW[2000:], 0.8)
    assert found.shape == (2000, 3)
    assert found.dtype == bool
    assert abs(holds(found) - 0.8) < tolerance(2000, 0.8, 2000)
    found = model.predict_set(X_NEW[2000:], 0.8, class_conditional=True)
    for code in range(3):
        own = code == CLASSES_NEW[2000:]
        limit = tolerance(own.sum(), 0.8, (code == CLASSES_NEW[:2000]).sum())
        assert abs(holds(found, own) - 0.8) < limit


def holds(sets, rows=slice(None)):
    """Share of the last new rows whose sets hold the true class."""
    return np.take_along_axis(sets, CLASSES_NEW[2000:, None], axis=1)[rows].mean()


def test_out_of_fold_sets_hold_at_least_as_many(classifier):
    """All networks together are better than the one that a row is held out from."""
    assert holds(classifier.predict_set(X_NEW[2000:], 0.8)) > 0.8 - tolerance(2000, 0.8)


def test_weights_of_classes_do_not_count():
    options = FOLDS | {"n_estimators": 1}
    weighted = Classifier(**options, class_weight="balanced").fit(X, CLASSES)
    assert weighted._model.conformal.scores.weights is None
    both = Classifier(**options, class_weight={0: 3.0}).fit(X, CLASSES, 1 + (X[:, 1] > 0))
    assert_allclose(np.unique(both._model.conformal.scores.weights), [1, 2])
    ignored = Classifier(**options, class_weight={0: 0.0}).fit(X, CLASSES)
    assert set(ignored._model.conformal.classes) == {1, 2}


def test_weights_for_rows_that_will_be_predicted_more_often():
    """Calibrated on all rows, used on those with large x alone, of which there are few."""
    model = tiny().fit(X, Y)
    often = X_NEW[:, 0] > 0.5
    model.conformalize(X_NEW[::2], Y_NEW[::2])
    X_own, y_own = X_NEW[1::2][often[1::2]], Y_NEW[1::2][often[1::2]]
    before = held(model.predict_interval(X_own), y_own)
    model.conformalize(X_NEW[::2], Y_NEW[::2], sample_weight=np.where(often[::2], 1.0, 1e-3))
    after = held(model.predict_interval(X_own), y_own)
    assert abs(after - 0.9) < tolerance(len(y_own), 0.9, often[::2].sum()) < 0.9 - before


# ---- what calibrates


def test_rows_of_X_val_calibrate():
    model = Regressor(**FOLDS).fit(X, Y, X_val=X_NEW[:60], y_val=Y_NEW[:60])
    found = model.predict_interval(X)
    again(model).conformalize(X_NEW[:60], Y_NEW[:60])
    scores = model._model.conformal.scores.values[:, 0]
    assert_array_equal(scores, np.sort(Y_NEW[:60] - model.predict(X_NEW[:60])))
    assert_array_equal(model.conformalize(X_NEW[:60], Y_NEW[:60]).predict_interval(X), found)


@pytest.mark.parametrize(
    ("X_own", "y_own", "error", "message"),
    [
        (None, None, TypeError, "y must hold the target of each row; got None"),
        (X, None, TypeError, "y must hold the target of each row; got None"),
        (X, Y[:5], ValueError, f"inconsistent.*: X has {ROWS} rows and y has 5"),
        (None, Y[:5], ValueError, rf"the training table \(X=None\) has {ROWS} rows and y has 5"),
    ],
)
def test_each_row_that_calibrates_needs_a_target(X_own, y_own, error, message, model):
    with pytest.raises(error, match=message):
        model.conformalize(X_own, y_own)


def test_the_held_out_part_of_a_single_network_calibrates():
    model = tiny(validation_fraction=0.2).fit(X, Y)
    scores = model._model.conformal.scores.values[:, 0]
    assert scores.size == 80
    assert np.isin(scores, Y - model.predict(X)).all()


def test_rows_without_weight_do_not_calibrate():
    weights = np.repeat([1.0, 0.0], ROWS // 2)
    model = Regressor(**FOLDS).fit(X, Y, weights)
    assert model._model.conformal.scores.values.shape == (ROWS // 2, 1)
    assert model._model.conformal.scores.weights is None


def test_residuals_shrink_by_what_networks_disagree_about():
    options = {"standardize": False, "dtype": "float64"}
    model = Regressor(**FOLDS | options).fit(X, Y)
    outputs = np.array([network.forward(X)[:, 0] for network in model.networks_])
    seen = np.array([~np.isin(Y, fold) for fold in folds_of(Regressor, X, Y, **options)])
    disagreement = np.ma.array(outputs, mask=~seen).var(axis=0, ddof=1).mean()
    # The rows that a network has not seen have the moments that docs/intervals.md speaks of.
    u, s = (np.ma.array(outputs, mask=mask).mean(axis=0) for mask in (seen, ~seen))
    drawn = ((u - s) ** 2).mean() - disagreement / 3
    together, errors = ((u - s) * (u - Y)).mean(), ((Y - u) ** 2).mean()
    about_new = errors - (errors - together) / (1 - (together - drawn) / (errors - together))
    disagreement = (disagreement + max(about_new, disagreement)) / 2
    share = disagreement * (1 - 1 / 4) / np.mean((Y - model.oof_prediction_) ** 2)
    assert_allclose(model._model.conformal.shrinkage, np.sqrt(1 - share))
    assert 0.5 < model._model.conformal.shrinkage[0] < 1


def test_groups_of_training_rows_change_no_scores(model):
    """One group of all rows has the intervals of no groups."""
    grouped = again(model).conformalize(None, Y, groups=np.ones(ROWS))
    assert_array_equal(
        grouped.predict_interval(X_NEW, groups=np.ones(4000)), model.predict_interval(X_NEW)
    )


# ---- the targets of the training rows


def loaded(model):
    file = io.BytesIO()
    model.save(file)
    return fastmlp.load(file.getvalue())


@pytest.mark.parametrize("copied", [copy.copy, again, loaded])
def test_out_of_fold_predictions_go_with_the_targets_of_fit(model, classifier, copied):
    """Any others were taken, and intervals were silently wrong."""
    for fitted, y in ((model, Y), (classifier, CLASSES)):
        one, exchanged = copied(fitted), y.copy()
        other = np.argmax(y != y[0])
        exchanged[[0, other]] = y[[other, 0]]
        before = one._model
        for wrong in (y[::-1], exchanged, np.full(ROWS, y[0])):
            with pytest.raises(ValueError, match="y must hold the targets that fit was given"):
                one.conformalize(None, wrong)
        assert one._model is before
        one.conformalize(None, list(y)).conformalize(None, pd.Series(y))


def test_equal_targets_of_another_type_are_those_of_fit(classifier):
    whole = np.round(Y).astype(int)
    numbers, codes = Regressor(**FOLDS).fit(X, whole), again(classifier)
    named = Classifier(**FOLDS).fit(X, CLASSES.astype(str))
    for kind in (float, np.float32, np.int8):
        numbers.conformalize(None, whole.astype(kind))
        codes.conformalize(None, CLASSES.astype(kind))
    numbers.conformalize(None, np.where(whole == 0, -0.0, whole))
    numbers.conformalize(None, pd.Series(whole, dtype="Int64", index=range(7, ROWS + 7)))
    for kind in (object, "category"):
        named.conformalize(None, pd.Series(CLASSES.astype(str), dtype=kind))


# ---- tasks


def test_intervals_of_several_outputs():
    two = Regressor(**FOLDS).fit(X, np.column_stack([Y, 100 * X[:, 1] + 1000]))
    found = two.predict_interval(X_NEW)
    assert found.shape == (4000, 2, 2)
    assert abs(held(found[:, 0], Y_NEW) - 0.9) < tolerance(4000)
    assert (found[:, 1] > 500).all()


def test_intervals_of_quantiles():
    model = Regressor(**FOLDS, loss="quantile", quantile=[0.1, 0.5, 0.9]).fit(X, Y)
    found = model.predict_interval(X_NEW, 0.8)
    assert found.shape == (4000, 2)
    assert abs(held(found, Y_NEW) - 0.8) < tolerance(4000, 0.8)
    moved = found - model.predict(X_NEW)[:, [0, 2]]
    assert_allclose(moved, np.broadcast_to(moved[0], moved.shape), atol=1e-9)


def test_counts_are_not_negative():
    counts = np.random.default_rng(0).poisson(np.exp(X[:, 0])).astype(float)
    model = Regressor(**FOLDS, loss="poisson").fit(X, counts)
    low, high = model.predict_interval(X_NEW).T
    assert low.min() == 0
    assert (high > low).all()


def test_a_single_column_of_targets_has_no_dimension_for_outputs(model):
    assert model.predict_interval(X_NEW[:5]).shape == (5, 2)


# ---- what cannot be


ADVICE = r"Call conformalize\(X, y\)"
UNCALIBRATED = {
    "no early stopping": lambda: tiny(early_stopping=False).fit(X, Y),
    "partial_fit": lambda: Regressor(**FOLDS).fit(X, Y).partial_fit(X, Y),
    "other rows": lambda: Regressor(**FOLDS, warm_start=True).fit(X, Y).fit(X[::-1], Y[::-1]),
    "fewer networks": lambda: Regressor(**FOLDS).fit(X, Y).with_fewer_networks(X, n_networks=2),
    "distilled": lambda: tiny().fit(X, Y).distilled(X, max_iter=1),
    "federated": lambda: federated.Regressor(**TINY, n_estimators=1).fit([(X, Y)]),
}


@pytest.mark.parametrize("how", UNCALIBRATED)
def test_models_without_held_out_rows_need_some(how):
    model = UNCALIBRATED[how]()
    with pytest.raises(ValueError, match=ADVICE):
        model.predict_interval(X)
    if not hasattr(model, "oof_prediction_"):
        with pytest.raises(ValueError, match="X must hold rows that were not trained on"):
            model.conformalize(None, Y)
    model.conformalize(X_NEW[:2000], Y_NEW[:2000])
    found = model.predict_interval(X_NEW[2000:])
    assert abs(held(found, Y_NEW[2000:]) - 0.9) < tolerance(2000, 0.9, 2000)


@pytest.mark.parametrize("coverage", [0, 1, 90, -0.1, np.nan])
def test_coverage_is_a_share(model, classifier, coverage):
    with pytest.raises(ValueError, match=r"coverage must be in \(0, 1\)"):
        model.predict_interval(X, coverage)
    with pytest.raises(ValueError, match=r"coverage must be in \(0, 1\)"):
        classifier.predict_set(X, coverage)
    with pytest.raises(TypeError, match="coverage must be a number"):
        model.predict_interval(X, "0.9")


def test_groups_are_given_where_there_are_groups(model):
    with pytest.raises(ValueError, match="groups must be None"):
        model.predict_interval(X, groups=Y > 0)
    grouped = again(model).conformalize(None, Y, groups=X[:, 1] > 0)
    with pytest.raises(ValueError, match="groups must be given"):
        grouped.predict_interval(X)
    with pytest.raises(ValueError, match=r"a label for each of the 400 rows; got .* \(5,\)"):
        grouped.predict_interval(X, groups=np.ones(5))
    with pytest.raises(ValueError, match="a label for each of the 400 rows; got 'town'"):
        model.conformalize(None, Y, groups="town")
    predictor = grouped.predictor()
    expected = predictor.predict_interval(X[0], groups=[True])
    assert_array_equal(predictor.predict_interval(X[0], groups=True), expected)


def test_several_labels_per_row_have_no_sets():
    labels = (X > 0).astype(int)
    model = Classifier(**FOLDS).fit(X, labels)
    for call in (lambda: model.predict_set(X), lambda: model.conformalize(X, labels)):
        with pytest.raises(ValueError, match="one label per row"):
            call()


BAD = {
    "another number of rows": (X, Y[:-1], {}),
    "NaN": (X, np.append(Y[:-1], np.nan), {}),
    "two outputs": (X, np.column_stack([Y, Y]), {}),
    "no weights": (X, Y, {"sample_weight": np.zeros(ROWS)}),
    "other columns": (X[:, :2], Y, {}),
    "groups of other rows": (X, Y, {"groups": np.ones(3)}),
    "training rows of another number": (None, Y[:-1], {}),
}


@pytest.mark.parametrize("what", BAD)
def test_a_failed_call_changes_nothing(model, what):
    before = model._model
    table, y, options = BAD[what]
    with pytest.raises(ValueError, match=r"."):
        model.conformalize(table, y, **options)
    assert model._model is before


def test_a_few_rows_calibrate_low_coverage_only(model):
    few = again(model).conformalize(X_NEW[:9], Y_NEW[:9])
    with pytest.warns(UserWarning, match=FEW):
        assert np.isinf(few.predict_interval(X)).all()
    assert np.isfinite(few.predict_interval(X, 0.8)).all()


# ---- copies, files, predictors


def test_predictions_stay_as_they_are(model):
    other = again(model).conformalize(X_NEW, Y_NEW)
    assert_array_equal(other.predict(X), model.predict(X))
    assert_array_equal(other.oof_prediction_, model.oof_prediction_)


def grouped_regressor(model):
    groups = np.array(["a", None, "ü"], dtype=object)[np.arange(ROWS) % 3]
    weights = 1.0 + np.arange(ROWS) % 2
    return again(model).conformalize(None, Y, weights, groups=groups), groups


def test_files_and_predictors_have_the_same_bits(model, classifier, tmp_path):
    path = tmp_path / "model.safetensors"
    grouped, groups = grouped_regressor(model)
    for one, own in ((model, None), (grouped, groups)):
        expected = one.predict_interval(X, 0.8, groups=own)
        one.save(path)
        others = [fastmlp.load(path), again(one), one.predictor(), fastmlp.load_predictor(path)]
        for other in others:
            assert_array_equal(other.predict_interval(X, 0.8, groups=own), expected)
            if isinstance(other, fastmlp.Predictor):
                group = None if own is None else own[1:2]
                row = other.predict_interval(X[1], 0.8, groups=group)
                assert_array_equal(row, expected[1])
    classifier.save(path)
    expected = classifier.predict_set(X, class_conditional=True)
    for other in (fastmlp.load(path), classifier.predictor(), fastmlp.load_predictor(path)):
        assert_array_equal(other.predict_set(X, class_conditional=True), expected)
    assert_array_equal(classifier.predictor().predict_set(X[0]), classifier.predict_set(X[:1])[0])
    with pytest.raises(AttributeError, match="for regressors"):
        classifier.predictor().predict_interval(X)
    with pytest.raises(AttributeError, match="for classifiers"):
        model.predictor().predict_set(X)
