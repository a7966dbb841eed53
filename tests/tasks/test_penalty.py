"""`alpha` is as strong as scikit-learn's: with a linear network it is ridge regression's."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from fastmlp import Classifier, Regressor

LINEAR = {
    "preset": "plain",
    "hidden_layer_sizes": (),
    "standardize": False,
    "early_stopping": False,
    "weight_decay": 0.0,
    "solver": "sgd",
    "learning_rate": "constant",
    "n_iter_no_change": np.inf,
    "batch_size": 10**6,
    "shuffle": False,
    "dtype": "float64",
    "random_state": 0,
}
N = 60


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(N, 3))


@pytest.mark.parametrize("alpha", [0.0, 5.0, 50.0])
def test_squared_error(X, alpha):
    y = X @ [1.0, -2.0, 3.0] + 4
    model = Regressor(alpha=alpha, learning_rate_init=0.02, max_iter=3000, **LINEAR).fit(X, y)
    ridge = Ridge(alpha=alpha).fit(X, y)
    np.testing.assert_allclose(model.coefs_[0].ravel(), ridge.coef_, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(model.intercepts_[0], ridge.intercept_, rtol=1e-8)


@pytest.mark.parametrize("alpha", [1.0, 10.0])
def test_log_loss(X, alpha):
    y = X[:, 0] + 0.5 * np.random.default_rng(1).normal(size=N) > 0
    model = Classifier(alpha=alpha, learning_rate_init=0.2, max_iter=3000, **LINEAR).fit(X, y)
    logistic = LogisticRegression(C=1 / alpha, tol=1e-12, max_iter=1000).fit(X, y)
    np.testing.assert_allclose(model.coefs_[0].ravel(), logistic.coef_[0], rtol=1e-5)
