"""time_limit and patience: when training stops."""

from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import make_scorer
from small_tables import TARGETS, X_VAL, X, Y, fitted
from tiny_models import FOLDS, assert_same_arrays, assert_same_weights, both, folded, outputs

from fastmlp import Classifier, Regressor
from fastmlp.ensemble import ensemble_trainer
from fastmlp.ensemble.deadline import Deadline
from fastmlp.ensemble.time_estimates import LEAST_SHARE
from fastmlp.tasks.regression import RegressionTask

LIMIT = 100.0  # s; no test takes as long


@pytest.fixture
def time_for(monkeypatch):
    """Makes fits with time_limit=LIMIT and n_jobs=1 believe that it is enough for so many networks.

    None: no fit may choose.
    """

    def set_to(n_networks):
        def chosen(*arguments):
            raise AssertionError("networks were chosen")

        if n_networks is None:
            monkeypatch.setattr(ensemble_trainer, "n_within", chosen)
            return
        seconds = LIMIT / (n_networks + 0.5) / LEAST_SHARE
        monkeypatch.setattr(
            ensemble_trainer, "estimated_paces", lambda runs, *arguments: [0] * len(runs)
        )
        monkeypatch.setattr(ensemble_trainer, "training_seconds", lambda run, pace: seconds)

    return set_to


@contextmanager
def left_out(n_networks, of):
    """Exactly one warning says so, at a line of this file (or of the helpers of tests)."""
    with pytest.warns(match=f"time for {n_networks} of {of} networks") as record:
        yield
    assert len(record) == 1
    assert "fastmlp" not in Path(record[0].filename).parts


# ---- times as they are


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("target", TARGETS)
def test_tiny_time_limit_leaves_one_epoch_of_one_network(target, n_jobs):
    """Of these few rows an epoch is one minibatch."""
    options = {"learning_rate": "constant", "n_estimators": 4, "n_jobs": n_jobs, "batch_size": 1000}
    with left_out(1, of=4):
        model = fitted(target, time_limit=1e-9, **options)
    assert [history.n_iter for history in model.histories_] == [1]
    assert model.stop_reason_ == "time_limit"
    one_epoch = fitted(target, max_iter=1, **options)
    assert_same_arrays(model.networks_[0].parameters, one_epoch.networks_[0].parameters)


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("n_estimators", [1, 3])
def test_time_limit_ends_long_fits(n_estimators, n_jobs):
    options = {"max_iter": 10**7, "n_iter_no_change": np.inf, "n_jobs": n_jobs}
    with left_out(1, of=3) if n_estimators > 1 else pytest.warns(match="left 0% of the epochs"):
        model = fitted(time_limit=0.2, n_estimators=n_estimators, **options)
    [history] = model.histories_
    assert 1 <= history.n_iter < 10**7
    assert history.stop_reason == "time_limit"
    assert history.best_loss == min(history.validation_curve)
    assert np.isfinite(model.predict(X_VAL)).all()


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("target", TARGETS)
def test_large_time_limit_changes_nothing(target, n_jobs):
    one = fitted(target, n_estimators=3)
    same = fitted(target, n_estimators=3, time_limit=1e6, n_jobs=n_jobs)
    assert_same_weights(one, same)
    np.testing.assert_array_equal(one.predict(X), same.predict(X))
    assert one.learning_rate_curve_ == same.learning_rate_curve_


@both
def test_less_than_an_epoch(estimator):
    """Then the epoch ends early: training is on some of the rows."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(2000, 3))
    y = rows[:, 0] if estimator is Regressor else rows[:, 0] > 0
    model = estimator(n_estimators=1, time_limit=1e-9, batch_size=8, random_state=0)
    with pytest.warns(match=r"less than one epoch, on 0.5% of the rows"):  # 1 of 200 minibatches
        model.fit(rows, y)
    assert model.n_iter_ == 1
    assert model.t_ == 8
    assert len(model.loss_curve_) == len(model.validation_curve_) == 1
    assert np.isfinite(outputs(model, rows)).all()


@pytest.mark.parametrize("early", [False, True])
def test_importances_within_the_time(early, monkeypatch):
    """All rows are scored if there is time for it, else some of them."""
    rows = np.random.default_rng(0).normal(size=(20_000, 3))  # a tenth is held out
    scored = []
    monkeypatch.setattr(
        RegressionTask,
        "score",
        lambda task, outputs, *arguments: float(scored.append(len(outputs)) or 0),
    )
    model = Regressor(
        preset="plain", n_estimators=1, max_iter=1, compute_importances=True, time_limit=LIMIT
    )
    if early:
        monkeypatch.setattr(Deadline, "left", property(lambda deadline: 0.0))
    model.fit(rows, rows[:, 0])
    assert model.feature_importances_.shape == (3,)
    assert scored[0] == 33  # to see how long it takes
    assert scored[1:] == [33 if early else 2000] * 4


def test_importances_of_the_first_network_at_least(monkeypatch):
    monkeypatch.setattr(Deadline, "left", property(lambda deadline: 0.0))
    monkeypatch.setattr(ensemble_trainer, "n_within", lambda seconds, *arguments: len(seconds))
    models = [
        folds(Regressor, X, Y, time_limit=LIMIT, compute_importances=True),
        folds(Regressor, X, Y, n_estimators=1, validation_fraction=0.25, compute_importances=True),
    ]
    importances = [model.feature_importances_ for model in models]
    assert np.isfinite(importances).all()


# ---- what is said of long fits


@pytest.fixture
def believed_long(monkeypatch):
    monkeypatch.setattr(ensemble_trainer, "is_long", lambda *arguments: True)
    return lambda seconds: monkeypatch.setattr(
        ensemble_trainer, "training_seconds", lambda run, pace: seconds
    )


def test_estimates_of_long_fits_are_logged(believed_long, caplog):
    believed_long(3000.0)
    fitted(n_estimators=2, n_jobs=1)
    [record] = caplog.records
    assert (record.name, record.levelname) == ("fastmlp", "WARNING")
    message = record.getMessage()
    assert "up to about 110 min" in message
    assert "preset='fast'" in message
    assert "time_limit" in message


def test_short_fits_say_nothing(believed_long, caplog):
    believed_long(12.0)
    fitted(n_estimators=2, n_jobs=1)
    assert caplog.records == []


def test_a_time_limit_bounds_the_estimate(believed_long, caplog):
    believed_long(3000.0)
    with left_out(1, of=2):
        fitted(n_estimators=2, n_jobs=1, time_limit=LIMIT)
    assert "about 100 s" in caplog.records[0].getMessage()
    caplog.clear()
    with left_out(1, of=2):
        fitted(n_estimators=2, n_jobs=1, time_limit=20)
    assert caplog.records == []


@pytest.mark.parametrize("preset", ["default", "fast"])
def test_a_faster_preset_is_advised_where_there_is_one(preset, believed_long, caplog):
    believed_long(3000.0)
    with pytest.warns(match="More time trains more completely") as record:
        fitted(preset=preset, n_estimators=2, n_jobs=1, time_limit=LIMIT)
    for said in (str(record[0].message), caplog.records[0].getMessage()):
        assert ("preset='fast'" in said) == (preset != "fast")


# ---- networks that are left out


def folds(estimator, X, y, **options):
    """Four networks of four folds, one after the other."""
    return folded(estimator, X, y, **{"n_jobs": 1, "compute_importances": True} | options)


@both
def test_networks_without_time_are_left_out(estimator, time_for):
    every = folds(estimator, X, Y)
    time_for(2)
    with left_out(2, of=4):
        model = folds(estimator, X, Y, time_limit=LIMIT)
    assert len(model.networks_) == len(model.histories_) == 2
    for own, others in zip(model.networks_, every.networks_, strict=False):
        assert_same_arrays(own.parameters, others.parameters)
    for own, others in zip(model.histories_, every.histories_, strict=False):
        assert own.loss_curve == others.loss_curve
        assert own.stop_reason == "max_iter"
    np.testing.assert_array_equal(model.estimator_weights_, [0.5, 0.5])
    assert np.isfinite(outputs(model, X)).all()
    assert np.isfinite(model.feature_importances_).all()
    assert "2 networks" in model.summary()

    # Rows of the folds that no network had held out have no prediction; others that of their own.
    name = "oof_prediction_" if estimator is Regressor else "oof_proba_"
    own, others = getattr(model, name), getattr(every, name)
    assert own.shape == others.shape
    known = np.isfinite(own)
    assert known.sum() == own.size / 2
    np.testing.assert_array_equal(own[known], others[known])


@both
def test_one_network_is_left(estimator, time_for):
    time_for(1)
    with left_out(1, of=4):
        model = folds(estimator, X, Y, time_limit=LIMIT)
    assert [history.n_iter for history in model.histories_] == [6]
    assert model.estimator_weights_ == [1]
    assert not hasattr(model, "oof_prediction_")  # as of any single network
    assert not hasattr(model, "oof_proba_")
    assert np.isfinite(outputs(model, X)).all()
    assert model.feature_importances_.shape == (3,)
    assert "6 epochs" in model.summary()
    if estimator is Classifier:  # a single network is calibrated, on the fold that it has held out
        with left_out(1, of=4):
            raw = folds(estimator, X, Y, time_limit=LIMIT, calibrate=False)
        assert not np.allclose(model.predict_proba(X), raw.predict_proba(X), rtol=1e-3)


@pytest.mark.parametrize(("n_networks", "n_kinds"), [(7, 2), (5, 1)])
@both
def test_kinds_of_networks_that_are_left(estimator, n_networks, n_kinds, time_for):
    time_for(n_networks)
    options = {"n_estimators": 10, "validation_fraction": 0.2, "time_limit": LIMIT}
    with left_out(n_networks, of=10):
        model = folds(estimator, X, Y, **options)
    weights = model.estimator_weights_
    assert weights.size == n_networks
    assert weights.sum() == pytest.approx(1)
    assert len(model._model.ensemble.kinds) == n_kinds
    assert len(set(weights[:5])) == 1
    assert len(set(weights[5:])) == n_kinds - 1
    out_of_fold = model.oof_prediction_ if estimator is Regressor else model.oof_proba_
    assert np.isfinite(out_of_fold).all()  # one round over the folds


def test_progress_counts_the_networks_that_are_trained(time_for, capfd):
    time_for(2)
    with left_out(2, of=4):
        folds(Regressor, X, Y, time_limit=LIMIT, verbose=1)
    epochs, columns = capfd.readouterr().err.splitlines()[-2:]
    assert "12/12 epochs" in epochs
    assert "6/6 columns" in columns  # of both networks, for their importances
    with left_out(2, of=4):
        folds(Regressor, X, Y, time_limit=LIMIT, verbose=2)
    assert capfd.readouterr().out.splitlines()[-1].startswith("Network [2/2], Epoch [6/6]")


def test_ctrl_c_while_others_are_left_out(time_for):
    def stop(record):
        if (record.network, record.epoch) == (1, 3):
            raise KeyboardInterrupt

    time_for(3)
    with pytest.warns() as record:
        model = folds(Regressor, X, Y, time_limit=LIMIT, callbacks=stop)
    messages = [str(warning.message) for warning in record]
    assert len(messages) == 2
    assert "2 of 3 networks were kept" in messages[0]
    assert "time for 3 of 4 networks" in messages[1]
    assert [history.stop_reason for history in model.histories_] == ["max_iter", "interrupted"]


@pytest.mark.parametrize("verbose", [0, 1])
def test_warning_as_an_error_leaves_no_model(verbose, time_for, capfd):
    time_for(1)
    model = Regressor(**FOLDS, time_limit=LIMIT, n_jobs=1, verbose=verbose)
    with pytest.raises(UserWarning, match="time for 1 of 4"):
        model.fit(X, Y)
    assert not hasattr(model, "histories_")
    assert capfd.readouterr().err.endswith("\n" * verbose)


# ---- training that goes on


def test_partial_fit_trains_all_networks(time_for):
    time_for(None)
    model = Regressor(**FOLDS, time_limit=1e-9)
    for epochs in (1, 2):
        model.partial_fit(X, Y)
        assert [history.n_iter for history in model.histories_] == [epochs] * 4


def test_warm_start_trains_all_networks(time_for):
    time_for(None)
    model = Regressor(**FOLDS | {"batch_size": 1000}, warm_start=True).fit(X, Y)
    with pytest.warns(match="left 17% of the epochs"):
        model.set_params(time_limit=1e-9).fit(X, Y)
    assert [history.n_iter for history in model.histories_] == [7] * 4
    assert model.stop_reason_ == "time_limit"


def test_warm_start_goes_on_with_the_networks_that_are_left(time_for):
    time_for(2)
    with left_out(2, of=4):
        model = folds(Regressor, X, Y, time_limit=LIMIT, warm_start=True)
    unknown = np.isnan(model.oof_prediction_)
    time_for(None)
    model.fit(X, Y)
    assert [history.n_iter for history in model.histories_] == [12, 12]
    np.testing.assert_array_equal(np.isnan(model.oof_prediction_), unknown)


# ---- patience


def stopped_after(best, **options):
    """Epochs of a fit whose metric is best at that epoch."""
    costs = iter(abs(epoch - best) for epoch in range(1, 10_000))
    options = {"max_iter": 1000, "hidden_layer_sizes": 2} | options
    cost = make_scorer(lambda y_true, y_pred: next(costs), greater_is_better=False)
    model = fitted(eval_metric=cost, **options)
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
