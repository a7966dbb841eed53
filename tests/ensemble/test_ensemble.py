"""Several networks in one estimator: means, weights, divergence."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, softmax
from tiny_models import FOLDS, assert_same_weights, both, folded, outputs

from fastmlp import Classifier, Regressor
from fastmlp.ensemble.settings import Settings

ROWS = 120


def test_prediction_is_the_mean_of_the_networks(X, y):
    model = folded(Regressor, X, y, standardize=False, dtype="float64")
    each = np.stack([network.forward(X)[:, 0] for network in model.networks_])
    assert np.std(each, axis=0).min() > 1e-6
    np.testing.assert_allclose(model.predict(X), each.mean(axis=0).clip(y.min(), y.max()))


@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_are_the_mean_of_the_networks(classes, X, y):
    labels = np.digitize(y, [0.5, 1.5][: classes - 1])
    model = Classifier(**FOLDS, standardize=False, calibrate=False).fit(X, labels)
    logits = np.stack([network.forward(X) for network in model.networks_])
    linked = expit(logits)[..., 0] if classes == 2 else softmax(logits, axis=2)
    probabilities = model.predict_proba(X)
    np.testing.assert_allclose(
        probabilities[:, 1] if classes == 2 else probabilities, linked.mean(axis=0), rtol=1e-5
    )


def test_more_networks_are_better_than_their_mean(X, y):
    rng = np.random.default_rng(1)
    noisy = y + rng.normal(size=ROWS)
    model = folded(Regressor, X, noisy, max_iter=100, standardize=False, hidden_layer_sizes=64)
    unseen = rng.normal(size=(1000, 4))
    truth = unseen[:, 0] + unseen[:, 1] ** 2

    def error(predicted):
        return np.mean((predicted - truth) ** 2)

    alone = [error(network.forward(unseen)[:, 0]) for network in model.networks_]
    assert error(model.predict(unseen)) < np.mean(alone)


@both
def test_targets_of_weight_zero_do_not_count(estimator, X, y):
    labels = y if estimator is Regressor else y > 1
    weights = (np.arange(ROWS) % 3 > 0).astype(float)
    other = np.where(weights > 0, labels, labels[::-1])
    folds = {"n_estimators": 2} if estimator is Regressor else {"early_stopping": False}
    one, same = (estimator(**FOLDS | folds).fit(X, t, weights) for t in (labels, other))
    np.testing.assert_array_equal(outputs(one, X), outputs(same, X))


def test_no_folds_where_one_would_weigh_nothing(X, y):
    weights = np.zeros(ROWS)
    weights[:2] = 1
    model = Regressor(**FOLDS).fit(X, y, weights)
    assert model.validation_curve_ is None
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("n_estimators", [1, 2, 5])
@both
def test_same_bits_for_any_number_of_threads(estimator, n_estimators, X, y):
    frame = pd.DataFrame(X).add_prefix("x").assign(city=[*"abcdefghijkl"] * 10)
    frame.iloc[::7, 1] = np.nan
    first, *others = (
        folded(estimator, frame, y, n_estimators=n_estimators, n_jobs=n) for n in (1, 2, 4)
    )
    for other in others:
        np.testing.assert_array_equal(outputs(first, frame), outputs(other, frame))
        assert first.validation_curve_ == other.validation_curve_
        assert_same_weights(first, other)


def test_attributes_sum_up_the_histories(X, y):
    stops = {0: 3, 1: 5, 2: 4, 3: 6}
    model = folded(Regressor, X, y, callbacks=lambda r: r.epoch == stops[r.network])
    histories = model.histories_
    assert [history.n_iter for history in histories] == [3, 5, 4, 6]
    assert {history.stop_reason for history in histories} == {"callback"}
    assert model.n_iter_ == 6
    assert model.learning_rate_curve_ == histories[3].learning_rate_curve
    assert model.best_iteration_ == int(np.median([h.best_iteration for h in histories]))
    longer = [history.validation_curve[3] for history in histories if history.n_iter > 3]
    assert model.validation_curve_[3] == pytest.approx(np.mean(longer))
    assert len(model.loss_curve_) == 6
    for history in histories:
        assert history.best_loss == min(history.validation_curve)
        assert history.best_loss == history.validation_curve[history.best_iteration - 1]
        assert history.seconds > 0


@pytest.mark.parametrize("early_stopping", [True, False])
def test_network_that_diverges_is_left_out(early_stopping, X, y, monkeypatch):
    recipe = Settings.recipe

    def with_a_wild_one(settings, spec):
        wild = {"learning_rate_init": 1e30} if spec.index == 1 else {}
        return replace(recipe(settings, spec), **wild)

    monkeypatch.setattr(Settings, "recipe", with_a_wild_one)
    options = {"solver": "sgd", "learning_rate": "constant", "early_stopping": early_stopping}
    model = Regressor(**FOLDS, **options)
    with pytest.warns(RuntimeWarning, match="training of 1 of 4 .* 1 were left out"):
        model.fit(X, y)
    assert len(model.networks_) == len(model.histories_) == 3
    assert np.isfinite(model.predict(X)).all()
    if early_stopping:
        assert np.isfinite(model.oof_prediction_).sum() == 90
