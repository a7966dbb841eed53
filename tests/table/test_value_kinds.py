"""What the values of a column are, and which texts a reader reads."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.sparse_encoder import SparseEncoder
from fastmlp.table.value_kinds import value_kind

ROWS = 24
DAYS = pd.date_range("2020-01-30", periods=ROWS)
COLUMNS = {
    "number": np.arange(ROWS) / 2,
    "date": DAYS.strftime("%d.%m.%Y"),
    "duration": [f"{i}:30" for i in range(ROWS)],
    "number as text": [f"{i},500 €" for i in range(ROWS)],
    "text": ["a", "b", None] * 8,
    "boolean": [True, False] * 12,
    "label": pd.Categorical([1, 2, 3] * 8),
    "unused": ["the same"] * ROWS,
}


@pytest.fixture(scope="module")
def columns():
    encoder, _ = DenseEncoder.learn(pd.DataFrame(COLUMNS))
    return {column.name: column for column in encoder.columns}


def test_kinds(columns):
    assert {name: value_kind(column) for name, column in columns.items()} == {
        name: name for name in COLUMNS
    }


def test_dates_are_a_kind_of_their_own_whatever_holds_them():
    encoder, _ = DenseEncoder.learn(pd.DataFrame({"a": DAYS, "b": DAYS - DAYS[0]}))
    assert [value_kind(column) for column in encoder.columns] == ["date", "duration"]


@pytest.mark.parametrize(
    ("name", "right", "wrong"),
    [
        ("date", ["31.12.2020", "2020-12-31"], ["12/31/2020", "31.02.2020", "soon", ""]),
        ("duration", ["1:30", "2 days 01:00:00"], ["1.5", "1:60", ""]),
        ("number as text", ["1,000 €", "5", "-2.000,5 €"], ["5 $", "five", ""]),
    ],
)
def test_texts_that_are_read(columns, name, right, wrong):
    reader = columns[name].reader
    assert [reader.reads(text) for text in right] == [True] * len(right)
    assert [reader.reads(text) for text in wrong] == [False] * len(wrong)


def test_columns_of_sparse_rows_are_numbers():
    rows = csr_array(np.eye(3))
    encoder, _ = SparseEncoder.learn(rows, "from_dtype", np.dtype(np.float32), drops_empty=True)
    columns = encoder.columns
    assert [column.name for column in columns] == ["x0", "x1", "x2"]
    assert {value_kind(column) for column in columns} == {"number"}
