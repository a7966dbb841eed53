"""A failed call leaves the estimator as it was."""

import copy
import pickle

import numpy as np
import pytest
from changed_entries import with_entry
from tiny_models import both, outputs, presets, target, tiny, weights_of

ROWS = 60


def state(model, X):
    """All that a fitted model tells and predicts."""
    names = [name for name in dir(model) if name.endswith("_") and not name.startswith("_")]
    told = {name: getattr(model, name) for name in names if hasattr(model, name)}
    assert told.keys() >= {"n_iter_", "loss_curve_", "histories_", "estimator_weights_"}
    del told["networks_"]
    copied = pickle.loads(pickle.dumps(model))
    return copy.deepcopy((told, weights_of(model), outputs(model, X), outputs(copied, X)))


class Failed(Exception):
    pass


def fails(record):
    raise Failed("on purpose")


def nested(X):
    table = X.astype(object)
    table[:, 0] = [[value] for value in X[:, 0]]
    return table


DIVERGING = {"learning_rate_init": 1e30, "learning_rate": "constant"}
INFINITY = (ValueError, "Input X contains infinity")
NESTED = (TypeError, "column 'x0' holds nested values")
NEGATIVE = (ValueError, "sample_weight: Negative values")
FAILURES = {
    "inf": (lambda m, X, y: m.fit(with_entry(X, np.inf), y), *INFINITY),
    "nested": (lambda m, X, y: m.fit(nested(X), y), *NESTED),
    "other length": (lambda m, X, y: m.fit(X, y[:-1]), ValueError, "inconsistent numbers"),
    "bad y_val": (lambda m, X, y: m.fit(X, y, X_val=X, y_val=y[:3]), ValueError, "got 60 and 3"),
    "bad weights": (lambda m, X, y: m.fit(X, y, -np.ones(ROWS)), *NEGATIVE),
    "bad parameter": (lambda m, X, y: m.set_params(alpha=-1).fit(X, y), ValueError, "'alpha'"),
    "too large": (
        lambda m, X, y: m.set_params(hidden_layer_sizes=2**62, warm_start=False).fit(X, y),
        *(ValueError, "hidden_layer_sizes must be positive integers"),
    ),
    "diverging": (
        lambda m, X, y: m.set_params(learning_rate_init=1e30).fit(X, y),
        *(ValueError, "diverged"),
    ),
    "callback": (lambda m, X, y: m.set_params(callbacks=fails).fit(X, y), Failed, "on purpose"),
    "partial_fit inf": (lambda m, X, y: m.partial_fit(with_entry(X, np.inf), y), *INFINITY),
    "partial_fit nested": (lambda m, X, y: m.partial_fit(nested(X), y), *NESTED),
    "partial_fit bad weights": (lambda m, X, y: m.partial_fit(X, y, -np.ones(ROWS)), *NEGATIVE),
    "partial_fit diverging": (
        lambda m, X, y: m.set_params(**DIVERGING).partial_fit(X, y),
        *(ValueError, "diverged"),
    ),
    "partial_fit callback": (
        lambda m, X, y: m.set_params(callbacks=fails).partial_fit(X, y),
        *(Failed, "on purpose"),
    ),
}
# What is wrong only beside the table that the model was fitted to.
OTHER_WIDTH = (lambda m, X, y: m.partial_fit(X[:, :2], y), ValueError, "X has 2 features")


# Several steps per epoch, so that one that leaps is followed by one that sees it.
FRAGILE = {
    "solver": "sgd",
    "activation": "relu",
    "hidden_layer_sizes": (8, 8),
    "batch_size": 10,
}


@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize("how", [*FAILURES, "partial_fit other width"])
@presets
@both
def test_failed_call_leaves_a_fitted_model_alone(estimator, more, how, warm_start, X, y):
    call, error, message = FAILURES.get(how, OTHER_WIDTH)
    y = target(estimator, y)
    model = tiny(estimator, warm_start=warm_start, **FRAGILE, **more).fit(X, y)
    before = state(model, X)
    with pytest.raises(error, match=message):
        call(model, X, y)
    np.testing.assert_equal(state(model, X), before)


@pytest.mark.parametrize("how", FAILURES)
@presets
@both
def test_failed_call_leaves_an_unfitted_estimator_unfitted(estimator, more, how, X, y):
    call, error, message = FAILURES[how]
    model = tiny(estimator, **FRAGILE, **more)
    with pytest.raises(error, match=message):
        call(model, X, target(estimator, y))
    assert set(vars(model)) == set(model.get_params())
