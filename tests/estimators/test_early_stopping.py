"""Early stopping: when training stops, and which epoch is kept."""

import numpy as np
import pytest
from tiny_models import HALF, LEARNING, LEARNING_PLAIN
from unregularised import fitted

from fastmlp import Classifier, Regressor


def test_early_stopping_keeps_the_best_epoch(made):
    X, f, noise = made
    y = f + 2 * noise
    model = Regressor(learning_rate="constant", n_iter_no_change=7, max_iter=500, **LEARNING_PLAIN)
    model.fit(X[:200], y[:200], X_val=X[HALF:], y_val=y[HALF:])
    curve = model.validation_curve_
    assert model.stop_reason_ == "no_improvement"
    assert model.best_iteration_ == np.argmin(curve) + 1
    assert model.best_loss_ == min(curve)
    # As in scikit-learn, more than n_iter_no_change epochs without progress.
    assert model.n_iter_ == model.best_iteration_ + 8 == len(curve)
    # The kept weights are those of that epoch: their loss, computed anew, is the curve's least.
    loss = np.mean(((model.predict(X[HALF:]) - y[HALF:]) / y[:200].std()) ** 2)
    np.testing.assert_allclose(loss, min(curve), rtol=1e-5)
    # And training stopped there gives the same weights.
    shorter = Regressor(learning_rate="constant", max_iter=model.best_iteration_, **LEARNING_PLAIN)
    shorter.fit(X[:200], y[:200], X_val=X[HALF:], y_val=y[HALF:])
    for one, other in zip(model.coefs_, shorter.coefs_, strict=True):
        np.testing.assert_array_equal(one, other)


def test_early_stopping_keeps_the_best_epoch_of_every_network(made):
    X, f, noise = made
    y = f + 2 * noise
    options = {"learning_rate": "constant", "n_iter_no_change": 7, "max_iter": 500}
    model = Regressor(**LEARNING | options, standardize=False)  # networks read X and give y
    model.fit(X[:200], y[:200], X_val=X[HALF:], y_val=y[HALF:])
    assert len(model.histories_) == 3
    for history, network in zip(model.histories_, model.networks_, strict=True):
        curve = history.validation_curve
        assert history.stop_reason == "no_improvement"
        assert history.best_iteration == np.argmin(curve) + 1
        assert history.best_loss == min(curve)
        assert history.n_iter == history.best_iteration + 8 == len(curve)
        loss = np.mean((network.forward(X[HALF:])[:, 0] - y[HALF:]) ** 2)
        np.testing.assert_allclose(loss, min(curve), rtol=1e-5)
    assert model.n_iter_ == max(history.n_iter for history in model.histories_)
    assert model.best_iteration_ == np.median([h.best_iteration for h in model.histories_])
    assert model.best_loss_ == np.mean([history.best_loss for history in model.histories_])


@pytest.mark.parametrize("classes", [2, 4])
def test_early_stopping_of_a_classifier_watches_the_log_loss(classes, made):
    X, f, noise = made
    y = np.digitize(f + noise, np.quantile(f, np.linspace(0, 1, classes + 1)[1:-1]))
    model = Classifier(learning_rate="constant", n_iter_no_change=5, max_iter=500, **LEARNING_PLAIN)
    model.fit(X[:200], y[:200], X_val=X[HALF:], y_val=y[HALF:])
    assert model.stop_reason_ == "no_improvement"
    p = model.predict_proba(X[HALF:]).astype(float)
    loss = -np.log(p[np.arange(HALF), y[HALF:]]).mean()
    np.testing.assert_allclose(loss, min(model.validation_curve_), rtol=1e-5)
    assert model.best_iteration_ == np.argmin(model.validation_curve_) + 1


def test_without_early_stopping_the_training_loss_is_watched(made):
    model = fitted(made, max_iter=1000, n_iter_no_change=3, tol=1e-2, learning_rate="constant")
    assert model.stop_reason_ == "no_improvement"
    assert model.n_iter_ < 1000
    assert model.best_loss_ == min(model.loss_curve_)
    assert model.validation_curve_ is None
    assert model.best_iteration_ is None


def test_progress_is_a_fall_by_more_than_tol(made):
    """A loss that does not move at all is no progress, whatever tol is."""
    model = fitted(
        made, solver="sgd", learning_rate_init=1e-30, n_iter_no_change=3, shuffle=False, tol=0.0
    )
    assert len(set(model.loss_curve_)) == 1
    assert model.stop_reason_ == "no_improvement"
