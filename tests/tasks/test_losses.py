"""Losses of certain distributions, from data of these; what they refuse, how they are kept."""

import io
import pickle

import numpy as np
import pytest
from sklearn.metrics import log_loss, mean_gamma_deviance, mean_tweedie_deviance
from tiny_models import LEARNING, outputs, tiny
from uniform_table import ROWS, UNSEEN, X, classifier, regressor

import fastmlp
from fastmlp import Classifier, Regressor

MEAN, UNSEEN_MEAN = (np.exp(2 * table[:, 0] - table[:, 1]) for table in (X, UNSEEN))


def _totals(mean):
    """Sums of a Poisson number of gamma amounts, many of them 0: Tweedie of power 1.5."""
    rng = np.random.default_rng(1)
    counts = rng.poisson(2 * np.sqrt(mean))
    return np.where(counts > 0, rng.gamma(np.maximum(counts, 1), np.sqrt(mean) / 2), 0.0)


def _gamma(mean):
    return np.random.default_rng(1).gamma(1.0, mean)


def _tweedie_deviance(y, predicted):
    return mean_tweedie_deviance(y, predicted, power=1.5)


@pytest.mark.parametrize(
    ("loss", "draw", "deviance"),
    [("gamma", _gamma, mean_gamma_deviance), ("tweedie", _totals, _tweedie_deviance)],
)
@pytest.mark.parametrize("unit", [1.0, 1e-9, 1e5])
def test_deviance_is_less_than_that_of_squared_error(loss, draw, deviance, unit):
    y, unseen = unit * draw(MEAN), unit * draw(UNSEEN_MEAN)
    own, squared = (regressor(y, loss=name).predict(UNSEEN) for name in (loss, "squared_error"))
    assert own.min() > 0
    assert own.mean() == pytest.approx(unit * UNSEEN_MEAN.mean(), rel=0.15)
    least = 1e-3 * unit  # some predictions of the squared error are not positive
    assert deviance(unseen, own) < 0.98 * deviance(unseen, np.maximum(squared, least))


def test_log_cosh_is_better_where_outliers_are():
    noise = np.random.default_rng(1).standard_t(1.5, size=ROWS)
    robust, squared = (
        regressor(X[:, 0] + noise, loss=loss).predict(UNSEEN)
        for loss in ("log_cosh", "squared_error")
    )
    errors = [np.abs(predicted - UNSEEN[:, 0]).mean() for predicted in (robust, squared)]
    assert errors[0] < 0.7 * errors[1]


@pytest.mark.parametrize("level", [0.1, 0.9])
def test_expectile(level):
    noise = np.random.default_rng(1).normal(size=ROWS)
    predicted = regressor(X[:, 0] + noise, loss="expectile", expectile=level).predict(UNSEEN)
    # Of the standard normal distribution: 0.9-expectile 0.8616.
    expected = UNSEEN[:, 0] + np.sign(level - 0.5) * 0.8616
    assert np.mean(predicted - expected) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("classes", [2, 3])
def test_focal_loss(classes):
    rng = np.random.default_rng(1)
    y = np.digitize(X[:, 0] + 0.3 * rng.normal(size=ROWS), [0, 0.5][: classes - 1])
    options = {"n_estimators": 1, "calibrate": False}
    sure, unsure = (classifier(y, loss=loss, **options) for loss in ("log_loss", "focal"))
    highest = [model.predict_proba(UNSEEN).max(axis=1).mean() for model in (sure, unsure)]
    assert highest[1] < highest[0] - 0.03
    assert np.mean(sure.predict(UNSEEN) == unsure.predict(UNSEEN)) > 0.95


def test_probabilities_of_focal_loss_are_calibrated():
    rng = np.random.default_rng(1)
    y = (X[:, 0] + 0.3 * rng.normal(size=ROWS) > 0).astype(int)
    unseen = (UNSEEN[:, 0] + 0.3 * rng.normal(size=len(UNSEEN)) > 0).astype(int)
    losses = {
        calibrate: log_loss(
            unseen, classifier(y, loss="focal", calibrate=calibrate).predict_proba(UNSEEN)
        )
        for calibrate in ("auto", False)
    }
    assert losses["auto"] < losses[False] - 0.01


def test_focal_loss_of_gamma_0_is_the_log_loss():
    y = np.digitize(X[:, 0], [-0.3, 0.3])
    options = {"dtype": "float64", "max_iter": 4, "calibrate": False}
    one, other = (
        classifier(y, **options, **more) for more in ({}, {"loss": "focal", "focal_gamma": 0.0})
    )
    np.testing.assert_allclose(
        one.predict_proba(UNSEEN), other.predict_proba(UNSEEN), rtol=1e-6, atol=1e-9
    )


POSITIVE = np.exp(X[:60, 0])
KINDS = {
    "gamma": (Regressor, {"loss": "gamma"}, POSITIVE),
    "tweedie": (Regressor, {"loss": "tweedie", "tweedie_power": 1.3}, POSITIVE),
    "log_cosh": (Regressor, {"loss": "log_cosh"}, POSITIVE),
    "expectile": (Regressor, {"loss": "expectile", "expectile": 0.8}, POSITIVE),
    "focal": (Classifier, {"loss": "focal", "focal_gamma": 1.5}, np.digitize(X[:60, 0], [0, 0.5])),
    "binary focal": (Classifier, {"loss": "focal"}, X[:60, 0] > 0),
    "focal of labels": (Classifier, {"loss": "focal"}, (X[:60] > 0).astype(int)),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", ["file", "pickle"])
def test_kept_models_go_on_alike(kind, way):
    estimator, options, y = KINDS[kind]
    model = tiny(estimator, **options).fit(X[:60], y)
    if way == "file":
        file = io.BytesIO()
        model.save(file, include_optimizer=True)
        file.seek(0)
        kept = fastmlp.load(file)
    else:
        kept = pickle.loads(pickle.dumps(model))
    assert kept.get_params() == model.get_params()
    for one in (model, kept):
        one.partial_fit(X[:60], y)
    np.testing.assert_array_equal(outputs(kept, UNSEEN), outputs(model, UNSEEN))


@pytest.mark.parametrize(
    ("loss", "least", "message"),
    [
        ("gamma", 0.0, "y must be positive for loss='gamma'; got 0. 'tweedie' takes zeros too"),
        ("tweedie", -1.0, "y must not be negative for loss='tweedie'"),
    ],
)
def test_targets_that_a_distribution_does_not_have(loss, least, message):
    y = POSITIVE.copy()
    model = tiny(loss=loss).fit(X[:60], y)
    y[3] = least
    with pytest.raises(ValueError, match=message):
        tiny(loss=loss).fit(X[:60], y)
    with pytest.raises(ValueError, match=message):
        model.partial_fit(X[:60], y)
    with pytest.raises(ValueError, match=message.replace("y must", "y_val must")):
        tiny(loss=loss).fit(X[:60], POSITIVE, X_val=X[:60], y_val=y)


def test_parameters_of_other_losses_have_no_effect_and_warn():
    for name, value, loss in (("tweedie_power", 1.2, "tweedie"), ("expectile", 0.3, "expectile")):
        with pytest.warns(UserWarning, match=f"{name}={value} is used with loss='{loss}' only"):
            tiny(**{name: value}).fit(X[:60], POSITIVE)


def test_focal_loss_takes_no_label_smoothing():
    with pytest.raises(ValueError, match=r"label_smoothing must be 0 for loss='focal'; got 0\.1"):
        tiny(Classifier, loss="focal", label_smoothing=0.1).fit(X[:60], X[:60, 0] > 0)


def test_weights_and_linear_trends_with_logarithms():
    y = _gamma(MEAN)
    weights = np.arange(ROWS) % 2.0
    changed = np.where(weights > 0, y, 1e3)
    options = LEARNING | {"loss": "gamma"}
    one, other = (
        Regressor(**options).fit(X, targets, sample_weight=weights).predict(UNSEEN)
        for targets in (y, changed)
    )
    np.testing.assert_array_equal(one, other)
    model = Regressor(**options, extrapolation="linear").fit(X, y)
    far = np.array([[1.5, 0.0]])
    assert model.predict(far)[0] > model.predict([[1.0, 0.0]])[0]
