"""Centre and scale of columns and targets, learnt whole or in parts."""

import numpy as np
import pytest
from sklearn.utils import compute_sample_weight

from fastmlp import Classifier, Regressor
from fastmlp.table import rows as rows_module
from fastmlp.table import scaling as scaling_module
from fastmlp.table.scaling import learn_scaling

# Without hidden layers a model is linear in what it makes of the columns.
LINEAR = {"preset": "plain", "hidden_layer_sizes": (), "max_iter": 1, "random_state": 0}


def predicted_by_hand(model, X, y, weights, missing=False):
    """What a linear model predicts for the rows that it was fitted to."""
    known = np.ma.masked_invalid(X)
    mean = np.ma.average(known, axis=0, weights=weights)
    variance = np.ma.average((known - mean) ** 2, axis=0, weights=weights)
    inputs = ((known - mean) / np.sqrt(variance)).filled(0)
    if missing:
        inputs = np.hstack([inputs, np.isnan(X)])
    outputs = inputs @ model.coefs_[0] + model.intercepts_[0]
    centre = np.average(y, axis=0, weights=weights)
    return centre + outputs * np.sqrt(np.average((y - centre) ** 2, axis=0, weights=weights))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("held_out", [False, True])
@pytest.mark.parametrize("missing", [False, True])
def test_means_that_are_learnt_in_parts(monkeypatch, missing, held_out, weighted):
    rng = np.random.default_rng(0)
    X, y = rng.gamma(2, size=(400, 7)), 5 + rng.gamma(2, size=(400, 2))
    weights = rng.uniform(size=len(X)) if weighted else None
    X = np.where(missing & (rng.uniform(size=X.shape) < 0.2), np.nan, X)
    model = Regressor(**LINEAR, early_stopping=held_out, dtype="float64")
    whole = model.fit(X, y, weights).predict(X)
    if not held_out:
        expected = predicted_by_hand(model, X, y, weights, missing)
        np.testing.assert_allclose(whole, expected, rtol=1e-9)
    monkeypatch.setattr(rows_module, "_PIECE", 100)
    monkeypatch.setattr(scaling_module, "_COLUMNS", 3)
    np.testing.assert_allclose(model.fit(X, y, weights).predict(X), whole, rtol=1e-9)


def test_quartiles_are_weighted():
    """As if rows were repeated, whatever the unit of the weights; equal ones do not matter."""
    rng = np.random.default_rng(0)
    X, counts = rng.gamma(2, size=(2000, 3)), rng.integers(0, 5, size=2000)
    X[rng.uniform(size=X.shape) < 0.1] = np.nan
    repeated = learn_scaling(np.repeat(X, counts, axis=0), 3, None, None, robust=True)
    for unit in (1.0, 1e-3):
        weighted = learn_scaling(X, 3, None, counts * unit, robust=True)
        np.testing.assert_allclose(weighted.shift, repeated.shift, rtol=3e-3)
        np.testing.assert_allclose(weighted.scale, repeated.scale, rtol=3e-3)
    plain = learn_scaling(X, 3, None, None, robust=True)
    equal = learn_scaling(X, 3, None, np.full(2000, 0.3), robust=True)
    np.testing.assert_array_equal(equal.shift, plain.shift)
    nearly = learn_scaling(X, 3, None, 1 + 1e-9 * rng.uniform(size=2000), robust=True)
    np.testing.assert_allclose(nearly.shift, plain.shift, rtol=1e-6)
    assert np.max(np.abs(plain.shift - weighted.shift)) > 1e-3


def test_constant_columns_become_zero():
    """Other values of them at prediction would have met weights that were never trained."""
    X = np.column_stack([np.full(50, 1e9 + 0.1), np.arange(50.0), np.zeros(50)])
    for robust in (False, True):
        scaling = learn_scaling(X, 3, None, None, robust=robust)
        assert scaling.constants.tolist() == [0, 2]


@pytest.mark.parametrize("weighted", [False, True])
def test_medians_of_all_columns_and_of_a_few_at_a_time(monkeypatch, weighted):
    rng = np.random.default_rng(0)
    X = rng.gamma(2, size=(400, 7))
    weights = rng.integers(0, 2, size=len(X)).astype(float) if weighted else None
    known = X if weights is None else X[weights > 0]
    low, middle, high = np.quantile(known, [0.25, 0.5, 0.75], axis=0)
    whole = learn_scaling(X, 7, None, weights, robust=True)
    np.testing.assert_allclose(whole.shift, middle, rtol=1e-12)
    np.testing.assert_allclose(whole.scale, 1 / (high - low), rtol=1e-12)
    monkeypatch.setattr(rows_module, "_PIECE", 100)
    parts = learn_scaling(X, 7, None, weights, robust=True)
    np.testing.assert_array_equal(parts.shift, whole.shift)
    np.testing.assert_array_equal(parts.scale, whole.scale)


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_targets_that_are_scaled_in_parts(monkeypatch, loss):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 3)), rng.poisson(20, size=400)
    model = Regressor(**LINEAR, loss=loss)
    at_once = model.fit(X, y).predict(X)
    monkeypatch.setattr(rows_module, "_PIECE", 100)
    np.testing.assert_allclose(model.fit(X, y).predict(X), at_once, rtol=1e-5)


def test_balanced_weights_in_parts(monkeypatch):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 3)), rng.choice(list("abc"), size=400, p=[0.6, 0.3, 0.1])
    weights = compute_sample_weight("balanced", y)
    monkeypatch.setattr(rows_module, "_PIECE", 100)
    one = Classifier(**LINEAR).fit(X, y, weights)
    other = Classifier(**LINEAR, class_weight="balanced").fit(X, y)
    np.testing.assert_array_equal(one.coefs_[0], other.coefs_[0])


def test_long_run_of_zero_weights():
    """Whole parts of the table weigh nothing."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(70_000, 40)).astype("float32")
    y = X[:, 0].astype(float)
    weights = np.where(np.arange(len(X)) < 66_000, 0.0, 1.0)
    options = LINEAR | {"early_stopping": False, "dtype": "float64", "batch_size": 4000}
    model = Regressor(**options).fit(X, y, weights)
    rows = slice(66_000, None)
    expected = predicted_by_hand(model, X[rows].astype(float), y[rows, None], weights[rows])
    np.testing.assert_allclose(model.predict(X[rows]), expected[:, 0], rtol=1e-9, atol=1e-9)
