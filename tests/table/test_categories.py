"""Columns of categories: which they are, what becomes of rare, unseen and missing ones."""

from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from columns_of_every_kind import (
    NAN,
    NUMBERS_AND_NONE,
    TABLES,
    codes,
    described,
    encoded,
    framed,
    people,
)

from fastmlp.table.column import Column
from fastmlp.table.encoder import DenseEncoder

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


def test_rare_categories(monkeypatch):
    values = [*"aaabbbccddeeffgghhii", "x", "y", "z"]
    column = described(values)
    assert column.categories == tuple("abcdefghi")
    assert column.rare == 3
    assert codes(values)[-4:] == [9, 0, 0, 0]
    assert codes(values, ["x", "a", "?"]) == [0, 1, 0]
    monkeypatch.setattr("fastmlp.table.encoder._MIN_CATEGORY_ROWS", 3)
    assert described(values) == Column("a", "category", ("a", "b"), rare=17)
    monkeypatch.setattr("fastmlp.table.encoder._MIN_CATEGORY_ROWS", 1)
    assert described(values).rare == 0
    assert len(described(values).categories) == 12


def test_few_categories_are_never_rare():
    column = described(list("abcdefghi"))
    assert (len(column.categories), column.rare) == (9, 0)
    assert described([*"abcdefghi", None]).categories == (*"abcdefghi", None)


def test_all_categories_rare():
    values = [f"id {i}" for i in range(20)]
    with pytest.warns(UserWarning, match="'a' is not used: none of its 20 values, such as 'id 0',"):
        assert described(values) == Column("a", "constant", rare=20)
    with pytest.warns(UserWarning, match="'a' is not used"):
        assert codes(values) == [0] * 20
    with pytest.warns(UserWarning, match="'a' is used only for which values are missing: none of"):
        column = described([*values, None])
    assert column == Column("a", "category", (None,), missing=True, rare=20)
    with pytest.warns(UserWarning, match="'a' is used only for which values are missing"):
        assert codes([*values, None]) == [0] * 20 + [1]
    with pytest.warns(UserWarning, match="'a' is not used"):
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

    numbers = [str(i) for i in range(10, 40)]  # of one length, as codes are
    with pytest.warns(UserWarning, match="'(a|x0)' is not used: .* numbers written as text"):
        DenseEncoder.learn(frame(numbers))
    numbers *= 2  # so that none is rare
    with pytest.warns(UserWarning, match=r"of 31 values\. It holds numbers beside 'none yet'"):
        DenseEncoder.learn(frame([*numbers, "none yet"]))
    DenseEncoder.learn(frame(numbers[:9]))  # grades or the like
    DenseEncoder.learn(frame(numbers), [0])  # as told
    if kind is pd.DataFrame:
        DenseEncoder.learn(frame(numbers).astype("category"))


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


@pytest.mark.parametrize("none", ["from_dtype", [], np.array([]), [False] * 3])
def test_nothing_listed(none):
    *_, columns = encoded(pd.DataFrame(zones()), categorical_features=none)
    assert [column.kind for column in columns.columns] == ["numeric", "numeric", "category"]


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        (["zone", "there", "then"], r"not among the columns: \['there', 'then'\]"),
        ([0, 3], r"positions from 0 to 2.*got \[0, 3\]"),
        ([-1], "positions from 0 to 2"),
        ([True, 0, 1], "positions from 0 to 2"),
        ([True, False], "of 3 booleans"),
        ([0, "zone"], "categorical_features must be"),
        ([0.0], "categorical_features must be"),
        ([[0]], "categorical_features must be"),
        (None, "categorical_features must be 'from_dtype' or a list .*; got None"),
        ("auto", "categorical_features must be 'from_dtype' or a list .*; got 'auto'"),
        ("zone", r"categorical_features must be .*For one column, pass \['zone'\]"),
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
