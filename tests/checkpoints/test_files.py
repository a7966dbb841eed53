"""Files of checkpoints: what is refused, what is never overwritten, when they come and go."""

import os
import signal
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import r2_score

import fastmlp
from fastmlp import Checkpoint, Classifier, ModelFileError, Regressor
from fastmlp.checkpoints import file
from fastmlp.checkpoints.checkpointed_fit import CheckpointedFit
from fastmlp.model_file import atomic
from fastmlp.model_file.container import packed, unpacked

SMALL = {"n_estimators": 2, "max_iter": 4, "random_state": 0, "preset": "fast", "n_jobs": 1}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "fit.checkpoint"


def interrupted(path, X, y, model=None, **kwargs):
    """A fit that Ctrl-C ended in the third epoch; the file that it left."""

    def stop(record):
        if record.epoch == 3:
            raise KeyboardInterrupt

    model = Regressor(**SMALL) if model is None else model
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        model.fit(X, y, checkpoint=Checkpoint(path, epochs=1), callbacks=stop, **kwargs)
    return path.read_bytes()


def test_the_file_stays_after_ctrl_c_and_goes_when_the_fit_has_ended(path, X, y):
    interrupted(path, X, y)
    assert [len(state["loss_curve"]) for state in file.read(path).states.values()] == [2]
    resumed = Regressor(**SMALL).fit(X, y, checkpoint=path)
    assert not path.exists()
    np.testing.assert_array_equal(resumed.predict(X), Regressor(**SMALL).fit(X, y).predict(X))


def test_the_file_stays_after_an_error_of_a_callback(path, X, y):
    def fail(record):
        if record.epoch == 3:
            raise OSError("the callback failed")

    with pytest.raises(OSError, match="the callback failed"):
        Regressor(**SMALL).fit(X, y, checkpoint=Checkpoint(path, epochs=1), callbacks=fail)
    assert file.read(path).states


def test_nothing_is_left_of_a_fit_that_kept_nothing(path, X, y):
    def fail(record):
        raise OSError("the callback failed")

    with pytest.raises(OSError, match="the callback failed"):
        Regressor(**SMALL).fit(X, y, checkpoint=path, callbacks=fail)
    assert not os.listdir(path.parent)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m, X, y: m.set_params(max_iter=5).fit(X, y), r"max_iter \(4 there, 5 here\)"),
        (
            lambda m, X, y: m.set_params(hidden_layer_sizes=(8, 8)).fit(X, y),
            r"hidden_layer_sizes \('auto' there, \[8, 8\] here\)",
        ),
        (
            lambda m, X, y: m.set_params(random_state=None).fit(X, y),
            r"random_state \(0 there, None",
        ),
        (lambda m, X, y: m.fit(X + 1, y), r"differ in X\. Pass another"),
        (lambda m, X, y: m.fit(X, 2 * y), r"differ in y\. Pass another"),
        (lambda m, X, y: m.fit(X, y, y * 0 + 2), r"differ in sample_weight\."),
        (lambda m, X, y: m.fit(X, y, X_val=X, y_val=y), r"differ in X_val, y_val\."),
        (
            lambda m, X, y: m.fit(X, y, eval_set=[("a", X, y)]),
            r"differ in X of eval_set 'a', y of eval_set 'a'\.",
        ),
        (
            lambda m, X, y: m.set_params(eval_metric={"e": r2_score}).fit(X, y),
            r"eval_metric \(None there, {'e': 'sklearn\..*r2_score'} here\)",
        ),
        (
            lambda m, X, y: Classifier(**SMALL).fit(X, y > 0),
            r"the estimator \(Regressor there, Classifier here\)",
        ),
    ],
)
def test_a_checkpoint_of_another_fit_is_refused_and_kept(change, message, path, X, y, monkeypatch):
    before = interrupted(path, X, y)
    for kind in (Regressor, Classifier):
        monkeypatch.setattr(kind, "fit", with_checkpoint(kind.fit, path))
    with pytest.raises(ValueError, match=f"is of another fit, and is not overwritten.*{message}"):
        change(Regressor(**SMALL), X, y)
    assert path.read_bytes() == before


def test_a_renamed_column_makes_another_table(path, X, y):
    table = pd.DataFrame(X).add_prefix("x")
    before = interrupted(path, table, y)
    for other in (table.rename(columns={"x0": "first"}), X):
        with pytest.raises(ValueError, match=r"differ in the names of the columns\. Pass"):
            Regressor(**SMALL).fit(other, y, checkpoint=path)
    assert path.read_bytes() == before


def with_checkpoint(fit, path):
    return lambda self, *args, **kwargs: fit(self, *args, **kwargs, checkpoint=path)


def test_a_checkpoint_of_another_version_is_refused(path, X, y, monkeypatch):
    interrupted(path, X, y)
    monkeypatch.setattr("fastmlp._version.__version__", "99.0")
    with pytest.raises(ValueError, match=r"the version of fastmlp \(.* there, 99.0 here\)"):
        Regressor(**SMALL).fit(X, y, checkpoint=path)


@pytest.mark.parametrize("contents", [b"", b"notes about houses", b"\x02" + bytes(7) + b"{}"])
def test_another_file_is_not_overwritten(contents, path, X, y):
    path.write_bytes(contents)
    with pytest.raises(ModelFileError, match=r"is not overwritten: this is .*not a .*checkpoint"):
        Regressor(**SMALL).fit(X, y, checkpoint=path)
    assert path.read_bytes() == contents


def test_a_damaged_file_is_refused(path, X, y):
    damaged = bytearray(interrupted(path, X, y))
    damaged[-1] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(ModelFileError, match="do not match its checksum"):
        Regressor(**SMALL).fit(X, y, checkpoint=path)
    path.write_bytes(damaged[:-100])
    with pytest.raises(ModelFileError, match="damaged or cut off"):
        Regressor(**SMALL).fit(X, y, checkpoint=path)


def test_models_and_checkpoints_are_told_apart(path, X, y, tmp_path):
    interrupted(path, X, y)
    with pytest.raises(ModelFileError, match=r"kind must be .*; got 'checkpoint'"):
        fastmlp.load(path)
    model = Regressor(**SMALL).fit(X, y)
    model.save(tmp_path / "model.safetensors")
    with pytest.raises(ModelFileError, match="it is a model file, of a Regressor, not a"):
        model.fit(X, y, checkpoint=tmp_path / "model.safetensors")
    fastmlp.load(tmp_path / "model.safetensors")


def test_a_file_that_cannot_be_written_is_an_error_before_training(tmp_path, X, y):
    model = Regressor(**SMALL)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        model.fit(X, y, checkpoint=tmp_path / "nowhere" / "fit", callbacks=pytest.fail)
    with pytest.raises(IsADirectoryError):
        model.fit(X, y, checkpoint=tmp_path, callbacks=pytest.fail)
    assert not hasattr(model, "networks_")


def test_a_disk_that_becomes_full_does_not_end_the_fit(path, X, y, monkeypatch, caplog):
    written = []

    def write_whole(path, data):
        if written:
            raise OSError(28, "No space left on device")
        written.append(data)
        atomic.write_whole(path, data)

    monkeypatch.setattr(file, "write_whole", write_whole)
    model = Regressor(**SMALL).fit(X, y, checkpoint=Checkpoint(path, epochs=1))
    assert model.n_iter_ == 4
    assert "could not be written and is unchanged; the fit continues" in caplog.text
    assert "No space left on device" in caplog.text


def test_a_file_that_memory_is_too_small_for_does_not_end_the_fit(path, X, y, monkeypatch, caplog):
    packed = iter([file.packed])

    def once(document, tensors):
        return next(packed, too_small)(document, tensors)

    def too_small(document, tensors):
        raise MemoryError

    monkeypatch.setattr(file, "packed", once)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of threads that end by an exception
        Regressor(**SMALL).fit(X, y, checkpoint=Checkpoint(path, epochs=1))
    assert "could not be written" in caplog.text
    assert "not enough memory" in caplog.text
    assert not path.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"states": [1]}, "checkpoint.states must be an object"),
        ({"fit": {"version": "1", "estimator": "E", "parameters": 1, "data": {}}}, "parameters mu"),
    ],
)
def test_a_file_of_other_fields_is_refused(change, message, path, X, y):
    interrupted(path, X, y)
    document, arrays = unpacked(path)
    del document["sha256"]
    path.write_bytes(packed(document | change, arrays))
    with pytest.raises(ModelFileError, match=message):
        Regressor(**SMALL).fit(X, y, checkpoint=path)


@pytest.mark.parametrize("name", ["fit", "a" * 60])
def test_what_other_fits_are_writing_is_left_alone(name, path, X, y):
    """Their files' names begin alike."""
    other = path.with_name(f"{name}.2")
    with atomic.replacing(other) as temporary:
        temporary.write_bytes(b"half of it")
        Regressor(**SMALL).fit(X, y, checkpoint=path.with_name(name))
        assert temporary.exists()
    assert os.listdir(path.parent) == [other.name]


def test_of_a_link_the_file_goes(path, X, y, tmp_path):
    file_itself = tmp_path / "elsewhere"
    path.symlink_to(file_itself)
    Regressor(**SMALL).fit(X, y, checkpoint=path)
    assert os.listdir(path.parent) == [path.name]


def test_leftovers_of_killed_writers_are_removed(path, X, y):
    leftover = path.with_name(f".{path.name}.0123456789abcdef.tmp")
    other = path.with_name(".other.0123456789abcdef.tmp")
    for one in (leftover, other):
        one.write_bytes(b"half a file")
    Regressor(**SMALL).fit(X, y, checkpoint=path)
    assert os.listdir(path.parent) == [other.name]


def test_a_warm_start_of_a_fitted_model_has_no_checkpoint(path, X, y):
    model = Regressor(warm_start=True, **SMALL).fit(X, y, checkpoint=path)
    with pytest.raises(ValueError, match="checkpoint must be None if fit continues with a"):
        model.fit(X, y, checkpoint=path)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((3,), TypeError, "checkpoint must be a path, a fastmlp.Checkpoint or None; got 3"),
        ((b"fit",), TypeError, "checkpoint must be a path"),
        (("fit", 0), ValueError, "minutes must be a positive number; got 0"),
        (("fit", "2"), ValueError, "minutes must be a positive number; got '2'"),
        (("fit", 1, 0), ValueError, "epochs must be a positive integer or None; got 0"),
        (("fit", 1, 1.5), ValueError, "epochs must be a positive integer or None; got 1.5"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, message, X, y):
    with pytest.raises(error, match=message):
        Checkpoint(*arguments)
    if len(arguments) == 1:
        with pytest.raises(error, match=message):
            Regressor(**SMALL).fit(X, y, checkpoint=arguments[0])


def test_a_state_is_due_after_epochs_or_minutes(path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    kept = CheckpointedFit(Checkpoint(path, minutes=2, epochs=3), None)
    assert [epoch for epoch in range(1, 8) if kept.is_due("a", epoch)] == [3, 6]
    assert not kept.is_due("b", 1)
    now[0] = 121.0
    assert kept.is_due("b", 2)
    assert not kept.is_due("b", 3)
    assert kept.is_due("a", 8)
    assert kept.is_due("of a long first epoch", 1)


_CHILD = """
import os, signal, sys, time
import numpy as np
from fastmlp import Checkpoint, Regressor
from fastmlp.checkpoints import file

def kill(record):
    if record.epoch < 3:
        return
    deadline = time.monotonic() + 30
    while not file.read({path!r}).states and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGKILL)

X, y = np.load({data!r})["X"], np.load({data!r})["y"]
Regressor(**{small}).fit(X, y, checkpoint=Checkpoint({path!r}, epochs=1), callbacks=kill)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no SIGKILL")
def test_a_killed_fit_goes_on_to_the_bits_of_an_unbroken_one(path, X, y, tmp_path, forked):
    small = SMALL | {"n_jobs": 2}
    data = tmp_path / "data.npz"
    np.savez(data, X=X, y=y)
    code = _CHILD.format(path=str(path), data=str(data), small=small)
    killed = forked(code)
    assert killed.returncode == -signal.SIGKILL
    seen = []
    resumed = Regressor(**small).fit(X, y, checkpoint=path, callbacks=seen.append)
    assert len(seen) < small["max_iter"] * small["n_estimators"]
    unbroken = Regressor(**small).fit(X, y)
    np.testing.assert_array_equal(resumed.predict(X), unbroken.predict(X))
    assert os.listdir(path.parent) == [data.name]
