"""warm_start: training that goes on with fit."""

import numpy as np
import pandas as pd
import pytest
from tiny_models import (
    HALF,
    LEARNING_PLAIN,
    SEVERAL,
    assert_same_weights,
    both,
    folded,
    presets,
    tiny,
)

from fastmlp import Classifier, Regressor


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hidden_layer_sizes", (8, 8)),
        ("activation", "relu"),
        ("dropout", 0.5),
        ("dtype", "float64"),
        ("preset", "fast"),
    ],
)
@presets
def test_network_cannot_change(more, name, value, X, y):
    model = tiny(warm_start=True, **more).fit(X, y)
    before = model.predict(X)
    model.set_params(**{name: value})
    for go_on in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match=f"{name} was .* cannot become"):
            go_on(X, y)
    np.testing.assert_array_equal(model.predict(X), before)


@pytest.mark.parametrize(
    ("name", "value"),
    [("numeric_embedding", None), ("numeric_embedding", "piecewise_linear"), ("preset", "best")],
)
def test_tabular_network_cannot_change(name, value, X, y):
    model = tiny(warm_start=True, **SEVERAL).fit(X, y).set_params(**{name: value})
    for go_on in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match=f"{name} was .* cannot become"):
            go_on(X, y)


@presets
def test_columns_must_be_the_same(more, X, y):
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = tiny(warm_start=True, **more).fit(frame, y)
    with pytest.raises(ValueError, match="feature names"):
        model.fit(frame[[*"dcba"]], y)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_warm_start_goes_on_with_every_network(n_jobs, X, y):
    options = {"learning_rate": "constant", "early_stopping": False, "shuffle": False}
    options |= SEVERAL | {"n_jobs": n_jobs}
    once = tiny(max_iter=6, **options).fit(X, y)
    twice = tiny(warm_start=True, **options).fit(X, y)
    first = twice.histories_[1]
    twice.fit(X, y)
    assert_same_weights(once, twice)
    assert once.loss_curve_ == twice.loss_curve_
    for one, other in zip(once.histories_, twice.histories_, strict=True):
        assert one.loss_curve == other.loss_curve
        assert one.n_iter == other.n_iter == 6
    assert (first.n_iter, len(first.loss_curve)) == (3, 3)  # what was handed out stays


@pytest.mark.parametrize("go_on", ["fit", "partial_fit"])
@pytest.mark.filterwarnings("ignore::fastmlp.ExtrapolationWarning")
def test_predictions_reach_the_targets_of_later_calls(go_on, X, y):
    """No prediction leaves the range of the targets, but that is the range of all calls."""
    model = tiny(warm_start=True, **SEVERAL).fit(X, y)
    higher = y + 20
    for _ in range(30):
        getattr(model, go_on)(X, higher)
    assert y.max() < model.predict(X).max() <= higher.max()
    assert model.predict(1e3 * X).min() >= y.min()


@pytest.mark.parametrize(
    ("options", "rate", "message"),
    [
        ({}, 20.0, "diverged; the weights of epoch"),
        (SEVERAL, 1.0, "training of 2 of 2 networks diverged; 2 keep their best"),
    ],
    ids=["plain", "default"],
)
def test_training_goes_on_after_divergence(options, rate, message, X, y):
    rising = {"learning_rate": "one_cycle", "warmup_fraction": 0.9, "learning_rate_init": rate}
    options = {"n_iter_no_change": np.inf, "solver": "sgd", "activation": "relu"} | options
    model = tiny(warm_start=True, max_iter=100, **options)
    with pytest.warns(RuntimeWarning, match=message) as caught:
        model.set_params(**rising).fit(X, y)
    assert caught[0].filename == __file__  # the warning points at the caller's line
    model.set_params(learning_rate="constant", learning_rate_init=1e-3, max_iter=2).fit(X, y)
    assert model.stop_reason_ == "max_iter"
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"standardize": False}),
        ({}, {"extrapolation": "linear"}),
    ],
)
def test_what_a_fit_was_made_of_cannot_change(before, after, X, y):
    model = tiny(warm_start=True, preset="default", **before).fit(X, y)
    (name,) = after
    with pytest.raises(ValueError, match=f"{name} was .* cannot become"):
        model.set_params(**after).fit(X, y)


@both
def test_warm_start_goes_on(estimator, made):
    X, f, _ = made
    y = f if estimator is Regressor else f > 0
    options = LEARNING_PLAIN | {
        "learning_rate": "constant",
        "early_stopping": False,
        "shuffle": False,
    }
    once = estimator(max_iter=6, **options).fit(X, y)
    twice = estimator(max_iter=3, warm_start=True, **options).fit(X, y)
    twice.fit(X, y)
    assert once.loss_curve_ == twice.loss_curve_
    assert (once.n_iter_, once.t_) == (twice.n_iter_, twice.t_) == (6, once.t_)
    for one, other in zip(once.coefs_, twice.coefs_, strict=True):
        np.testing.assert_array_equal(one, other)


def test_warm_start_with_early_stopping_counts_epochs_on(made):
    X, f, _ = made
    model = Regressor(max_iter=4, warm_start=True, **LEARNING_PLAIN).fit(X[:HALF], f[:HALF])
    model.fit(X[:HALF], f[:HALF])
    assert model.n_iter_ == len(model.loss_curve_) == len(model.validation_curve_) == 8
    assert 5 <= model.best_iteration_ <= 8


def test_fit_without_warm_start_begins_anew(made):
    X, f, _ = made
    model = Regressor(max_iter=3, **LEARNING_PLAIN).fit(X, f)
    first = model.loss_curve_
    assert model.fit(X, f).loss_curve_ == first
    assert model.n_iter_ == 3


def test_out_of_fold_predictions_get_better(X, y):
    model = folded(Regressor, X, y, warm_start=True)
    first = np.mean((model.oof_prediction_ - y) ** 2)
    model.set_params(max_iter=30).fit(X, y)
    assert [len(history.loss_curve) for history in model.histories_] == [36] * 4
    assert np.mean((model.oof_prediction_ - y) ** 2) < first
    with pytest.raises(ValueError, match=r"hidden_layer_sizes was .* cannot become"):
        model.set_params(hidden_layer_sizes=9).fit(X, y)


@pytest.mark.parametrize("call", ["fit", "partial_fit"])
@pytest.mark.parametrize(("first", "then"), [("squared_error", "poisson"), ("poisson", "huber")])
def test_loss_of_another_link_is_refused(first, then, call, X, y):
    counts = np.round(np.abs(y))
    model = tiny(loss=first, warm_start=True).fit(X, counts)
    before = model.predict(X)
    model.set_params(loss=then)
    with pytest.raises(ValueError, match=f"loss was '{first}' .* cannot become '{then}'"):
        getattr(model, call)(X, counts)
    np.testing.assert_array_equal(model.predict(X), before)


def test_calibration_can_be_switched_off(X, y):
    labels = (y > 0).astype(int)
    model = tiny(Classifier, preset="fast", warm_start=True, calibrate=True).fit(X, labels)
    assert model._model.task.temperature != 1
    model.set_params(calibrate=False).fit(X, labels)
    assert model._model.task.temperature == 1


@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_categorical_features_stay(call, X, y):
    frame = pd.DataFrame(X, columns=[*"abcd"])
    model = tiny(warm_start=True, categorical_features=["b"]).fit(frame, y)
    model.set_params(categorical_features=[1])
    getattr(model, call)(frame, y)  # the same column
    for other, message in (
        (["c"], r"listed the columns \[1\] .* cannot become \['c'\]"),
        ("from_dtype", "cannot become 'from_dtype'"),
        (["nope"], "not among the columns"),
    ):
        model.set_params(categorical_features=other)
        with pytest.raises(ValueError, match=message):
            getattr(model, call)(frame, y)
