"""Tables of numbers alone are read where they lie: arrays and frames."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from columns_of_every_kind import (
    FRAMES,
    NAN,
    NUMBERS_AND_NONE,
    codes,
    described,
    encoded,
    every_frame,
    framed,
    people,
)

from fastmlp.table.column import Column
from fastmlp.table.encoder import DenseEncoder

# ---- arrays of numbers

DTYPES = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "g", ">f4", ">i8", "?"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_array_of_numbers_is_returned_itself_if_the_engine_can_read_it(dtype):
    X = np.arange(24).reshape(6, 4).astype(dtype)
    readable = X.dtype.isnative and X.dtype.char not in "?eg"
    read_only = X.copy()
    read_only.flags.writeable = False
    for table in (X, np.asfortranarray(X), X[::2, ::-1], X[::-1], read_only):
        columns, encoded = DenseEncoder.learn(table)
        later = columns.encode(table)
        assert (encoded is table) == (later is table) == readable
        np.testing.assert_array_equal(encoded, table)
        np.testing.assert_array_equal(later, table)
        assert encoded.dtype.isnative
        assert encoded.dtype == later.dtype
        assert (columns.n_numeric, columns.n_flags, columns.category_sizes) == (4, 0, ())
        assert columns.columns == tuple(Column(f"x{i}", "numeric") for i in range(4))
        assert columns.names_of_encoded == ["x0", "x1", "x2", "x3"]


def test_memory_map_is_not_copied(tmp_path):
    np.save(tmp_path / "X.npy", np.ones((5, 3)))
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert np.shares_memory(DenseEncoder.learn(X)[1], X)


def test_lists_of_numbers():
    for X, dtype in (([[1, 2], [3, 4]], np.int64), ([[1, 2.5], [3, 4]], np.float64)):
        result, columns = encoded(X)
        assert result.dtype == dtype
        np.testing.assert_array_equal(result, X)
        np.testing.assert_array_equal(columns.encode([[5, 6]]), [[5, 6]])


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "g", ">f4", ">f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_array_with_missing_numbers(dtype, order):
    X = np.random.default_rng(0).normal(size=(50, 6)).astype(dtype, order=order)
    X[::7, 1] = X[3, 4] = NAN
    X[:, 5] = NAN
    result, columns = encoded(X)
    assert result.dtype == (np.float32 if dtype in ("f2", "f4", ">f4") else np.float64)
    assert result.flags.c_contiguous
    np.testing.assert_array_equal(result[:, :5], X[:, :5].astype(result.dtype))
    np.testing.assert_array_equal(result[:, 5:7], np.isnan(X[:, [1, 4]]))
    np.testing.assert_array_equal(result[:, 7], 0)
    assert [column.kind for column in columns.columns] == ["numeric"] * 5 + ["constant"]
    assert (columns.n_numeric, columns.n_flags, columns.category_sizes) == (5, 3, ())
    assert columns.names_of_encoded[5:] == ["x1 (missing)", "x4 (missing)", "x5"]


def test_numbers_that_go_missing_later():
    X = np.arange(8.0).reshape(4, 2)
    later = X.copy()
    later[1, 1] = NAN
    columns, _ = DenseEncoder.learn(X)
    assert columns.encode(later) is later
    frame = pd.DataFrame({"a": ["x", "y", "z"], "b": [1.0, 2.0, 3.0]})
    columns, _ = DenseEncoder.learn(frame)
    frame["b"] = [1.0, None, 3.0]
    np.testing.assert_array_equal(columns.encode(frame), [[1, 1], [NAN, 2], [3, 3]])


def test_indicator_of_a_complete_table():
    X = np.array([[1.0, NAN], [2.0, 3.0], [3.0, 4.0]])
    columns, _ = DenseEncoder.learn(X)
    np.testing.assert_array_equal(columns.encode(np.ones((1, 2))), [[1, 1, 0]])
    np.testing.assert_array_equal(columns.encode(np.ones((1, 2), dtype=int)), [[1, 1, 0]])


def test_constant_number_stays_a_number():
    X = np.column_stack([np.ones(4), np.arange(4)])
    assert DenseEncoder.learn(X)[1] is X
    assert described([3.0, None, 3.0]) == Column("a", "numeric", missing=True)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_infinity_is_an_error(dtype, value):
    good = np.ones((5, 3), dtype=dtype)
    bad = good.copy()
    bad[2, 1] = value
    both_signs, with_nan = bad.copy(), bad.copy()
    both_signs[1, 1], with_nan[0] = -value, NAN
    columns, _ = DenseEncoder.learn(good)
    for X in (bad, np.asfortranarray(bad), both_signs, with_nan):
        for call in (DenseEncoder.learn, columns.encode):
            with pytest.raises(ValueError, match=r"Input X contains infinity .*column 'x1'"):
                call(X)
    with pytest.raises(ValueError, match="Input X_val contains infinity"):
        columns.encode(bad, name="X_val")


@every_frame
def test_infinity_in_a_frame_names_the_column(kind):
    table = people()
    *_, columns = encoded(FRAMES[kind](table))
    table["income"][3] = np.inf
    for call in (DenseEncoder.learn, columns.encode):
        with pytest.raises(ValueError, match=r"Input X contains infinity .*column 'income'"):
            call(FRAMES[kind](table))


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_sum_that_overflows_is_no_infinity(dtype):
    X = np.full((50, 2), np.finfo(dtype).max, dtype=dtype)
    assert DenseEncoder.learn(X)[1].max() == np.finfo(dtype).max


# ---- frames of numbers


def test_frame_of_one_type_is_not_copied():
    frame = pd.DataFrame(np.ones((5, 3)), columns=list("abc"))
    columns, result = DenseEncoder.learn(frame)
    assert np.shares_memory(result, frame.to_numpy())
    assert [column.name for column in columns.columns] == ["a", "b", "c"]
    assert columns.names_of_encoded == ["a", "b", "c"]


NUMERIC = {
    "pandas": lambda dtype: pd.DataFrame({"a": [1, 2, 3], "b": [3, 2, 1]}).astype(dtype),
    "polars": lambda dtype: pl.from_pandas(NUMERIC["pandas"](dtype)),
    "pyarrow": lambda dtype: pa.Table.from_pandas(NUMERIC["pandas"](dtype)),
}


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int64", "uint64", "float32", "float64"])
@pytest.mark.parametrize("kind", NUMERIC)
def test_frame_of_one_type_keeps_it(kind, dtype):
    result, columns = encoded(NUMERIC[kind](dtype))
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, [[1, 3], [2, 2], [3, 1]])
    assert (columns.n_numeric, columns.n_flags) == (2, 0)


@pytest.mark.parametrize(
    ("one", "other", "dtype"),
    [
        ("float32", "int16", "float32"),
        ("uint8", "int8", "float32"),
        ("float16", "float32", "float32"),
        ("float32", "int32", "float64"),
        ("int64", "int8", "float64"),
        ("float64", "float32", "float64"),
        (">f4", "float32", "float32"),
        ("Int16", "float32", "float32"),
        ("Int64", "Float64", "float64"),
        ("float32[pyarrow]", "float32[pyarrow]", "float32"),
        ("int64[pyarrow]", "float64", "float64"),
    ],
)
def test_frame_of_several_types(one, other, dtype):
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [3, 2, 1]}).astype({"a": one, "b": other})
    result, again, columns = encoded(frame, frame)
    for values in (result, again):
        assert values.dtype == dtype
        np.testing.assert_array_equal(values, [[1, 3], [2, 2], [3, 1]])
    plain = np.ones((2, 2), dtype="i4")
    assert columns.encode(plain) is plain


@pytest.mark.parametrize("kind", NUMBERS_AND_NONE)
def test_missing_numbers_of_every_type(kind):
    result, columns = encoded(framed(NUMBERS_AND_NONE[kind]))
    np.testing.assert_array_equal(result, [[1, 0], [NAN, 1], [2, 0], [3, 0]])
    assert columns.columns == (Column("a", "numeric", missing=True),)
    assert columns.names_of_encoded == ["a", "a (missing)"]


@pytest.mark.parametrize("other", NUMBERS_AND_NONE)
@pytest.mark.parametrize("kind", ["pandas float", "pandas object", "polars int", "pyarrow"])
def test_missing_numbers_of_another_type_later(kind, other):
    expected, later, _ = encoded(framed(NUMBERS_AND_NONE[kind]), framed(NUMBERS_AND_NONE[other]))
    np.testing.assert_array_equal(later, expected)


def test_integers_of_128_bits():
    if not hasattr(pl, "Int128"):
        pytest.skip("polars before 1.18")
    frame = pl.DataFrame({"a": pl.Series([1, None, 2**70], dtype=pl.Int128)})
    np.testing.assert_array_equal(encoded(frame)[0], [[1, 0], [NAN, 1], [2.0**70, 0]])


def test_number_too_large_for_floats():
    frame = pd.DataFrame({"a": pd.Series([1, 10**400], dtype=object)})
    for X in (frame, np.array([[1], [10**400]], dtype=object)):
        with pytest.raises(ValueError, match="infinity or a value too large"):
            DenseEncoder.learn(X)


@pytest.mark.parametrize("value", [None, NAN, pd.NA, pd.NaT])
def test_all_missing(value):
    values = pd.Series([value] * 3, dtype=object)
    assert described(values) == Column("a", "constant", missing=True)
    assert codes(values) == [0, 0, 0]
    assert codes(values, [1.0, 2.0]) == [0, 0]
    assert codes(values, ["x", None]) == [0, 0]
    X = np.array([[value, 1]] * 3, dtype=object)
    np.testing.assert_array_equal(encoded(X)[0], [[1, 0]] * 3)


@pytest.mark.parametrize("dtype", [pl.Float64, pl.String, pl.Boolean, pl.Null, pl.Categorical])
def test_all_null_in_polars_and_arrow(dtype):
    frame = pl.DataFrame({"a": pl.Series([None, None], dtype=dtype), "b": ["x", "y"]})
    for table in (frame, frame.to_arrow()):
        result, columns = encoded(table)
        assert [column.kind for column in columns.columns] == ["constant", "binary"]
        np.testing.assert_array_equal(result, [[0, -1], [0, 1]])
