"""Every solver learns with every schedule; rates of layers; clipping."""

import numpy as np
import pytest
from sklearn.metrics import r2_score
from small_tables import ONE, ROWS, X, Y
from tiny_models import HALF, LEARNING_PLAIN
from unregularised import fitted

from fastmlp import Regressor

SOLVERS = {
    "adam": {"solver": "adam", "learning_rate_init": 5e-3},
    "rmsprop": {"solver": "rmsprop", "learning_rate_init": 2e-3},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.05, "nesterovs_momentum": False},
    "nesterov": {"solver": "sgd", "learning_rate_init": 0.05},
}


@pytest.mark.parametrize("schedule", ["constant", "invscaling", "adaptive", "cosine", "one_cycle"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_solvers_and_schedules(solver, schedule, made):
    X, f, noise = made
    y = f + 0.1 * noise
    options = LEARNING_PLAIN | SOLVERS[solver] | {"learning_rate": schedule, "power_t": 0.1}
    options |= {"early_stopping": False, "n_iter_no_change": np.inf}
    model = Regressor(**options).fit(X[:HALF], y[:HALF])
    assert r2_score(f[HALF:], model.predict(X[HALF:])) > 0.96
    assert len(model.learning_rate_curve_) == model.n_iter_ == 100


def test_linear_model_without_hidden_layers(made):
    X, _, _ = made
    y = X @ [1.0, -2.0, 3.0] + 4
    options = LEARNING_PLAIN | {
        "hidden_layer_sizes": (),
        "weight_decay": 0.0,
        "learning_rate_init": 0.05,
    }
    model = Regressor(early_stopping=False, **options).fit(X, y)
    np.testing.assert_allclose(model.predict(X), y, atol=1e-3)


def test_learning_rate_factor_of_zero_holds_a_layer(made):
    still = fitted(made, learning_rate_factors=[0.0, 1.0, 1.0])
    start = fitted(made, learning_rate_init=1e-30, max_iter=1)
    np.testing.assert_array_equal(still.coefs_[0], start.coefs_[0])
    assert not np.array_equal(still.coefs_[1], start.coefs_[1])


def test_gradient_clipping_tames_a_wild_rate(made):
    options = {"solver": "sgd", "learning_rate_init": 1.0, "momentum": 0.9, "activation": "relu"}
    options |= {"standardize": False, "learning_rate": "constant"}
    X, f, _ = made
    with pytest.raises(ValueError, match="max_grad_norm"):
        fitted((X * 100, f * 100, 0 * f), **options)
    model = fitted((X * 100, f * 100, 0 * f), max_grad_norm=1e-3, **options)
    assert np.isfinite(model.loss_)


@pytest.mark.parametrize("max_iter", [3, 40])
def test_coslog4(max_iter):
    options = {"learning_rate": "coslog4", "learning_rate_init": 0.02, "max_iter": max_iter}
    options |= {"early_stopping": False, "n_iter_no_change": np.inf, "batch_size": 50}
    model = Regressor(**ONE | options)
    steps = ROWS // 50
    t = (np.arange(1, max_iter + 1) * steps - 1) / (steps * max_iter)
    expected = 0.02 * 0.5 * (1 - np.cos(2 * np.pi * np.log2(1 + 15 * t)))
    np.testing.assert_allclose(model.fit(X, Y).learning_rate_curve_, expected, atol=1e-15)
