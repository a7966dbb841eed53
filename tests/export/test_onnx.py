"""ONNX models predict what the estimators predict, in onnxruntime."""

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from exported_models import (
    CASES,
    FEW,
    NUMBER,
    ONE,
    PLAIN,
    RAW,
    THREE,
    assert_close,
    expected,
    exported,
)
from tiny_models import tiny

from fastmlp import Classifier, Predictor, Regressor, load

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

from onnx_sessions import onnx_outputs  # noqa: E402

from fastmlp.export.onnx.model import onnx_model  # noqa: E402


@pytest.mark.parametrize("name", CASES)
def test_the_exported_model_predicts_the_same(name):
    model, rows = exported(name)
    found = onnx_outputs(model.to_onnx(), rows)
    predicted = expected(model, rows)
    numbers = found.get("probabilities", found.get("variable"))
    assert_close(numbers.reshape(predicted.shape), predicted, model._pipeline.networks[0].dtype)
    if "label" in found:
        np.testing.assert_array_equal(found["label"], model.predict(rows))


def test_standard_deviations():
    y = np.column_stack([NUMBER, -NUMBER])
    model = Regressor(**FEW, loss="gaussian").fit(PLAIN, y)
    found = onnx_outputs(model.to_onnx(), PLAIN)
    predicted, std = model.predict(PLAIN, return_std=True)
    assert_close(found["variable"], predicted)
    assert_close(found["std"], std)


def test_several_columns_of_labels_are_refused():
    model = tiny(Classifier).fit(PLAIN, np.column_stack([NUMBER > 10, THREE]))
    with pytest.raises(ValueError, match="export to ONNX is not supported for several columns"):
        model.to_onnx()


def test_inputs_and_outputs_of_a_raw_table():
    model, _ = exported("raw table")
    graph = model.to_onnx().graph
    kinds = {value.name: value.type.tensor_type for value in graph.input}
    text = {"job", "city", "old"}
    assert list(kinds) == [name for name in RAW if name != "country"]
    for name, kind in kinds.items():
        double = onnx.TensorProto.STRING if name in text else onnx.TensorProto.DOUBLE
        assert kind.elem_type == double
        assert [size.dim_value for size in kind.shape.dim] == [0, 1]
    described = {value.name: value.doc_string for value in graph.input}
    assert described["job"] == "text, '' where missing"
    assert described["date"] == "days since 1970-01-01, NaN where missing"
    assert described["waited"] == "seconds, NaN where missing"
    assert described["grade"] == "labels that are numbers, NaN where missing"
    assert described["price"] == "number, without separators and units, NaN where missing"
    assert [value.name for value in graph.output] == ["variable"]


def test_arrays_of_numbers_are_one_matrix_and_frames_are_columns():
    model, _ = exported("MLPClassifier")
    graph = model.to_onnx().graph
    assert [value.name for value in graph.input] == ["X"]
    assert [value.name for value in graph.output] == ["label", "probabilities"]
    by_column = model.to_onnx(inputs="columns").graph
    assert [value.name for value in by_column.input] == ["x0", "x1", "x2"]
    frame = pd.DataFrame(PLAIN, columns=["a", "b", "c"])
    named = tiny(Regressor).fit(frame, NUMBER)
    assert [value.name for value in named.to_onnx().graph.input] == ["a", "b", "c"]
    for inputs in ("columns", "matrix"):
        found = onnx_outputs(named.to_onnx(inputs=inputs), frame)["variable"]
        assert_close(found[:, 0], named.predict(frame))


def test_the_opset_is_one_that_old_runtimes_have():
    model, _ = exported("raw table")
    exported_model = model.to_onnx()
    opsets = {opset.domain: opset.version for opset in exported_model.opset_import}
    assert opsets == {"": 17, "ai.onnx.ml": 3}
    assert exported_model.ir_version == 8
    assert {node.domain for node in exported_model.graph.node} <= {"", "ai.onnx.ml"}


def test_any_number_of_rows():
    model, rows = exported("raw table")
    exported_model = model.to_onnx()
    predicted = onnx_outputs(exported_model, rows)["variable"]
    np.testing.assert_allclose(
        onnx_outputs(exported_model, rows[:1])["variable"], predicted[:1], rtol=1e-6
    )
    assert onnx_outputs(exported_model, rows[:0])["variable"].shape == (0, 1)


def test_the_file_holds_the_model(tmp_path):
    model, _ = exported("MLPRegressor")
    returned = model.to_onnx(tmp_path / "model.onnx")
    assert onnx.load(tmp_path / "model.onnx") == returned == model.to_onnx()


def test_a_model_of_a_file_exports_alike(tmp_path):
    model, _ = exported("raw table")
    model.save(tmp_path / "model.safetensors")
    assert load(tmp_path / "model.safetensors").to_onnx() == model.to_onnx()


def test_columns_may_have_the_names_of_outputs():
    frame = pd.DataFrame(PLAIN, columns=["variable", "label", "add_1"])
    model = tiny(Regressor).fit(frame, NUMBER)
    found = onnx_outputs(model.to_onnx(), frame)
    assert_close(found["output_variable"][:, 0], model.predict(frame))


def test_the_empty_text_may_be_a_label():
    frame = pd.DataFrame({"a": np.array(["", "u", "v"] * 20), "b": PLAIN[:60, 0]})
    model = tiny(Regressor).fit(frame, NUMBER[:60])
    found = onnx_outputs(model.to_onnx(), frame)["variable"]
    assert_close(found[:, 0], model.predict(frame))


def test_constant_columns_count_as_zero_whatever_comes_later():
    frame = RAW[["number", "country"]].assign(nothing=np.nan)
    model = tiny(Regressor).fit(frame, NUMBER)
    exported_model = model.to_onnx()
    assert [value.name for value in exported_model.graph.input] == ["number"]
    found = onnx_outputs(exported_model, frame[["number"]])["variable"]
    assert_close(found[:, 0], model.predict(frame))


@pytest.mark.parametrize(
    ("labels", "kinds"), [([1, "a", 2, "b"], "int and str"), ([b"a", b"b", b"c", b"d"], "bytes")]
)
def test_labels_that_no_operator_compares_are_refused_by_name(labels, kinds):
    frame = pd.DataFrame({"odd": pd.Series(labels * 10, dtype=object), "b": PLAIN[:40, 0]})
    model = tiny(Regressor).fit(frame, NUMBER[:40])
    with pytest.raises(ValueError, match=f"column 'odd' cannot be exported.*type {kinds}"):
        model.to_onnx()


def test_a_matrix_cannot_hold_text():
    model, _ = exported("raw table")
    with pytest.raises(ValueError, match="'job' holds text: use inputs='columns'"):
        model.to_onnx(inputs="matrix")
    with pytest.raises(ValueError, match="inputs must be 'auto', 'columns' or 'matrix'"):
        model.to_onnx(inputs="rows")


def test_sparse_rows_are_a_matrix():
    model, _ = exported("sparse")
    with pytest.raises(ValueError, match=r"inputs must be .matrix. or .auto. for.* sparse rows"):
        model.to_onnx(inputs="columns")


def test_a_column_without_a_name_is_no_input():
    frame = pd.DataFrame(PLAIN, columns=["a", "", "c"])
    model = tiny(Regressor).fit(frame, NUMBER)
    with pytest.raises(ValueError, match="ONNX has no empty names"):
        model.to_onnx()
    assert_close(
        onnx_outputs(model.to_onnx(inputs="matrix"), frame)["variable"][:, 0], model.predict(frame)
    )


def test_without_onnx_the_error_says_what_to_install(monkeypatch):
    model, _ = exported("MLPRegressor")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r"pip install 'fastmlp\[onnx\]'"):
        model.to_onnx()


def test_a_model_of_constants_alone_has_no_inputs():
    model = tiny(Regressor).fit(pd.DataFrame({"a": ["u"] * 20}), NUMBER[:20])
    with pytest.raises(ValueError, match="all columns were constant"):
        model.to_onnx()


def test_a_failed_export_writes_nothing(tmp_path):
    model, _ = exported("raw table")
    with pytest.raises(ValueError, match="inputs"):
        model.to_onnx(tmp_path / "model.onnx", inputs="matrix")
    assert not list(tmp_path.iterdir())


def test_predictions_stay_within_limits_and_quantiles_do_not_cross():
    model, rows = exported("several quantiles")
    found = onnx_outputs(model.to_onnx(), 100 * rows)["variable"]
    assert (np.diff(found) >= 0).all()
    assert found.max() <= NUMBER.max()
    assert found.min() >= NUMBER.min()


def test_small_probabilities_keep_their_digits():
    model = tiny(Classifier).fit(PLAIN, NUMBER > 10)
    rows = 200 * PLAIN
    predicted = expected(model, rows)[:, 1]
    assert 0 < predicted.min() < 1e-9
    found = onnx_outputs(model.to_onnx(), rows)["probabilities"][:, 1]
    np.testing.assert_allclose(found, predicted, rtol=1e-4)


@pytest.mark.filterwarnings("ignore::fastmlp.ExtrapolationWarning")
def test_small_calibrated_probabilities_of_labels_keep_their_digits():
    model = tiny(Classifier).fit(PLAIN, (PLAIN > 0).astype(int))
    pipeline = model._pipeline
    calibrated = replace(pipeline.decoder, temperature=np.array([0.2, 0.2, 0.3]))
    pipeline, rows = replace(pipeline, decoder=calibrated), 200 * PLAIN
    wanted = Predictor(pipeline).predict_proba(rows)
    assert 0 < wanted.min() < 1e-18
    found = onnx_outputs(onnx_model(pipeline, "auto"), rows)["probabilities"]
    np.testing.assert_allclose(found, wanted, rtol=1e-4)


def test_large_offsets_cost_no_digits():
    X = PLAIN[:, :1] + 2.0**33
    model = Regressor(**ONE).fit(X, PLAIN[:, 0])
    found = onnx_outputs(model.to_onnx(), X)["variable"]
    assert_close(found[:, 0], model.predict(X))


def test_classes_that_tensors_cannot_hold_are_refused():
    pipeline = exported("MLPClassifier")[0]._pipeline
    decoder = replace(pipeline.decoder, classes=np.array([b"a", b"b", b"c"]))
    with pytest.raises(ValueError, match=r"classes cannot be exported to ONNX.*b'a'"):
        onnx_model(replace(pipeline, decoder=decoder), "auto")
