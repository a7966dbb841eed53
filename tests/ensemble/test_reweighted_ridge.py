"""The ridge regression of the linear part: robust, behind a link, and without a row."""

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression, PoissonRegressor

from fastmlp.ensemble.reweighted_ridge import reweighted_ridge

SLOPES = np.array([1.0, 2.0, 0.0, 0.0, -1.0])


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def Z(rng):
    return rng.normal(size=(200, 5))


@pytest.fixture
def y(Z, rng):
    return (Z @ SLOPES + 3 + rng.normal(size=200))[:, None]


def test_slopes_of_a_line(Z, y):
    np.testing.assert_allclose(
        reweighted_ridge(Z, y, None, "identity").coef[:, 0], SLOPES, atol=0.2
    )


@pytest.mark.parametrize("outlier", [30, 1e6, 1e150])
def test_outliers_have_little_influence(outlier, Z, y):
    spoilt = y.copy()
    spoilt[:20] += outlier
    one, other = (reweighted_ridge(Z, values, None, "identity").coef for values in (spoilt, y))
    np.testing.assert_allclose(one, other, atol=0.2)


def test_without_a_row_is_fitted_without_it(Z, y):
    fit = reweighted_ridge(Z, y, None, "identity")
    others = [np.delete(np.arange(200), i) for i in range(40)]
    expected = [
        Z[i] @ reweighted_ridge(Z[rows], y[rows], None, "identity").coef
        for i, rows in enumerate(others)
    ]
    far = np.abs(Z[:40] @ fit.coef - expected).max()
    assert np.abs(fit.without_own_row[:40] - expected).max() < 0.25 * far


@pytest.mark.parametrize("link", ["identity", "logistic"])
@pytest.mark.parametrize("n_rows", [40, 400])
def test_noise_has_no_slopes_that_pay(link, n_rows, rng):
    """Also with more columns than rows."""
    noise = (rng.random((n_rows, 1)) > 0.5).astype(float)
    fit = reweighted_ridge(rng.normal(size=(n_rows, 60)), noise, None, link)
    assert (
        np.corrcoef(fit.without_own_row[:, 0] + 1e-9 * rng.random(n_rows), noise[:, 0])[0, 1] < 0.2
    )


def test_logistic_regression(Z, rng):
    y = (rng.random(200) < expit(Z @ SLOPES)).astype(float)
    theirs = LogisticRegression(C=0.5).fit(Z, y).coef_[0]  # a penalty of 0.01 for each row
    ours = reweighted_ridge(Z, y[:, None], None, "logistic").coef[:, 0]
    np.testing.assert_allclose(ours, theirs, atol=0.1)


def test_classes_that_can_be_separated(Z):
    y = (Z[:, :1] > 0).astype(float)
    assert 1 < reweighted_ridge(Z, y, None, "logistic").coef[0, 0] < 10
    three = (np.digitize(Z[:, 0], [-1, 1])[:, None] == np.arange(3)).astype(float)
    fit = reweighted_ridge(Z, three, None, "softmax")
    assert 1 < fit.coef[0, 2] - fit.coef[0, 0] < 20
    assert np.isfinite(fit.without_own_row).all()


def test_poisson_regression(Z, rng):
    y = rng.poisson(np.exp(Z @ SLOPES / 2 + 1)).astype(float)
    theirs = PoissonRegressor(alpha=0.001).fit(Z, y).coef_
    ours = reweighted_ridge(Z, y[:, None], None, "exponential").coef[:, 0]
    np.testing.assert_allclose(ours, theirs, atol=0.02)


@pytest.mark.parametrize("link", ["identity", "logistic", "softmax", "exponential"])
@pytest.mark.parametrize("n_rows", [1, 2, 3, 200])
def test_tables_that_tell_nothing(link, n_rows, Z):
    y = np.zeros((n_rows, 2))
    for table in (Z[:n_rows], np.zeros((n_rows, 5)), np.empty((n_rows, 0))):
        fit = reweighted_ridge(table, y, None, link)
        np.testing.assert_allclose(fit.coef, 0, atol=1e-9)
        np.testing.assert_allclose(fit.without_own_row, 0, atol=1e-9)


def test_weights_are_relative(Z, y, rng):
    weights = rng.random(200)
    one, other = (reweighted_ridge(Z, y, w, "identity").coef for w in (weights, 1e6 * weights))
    np.testing.assert_allclose(one, other)
