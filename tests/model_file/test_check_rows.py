"""Rows that are stored with their predictions, and weights in fewer bytes."""

import copy
import warnings

import numpy as np
import pandas as pd
import pytest
from saved_models import EVERY_COLUMN, MAKERS, NUMBER, X, edited, outputs, saved, saved_model
from sklearn.exceptions import ConvergenceWarning

import fastmlp
from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.model_file import ModelFileError
from fastmlp.model_file.container import unpacked
from fastmlp.neural_network import MLPRegressor


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


def changed_by(data, difference):
    """The file with other outputs of the check rows."""

    def change(document, arrays):
        arrays["check_rows.outputs"] = arrays["check_rows.outputs"] + difference

    return edited(data, change)


def test_differences_are_in_units_of_the_targets():
    """A large mean hides none, nor does another output of a larger unit."""
    targets = np.column_stack([1e6 + NUMBER, 1e4 * NUMBER])
    how = {"preset": "plain", "hidden_layer_sizes": 4, "max_iter": 2, "random_state": 0}
    data = saved(fastmlp.Regressor(**how).fit(X, targets), check_rows=X[:4])
    fastmlp.load(changed_by(data, [1e-5, 0.1]))
    for difference in ([0.01, 0], [0, 50]):
        with pytest.raises(ModelFileError, match="predicts other values for the rows"):
            fastmlp.load(changed_by(data, difference))


def test_columns_in_another_order():
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    for kind in (MLPRegressor, fastmlp.Regressor):
        how = {"hidden_layer_sizes": [4], "max_iter": 1, "random_state": 0}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            model = kind(**how).fit(frame, NUMBER)
        with pytest.raises(ValueError, match="feature names should match"):
            saved(model, check_rows=frame[["c", "b", "a"]][:3])


def test_rows_are_not_predicted_before_their_outputs_fit(monkeypatch):
    """Rows times classes take more memory than both; and a file may ask for many threads."""
    model = saved_model("object classes")[0]
    data = saved(model, check_rows=X[:3])

    def fewer(document, arrays):
        arrays["check_rows.outputs"] = arrays["check_rows.outputs"][:, :1]

    def many_threads(document, arrays):
        document["parameters"]["n_jobs"] = 3000

    with pytest.raises(
        ModelFileError, match="has 1 predictions for each of its rows; its model makes 3"
    ):
        fastmlp.load(edited(data, fewer))
    asked = []
    predict = FittedModel.predict

    def remember(self, rows, n_threads, **options):
        asked.append(n_threads)
        return predict(self, rows, n_threads, **options)

    monkeypatch.setattr(FittedModel, "predict", remember)
    loaded = fastmlp.load(edited(data, many_threads))
    assert asked == [1]
    assert loaded.n_jobs == 3000


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
