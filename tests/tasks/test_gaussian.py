"""`loss="gaussian"`: means with standard deviations."""

import io
import pickle

import numpy as np
import pytest
from tiny_models import tiny
from uniform_table import ROWS, UNSEEN, X, regressor

import fastmlp
from fastmlp import Regressor
from fastmlp.ensemble.weighted_ensemble import WeightedEnsemble


def spread(table):
    return 10 * (0.05 + np.abs(table[:, 1]))


def noisy(table, seed=0):
    noise = np.random.default_rng(seed).normal(size=len(table))
    return 300 + 30 * table[:, 0] + spread(table) * noise


Y = noisy(X)
TRUTH = noisy(UNSEEN, seed=1)
SMALL = X[:120], np.column_stack([Y[:120], -2 * Y[:120]])


@pytest.fixture(scope="module")
def model():
    return regressor(Y, loss="gaussian", n_estimators=6, validation_fraction=0.34)


@pytest.fixture(scope="module")
def small():
    return tiny(loss="gaussian", n_estimators=3, validation_fraction=0.34).fit(*SMALL)


def test_standard_deviations_are_those_of_the_noise(model):
    predicted, std = model.predict(UNSEEN, return_std=True)
    np.testing.assert_array_equal(predicted, model.predict(UNSEEN))
    assert np.abs(std / spread(UNSEEN) - 1)[spread(UNSEEN) > 2].mean() < 0.25
    assert np.sqrt(np.mean((predicted - 300 - 30 * UNSEEN[:, 0]) ** 2)) < 2
    squares = ((TRUTH - predicted) / std) ** 2
    assert 0.8 < squares.mean() < 1.2


def test_the_mean_is_as_good_as_that_of_squared_errors(model):
    squared = regressor(Y, n_estimators=6, validation_fraction=0.34)
    assert model.score(UNSEEN, TRUTH) > squared.score(UNSEEN, TRUTH) - 0.02


def test_networks_are_a_mixture(small):
    """Its variance is the mean of theirs, and that of their means."""
    unit, shift = small._model.task.unit, small._model.task.shift
    table = small._model.encoder.encode(UNSEEN)
    each = [
        WeightedEnsemble([member], small._model.scaling, small._model.task.link)
        for member in small._model.members
    ]
    outputs = np.array([one.predict(table, 1) for one in each], dtype=np.float64)
    means, variances = outputs[..., :2], outputs[..., 2:]
    weights = small.estimator_weights_
    expected = np.average(variances, axis=0, weights=weights) + np.average(
        (means - np.average(means, axis=0, weights=weights)) ** 2, axis=0, weights=weights
    )
    predicted, std = small.predict(UNSEEN, return_std=True)
    assert std.shape == (4000, 2)
    np.testing.assert_allclose(std, np.sqrt(expected) * unit, rtol=1e-5)
    averaged = np.average(means, axis=0, weights=weights) * unit + shift
    inside = (predicted > SMALL[1].min(axis=0)) & (predicted < SMALL[1].max(axis=0))
    np.testing.assert_allclose(predicted[inside], averaged[inside], rtol=1e-5)


def test_intervals_have_the_width_of_the_standard_deviation(model):
    _, std = model.predict(UNSEEN, return_std=True)
    low, high = model.predict_interval(UNSEEN, coverage=0.9).T
    assert np.ptp((high - low) / std) < 1e-9
    held = np.abs(TRUTH - (low + high) / 2) <= (high - low) / 2
    assert 0.86 < held.mean() < 0.94
    assert 0.85 < held[np.abs(UNSEEN[:, 1]) > 0.5].mean() < 0.95
    grouped = pickle.loads(pickle.dumps(model)).conformalize(None, Y, groups=np.ones(ROWS))
    np.testing.assert_array_equal(
        grouped.predict_interval(UNSEEN[:9], groups=np.ones(9)), model.predict_interval(UNSEEN[:9])
    )
    fresh = pickle.loads(pickle.dumps(model)).conformalize(UNSEEN[:999], TRUTH[:999])
    own = fresh.predict_interval(UNSEEN)
    assert np.ptp((own[:, 1] - own[:, 0]) / std) < 1e-9


def test_kept_models(small):
    file = io.BytesIO()
    small.save(file)
    file.seek(0)
    loaded, predictor = fastmlp.load(file), small.predictor()
    expected = small.predict(UNSEEN, return_std=True)
    for kept in (loaded, pickle.loads(pickle.dumps(small)), predictor):
        np.testing.assert_array_equal(kept.predict(UNSEEN, return_std=True), expected)
        np.testing.assert_array_equal(kept.predict_interval(UNSEEN), small.predict_interval(UNSEEN))
    row = UNSEEN[0].tolist()
    found = predictor.predict(row, return_std=True)
    np.testing.assert_array_equal(found, [expected[0][0], expected[1][0]])
    np.testing.assert_array_equal(predictor.predict(row), expected[0][0])
    loaded.partial_fit(*SMALL)
    with pytest.raises(ValueError, match="its outputs have another inverse link"):
        loaded.set_params(loss="squared_error").partial_fit(*SMALL)
    one = tiny(loss="gaussian").fit(SMALL[0], SMALL[1][:, 0])
    assert [type(own) for own in one.predictor().predict(row, return_std=True)] == [float, float]


def test_targets_may_be_missing_and_rows_weighted():
    y = SMALL[1].copy()
    y[::2, 1] = np.nan
    model = tiny(loss="gaussian", n_estimators=2).fit(SMALL[0], y, np.arange(1.0, 121.0))
    assert np.isfinite(model.predict(UNSEEN, return_std=True)).all()
    assert np.isfinite(model.score(SMALL[0], y))


def test_what_can_be_predicted_exactly_has_a_small_spread():
    y = X[:, 0] + X[:, 1]
    predicted, std = regressor(y, loss="gaussian").predict(UNSEEN, return_std=True)
    assert 1e-3 * y.std() <= std.min() < np.median(std) < 0.1 * y.std()
    assert np.isfinite(predicted).all()


def test_what_it_does_not_go_with(small):
    with pytest.raises(ValueError, match="return_std=True needs a model that was fitted with"):
        tiny().fit(*SMALL).predict(UNSEEN, return_std=True)
    with pytest.raises(ValueError, match="return_std=True needs a model that was fitted with"):
        tiny().fit(*SMALL).predictor().predict(UNSEEN, return_std=True)
    with pytest.raises(ValueError, match="'linear' is not supported for loss='gaussian'"):
        tiny(loss="gaussian", extrapolation="linear").fit(*SMALL)
    with pytest.raises(ValueError, match="distilled is not supported"):
        small.distilled(SMALL[0])
    assert Regressor(loss="gaussian").get_params()["loss"] == "gaussian"
