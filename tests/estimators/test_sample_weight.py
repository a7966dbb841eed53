"""sample_weight: its effect, its unit, what is refused."""

import numpy as np
import pytest
from tiny_models import (
    HALF,
    LEARNING,
    LEARNING_PLAIN,
    SEVERAL,
    assert_same_weights,
    both,
    outputs,
    target,
    tiny,
)

from fastmlp import Classifier, Regressor

ROWS = 60


@pytest.mark.parametrize(
    "bad",
    [
        -np.ones(ROWS),
        np.zeros(ROWS),
        np.ones(ROWS - 1),
        np.ones((ROWS, 2)),
        np.full(ROWS, np.nan),
        np.full(ROWS, np.inf),
        np.array(["a"] * ROWS),
    ],
    ids=["negative", "zero", "short", "2-D", "nan", "inf", "text"],
)
@pytest.mark.parametrize("standardize", [True, False])
@both
def test_bad_weights(estimator, standardize, bad, X, y):
    y = target(estimator, y)
    model = tiny(estimator, standardize=standardize)
    with pytest.raises(
        ValueError, match=r"^sample_weight: .*(Negative|non-zero|shape|1D|NaN|infinity|convert)"
    ):
        model.fit(X, y, bad)


@pytest.mark.parametrize("factor", [2.0**-100, 2.0**50, 2.0**100])
@pytest.mark.parametrize("standardize", [True, False])
@both
def test_scale_of_the_weights_is_free(estimator, standardize, factor, X, y):
    """Weights are relative, so that their unit does not matter."""
    y = target(estimator, y)
    weights = np.random.default_rng(0).uniform(0.5, 1.5, size=ROWS)
    one, other = (
        tiny(estimator, standardize=standardize, solver="sgd").fit(X, y, weights * f)
        for f in (1.0, factor)
    )
    for a, b in zip(one.coefs_, other.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("factor", [2.0**-100, 2.0**100])
@both
def test_scale_of_the_weights_is_free_for_several_networks(estimator, factor, X, y):
    y = target(estimator, y)
    weights = np.random.default_rng(0).uniform(0.5, 1.5, size=ROWS)
    one, other = (
        tiny(estimator, solver="sgd", **SEVERAL).fit(X, y, weights * f) for f in (1.0, factor)
    )
    for own, others in zip(one.networks_, other.networks_, strict=True):
        for a, b in zip(own.parameters, others.parameters, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    predict = "predict" if estimator is Regressor else "predict_proba"
    np.testing.assert_allclose(getattr(one, predict)(X), getattr(other, predict)(X), rtol=1e-4)


@pytest.mark.parametrize("value", [1e-60, 1e60])
@pytest.mark.parametrize("standardize", [True, False])
@both
def test_weights_that_float32_cannot_hold(estimator, standardize, value, X, y):
    """Refused, never a silent fit to nothing; float64 holds them."""
    y = target(estimator, y)
    huge, ones = np.full(ROWS, value), np.ones(ROWS)
    model = tiny(estimator, standardize=standardize, solver="sgd")
    with pytest.raises(ValueError, match="sample_weight must hold weights that float32 can hold"):
        model.fit(X, y, huge)
    model.set_params(dtype="float64")
    expected = outputs(model.fit(X, y, ones), X)
    np.testing.assert_allclose(outputs(model.fit(X, y, huge), X), expected, rtol=1e-4)


def test_denormal_weights_are_refused(X, y):
    with pytest.raises(ValueError, match="sample_weight must hold weights that float32"):
        tiny(standardize=False).fit(X, y, np.full(ROWS, 1e-40))


def test_sample_weight_moves_the_fit(made):
    X, f, _ = made
    group = np.random.default_rng(1).uniform(size=len(X)) < 0.5
    y = np.where(group, f + 5, f - 5)

    def mean_offset(weight):
        weights = np.where(group, weight, 1.0)
        model = Regressor(max_iter=40, **LEARNING_PLAIN).fit(X[:HALF], y[:HALF], weights[:HALF])
        return np.mean(model.predict(X[HALF:]) - f[HALF:])

    assert abs(mean_offset(1.0)) < 1
    np.testing.assert_allclose(mean_offset(9.0), 4, atol=1)
    np.testing.assert_allclose(mean_offset(0.0), -5, atol=1)


@pytest.mark.parametrize("options", [LEARNING_PLAIN, LEARNING], ids=["plain", "default"])
@both
def test_nothing_is_learnt_from_rows_of_weight_zero(estimator, options, made):
    """Neither scale nor bin edges nor initial weights nor importances."""
    X, f, _ = made
    y = target(estimator, f)
    options = options | {"max_iter": 2, "compute_importances": True}
    weights = np.arange(len(X)) % 4 / 2
    other = np.where(weights[:, None] > 0, X, 100 + 9 * X[::-1])
    one, two = (estimator(**options).fit(table, y, weights) for table in (X, other))
    assert_same_weights(one, two)
    np.testing.assert_array_equal(one.feature_importances_, two.feature_importances_)
    np.testing.assert_array_equal(outputs(one, X), outputs(two, X))


def test_folds_share_out_the_rows_that_count():
    """Of 20 in 400 rows, each of five folds has four."""
    counts = []

    def metric(y_true, y_pred, sample_weight):
        counts.append(np.count_nonzero(sample_weight))
        return 0.0

    X = np.random.default_rng(0).normal(size=(400, 2))
    weights = np.where(np.arange(400) % 20, 0.0, 1.0)
    options = {"n_estimators": 5, "max_iter": 1, "random_state": 0, "hidden_layer_sizes": 4}
    Regressor(**options, eval_metric=metric).fit(X, X[:, 0], weights)
    assert counts == [4] * 5
    counts.clear()
    y = np.arange(400) // 40 % 2
    Classifier(**options, eval_metric=metric).fit(X, y, weights)
    assert counts == [4] * 5


@pytest.mark.parametrize(
    "options",
    [LEARNING_PLAIN, LEARNING, LEARNING | {"loss": "poisson"}],
    ids=["plain", "default", "poisson"],
)
@pytest.mark.filterwarnings("ignore::fastmlp.ExtrapolationWarning")
def test_rows_of_weight_zero_do_not_count(options, made):
    X, f, _ = made
    y = np.abs(f)
    y[::2] = 1e4
    options = options | {"batch_size": 100, "max_iter": 3}
    weights = np.tile([0.0, 1.0], HALF)
    other = y.copy()
    other[::2] = 77
    one, two = (Regressor(**options).fit(X, target, weights) for target in (y, other))
    np.testing.assert_array_equal(one.predict(9 * X), two.predict(9 * X))
    assert_same_weights(one, two)
