"""Two kinds of networks in one estimator, and what each weighs."""

import pickle
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from scipy.special import softmax, xlogy
from sklearn.metrics import log_loss, mean_pinball_loss
from tiny_models import FOLDS, both

from fastmlp import Classifier, Regressor
from fastmlp.ensemble.settings import Settings

ROWS = 120


# Four networks of each kind, each with a quarter of the rows held out.
TWO_KINDS = FOLDS | {"max_iter": 12, "n_estimators": 8}
SHARES = np.arange(21) / 20


@pytest.fixture
def y(X):
    return X[:, 0] + np.sin(3 * X[:, 1]) + np.random.default_rng(1).normal(size=ROWS)


def share_of(model):
    """What the first kind weighs; all networks of a kind weigh the same."""
    weights = model.estimator_weights_
    assert weights.shape == (8,)
    assert np.ptp(weights[:4]) == np.ptp(weights[4:]) == 0
    assert weights.sum() == pytest.approx(1, abs=1e-15)
    return weights[:4].sum()


LINKS = {"identity": lambda z: z, "exponential": np.exp, "softmax": partial(softmax, axis=-1)}


def by_kind(model, X):
    """Means of the outputs of each kind's networks, which read the table unscaled."""
    link = LINKS[model.out_activation_]
    each = link(np.stack([network.forward(X) for network in model.networks_]))
    return each[:4].mean(axis=0), each[4:].mean(axis=0)


def best_share(loss, first, second):
    """The share with the least loss, by trying all."""
    losses = [loss(share * first + (1 - share) * second) for share in SHARES]
    return SHARES[int(np.argmin(losses))]


def test_prediction_is_the_weighted_mean(X, y):
    model = Regressor(**TWO_KINDS, standardize=False, dtype="float64", preset="default").fit(X, y)
    each = np.stack([network.forward(X)[:, 0] for network in model.networks_])
    expected = np.clip(model.estimator_weights_ @ each, y.min(), y.max())
    np.testing.assert_allclose(model.predict(X), expected, rtol=0, atol=1e-13)
    assert 0 < share_of(model) < 1


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("loss", "own"),
    [
        ("squared_error", lambda y, p: (y - p) ** 2),
        ("absolute_error", lambda y, p: np.abs(y - p)),
        ("poisson", lambda y, p: p - xlogy(y, p)),
    ],
)
def test_shares_have_the_least_loss_on_given_rows(loss, own, weighted, X, y):
    y = np.maximum(np.round(y), 0) if loss == "poisson" else y
    weights = np.random.default_rng(2).random(60) * (np.arange(60) % 3 > 0) if weighted else None
    model = Regressor(**TWO_KINDS, loss=loss, standardize=False, dtype="float64")
    model.fit(X[:60], y[:60], X_val=X[60:], y_val=y[60:], sample_weight_val=weights)

    def mean_loss(outputs):
        predicted = outputs[:, 0]
        if loss != "poisson":  # other losses keep to the range of the targets
            predicted = np.clip(predicted, y[:60].min(), y[:60].max())
        return np.average(own(y[60:], predicted), weights=weights)

    best = best_share(mean_loss, *by_kind(model, X[60:]))
    assert share_of(model) == pytest.approx(best, abs=1e-12)


def test_shares_of_classifiers(X, y):
    labels = np.digitize(y, [-1, 1])
    model = Classifier(**TWO_KINDS, calibrate=False, standardize=False, dtype="float64")
    model.fit(X[:60], labels[:60], X_val=X[60:], y_val=labels[60:])
    best = best_share(lambda p: log_loss(labels[60:], p), *by_kind(model, X[60:]))
    assert share_of(model) == pytest.approx(best, abs=1e-12)


def test_shares_of_quantiles(X, y):
    quantiles = [0.2, 0.8]
    model = Regressor(
        **TWO_KINDS, loss="quantile", quantile=quantiles, standardize=False, dtype="float64"
    )
    model.fit(X[:60], y[:60], X_val=X[60:], y_val=y[60:])

    def loss(outputs):
        predicted = np.sort(np.clip(outputs, y[:60].min(), y[:60].max()), axis=1)
        return np.mean(
            [mean_pinball_loss(y[60:], predicted[:, k], alpha=q) for k, q in enumerate(quantiles)]
        )

    best = best_share(loss, *by_kind(model, X[60:]))
    assert share_of(model) == pytest.approx(best, abs=1e-12)


def test_out_of_fold_predictions_are_of_networks_that_have_not_seen_the_row(X, y):
    seen = []  # the targets that each network is validated on

    def metric(y_true, y_pred):
        seen.append(set(y_true.tolist()))
        return np.mean((y_true - y_pred) ** 2)

    options = TWO_KINDS | {"max_iter": 1, "standardize": False, "dtype": "float64"}
    model = Regressor(**options, n_jobs=1, eval_metric=metric).fit(X, y)
    share = share_of(model)
    each = np.stack([network.forward(X)[:, 0] for network in model.networks_])
    for row, target in enumerate(y):
        first, second = (i for i, targets in enumerate(seen) if target in targets)
        assert first < 4 <= second
        expected = share * each[first, row] + (1 - share) * each[second, row]
        expected = np.clip(expected, y.min(), y.max())
        assert model.oof_prediction_[row] == pytest.approx(expected, abs=1e-13)


@pytest.mark.parametrize("n_labels", [1, 2, 3])
@pytest.mark.filterwarnings("ignore::fastmlp.ExtrapolationWarning")
def test_probabilities_stay_probabilities(n_labels, X):
    # Large inputs saturate the outputs at exactly 0 and 1.
    y = (X[:, :n_labels] > 0).astype(int)
    for options in ({}, {"early_stopping": False, "n_estimators": 11}):
        model = Classifier(**TWO_KINDS | {"max_iter": 60, "learning_rate_init": 0.3} | options)
        model.fit(X, y.ravel() if n_labels == 1 else y)
        for scale in (1, 1e3):
            found = model.predict_proba(scale * X)
            assert found.min() >= 0
            assert found.max() <= 1


def test_rows_of_no_weight_do_not_count(X, y):
    weights = np.ones(ROWS)
    weights[80:] = 0
    wild = y.copy()
    wild[80:] = 1e6
    options = TWO_KINDS | {"standardize": False}
    one, other = (Regressor(**options).fit(X, some, weights) for some in (y, wild))
    assert share_of(one) == share_of(other)


def test_networks_of_an_unfinished_round_weigh_no_more_than_others(X):
    options = TWO_KINDS | {"n_estimators": 6}
    weights = Regressor(**options).fit(X, np.full(ROWS, 3.0)).estimator_weights_
    np.testing.assert_allclose(weights, 1 / 6, rtol=1e-12)


def test_equally_good_kinds_weigh_the_same(X):
    assert share_of(Regressor(**TWO_KINDS).fit(X, np.full(ROWS, 3.0))) == 0.5


@both
def test_weights_are_pickled(estimator, X, y):
    model = estimator(**TWO_KINDS).fit(X, y if estimator is Regressor else y > 0)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.estimator_weights_, model.estimator_weights_)
    np.testing.assert_array_equal(copy.predict(X), model.predict(X))


def test_failed_warm_start_leaves_the_weights(X, y, monkeypatch):
    model = Regressor(**TWO_KINDS, warm_start=True).fit(X, y)
    weights, predicted = model.estimator_weights_, model.predict(X)

    def fails(*args):
        raise KeyboardInterrupt

    model.set_params(compute_importances=True)
    monkeypatch.setattr("fastmlp.ensemble.fit_plan.WeightedEnsemble", fails)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, -y)
    np.testing.assert_array_equal(model.estimator_weights_, weights)
    np.testing.assert_array_equal(model.predict(X), predicted)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.predict(X), predicted)


def test_kind_that_is_lost(X, y, monkeypatch):
    recipe = Settings.recipe

    def wild(settings, spec):
        rate = {"learning_rate_init": 1e30} if spec.kind == "periodic" else {}
        return replace(recipe(settings, spec), **rate)

    monkeypatch.setattr(Settings, "recipe", wild)
    model = Regressor(**TWO_KINDS, solver="sgd", learning_rate="constant")
    with pytest.warns(RuntimeWarning, match="4 of 8 networks diverged; .* 4 were left out"):
        model.fit(X, y)
    assert model.estimator_weights_.tolist() == [0.25] * 4
    assert np.isfinite(model.oof_prediction_).all()


def test_importances_are_of_the_networks_that_count(X, y, monkeypatch):
    def fitted(share):
        monkeypatch.setattr("fastmlp.ensemble.weighted_ensemble._SHARES", [share])
        model = Regressor(**TWO_KINDS, compute_importances=True).fit(X, y)
        assert share_of(model) == share
        return model.feature_importances_

    first, second, both = fitted(1.0), fitted(0.0), fitted(0.25)
    assert np.abs(first - second).max() > 0.01
    np.testing.assert_allclose(both, 0.25 * first + 0.75 * second, rtol=0, atol=1e-12)


def test_summary_tells_kinds_and_weights(X, y):
    model = Regressor(**TWO_KINDS).fit(X, y)
    lines = model.summary().splitlines()
    assert sum("(periodic, weight" in line for line in lines) == 4
    assert sum("(piecewise, weight" in line for line in lines) == 4


@pytest.mark.parametrize(("least_gain", "epochs"), [(np.inf, 64), (-np.inf, 256)])
def test_epochs_are_told_of_each_network(least_gain, epochs, X, y, capsys, monkeypatch):
    monkeypatch.setattr("fastmlp.ensemble.more_epochs.LEAST_GAIN", least_gain)
    options = TWO_KINDS | {"max_iter": "auto", "n_iter_no_change": 1}
    Regressor(**options, verbose=2, n_jobs=1).fit(X, y)
    told = capsys.readouterr().out
    assert "Network [1/8], Epoch [1/64]" in told
    assert f"Network [8/8], Epoch [1/{epochs}]" in told
