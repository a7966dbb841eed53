"""Frames with the schema of an earlier one are read in a fast way: with the same result."""

import pickle
import sys

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from columns_of_every_kind import FRAMES, encoded, people

from fastmlp import Regressor
from fastmlp.table.encoder import DenseEncoder

PANDAS = [kind for kind in FRAMES if kind.startswith("pandas")]


@pytest.mark.parametrize("kind", PANDAS)
@pytest.mark.parametrize("rows", [1, 32, 33])
def test_same_schema(kind, rows):
    frame = FRAMES[kind](people(60))
    result, columns = encoded(frame)
    unread = pickle.loads(pickle.dumps(columns))  # remembers no schema
    columns.check_features(frame, "Model")
    for start in (0, 17):
        part = frame[start : start + rows]
        np.testing.assert_array_equal(columns.encode(part), result[start : start + rows])
        np.testing.assert_array_equal(unread.encode(part), result[start : start + rows])
        assert columns.encode(part).dtype == result.dtype


@pytest.mark.parametrize("kind", PANDAS)
def test_other_types_and_back(kind):
    first = FRAMES["pandas"](people(20))
    result, columns = encoded(first)
    for frame in (FRAMES[kind](people(20)), first, FRAMES[kind](people(20)), first):
        columns.check_features(frame, "Model")
        np.testing.assert_array_equal(columns.encode(frame), result)


def test_other_columns_are_refused_as_before():
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})
    columns, _ = DenseEncoder.learn(frame)
    columns.check_features(frame, "Model")
    with pytest.raises(ValueError, match="must be in the same order"):
        columns.check_features(frame[["b", "a"]], "Model")
    with pytest.raises(ValueError, match="0 sample"):
        columns.encode(frame[:0])
    with pytest.raises(ValueError, match="'a' was numeric in training; got '1'"):
        columns.encode(frame.assign(a=["1", "2"]))
    with pytest.raises(ValueError, match=r"infinity .* column 'a'"):
        columns.encode(frame.assign(a=np.inf))
    with pytest.raises(TypeError, match="nested values"):
        columns.encode(pd.DataFrame({"a": [1.0], "b": [["x"]]}))


@pytest.mark.parametrize("dtype", ["float32", "int16", "int64", "float64"])
def test_numbers_of_several_types(dtype):
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [0.5, 1.5, 2.5], "c": list("xyz")})
    frame = frame.astype({"a": dtype, "b": "float32"})
    result, columns = encoded(frame)
    one = columns.encode(frame[1:2])
    assert one.dtype == result.dtype
    np.testing.assert_array_equal(one, result[1:2])


def test_labels_of_float32_are_not_read_as_longer_numbers():
    frame = pd.DataFrame({"a": np.array([0.1, 0.2, 0.3], dtype="f4"), "b": list("xyz")})
    columns, result = DenseEncoder.learn(frame, ["a"])
    np.testing.assert_array_equal(columns.encode(frame[:1]), result[:1])


def test_record_batch_is_a_table():
    table = people(40)
    batch = pa.RecordBatch.from_pydict(table)
    result, columns = encoded(batch)
    assert columns.feature_names.tolist() == list(table)
    np.testing.assert_array_equal(columns.encode(pl.DataFrame(table)), result)
    numbers = pa.RecordBatch.from_pydict({"a": np.arange(20.0), "b": np.arange(20.0) ** 2})
    model = Regressor(preset="fast", max_iter=1, random_state=0).fit(numbers, np.arange(20.0))
    assert model.predict(numbers).shape == (20,)
    assert model.feature_names_in_.tolist() == ["a", "b"]


@pytest.mark.parametrize("dtype", ["float[pyarrow]", "int8[pyarrow]", "Float32", "float32"])
def test_a_row_has_the_type_of_more_rows(dtype):
    frame = pd.DataFrame({"a": [1, 2, 3], "b": list("xyz")}).astype({"a": dtype})
    columns, encoded = DenseEncoder.learn(frame)
    for n_rows in (3, 1):
        part = columns.encode(frame[:n_rows])
        assert part.dtype == encoded.dtype == np.float32
        np.testing.assert_array_equal(part, encoded[:n_rows])


def wide_frame(n_numbers):
    r = np.random.default_rng(0)
    frame = pd.DataFrame(r.normal(size=(40, n_numbers))).add_prefix("number ")
    labels = r.choice(["a", "b", "c"], size=(40, 2))
    return frame.assign(text=labels[:, 0], category=pd.Categorical(labels[:, 1]), whole=range(40))


def test_work_for_a_row_does_not_grow_with_the_columns_of_numbers():
    def calls(n_numbers):
        frame = wide_frame(n_numbers)
        columns, _ = DenseEncoder.learn(frame)
        row, count = frame[:1], 0

        def on_event(_, event, __):
            nonlocal count
            count += event == "call"

        columns.encode(row)
        sys.setprofile(on_event)
        try:
            columns.encode(row)
        finally:
            sys.setprofile(None)
        return count

    assert calls(400) < calls(200) + 20


@pytest.mark.parametrize("dtype", ["float64", "float32", "int8", "int64"])
def test_wide_rows_have_the_type_of_more_rows(dtype):
    frame = wide_frame(200)
    columns, _ = DenseEncoder.learn(frame)
    frame = frame.astype({"number 0": dtype, "number 7": dtype})
    frame.loc[3, ["text", "number 9"]] = None
    unread = pickle.loads(pickle.dumps(columns))
    for table in (frame, frame.astype({"text": object})):
        whole = unread.encode(table)
        for _ in range(2):  # the first one makes the other types known
            for start in (2, 3):
                row = columns.encode(table[start : start + 1])
                np.testing.assert_array_equal(row, whole[start : start + 1])
                assert row.dtype == whole.dtype


def test_wide_rows_of_small_numbers_stay_small():
    small = {f"number {j}": np.float32 for j in range(200)}
    frame = wide_frame(200)
    columns, _ = DenseEncoder.learn(frame.drop(columns="whole"))
    assert columns.encode(frame.drop(columns="whole").astype(small)[:1]).dtype == np.float32
