"""What verbose=1 and verbose=2 print."""

import math
import re

import numpy as np
import pytest
from tiny_models import THREE, both, outputs, target, tiny

from fastmlp import EpochRecord, Regressor
from fastmlp.ensemble import fitted_model
from fastmlp.ensemble.progress import Progress

several = pytest.mark.parametrize("n_jobs", [1, 2])


def fitted(verbose, estimator=Regressor, **options):
    X = np.random.default_rng(0).normal(size=(50, 3))
    model = tiny(estimator, **{"max_iter": 5, "verbose": verbose} | options)
    return model.fit(X, target(estimator, X[:, 0]))


@pytest.mark.parametrize("preset", ["plain", "default"])
@both
@pytest.mark.parametrize("verbose", [0, False])
def test_silent_by_default(verbose, estimator, preset, capfd):
    fitted(verbose, estimator, preset=preset)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("verbose", [1, True])
def test_progress_bar_on_stderr(verbose, capfd):
    model = fitted(verbose)
    out, err = capfd.readouterr()
    assert out == ""
    last = re.split(r"[\r\n]+", err.strip())[-1]
    assert "5/5" in last
    rmse = np.sqrt(model.validation_curve_[-1]) * model._model.task.unit[0]
    assert f"validation RMSE {rmse:.4g}" in last


def test_progress_bar_without_a_validation_part(capfd):
    fitted(1, early_stopping=False)
    err = capfd.readouterr().err
    assert "training loss" in err
    assert "validation" not in err


@several
def test_one_progress_bar_for_several_networks(n_jobs, capfd):
    fitted(1, **THREE, n_jobs=n_jobs)
    out, err = capfd.readouterr()
    assert out == ""
    assert "15/15" in re.split(r"[\r\n]+", err.strip())[-1]
    assert err.count("\n") == 1


@pytest.mark.parametrize("options", [{}, THREE | {"n_jobs": 2}], ids=["one", "several"])
def test_progress_bar_is_closed_after_an_error(options, capfd):
    def fails(record):
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        fitted(1, callbacks=fails, **options)
    assert capfd.readouterr().err.endswith("\n")


@pytest.mark.parametrize("verbose", [2, 3])
def test_line_per_epoch_on_stdout(verbose, capfd):
    model = fitted(verbose)
    out, err = capfd.readouterr()
    curves = zip(model.loss_curve_, model.validation_curve_, strict=True)
    assert out.splitlines() == [
        f"Epoch [{epoch}/5], Loss: {loss:.4f}, Val Loss: {val:.4f}"
        for epoch, (loss, val) in enumerate(curves, 1)
    ]
    assert err == ""


def test_line_without_a_validation_part(capfd):
    model = fitted(2, early_stopping=False)
    assert capfd.readouterr().out.splitlines() == [
        f"Epoch [{epoch}/5], Loss: {loss:.4f}" for epoch, loss in enumerate(model.loss_curve_, 1)
    ]


@several
def test_lines_of_several_networks(n_jobs, capfd):
    model = fitted(2, **THREE, eval_metric="r2", n_jobs=n_jobs)
    lines = capfd.readouterr().out.splitlines()
    assert sorted(lines) == sorted(
        f"Network [{number}/3], Epoch [{epoch}/5], Loss: {loss:.4f}, Val Loss: {val:.4f}, "
        f"Metric: {metric:.4f}"
        for number, history in enumerate(model.histories_, 1)
        for epoch, (loss, val, metric) in enumerate(
            zip(history.loss_curve, history.validation_curve, history.metric_curve, strict=True), 1
        )
    )
    if n_jobs == 1:  # one after the other
        assert [line.split(",")[0] for line in lines] == [
            f"Network [{number}/3]" for number in (1, 2, 3) for _ in range(5)
        ]


def test_the_lines_exact_form(capsys):
    progress = Progress(2, [5], ())
    assert progress.record(EpochRecord(1, 0.15, 0.125, 1e-3)) is False
    assert progress.record(EpochRecord(2, 0.15, math.nan, 1e-3)) is False
    assert progress.record(EpochRecord(3, 0.15, 0.125, 1e-3, metric=0.5)) is False
    progress.close()
    progress = Progress(2, [7, 7, 5, 7], ())
    assert progress.record(EpochRecord(1, 0.15, 0.125, 1e-3, network=2)) is False
    progress.close()
    evals = {"validation": {"loss": 0.125}, "new": {"loss": 0.25, "r2": 0.5}}
    progress = Progress(2, [5], ())
    assert progress.record(EpochRecord(1, 0.15, 0.125, 1e-3, evals=evals)) is False
    progress.close()
    assert capsys.readouterr().out == (
        "Epoch [1/5], Loss: 0.1500, Val Loss: 0.1250\n"
        "Epoch [2/5], Loss: 0.1500\n"
        "Epoch [3/5], Loss: 0.1500, Val Loss: 0.1250, Metric: 0.5000\n"
        "Network [3/4], Epoch [1/5], Loss: 0.1500, Val Loss: 0.1250\n"
        "Epoch [1/5], Loss: 0.1500, Val Loss: 0.1250, new loss: 0.2500, new r2: 0.5000\n"
    )


def test_bar_is_not_made_for_callbacks_alone(capfd):
    fitted(0, callbacks=lambda record: False)
    assert capfd.readouterr() == ("", "")


@both
def test_a_bar_for_predictions_of_many_rows(estimator, monkeypatch, capfd):
    model = fitted(0, estimator)
    rows = np.random.default_rng(1).normal(size=(90, 3))
    expected = outputs(model, rows)
    monkeypatch.setattr(fitted_model, "_ROWS_OF_A_STEP", 40)
    model.set_params(verbose=1)
    np.testing.assert_array_equal(outputs(model, rows), expected)
    assert capfd.readouterr().err.splitlines() == ["100% 90/90 rows [00:00<00:00]"]
    outputs(model, rows[:40])
    assert capfd.readouterr().err == ""
