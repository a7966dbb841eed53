"""Where model files are loaded from, and how they are written."""

import errno
import io
import json
import os
import stat
import threading
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest
from saved_models import X, outputs, saved_model

import fastmlp
from fastmlp import ModelFileError
from fastmlp.model_file import atomic
from fastmlp.model_file.atomic import replacing
from fastmlp.model_file.container import unpacked


def test_sources(model, data, tmp_path):
    path = tmp_path / "model.safetensors"
    model.save(path)
    with open(path, "rb") as file:
        sources = [path, str(path), data, bytearray(data), memoryview(data), io.BytesIO(data), file]
        for source in sources:
            np.testing.assert_array_equal(fastmlp.load(source).predict(X), model.predict(X))
    for wrong in (None, 3, io.StringIO("text")):
        with pytest.raises(TypeError, match="a model is loaded from a"):
            fastmlp.load(wrong)
    with pytest.raises(FileNotFoundError):
        fastmlp.load(tmp_path / "other")


def test_other_libraries_read_the_tensors(model, data):
    from safetensors.numpy import load

    tensors = load(data)
    assert sorted(name for name in tensors if name.startswith("networks.0")) == [
        f"networks.0.{layer}.{name}" for layer in (0, 1) for name in ("bias", "weights")
    ]
    np.testing.assert_array_equal(tensors["networks.0.0.weights"], model.coefs_[0])


def test_saving_keeps_permissions_and_links(model, data, tmp_path):
    path, link = tmp_path / "model.safetensors", tmp_path / "link"
    path.write_bytes(b"old")
    path.chmod(0o640)
    link.symlink_to(path)
    model.save(link)
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert path.read_bytes() == data
    model.save(tmp_path / "new")
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o666 & ~umask
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link", "model.safetensors", "new"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_failure_leaves_the_old_file(model, tmp_path, monkeypatch, step):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"old")

    def fail(*args):
        raise OSError("disk is full")

    monkeypatch.setattr(atomic.os, step, fail)
    with pytest.raises(OSError, match="disk is full"):
        model.save(path)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["model.safetensors"]
    with pytest.raises(FileNotFoundError):
        model.save(tmp_path / "no folder" / "model")


def test_failing_write_leaves_the_old_file(model, tmp_path, monkeypatch):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"old")

    def write(self, data):
        with open(self, "wb") as file:
            file.write(data[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", write)
    with pytest.raises(OSError, match="No space left"):
        model.save(path)
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["model.safetensors"]


def test_folders_that_cannot_be_synchronised(model, data, tmp_path, monkeypatch):
    """The new file is there: that is no failure."""
    sync = os.fsync

    def fail_of_folders(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        sync(descriptor)

    monkeypatch.setattr(atomic.os, "fsync", fail_of_folders)
    model.save(tmp_path / "model")
    assert (tmp_path / "model").read_bytes() == data


def test_pipes_and_devices_are_written_and_not_replaced(model, data, tmp_path):
    device = tmp_path / "null"
    device.symlink_to(os.devnull)
    model.save(device)
    assert stat.S_ISCHR(device.stat().st_mode)
    pipe, found = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    model.save(pipe)
    reader.join()
    assert found == [data]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_names_of_files(model, tmp_path):
    with pytest.raises(TypeError, match="path must be text or a PathLike of text; got b'"):
        model.save(os.fsencode(tmp_path / "model"))
    longest = tmp_path / ("ü" * 127)
    model.save(longest)
    with replacing(longest) as temporary:
        assert temporary.name.startswith(".üüü")
    assert [*tmp_path.iterdir()] == [longest]


@pytest.mark.parametrize("name", ["missing/model", "folder"])
def test_errors_name_the_file_that_was_asked_for(model, tmp_path, name):
    path = tmp_path / name
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match=f"'{path}'"):
        model.save(path)
    assert [*tmp_path.iterdir()] == [tmp_path / "folder"]


class Drops(io.RawIOBase):
    """A raw stream, whose reads give a few bytes."""

    def __init__(self, data) -> None:
        self.data = io.BytesIO(data)

    def read(self, size=-1):
        return self.data.read(5 if size < 0 else min(size, 5))


def test_streams_that_give_few_bytes(model, data):
    np.testing.assert_array_equal(fastmlp.load(Drops(data)).predict(X), model.predict(X))
    with pytest.raises(ModelFileError, match="cut off"):
        fastmlp.load(Drops(data[:-7]))


def test_numbers_do_not_depend_on_the_locale(data):
    import locale

    before = locale.setlocale(locale.LC_NUMERIC)
    for name in ("de_DE.UTF-8", "C.UTF-8", "C"):
        try:
            locale.setlocale(locale.LC_NUMERIC, name)
        except locale.Error:
            continue
        try:
            file = io.BytesIO()
            fastmlp.load(data).save(file)
            assert file.getvalue() == data
        finally:
            locale.setlocale(locale.LC_NUMERIC, before)


def test_provenance(data):
    provenance = unpacked(data)[0]["provenance"]
    time = datetime.fromisoformat(provenance.pop("time"))
    assert abs((datetime.now(timezone.utc) - time).total_seconds()) < 3600
    assert provenance == {"version": fastmlp.__version__, "rows": len(X), "columns": X.shape[1]}


def test_document_is_ascii_json(data):
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    document = header["__metadata__"]["fastmlp"]
    assert document.isascii()
    assert list(json.loads(document)) == [
        "sha256",
        "format_version",
        "least_reader",
        "required_features",
        "kind",
        "parameters",
        "provenance",
        "pipeline",
        "training",
    ]


def test_outputs_of_the_same_file_are_the_same():
    """The order of tensors and fields is fixed."""
    model, rows, _ = saved_model("ensemble")
    files = [io.BytesIO(), io.BytesIO()]
    for file in files:
        model.save(file, check_rows=rows[:2])
    assert files[0].getvalue() == files[1].getvalue()
    assert outputs(model, rows).shape == (len(rows),)
