"""Raw tables become numbers: kinds of columns, their names, frames of every library."""

import copy
import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from columns_of_every_kind import (
    FRAMES,
    NAN,
    TABLES,
    described,
    encoded,
    every_frame,
    every_table,
    people,
)

from fastmlp.table.encoder import DenseEncoder

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
    monkeypatch.setattr("fastmlp.table.encoder._BLOCK", 7)
    monkeypatch.setattr("fastmlp.table.rows._PIECE", 30)
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
    "periods": (pd.period_range("2020-01", periods=3, freq="M"), "numeric"),
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


# ---- names of columns


@pytest.mark.parametrize(
    "names", [[0, 1], [("a", 1), ("a", 2)], pd.MultiIndex.from_product([["a"], [1, 2]])]
)
def test_names_that_are_no_text(names):
    for values in ([[1.0, 2.0], [3.0, NAN]], [[1, "a"], [2, "b"]]):
        *_, columns = encoded(pd.DataFrame(values, columns=names))
        assert [column.name for column in columns.columns] == ["x0", "x1"]


def test_names_of_several_types():
    with pytest.raises(TypeError, match=r"input has \['int', 'str'\] as feature name"):
        encoded(pd.DataFrame([[1.0, 2.0]], columns=["a", 1]))


def test_names_that_are_not_unique():
    with pytest.raises(ValueError, match="unique column names"):
        encoded(pd.DataFrame([[1.0, 2.0]], columns=["a", "a"]))


# ---- without the libraries of frames


def test_frames_are_optional():
    script = """
import sys
class Absent:
    def find_spec(self, name, *rest):
        if name.split(".")[0] in ("pandas", "polars", "pyarrow"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
from fastmlp.table.encoder import DenseEncoder
columns, table = DenseEncoder.learn([[1, "a"], [None, "b"], [3, None]])
print(table.tolist())
print(columns.encode([[2, "b"]]).tolist())
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[:2] == [
        "[[1.0, 0.0, -1.0], [nan, 1.0, 1.0], [3.0, 0.0, 0.0]]",
        "[[2.0, 0.0, 1.0]]",
    ]


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", ">f8"])
@pytest.mark.parametrize("learnt", ["plain", "with missing", "with categories"])
def test_a_row_of_an_array_is_encoded_as_among_others(dtype, learnt):
    rows = np.arange(24.0).reshape(6, 4) % 5
    table = rows.copy()
    if learnt == "with missing":
        table[::2, 1], table[:, 2] = np.nan, 7.0
    listed = [3] if learnt == "with categories" else "from_dtype"
    encoder, _ = DenseEncoder.learn(table, listed)
    rows = np.asfortranarray(rows.astype(dtype))
    for i in range(len(rows)):
        one, all_of_them = encoder.encode(rows[i : i + 1]), encoder.encode(rows)
        assert one.dtype == all_of_them.dtype
        np.testing.assert_array_equal(one, all_of_them[i : i + 1])
    with pytest.raises(ValueError, match="X has 3 features"):
        encoder.encode(rows[:1, :3])


def test_infinity_in_a_row_of_an_array_is_an_error():
    encoder, _ = DenseEncoder.learn(np.zeros((3, 2)))
    assert np.isnan(encoder.encode(np.array([[0.0, np.nan]]))[0, 1])
    with pytest.raises(ValueError, match=r"X contains infinity .* in column 'x1'"):
        encoder.encode(np.array([[0.0, np.inf]]))
