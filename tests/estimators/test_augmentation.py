"""mixup, input_noise and swap_noise of the estimators; what they do is in tests/engine."""

import numpy as np
import pytest
from scipy.sparse import csr_array
from tiny_models import SEVERAL, assert_same_weights, both, outputs, same_weights, tiny

from fastmlp import Regressor

ALL = {"mixup": 0.4, "input_noise": 0.1, "swap_noise": 0.2}
each = pytest.mark.parametrize("name", ALL)
RNG = np.random.default_rng(0)
X = np.column_stack([RNG.normal(size=(120, 3)), RNG.integers(0, 4, size=(120, 1))])
X[::9, 1] = np.nan
Y = np.where(X[:, 0] + X[:, 3] > 1.5, 2, X[:, 3] > 2)
RAW = SEVERAL | {"categorical_features": [3]}


@each
@both
def test_each_of_them_changes_what_is_learnt(estimator, name):
    plain, changed = (tiny(estimator, **more).fit(X, Y) for more in ({}, {name: ALL[name]}))
    assert not same_weights(plain, changed)
    assert_same_weights(plain, tiny(estimator, **{name: 0}).fit(X, Y))


@both
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_seed_gives_the_same_bits_for_any_number_of_threads(estimator, dtype):
    options = ALL | RAW | {"dtype": dtype}
    one, three = (tiny(estimator, n_jobs=n, **options).fit(X, Y) for n in (1, 3))
    assert_same_weights(one, three)
    assert not same_weights(one, tiny(estimator, n_jobs=1, random_state=1, **options).fit(X, Y))


def test_many_threads_in_one_step():
    rows = np.random.default_rng(0).normal(size=(1500, 13))
    options = ALL | {"hidden_layer_sizes": (129, 67), "batch_size": 1201, "extrapolation": "linear"}
    one, four = (tiny(n_jobs=n, **options).fit(rows, rows[:, 0] * rows[:, 1]) for n in (1, 4))
    assert_same_weights(one, four)


def test_held_out_rows_are_predicted_as_they_are():
    weights = {"hidden_layer_sizes": 4, "learning_rate_init": 1e-12, "max_iter": 1}
    plain, changed = (tiny(**weights | more).fit(X, Y) for more in ({}, ALL))
    np.testing.assert_allclose(plain.validation_curve_, changed.validation_curve_, rtol=1e-4)
    assert abs(plain.loss_curve_[0] - changed.loss_curve_[0]) > 1e-3
    np.testing.assert_allclose(outputs(plain, X), outputs(changed, X), rtol=1e-4)


@both
def test_partial_fit_and_warm_starts_go_on_with_it(estimator):
    more = {"classes": np.unique(Y)} if estimator is not Regressor else {}
    plain, changed = (
        tiny(estimator, **given).partial_fit(X, Y, **more).partial_fit(X, Y) for given in ({}, ALL)
    )
    assert not same_weights(plain, changed)
    plain, changed = (tiny(estimator, warm_start=True).fit(X, Y) for _ in range(2))
    assert not same_weights(plain.fit(X, Y), changed.set_params(**ALL).fit(X, Y))


@each
def test_sparse_rows_are_refused(name):
    with pytest.raises(ValueError, match=f"{name} must be 0 if X is sparse; got {ALL[name]}"):
        tiny(**{name: ALL[name]}).fit(csr_array(np.eye(20)), np.arange(20.0))
