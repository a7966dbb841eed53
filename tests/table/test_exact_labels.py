"""Labels are compared without loss of digits, whatever type holds them."""

from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from columns_of_every_kind import framed

from fastmlp.table.encoder import DenseEncoder

IDS = [2**60, None, 2**60 + 1, 2**60 + 2, 2**60 + 1]
HELD = {
    "pandas Int64": pd.Series(IDS, dtype="Int64"),
    "pandas arrow": pd.Series(IDS, dtype=pd.ArrowDtype(pa.int64())),
    "objects": pd.Series(IDS, dtype=object),
    "polars": pl.Series(IDS, dtype=pl.Int64),
    "polars Int128": pl.Series(IDS, dtype=getattr(pl, "Int128", pl.UInt64)),
    "pyarrow": pa.array(IDS, type=pa.uint64()),
    "decimals": pa.array([i and Decimal(i) for i in IDS], type=pa.decimal128(20, 0)),
    "polars decimals": pl.Series([i and Decimal(i) for i in IDS]),
}


@pytest.mark.parametrize("other", HELD)
@pytest.mark.parametrize("how", HELD)
def test_large_integers_beside_missing_values(how, other):
    columns, result = DenseEncoder.learn(framed(HELD[how]), ["a"])
    codes = {2**60 + 1: 1, 2**60: 2, 2**60 + 2: 3, None: 4}
    assert columns.columns[0].codes == codes
    assert result[:, 0].tolist() == [codes[label] for label in IDS]
    np.testing.assert_array_equal(columns.encode(framed(HELD[other])), result)


@pytest.mark.parametrize("later", ["f4", "f8", "object", "decimal"])
@pytest.mark.parametrize("first", ["f4", "f8", "object", "decimal"])
def test_fractions_are_compared_as_they_are_written(first, later):
    def frame(kind):
        values = [0.1, 2.3, 7.0, 2.3]
        if kind == "decimal":
            return pa.table({"a": [Decimal(str(v)) for v in values]})
        if kind == "object":
            return pd.DataFrame({"a": pd.Series([np.float32(v) for v in values], dtype=object)})
        return pd.DataFrame({"a": np.array(values, dtype=kind)})

    columns, result = DenseEncoder.learn(frame(first), ["a"])
    assert result[:, 0].tolist() == [2, 1, 3, 1]
    np.testing.assert_array_equal(columns.encode(frame(later)), result)


def test_labels_none_of_which_is_known_are_warned_of():
    columns, _ = DenseEncoder.learn(pd.DataFrame({"a": ["1", "2", "3"]}))
    with pytest.warns(
        UserWarning, match=r"'a': none of its 2 values, such as '01', occurred in train"
    ):
        columns.encode(pd.DataFrame({"a": ["01", "02"]}))
    for known in (["7"], ["7", "1"], ["7", "7", None]):  # one new category may be right
        columns.encode(pd.DataFrame({"a": known}))
