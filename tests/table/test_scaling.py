"""Centre and scale of columns and targets, learnt whole or in parts."""

import numpy as np
import pytest
from sklearn.utils import compute_sample_weight
from tiny_models import tiny

from fastmlp import Classifier, Regressor, _rows, _scaling
from fastmlp._scaling import learn_scaling


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("held_out", [False, True])
@pytest.mark.parametrize("missing", [False, True])
def test_scales_that_are_learnt_in_parts(monkeypatch, missing, held_out, weighted):
    rng = np.random.default_rng(0)
    X, y = rng.gamma(2, size=(400, 7)), 5 + rng.gamma(2, size=(400, 2))
    weights = rng.uniform(size=len(X)) if weighted else None
    X = np.where(missing & (rng.uniform(size=X.shape) < 0.2), np.nan, X)
    model = Regressor(4, preset="plain", max_iter=1, random_state=0, early_stopping=held_out)

    def scales():
        model.fit(X, y, weights)
        inputs = model._scaling
        return [inputs.shift, inputs.scale, model._target_shift, model._target_scale]

    at_once = scales()
    monkeypatch.setattr(_rows, "_CHUNK", 100)
    monkeypatch.setattr(_scaling, "_COLUMNS", 3)
    for part, whole in zip(scales(), at_once, strict=True):
        np.testing.assert_allclose(part, whole, rtol=1e-12)
    if not held_out:
        known = np.ma.masked_invalid(X)
        mean = np.ma.average(known, axis=0, weights=weights)
        variance = np.ma.average((known - mean) ** 2, axis=0, weights=weights)
        np.testing.assert_allclose(at_once[0][:7], mean)
        np.testing.assert_allclose(at_once[1][:7], 1 / np.sqrt(variance))
        np.testing.assert_allclose(at_once[2], np.average(y, axis=0, weights=weights))


@pytest.mark.parametrize("weighted", [False, True])
def test_medians_of_all_columns_and_of_a_few_at_a_time(monkeypatch, weighted):
    rng = np.random.default_rng(0)
    X, y = rng.gamma(2, size=(400, 7)), rng.normal(size=400)
    weights = rng.integers(0, 3, size=len(X)).astype(float) if weighted else None
    model = Regressor(4, n_estimators=2, max_iter=1, random_state=0).fit(X, y, weights)
    known = X if weights is None else X[weights > 0]
    low, middle, high = np.quantile(known, [0.25, 0.5, 0.75], axis=0)
    np.testing.assert_allclose(model._scaling.shift, middle, rtol=1e-12)
    np.testing.assert_allclose(model._scaling.scale, 1 / (high - low), rtol=1e-12)
    monkeypatch.setattr(_rows, "_CHUNK", 100)
    parts = learn_scaling(X, 7, None, weights, robust=True)
    np.testing.assert_array_equal(parts.shift, model._scaling.shift)
    np.testing.assert_array_equal(parts.scale, model._scaling.scale)


@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_targets_that_are_scaled_in_parts(monkeypatch, loss):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 3)), rng.poisson(20, size=400)
    model = Regressor((), preset="plain", loss=loss, max_iter=1, random_state=0)
    at_once = model.fit(X, y).predict(X)
    monkeypatch.setattr(_rows, "_CHUNK", 100)
    np.testing.assert_allclose(model.fit(X, y).predict(X), at_once, rtol=1e-5)


def test_balanced_weights_in_parts(monkeypatch):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(400, 3)), rng.choice(list("abc"), size=400, p=[0.6, 0.3, 0.1])
    weights = compute_sample_weight("balanced", y)
    monkeypatch.setattr(_rows, "_CHUNK", 100)
    options = {"max_iter": 2, "random_state": 0, "preset": "plain"}
    one = Classifier(4, **options).fit(X, y, weights)
    other = Classifier(4, **options, class_weight="balanced").fit(X, y)
    np.testing.assert_array_equal(one.coefs_[0], other.coefs_[0])


def test_long_run_of_zero_weights():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(70_000, 40)).astype("float32")
    weights = np.ones(len(X))
    weights[:66_000] = 0
    model = tiny(max_iter=1, early_stopping=False).fit(X, X[:, 0], weights)
    only = tiny(max_iter=1, early_stopping=False).fit(X[66_000:], X[66_000:, 0])
    np.testing.assert_allclose(model._scaling.shift, only._scaling.shift, rtol=1e-12, atol=1e-15)
