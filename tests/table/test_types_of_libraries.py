"""Types that libraries hold columns in: each is read as what it stands for, and kept by models."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from columns_of_every_kind import encoded
from raw_table import QUICK

import fastmlp
from fastmlp import Regressor
from fastmlp.table.dates import Dates
from fastmlp.table.durations import Durations

ROWS = 60
NUMBERS = [int(n) for n in np.random.default_rng(0).integers(0, 30, ROWS)]


def gaps(values):
    return [None if i % 11 == 5 else value for i, value in enumerate(values)]


DATES = gaps([dt.datetime(2020, 1, 1, 3) + dt.timedelta(days=n) for n in NUMBERS])
DAYS = [date and date.date() for date in DATES]
DURATIONS = gaps([dt.timedelta(minutes=n, seconds=7) for n in NUMBERS])
TIMES = gaps([dt.time(n % 24, n, 7) for n in NUMBERS])
DECIMALS = gaps([Decimal(3 * n) / 10 for n in NUMBERS])
LABELS = gaps([f"label {n % 7}" for n in NUMBERS])
BYTES = gaps([b"%d" % (n % 7) for n in NUMBERS])


def arrow(values, kind, *arguments):
    """An array of a type that this version of pyarrow may not have yet."""
    return pa.array(values, getattr(pa, kind)(*arguments)) if hasattr(pa, kind) else None


def dictionary(values, kind):
    return pa.array(values, kind).dictionary_encode()


OF_ARROW = {
    "half": pa.array([np.float16(n) for n in NUMBERS]),
    "uint64": pa.array(gaps(NUMBERS), pa.uint64()),
    "decimal32": arrow(DECIMALS, "decimal32", 6, 1),
    "decimal128": pa.array(DECIMALS, pa.decimal128(12, 1)),
    "decimal256": pa.array(DECIMALS, pa.decimal256(50, 1)),
    "date32": pa.array(DAYS, pa.date32()),
    "date64": pa.array(DAYS, pa.date64()),
    "timestamp": pa.array(DATES, pa.timestamp("s")),
    "zone": pa.array(DATES, pa.timestamp("us", "Europe/Berlin")),
    "duration": pa.array(DURATIONS, pa.duration("ms")),
    "time32": pa.array(TIMES, pa.time32("s")),
    "time64": pa.array(TIMES, pa.time64("ns")),
    "large string": pa.array(LABELS, pa.large_string()),
    "string view": pa.array(LABELS, pa.string_view()),
    "binary": pa.array(BYTES, pa.binary()),
    "binary view": pa.array(BYTES, pa.binary_view()),
    "fixed": pa.array(BYTES, pa.binary(1)),
    "labels": dictionary(LABELS, pa.string()),
    "whole labels": dictionary([n % 7 for n in NUMBERS], pa.int64()),
    "decimal labels": dictionary([Decimal(n % 7) / 10 for n in NUMBERS], pa.decimal128(4, 1)),
    "dates as labels": dictionary([dt.date(2020, 1, 1 + n % 7) for n in NUMBERS], pa.date32()),
    "durations as labels": dictionary([dt.timedelta(n % 7) for n in NUMBERS], pa.duration("s")),
    "nothing": pa.nulls(ROWS),
}
ARROW = pa.table({name: column for name, column in OF_ARROW.items() if column is not None})
OF_PANDAS = {
    "nullable": pd.Series(gaps(NUMBERS), dtype="Int16"),
    "nullable fractions": pd.Series(gaps(NUMBERS), dtype="Float32"),
    "boolean": pd.Series(gaps([n > 15 for n in NUMBERS]), dtype="boolean"),
    "decimals": pd.Series(DECIMALS, dtype=object),
    "dates": pd.Series(DATES, dtype="datetime64[ms]"),
    "days": pd.Series(DAYS, dtype=object),
    "periods": pd.Series(pd.PeriodIndex(DAYS, freq="D")),
    "durations": pd.Series(DURATIONS, dtype="timedelta64[ms]"),
    "times": pd.Series(TIMES, dtype=object),
    "string": pd.Series(LABELS, dtype="string"),
    "categories": pd.Series(LABELS, dtype="category"),
    "durations as labels": pd.Series([dt.timedelta(n % 7) for n in NUMBERS], dtype="category"),
    "intervals": pd.cut(pd.Series(NUMBERS), 4),
    "text of NumPy": pd.Series([label and np.str_(label) for label in LABELS], dtype=object),
    "sparse": pd.Series(pd.arrays.SparseArray([float(n) for n in NUMBERS], fill_value=0.0)),
}
OF_POLARS = {
    "wide": pl.Series(gaps(NUMBERS), dtype=getattr(pl, "Int128", pl.Int64)),
    # The oldest polars cannot make them of Python's decimals.
    "decimals": pl.Series([d if d is None else float(d) for d in DECIMALS]).cast(pl.Decimal(12, 1)),
    "days": pl.Series(DAYS, dtype=pl.Date),
    "dates": pl.Series(DATES, dtype=pl.Datetime("ns")),
    "durations": pl.Series(DURATIONS, dtype=pl.Duration("ms")),
    "times": pl.Series(TIMES, dtype=pl.Time),
    "categories": pl.Series(LABELS, dtype=pl.Categorical),
    "enumerated": pl.Series(LABELS, dtype=pl.Enum([f"label {i}" for i in range(7)])),
    "bytes": pl.Series(BYTES, dtype=pl.Binary),
    "nothing": pl.Series([None] * ROWS),
}
TABLES = {
    "pyarrow": ARROW,
    "pandas on Arrow": ARROW.to_pandas(types_mapper=pd.ArrowDtype),
    "pandas": pd.DataFrame(OF_PANDAS),
    "polars": pl.DataFrame(OF_POLARS),
}


def part(table, rows):
    """Some of the rows, as a frame of the same library."""
    if isinstance(table, pd.DataFrame):
        return table.iloc[rows]
    return (
        table[rows]
        if isinstance(table, pl.DataFrame)
        else table.slice(rows.start, len(range(ROWS)[rows]))
    )


def as_mapping(table, row):
    if isinstance(table, pd.DataFrame):
        return {name: table[name].iloc[row] for name in table}
    if isinstance(table, pl.DataFrame):
        return table.row(row, named=True)
    return table.slice(row, 1).to_pylist()[0]


@pytest.fixture(scope="module", params=TABLES)
def table(request):
    return TABLES[request.param]


@pytest.fixture(scope="module")
def model(table):
    return Regressor(**QUICK).fit(table, np.array(NUMBERS) / 10)


def columns_of(model):
    return {column.name: column for column in model._model.encoder.columns}


def test_columns_are_what_their_types_stand_for(model):
    readers = {
        **dict.fromkeys(
            ("date32", "date64", "timestamp", "zone", "dates", "days", "periods"), Dates
        ),
        **dict.fromkeys(("duration", "time32", "time64", "durations", "times"), Durations),
    }
    numbers = ("half", "uint64", "wide", "nullable", "nullable fractions", "sparse")
    for name, column in columns_of(model).items():
        if name in readers:
            assert isinstance(column.reader, readers[name]), name
        elif name in numbers or (name.startswith("decimal") and "labels" not in name):
            assert (column.kind, column.reader) == ("numeric", None), name
        elif name == "nothing":
            assert column.kind == "constant"
        elif name == "boolean":
            assert column.kind == "binary"
        else:
            assert column.kind == "category", name
            assert len(column.categories) - column.missing == (4 if name == "intervals" else 7), (
                name
            )


def test_a_row_is_predicted_as_among_others(table, model):
    predicted = model.predict(table)
    predictor = model.predictor()
    np.testing.assert_array_equal(predictor.predict(table), predicted)
    for row in (0, 5):
        assert model.predict(part(table, slice(row, row + 1)))[0] == predicted[row]
        one = predictor.predict(as_mapping(table, row))
        np.testing.assert_allclose(one, predicted[row], rtol=1e-5)


def test_files_and_copies_keep_the_columns(table, model, tmp_path):
    path = tmp_path / "model.safetensors"
    model.save(path)
    for other in (fastmlp.load(path), fastmlp.load_predictor(path)):
        np.testing.assert_array_equal(other.predict(table), model.predict(table))


def test_streams_learn_the_same_columns(table, model):
    pytest.importorskip("datasketches")

    def blocks():
        for start in range(0, ROWS, 20):
            rows = slice(start, start + 20)
            yield part(table, rows), np.array(NUMBERS)[rows] / 10

    streamed = columns_of(Regressor(**QUICK).fit(blocks))
    for name, column in columns_of(model).items():
        assert streamed[name] == column, name


@pytest.mark.parametrize("missing", [False, True])
def test_views_of_text_are_text(missing):
    values = [*"abcbca", None] if missing else [*"abcbca"]
    for view, plain in ((pa.string_view(), pa.string()), (pa.binary_view(), pa.binary())):
        kinds = [pa.table({"a": pa.array(values, kind)}) for kind in (view, plain)]
        results = []
        for one in kinds:
            for frame in (one, one.to_pandas(types_mapper=pd.ArrowDtype)):
                result, columns = encoded(frame)
                np.testing.assert_array_equal(columns.encode(frame[:1]), result[:1])
                results.append(result)
        for result in results[1:]:
            np.testing.assert_array_equal(result, results[0])


def test_decimals_are_labels_as_fractions_are():
    labels = [Decimal(n % 5) / 10 for n in range(20)]
    column = pa.array(labels, pa.decimal128(4, 1)).dictionary_encode()
    result, columns = encoded(pa.table({"a": column}))
    assert set(columns.columns[0].categories) == {0.0, 0.1, 0.2, 0.3, 0.4}
    later = pd.DataFrame({"a": [float(label) for label in labels]})
    np.testing.assert_array_equal(columns.encode(later), result)


@pytest.mark.skipif(int(pa.__version__.partition(".")[0]) < 18, reason="older versions read it")
def test_a_type_that_cannot_be_read():
    column = pa.array([Decimal(1000), Decimal(2000)], pa.decimal128(12, -3))
    table = pa.table({"a": column})
    for one in (table, table.to_pandas(types_mapper=pd.ArrowDtype)):
        with pytest.raises(TypeError, match="X has a column of a type that cannot be read"):
            encoded(one)
