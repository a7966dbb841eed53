"""Calibration: the temperature of probabilities."""

import numpy as np
import pytest
from scipy.special import logit, softmax
from sklearn.metrics import log_loss
from small_tables import ONE, ROWS, TARGETS, X_VAL, X

from fastmlp import Classifier
from fastmlp.prediction.decoders import apply_temperature
from fastmlp.tasks.calibration import fit_temperature
from fastmlp.tasks.losses import log_loss as log_loss_of

SURE = np.array([[0.1, 0.9]] * 4)
RIGHT_IN_THREE = np.array([1, 1, 1, 0])
MANY = 1000  # times, beside which half a row is nothing


def test_temperature_of_two_classes():
    """Odds of nine to one where they are three to one: the square root."""
    p, y = np.tile(SURE, (MANY, 1)), np.tile(RIGHT_IN_THREE, MANY)
    assert fit_temperature(p, y, None) == pytest.approx(2, abs=1e-3)
    last, weights = np.tile([False, False, True, True], MANY), np.tile([3.0, 1.0], MANY)
    assert fit_temperature(p[last], y[last], weights) == pytest.approx(2, abs=1e-3)
    expected = np.array([[0.25, 0.75]] * 4)
    np.testing.assert_allclose(apply_temperature(SURE, 2.0, exclusive=True), expected, rtol=1e-12)


def test_temperature_of_three_classes():
    """Odds of eight to one and one where they are two to one and one: the third root."""
    p, y = np.array([[0.8, 0.1, 0.1]] * 4 * MANY), np.array([0, 0, 1, 2] * MANY)
    assert fit_temperature(p, y, None) == pytest.approx(3, abs=1e-2)
    expected = [[0.5, 0.25, 0.25]] * 4
    np.testing.assert_allclose(apply_temperature(p[:4], 3.0, exclusive=True), expected, rtol=1e-12)


def test_temperature_of_several_labels():
    y = np.tile(np.column_stack([RIGHT_IN_THREE, RIGHT_IN_THREE[::-1]]), (MANY, 1))
    assert fit_temperature(np.full(y.shape, 0.9), y, None) == pytest.approx(2, abs=1e-3)
    p = np.full((4, 2), 0.9)
    np.testing.assert_allclose(
        apply_temperature(p, 2.0, exclusive=False), np.full((4, 2), 0.75), rtol=1e-12
    )
    each = apply_temperature(p, np.array([2.0, 1.0]), exclusive=False)
    np.testing.assert_allclose(each, [[0.75, 0.9]] * 4, rtol=1e-12)


def test_every_label_has_a_temperature_of_its_own():
    """One that is easily told from a number, and one that is noise."""
    noise = np.random.default_rng(1).random(ROWS) < 0.3
    y = np.column_stack([X[:, 0] > 0, noise]).astype(int)
    options = ONE | {"n_estimators": 5, "max_iter": 60, "dtype": "float64"}
    model, raw = (Classifier(**options, calibrate=c).fit(X, y) for c in (True, False))
    oof, raw_oof = model.oof_proba_, raw.oof_proba_
    temperatures = logit(raw_oof) / logit(oof)
    np.testing.assert_allclose(temperatures, temperatures[:1].repeat(ROWS, axis=0), rtol=1e-6)
    assert np.abs(np.diff(temperatures[0])) > 0.05
    for label in range(2):
        losses = [log_loss(y[:, label], p[:, label]) for p in (oof, raw_oof)]
        assert losses[0] < losses[1]


@pytest.mark.parametrize("n_rows", [5, 40, 300])
@pytest.mark.parametrize("exclusive", [True, False])
def test_rows_that_are_all_told_apart_do_not_make_sure(n_rows, exclusive):
    """Of n rows that are all right follows no more than 1 - 1 / (4 n + 2)."""
    y = np.arange(n_rows) % 2
    p, y = (np.where(y, 0.9, 0.1)[:, None], y) if exclusive else (np.full((n_rows, 1), 0.9), y)
    p = np.hstack([1 - p, p]) if exclusive else p
    y = y if exclusive else np.ones((n_rows, 1), dtype=int)
    found = apply_temperature(p, fit_temperature(p, y, None), exclusive=exclusive).max()
    assert 1 - found == pytest.approx(1 / (4 * n_rows + 2), rel=1e-3)


def test_temperature_of_logits():
    rng = np.random.default_rng(0)
    logits = 2 * rng.normal(size=(20_000, 4))
    y = np.array([rng.choice(4, p=p) for p in softmax(logits, axis=1)])
    for factor in (0.5, 1.0, 2.5):
        found = fit_temperature(softmax(factor * logits, axis=1), y, None)
        assert found == pytest.approx(factor, rel=0.05)


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sharpen(dtype, exclusive):
    """Outputs of either type, as float64."""
    p = np.array([[0.0, 1.0], [1e-30, 1.0], [0.3, 0.7], [0.5, 0.5]], dtype=dtype).astype(float)
    assert apply_temperature(p, 1.0, exclusive=exclusive) is p
    for temperature in (0.25, 0.8, 4.0):
        moved = apply_temperature(p, temperature, exclusive=exclusive, precision=dtype)
        assert np.isfinite(moved).all()
        np.testing.assert_array_equal(moved > 0.5, p > 0.5)
        np.testing.assert_allclose(moved[2:].sum(axis=1), 1, rtol=1e-6)
        assert (moved[2, 1] > p[2, 1]) == (temperature < 1)


def test_log_loss_is_scikit_learns():
    rng = np.random.default_rng(0)
    p = softmax(rng.normal(size=(50, 3)), axis=1)
    y, weights = rng.integers(3, size=50), rng.uniform(size=50)
    assert log_loss_of(p, y, weights) == pytest.approx(log_loss(y, p, sample_weight=weights))
    each = np.mean([log_loss(y == k, p[:, k], sample_weight=weights) for k in range(3)])
    assert log_loss_of(p, np.eye(3)[y], weights) == pytest.approx(each)


@pytest.mark.parametrize("classes", [2, 3])
def test_calibration_lowers_the_log_loss(classes):
    """Of networks whose last epoch counts, which makes them too sure."""
    y = np.random.default_rng(1).integers(classes, size=ROWS)
    options = ONE | {
        "n_estimators": 3,
        "validation_fraction": 1 / 3,
        "eval_metric": lambda y_true, y_pred: 0.0,
    }
    model, raw = (Classifier(**options, calibrate=c).fit(X, y) for c in (True, False))
    oof, raw_oof = model.oof_proba_, raw.oof_proba_
    assert log_loss(y, oof) < log_loss(y, raw_oof)
    assert oof.max(axis=1).mean() < raw_oof.max(axis=1).mean()
    np.testing.assert_array_equal(model.predict(X), raw.predict(X))
    assert model.predict_proba(X).max() < raw.predict_proba(X).max()


def test_calibration_is_left_to_single_networks_unless_asked_for():
    y = np.random.default_rng(1).integers(2, size=ROWS)

    def first_row(**options):
        return Classifier(**ONE | options).fit(X, y).predict_proba(X[:1])[0, 0]

    assert first_row() != first_row(calibrate=False)
    several = {"n_estimators": 5}
    assert first_row(**several) == first_row(**several, calibrate=False)
    assert first_row(**several) != first_row(**several, calibrate=True)


def test_calibration_on_a_given_validation_part():
    """By the prediction of all networks: then no other temperature does better there."""
    rng = np.random.default_rng(0)
    noisy = [TARGETS["two classes"][i] ^ (rng.random(n) < 0.2) for i, n in ((0, ROWS), (1, 100))]
    model = Classifier(**ONE | {"n_estimators": 3, "max_iter": 200, "early_stopping": False})
    model.fit(X, noisy[0], X_val=X_VAL, y_val=noisy[1])
    found = model.predict_proba(X_VAL)
    assert fit_temperature(found, noisy[1].astype(int), None) == pytest.approx(1, abs=0.02)
    raw = model.set_params(calibrate=False).fit(X, noisy[0], X_val=X_VAL, y_val=noisy[1])
    assert log_loss(noisy[1], found) < log_loss(noisy[1], raw.predict_proba(X_VAL)) - 0.02


def test_plain_preset_is_not_calibrated_unless_asked():
    y = np.random.default_rng(1).integers(2, size=ROWS)
    probabilities = [
        Classifier(**ONE, preset="plain", calibrate=c).fit(X, y).predict_proba(X)
        for c in ("auto", False, True)
    ]
    np.testing.assert_array_equal(probabilities[0], probabilities[1])
    assert not np.array_equal(probabilities[1], probabilities[2])
