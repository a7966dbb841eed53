"""The command as a whole: how it ends, its help, and as a process beside others."""

import os
import signal
import subprocess
import sys
from functools import partial

import pytest
from houses import FAST
from tiny_models import assert_same_weights

import fastmlp
from fastmlp import cli
from fastmlp.checkpoints.checkpointed_fit import CheckpointedFit
from fastmlp.cli.training import from_table

COMMANDS = ("train", "predict", "evaluate", "info", "compact", "export", "serve")


@pytest.mark.parametrize("arguments", [(), *((command,) for command in COMMANDS)])
def test_help_teaches(run, arguments):
    result = run(*arguments, "--help")
    assert (result.status, result.err) == (0, "")
    assert f"fastmlp {''.join(arguments) or 'train houses.csv'} " in result.out


def test_version(run):
    from fastmlp import __version__

    assert run("--version").out == f"fastmlp {__version__}\n"


def test_a_library_that_is_missing_is_named(monkeypatch, capsys):
    monkeypatch.setattr(cli, "_LIBRARIES", ("click", "no_such_library"))
    assert cli.main([]) == 1
    assert capsys.readouterr().err == (
        "The command fastmlp needs no_such_library, which is not installed: "
        'pip install "fastmlp[cli]"\n'
    )


def test_no_such_command(run):
    result = run("trian")
    assert result.status == 2
    assert "No such command 'trian'" in result.err


def interrupt(record):
    os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_writes_nothing(run, csv, tmp_path, monkeypatch):
    interrupted = partial(from_table.ESTIMATORS["regression"], callbacks=interrupt)
    monkeypatch.setitem(from_table.ESTIMATORS, "regression", interrupted)
    model = tmp_path / "m.safetensors"
    model.write_text("the old one")
    result = run("train", csv, "--target", "price", "-o", model, *FAST)
    assert result.status == 130
    assert result.err.endswith("Interrupted; no output was written.\n")
    assert "kept" not in result.err
    assert model.read_text() == "the old one"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_stopped_training_goes_on_from_its_checkpoint(run, csv, tmp_path, monkeypatch):
    epochs = []

    def interrupt_the_second_epoch(record):
        if record.epoch == 2:
            interrupt(record)

    def train(callback, name, *more):
        estimator = partial(regressor, callbacks=callback)
        monkeypatch.setitem(from_table.ESTIMATORS, "regression", estimator)
        return run("train", csv, "--target", "price", "-o", tmp_path / name, *FAST, *more)

    regressor, kept = from_table.ESTIMATORS["regression"], tmp_path / "checkpoint"
    monkeypatch.setattr(CheckpointedFit, "is_due", lambda *_: True)  # not once a minute
    result = train(interrupt_the_second_epoch, "resumed", "--checkpoint", kept)
    assert result.status == 130
    assert f"The same command continues from {kept}.\n" in result.err
    assert kept.exists()
    result = train(lambda record: epochs.append(record.epoch), "resumed", "--checkpoint", kept)
    assert (result.status, epochs) == (0, [2, 3])
    assert not kept.exists()
    assert train(None, "unbroken").status == 0
    resumed, unbroken = (fastmlp.load(tmp_path / name) for name in ("resumed", "unbroken"))
    assert_same_weights(resumed, unbroken)


def test_progress_is_shown_unless_it_is_quiet(run, csv, tmp_path):
    options = ("--target", "price", "--drop", "id", "-o", tmp_path / "m.safetensors")
    result = run("train", csv, *options, "--preset", "plain")
    assert result.err.startswith("100% 3/3 epochs")  # a line, as stderr is no terminal
    assert run("train", csv, *options, *FAST).err == ""


def test_warnings_are_sentences(run, trained, table, tmp_path):
    path = tmp_path / "towns.csv"
    table.assign(town=["x", "y"] * 40).to_csv(path, index=False)
    result = run("predict", trained("price"), path, "-o", tmp_path / "p.csv")
    assert result.status == 0
    assert result.err == (
        "Warning: rows: column 'town': none of its 2 values, such as 'x', occurred in "
        "training, where values were such as 'Ulm'\n"
    )


def process(*arguments, **options):
    command = [sys.executable, "-m", "fastmlp", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, timeout=60, **options)


def test_from_pipe_to_pipe(run, trained, csv):
    piped = process("predict", trained("price"), "-", "--id", "id", input=csv.read_bytes())
    assert (piped.returncode, piped.stderr) == (0, b"")
    assert piped.stdout.decode() == run("predict", trained("price"), csv, "--id", "id").out


def test_a_reader_that_ends_early(trained, csv):
    command = [sys.executable, "-m", "fastmlp", "predict", str(trained("price")), str(csv)]
    read, write = os.pipe()
    os.close(read)
    result = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, timeout=60)
    os.close(write)
    assert (result.returncode, result.stderr) == (1, b"")
