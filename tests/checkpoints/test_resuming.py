"""Fits that go on from what their checkpoint held at some moment: the bits of unbroken ones."""

from dataclasses import fields

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from fastmlp import Checkpoint, Classifier, Regressor
from fastmlp.checkpoints import file
from fastmlp.checkpoints.checkpointed_fit import CheckpointedFit

RNG = np.random.default_rng(0)
N_ROWS = 60
X = pd.DataFrame(
    {
        "number": RNG.normal(size=N_ROWS),
        "gaps": np.where(RNG.random(N_ROWS) < 0.2, np.nan, RNG.normal(size=N_ROWS)),
        "label": RNG.choice(["a", "b", "c"], N_ROWS),
    }
)
Y = X["number"].to_numpy() + (X["label"] == "b") + 0.1 * RNG.normal(size=N_ROWS)
CLASSES = np.where(np.sign(Y - Y.mean()) == 1, "high", "low")
WEIGHTS = RNG.random(N_ROWS) + 0.1
SPARSE = csr_array(RNG.poisson(0.3, size=(N_ROWS, 20)).astype("float32"))
SMALL = {"max_iter": 4, "n_jobs": 2}


class Calls:
    """A callback that stops the first network early."""

    def __call__(self, record):
        return record.network == 0 and record.epoch == 3


FITS = {
    "default": (Regressor(n_estimators=6, random_state=3, **SMALL), (X, Y), {}),
    "seed of the system": (Regressor(n_estimators=2, **SMALL), (X, Y), {}),
    "float64": (
        Regressor(
            n_estimators=2, dtype="float64", preset="plain", learning_rate="adaptive", **SMALL
        ),
        (X, Y),
        {},
    ),
    "one thread": (Regressor(n_estimators=3, max_iter=4, n_jobs=1, preset="fast"), (X, Y), {}),
    "weights, linear part": (
        Regressor(n_estimators=2, extrapolation="linear", **SMALL),
        (X, Y, WEIGHTS),
        {},
    ),
    "metric": (
        Classifier(n_estimators=2, eval_metric="accuracy", class_weight="balanced", **SMALL),
        (X, CLASSES),
        {},
    ),
    "own validation rows": (
        Classifier(n_estimators=2, **SMALL),
        (X, CLASSES),
        {"X_val": X[:20], "y_val": CLASSES[:20], "sample_weight_val": WEIGHTS[:20]},
    ),
    "several metrics": (
        Regressor(n_estimators=2, eval_metric=["r2", "neg_max_error"], **SMALL),
        (X, Y),
        {"eval_set": [("first", X[:9], Y[:9])]},
    ),
    "groups": (Regressor(n_estimators=2, **SMALL), (X, Y), {"groups": np.arange(N_ROWS) // 4}),
    "time": (Regressor(n_estimators=6, **SMALL), (X, Y), {"time": np.arange(N_ROWS)}),
    "no validation": (
        Regressor(n_estimators=2, early_stopping=False, solver="sgd", preset="plain", **SMALL),
        (X, Y),
        {},
    ),
    "augmentation": (
        Regressor(n_estimators=2, mixup=0.5, swap_noise=0.1, input_noise=0.1, **SMALL),
        (X, Y),
        {},
    ),
    "callback": (Regressor(n_estimators=2, **SMALL), (X, Y), {"callbacks": Calls()}),
    "sparse": (Classifier(n_estimators=2, **SMALL), (SPARSE, CLASSES), {}),
    "warm start": (Regressor(n_estimators=2, warm_start=True, **SMALL), (X, Y), {}),
}


def outcome(model):
    """All numbers that a fit leaves."""
    networks = [p.tolist() for one in model.networks_ for p in one.parameters]
    histories = [
        [getattr(one, field.name) for field in fields(one) if field.name != "seconds"]
        for one in model.histories_
    ]
    moments = [
        array.tolist()
        for member in model._model.members
        for array in member.optimizer._engine.moments()
    ]
    return networks, histories, moments, model.estimator_weights_.tolist()


@pytest.fixture
def kept_states(monkeypatch):
    """What the file could hold at each moment of a fit."""
    moments = []
    keep = CheckpointedFit.keep

    def keeping(self, states):
        keep(self, states)
        if not self.saved:
            moments.append(file.Contents(self.identity, self.seed, 0.5, dict(self._states)))

    monkeypatch.setattr(CheckpointedFit, "keep", keeping)
    return moments


@pytest.mark.parametrize("name", FITS)
def test_a_resumed_fit_has_the_bits_of_an_unbroken_one(name, kept_states, tmp_path):
    model, args, kwargs = FITS[name]
    checkpoint = Checkpoint(tmp_path / "fit.checkpoint", epochs=1)
    fit = model.fit(*args, **kwargs, checkpoint=checkpoint)
    unbroken = outcome(fit)
    assert not checkpoint.path.exists()
    n_networks = len(fit.networks_)
    assert len(kept_states) >= n_networks * 3
    for moment in (0, len(kept_states) // 2):
        file.write(checkpoint.path, kept_states[moment])
        resumed = type(model)(**model.get_params()).fit(*args, **kwargs, checkpoint=checkpoint)
        assert outcome(resumed) == unbroken
        assert resumed.fit_seconds_ > 0.5  # of the time before
        assert not checkpoint.path.exists()


def test_networks_that_replace_others_are_made_and_resumed_anew(kept_states, tmp_path, monkeypatch):
    monkeypatch.setattr("fastmlp.ensemble.more_epochs.LEAST_GAIN", -np.inf)
    model = Regressor(n_estimators=6, max_iter="auto", random_state=1, n_jobs=2, preset="default")
    monkeypatch.setattr("fastmlp.ensemble.presets._EPOCHS", {"default": (2, 2)})
    checkpoint = Checkpoint(tmp_path / "fit.checkpoint", epochs=1)
    unbroken = outcome(model.fit(X, Y, checkpoint=checkpoint))
    assert any("long" in name for name in kept_states[-1].states)
    for moment in (3, len(kept_states) - 3):
        file.write(checkpoint.path, kept_states[moment])
        assert outcome(model.fit(X, Y, checkpoint=checkpoint)) == unbroken


def test_a_checkpoint_changes_no_bit(tmp_path):
    model = Regressor(n_estimators=2, random_state=0, **SMALL)
    expected = outcome(model.fit(X, Y))
    assert outcome(model.fit(X, Y, checkpoint=tmp_path / "fit")) == expected


def test_another_number_of_threads_goes_on_with_it(kept_states, tmp_path):
    path = tmp_path / "fit"
    model = Regressor(n_estimators=3, random_state=0, **SMALL)
    unbroken = outcome(model.fit(X, Y, checkpoint=Checkpoint(path, epochs=2)))
    file.write(path, kept_states[2])
    model.set_params(n_jobs=1, verbose=0, time_limit=3600)
    assert outcome(model.fit(X, Y, checkpoint=path)) == unbroken


def test_callbacks_see_the_epochs_that_are_left(kept_states, tmp_path):
    path = tmp_path / "fit"
    model = Regressor(n_estimators=1, random_state=0, **SMALL)
    model.fit(X, Y, checkpoint=Checkpoint(path, epochs=1))
    file.write(path, kept_states[1])
    seen = []
    model.fit(X, Y, checkpoint=path, callbacks=lambda record: seen.append(record.epoch))
    assert seen == [3, 4]


def test_the_bar_begins_where_the_fit_goes_on(kept_states, tmp_path, capsys):
    path = tmp_path / "fit"
    model = Regressor(n_estimators=1, random_state=0, verbose=1, **SMALL)
    model.fit(X, Y, checkpoint=Checkpoint(path, epochs=1))
    capsys.readouterr()
    file.write(path, kept_states[1])
    model.fit(X, Y, checkpoint=path)
    assert "4/4 epochs" in capsys.readouterr().err


def test_time_spent_counts(kept_states, tmp_path):
    path = tmp_path / "fit"
    model = Regressor(n_estimators=2, random_state=0, time_limit=1000, max_iter=200, n_jobs=1)
    stopped = Checkpoint(path, epochs=1)
    model.fit(X, Y, checkpoint=stopped, callbacks=lambda record: record.epoch == 3)
    first = kept_states[1]
    file.write(path, file.Contents(first.identity, first.seed, 1001.0, first.states))
    with pytest.warns(UserWarning, match="time_limit=1000 left"):
        model.fit(X, Y, checkpoint=path)
    assert len(model.networks_) >= 1
    assert model.stop_reason_ == "time_limit"
    assert model.n_iter_ <= 5
    assert model.fit_seconds_ > 1001
