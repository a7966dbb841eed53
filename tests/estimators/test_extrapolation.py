"""extrapolation="linear": trends go on beyond the training range, for every kind of target."""

import pickle
import warnings
from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import RidgeCV
from sklearn.preprocessing import StandardScaler
from tiny_models import both, outputs, target

from fastmlp import Classifier, Regressor

SMALL = {
    "extrapolation": "linear",
    "hidden_layer_sizes": 16,
    "max_iter": 12,
    "n_estimators": 2,
    "random_state": 0,
}
PAST, FUTURE = slice(0, 320), slice(320, 400)


def root_mean_squared(error):
    return float(np.sqrt(np.mean(np.square(error))))


@pytest.fixture(scope="module")
def trend():
    """A column, and a target that rises with it; noise 2."""
    day = np.arange(400.0)
    return day[:, None], 10 + 0.5 * day + 2 * np.random.default_rng(0).normal(size=400)


@pytest.fixture(scope="module")
def season():
    """Time and season in six columns; noise 2."""
    rng = np.random.default_rng(0)
    day = np.arange(400.0)
    year, week = 2 * np.pi * day / 150, 2 * np.pi * day / 7
    own = rng.normal(size=400)
    X = np.column_stack([day, np.sin(year), np.cos(year), np.sin(week), np.cos(week), own])
    y = 20 + 0.1 * day + 5 * X[:, 1] + 3 * X[:, 2] + 2 * X[:, 3] + own
    return X, y + 2 * rng.normal(size=400)


@pytest.mark.parametrize("table", ["trend", "season"])
def test_near_ridge_regression_on_a_trend(table, request):
    X, y = request.getfixturevalue(table)
    scaler = StandardScaler().fit(X[PAST])
    ridge = RidgeCV(np.logspace(-3, 3, 7)).fit(scaler.transform(X[PAST]), y[PAST])
    least = root_mean_squared(ridge.predict(scaler.transform(X[FUTURE])) - y[FUTURE])
    model = Regressor(**SMALL | {"max_iter": 40, "n_estimators": 4}).fit(X[PAST], y[PAST])
    assert root_mean_squared(model.predict(X[FUTURE]) - y[FUTURE]) < 1.2 * least


def test_outlying_targets_do_not_turn_the_trend(trend):
    X, y = trend
    spoilt = y.copy()
    spoilt[:20] += 5000
    lines = Regressor(**SMALL).fit(X[PAST], spoilt[PAST])._model.linear.coef
    np.testing.assert_allclose(
        lines, Regressor(**SMALL).fit(X[PAST], y[PAST])._model.linear.coef, rtol=0.1
    )


def test_rows_of_weight_zero_do_not_count(trend):
    X, y = trend
    wrong = np.append(y[PAST], -y[PAST])
    weights = np.repeat([1.0, 0.0], 320)
    one = Regressor(**SMALL).fit(np.tile(X[PAST], (2, 1)), wrong, weights)._model.linear
    other = Regressor(**SMALL).fit(X[PAST], y[PAST])._model.linear
    np.testing.assert_allclose(one.coef, other.coef)


def test_a_row_of_weight_two_is_two_rows(season):
    X, y = season
    twice = np.repeat(np.arange(400), np.arange(400) % 2 + 1)
    model = Regressor(**SMALL, early_stopping=False)
    one = model.fit(X, y, np.arange(400) % 2 + 1.0)._model.linear
    other = model.fit(X[twice], y[twice])._model.linear
    np.testing.assert_allclose(one.coef[0], other.coef[0], rtol=0.02)


def test_limits_of_predictions_move_with_the_line(trend):
    X, y = trend
    model = Regressor(**SMALL).fit(X[PAST], y[PAST])
    assert model.predict(X[PAST]).max() <= y[PAST].max()
    beyond = model.predict([[1000.0], [-1000.0]])
    assert beyond[0] > 400
    assert beyond[1] < -400


def test_missing_values_are_the_median(trend):
    X, y = trend
    gaps = X.copy()
    gaps[::7] = np.nan
    model = Regressor(**SMALL).fit(gaps[PAST], y[PAST])
    assert root_mean_squared(model.predict(X[FUTURE]) - y[FUTURE]) < 12
    middle = np.nanmedian(gaps[PAST])
    linear = model._model.linear
    at_middle, missing = (linear.offset(np.array([[x, 0.0]])) for x in (middle, np.nan))
    np.testing.assert_array_equal(missing, at_middle)


def test_a_column_with_outliers_is_not_continued_on_their_side(trend):
    X, y = trend
    X = X[PAST].copy()
    X[7] = 1e6
    model = Regressor(**SMALL).fit(X, y[PAST])
    far, farther = model.predict([[3e6], [4e6]])
    assert far == farther
    far, farther = model.predict([[-3000.0], [-4000.0]])
    assert far > farther + 300


# ---- kinds of targets


def test_several_outputs(trend):
    X, y = trend
    model = Regressor(**SMALL).fit(X[PAST], np.column_stack([y, 1000 - 3 * y])[PAST])
    first, second = model.predict([[800.0]])[0]
    assert 350 < first < 450
    assert -350 < second < -50


def test_quantiles_go_on_together(trend):
    X, y = trend
    options = {"loss": "quantile", "quantile": [0.1, 0.5, 0.9]}
    model = Regressor(**SMALL | options).fit(X[PAST], y[PAST])
    predicted = model.predict([[600.0], [900.0]])
    assert np.all(np.diff(predicted, axis=1) >= 0)
    np.testing.assert_allclose(np.diff(predicted, axis=0), 150, rtol=0.1)


def test_counts_go_on_by_a_constant_factor(trend):
    day = trend[0]
    counts = np.random.default_rng(0).poisson(np.exp(1 + day[:, 0] / 150)).astype(float)
    model = Regressor(**SMALL | {"loss": "poisson"}).fit(day[PAST], counts[PAST])
    one, other = model.predict([[450.0], [600.0]])
    assert other / one == pytest.approx(np.e, rel=0.15)


def test_logits_of_two_classes_go_on(trend):
    day = trend[0]
    rng = np.random.default_rng(0)
    y = rng.random(400) < expit((day[:, 0] - 320) / 80)
    model = Classifier(**SMALL).fit(day[PAST], y[PAST])
    later = model.predict_proba([[400.0], [500.0], [700.0]])[:, 1]
    assert np.all(np.diff(later) > 0.02)
    assert later[-1] > 0.9
    np.testing.assert_allclose(model.predict_proba(day).sum(axis=1), 1, rtol=1e-6)


def test_logits_of_three_classes_go_on(trend):
    day = trend[0]
    rng = np.random.default_rng(0)
    y = np.digitize((day[:, 0] - 320) / 80 + rng.logistic(size=400), [-1.5, 1])
    model = Classifier(**SMALL).fit(day[PAST], y[PAST])
    later = model.predict_proba([[330.0], [500.0], [900.0]])
    assert np.all(np.diff(later[:, 2]) > 0)
    assert later[-1, 2] > 0.8


def test_each_of_several_labels_goes_on(trend):
    day = trend[0]
    rng = np.random.default_rng(0)
    p = expit((day - 320) / 80)
    y = (rng.random((400, 2)) < np.hstack([p, 1 - p])).astype(int)
    later = Classifier(**SMALL).fit(day[PAST], y[PAST]).predict_proba([[400.0], [700.0]])
    assert later[1, 0] > later[0, 0]
    assert later[1, 1] < later[0, 1]


@both
def test_in_float64(estimator, trend):
    X, y = trend
    model = estimator(**SMALL | {"dtype": "float64"}).fit(X[PAST], target(estimator, y[PAST]))
    assert np.isfinite(outputs(model, 10 * X)).all()


@both
@pytest.mark.parametrize("standardize", [True, False])
def test_other_scalings_of_what_networks_read(estimator, standardize, season):
    X, y = season
    options = {"standardize": standardize, "preset": "plain"}
    model = estimator(**SMALL | options).fit(X[PAST], target(estimator, y[PAST]))
    assert np.isfinite(outputs(model, X)).all()


@both
def test_without_columns_of_numbers(estimator):
    frame = pd.DataFrame({"town": [*"abc"] * 20, "owner": [*"xy"] * 30})
    y = np.arange(60) % 2
    model = estimator(**SMALL).fit(frame, y)
    clipped = estimator(**SMALL | {"extrapolation": "clip"}).fit(frame, y)
    np.testing.assert_array_equal(outputs(model, frame), outputs(clipped, frame))


def test_classes_inside_the_training_range_are_as_without(season):
    X, y = season
    y = target(Classifier, y)
    one, other = (
        Classifier(**SMALL | {"extrapolation": how}).fit(X[PAST], y[PAST])
        for how in ("linear", "clip")
    )
    np.testing.assert_array_equal(one.predict_proba(X[PAST]), other.predict_proba(X[PAST]))


# ---- held-out rows


def test_out_of_fold_predictions_know_nothing_of_their_rows():
    rng = np.random.default_rng(0)
    X, noise = rng.normal(size=(80, 30)), rng.normal(size=80)
    options = SMALL | {"n_estimators": 5, "max_iter": 4}
    assert np.corrcoef(Regressor(**options).fit(X, noise).oof_prediction_, noise)[0, 1] < 0.2
    proba = Classifier(**options).fit(X, noise > 0).oof_proba_[:, 1]
    assert np.mean((proba > 0.5) == (noise > 0)) < 0.65


def test_validation_rows_may_lie_beyond_the_training_range(trend):
    X, y = trend
    options = {"eval_metric": "neg_mean_absolute_error", "n_estimators": 1, "max_iter": 30}
    model = Regressor(**SMALL | options)
    model.fit(X[PAST], y[PAST], X_val=X[FUTURE], y_val=y[FUTURE])
    best = np.mean(np.abs(model.predict(X[FUTURE]) - y[FUTURE]))
    assert best < 3  # the noise alone has 1.6
    assert max(model.metric_curve_) == pytest.approx(-best, rel=1e-4)


def test_importances_are_of_the_whole_model(trend):
    X, y = trend
    X = np.column_stack([X, np.random.default_rng(1).normal(size=400)])
    model = Regressor(**SMALL | {"compute_importances": True}).fit(X[PAST], y[PAST])
    assert model.feature_importances_[0] > 1
    assert abs(model.feature_importances_[1]) < 0.1


def test_importances_by_validation_rows_beyond_the_range(trend):
    X, y = trend
    X = np.column_stack([X, np.random.default_rng(1).normal(size=400)])
    model = Regressor(**SMALL | {"compute_importances": True})
    model.fit(X[PAST], y[PAST], X_val=X[250:], y_val=y[250:])
    assert model.feature_importances_[0] > 0.05
    assert abs(model.feature_importances_[1]) < 0.05


def test_targets_too_large(trend):
    X, y = trend
    with pytest.raises(ValueError, match="too large to be standardised"):
        Regressor(**SMALL).fit(X, 1e300 * y)


# ---- training that goes on


@both
def test_it_stays_as_first_learnt(estimator, season):
    X, y = season
    y = target(estimator, y)
    model = estimator(**SMALL | {"warm_start": True}).fit(X[PAST], y[PAST])
    linear = model._model.linear
    model.fit(X[FUTURE], y[FUTURE])
    assert model._model.linear is linear
    model.partial_fit(X[:50], y[:50])
    assert model._model.linear is linear


def test_a_warm_start_on_the_same_rows_keeps_out_of_fold_predictions_honest():
    rng = np.random.default_rng(0)
    X, noise = rng.normal(size=(80, 30)), rng.normal(size=80)
    model = Regressor(**SMALL | {"n_estimators": 5, "max_iter": 2, "warm_start": True})
    model.fit(X, noise).fit(X, noise)
    assert np.corrcoef(model.oof_prediction_, noise)[0, 1] < 0.2


def test_partial_fit_alone(trend):
    X, y = trend
    model = Regressor(**SMALL)
    for _ in range(3):
        model.partial_fit(X[PAST], y[PAST])
    model.partial_fit(X[:1], y[:1])
    assert model.predict([[800.0]])[0] > 330


def test_one_row(trend):
    X, y = trend
    model = Regressor(**SMALL).partial_fit(X[:1], y[:1])
    assert np.isfinite(model.predict(X)).all()


# ---- the fitted model


@both
def test_copies_predict_the_same(estimator, season):
    X, y = season
    model = estimator(**SMALL).fit(X[PAST], target(estimator, y[PAST]))
    expected = outputs(model, X)
    for copy in (pickle.loads(pickle.dumps(model)), deepcopy(model)):
        np.testing.assert_array_equal(outputs(copy, X), expected)


@both
def test_a_row_does_not_depend_on_those_around_it(estimator, season):
    X, y = season
    model = estimator(**SMALL).fit(X[PAST], target(estimator, y[PAST]))
    alone = np.concatenate([outputs(model, X[i : i + 1]) for i in range(300, 400)])
    np.testing.assert_array_equal(outputs(model, X)[300:], alone)


def test_same_bits_for_any_number_of_threads(season):
    X, y = season
    one, two = (Regressor(**SMALL | {"n_jobs": n}).fit(X[PAST], y[PAST]) for n in (1, 2))
    np.testing.assert_array_equal(one.predict(X), two.predict(X))


def test_inputs_stay_as_they_were(trend):
    X, y = trend
    given = X.copy()
    model = Regressor(**SMALL).fit(given[PAST], y[PAST])
    model.predict(given)
    np.testing.assert_array_equal(given, X)


def test_summary_mentions_it(season):
    X, y = season
    told = Regressor(**SMALL).fit(X, y).summary()
    line = "Linear part of 6 columns of numbers, which continues beyond the training range"
    assert line in told.splitlines()
    assert "Linear part" not in Regressor(**SMALL | {"extrapolation": "clip"}).fit(X, y).summary()


def test_too_many_columns():
    X = np.random.default_rng(0).normal(size=(12, 1001))
    model = Regressor(**SMALL)
    with pytest.raises(ValueError, match=r"up to 1000 columns of numbers; X has 1001"):
        model.fit(X, X[:, 0])
    with pytest.raises(NotFittedError):
        model.predict(X)


def test_nothing_is_said_of_rows_beyond_the_range(trend):
    X, y = trend
    model = Regressor(**SMALL).fit(X[PAST], y[PAST])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(X[FUTURE])


# ---- rows and their order


def test_a_prediction_does_not_depend_on_other_rows_or_the_order_of_memory(season):
    X, y = season
    model = Regressor(**SMALL | {"dtype": "float64"}).fit(X[PAST], y[PAST])
    expected = model.predict(X)
    np.testing.assert_array_equal(model.predict(np.asfortranarray(X)), expected)
    one_by_one = [model.predict(X[i : i + 1])[0] for i in range(300, 400)]
    np.testing.assert_array_equal(one_by_one, expected[300:])


def test_rows_without_weight_may_lie_beyond_the_range(trend):
    X, y = trend
    weights = (np.arange(400) < 320).astype(float)
    model = Regressor(**SMALL | {"n_estimators": 5}).fit(X, y, sample_weight=weights)
    assert root_mean_squared(model.oof_prediction_[FUTURE] - y[FUTURE]) < 12  # clipped: 24
    assert root_mean_squared(model.predict(X[FUTURE]) - y[FUTURE]) < 6


def test_a_warm_start_with_other_weights_has_no_out_of_fold_predictions(trend):
    """Its offset is no longer that which a row would have without itself."""
    X, y = trend
    weights = np.random.default_rng(0).uniform(0.5, 1.5, size=400)
    model = Regressor(**SMALL, warm_start=True).fit(X, y)
    assert hasattr(model.fit(X, y), "oof_prediction_")
    model.fit(X, y, sample_weight=weights)
    assert not hasattr(model, "oof_prediction_")
    assert np.isfinite(model.predict(X)).all()
