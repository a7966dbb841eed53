"""What is refused: files that are damaged or were edited; and what newer versions may add."""

import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save
from saved_models import FEW, X, edited, saved, saved_model

import fastmlp
from fastmlp import ModelFileError, Regressor
from fastmlp.model_file import container
from fastmlp.model_file.container import unpacked
from fastmlp.model_file.pipeline import load_pipeline

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
    "empty": "not a model file",
    "other file": "not a model file",
    "text": "not a model file",
    "cut in the header": "is cut off: its header should have",
    "cut in the tensors": "damaged or cut off",
    "longer": "damaged or cut off",
    "flipped bit": "do not match its checksum",
    "edited text": "do not match its checksum",
    "other safetensors": "but not a fastmlp model",
    "long header": "not a model file",
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
        "is of format 8 and needs a reader of format 7; this is fastmlp .* up to format 1",
    ),
    "feature": (
        lambda d, a: d.update(required_features=["rounded_weights", "quaternions"]),
        "needs 'quaternions', which fastmlp .* does not know",
    ),
    "kind": (lambda d, a: d.update(kind="os.system"), "model.kind must be one of .*; got 'os.sys"),
    "other kind": (
        lambda d, a: (d.update(kind="Classifier"), d["parameters"].pop("loss")),
        "does not predict what a Classifier",
    ),
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
    "names of fewer targets": (
        lambda d, a: d["pipeline"].update(target_names=[]),
        r"model.pipeline.target_names must be a list of 1 values; got an array of 0",
    ),
    "names that are no text": (
        lambda d, a: d["pipeline"].update(output_names=[3]),
        r"model.pipeline.output_names must be a list, each value of which is text",
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


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "int8"])
def test_rounded_weights_are_finite(model, dtype):
    def edit(document, arrays):
        name = "networks.0.0.weights" + (".scale" if dtype == "int8" else "")
        infinity = np.uint16(0x7F80) if dtype == "bfloat16" else np.inf
        arrays[name] = np.full_like(arrays[name], infinity)

    with pytest.raises(ModelFileError, match=r"'networks.0.0.weights' must hold finite numbers"):
        fastmlp.load(edited(saved(model, dtype=dtype), edit))


SIGNS = {
    "fewer": (lambda a: a.update({"signs.2": a["signs.2"][1:]}), "must have the shape (576)"),
    "none": (lambda a: a.update({"signs.0": a["signs.0"][1:]}), "must have the shape (1)"),
    "others": (lambda a: a.update({"signs.2": a["signs.2"] + 1}), "'*', '+', '-' or '0'"),
}


@pytest.mark.parametrize("what", SIGNS)
def test_signs_that_do_not_fit_their_layer(what):
    edit, message = SIGNS[what]
    data = edited(saved(saved_model("constraints")[0]), lambda d, a: edit(a))
    for load in (fastmlp.load, load_pipeline):
        with pytest.raises(ModelFileError, match=re.escape(message)):
            load(data)


def test_signs_of_a_layer_without_weights_are_an_unknown_field():
    def add_dropout(document, arrays):
        layers = document["pipeline"]["networks"][0]["layers"]
        layers[-1:] = [{"kind": "dropout", "rate": 0.5, "signs": "signs.0"}, layers[-1]]
        weights = {name: arrays.pop(name) for name in [*arrays] if name.startswith("networks.0.3")}
        arrays.update({name.replace("0.3", "0.4"): array for name, array in weights.items()})

    pipeline = load_pipeline(edited(saved(saved_model("constraints")[0]), add_dropout))
    assert type(pipeline.networks[0].layers[3]).__name__ == "Dropout"


COLUMNS = {
    "categories": (
        lambda column: column["categories"].append("red"),
        r" ('color \xfc') is of kind 'category' and must not have these",
    ),
    "type": (lambda column: column.update(rare="x"), r" ('color \xfc').rare must be an integer"),
    "name": (lambda column: column.update(name=3), ".name must be text; got 3"),
}


@pytest.mark.parametrize("what", COLUMNS)
def test_errors_name_the_column(what):
    """By position, and by its name if it has one."""
    edit, message = COLUMNS[what]
    position = FEW.index("color ü")

    def edit_column(document, arrays):
        edit(document["pipeline"]["encoder"]["columns"][position])

    with pytest.raises(ModelFileError, match=re.escape(f"columns[{position}]{message}")):
        fastmlp.load(edited(saved(saved_model("classes")[0]), edit_column))


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
    with pytest.raises(ModelFileError, match="do not match its checksum"):
        fastmlp.load(bytes(damaged))


@pytest.mark.parametrize("depth", [990, 5000, 50_000])
def test_values_that_are_nested_deeply(data, depth):
    document, arrays = unpacked(data)
    document.pop("sha256")
    document["parameters"]["alpha"] = "here"
    nested = "[" * depth + "]" * depth
    text = json.dumps(document, separators=(",", ":")).replace('"here"', nested)
    with pytest.raises(
        ModelFileError, match=r"nested too deeply|is not valid JSON: maximum recursion"
    ):
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
    with pytest.raises(ModelFileError, match="1125899906842624"):
        fastmlp.load(large)
    assert tracemalloc.get_traced_memory()[1] < 50 * len(large)
    tracemalloc.stop()
    path: Path = tmp_path / "sparse file"
    with open(path, "wb") as sparse:  # of 100 GB, of which nothing is read
        sparse.truncate(10**11)
    with pytest.raises(ModelFileError, match="not a model file"):
        fastmlp.load(path)
