"""verbose=1, verbose=2 and the records that callbacks get."""

import dataclasses
import math
import re

import numpy as np
import pytest

from fastmlp import Classifier, EpochRecord, Regressor
from fastmlp._progress import Progress


def fitted(verbose, estimator=Regressor, **options):
    X = np.random.default_rng(0).normal(size=(50, 3))
    y = X[:, 0] if estimator is Regressor else X[:, 0] > 0
    return estimator((8,), max_iter=5, random_state=0, verbose=verbose, **options).fit(X, y)


@pytest.mark.parametrize("estimator", [Regressor, Classifier])
@pytest.mark.parametrize("verbose", [0, False])
def test_silent_by_default(verbose, estimator, capfd):
    fitted(verbose, estimator)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("verbose", [1, True])
def test_progress_bar_on_stderr(verbose, capfd):
    model = fitted(verbose)
    out, err = capfd.readouterr()
    assert out == ""
    last = re.split(r"[\r\n]+", err.strip())[-1]
    assert "5/5" in last
    assert f"loss={model.loss_curve_[-1]:.4f}" in last
    assert f"val_loss={model.validation_curve_[-1]:.4f}" in last
    assert f"lr={model.learning_rate_curve_[-1]:.2e}" in last


def test_progress_bar_without_a_validation_part(capfd):
    fitted(1, early_stopping=False)
    err = capfd.readouterr().err
    assert "loss=" in err
    assert "val_loss" not in err


def test_progress_bar_is_closed_after_an_error(capfd):
    def fails(record):
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        fitted(1, callbacks=fails)
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


def test_the_lines_exact_form(capsys):
    progress = Progress(2, 5, ())
    assert progress(1, 0.15, 0.125, 1e-3) is False
    assert progress(2, 0.15, math.nan, 1e-3) is False
    progress.close()
    assert capsys.readouterr().out == (
        "Epoch [1/5], Loss: 0.1500, Val Loss: 0.1250\nEpoch [2/5], Loss: 0.1500\n"
    )


def test_records():
    records: list[EpochRecord] = []
    model = fitted(0, callbacks=records.append)
    assert [dataclasses.astuple(record) for record in records] == list(
        zip(
            range(1, 6),
            model.loss_curve_,
            model.validation_curve_,
            model.learning_rate_curve_,
            strict=True,
        )
    )
    with pytest.raises(dataclasses.FrozenInstanceError):
        records[0].loss = 0.0


def test_record_without_a_validation_part():
    records: list[EpochRecord] = []
    fitted(0, callbacks=[records.append], early_stopping=False)
    assert len(records) == 5
    assert all(math.isnan(record.validation_loss) for record in records)


def test_bar_is_not_made_for_callbacks_alone(capfd):
    fitted(0, callbacks=lambda record: False)
    assert capfd.readouterr() == ("", "")
