"""Callbacks: how they stop a fit, and what becomes of their exceptions."""

import copy

import numpy as np
import pytest
from endless_fits import ALONE_OR_SEVERAL, endless
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from tiny_models import FOLDS, THREE, folded, tiny, weights_of

from fastmlp import Regressor
from fastmlp.estimators import after_training


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_callback_stops_one_network_of_several(n_jobs, many_rows):
    model = endless(
        callbacks=lambda record: record.epoch == 2 + record.network,
        **THREE | {"n_jobs": n_jobs},
    ).fit(*many_rows)
    assert [history.n_iter for history in model.histories_] == [2, 3, 4]
    assert {history.stop_reason for history in model.histories_} == {"callback"}
    assert model.n_iter_ == len(model.loss_curve_) == len(model.validation_curve_) == 4
    assert model.stop_reason_ == "callback"


def test_callback_returning_true_stops(many_rows):
    model = endless(callbacks=lambda record: record.epoch == 4).fit(*many_rows)
    assert model.n_iter_ == 4
    assert model.stop_reason_ == "callback"
    assert len(model.loss_curve_) == len(model.validation_curve_) == 4


def test_all_callbacks_are_told(many_rows):
    first, second = [], []
    model = endless(
        callbacks=[
            lambda record: first.append(record) or record.epoch >= 2,
            lambda record: second.append(record),
        ]
    ).fit(*many_rows)
    assert first == second
    assert [record.epoch for record in first] == [1, 2]
    assert [record.loss for record in first] == model.loss_curve_
    assert [record.validation_loss for record in first] == model.validation_curve_
    assert [record.learning_rate for record in first] == model.learning_rate_curve_


class Failed(Exception):
    pass


def fails(record):
    if record.epoch == 2:
        raise Failed("on purpose")


@ALONE_OR_SEVERAL
def test_exception_in_a_callback_leaves_an_unfitted_estimator_unfitted(options, many_rows):
    model = endless(callbacks=fails, **options)
    before = dict(model.__dict__)
    with pytest.raises(Failed, match="on purpose"):
        model.fit(*many_rows)
    assert model.__dict__ == before


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_exception_for_one_network_ends_all(n_jobs, many_rows):
    """The others would go on for ever."""

    def fails_for_the_first(record):
        if (record.network, record.epoch) == (0, 2):
            raise Failed("on purpose")

    model = endless(callbacks=fails_for_the_first, **THREE | {"n_jobs": n_jobs})
    with pytest.raises(Failed, match="on purpose"):
        model.fit(*many_rows)
    assert set(vars(model)) == set(model.get_params())


@ALONE_OR_SEVERAL
@pytest.mark.parametrize("warm_start", [False, True])
def test_exception_in_a_callback_leaves_a_fitted_model_as_it_was(many_rows, warm_start, options):
    X, y = many_rows
    model = endless(max_iter=3, warm_start=warm_start, **options).fit(X, y)
    prediction, weights = model.predict(X), weights_of(model)
    curve, steps, histories = list(model.loss_curve_), model.t_, copy.deepcopy(model.histories_)
    rates, last = list(model.learning_rate_curve_), len(model.networks_) - 1

    def fails_late(record):
        if (record.network, record.epoch) == (last, 3):
            raise Failed

    for callback in (fails, fails_late):
        model.set_params(max_iter=5, callbacks=callback)
        with pytest.raises(Failed):
            model.fit(X, -y)
        np.testing.assert_array_equal(model.predict(X), prediction)
        for one, other in zip(weights_of(model), weights, strict=True):
            np.testing.assert_array_equal(one, other)
        assert model.loss_curve_ == curve
        assert model.learning_rate_curve_ == rates
        assert model.histories_ == histories
        assert model.t_ == steps


@ALONE_OR_SEVERAL
def test_failing_continuation_does_not_change_what_comes_next(options, many_rows):
    """Optimiser state and dropout masks go on where they were before the failed call."""
    X, y = many_rows

    def after(fail: bool):
        model = endless(max_iter=2, warm_start=True, dropout=0.2, **options).fit(X, y)
        if fail:
            with pytest.raises(Failed):
                model.set_params(max_iter=5, callbacks=fails).fit(X, -y)
            model.set_params(max_iter=2, callbacks=None)
        return model.fit(X, y).predict(X)

    np.testing.assert_array_equal(after(True), after(False))


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_callbacks_are_told_of_every_network(n_jobs, X, y):
    seen = []
    model = folded(Regressor, X, y, n_jobs=n_jobs, callbacks=seen.append)
    assert {(r.network, r.epoch) for r in seen} == {(n, e) for n in range(4) for e in range(1, 7)}
    for record in seen:
        curve = model.histories_[record.network].validation_curve
        assert record.validation_loss == curve[record.epoch - 1]


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("warm_start", [False, True])
def test_exception_in_a_callback_leaves_the_model_alone(warm_start, n_jobs, X, y):
    def fails(record):
        if record.network == 2 and record.epoch == 3:
            raise RuntimeError("on purpose")

    model = folded(Regressor, X, y, n_jobs=n_jobs, warm_start=warm_start)
    before, state = model.predict(X), set(vars(model))
    with pytest.raises(RuntimeError, match="on purpose"):
        model.set_params(callbacks=fails).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), before)
    assert set(vars(model)) == state
    assert [history.n_iter for history in model.histories_] == [6] * 4


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_interrupted_by_a_callback(n_jobs, X, y):
    def interrupts(record):
        if record.network == 1 and record.epoch == 3:
            raise KeyboardInterrupt

    model = Regressor(**FOLDS, n_jobs=n_jobs, callbacks=interrupts)
    with pytest.warns(UserWarning, match=r"interrupted by user. \d of 4 networks were kept"):
        model.fit(X, y)
    reasons = [history.stop_reason for history in model.histories_]
    assert "interrupted" in reasons
    assert len(model.networks_) == len(reasons)
    assert np.isfinite(model.predict(X)).all()
    if n_jobs == 1:
        assert [history.n_iter for history in model.histories_] == [6, 3]
        assert np.isfinite(model.oof_prediction_).sum() == 30  # of two folds


# ---- Ctrl-C after training


@pytest.mark.parametrize("place", ["learn_from_held_out", "importances_of"])
def test_ctrl_c_after_training_keeps_the_networks(place, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    X = np.random.default_rng(0).normal(size=(60, 3))
    options = THREE | {"compute_importances": True}
    whole = tiny(Regressor, **options).fit(X, X[:, 0])
    monkeypatch.setattr(after_training, place, interrupted)
    missing = "their weights are equal" if place == "learn_from_held_out" else "importances_ are"
    with pytest.warns(match=f"after training. The networks were kept; .*{missing}"):
        model = tiny(Regressor, **options).fit(X, X[:, 0])
    with pytest.warns(match=missing):
        tiny(Regressor, **options).fit(X, X[:, 0], X_val=X, y_val=X[:, 0])
    assert len(model.networks_) == 3
    np.testing.assert_array_equal(model.predict(X), whole.predict(X))
    assert not hasattr(model, "feature_importances_")


@ALONE_OR_SEVERAL
def test_callbacks_of_fit_are_called_after_those_of_the_parameter(options, many_rows):
    told = []
    model = endless(callbacks=lambda record: told.append(("parameter", record)), **options)
    model.fit(*many_rows, callbacks=[lambda record: told.append(("fit", record)) or True])
    assert [who for who, _ in told] == ["parameter", "fit"] * (len(told) // 2)
    assert [record for _, record in told[::2]] == [record for _, record in told[1::2]]
    assert model.stop_reason_ == "callback"


def test_callbacks_of_fit_are_not_kept(X, y):
    told = []
    model = tiny(warm_start=True).fit(X, y, callbacks=told.append)
    assert model.callbacks is None
    assert set(vars(model)) == {*model.get_params(), "_model"}
    told.clear()
    model.fit(X, y).partial_fit(X, y)
    assert told == []


@pytest.mark.parametrize("bad", [3, [3], "print", [lambda record: None, "print"]])
def test_bad_callbacks_of_fit(bad, X, y):
    with pytest.raises(TypeError, match="callbacks must be callable, or a sequence of callables"):
        tiny().fit(X, y, callbacks=bad)


def test_callbacks_of_fit_in_a_pipeline(X, y):
    told = []
    pipeline = make_pipeline(StandardScaler(), tiny())
    pipeline.fit(X, y, regressor__callbacks=told.append)
    assert len(told) == 3
