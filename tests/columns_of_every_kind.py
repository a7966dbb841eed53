"""A table with columns of every kind, as each library holds it."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from fastmlp.table.encoder import DenseEncoder

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


def encoded(X, *later, **options):
    """What the training table and later ones become, and the columns."""
    columns, table = DenseEncoder.learn(X, **options)
    return table, *(columns.encode(rows) for rows in later), columns


def described(values, *, listed=False, **options):
    """The only column of a frame."""
    *_, columns = encoded(
        pd.DataFrame({"a": values}),
        categorical_features=["a"] if listed else "from_dtype",
        **options,
    )
    return columns.columns[0]


def codes(values, later=None, **options):
    """What the only column of a frame becomes."""
    frame = pd.DataFrame({"a": values})
    first, second, _ = encoded(
        frame, frame if later is None else pd.DataFrame({"a": later}), **options
    )
    return (first if later is None else second)[:, -1].tolist()
