"""partial_fit: one epoch a call."""

import pickle
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from tiny_models import (
    FOLDS,
    HALF,
    LEARNING,
    LEARNING_PLAIN,
    SEVERAL,
    assert_same_weights,
    both,
    presets,
    tiny,
)

from fastmlp import Classifier, LossCurveDisplay, Regressor
from fastmlp.ensemble import history
from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.ensemble.settings import Settings

ROWS = 60


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_partial_fit_trains_every_network(n_jobs, X, y):
    options = {"learning_rate": "constant", "early_stopping": False, "shuffle": False}
    options |= SEVERAL | {"n_jobs": n_jobs}
    whole, steps = tiny(**options).fit(X, y), tiny(**options)
    for _ in range(3):
        steps.partial_fit(X, y)
    assert_same_weights(whole, steps)
    np.testing.assert_array_equal(whole.predict(X), steps.predict(X))


@presets
def test_first_partial_fit_with_one_row(more, X, y):
    """It tells neither the scale of a column nor that of the target; the next call does."""
    y = 2e5 + 3e4 * y
    model = tiny(learning_rate_init=0.02, **more).partial_fit(X[:1], y[:1])
    for _ in range(60):
        model.partial_fit(X, y)
    assert model.score(X, y) > 0.5


@presets
def test_target_that_is_constant_in_the_first_partial_fit(more, X, y):
    y = np.column_stack([2e5 + 3e4 * y, y])
    first = np.column_stack([np.zeros(ROWS), y[:, 1]])
    model = tiny(learning_rate_init=0.02, **more).partial_fit(X, first)
    before = model._model.task
    for _ in range(3):
        model.partial_fit(X, first)
    for _ in range(60):
        model.partial_fit(X, y, np.where(np.arange(ROWS) < 50, 1.0, 0.5))
    assert model.score(X, y) > 0.5
    task = model._model.task
    assert (task.shift[1], task.unit[1]) == (before.shift[1], before.unit[1])
    assert 1e4 < task.unit[0] < 1e6


@presets
def test_counts_that_are_all_zero_in_the_first_partial_fit(more, X, y):
    """The network began at the logarithm of next to nothing, and took thousands of steps away."""
    counts = np.column_stack([200 + X[:, 0] * 20, X[:, 1]])
    first = counts * [0, 1]
    model = tiny(loss="poisson", learning_rate_init=0.02, **more).partial_fit(X, first)
    model.partial_fit(X, first)
    for _ in range(60):
        model.partial_fit(X, counts)
    error = np.mean((model.predict(X) - counts) ** 2, axis=0)
    assert np.all(error < np.var(counts, axis=0))


@presets
def test_column_that_is_constant_in_the_first_partial_fit(more, X, y):
    """Of numbers as large as they come, with and without missing ones."""
    later = X * [1e6, 1, 1, 1]
    later[::5, 0] = np.nan
    first = later.copy()
    first[:, 0] = np.where(np.isnan(later[:, 0]), np.nan, 7)
    model = tiny(**more).partial_fit(first, y)
    shift, scale = model._model.scaling.shift, model._model.scaling.scale
    assert (shift[0], scale[0]) == (7, 0)
    model.partial_fit(first, y).partial_fit(later, y)
    known = later[~np.isnan(later[:, 0]), 0]
    own = model._model.scaling
    assert known.min() < own.shift[0] < known.max()
    assert 0.1 / np.std(known) < own.scale[0] < 10 / np.std(known)
    np.testing.assert_array_equal(own.shift[1:], shift[1:])
    np.testing.assert_array_equal(own.scale[1:], scale[1:])
    assert np.isfinite(model.partial_fit(later, y).predict(later)).all()


def test_target_far_from_that_of_the_first_call_is_warned_of(X, y):
    model = tiny().partial_fit(X, y)
    model.partial_fit(X, y + 10 * np.std(y))
    with pytest.warns(UserWarning, match="mean of y is 1000 standard deviations from that of the"):
        model.partial_fit(X, y + 1000 * np.std(y))


def test_columns_that_never_vary_in_the_first_partial_fit_are_warned_of(X, y):
    frame = pd.DataFrame(X, columns=[*"abcd"]).assign(where="here")
    with pytest.warns(
        UserWarning, match="1 columns, such as 'where', are constant in the first call"
    ):
        tiny(**SEVERAL).partial_fit(frame, y)
    with pytest.warns(UserWarning, match="1 columns, such as 'where', are constant in the first"):
        model = tiny(**SEVERAL).partial_fit(frame[:1], y[:1])
    assert np.isfinite(model.partial_fit(frame, y).predict(frame)).all()
    tiny(**SEVERAL).partial_fit(X, y)


@pytest.mark.parametrize("solver", ["adam", "rmsprop"])
def test_a_few_calls_of_partial_fit_learn(solver):
    """RMSprop's mean of squares began at a thousandth, and its steps thirty times too long."""
    X, y = wavy(Regressor)
    model = Regressor(preset="plain", solver=solver, random_state=0)
    scores = [model.partial_fit(X, y).score(X, y) for _ in range(5)]
    assert scores[0] > -0.5
    assert scores[-1] > 0.1


@presets
def test_invscaling_falls_from_call_to_call(more, X, y):
    model = tiny(learning_rate="invscaling", learning_rate_init=0.1, power_t=0.5, **more)
    for _ in range(3):
        model.partial_fit(X, y)
    expected = 0.1 / np.sqrt(ROWS * np.arange(3) + 1)
    np.testing.assert_allclose(model.learning_rate_curve_, expected, rtol=1e-12)


@presets
def test_class_weight_for_a_class_that_a_call_lacks(more, X):
    labels = np.arange(ROWS) % 3
    model = tiny(Classifier, class_weight={2: 5.0}, **more)
    some = labels < 2
    model.partial_fit(X[some], labels[some], classes=[0, 1, 2])
    model.partial_fit(X, labels)
    model.fit(X, labels, X_val=X[some], y_val=labels[some])
    assert model.predict_proba(X).shape == (ROWS, 3)
    with pytest.raises(ValueError, match="class_weight names classes that do not exist"):
        model.set_params(class_weight={7: 1.0}).fit(X, labels)


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
@both
def test_partial_fit_does_not_undo_what_fit_has_learnt(estimator, schedule):
    """At the rate that a schedule begins with it did."""
    X, y = wavy(estimator)
    options = {"n_estimators": 1, "random_state": 0, "learning_rate_init": 0.01}
    model = estimator(learning_rate=schedule, **options)
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
    expected = last if share is None else share * 0.01
    assert rates[-5:] == pytest.approx([expected] * 5, rel=0.05 if share is None else 1e-6)


def test_partial_fit_after_a_fit_that_was_cut_short_goes_on_at_the_rate():
    X, y = wavy(Regressor)
    options = {"n_estimators": 1, "random_state": 0, "learning_rate_init": 0.01}
    model = Regressor(callbacks=lambda record: record.epoch == 3, **options)
    model.fit(X, y).partial_fit(X, y)
    assert model.learning_rate_curve_[-1] == pytest.approx(0.01)


@pytest.mark.parametrize("options", [LEARNING_PLAIN, LEARNING], ids=["plain", "default"])
def test_partial_fit_learns(options, made):
    X, f, _ = made
    model = Regressor(**options)
    losses = [model.partial_fit(X[:HALF], f[:HALF]).loss_ for _ in range(40)]
    assert losses[-1] < 0.1 * losses[0]
    assert model.score(X[HALF:], f[HALF:]) > 0.95
    assert model.n_iter_ == 40
    assert model.loss_curve_ == losses


def test_partial_fit_is_fit_epoch_by_epoch(made):
    X, f, _ = made
    options = LEARNING_PLAIN | {
        "learning_rate": "constant",
        "early_stopping": False,
        "shuffle": False,
    }
    whole = Regressor(max_iter=3, **options).fit(X, f)
    steps = Regressor(**options)
    for _ in range(3):
        steps.partial_fit(X, f)
    for one, other in zip(whole.coefs_, steps.coefs_, strict=True):
        np.testing.assert_array_equal(one, other)


def test_partial_fit_takes_the_rows_in_another_order_every_time(made):
    X, f, _ = made
    options = LEARNING_PLAIN | {"learning_rate": "constant", "solver": "sgd", "batch_size": 7}
    one, other = (Regressor(**options).partial_fit(X, f) for _ in range(2))
    np.testing.assert_array_equal(one.coefs_[0], other.coefs_[0])
    one.set_params(shuffle=False)
    moved = [
        model.partial_fit(X, f).coefs_[0] - before
        for model, before in ((m, np.array(m.coefs_[0])) for m in (one, other))
    ]
    assert not np.array_equal(*moved)


def test_partial_fit_with_announced_classes(made):
    X, f, _ = made
    y = np.digitize(f, [-1, 1])
    model = Classifier(**LEARNING_PLAIN)
    for label in (0, 1, 2):
        rows = y == label
        model.partial_fit(X[rows], y[rows], classes=[2, 0, 1])
    assert model.classes_.tolist() == [0, 1, 2]
    for _ in range(30):
        model.partial_fit(X[:HALF], y[:HALF])
    assert model.score(X[HALF:], y[HALF:]) > 0.85
    with pytest.raises(ValueError, match="classes must be those of the first call"):
        model.partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match="labels that the model was fitted with"):
        model.partial_fit(X, y + 1)


def test_partial_fit_without_classes_learns_them_from_the_first_call(made):
    X, f, _ = made
    y = f > 0
    model = Classifier(**LEARNING_PLAIN).partial_fit(X, y)
    assert model.classes_.tolist() == [False, True]
    model.partial_fit(X[:1], y[:1])  # one row is enough from then on
    with pytest.raises(ValueError, match="at least two classes"):
        Classifier(**LEARNING_PLAIN).partial_fit(X[y], y[y])
    with pytest.raises(ValueError, match="classes must hold all labels of y"):
        Classifier(**LEARNING_PLAIN).partial_fit(X, y.astype(int), classes=[1, 2])


def test_partial_fit_after_fit_goes_on(made):
    X, f, _ = made
    model = Regressor(max_iter=5, **LEARNING_PLAIN).fit(X[:HALF], f[:HALF])
    before = model.score(X[HALF:], f[HALF:])
    model.set_params(learning_rate="constant")  # or it would go on at 3% of the rate
    for _ in range(10):
        model.partial_fit(X[:HALF], f[:HALF])
    assert model.n_iter_ == 15
    assert model.score(X[HALF:], f[HALF:]) > before


def test_every_network_learns(X, y):
    model = Regressor(**FOLDS).partial_fit(X, y)
    before = np.mean((model.predict(X) - y) ** 2)
    for _ in range(20):
        model.partial_fit(X, y)
    assert len(model.networks_) == 4
    assert [history.n_iter for history in model.histories_] == [21] * 4
    assert np.mean((model.predict(X) - y) ** 2) < before / 2


def test_goes_on_after_the_last_network_was_lost(X, y, monkeypatch):
    recipe = Settings.recipe

    def wild(settings, spec):
        rate = {"learning_rate_init": 1e30} if spec.index == 2 else {}
        return replace(recipe(settings, spec), **rate)

    options = {"preset": "plain", "solver": "sgd", "learning_rate": "constant", "batch_size": 5}
    model = tiny(n_estimators=3, **options)
    with monkeypatch.context() as patched:
        patched.setattr(Settings, "recipe", wild)
        with pytest.warns(RuntimeWarning, match="1 were left out"):
            model.partial_fit(X, y)
    assert len(model.networks_) == 2
    assert np.isfinite(model.partial_fit(X, y).predict(X)).all()
    assert len(model.set_params(warm_start=True).fit(X, y).networks_) == 2


@pytest.mark.parametrize("go_on", ["fit", "partial_fit"])
def test_what_is_kept_of_earlier_calls_does_not_grow(go_on, X, y, monkeypatch):
    """A service calls it for months."""
    monkeypatch.setattr(history, "_KEPT_EPOCHS", 4)
    model = tiny(max_iter=1, warm_start=True, eval_metric="r2" if go_on == "fit" else None)
    sizes, losses, metrics = [], [], []
    for _ in range(12):
        getattr(model, go_on)(X, y)
        sizes.append(len(pickle.dumps(model)))
        losses.append(model.loss_)
        metrics += model.metric_curve_[-1:] if model.metric_curve_ else []
    assert model.n_iter_ == 12
    assert model.loss_curve_ == losses[-5:]
    assert (model.metric_curve_ or []) == metrics[-5:]
    assert len(model.learning_rate_curve_) == 5
    assert max(sizes[5:]) - min(sizes[5:]) < 32  # the digits of numbers
    mpl.use("Agg")
    lines = LossCurveDisplay.from_estimator(model).lines_
    np.testing.assert_array_equal(lines[0].get_xdata(), np.arange(8, 13))


def test_curves_of_networks_with_pasts_of_other_lengths(monkeypatch):
    """Their mean is over the same epochs, those that all of them still know."""
    histories = [
        history.History(n_iter=n_iter, loss_curve=list(range(n_iter - kept, n_iter)))
        for n_iter, kept in ((10, 4), (8, 8), (3, 3))
    ]
    monkeypatch.setattr(FittedModel, "histories", property(lambda model: histories))
    model = object.__new__(FittedModel)
    assert model.curves(lambda one: one.loss_curve) == [[6, 7, 8, 9], [6, 7], []]
    assert model.loss_curve == [6, 7, 8, 9]
