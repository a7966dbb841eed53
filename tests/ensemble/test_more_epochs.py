"""Networks that are trained longer where the first round says that it pays."""

from types import SimpleNamespace

import numpy as np
import pytest
from tiny_models import both, recipe_kinds, target

from fastmlp import Regressor
from fastmlp.ensemble.more_epochs import first_round, gain_of_last_cycle
from fastmlp.ensemble.training_run import TrainingRun

# Two rounds of two networks.
ROUNDS = {
    "hidden_layer_sizes": 8,
    "n_estimators": 4,
    "validation_fraction": 0.5,
    "random_state": 0,
}


def a_member(curve, epochs=15, kind="periodic"):
    history = SimpleNamespace(validation_curve=curve)
    recipe = SimpleNamespace(spec=SimpleNamespace(kind=kind), max_iter=epochs)
    return SimpleNamespace(history=history, recipe=recipe)


def test_gain_is_that_of_the_last_eight_fifteenths():
    halved = [4.0] * 6 + [2.0] + [3.0] * 7 + [1.0]  # after the third cycle 2, in the end 1
    assert gain_of_last_cycle([a_member(halved)]) == 0.5
    assert gain_of_last_cycle([a_member(halved), a_member([6.0] * 15)]) == 1 - 7 / 8
    assert gain_of_last_cycle([a_member([2.0, 1.0])]) == 0  # stopped in the first cycles
    assert gain_of_last_cycle([a_member([]), a_member(halved)]) == 0.5  # one diverged
    assert gain_of_last_cycle([a_member([])]) == 0
    assert gain_of_last_cycle([a_member([0.0] * 15)]) == 0
    assert gain_of_last_cycle([a_member([*halved, 0.5])]) == 0.5  # of a warm start's epochs nothing


def test_first_round_ends_before_another_kind():
    runs = [SimpleNamespace(member=a_member([], kind=kind)) for kind in ("a", "a", "b", "a")]
    assert first_round(runs) == 2
    assert first_round(runs[:2]) == 2


@pytest.fixture
def decide(monkeypatch):
    """Let every first round have gained enough, or none."""

    def set_to(longer):
        monkeypatch.setattr(
            "fastmlp.ensemble.more_epochs.LEAST_GAIN", -np.inf if longer else np.inf
        )

    return set_to


@both
@pytest.mark.parametrize("longer", [False, True])
def test_long_networks_take_the_place_of_the_second_kind(longer, estimator, X, y, decide):
    decide(longer)
    model = estimator(**ROUNDS).fit(X, target(estimator, y))
    first, second = (
        ("periodic", "piecewise") if estimator is Regressor else ("piecewise", "periodic")
    )
    assert recipe_kinds(model) == [first] * 2 + ["long" if longer else second] * 2
    assert [member.recipe.spec.index for member in model._model.members] == [0, 1, 2, 3]
    epochs = [member.recipe.max_iter for member in model._model.members]
    assert epochs[3] == epochs[0] * (longer * (4 if estimator is Regressor else 2) or 1)
    assert len(model.estimator_weights_) == 4
    if estimator is Regressor:
        assert not np.isnan(model.oof_prediction_).any()


@pytest.mark.parametrize(
    "given",
    [
        {"max_iter": 5},
        {"learning_rate": "cosine"},
        {"early_stopping": False},
        {"preset": "plain"},
        {"n_estimators": 2},
    ],
)
def test_what_the_user_chose_is_kept(given, X, y, decide):
    decide(True)
    assert "long" not in recipe_kinds(Regressor(**ROUNDS | given).fit(X, y))


@pytest.mark.parametrize("n_jobs", [2, 3, 4, 8])  # from four on, all networks begin at once
@pytest.mark.parametrize("longer", [False, True])
def test_bits_do_not_depend_on_threads(longer, n_jobs, X, y, decide):
    decide(longer)
    one, other = (Regressor(**ROUNDS, n_jobs=n).fit(X, y) for n in (1, n_jobs))
    assert recipe_kinds(one) == recipe_kinds(other)
    assert ("long" in recipe_kinds(one)) == longer
    np.testing.assert_array_equal(one.predict(X), other.predict(X))
    np.testing.assert_array_equal(one.oof_prediction_, other.oof_prediction_)


def test_a_warm_start_goes_on_with_long_networks(X, y, decide):
    decide(True)
    model = Regressor(**ROUNDS, warm_start=True).fit(X, y)
    before = [history.n_iter for history in model.histories_]
    model.fit(X, y)
    assert recipe_kinds(model) == ["periodic"] * 2 + ["long"] * 2
    assert all(h.n_iter > n for h, n in zip(model.histories_, before, strict=True))


def test_a_generous_time_limit_changes_nothing(X, y, decide):
    decide(True)
    free, limited = (Regressor(**ROUNDS, time_limit=limit).fit(X, y) for limit in (None, 1e6))
    assert "long" in recipe_kinds(limited)
    np.testing.assert_array_equal(free.predict(X), limited.predict(X))


def test_a_callback_that_raises_in_the_first_round_ends_the_fit(X, y, decide):
    decide(True)

    def interrupts(record):
        raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted"):
        model = Regressor(**ROUNDS, callbacks=interrupts).fit(X, y)
    assert "long" not in recipe_kinds(model)


def test_larger_tables_are_not_trained_longer(decide):
    decide(True)
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(2501, 2)), rng.normal(size=2501)
    options = ROUNDS | {"hidden_layer_sizes": 1, "n_iter_no_change": 1}
    assert "long" in recipe_kinds(Regressor(**options).fit(X[:2500], y[:2500]))
    assert "long" not in recipe_kinds(Regressor(**options).fit(X, y))


def test_networks_of_the_first_kind_stay(X, y, decide):
    decide(True)
    model = Regressor(**ROUNDS | {"n_estimators": 7, "n_iter_no_change": 1}).fit(X, y)
    assert recipe_kinds(model) == ["periodic"] * 2 + ["long"] * 2 + ["periodic"] * 2 + ["long"]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_ctrl_c_between_the_rounds_keeps_the_first(n_jobs, X, y, decide, monkeypatch):
    decide(True)

    def interrupted(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("fastmlp.ensemble.more_epochs.longer_spec", interrupted)
    with pytest.warns(UserWarning, match="2 of 4 networks were kept"):
        model = Regressor(**ROUNDS, n_jobs=n_jobs).fit(X, y)
    assert recipe_kinds(model) == ["periodic"] * 2


def test_ctrl_c_between_two_networks_keeps_the_trained_ones(X, y, decide, monkeypatch):
    decide(False)
    run = TrainingRun.run

    def until_the_third(self, *args, **options):
        if self.index == 2:
            raise KeyboardInterrupt
        run(self, *args, **options)

    monkeypatch.setattr(TrainingRun, "run", until_the_third)
    with pytest.warns(UserWarning, match="2 of 4 networks were kept"):
        model = Regressor(**ROUNDS, n_jobs=1).fit(X, y)
    assert len(model.networks_) == 2


@pytest.mark.parametrize("n_jobs", [1, 2, 8])
def test_an_exception_in_the_second_round_leaves_the_model(n_jobs, X, y, decide):
    decide(True)
    model = Regressor(**ROUNDS, n_jobs=n_jobs).fit(X, y)
    before = model.predict(X)

    def fails(record):
        if record.network > 1:
            raise ZeroDivisionError

    model.set_params(callbacks=fails)
    with pytest.raises(ZeroDivisionError):
        model.fit(X, y)
    np.testing.assert_array_equal(model.predict(X), before)


def test_smooth_functions_gain_and_noise_does_not():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 3))
    smooth = np.sin(3 * X[:, 0]) * X[:, 1] + X[:, 2]
    options = ROUNDS | {"hidden_layer_sizes": "auto"}
    assert "long" in recipe_kinds(Regressor(**options).fit(X, smooth))
    assert "long" not in recipe_kinds(Regressor(**options).fit(X, rng.normal(size=300)))
