"""Raw tables become numbers: kinds of columns, missing values, unseen labels, frames and arrays."""

import copy
import datetime
import pickle
import subprocess
import sys
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse

from fastmlp._columns import Column, Columns

NAN = np.nan


def people(rows=200, seed=0):
    """Columns of every kind as lists, None where a value is missing."""
    rng = np.random.default_rng(seed)

    def some(labels, p=None, missing=0.0):
        picked = [labels[i] for i in rng.choice(len(labels), size=rows, p=p)]
        return [None if rng.uniform() < missing else label for label in picked]

    return {
        "age": rng.integers(18, 90, rows).tolist(),
        "job": some(["nurse", "cook", "clerk", "pilot"], p=[0.5, 0.3, 0.15, 0.05], missing=0.1),
        "income": [None if rng.uniform() < 0.2 else float(v) for v in rng.normal(size=rows)],
        "sex": some(["female", "male"]),
        "member": some([False, True], missing=0.1),
        "city": some([f"city {i:02d}" for i in range(15)]),
        "country": ["there"] * rows,
    }


def pandas_object(table):
    return pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in table.items()})


def pandas_categorical(table):
    frame = pd.DataFrame(table)
    return frame.astype(dict.fromkeys(["job", "sex", "city", "country"], "category"))


def pandas_nullable(table):
    kinds = {"age": "Int16", "income": "Float64", "member": "boolean"}
    return pd.DataFrame(table).astype(kinds)


def pandas_arrow(table):
    return pa.table(table).to_pandas(types_mapper=pd.ArrowDtype)


def polars_categorical(table):
    return pl.DataFrame(table).with_columns(
        pl.col("job", "city").cast(pl.Categorical), pl.col("sex").cast(pl.Enum(["male", "female"]))
    )


def pandas_strings(storage):
    def frame(table):
        kind = pd.StringDtype(storage)
        return pd.DataFrame(table).astype(dict.fromkeys(["job", "sex", "city", "country"], kind))

    return frame


FRAMES = {
    "pandas": pd.DataFrame,
    "pandas object": pandas_object,
    "pandas string python": pandas_strings("python"),
    "pandas string pyarrow": pandas_strings("pyarrow"),
    "pandas nullable": pandas_nullable,
    "pandas categorical": pandas_categorical,
    "pandas pyarrow": pandas_arrow,
    "polars": pl.DataFrame,
    "polars categorical": polars_categorical,
    "polars object": lambda table: pl.DataFrame(
        {name: pl.Series(values, dtype=pl.Object) for name, values in table.items()}
    ),
    "pyarrow": pa.table,
    "pyarrow dictionary": lambda table: pa.Table.from_pandas(pandas_categorical(table)),
}
ARRAYS = {
    "object array": lambda table: np.array(list(zip(*table.values(), strict=True)), dtype=object),
    "lists": lambda table: [list(row) for row in zip(*table.values(), strict=True)],
    "tuples": lambda table: tuple(zip(*table.values(), strict=True)),
}
TABLES = FRAMES | ARRAYS
every_table = pytest.mark.parametrize("kind", TABLES)
every_frame = pytest.mark.parametrize("kind", FRAMES)


def encoded(X, *later, **options):
    """What the training table and later ones become, and the columns."""
    columns = Columns(**options)
    return columns.fit_encode(X), *(columns.encode(rows) for rows in later), columns


def described(values, *, listed=False, **options):
    """The only column of a frame."""
    *_, columns = encoded(
        pd.DataFrame({"a": values}), categorical_features=["a"] if listed else None, **options
    )
    return columns.columns[0]


def codes(values, later=None, **options):
    """What the only column of a frame becomes."""
    frame = pd.DataFrame({"a": values})
    first, second, _ = encoded(
        frame, frame if later is None else pd.DataFrame({"a": later}), **options
    )
    return (first if later is None else second)[:, -1].tolist()


# ---- all at once


def expected_of(table):
    """The encoded table, written plainly."""
    by_frequency = {}
    for name in ("job", "city"):
        labels = sorted(set(table[name]), key=lambda v: (-table[name].count(v), v is None, str(v)))
        by_frequency[name] = {label: code for code, label in enumerate(labels, 1)}
    rows = zip(*table.values(), strict=True)
    return np.array(
        [
            [
                age,
                NAN if income is None else income,
                income is None,
                1 if sex == "male" else -1,
                {True: 1, False: -1, None: 0}[member],
                0,
                by_frequency["job"][job],
                by_frequency["city"][city],
            ]
            for age, job, income, sex, member, city, _ in rows
        ]
    )


@every_table
def test_table_of_every_kind(kind):
    table = people()
    result, columns = encoded(TABLES[kind](table))
    np.testing.assert_array_equal(result, expected_of(table))
    assert result.dtype == np.float64
    assert result.flags.c_contiguous
    assert (columns.n_numeric, columns.n_flags) == (2, 4)
    assert columns.category_sizes == (5, 15)
    names = list(table) if kind in FRAMES else [f"x{i}" for i in range(len(table))]
    assert [column.name for column in columns.columns] == names
    assert [column.kind for column in columns.columns] == [
        *("numeric", "category", "numeric", "binary", "binary", "category", "constant"),
    ]
    assert [column.missing for column in columns.columns] == [False, True, True, False, True] + [
        False
    ] * 2
    age, job, income, sex, member, city, country = names
    assert columns.names_of_encoded == [
        *(age, income, f"{income} (missing)", sex, member, country, job, city),
    ]


@pytest.mark.parametrize("other", TABLES)
@every_table
def test_fit_with_one_kind_and_encode_another(kind, other):
    table = people()
    expected, columns = encoded(TABLES[kind](table))
    np.testing.assert_array_equal(columns.encode(TABLES[other](table)), expected)


@every_table
def test_one_row_and_part_of_the_table(kind):
    table = people()
    expected, columns = encoded(TABLES[kind](table))
    for rows in (slice(0, 1), slice(17, 18), slice(100, None)):
        part = TABLES[kind]({name: values[rows] for name, values in table.items()})
        np.testing.assert_array_equal(columns.encode(part), expected[rows])


@every_frame
def test_everything_missing_later(kind):
    """A column of nothing but None has another type in most libraries."""
    table = people()
    *_, columns = encoded(FRAMES[kind](table))
    nothing = columns.encode(pl.DataFrame({name: [None, None] for name in table}))
    job = columns.columns[1].codes[None]
    np.testing.assert_array_equal(nothing, [[NAN, NAN, 1, 0, 0, 0, job, 0]] * 2)
    typed = FRAMES[kind]({name: [*values[:2], None] for name, values in table.items()})
    np.testing.assert_array_equal(columns.encode(typed)[2], nothing[0])


@every_table
def test_many_blocks_of_rows(kind, monkeypatch):
    monkeypatch.setattr("fastmlp._columns._BLOCK", 7)
    monkeypatch.setattr("fastmlp._rows._CHUNK", 30)
    table = people()
    np.testing.assert_array_equal(encoded(TABLES[kind](table))[0], expected_of(table))


@every_table
def test_copies(kind):
    X = TABLES[kind](people())
    expected, columns = encoded(X)
    for other in (pickle.loads(pickle.dumps(columns)), copy.deepcopy(columns)):
        np.testing.assert_array_equal(other.encode(X), expected)
        assert other.columns == columns.columns
        assert other.names_of_encoded == columns.names_of_encoded
    assert len(pickle.dumps(columns)) < 3000


@every_table
def test_table_is_not_written_to(kind):
    X = TABLES[kind](people(rows=5))
    before = repr(X)
    encoded(X, X)
    assert repr(X) == before


# ---- arrays of numbers

DTYPES = ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", "g", ">f4", ">i8", "?"]


@pytest.mark.parametrize("dtype", DTYPES)
def test_array_of_numbers_is_returned_itself(dtype):
    X = np.arange(24).reshape(6, 4).astype(dtype)
    read_only = X.copy()
    read_only.flags.writeable = False
    for table in (X, np.asfortranarray(X), X[::2, ::-1], X[::-1], read_only):
        columns = Columns()
        assert columns.fit_encode(table) is table
        assert columns.encode(table) is table
        assert (columns.n_numeric, columns.n_flags, columns.category_sizes) == (4, 0, ())
        assert columns.columns == tuple(Column(f"x{i}", "numeric") for i in range(4))
        assert columns.names_of_encoded == ["x0", "x1", "x2", "x3"]


def test_memory_map_is_not_copied(tmp_path):
    np.save(tmp_path / "X.npy", np.ones((5, 3)))
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    assert np.shares_memory(Columns().fit_encode(X), X)


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
    columns = Columns()
    columns.fit_encode(X)
    assert columns.encode(later) is later
    frame, columns = pd.DataFrame({"a": ["x", "y", "z"], "b": [1.0, 2.0, 3.0]}), Columns()
    columns.fit_encode(frame)
    frame["b"] = [1.0, None, 3.0]
    np.testing.assert_array_equal(columns.encode(frame), [[1, 1], [NAN, 2], [3, 3]])


def test_indicator_of_a_complete_table():
    X = np.array([[1.0, NAN], [2.0, 3.0], [3.0, 4.0]])
    columns = Columns()
    columns.fit_encode(X)
    np.testing.assert_array_equal(columns.encode(np.ones((1, 2))), [[1, 1, 0]])
    np.testing.assert_array_equal(columns.encode(np.ones((1, 2), dtype=int)), [[1, 1, 0]])


def test_constant_number_stays_a_number():
    X = np.column_stack([np.ones(4), np.arange(4)])
    assert Columns().fit_encode(X) is X
    assert described([3.0, None, 3.0]) == Column("a", "numeric", missing=True)


@pytest.mark.parametrize("value", [np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_infinity_is_an_error(dtype, value):
    good = np.ones((5, 3), dtype=dtype)
    bad = good.copy()
    bad[2, 1] = value
    both_signs, with_nan = bad.copy(), bad.copy()
    both_signs[1, 1], with_nan[0] = -value, NAN
    columns = Columns()
    columns.fit_encode(good)
    for X in (bad, np.asfortranarray(bad), both_signs, with_nan):
        for call in (Columns().fit_encode, columns.encode):
            with pytest.raises(ValueError, match=r"Input X contains infinity .*column 'x1'"):
                call(X)
    with pytest.raises(ValueError, match="Input X_val contains infinity"):
        columns.encode(bad, name="X_val")


@every_frame
def test_infinity_in_a_frame_names_the_column(kind):
    table = people()
    *_, columns = encoded(FRAMES[kind](table))
    table["income"][3] = np.inf
    for call in (Columns().fit_encode, columns.encode):
        with pytest.raises(ValueError, match=r"Input X contains infinity .*column 'income'"):
            call(FRAMES[kind](table))


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_sum_that_overflows_is_no_infinity(dtype):
    X = np.full((50, 2), np.finfo(dtype).max, dtype=dtype)
    assert Columns().fit_encode(X) is X


# ---- frames of numbers


def test_frame_of_one_type_is_not_copied():
    frame = pd.DataFrame(np.ones((5, 3)), columns=list("abc"))
    columns = Columns()
    result = columns.fit_encode(frame)
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


NUMBERS_AND_NONE = {
    "pandas float": pd.Series([1, None, 2, 3], dtype="float64"),
    "pandas Int8": pd.Series([1, None, 2, 3], dtype="Int8"),
    "pandas Float32": pd.Series([1, None, 2, 3], dtype="Float32"),
    "pandas arrow": pd.Series([1, None, 2, 3], dtype=pd.ArrowDtype(pa.int32())),
    "pandas arrow nan": pd.Series([1, None, 2, 3], dtype=pd.ArrowDtype(pa.float64())),
    "pandas arrow decimal": pd.Series(
        [Decimal(1), None, Decimal(2), Decimal(3)], dtype=pd.ArrowDtype(pa.decimal128(5, 2))
    ),
    "pandas decimal": pd.Series([Decimal(1), None, Decimal(2), Decimal(3)], dtype=object),
    "pandas decimal nan": pd.Series([Decimal(1), Decimal("nan"), 2, 3], dtype=object),
    "pandas object": pd.Series([1, None, 2.0, np.int8(3)], dtype=object),
    "pandas object nan": pd.Series([1, NAN, Fraction(2), np.float32(3)], dtype=object),
    "pandas object NA": pd.Series([True, pd.NA, 2.0, 3], dtype=object),
    "pandas object NaT": pd.Series([1, pd.NaT, 2.0, 3], dtype=object),
    "pandas sparse": pd.Series(pd.arrays.SparseArray([1, NAN, 2, 3])),
    "polars int": pl.Series([1, None, 2, 3], dtype=pl.Int16),
    "polars null": pl.Series([1, None, 2, 3], dtype=pl.Float64),
    "polars nan": pl.Series([1, NAN, 2, 3], dtype=pl.Float64),
    "polars decimal": pl.Series([Decimal(1), None, Decimal(2), Decimal(3)]),
    "polars object": pl.Series([1, None, 2.0, Decimal(3)], dtype=pl.Object),
    "pyarrow": pa.array([1, None, 2, 3], type=pa.uint8()),
    "pyarrow decimal": pa.array([Decimal(1), None, Decimal(2), Decimal(3)]),
}


def framed(values, name="a"):
    for library, kind in ((pd.DataFrame, pd.Series), (pl.DataFrame, pl.Series)):
        if isinstance(values, kind):
            return library({name: values})
    return pa.table({name: values})


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
            Columns().fit_encode(X)


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


# ---- kinds


KINDS = {
    "int": ([1, 2, 3], "numeric"),
    "float": ([1.5, 2, 3], "numeric"),
    "bool": ([True, False, True], "binary"),
    "bool, all true": ([True, True, True], "constant"),
    "bool and none": ([True, None, False], "binary"),
    "bool and nan": ([True, NAN, False], "binary"),
    "numpy bool": (pd.Series([np.bool_(True), np.bool_(False)], dtype=object), "binary"),
    "nullable bool": (pd.array([True, None, False], dtype="boolean"), "binary"),
    "bool and numbers": (pd.Series([True, 2.5, 3], dtype=object), "numeric"),
    "text": (["a", "b", "c"], "category"),
    "text of numbers": (["1", "2", "3"], "category"),
    "two texts": (["a", "b", "a"], "binary"),
    "text and numbers": (pd.Series(["a", 1, 2.5], dtype=object), "category"),
    "bytes": ([b"a", b"b", b"c"], "category"),
    "tuples": ([(1, 2), (1, 3), ("a",)], "category"),
    "emoji": (["😀", "🎈", "é\u0301"], "category"),
    "empty text": (["", " ", "a"], "category"),
    "categorical": (pd.Categorical(["a", "b", "c"]), "category"),
    "categorical of numbers": (pd.Categorical([3, 1, 2]), "category"),
    "ordered": (pd.Categorical([3, 1, 2], ordered=True), "category"),
    "intervals": (pd.cut([1, 2, 3, 4], 3), "category"),
    "periods": (pd.period_range("2020-01", periods=3, freq="M"), "category"),
    "unused levels": (pd.Categorical(["a", "b", "a"], categories=list("abcdef")), "binary"),
    "one category": (["a", "a", "a"], "constant"),
    "one of numbers": (pd.Categorical([1, 1]), "constant"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_kind_of_a_column(kind):
    values, expected = KINDS[kind]
    assert described(values).kind == expected
    assert pickle.loads(pickle.dumps(described(values))) == described(values)


@pytest.mark.parametrize(
    "kind",
    [kind for kind in KINDS if kind not in ("categorical of numbers", "one of numbers", "ordered")],
)
def test_kind_in_an_array(kind):
    values, expected = KINDS[kind]
    array = np.empty((len(values), 1), dtype=object)
    array[:, 0] = list(values)
    *_, columns = encoded(array)
    assert columns.columns[0].kind == expected


def test_text_arrays():
    X = np.array([["b", "1"], ["a", "2"], ["b", "3"]])
    for table in (X, X.astype("S"), X.astype(object), X.tolist()):
        result, later, columns = encoded(table, table[:1])
        assert [column.kind for column in columns.columns] == ["binary", "category"]
        np.testing.assert_array_equal(result, [[1, 1], [-1, 2], [1, 3]])
        np.testing.assert_array_equal(later, [[1, 1]])
        assert result.dtype == np.float32


def test_numbers_beside_text_in_lists():
    result, columns = encoded([[1, "a"], [2.5, "b"], [True, "c"]])
    assert [column.kind for column in columns.columns] == ["numeric", "category"]
    np.testing.assert_array_equal(result, [[1, 1], [2.5, 2], [1, 3]])
    np.testing.assert_array_equal(columns.encode(np.array([[7, "b"]])), [[7, 2]])


# ---- categories


def test_codes_by_frequency_then_label():
    values = ["b", "c", "c", "a", "d", "d", "c", None, None]
    column = described(values)
    assert column == Column("a", "category", ("c", "d", None, "a", "b"), missing=True)
    assert codes(values) == [5, 1, 1, 4, 2, 2, 1, 3, 3]
    assert codes(values, ["d", "e", None, ""]) == [2, 0, 3, 0]


def test_codes_do_not_depend_on_the_order_of_rows():
    rng = np.random.default_rng(0)
    labels = np.array([*"abcdefgh1", 1, 2.5, 10, b"a", None], dtype=object)
    values = labels[rng.integers(0, len(labels), size=60)]
    first = described(values)
    assert len(first.categories) == len(labels)
    for _ in range(3):
        assert described(rng.permutation(values)).categories == first.categories


def test_missing_without_a_category():
    assert codes(["a", "b", "c"], ["b", None, NAN]) == [2, 0, 0]
    assert codes(["a", "b"], ["b", None]) == [1, 0]


def test_binary():
    assert described([True, False, True]) == Column("a", "binary", (False, True))
    assert codes(["no", "yes", "yes"]) == [-1, 1, 1]
    assert codes(["no", "yes", None]) == [-1, 1, 0]
    assert described(["no", "yes", None]) == Column("a", "binary", ("no", "yes"), missing=True)
    assert codes(["no", "yes"], ["yes", "perhaps", None]) == [1, 0, 0]
    assert codes([False, True], [1, 0]) == [1, -1]


def test_one_label_beside_missing_values():
    column = described(["yes", None, None])
    assert column == Column("a", "binary", (None, "yes"), missing=True)
    assert codes(["yes", None, None]) == [1, -1, -1]
    assert codes(["yes", None, None], ["no", "yes", None]) == [0, 1, -1]


def test_rare_categories():
    values = [*"aaabbbccddeeffgghhii", "x", "y", "z"]
    column = described(values)
    assert column.categories == tuple("abcdefghi")
    assert column.rare == 3
    assert codes(values)[-4:] == [9, 0, 0, 0]
    assert codes(values, ["x", "a", "?"]) == [0, 1, 0]
    assert described(values, min_category_rows=3) == Column("a", "category", ("a", "b"), rare=17)
    assert described(values, min_category_rows=1).rare == 0
    assert len(described(values, min_category_rows=1).categories) == 12


def test_few_categories_are_never_rare():
    column = described(list("abcdefghi"))
    assert (len(column.categories), column.rare) == (9, 0)
    assert described([*"abcdefghi", None]).categories == (*"abcdefghi", None)


def test_all_categories_rare():
    values = [f"id {i}" for i in range(20)]
    assert described(values) == Column("a", "constant", rare=20)
    assert codes(values) == [0] * 20
    assert described([*values, None]) == Column("a", "category", (None,), missing=True, rare=20)
    assert codes([*values, None]) == [0] * 20 + [1]
    *_, columns = encoded(pd.DataFrame({"a": values}))
    assert (columns.n_numeric, columns.n_flags, columns.category_sizes) == (0, 1, ())


def test_labels_are_compared_by_value():
    assert codes(pd.Categorical([1, 2, 3]), [1.0, 2.0, 4.0]) == [1, 2, 0]
    mixed = pd.Series([1, "1", 2, "2"], dtype=object)
    assert sorted(codes(mixed)) == [1, 2, 3, 4]
    assert codes(pd.Categorical([1, 2, 3]), [True, Decimal(2), np.float32(3)]) == [1, 2, 3]
    assert codes(list("abc"), pd.Categorical(list("cb"))) == [3, 2]
    assert codes(list("abc"), np.array(list("cb"))) == [3, 2]


def test_encoded_categories_are_single():
    table = people()
    for name in ("age", "income"):
        table.pop(name)
    assert encoded(pd.DataFrame(table))[0].dtype == np.float32


def test_many_categories():
    rng = np.random.default_rng(0)
    values = rng.integers(0, 5000, size=50_000)
    labels, counts = np.unique(values, return_counts=True)
    order = labels[np.lexsort((labels, -counts))]
    code = np.empty(5000)
    code[order] = 1 + np.arange(len(order))
    code[labels[counts < 2]] = 0
    text = [f"c{v:04d}" for v in values]
    for X in (pd.DataFrame({"a": text}), pl.DataFrame({"a": text}), np.array(text)[:, None]):
        np.testing.assert_array_equal(encoded(X)[0][:, 0], code[values])
    for X in (pd.DataFrame({"a": values}), values[:, None], values[:, None].astype("f4")):
        result = encoded(X, categorical_features=[0])[0]
        np.testing.assert_array_equal(result[:, 0], code[values])


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame, "array"])
def test_numbers_among_words_are_warned_of(kind):
    def frame(values):
        if kind == "array":
            return np.array(values, dtype=object)[:, None]
        return kind({"a": values})

    numbers = [str(0.5 * i) for i in range(30)]
    with pytest.warns(UserWarning, match="column '(a|x0)' holds numbers, written as text"):
        Columns().fit_encode(frame(numbers))
    with pytest.warns(UserWarning, match="holds numbers beside 'n/a'.* category of 31 values"):
        Columns().fit_encode(frame([*numbers, "n/a"]))
    Columns().fit_encode(frame(numbers[:9]))  # grades or the like
    Columns([0]).fit_encode(frame(numbers))  # as told
    if kind is pd.DataFrame:
        Columns().fit_encode(frame(numbers).astype("category"))


def test_every_column_constant():
    result, columns = encoded(pd.DataFrame({"a": ["x", "x"], "b": [None, None]}))
    np.testing.assert_array_equal(result, np.zeros((2, 2)))
    assert columns.names_of_encoded == ["a", "b"]


def test_5000_columns():
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(20, 4500)).astype("f4")
    numbers[3, ::2] = NAN
    text = rng.choice(list("abc"), size=(20, 500))
    frame = pd.concat(
        [pd.DataFrame(numbers).add_prefix("n"), pd.DataFrame(text).add_prefix("t")], axis=1
    )
    frame = frame[rng.permutation(frame.columns)]
    result, columns = encoded(frame)
    assert result.dtype == np.float32
    shown = pd.DataFrame(result, columns=columns.names_of_encoded)
    np.testing.assert_array_equal(shown[[f"n{i}" for i in range(4500)]], numbers)
    np.testing.assert_array_equal(
        shown[[f"n{i} (missing)" for i in range(0, 4500, 2)]], np.isnan(numbers[:, ::2])
    )
    assert columns.category_sizes == (3,) * 500
    for X in (frame, pl.from_pandas(frame), frame.to_numpy(dtype=object)):
        np.testing.assert_array_equal(columns.encode(X), result)


def test_random_tables_in_every_library():
    for seed in range(20):
        table = people(rows=30, seed=seed)
        *_, columns = encoded(pd.DataFrame(table))
        later = people(rows=11, seed=100 + seed)
        expected = columns.encode(pd.DataFrame(later))
        assert np.isfinite(np.delete(expected, 1, axis=1)).all()
        for kind in ("polars", "pyarrow", "object array", "pandas nullable"):
            np.testing.assert_array_equal(columns.encode(TABLES[kind](later)), expected)


# ---- categorical_features


def zones():
    return {"zone": [3, 1, 3, 7, 1, 3], "size": [1, 2, 3, 4, 5, 6], "kind": list("abcabc")}


LISTED = {
    "names": ["zone"],
    "positions": [0],
    "numpy positions": np.array([0]),
    "numpy names": np.array(["zone"]),
    "index": pd.Index(["zone"]),
    "tuple": ("zone",),
    "mask": [True, False, False],
    "numpy mask": np.array([True, False, False]),
    "with the others": ["zone", "kind"],
}


@pytest.mark.parametrize("how", LISTED)
@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame, pa.table])
def test_listed_columns(how, library):
    X = library(zones())
    result, columns = encoded(X, categorical_features=LISTED[how])
    assert [column.kind for column in columns.columns] == ["category", "numeric", "category"]
    assert columns.columns[0].categories == (3, 1, 7)
    np.testing.assert_array_equal(result[:, 1], [1, 2, 1, 3, 2, 1])
    np.testing.assert_array_equal(columns.encode(library(zones()))[:, :2], result[:, :2])


@pytest.mark.parametrize("dtype", ["i4", "u8", "f2", "f4", ">f8", "g"])
def test_listed_columns_of_an_array(dtype):
    X = np.column_stack([zones()["zone"], zones()["size"]]).astype(dtype)
    for listed in ([0], [True, False]):
        result, later, columns = encoded(
            X, np.array([[7.0, 5.0], [8.0, NAN]]), categorical_features=listed
        )
        assert columns.columns[0] == Column("x0", "category", (3, 1, 7))
        np.testing.assert_array_equal(result, [[1, 1], [2, 2], [3, 1], [4, 3], [5, 2], [6, 1]])
        np.testing.assert_array_equal(later, [[5, 3], [NAN, 0]])


def test_missing_in_listed_columns():
    X = np.array([[3.0], [NAN], [3.0], [1.0], [NAN]])
    later = [[NAN], [1.0], [2.0]]
    result, again, columns = encoded(X, later, categorical_features=[0])
    assert columns.columns == (Column("x0", "binary", (1, 3), missing=True),)
    np.testing.assert_array_equal(result[:, 0], [1, 0, 1, -1, 0])
    np.testing.assert_array_equal(again[:, 0], [0, -1, 0])
    for series in (NUMBERS_AND_NONE["pandas Int8"], NUMBERS_AND_NONE["polars nan"]):
        result, columns = encoded(framed(series), categorical_features=["a"])
        assert columns.columns[0].categories == (1, 2, 3, None)
        np.testing.assert_array_equal(result[:, 0], [1, 4, 2, 3])


def test_listed_constant():
    assert described([5, 5, 5], listed=True) == Column("a", "constant")
    assert described([NAN, NAN], listed=True) == Column("a", "constant", missing=True)
    assert described([0, 1, 1], listed=True) == Column("a", "binary", (0, 1))


@pytest.mark.parametrize("none", [None, "auto", "from_dtype", [], np.array([]), [False] * 3])
def test_nothing_listed(none):
    *_, columns = encoded(pd.DataFrame(zones()), categorical_features=none)
    assert [column.kind for column in columns.columns] == ["numeric", "numeric", "category"]


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        (["zone", "there", "then"], r"not among the columns: \['there', 'then'\]"),
        ([0, 3], r"positions from 0 to 2.*got \[0, 3\]"),
        ([-1], "positions from 0 to 2"),
        ([True, False], "of 3 booleans"),
        ([0, "zone"], "categorical_features must be"),
        ([0.0], "categorical_features must be"),
        ([[0]], "categorical_features must be"),
        ("zone", "categorical_features must be"),
        (0, "categorical_features must be"),
        ({"zone": 1}, "categorical_features must be"),
    ],
)
def test_bad_categorical_features(listed, message):
    with pytest.raises(ValueError, match=message):
        encoded(pd.DataFrame(zones()), categorical_features=listed)


def test_names_of_columns_without_names():
    for X in (np.ones((3, 2)), pd.DataFrame(np.ones((3, 2)))):
        with pytest.raises(ValueError, match=r"not among the columns: \['a'\]"):
            encoded(X, categorical_features=["a"])


# ---- names of columns


@pytest.mark.parametrize(
    "names", [[0, 1], ["a", 1], [("a", 1), ("a", 2)], pd.MultiIndex.from_product([["a"], [1, 2]])]
)
def test_names_that_are_no_text(names):
    for values in ([[1.0, 2.0], [3.0, NAN]], [[1, "a"], [2, "b"]]):
        *_, columns = encoded(pd.DataFrame(values, columns=names))
        assert [column.name for column in columns.columns] == ["x0", "x1"]


def test_names_that_are_not_unique():
    with pytest.raises(ValueError, match="unique column names"):
        encoded(pd.DataFrame([[1.0, 2.0]], columns=["a", "a"]))


# ---- errors


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
        Columns().fit_encode(X)


def test_sparse_and_lazy():
    for X in (scipy.sparse.csr_array(np.eye(3)), scipy.sparse.csc_matrix(np.eye(3))):
        with pytest.raises(TypeError, match="Sparse data was passed"):
            Columns().fit_encode(X)
    with pytest.raises(TypeError, match=r"X must not be a lazy frame: .*collect\(\)"):
        Columns().fit_encode(pl.LazyFrame({"a": [1]}))


DAY = datetime.date(2024, 2, 29)
DATES = {
    "pandas": pd.to_datetime([DAY, None]),
    "pandas zone": pd.date_range("2020", periods=2, tz="UTC"),
    "pandas duration": pd.to_timedelta([1, 2]),
    "pandas arrow": pd.Series([DAY, None], dtype=pd.ArrowDtype(pa.date32())),
    "python date": pd.Series([DAY, None], dtype=object),
    "python datetime": pd.Series([datetime.datetime(2024, 1, 1), "a"], dtype=object),
    "python duration": pd.Series([datetime.timedelta(1), None], dtype=object),
    "numpy in objects": pd.Series([np.datetime64("2024"), 1], dtype=object),
    "timestamps in objects": pd.Series([pd.Timestamp(DAY), pd.NaT], dtype=object),
}


@pytest.mark.parametrize("kind", DATES)
def test_dates_in_pandas(kind):
    frame = pd.DataFrame({"a": [1, 2], "when": DATES[kind]})
    with pytest.raises(TypeError, match="dates or durations in column 'when'"):
        Columns().fit_encode(frame)


def test_dates_elsewhere():
    columns = {
        "date": [DAY, None],
        "datetime": [datetime.datetime(2024, 1, 1), None],
        "duration": [datetime.timedelta(1), None],
        "time": [datetime.time(1), None],
    }
    for name, values in columns.items():
        frame = pl.DataFrame({name: values})
        objects = np.array([[value] for value in values], dtype=object)
        for X, column in ((frame, name), (frame.to_arrow(), name), (objects, "x0")):
            with pytest.raises(TypeError, match=f"X must hold numbers; got dates .*{column}"):
                Columns().fit_encode(X)
    for X in (np.zeros((2, 2), "M8[D]"), np.zeros((2, 2), "m8[s]"), [[np.datetime64("2024")]]):
        with pytest.raises(TypeError, match="X must hold numbers; got dates or durations"):
            Columns().fit_encode(X)


def test_dates_later():
    *_, columns = encoded(pd.DataFrame({"a": [1, 2]}))
    with pytest.raises(TypeError, match=r"X_val must hold .*dates"):
        columns.encode(pd.DataFrame({"a": DATES["pandas"]}), name="X_val")
    with pytest.raises(ValueError, match=r"was numeric in training; got datetime\.date"):
        columns.encode(pd.DataFrame({"a": DATES["python date"]}))


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
            Columns().fit_encode(X)
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
                Columns().fit_encode(X)


@pytest.mark.parametrize("library", [pd.DataFrame, pl.DataFrame, pa.table])
def test_text_where_there_were_numbers(library):
    columns = Columns()
    columns.fit_encode(library({"age": [1, 2, None], "b": [1.0, 2.0, 3.0]}))
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
    columns = Columns()
    columns.fit_encode(np.array([[1.0, 2.0], [3.0, 4.0]]))
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
    columns = Columns()
    columns.fit_encode(pd.DataFrame({"a": [1.5, 2.5], "b": ["x", "y"]}))
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
    columns = Columns()
    columns.fit_encode(pd.DataFrame({"a": ["1", "2", "3"]}))
    for X in (np.ones((1, 1)), pl.DataFrame({"a": [1]}), pd.DataFrame({"a": [NAN]})):
        if np.isnan(np.asarray(X, dtype=float)).all():
            np.testing.assert_array_equal(columns.encode(X), [[0]])
            continue
        with pytest.raises(ValueError, match="held text in training; got numbers, such as 1"):
            columns.encode(X)


def test_text_where_there_were_categories_of_numbers():
    columns = Columns(["a"])
    columns.fit_encode(pd.DataFrame({"a": [1, 2, 3]}))
    with pytest.raises(ValueError, match="column 'a' held numbers in training; got text, such as"):
        columns.encode(pd.DataFrame({"a": ["1", "2"]}))
    # Some of the kind that there was are enough: the others are unknown.
    mixed = pd.DataFrame({"a": pd.Series([3, "1"], dtype=object)})
    assert (columns.encode(mixed)[:, 0] > 0).tolist() == [True, False]


# ---- without the libraries of frames


def test_frames_are_optional():
    script = """
import sys
class Absent:
    def find_spec(self, name, *rest):
        if name.split(".")[0] in ("pandas", "polars", "pyarrow"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
from fastmlp._columns import Columns
columns = Columns()
print(columns.fit_encode([[1, "a"], [None, "b"], [3, None]]).tolist())
print(columns.encode([[2, "b"]]).tolist())
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[:2] == [
        "[[1.0, 0.0, -1.0], [nan, 1.0, 1.0], [3.0, 0.0, 0.0]]",
        "[[2.0, 0.0, 1.0]]",
    ]
