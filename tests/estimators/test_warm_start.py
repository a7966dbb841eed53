"""Fits that go on with what was trained before: warm_start and partial_fit."""

import numpy as np
import pandas as pd
import pytest

from fastmlp import Classifier, Regressor

ROWS = 60


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(ROWS, 3))


@pytest.fixture
def y(X):
    return X @ [1.0, 2.0, 3.0]


def small(**options):
    return Regressor(8, **{"preset": "plain", "max_iter": 3, "random_state": 0} | options)


SEVERAL = {"preset": "default", "n_estimators": 3}
presets = pytest.mark.parametrize("options", [{}, SEVERAL], ids=["plain", "default"])


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
def test_network_cannot_change(options, name, value, X, y):
    model = small(warm_start=True, **options).fit(X, y)
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
    model = small(warm_start=True, **SEVERAL).fit(X, y).set_params(**{name: value})
    for go_on in (model.fit, model.partial_fit):
        with pytest.raises(ValueError, match=f"{name} was .* cannot become"):
            go_on(X, y)


@presets
def test_columns_must_be_the_same(options, X, y):
    frame = pd.DataFrame(X, columns=list("abc"))
    model = small(warm_start=True, **options).fit(frame, y)
    with pytest.raises(ValueError, match="feature names"):
        model.fit(frame[["c", "b", "a"]], y)


def assert_same_parameters(one, other):
    for own, others in zip(one.networks_, other.networks_, strict=True):
        for a, b in zip(own.parameters, others.parameters, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_warm_start_goes_on_with_every_network(n_jobs, X, y):
    options = {"learning_rate": "constant", "early_stopping": False, "shuffle": False}
    options |= SEVERAL | {"n_jobs": n_jobs}
    once = small(max_iter=6, **options).fit(X, y)
    twice = small(warm_start=True, **options).fit(X, y)
    first = twice.histories_[1]
    twice.fit(X, y)
    assert_same_parameters(once, twice)
    assert once.loss_curve_ == twice.loss_curve_
    for one, other in zip(once.histories_, twice.histories_, strict=True):
        assert one.loss_curve == other.loss_curve
        assert one.n_iter == other.n_iter == 6
    assert (first.n_iter, len(first.loss_curve)) == (3, 3)  # what was handed out stays


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_partial_fit_trains_every_network(n_jobs, X, y):
    options = {"learning_rate": "constant", "early_stopping": False, "shuffle": False}
    options |= SEVERAL | {"n_jobs": n_jobs}
    whole, steps = small(**options).fit(X, y), small(**options)
    for _ in range(3):
        steps.partial_fit(X, y)
    assert_same_parameters(whole, steps)
    np.testing.assert_array_equal(whole.predict(X), steps.predict(X))


@pytest.mark.parametrize("go_on", ["fit", "partial_fit"])
def test_predictions_reach_the_targets_of_later_calls(go_on, X, y):
    """No prediction leaves the range of the targets, but that is the range of all calls."""
    model = small(warm_start=True, **SEVERAL).fit(X, y)
    higher = y + 20
    for _ in range(30):
        getattr(model, go_on)(X, higher)
    assert y.max() < model.predict(X).max() <= higher.max()
    assert model.predict(1e3 * X).min() >= y.min()


@pytest.mark.parametrize(
    ("options", "rate", "message"),
    [
        ({}, 20.0, "diverged; the weights of epoch"),
        (SEVERAL, 1.0, "training of 3 of 3 networks diverged; of 3 the best weights"),
    ],
    ids=["plain", "default"],
)
def test_training_goes_on_after_divergence(options, rate, message, X, y):
    rising = {"learning_rate": "one_cycle", "warmup_fraction": 0.9, "learning_rate_init": rate}
    options = {"n_iter_no_change": np.inf, "solver": "sgd", "activation": "relu"} | options
    model = small(warm_start=True, max_iter=100, **options)
    with pytest.warns(RuntimeWarning, match=message) as caught:
        model.set_params(**rising).fit(X, y)
    assert caught[0].filename == __file__  # the warning points at the caller's line
    model.set_params(learning_rate="constant", learning_rate_init=1e-3, max_iter=2).fit(X, y)
    assert model.stop_reason_ == "max_iter"
    assert np.isfinite(model.predict(X)).all()


def test_first_partial_fit_with_one_row(X, y):
    model = small().partial_fit(X[:1], y[:1])
    assert np.isfinite(model.partial_fit(X, y).predict(X)).all()


def test_columns_that_never_vary_in_the_first_partial_fit_are_warned_of(X, y):
    frame = pd.DataFrame(X, columns=["a", "b", "c"]).assign(where="here")
    with pytest.warns(UserWarning, match="1 of them, such as 'where', have one value only"):
        small(**SEVERAL).partial_fit(frame, y)
    with pytest.warns(UserWarning, match="4 of them, such as 'a', have one value only"):
        model = small(**SEVERAL).partial_fit(frame[:1], y[:1])
    assert np.isfinite(model.partial_fit(frame, y).predict(frame)).all()
    small(**SEVERAL).partial_fit(X, y)


@pytest.mark.parametrize("solver", ["adam", "rmsprop"])
def test_a_few_calls_of_partial_fit_learn(solver):
    """RMSprop's mean of squares began at a thousandth, and its steps thirty times too long."""
    X, y = wavy(Regressor)
    model = Regressor(preset="plain", solver=solver, random_state=0)
    scores = [model.partial_fit(X, y).score(X, y) for _ in range(5)]
    assert scores[0] > -0.5
    assert scores[-1] > 0.1


@presets
def test_invscaling_falls_from_call_to_call(options, X, y):
    model = small(learning_rate="invscaling", learning_rate_init=0.1, power_t=0.5, **options)
    for _ in range(3):
        model.partial_fit(X, y)
    expected = 0.1 / np.sqrt(ROWS * np.arange(3) + 1)
    np.testing.assert_allclose(model.learning_rate_curve_, expected, rtol=1e-12)


@presets
def test_class_weight_for_a_class_that_a_call_lacks(options, X):
    labels = np.arange(ROWS) % 3
    options = {"preset": "plain", "max_iter": 2, "random_state": 0} | options
    model = Classifier(8, class_weight={2: 5.0}, **options)
    some = labels < 2
    model.partial_fit(X[some], labels[some], classes=[0, 1, 2])
    model.partial_fit(X, labels)
    model.fit(X, labels, X_val=X[some], y_val=labels[some])
    assert model.predict_proba(X).shape == (ROWS, 3)
    with pytest.raises(ValueError, match="class_weight names classes that there are not"):
        model.set_params(class_weight={7: 1.0}).fit(X, labels)


@pytest.mark.parametrize(
    ("before", "after"), [({"n_estimators": 2}, {"n_estimators": 3}), ({}, {"standardize": False})]
)
def test_what_a_fit_was_made_of_cannot_change(before, after, X, y):
    model = small(warm_start=True, preset="default", **before).fit(X, y)
    (name,) = after
    with pytest.raises(ValueError, match=f"{name} was .* cannot become"):
        model.set_params(**after).fit(X, y)


LATER = {  # what is left of the rate in partial_fit after fit
    "auto": 0.03,
    "cosine": 0.03,
    "one_cycle": 0.03,
    "constant": 1.0,
    "adaptive": None,  # what fit has come down to
    "invscaling": None,
}


def wavy(estimator):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 5))
    f = np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2] + 0.3 * rng.normal(size=600)
    return X, f if estimator is Regressor else f > 0


@pytest.mark.parametrize("schedule", LATER)
@pytest.mark.parametrize("estimator", [Regressor, Classifier])
def test_partial_fit_does_not_undo_what_fit_has_learnt(estimator, schedule):
    """At the rate that a schedule begins with it did."""
    X, y = wavy(estimator)
    rate = {} if schedule == "auto" else {"learning_rate_init": 0.01}
    model = estimator(n_estimators=1, random_state=0, learning_rate=schedule, **rate)
    if schedule == "adaptive":
        model.set_params(n_iter_no_change=5)
    model.fit(X[:300], y[:300])
    scores, last = [model.score(X[400:], y[400:])], model.learning_rate_curve_[-1]
    for rows in np.array_split(np.arange(300, 400), 5):
        model.partial_fit(X[rows], y[rows])
        scores.append(model.score(X[400:], y[400:]))
    assert min(scores) > scores[0] - (0.1 if schedule == "constant" else 0.02)
    rates = model.learning_rate_curve_
    share = LATER[schedule]
    expected = last if share is None else share * model._members[0].recipe.learning_rate_init
    assert rates[-5:] == pytest.approx([expected] * 5, rel=0.05 if share is None else 1e-6)


def test_partial_fit_after_a_fit_that_was_cut_short_goes_on_at_the_rate():
    X, y = wavy(Regressor)
    model = Regressor(n_estimators=1, random_state=0, callbacks=lambda record: record.epoch == 3)
    model.fit(X, y).partial_fit(X, y)
    rate = model._members[0].recipe.learning_rate_init
    assert model.learning_rate_curve_[-1] == pytest.approx(rate)


def test_partial_fit_forgets_what_was_out_of_fold(X, y):
    model = small(preset="default", n_estimators=5, compute_importances=True).fit(X, y)
    assert hasattr(model, "oof_prediction_")
    model.partial_fit(X, y)
    assert not hasattr(model, "oof_prediction_")
    assert not hasattr(model, "feature_importances_")


CHANGES = {
    "nothing": lambda model, X, y: (X, y),
    "fewer rows": lambda model, X, y: (X[:50], y[:50]),
    "another order": lambda model, X, y: (X[::-1], y[::-1]),
    "other parts": lambda model, X, y: model.set_params(validation_fraction=0.4) and (X, y),
    "a call of partial_fit": lambda model, X, y: model.partial_fit(X, y) and (X, y),
    "a fit on all rows": lambda model, X, y: (
        model.set_params(early_stopping=False).fit(X, y).set_params(early_stopping=True) and (X, y)
    ),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("estimator", [Regressor, Classifier])
def test_no_row_is_out_of_fold_that_was_trained_on(estimator, change, X, y):
    """Each of these but the first gave predictions of rows that the networks had seen."""
    y = y if estimator is Regressor else y > 0
    name = "oof_prediction_" if estimator is Regressor else "oof_decision_function_"
    options = {"n_estimators": 10, "max_iter": 3, "random_state": 0, "warm_start": True}
    model = estimator(8, **options).fit(X, y)
    assert hasattr(model, name)
    weights = model.estimator_weights_
    changed = CHANGES[change](model, X, y)
    model.fit(*changed)
    assert hasattr(model, name) == (change == "nothing")
    if change != "nothing":
        np.testing.assert_array_equal(model.estimator_weights_, weights)
        model.set_params(validation_fraction="auto").fit(X, y)
        assert not hasattr(model, name)  # once seen is seen
