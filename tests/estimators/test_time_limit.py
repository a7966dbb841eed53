"""time_limit and patience: when training stops."""

import numpy as np
import pytest
from small_tables import TARGETS, X_VAL, X, fitted
from tiny_models import assert_same_weights


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("target", TARGETS)
def test_tiny_time_limit_leaves_one_epoch_for_each(target, n_jobs):
    model = fitted(target, time_limit=1e-9, learning_rate="constant", n_estimators=4, n_jobs=n_jobs)
    assert [history.n_iter for history in model.histories_] == [1] * 4
    assert model.stop_reason_ == "time_limit"
    one_epoch = fitted(target, max_iter=1, learning_rate="constant", n_estimators=4)
    assert_same_weights(model, one_epoch)


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("n_estimators", [1, 3])
def test_time_limit_ends_long_fits(n_estimators, n_jobs):
    options = {"max_iter": 10**7, "n_iter_no_change": np.inf, "n_jobs": n_jobs}
    model = fitted(time_limit=0.2, n_estimators=n_estimators, **options)
    for history in model.histories_:
        assert 1 <= history.n_iter < 10**7
        assert history.stop_reason == "time_limit"
        assert history.best_loss == min(history.validation_curve)
    assert np.isfinite(model.predict(X_VAL)).all()


def test_large_time_limit_changes_nothing():
    one, same = fitted(n_estimators=3), fitted(n_estimators=3, time_limit=1e6)
    np.testing.assert_array_equal(one.predict(X), same.predict(X))
    assert one.learning_rate_curve_ == same.learning_rate_curve_


def stopped_after(best, **options):
    """Epochs of a fit whose metric is best at that epoch."""
    costs = iter(abs(epoch - best) for epoch in range(1, 10_000))
    options = {"max_iter": 1000, "hidden_layer_sizes": 2} | options
    model = fitted(eval_metric=lambda y_true, y_pred: next(costs), **options)
    assert model.best_iteration_ == best
    assert model.stop_reason_ == ("max_iter" if model.n_iter_ == 1000 else "no_improvement")
    return model.n_iter_


@pytest.mark.parametrize("best", [1, 7, 30])
def test_patience(best):
    """Epochs without progress: so many are borne, the next one is the last."""
    assert stopped_after(best, n_iter_no_change=5) == best + 6
    assert stopped_after(best, n_iter_no_change=5, preset="plain") == best + 6
    assert stopped_after(best, preset="plain") == best + 21
    assert stopped_after(best) == best + 40 + best + 1
    assert stopped_after(best, n_iter_no_change=np.inf) == 1000
