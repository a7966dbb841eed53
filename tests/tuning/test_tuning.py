"""fastmlp.tuning: the search space, and pruning of Optuna's trials."""

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import HalvingRandomSearchCV, ParameterSampler, RandomizedSearchCV
from small_tables import X, Y
from tiny_models import FOLDS, TINY

from fastmlp import Classifier, Regressor
from fastmlp.tuning import OptunaPruning, space

QUICK = {"n_estimators": 1, "max_iter": 1, "random_state": 0}


@pytest.mark.parametrize("kind", ["sklearn", "dict"])
def test_all_parameters_exist(kind):
    assert set(space(kind)) <= set(Regressor().get_params()) & set(Classifier().get_params())


def test_the_description_is_plain():
    described = space("dict")
    assert json.loads(json.dumps(described))["dropout"] == described["dropout"]
    for one in described.values():
        if one["type"] == "choice":
            assert one["values"][0] == "auto"
        else:
            assert one["low"] < one["high"]


def test_ranges_are_the_same_in_all_forms():
    described, distributions = space("dict"), space("sklearn")
    for name, one in described.items():
        if one["type"] == "choice":
            assert distributions[name] == one["values"]
            continue
        assert distributions[name].support() == pytest.approx((one["low"], one["high"]))
        assert isinstance(distributions[name].dist, type(loguniform)) == one["log"]


def test_every_choice_can_be_fitted():
    distributions = space("sklearn")
    most = max(len(one) for one in distributions.values() if isinstance(one, list))
    for number in range(most):
        chosen = {
            name: one[number % len(one)] if isinstance(one, list) else one.rvs(random_state=number)
            for name, one in distributions.items()
        }
        Regressor(**QUICK | chosen).fit(X[:40], Y[:40])


@pytest.mark.parametrize(
    "search",
    [
        lambda model, space: RandomizedSearchCV(model, space, n_iter=2, cv=2, random_state=0),
        lambda model, space: HalvingRandomSearchCV(
            model,
            space,
            resource="max_iter",
            min_resources=1,
            max_resources=2,
            n_candidates=2,
            cv=2,
            random_state=0,
        ),
    ],
    ids=["random", "halving"],
)
def test_searches_of_scikit_learn(search):
    parameters = {key: value for key, value in QUICK.items() if key != "max_iter"}
    found = search(Regressor(**parameters | {"max_iter": 2}), space("sklearn")).fit(X[:60], Y[:60])
    assert set(found.best_params_) >= set(space("dict"))
    assert len(list(ParameterSampler(space("sklearn"), 3, random_state=0))) == 3


def test_unknown_kind():
    with pytest.raises(ValueError, match="kind must be 'optuna', 'sklearn' or 'dict'; got 'grid'"):
        space("grid")


# ---- with Optuna


def test_suggestions_of_a_trial():
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    suggest, suggested = space("optuna"), []

    def objective(trial):
        suggested.append(suggest(trial))
        return float(len(suggested))

    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(objective, n_trials=20)
    assert suggest(study.best_trial) == suggested[0]  # with what was recorded
    sizes = {one["hidden_layer_sizes"] for one in suggested}
    assert any(isinstance(size, tuple) for size in sizes)
    assert {name: type(suggested[0][name]) for name in ("dropout", "weight_decay")} == {
        "dropout": float,
        "weight_decay": float,
    }


def test_pruned_trials_of_a_study():
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    model = Regressor(**FOLDS | {"max_iter": 30})

    def objective(trial):
        rate = trial.suggest_categorical("rate", [0.05, 1e-6])
        model.set_params(learning_rate_init=rate).fit(X, Y, callbacks=OptunaPruning(trial))
        return float(np.mean((Y - model.oof_prediction_) ** 2))

    study = optuna.create_study(
        sampler=optuna.samplers.GridSampler({"rate": [0.05, 1e-6]}, seed=1),
        pruner=optuna.pruners.ThresholdPruner(upper=0.8, n_warmup_steps=25),
    )
    study.optimize(objective, n_trials=2)
    states = {trial.params["rate"]: trial.state.name for trial in study.trials}
    assert states == {0.05: "COMPLETE", 1e-6: "PRUNED"}
    good = next(trial for trial in study.trials if trial.params["rate"] == 0.05)
    assert list(good.intermediate_values) == list(range(1, 31))  # of the first network alone


class TrialPruned(Exception):
    """Stands for Optuna's, where it is not installed."""


def trial_that_prunes_at(epoch, *directions):
    reported = {}
    return SimpleNamespace(
        study=SimpleNamespace(directions=[SimpleNamespace(name=one) for one in directions]),
        report=lambda value, step: reported.update({step: value}),
        should_prune=lambda: len(reported) == epoch,
        reported=reported,
    )


def test_a_pruned_fit_leaves_the_estimator(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", SimpleNamespace(TrialPruned=TrialPruned))
    model = Regressor(**FOLDS).fit(X, Y)
    before, trial = model.predict(X), trial_that_prunes_at(3)
    with pytest.raises(TrialPruned, match="pruned after 3 epochs"):
        model.fit(X, Y, callbacks=OptunaPruning(trial))
    np.testing.assert_array_equal(model.predict(X), before)
    assert list(trial.reported) == [1, 2, 3]


@pytest.mark.parametrize(
    ("arguments", "rows", "measure"),
    [
        ({}, "validation", "r2"),
        ({"metric": "loss"}, "validation", "loss"),
        ({"metric": "neg_mean_absolute_error", "rows": "new"}, "new", "neg_mean_absolute_error"),
        ({"rows": "new"}, "new", "r2"),
    ],
)
def test_what_is_reported(arguments, rows, measure):
    trial = trial_that_prunes_at(-1)
    model = Regressor(**TINY, n_estimators=2, eval_metric=["r2", "neg_mean_absolute_error"])
    model.fit(X, Y, eval_set=[("new", X, Y)], callbacks=OptunaPruning(trial, **arguments))
    curve = model.histories_[0].evals_result[rows][measure]
    assert list(trial.reported.values()) == curve


@pytest.mark.parametrize(
    ("metric", "right", "wrong", "advice"),
    [
        ("loss", "MINIMIZE", "MAXIMIZE", "Pass a score of eval_metric as metric"),
        ("r2", "MAXIMIZE", "MINIMIZE", "Pass metric='loss'"),
        ("mine", "MINIMIZE", "MAXIMIZE", "direction='minimize'"),
    ],
)
def test_a_metric_goes_in_the_direction_of_the_study(metric, right, wrong, advice):
    metrics = {"r2": "r2", "mine": lambda y, predicted: 1.0}
    model = Regressor(**TINY, n_estimators=1, eval_metric=metrics)
    trial = trial_that_prunes_at(-1, wrong)
    with pytest.raises(ValueError, match=f"report '{metric}'.*{wrong.lower()}.*{advice}"):
        model.fit(X, Y, callbacks=OptunaPruning(trial, metric))
    assert not trial.reported
    trial = trial_that_prunes_at(-1, right)
    model.fit(X, Y, callbacks=OptunaPruning(trial, metric))
    assert trial.reported


def test_the_direction_of_a_study_of_optuna():
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    model = Regressor(**TINY, n_estimators=1, eval_metric="r2")
    trial = optuna.create_study(direction="minimize").ask()
    with pytest.raises(ValueError, match="OptunaPruning cannot report 'r2'"):
        model.fit(X, Y, callbacks=OptunaPruning(trial))
    trial = optuna.create_study(direction="maximize").ask()
    model.fit(X, Y, callbacks=OptunaPruning(trial))
    model.fit(X, Y, callbacks=OptunaPruning(optuna.trial.FixedTrial({})))


def test_what_is_no_trial_of_one_objective():
    with pytest.raises(TypeError, match=r"trial must be a trial of Optuna.*got None"):
        OptunaPruning(None)
    with pytest.raises(ValueError, match=r"a study with one objective.*this one has 2"):
        OptunaPruning(trial_that_prunes_at(-1, "MINIMIZE", "MAXIMIZE"))


def test_what_is_not_measured():
    model = Regressor(**TINY, n_estimators=1)
    for arguments in ({"metric": "r2"}, {"rows": "new"}):
        with pytest.raises(ValueError, match=r"the fit measures {'validation': \['loss'\]}"):
            model.fit(X, Y, callbacks=OptunaPruning(trial_that_prunes_at(-1), **arguments))
    model.set_params(early_stopping=False)
    with pytest.raises(ValueError, match="needs the metric 'loss' on the rows 'validation'"):
        model.fit(X, Y, callbacks=OptunaPruning(trial_that_prunes_at(-1)))
