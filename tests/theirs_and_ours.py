"""scikit-learn's MLP and ours, on one table."""

import numpy as np
import pytest
import sklearn.neural_network as theirs

import fastmlp.neural_network as ours

RNG = np.random.RandomState(0)
X = RNG.normal(size=(150, 6))
Y = np.sin(X.sum(axis=1)) + 0.1 * RNG.normal(size=150)
LABELS = np.digitize(Y, [-0.3, 0.3])
both = pytest.mark.parametrize("module", [theirs, ours], ids=["theirs", "ours"])
few_epochs = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def regressor(module=ours, **options):
    return module.MLPRegressor(**{"max_iter": 6, "random_state": 0} | options)


def classifier(module=ours, **options):
    return module.MLPClassifier(**{"max_iter": 6, "random_state": 0} | options)


def same_weights(a, b) -> bool:
    pairs = zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True)
    return all(np.array_equal(p, q) for p, q in pairs)


def close(a, b, tolerance=1e-10):
    """Equal but for rounding, relative to the largest number."""
    np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * max(1.0, np.max(np.abs(b))))
