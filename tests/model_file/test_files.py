"""Where model files are loaded from, how they are written, and what is refused."""

import copy
import errno
import io
import json
import os
import pickle
import stat
import threading
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest
from safetensors import SafetensorError
from safetensors.numpy import save
from saved_models import EVERY_COLUMN, MAKERS, NUMBER, X, edited, outputs, saved, saved_model
from sklearn.exceptions import NotFittedError

import fastmlp
from fastmlp import Classifier, ModelFileError, Regressor
from fastmlp.model_file import atomic, container
from fastmlp.model_file.atomic import replacing
from fastmlp.model_file.container import unpacked
from fastmlp.model_file.pipeline import load_pipeline
from fastmlp.neural_network import MLPRegressor


@pytest.fixture(scope="module")
def model():
    return saved_model("numbers")[0]


@pytest.fixture(scope="module")
def data(model):
    file = io.BytesIO()
    model.save(file)
    return file.getvalue()


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


def test_more_text_than_a_file_may_have(model, monkeypatch):
    def save(arrays, metadata):
        raise SafetensorError("Error while serializing: HeaderTooLarge")

    monkeypatch.setattr("safetensors.numpy.save", save)
    for write in (saved, pickle.dumps):  # pickles hold the same bytes
        with pytest.raises(TypeError, match=r"cannot hold .* of JSON, such as .* 100,000,000"):
            write(model)


@pytest.mark.parametrize("kind", [Regressor, Classifier, MLPRegressor])
def test_before_fit(kind, tmp_path):
    with pytest.raises(NotFittedError):
        kind().save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_subclasses_are_not_saved(tmp_path):
    class Mine(Regressor):
        pass

    mine = Mine(preset="plain", hidden_layer_sizes=2, max_iter=1).fit(X, NUMBER)
    with pytest.raises(TypeError, match=r"no code of other classes such as Mine. Pickle it"):
        mine.save(tmp_path / "model")


def stop(record):
    return True


def test_functions_are_left_out(tmp_path):
    mine = Regressor(
        preset="plain",
        hidden_layer_sizes=2,
        max_iter=1,
        callbacks=stop,
        eval_metric=lambda y, predicted: 0.0,
        alpha=0.5,
    ).fit(X, NUMBER)
    with pytest.warns(UserWarning, match=r"without its callbacks and eval_metric; .* hold func"):
        mine.save(tmp_path / "model")
    loaded = fastmlp.load(tmp_path / "model")
    assert loaded.get_params() == mine.get_params() | {"callbacks": None, "eval_metric": None}


def test_parameters_of_every_kind(tmp_path):
    given = {
        "hidden_layer_sizes": np.array([3, 2]),
        "activation": ("relu", "tanh"),
        "alpha": np.float32(0.1),
        "n_iter_no_change": np.inf,
        "learning_rate_factors": [1, 2.0, 0.5],
        "numeric_embedding": None,
        "random_state": np.random.RandomState(3),
        "categorical_features": np.array([2]),
        "max_iter": 2,
    }
    columns = np.column_stack([X, np.arange(len(X)) % 3])[:, [0, 1, 3]]
    mine = Regressor(preset="plain", **given).fit(columns, NUMBER)
    mine.save(tmp_path / "model", include_optimizer=True)
    loaded = fastmlp.load(tmp_path / "model")
    own = loaded.get_params()
    assert own["hidden_layer_sizes"] == [3, 2]
    assert own["activation"] == ("relu", "tanh")
    assert own["alpha"] == np.float32(0.1)
    assert own["n_iter_no_change"] == np.inf
    assert own["numeric_embedding"] is None
    assert own["categorical_features"] == [2]
    np.testing.assert_array_equal(loaded.predict(columns), mine.predict(columns))
    for one in (mine, loaded):  # from the same random numbers
        one.fit(columns, NUMBER)
    np.testing.assert_array_equal(loaded.predict(columns), mine.predict(columns))


@pytest.mark.parametrize("name", MAKERS)
def test_pipeline_of_a_file(name):
    """A predictor needs no more than that; it is the pipeline of the model."""
    model, rows, _ = saved_model(name)
    file = io.BytesIO()
    model.save(file)
    found, expected = load_pipeline(file.getvalue()), model._pipeline
    assert type(found.encoder) is type(expected.encoder)
    encoded = [pipeline.encoder.encode(rows) for pipeline in (found, expected)]
    encoded = [getattr(table, "toarray", lambda table=table: table)() for table in encoded]
    np.testing.assert_array_equal(*encoded)
    np.testing.assert_array_equal(found.weights, expected.weights)
    assert found.link == expected.link
    for own, others in zip(found.networks, expected.networks, strict=True):
        assert own.layers == others.layers
        for array, other in zip(own.parameters, others.parameters, strict=True):
            assert array.dtype == other.dtype
            np.testing.assert_array_equal(array, other)
    for part in ("scaling", "decoder", "training_range", "linear"):
        own, others = getattr(found, part), getattr(expected, part)
        assert type(own) is type(others)
        for field in vars(others) if others is not None else ():
            if not hasattr(getattr(own, field), "shift"):
                np.testing.assert_array_equal(getattr(own, field), getattr(others, field))


# ---- what is refused

WRONG = {
    "empty": lambda data: b"",
    "other file": lambda data: b"PK\x03\x04" + bytes(100),
    "text": lambda data: b'{"a": 1}' * 100,
    "cut in the header": lambda data: data[:500],
    "cut in the tensors": lambda data: data[:-7],
    "longer": lambda data: data + b"more",
    "flipped bit": lambda data: data[:-3] + bytes([data[-3] ^ 1]) + data[-2:],
    "edited text": lambda data: data.replace(b"squared_error", b"squared_horro"),
    "other safetensors": lambda data: (2).to_bytes(8, "little") + b"{}",
    "long header": lambda data: (2**62).to_bytes(8, "little") + data[8:],
}
SAYS = {
    "empty": "no model file",
    "other file": "no model file",
    "text": "no model file",
    "cut in the header": "is cut off: its header has",
    "cut in the tensors": "damaged or cut off",
    "longer": "damaged or cut off",
    "flipped bit": "do not fit its checksum",
    "edited text": "do not fit its checksum",
    "other safetensors": "but not of a model of fastmlp",
    "long header": "no model file",
}


@pytest.mark.parametrize("wrong", WRONG)
def test_damaged_files(data, wrong, tmp_path):
    path = tmp_path / "model"
    path.write_bytes(WRONG[wrong](data))
    for load in (fastmlp.load, load_pipeline):
        for source in (path.read_bytes(), path, io.BytesIO(path.read_bytes())):
            with pytest.raises(ModelFileError, match=SAYS[wrong]):
                load(source)


def layer(document, number=0):
    return document["pipeline"]["networks"][0]["layers"][number]


EDITED = {
    "newer": (
        lambda d, a: d.update(least_reader=7, format_version=8),
        "is of format 8, and needs a reader of format 7; this is fastmlp .* up to format 1",
    ),
    "feature": (
        lambda d, a: d.update(required_features=["rounded_weights", "quaternions"]),
        "needs 'quaternions', which fastmlp .* does not know",
    ),
    "kind": (lambda d, a: d.update(kind="os.system"), "model.kind must be one of .*; got 'os.sys"),
    "other kind": (lambda d, a: d.update(kind="Classifier"), "does not predict what a Classifier"),
    "missing": (lambda d, a: d["pipeline"].pop("link"), "model.pipeline lacks 'link'"),
    "type": (
        lambda d, a: layer(d).update(inputs="3"),
        r"model.pipeline.networks\[0\].layers\[0\].inputs must be an integer from 1 to .*; got '3'",
    ),
    "boolean": (
        lambda d, a: layer(d).update(inputs=True),
        "inputs must be an integer .*; got True",
    ),
    "absurd size": (
        lambda d, a: (layer(d).update(outputs=2**40), layer(d, 1).update(inputs=2**40)),
        r"'networks.0.0.weights' must have the shape \(3, 1099511627776\); it has \(3, 3\)",
    ),
    "sizes that do not fit": (lambda d, a: layer(d, 1).update(inputs=4), "reads 4 numbers of 3"),
    "no layers": (lambda d, a: d["pipeline"]["networks"][0]["layers"].clear(), "must begin with"),
    "no tensor": (lambda d, a: a.pop("networks.0.0.bias"), "lacks the tensor 'networks.0.0.bias'"),
    "type of a tensor": (
        lambda d, a: a.update({"networks.0.0.bias": a["networks.0.0.bias"].astype(np.float64)}),
        "'networks.0.0.bias' must be of type float32; it is of float64",
    ),
    "infinite": (
        lambda d, a: a.update({"scaling.scale": a["scaling.scale"] * np.inf}),
        "'scaling.scale' must hold finite numbers",
    ),
    "limits that move with nothing": (
        lambda d, a: d["pipeline"]["decoder"].update(moves=True),
        "pipeline must have a linear part",
    ),
    "unknown value": (
        lambda d, a: d["training"]["assignment"].update(seed={"type": "module.Class", "value": 1}),
        "model.training.assignment.seed must be a value of a known type",
    ),
    "parameter": (
        lambda d, a: d["parameters"].update(solver="lion"),
        "model.parameters do not fit the estimator: The 'solver' parameter .* must be .* 'lion'",
    ),
    "type of a parameter": (
        lambda d, a: d["parameters"].update(n_jobs="x"),
        "model.parameters do not fit the estimator: The 'n_jobs' parameter .* Got 'x'",
    ),
    "rounded tensors": (
        lambda d, a: a.update(
            {"networks.0.0.weights": a["networks.0.0.weights"].astype(np.float16)}
        ),
        "'networks.0.0.weights' must be of type float32; it is of float16",
    ),
    "newer and wrong": (
        lambda d, a: (d.update(format_version=2), d["training"]["task"].update(loss="new")),
        "task.loss must be one of .*'new'. The file is of format 2, and this is fastmlp .*newer",
    ),
    "other loss": (
        lambda d, a: d["training"]["task"].update(loss="poisson"),
        "networks of 1 outputs and the link exponential; there are 1, and the link is identity",
    ),
}


@pytest.mark.parametrize("what", EDITED)
def test_edited_files(data, what):
    edit, message = EDITED[what]
    with pytest.raises(ModelFileError, match=message):
        fastmlp.load(edited(data, edit))


UNREADABLE = {
    "type of a newer version": {"type": "rational", "value": [1, 2]},
    # One tensor, named by many generators, would take far more memory than the file.
    "generator": [{"type": "random_state", "value": ["key", 0, 0, 0]}] * 3,
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_a_parameter_that_cannot_be_read_has_its_default(data, what):
    def edit(document, arrays):
        document["parameters"]["alpha"] = UNREADABLE[what]
        arrays["key"] = np.zeros(624, dtype=np.uint32)

    with pytest.warns(UserWarning, match="the file has values of alpha of types that this version"):
        loaded = fastmlp.load(edited(data, edit))
    assert loaded.alpha == Regressor().alpha


def test_generators_that_a_file_cannot_hold(model):
    other = copy.copy(model).set_params(random_state=np.random.RandomState(np.random.PCG64(3)))
    with pytest.warns(UserWarning, match=r"random_state: .* RandomState of PCG64, only of MT19937"):
        loaded = fastmlp.load(saved(other))
    assert loaded.random_state is None


def test_what_could_not_be_loaded_is_not_saved(model, tmp_path):
    path = tmp_path / "model"
    path.write_bytes(b"old")
    other = copy.copy(model).set_params(solver="lion")
    with pytest.raises(ValueError, match=r"cannot hold this model: .*'solver'"):
        other.save(path)
    assert path.read_bytes() == b"old"


def with_tensor(data, name, kind, size) -> bytes:
    """The file with a tensor of zeros, of any type, and a checksum that fits."""
    length = int.from_bytes(data[:8], "little")
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    body = body if name not in header else body[: header.pop(name)["data_offsets"][0]]
    own = {"dtype": kind, "shape": [size], "data_offsets": [len(body), len(body) + 8 * size]}
    header[name], body = own, body + bytes(8 * size)
    text = header["__metadata__"]["fastmlp"]
    text = text.replace(json.loads(text)["sha256"], "0" * 64)
    tensors = [
        container._Stored(key, one["dtype"], tuple(one["shape"]), body[slice(*one["data_offsets"])])
        for key, one in header.items()
        if key != "__metadata__"
    ]
    text = text.replace("0" * 64, container._checksum(text, tensors))
    header["__metadata__"]["fastmlp"] = text
    packed = json.dumps(header).encode()
    return len(packed).to_bytes(8, "little") + packed + body


def test_tensors_of_unknown_types(data, model):
    loaded = fastmlp.load(with_tensor(data, "something.new", "I64", 3))
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    with pytest.raises(ModelFileError, match=r"'decoder.lowest' is of a type that this version"):
        fastmlp.load(with_tensor(data, "decoder.lowest", "I64", 1))
    damaged = bytearray(with_tensor(data, "something.new", "I64", 3))
    damaged[-1] ^= 1
    with pytest.raises(ModelFileError, match="do not fit its checksum"):
        fastmlp.load(bytes(damaged))


@pytest.mark.parametrize("depth", [990, 5000, 50_000])
def test_values_that_are_nested_deeply(data, depth):
    document, arrays = unpacked(data)
    document.pop("sha256")
    document["parameters"]["alpha"] = "here"
    nested = "[" * depth + "]" * depth
    text = json.dumps(document, separators=(",", ":")).replace('"here"', nested)
    with pytest.raises(ModelFileError, match=r"nested too deeply|is no JSON: maximum recursion"):
        fastmlp.load(packed_text(text, arrays))


def packed_text(text, arrays) -> bytes:
    """A file with this text for a document, and a checksum that fits."""
    whole = text.replace("{", '{"sha256":"' + "0" * 64 + '",', 1)
    stored = map(container._stored, arrays, arrays.values())
    whole = whole.replace("0" * 64, container._checksum(whole, stored), 1)
    return save(arrays, {"fastmlp": whole})


def test_unknown_optional_parts_are_ignored(data, model):
    """A newer version may add fields and tensors that predictions do not need."""

    def extend(document, arrays):
        document["format_version"] = 3
        document["remarks"] = "something new"
        document["parameters"]["warp"] = 9
        layer(document)["colour"] = [1, {"of": "it"}]
        arrays["something.new"] = np.zeros(3, dtype=np.float32)

    loaded = fastmlp.load(edited(data, extend))
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


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


def test_a_column_with_labels_of_unknown_classes(tmp_path):
    class Label:
        def __repr__(self):
            return "Label()"

    labels = [Label(), Label(), Label()]
    frame = EVERY_COLUMN[["number"]].assign(what=[labels[i % 3] for i in range(len(NUMBER))])
    mine = Regressor(preset="plain", hidden_layer_sizes=2, max_iter=1).fit(frame, NUMBER)
    with pytest.raises(TypeError, match=r"hold Label, Label\(\), a category of column 'what'"):
        mine.save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


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


def test_memory_is_bounded_by_the_size_of_the_file(tmp_path):
    """Sizes in a document are compared with its tensors before anything is made of them."""
    import tracemalloc

    def huge(document, arrays):
        document["pipeline"]["encoder"]["n_columns"] = 2**50
        layer(document).update(inputs=2**50)

    file = io.BytesIO()
    saved_model("numbers")[0].save(file)
    large = edited(file.getvalue(), huge)
    tracemalloc.start()
    with pytest.raises(ModelFileError):
        fastmlp.load(large)
    assert tracemalloc.get_traced_memory()[1] < 50 * len(large)
    tracemalloc.stop()
    path: Path = tmp_path / "sparse file"
    with open(path, "wb") as sparse:  # of 100 GB, of which nothing is read
        sparse.truncate(10**11)
    with pytest.raises(ModelFileError, match="no model file"):
        fastmlp.load(path)


def test_outputs_of_the_same_file_are_the_same():
    """The order of tensors and fields is fixed."""
    model, rows, _ = saved_model("ensemble")
    files = [io.BytesIO(), io.BytesIO()]
    for file in files:
        model.save(file, check_rows=rows[:2])
    assert files[0].getvalue() == files[1].getvalue()
    assert outputs(model, rows).shape == (len(rows),)
