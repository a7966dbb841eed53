"""Tables that cannot be read: what was wrong, in which column."""

import datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse
from columns_of_every_kind import NAN, encoded

from fastmlp.table.encoder import DenseEncoder


def test_other_number_of_columns():
    for fitted in (np.ones((3, 2)), pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})):
        *_, columns = encoded(fitted)
        for later in (np.ones((3, 3)), pd.DataFrame({"a": ["x"]})):
            with pytest.raises(ValueError, match=r"X has \d features, .* 2 in training"):
                columns.encode(later)
    with pytest.raises(ValueError, match="X_val has 1 features"):
        columns.encode([[1]], name="X_val")


BAD = {
    "1-D": (np.ones(3), "Expected 2D array, got 1D array"),
    "documents": (["one two three"] * 30, "^Expected 2D array.{80,150}TfidfVectorizer.{0,40}$"),
    "column of documents": (np.array(["one two"] * 30), "^Expected 2D array.*TfidfVectorizer"),
    "3-D": (np.ones((2, 2, 2)), "dim 3"),
    "scalar": (5.0, "Expected 2D array, got scalar"),
    "None": (None, "Expected 2D array, got scalar"),
    "pandas series": (pd.Series([1.0]), "Expected a 2-dimensional container"),
    "polars series": (pl.Series([1.0]), "Expected 2D array|2-dimensional container"),
    "no rows": (np.ones((0, 2)), r"0 sample\(s\)"),
    "no columns": (np.ones((2, 0)), r"0 feature\(s\)"),
    "no rows in pandas": (pd.DataFrame({"a": [], "b": []}), r"0 sample\(s\) \(shape=\(0, 2\)\)"),
    "no rows of text": (pl.DataFrame({"a": []}, schema={"a": pl.String}), r"0 sample\(s\)"),
    "no columns in pandas": (pd.DataFrame(index=[1, 2]), r"0 feature\(s\) \(shape=\(2, 0\)\)"),
    "complex": (np.ones((2, 2), dtype=complex), "Complex data not supported"),
    "complex in pandas": (pd.DataFrame({"a": [1j, 2]}), "Complex data not supported"),
    "complex objects": (np.array([[1j], [2]], dtype=object), "Complex data not supported"),
    "ragged": ([[1, 2], [3]], "inhomogeneous"),
    "ragged text": ([["a", 2], ["b"]], "inhomogeneous"),
}


@pytest.mark.parametrize("kind", BAD)
def test_no_table(kind):
    X, message = BAD[kind]
    with pytest.raises(ValueError, match=message):
        DenseEncoder.learn(X)


def test_sparse_and_lazy():
    for X in (scipy.sparse.csr_array(np.eye(3)), scipy.sparse.csc_matrix(np.eye(3))):
        with pytest.raises(TypeError, match="Sparse data was passed"):
            DenseEncoder.learn(X)
    with pytest.raises(TypeError, match=r"X must not be a lazy frame: .*collect\(\)"):
        DenseEncoder.learn(pl.LazyFrame({"a": [1]}))


DAY = datetime.date(2024, 2, 29)
DATES = {
    "pandas": pd.to_datetime([DAY, None]),
    "pandas zone": pd.date_range("2020", periods=2, tz="UTC"),
    "pandas duration": pd.to_timedelta([1, 2]),
}


@pytest.mark.parametrize("kind", DATES)
def test_dates_where_there_were_numbers(kind):
    later = pd.DataFrame({"a": DATES[kind]})
    *_, columns = encoded(pd.DataFrame({"a": [1, 2]}))
    message = "X_val must hold numbers in column '{}', as in training; got dates or durations"
    for X, name in ((later, "a"), (pl.from_pandas(later), "a"), (later.to_numpy("M8[us]"), "x0")):
        with pytest.raises(TypeError, match=message.format(name)):
            columns.encode(X, name="X_val")
    for label in (DAY, pd.Timestamp(DAY), datetime.timedelta(1), np.datetime64("2024")):
        objects = np.array([[label]], dtype=object)
        with pytest.raises(ValueError, match="was numeric in training; got "):
            columns.encode(objects)


def test_numbers_where_there_were_dates():
    for kind, values in DATES.items():
        *_, columns = encoded(pd.DataFrame({"a": values}))
        held = "durations" if "duration" in kind else "dates"
        for later in ([1, 2], [1.5, None]):
            with pytest.raises(ValueError, match=f"'a' held {held} in training; got numbers, such"):
                columns.encode(pd.DataFrame({"a": later}))


def test_dates_where_there_was_text():
    *_, columns = encoded(pd.DataFrame({"a": list("xyz")}))
    with pytest.raises(ValueError, match="'a' held text in training; got dates, such as"):
        columns.encode(pd.DataFrame({"a": DATES["pandas"]}))


NESTED = {
    "lists": [[1], [2]],
    "dicts": [{"a": 1}, {"b": 2}],
    "sets": [{1}, {2}],
    "arrays": [np.ones(2), np.ones(2)],
    "one among numbers": [1.0, {"foo": "bar"}],
    "one among text": ["a", ["b"]],
    "in tuples": [(1, [2]), (2, [3])],
}


@pytest.mark.parametrize("kind", NESTED)
def test_nested_values(kind):
    objects = np.empty((2, 2), dtype=object)
    objects[:, 0] = [1, 2]
    for row, value in enumerate(NESTED[kind]):
        objects[row, 1] = value
    frame = pd.DataFrame(objects, columns=["a", "cell"])
    for X, name in ((frame, "cell"), (objects, "x1")):
        message = f"column '{name}' .*argument must be a string or a number"
        with pytest.raises(TypeError, match=message):
            DenseEncoder.learn(X)
    *_, columns = encoded(pd.DataFrame({"a": [1, 2], "cell": ["x", "y"]}))
    with pytest.raises(TypeError, match="argument must be a string or a number"):
        columns.encode(frame)


def test_nested_types():
    frame = pl.DataFrame({"lists": [[1], None], "structs": [{"a": 1}, {"a": 2}]})
    for name in frame.columns:
        one = frame.select(name)
        arrow = one.to_arrow()
        for X in (one, arrow, arrow.to_pandas(types_mapper=pd.ArrowDtype), arrow.to_pandas()):
            with pytest.raises(TypeError, match=f"'{name}' .*a string or a number"):
                DenseEncoder.learn(X)


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame, pa.table])
def test_text_where_there_were_numbers(library):
    columns, _ = DenseEncoder.learn(library({"age": [1, 2, None], "b": [1.0, 2.0, 3.0]}))
    for later in (["old"], ["12"], [None, "12"]):
        message = r"X: column 'age' was numeric in training; got '\w+'"
        with pytest.raises(ValueError, match=message):
            columns.encode(library({"age": later, "b": [1.0] * len(later)}))
    if library is pd.DataFrame:
        for dtype in (object, "category"):
            later = pd.DataFrame({"age": pd.Series(["12"], dtype=dtype), "b": 1.0})
            with pytest.raises(ValueError, match="'age' was numeric in training; got '12'"):
                columns.encode(later)


def test_numbers_as_text_in_arrays():
    columns, _ = DenseEncoder.learn(np.array([[1.0, 2.0], [3.0, 4.0]]))
    for X in (
        np.array([["1", 2], [" 3.5 ", None]], dtype=object),
        np.array([["1", "2"], ["3.5", "nan"]]),
        [["1", 2], ["3.5", NAN]],
    ):
        np.testing.assert_array_equal(columns.encode(X), [[1, 2], [3.5, NAN]])
    for bad in ([["1", "x"]], [[1, (2,)]], [[1, 2j]]):
        with pytest.raises(ValueError, match=r"column 'x1' was numeric|Complex data"):
            columns.encode(np.array(bad, dtype=object).reshape(1, 2))


def test_other_kinds_of_numbers_later():
    columns, _ = DenseEncoder.learn(pd.DataFrame({"a": [1.5, 2.5], "b": ["x", "y"]}))
    for values in (
        [True, False],
        pd.Categorical([1, 0]),
        pd.array([1, 0], dtype="Int8"),
        pd.array([True, False], dtype="boolean"),
        pd.Series([Decimal(1), 0], dtype=object),
    ):
        later = columns.encode(pd.DataFrame({"a": values, "b": ["y", "x"]}))
        np.testing.assert_array_equal(later, [[1, 1], [0, -1]])


def test_numbers_where_there_was_text():
    columns, _ = DenseEncoder.learn(pd.DataFrame({"a": ["1", "2", "3"]}))
    for X in (np.ones((1, 1)), pl.DataFrame({"a": [1]}), pd.DataFrame({"a": [NAN]})):
        if np.isnan(np.asarray(X, dtype=float)).all():
            np.testing.assert_array_equal(columns.encode(X), [[0]])
            continue
        with pytest.raises(ValueError, match="held text in training; got numbers, such as 1"):
            columns.encode(X)


def test_text_where_there_were_categories_of_numbers():
    columns, _ = DenseEncoder.learn(pd.DataFrame({"a": [1, 2, 3]}), ["a"])
    with pytest.raises(ValueError, match="column 'a' held numbers in training; got text, such as"):
        columns.encode(pd.DataFrame({"a": ["1", "2"]}))
    # Some of the kind that there was are enough: the others are unknown.
    mixed = pd.DataFrame({"a": pd.Series([3, "1"], dtype=object)})
    assert (columns.encode(mixed)[:, 0] > 0).tolist() == [True, False]
