"""Rows that are stored with their predictions, and weights in fewer bytes."""

import copy
import io

import numpy as np
import pytest
from saved_models import EVERY_COLUMN, MAKERS, NUMBER, X, outputs, saved_model

import fastmlp
from fastmlp.model_file import ModelFileError
from fastmlp.model_file.container import packed, unpacked


def saved(model, **options) -> bytes:
    file = io.BytesIO()
    model.save(file, **options)
    return file.getvalue()


def edited(data, edit) -> bytes:
    """The file with an edited document and arrays, and a checksum that fits."""
    document, arrays = unpacked(data)
    document.pop("sha256")
    edit(document, arrays)
    return packed(document, arrays)


@pytest.mark.parametrize("name", MAKERS)
def test_rows_are_predicted_again(name):
    model, rows, _ = saved_model(name)
    data = saved(model, check_rows=rows[:6])
    loaded = fastmlp.load(data)
    np.testing.assert_array_equal(outputs(loaded, rows), outputs(model, rows))

    def change(document, arrays):
        arrays["check_rows.outputs"] = arrays["check_rows.outputs"] * 1.01 + 0.01

    with pytest.raises(ModelFileError, match="predicts other values for the rows in its file"):
        fastmlp.load(edited(data, change))


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_rows_of_any_library(library):
    import polars as pl
    import pyarrow as pa

    frame = EVERY_COLUMN[["number", "integer", "binary", "color ü", "city", "written", "price"]]
    frame = {"pandas": lambda f: f, "polars": pl.from_pandas, "pyarrow": pa.Table.from_pandas}[
        library
    ](frame)
    model = fastmlp.Regressor(preset="plain", hidden_layer_sizes=3, max_iter=2).fit(frame, NUMBER)
    fastmlp.load(saved(model, check_rows=frame[:5]))


def test_rows_of_another_table():
    model, _, _ = saved_model("numbers")
    with pytest.raises(ValueError, match="X has 2 features"):
        saved(model, check_rows=X[:3, :2])
    data = saved(model, check_rows=X[:3])

    def narrow(document, arrays):
        arrays["check_rows.numbers"] = arrays["check_rows.numbers"][:, :2]

    with pytest.raises(ModelFileError, match="cannot predict the rows in its file: X has 2 feat"):
        fastmlp.load(edited(data, narrow))


# Of predictions whose standard deviation is about 1
LARGEST = {"float16": 2e-3, "bfloat16": 2e-2, "int8": 2e-2}


@pytest.mark.parametrize("dtype", LARGEST)
@pytest.mark.parametrize("name", ["ensemble", "columns", "classes", "counts", "MLP labels"])
def test_fewer_bytes(name, dtype, capsys):
    model, rows, y = saved_model(name)
    whole, data = saved(model), saved(model, dtype=dtype, check_rows=(rows[:8], y[:8]))
    loaded = fastmlp.load(data)
    exact, rounded = outputs(model, rows), outputs(loaded, rows)
    assert 0 < np.abs(exact - rounded).max() < LARGEST[dtype]
    assert f"weights of {dtype}: predictions for 8 check rows change by" in capsys.readouterr().out
    arrays, smaller = unpacked(whole)[1], unpacked(saved(model, dtype=dtype))[1]
    n_weights = sum(a.size for n, a in arrays.items() if n.endswith("weights") and a.ndim == 2)
    n_weights -= sum(a.size for n, a in arrays.items() if "periodic" in n or "piecewise" in n)
    saved_bytes = sum(a.nbytes for a in arrays.values()) - sum(a.nbytes for a in smaller.values())
    assert saved_bytes >= n_weights
    np.testing.assert_array_equal(outputs(fastmlp.load(saved(loaded)), rows), rounded)


def test_weights_that_float16_cannot_hold():
    model = copy.deepcopy(saved_model("MLP")[0])
    model.coefs_[0][0, 0] = 1e6
    with pytest.raises(ValueError, match=r"weights of up to 1e\+06 are too large"):
        saved(model, dtype="float16")
    loaded = fastmlp.load(saved(model, dtype="bfloat16"))
    assert loaded.coefs_[0][0, 0] == pytest.approx(1e6, rel=1 / 256)
    with pytest.raises(ValueError, match=r"dtype must be one of .*; got 'float8'"):
        saved(model, dtype="float8")
