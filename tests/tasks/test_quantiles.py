"""Quantile regression: one quantile or several."""

from copy import deepcopy

import numpy as np
import pytest
from sklearn.metrics import d2_pinball_score, mean_pinball_loss
from sklearn.model_selection import cross_val_score
from tiny_models import HALF, LEARNING_PLAIN
from uniform_table import ENOUGH, ROWS, UNSEEN, X, regressor

from fastmlp import Regressor

QUANTILES = [0.1, 0.5, 0.9]


def width(X):
    """Deviation of the noise."""
    return X[:, 0] + 1.2


def noisy(X, seed=2):
    return X[:, 1] + width(X) * np.random.default_rng(seed).normal(size=len(X))


def test_score_of_several_quantiles():
    model = regressor(noisy(X), loss="quantile", quantile=QUANTILES)
    y = noisy(UNSEEN, seed=3)
    predicted = model.predict(UNSEEN)
    expected = np.mean(
        [d2_pinball_score(y, predicted[:, k], alpha=q) for k, q in enumerate(QUANTILES)]
    )
    assert model.score(UNSEEN, y) == pytest.approx(expected)
    assert np.isfinite(
        cross_val_score(Regressor(**ENOUGH, loss="quantile", quantile=QUANTILES), X, noisy(X), cv=2)
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
@pytest.mark.filterwarnings("ignore::fastmlp.ExtrapolationWarning")
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
    with pytest.raises(ValueError, match="quantile must hold strictly ascending numbers"):
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


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_quantile_covers_its_share(quantile, made):
    X, f, noise = made
    y = f + (1 + 0.5 * np.abs(X[:, 2])) * noise
    model = Regressor(loss="quantile", quantile=quantile, **LEARNING_PLAIN).fit(X[:HALF], y[:HALF])
    assert abs(np.mean(y[HALF:] <= model.predict(X[HALF:])) - quantile) < 0.1
