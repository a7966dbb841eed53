"""Losses of regression, and scales of targets: means, medians, counts."""

import numpy as np
import pytest
from sklearn.metrics import r2_score
from tiny_models import HALF, LEARNING_PLAIN
from uniform_table import ROWS, UNSEEN, X, regressor

from fastmlp import Regressor

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


@pytest.mark.filterwarnings("ignore::fastmlp.ExtrapolationWarning")
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


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber"])
def test_targets_of_very_different_scales(loss):
    def truth(X):
        return np.column_stack([1e-3 * X[:, 0], 1e6 * X[:, 1] ** 2 - 1e8])

    model = regressor(truth(X), loss=loss)
    assert r2_score(truth(UNSEEN), model.predict(UNSEEN), multioutput="raw_values").min() > 0.95


@pytest.mark.parametrize("preset", ["fast", "default", "plain"])
@pytest.mark.filterwarnings("ignore::fastmlp.ExtrapolationWarning")
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


def test_poisson_predicts_the_mean_of_counts(made):
    X, _, _ = made
    mean = np.exp(0.7 * X[:, 0] + 0.3 * X[:, 1])
    y = np.random.default_rng(1).poisson(mean)
    model = Regressor(loss="poisson", **LEARNING_PLAIN).fit(X[:HALF], y[:HALF])
    prediction = model.predict(X[HALF:])
    assert prediction.min() > 0
    assert abs(prediction.mean() / y[HALF:].mean() - 1) < 0.2
    assert np.corrcoef(prediction, mean[HALF:])[0, 1] > 0.9
    assert model.out_activation_ == "exponential"


@pytest.mark.parametrize("loss", ["absolute_error", "quantile", "huber"])
def test_robust_losses_do_not_follow_outliers(loss, made):
    X, f, noise = made
    outlier = np.random.default_rng(1).uniform(size=len(f)) < 0.15
    y = f + 0.1 * noise + 30 * outlier

    def error(loss):
        model = Regressor(loss=loss, delta=0.1, **LEARNING_PLAIN).fit(X[:HALF], y[:HALF])
        return np.abs(model.predict(X[HALF:]) - f[HALF:]).mean()

    assert error("squared_error") > 3
    assert error(loss) < 0.5


def test_outputs_of_very_different_scales(made):
    X, f, _ = made
    Y = np.column_stack([1e6 * f, 1e-6 * X[:, 2] ** 2, X[:, 0] - 3])
    model = Regressor(**LEARNING_PLAIN).fit(X[:HALF], Y[:HALF])
    scores = r2_score(Y[HALF:], model.predict(X[HALF:]), multioutput="raw_values")
    assert scores.min() > 0.97


def test_inputs_of_very_different_scales(made):
    X, f, _ = made
    table = X * [1e6, 1e-6, 1] + [1e7, 0, 5]
    model = Regressor(**LEARNING_PLAIN).fit(table[:HALF], f[:HALF])
    assert model.score(table[HALF:], f[HALF:]) > 0.97
