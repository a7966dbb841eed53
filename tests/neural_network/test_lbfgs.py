"""The L-BFGS solver, and losses that change."""

import copy
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import sklearn.neural_network as theirs
from sklearn.exceptions import ConvergenceWarning
from theirs_and_ours import X, Y, both, few_epochs, regressor, same_weights
from threadpoolctl import threadpool_info, threadpool_limits

import fastmlp.neural_network as ours

pytestmark = few_epochs


@both
def test_lbfgs_keeps_its_last_weights_where_warnings_are_errors(module):
    model = regressor(module, solver="lbfgs", max_iter=30)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        with pytest.raises(ConvergenceWarning):
            model.fit(X, Y)
    assert model.score(X, Y) > 0.5


def test_lbfgs_in_threads_gives_blas_its_threads_back():
    def threads():
        return [lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"]

    with threadpool_limits(2, user_api="blas"):
        before = threads()
        with ThreadPoolExecutor(4) as pool:
            fits = [pool.submit(regressor(solver="lbfgs", alpha=a).fit, X, Y) for a in range(12)]
            for alpha, fit in enumerate(fits):
                assert same_weights(fit.result(), regressor(solver="lbfgs", alpha=alpha).fit(X, Y))
        assert threads() == before


def test_lbfgs_refuses_weights_of_another_shape():
    model = regressor(solver="lbfgs", warm_start=True, hidden_layer_sizes=(50,)).fit(X, Y)
    before = copy.deepcopy(model)
    model.set_params(hidden_layer_sizes=(3, 3))
    with pytest.raises(ValueError, match=r"shapes \[\(6, 3\), \(3, 3\), \(3, 1\)\]"):
        model.fit(X, Y)
    assert same_weights(model, before)


def test_changed_loss_is_the_one_reported():
    models = [regressor(module, warm_start=True).fit(X, np.abs(Y)) for module in (theirs, ours)]
    for model in models:
        with np.errstate(all="ignore"):
            model.set_params(loss="poisson").fit(X, np.abs(Y))
    np.testing.assert_allclose(models[0].loss_, models[1].loss_)
