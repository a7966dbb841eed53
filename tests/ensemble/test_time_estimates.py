"""How many networks there is time for, and the pilots that estimate their time."""

from dataclasses import replace

import numpy as np
import pytest
from tiny_models import FOLDS, both, target

from fastmlp import Classifier, Regressor
from fastmlp.ensemble import ensemble_trainer
from fastmlp.ensemble.time_estimates import (
    estimated_paces,
    handed_over_seconds,
    least_share,
    n_within,
    training_seconds,
    wall_seconds,
)

EQUAL, UNEQUAL = [10.0] * 10, [20.0] * 5 + [10.0] * 5


def test_rounds_follow_each_other():
    # Five networks and four more on five threads take the time of two; so do five and three. Of two
    # each has two threads.
    assert n_within([10.0] * 9, 10.0, 5, n_first=5, share=0.5) == 9
    assert n_within([10.0] * 9, 9.9, 5, n_first=5, share=0.5) == 7
    assert n_within([10.0] * 9, 9.9, 9, n_first=9, share=0.5) == 9
    assert n_within([10.0] * 9, 9.9, 9, n_first=5, share=0.5) == 9
    assert wall_seconds([3.0, 1.0, 2.0], 2) == 5
    assert wall_seconds([], 2) == 0


def test_threads_without_a_network_join_the_others():
    assert handed_over_seconds([], 2) == 0
    assert handed_over_seconds([2.0, 2.0], 2) == 2
    assert handed_over_seconds([1.0], 4) == pytest.approx(1 / 4**0.8)
    # The third one begins on one thread, and has both as soon as the second has ended.
    assert handed_over_seconds([1.0, 2.0, 3.0], 2) == pytest.approx(2 + 2 / 2**0.8)
    assert handed_over_seconds([3.0, 1.0, 1.0], 1) == 5
    assert handed_over_seconds([0.0] * 5, 2) == 0


@pytest.mark.parametrize(
    ("seconds", "time_limit", "n_threads", "expected"),
    [
        (EQUAL, 1000, 1, 10),
        (EQUAL, 50, 1, 10),
        (EQUAL, 49.9, 1, 9),
        (EQUAL, 12, 1, 2),
        (EQUAL, 1e-9, 1, 1),
        (EQUAL, -1, 1, 1),  # the pilots took all of it
        # Side by side
        (EQUAL, 25, 2, 10),
        (EQUAL, 24.9, 2, 8),  # the ninth would need a fifth round
        (EQUAL, 5, 2, 2),
        (EQUAL, 4.9, 2, 1),
        (EQUAL, 10, 5, 10),
        (EQUAL, 9.9, 5, 5),
        # More threads than networks: they are shared
        (EQUAL, 5, 16, 10),
        (EQUAL, 4.9, 16, 8),
        (EQUAL, 3, 16, 5),
        (EQUAL, 1e-9, 16, 1),
        # Those of the second half take half the time
        (UNEQUAL, 75, 1, 10),
        (UNEQUAL, 74, 1, 9),
        (UNEQUAL, 49, 1, 4),
        (UNEQUAL, 30, 2, 6),
        ([10.0], 1e-9, 4, 1),
    ],
)
def test_number_of_networks(seconds, time_limit, n_threads, expected):
    assert n_within(seconds, time_limit, n_threads, len(seconds), 0.5) == expected


@pytest.fixture
def pilots(monkeypatch):
    """Runs, their state before and after the pilots, and the paces that each fit found."""
    seen = []

    def spy(runs, *arguments):
        before = state(runs)
        paces = estimated_paces(runs, *arguments)
        seen.append((runs, before, state(runs), paces))
        return paces

    monkeypatch.setattr(ensemble_trainer, "estimated_paces", spy)
    return seen


def state(runs):
    """All that training reads of members, and the random numbers of NumPy."""
    arrays = [np.random.get_state()[1].copy()]  # noqa: NPY002
    for run in runs:
        network, optimizer = run.member.network, run.member.optimizer._engine
        arrays += [np.array(network._engine.steps), np.array(optimizer.steps)]
        arrays += [np.array(values) for values in network.parameters]
        arrays += [np.array(values) for values in optimizer.moments()]
        arrays += [np.array(run.options["seed"]), np.array(network._engine.seed)]
        assert run.trained is None
    return arrays


@pytest.mark.parametrize("n_jobs", [1, 3])
@both
def test_pilots_change_nothing(estimator, n_jobs, pilots, X, y):
    options = FOLDS | {"n_estimators": 10, "n_jobs": n_jobs, "time_limit": 1000}
    estimator(**options).fit(X, target(estimator, y))
    [(runs, before, after, seconds)] = pilots
    assert len(seconds) == len(runs) == 10
    assert {run.member.recipe.spec.kind for run in runs} == {"periodic", "piecewise"}
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)


def test_estimates_follow_rows_and_epochs(pilots, X, y):
    options = FOLDS | {"time_limit": 1000, "random_state": 0}
    Regressor(**options, early_stopping=False).fit(X, y)
    Regressor(**options).fit(X, y)
    for runs, _, _, paces in pilots:
        assert min(paces) > 0
        seconds = [training_seconds(run, pace) for run, pace in zip(runs, paces, strict=True)]
        expected = [
            run.options["max_iter"]
            * (run.train.n_rows + (run.validation.n_rows if run.validation else 0) / 3)
            for run in runs
        ]
        np.testing.assert_allclose(np.array(seconds) / seconds[0], np.array(expected) / expected[0])


def test_no_pilot_for_short_fits_and_single_epochs(pilots, X, y):
    Regressor(**FOLDS).fit(X, y)
    Regressor(**FOLDS, time_limit=1000).partial_fit(X, y)
    assert pilots == []


@pytest.mark.parametrize(
    "options",
    [
        {"loss": "quantile", "quantile": [0.1, 0.9]},
        {"dtype": "float64", "batch_size": 7, "solver": "sgd"},
        {"eval_metric": "r2", "n_iter_no_change": 1, "max_iter": 1},
        {"preset": "plain", "batch_size": 10**9},
    ],
)
def test_pilots_of_all_sorts(options, pilots, X, y):
    model = Regressor(**FOLDS | {"time_limit": 1000} | options).fit(X, y)
    same = Regressor(**FOLDS | options).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), same.predict(X))
    assert np.isfinite(pilots[0][3]).all()


def test_pilots_of_rows_without_weight(pilots):
    """The pilots' loss is not a number, but they take as long as others."""
    rng = np.random.default_rng(0)
    X, weights = rng.normal(size=(1500, 3)), np.repeat([0.0, 1.0], 750)
    options = FOLDS | {"max_iter": 1, "shuffle": False}
    labels = np.column_stack([X[:, 0] > 0, X[:, 1] > 0]).astype(int)
    model = Classifier(**options, time_limit=1000).fit(X, labels, sample_weight=weights)
    same = Classifier(**options).fit(X, labels, sample_weight=weights)
    np.testing.assert_array_equal(model.predict_proba(X), same.predict_proba(X))
    assert np.isfinite(pilots[0][3]).all()


@pytest.mark.parametrize(("kind", "share"), [("large", 0.8), ("periodic", 0.5)])
def test_networks_of_large_tables_are_trained_more_completely(kind, share, pilots, X, y):
    Regressor(**FOLDS | {"time_limit": 1000}).fit(X, y)
    [(runs, *_)] = pilots
    member = runs[0].member
    spec = replace(member.recipe.spec, kind=kind)
    run = replace(runs[0], member=replace(member, recipe=replace(member.recipe, spec=spec)))
    assert least_share(run) == share
    assert n_within([10.0, 10.0], 15.9, 1, 2, least_share(run)) == (1 if kind == "large" else 2)
