"""Losses and outputs with the presets for tables: quantiles, counts, scales, classes, labels."""

from copy import deepcopy

import numpy as np
import pytest
from sklearn.metrics import d2_pinball_score, log_loss, mean_pinball_loss, r2_score
from sklearn.model_selection import cross_val_score

from fastmlp import Classifier, Regressor

ROWS = 800
QUANTILES = [0.1, 0.5, 0.9]
SMALL = {"hidden_layer_sizes": 32, "max_iter": 48, "n_estimators": 5, "random_state": 0}


def uniform(rows, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, size=(rows, 2))


X, UNSEEN = uniform(ROWS), uniform(4000, seed=1)


def width(X):
    """Deviation of the noise."""
    return X[:, 0] + 1.2


def noisy(X, seed=2):
    return X[:, 1] + width(X) * np.random.default_rng(seed).normal(size=len(X))


def regressor(y, **options):
    return Regressor(**SMALL | options).fit(X, y)


def classifier(y, **options):
    return Classifier(**SMALL | options).fit(X, y)


# ---- quantiles


def test_score_of_several_quantiles():
    model = regressor(noisy(X), loss="quantile", quantile=QUANTILES)
    y = noisy(UNSEEN, seed=3)
    predicted = model.predict(UNSEEN)
    expected = np.mean(
        [d2_pinball_score(y, predicted[:, k], alpha=q) for k, q in enumerate(QUANTILES)]
    )
    assert model.score(UNSEEN, y) == pytest.approx(expected)
    assert np.isfinite(
        cross_val_score(Regressor(**SMALL, loss="quantile", quantile=QUANTILES), X, noisy(X), cv=2)
    ).all()


@pytest.fixture(scope="module")
def quantiles():
    return regressor(noisy(X), loss="quantile", quantile=QUANTILES)


def test_parameters_set_later_leave_several_quantiles_as_they_were_fitted(quantiles):
    model, y = deepcopy(quantiles), noisy(UNSEEN, seed=3)
    model.set_params(loss="squared_error", quantile=0.5)
    np.testing.assert_array_equal(model.predict(UNSEEN), quantiles.predict(UNSEEN))
    assert model.score(UNSEEN, y) == quantiles.score(UNSEEN, y)


def test_parameters_of_a_failed_fit_leave_predictions_as_they_were():
    Y = np.column_stack([X[:, 0], -X[:, 0]])
    model = Regressor(preset="plain", max_iter=2, random_state=0).fit(X, Y)
    predicted, score = model.predict(X), model.score(X, Y)
    with pytest.raises(ValueError, match="y must be 1-D for several quantiles"):
        model.set_params(loss="quantile", quantile=[0.1, 0.9]).fit(X, Y)
    np.testing.assert_array_equal(model.predict(X), predicted)
    assert model.score(X, Y) == score


def test_quantiles_cover_their_shares(quantiles):
    predicted = quantiles.predict(UNSEEN)
    assert predicted.shape == (4000, 3)
    below = noisy(UNSEEN, seed=3)[:, None] <= predicted
    np.testing.assert_allclose(below.mean(axis=0), QUANTILES, atol=0.05)
    for side in (UNSEEN[:, 0] < 0, UNSEEN[:, 0] > 0):  # where there is little noise, and much
        np.testing.assert_allclose(below[side].mean(axis=0), QUANTILES, atol=0.07)


def test_quantiles_are_as_far_apart_as_the_noise_is_wide(quantiles):
    low, _, high = quantiles.predict(UNSEEN).T
    assert np.corrcoef(high - low, width(UNSEEN))[0, 1] > 0.95


@pytest.mark.parametrize("far", [1, 100, 1e6])
@pytest.mark.parametrize("preset", ["fast", "plain"])
def test_quantiles_never_cross(preset, far):
    many = np.linspace(0.02, 0.98, 25)
    model = regressor(
        noisy(X), loss="quantile", quantile=many, preset=preset, max_iter=3, standardize=True
    )
    assert np.diff(model.predict(far * UNSEEN), axis=1).min() >= 0
    assert np.diff(model.oof_prediction_[np.isfinite(model.oof_prediction_[:, 0])]).min() >= 0


def test_one_of_several_quantiles_is_as_good_as_alone(quantiles):
    y = noisy(UNSEEN, seed=3)
    alone = regressor(noisy(X), loss="quantile", quantile=0.9).predict(UNSEEN)
    assert alone.shape == (4000,)
    together = quantiles.predict(UNSEEN)[:, 2]
    ratio = mean_pinball_loss(y, together, alpha=0.9) / mean_pinball_loss(y, alone, alpha=0.9)
    assert 0.9 < ratio < 1.1


def test_quantile_of_a_list_of_one():
    model = regressor(noisy(X), loss="quantile", quantile=[0.5], max_iter=3)
    assert model.predict(X).shape == (ROWS, 1)


def test_quantile_of_several_targets():
    y = np.column_stack([noisy(X), 1000 * noisy(X, seed=5)])
    model = regressor(y, loss="quantile", quantile=0.9)
    np.testing.assert_allclose(np.mean(y <= model.predict(X), axis=0), 0.9, atol=0.06)


@pytest.mark.parametrize("quantile", [[0.5, 0.1], [0.5, 0.5]])
def test_quantiles_must_rise(quantile):
    with pytest.raises(ValueError, match="quantile must hold rising numbers"):
        regressor(noisy(X), loss="quantile", quantile=quantile)


@pytest.mark.parametrize(
    "quantile", [[], [0.0, 0.5], [0.5, 1.0], [-0.1], [np.nan], [[0.1, 0.9]], ["a"], [0.1, None]]
)
def test_bad_quantiles(quantile):
    with pytest.raises(ValueError, match="quantile must be "):
        regressor(noisy(X), loss="quantile", quantile=quantile)


def test_several_quantiles_are_of_one_target_and_one_loss():
    with pytest.raises(ValueError, match="y must be 1-D for several quantiles; got shape"):
        regressor(np.zeros((ROWS, 2)), loss="quantile", quantile=QUANTILES)
    with pytest.raises(ValueError, match="several numbers for loss='quantile' only"):
        regressor(noisy(X), quantile=QUANTILES)


# ---- robust losses

SKEWED = np.random.default_rng(4).exponential(3, size=ROWS)
MEAN, MEDIAN = SKEWED.mean(), np.median(SKEWED)


@pytest.mark.parametrize(
    ("options", "least", "most"),
    [
        ({"loss": "squared_error"}, MEAN - 0.3, MEAN + 0.3),
        ({"loss": "huber", "delta": 100.0}, MEAN - 0.3, MEAN + 0.3),
        ({"loss": "huber", "delta": 0.5}, MEDIAN, MEAN),
        ({"loss": "huber", "delta": 0.01}, MEDIAN - 0.3, MEDIAN + 0.3),
        ({"loss": "absolute_error"}, MEDIAN - 0.3, MEDIAN + 0.3),
        ({"loss": "quantile"}, MEDIAN - 0.3, MEDIAN + 0.3),
    ],
)
def test_where_the_middle_of_skewed_noise_is(options, least, most):
    predicted = regressor(X[:, 1] + SKEWED, **options).predict(UNSEEN)
    assert least < np.mean(predicted - UNSEEN[:, 1]) < most


@pytest.mark.parametrize("loss", ["absolute_error", "huber"])
def test_outliers_do_not_count(loss):
    y = X[:, 0] + X[:, 1]
    y[::20] += 100
    truth = UNSEEN.sum(axis=1)
    robust, mean = (regressor(y, loss=name).predict(UNSEEN) for name in (loss, "squared_error"))
    assert np.mean(np.abs(robust - truth)) < np.mean(np.abs(mean - truth)) / 3


# ---- counts


@pytest.mark.parametrize("mean", [0.05, 3, 1000])
@pytest.mark.parametrize("preset", ["default", "plain"])
def test_counts(preset, mean):
    y = np.random.default_rng(5).poisson(mean * np.exp(X[:, 0]))
    model = regressor(y, loss="poisson", preset=preset)
    predicted = model.predict(X)
    assert predicted.min() > 0
    assert predicted.mean() == pytest.approx(y.mean(), rel=0.1)
    likeness = np.corrcoef(np.log(model.predict(UNSEEN)), UNSEEN[:, 0])[0, 1]
    assert likeness > (0.6 if mean < 1 else 0.95)  # of 40 events in all, or of thousands


def test_counts_far_away_are_positive_and_finite():
    y = np.random.default_rng(5).poisson(1000 * np.exp(X[:, 0]))
    predicted = regressor(y, loss="poisson").predict(1000 * UNSEEN)
    assert predicted.min() > 0
    assert np.isfinite(predicted).all()


def test_counts_of_several_kinds():
    means = np.exp(np.column_stack([X[:, 0], 5 + X[:, 1]]))
    y = np.random.default_rng(5).poisson(means)
    predicted = regressor(y, loss="poisson").predict(X)
    assert predicted.shape == (ROWS, 2)
    np.testing.assert_allclose(predicted.mean(axis=0), y.mean(axis=0), rtol=0.1)


def test_no_counts_at_all():
    model = regressor(np.zeros(ROWS), loss="poisson")
    assert 0 < model.predict(UNSEEN).max() < 0.01


# ---- scales and ranges of targets


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber"])
def test_targets_of_very_different_scales(loss):
    def truth(X):
        return np.column_stack([1e-3 * X[:, 0], 1e6 * X[:, 1] ** 2 - 1e8])

    model = regressor(truth(X), loss=loss)
    assert r2_score(truth(UNSEEN), model.predict(UNSEEN), multioutput="raw_values").min() > 0.95


@pytest.mark.parametrize("preset", ["fast", "default", "plain"])
def test_predictions_stay_in_the_range_of_training(preset):
    y = np.column_stack([X[:, 0], 100 * X[:, 1]])
    model = regressor(y, preset=preset, standardize=True)
    predicted = model.predict(1000 * UNSEEN)
    inside = (predicted >= y.min(axis=0)) & (predicted <= y.max(axis=0))
    assert inside.all() == (preset != "plain")
    if preset != "plain":
        np.testing.assert_array_equal(predicted.max(axis=0), y.max(axis=0))


def test_constant_target():
    np.testing.assert_array_equal(regressor(np.full(ROWS, 7.5)).predict(UNSEEN), 7.5)


# ---- classes

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
    by_row = Classifier(**SMALL).fit(X, RARE, weights)
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


# ---- several labels

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
    known = model.oof_decision_function_[np.isfinite(model.oof_decision_function_[:, 0])]
    assert known.shape[1] == 3
    assert known.min() >= 0
    assert known.max() <= 1
