"""Sources: every kind of stream yields the rows of its table."""

import os
from contextlib import suppress

import narwhals.stable.v1 as nw
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest
from cached_rows import read_rows
from streams import NumbersLearner, one_pass

from fastmlp.streaming.sources.blocks import BeginAgain
from fastmlp.streaming.sources.opening import open_source
from fastmlp.streaming.sources.recognition import is_stream
from fastmlp.table.encoder import DenseEncoder

ROWS = 500
TABLE = pa.table(
    {
        "x": np.random.default_rng(0).normal(size=ROWS),
        "name": [["red", "green", None, "blue"][k % 4] for k in range(ROWS)],
        "year": (np.arange(ROWS) // 250 + 2020).astype(np.int32),
        "y": np.arange(float(ROWS)),
    }
)


def of_file(folder):
    pq.write_table(TABLE, folder / "table.parquet", row_group_size=130)
    return folder / "table.parquet"


def of_folder(folder):
    for part in range(5):
        pq.write_table(TABLE.slice(100 * part, 100), folder / f"part-{part}.parquet")
    return str(folder)


def of_partitions(folder):
    ds.write_dataset(
        TABLE,
        folder,
        format="parquet",
        partitioning=ds.partitioning(pa.schema([("year", pa.int32())]), flavor="hive"),
    )
    return folder


def of_csv(folder):
    arrow_csv.write_csv(TABLE, folder / "table.csv")
    return folder / "table.csv"


def of_compressed_csv(folder):
    TABLE.to_pandas().to_csv(folder / "table.csv.gz", index=False)
    return folder


def of_arrow(folder):
    ds.write_dataset(TABLE, folder, format="ipc")
    return folder


def of_dataset(folder):
    return ds.dataset(of_folder(folder))


def of_filtered_dataset(folder):
    twice = pa.concat_tables([TABLE, TABLE.set_column(3, "y", pa.array([-1.0] * ROWS))])
    pq.write_table(twice, folder / "table.parquet")
    return ds.dataset(folder).filter(ds.field("y") >= 0)


def of_polars(folder):
    return pl.scan_parquet(of_file(folder))


def of_dask(folder):
    dask = pytest.importorskip("dask.dataframe", exc_type=ImportError)
    return dask.from_pandas(TABLE.to_pandas(), npartitions=3)


def of_function(folder):
    def blocks():
        for start in range(0, ROWS, 90):
            part = TABLE.slice(start, 90)
            yield part.drop_columns("y"), part["y"].to_numpy()

    return blocks


KINDS = [
    of_file,
    of_folder,
    of_partitions,
    of_csv,
    of_compressed_csv,
    of_arrow,
    of_dataset,
    of_filtered_dataset,
]
KINDS += [of_polars, of_dask, of_function]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_stream_yields_its_rows(kind, tmp_path):
    (tmp_path / "source").mkdir()
    X = kind(tmp_path / "source")
    assert is_stream(X)
    y = None if kind is of_function else "y"
    cache, learnt = one_pass(X, tmp_path, y)
    rows = read_rows(cache)
    np.testing.assert_array_equal(rows.y, TABLE["y"].to_numpy()[:, None])
    names = learnt.encoder.feature_names.tolist()
    assert sorted(names) == ["name", "x", "year"]
    _, encoded = DenseEncoder.learn(TABLE.select(names))
    np.testing.assert_allclose(cache.restored(rows.X), encoded, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", [one for one in KINDS if one is not of_function])
def test_only_columns_that_are_needed_are_read(kind, tmp_path):
    X = kind(tmp_path)
    source = open_source(X, None, has_targets=False, needed=["y", "x"])
    assert sorted(source.names) == ["x", "y"]
    blocks = [block.X for block in source.blocks(200)]
    assert all(sorted(nw.from_native(block).columns) == ["x", "y"] for block in blocks)
    y = np.concatenate([np.asarray(block["y"]) for block in blocks])
    np.testing.assert_array_equal(y, TABLE["y"].to_numpy())
    with pytest.raises(ValueError, match="X has no column 'none'"):
        open_source(X, None, has_targets=False, needed=["x", "none"])


def test_tables_in_memory_are_no_streams():
    for X in (np.zeros((2, 2)), pd.DataFrame({"x": [1]}), pl.DataFrame({"x": [1]}), TABLE, [[1.0]]):
        assert not is_stream(X)


@pytest.mark.parametrize("kind", [of_file, of_folder, of_csv, of_dataset])
def test_fingerprints_tell_whether_files_changed(kind, tmp_path):
    X = kind(tmp_path)
    before = open_source(X, "y").fingerprint
    assert before is not None
    assert open_source(X, "y").fingerprint == before
    changed = next(file for file in tmp_path.rglob("*") if file.is_file())
    os.utime(changed, (1, 1))
    assert open_source(X, "y").fingerprint != before


@pytest.mark.parametrize("kind", [of_filtered_dataset, of_polars, of_function])
def test_others_have_no_fingerprint(kind, tmp_path):
    assert open_source(kind(tmp_path), None if kind is of_function else "y").fingerprint is None


def test_parquet_files_tell_their_rows(tmp_path):
    source = open_source(of_folder(tmp_path), "y")
    assert (source.n_rows, source.n_columns) == (ROWS, 3)


# ---- CSV


def test_csv_columns_become_text_where_a_later_value_is_none(tmp_path):
    size = [*range(5)] * 800 + ["large"] * 10  # beyond the first MB, which tells pyarrow the types
    name = [300 * letter for letter in "ab"] * (len(size) // 2)
    frame = pd.DataFrame({"size": size, "name": name, "y": np.arange(len(size))})
    frame.to_csv(tmp_path / "table.csv", index=False)
    cache, learnt = one_pass(tmp_path / "table.csv", tmp_path, "y", rows=500)
    assert "large" in learnt.encoder.columns[0].categories
    assert cache.n_rows == len(size)


def test_csv_columns_that_are_not_needed_hold_anything(tmp_path):
    size = [*range(5)] * 800 + ["large"]  # beyond the first MB
    frame = pd.DataFrame({"other": size, "filler": "a" * 300, "size": size})
    frame.to_csv(tmp_path / "table.csv", index=False)
    source = open_source(tmp_path / "table.csv", None, has_targets=False, needed=["size"])
    with pytest.raises(BeginAgain, match="column 'size' is read as string"):
        [*source.blocks(5000)]
    assert rows_of(source).column_names == ["size"]
    assert rows_of(source)["size"].to_pylist()[-1] == "large"


@pytest.mark.parametrize(("last", "kind"), [(1, "i"), (1.5, "f"), ("none", "O")])
def test_whole_numbers_of_csv_stay_whole_as_targets(last, kind, tmp_path):
    y = [*range(5)] * 800 + [last]  # beyond the first MB
    pd.DataFrame({"x": 4001 * ["a" * 300], "y": y}).to_csv(tmp_path / "table.csv", index=False)
    source = open_source(tmp_path / "table.csv", "y")
    found = None
    while found is None:
        with suppress(BeginAgain):
            found = np.concatenate([block.y for block in source.blocks(2000)])
    assert found.dtype.kind == kind
    assert len(found) == len(y)


@pytest.mark.parametrize("delimiter", [";", "|"])
def test_another_delimiter_is_named(delimiter, tmp_path):
    (tmp_path / "table.csv").write_text(f"x{delimiter}y\n1{delimiter}2\n")
    with pytest.raises(ValueError, match=r"single column.*ParseOptions") as caught:
        open_source(tmp_path, "y")
    assert f"delimiter={delimiter!r}" in str(caught.value)
    options = arrow_csv.ParseOptions(delimiter=delimiter)
    source = open_source(ds.dataset(tmp_path, format=ds.CsvFileFormat(options)), "y")
    assert source.names == ["x"]
    assert [block.y.tolist() for block in source.blocks(10)] == [[2]]


def test_broken_csv_names_the_file(tmp_path):
    (tmp_path / "table.csv").write_text('x,y\n1,2\n"3,4\n')
    with pytest.raises(ValueError, match=r"table\.csv' cannot be read as csv"):
        one_pass(tmp_path / "table.csv", tmp_path, "y")


# ---- errors


@pytest.mark.parametrize(
    ("y", "weight", "error", "message"),
    [
        (None, None, TypeError, "y must be the name of a column of X.*got None"),
        (np.zeros(3), None, TypeError, "y must be the name of a column"),
        ("z", None, ValueError, r"X has no column 'z'; it has \['x', 'name'"),
        (["x", "name", "year", "y"], None, ValueError, "no columns beside"),
        ("y", "w", ValueError, "X has no column 'w'"),
        ("y", np.ones(3), TypeError, "sample_weight must be the name of a column"),
    ],
)
def test_roles_that_do_not_fit(y, weight, error, message, tmp_path):
    with pytest.raises(error, match=message):
        open_source(of_file(tmp_path), y, weight)


def test_paths_that_are_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no file or folder"):
        open_source(tmp_path / "none", "y")
    with pytest.raises(ValueError, match="holds no files"):
        open_source(tmp_path, "y")
    (tmp_path / "table.parquet").write_bytes(b"no parquet")
    with pytest.raises(ValueError, match="cannot be read as parquet"):
        open_source(tmp_path, "y")
    (tmp_path / "table.xlsx").write_bytes(b"no parquet")
    with pytest.raises(ValueError, match=r"must end in \.csv, .*\.parquet.*; got '\.xlsx'"):
        open_source(tmp_path / "table.xlsx", "y")


def test_missing_targets_name_file_and_block(tmp_path):
    y = TABLE["y"].to_pylist()
    y[300] = None
    pq.write_table(TABLE.set_column(3, "y", pa.array(y)), tmp_path / "part.parquet")
    with pytest.raises(ValueError, match=r"part\.parquet, block 5\): column 'y' holds missing"):
        one_pass(tmp_path / "part.parquet", tmp_path, "y")


def test_errors_of_later_files_name_file_and_column(tmp_path):
    for part, x in enumerate(([1, 2], [[1.5], [2.0]])):
        pq.write_table(pa.table({"x": x, "y": [0.0, 1.0]}), tmp_path / f"part-{part}.parquet")
    with pytest.raises(ValueError, match=r"part-1\.parquet: column 'x' cannot be read as string"):
        one_pass(tmp_path, tmp_path, "y")


def test_damaged_files_are_named(tmp_path):
    for part in range(2):
        pq.write_table(TABLE, tmp_path / f"part-{part}.parquet")
    with open(tmp_path / "part-1.parquet", "r+b") as file:
        file.seek(4)
        file.write(b"\xff" * 60)
    with pytest.raises(OSError, match=r"part-1\.parquet: "):
        one_pass(tmp_path, tmp_path, "y")


def test_functions_make_a_new_iterator_in_each_call(tmp_path):
    frames = [pd.DataFrame({"x": np.arange(300.0)}), *3 * [pd.DataFrame({"x": ["a"] * 300})]]
    blocks = iter([(frame, np.arange(300.0)) for frame in frames])
    with pytest.raises(ValueError, match="each call must return a new one"):
        one_pass(lambda: blocks, tmp_path)
    with pytest.raises(TypeError, match="must return an iterator of blocks; got NoneType"):
        one_pass(lambda: None, tmp_path)


def test_functions_say_what_they_must_yield(tmp_path):
    with pytest.raises(TypeError, match="y and sample_weight must be None if X is a function"):
        open_source(of_function(tmp_path), "y")
    for wrong, message in (
        (np.zeros((3, 1)), r"must yield \(X, y\)"),
        ((np.zeros(3), np.zeros(3)), "table of two dimensions"),
        ((np.zeros((3, 1)), np.zeros(2)), "y must have 3 rows"),
    ):
        with pytest.raises((TypeError, ValueError), match=message):
            one_pass(lambda wrong=wrong: iter([wrong]), tmp_path, targets=NumbersLearner)


def test_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr("fastmlp.streaming.sources.opening.find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install 'fastmlp\[stream\]'"):
        open_source(of_file(tmp_path), "y")


# ---- files that differ


def in_files(folder, *tables):
    for part, table in enumerate(tables):
        pq.write_table(pa.table(table), folder / f"part-{part}.parquet")
    return folder


def rows_of(source):
    return pa.concat_tables([block.X for block in source.blocks(100)])


@pytest.mark.parametrize(
    "index",
    [
        [5, 3, 4],
        pd.Index(list("abc"), name="order"),
        pd.Index([5, 3, 4], name="__null_dask_index__"),
    ],
)
def test_an_index_is_no_column_unless_asked_for(index, tmp_path):
    frame = pd.DataFrame({"x": [1, 2, 3], "y": [1.0, 2.0, 3.0]}, index=index)
    frame.to_parquet(tmp_path / "table.parquet")
    name = frame.index.name or "__index_level_0__"
    for X in (tmp_path, ds.dataset(tmp_path), ds.dataset(tmp_path).filter(ds.field("x") > 0)):
        source = open_source(X, "y")
        assert source.names == ["x"]
        assert rows_of(source).column_names == ["x"]
    asked = open_source(tmp_path, None, has_targets=False, needed=["x", name])
    assert rows_of(asked)[name].to_pylist() == frame.index.tolist()


def test_each_file_has_its_own_index(tmp_path):
    for part, index in enumerate([range(2), [7, 5]]):
        pd.DataFrame({"x": [1, 2], "y": [0, 1]}, index).to_parquet(tmp_path / f"{part}.parquet")
    assert rows_of(open_source(tmp_path, "y"))["x"].to_pylist() == [1, 2, 1, 2]


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        ("xzy", "xy", r"part-1\.parquet has no column 'z'"),
        ("xy", "xzy", r"part-1\.parquet has a column 'z', which .*part-0\.parquet does not have"),
        ("xzy", "xvy", r"part-1\.parquet has no column 'z'"),
    ],
)
def test_files_with_other_columns(first, second, message, tmp_path):
    in_files(tmp_path, *({name: [1, 2] for name in names} for names in (first, second)))
    with pytest.raises(ValueError, match=message):
        open_source(tmp_path, "y")


def test_files_of_csv_with_other_columns(tmp_path):
    for part, name in enumerate(["x", "X"]):
        (tmp_path / f"{part}.csv").write_text(f"{name},y\n1,2\n")
    with pytest.raises(ValueError, match=r"1\.csv has no column 'x'"):
        open_source(tmp_path, "y")


def test_columns_that_are_not_needed_may_differ(tmp_path):
    in_files(tmp_path, {"x": [1], "y": [1]}, {"x": [2], "z": [2], "y": [2]})
    source = open_source(tmp_path, None, has_targets=False, needed=["x"])
    assert rows_of(source)["x"].to_pylist() == [1, 2]
    schema = pa.schema({"x": pa.int64(), "y": pa.int64()})
    assert open_source(ds.dataset(tmp_path, schema=schema), "y").names == ["x"]
    with pytest.raises(ValueError, match=r"part-0\.parquet has no column 'z'"):
        open_source(
            ds.dataset(tmp_path, schema=schema.append(pa.field("z", pa.int64()))),
            None,
            has_targets=False,
            needed=["x", "z"],
        )


@pytest.mark.parametrize(
    ("first", "second", "read"),
    [
        ([None, None], ["a", "b"], [None, None, "a", "b"]),
        ([1, 2], [1.5, 2], [1, 2, 1.5, 2]),
        ([1, 2], ["3 rooms", None], ["1", "2", "3 rooms", None]),
        (pa.array(["a", "b"]).dictionary_encode(), ["c", "d"], list("abcd")),
    ],
)
@pytest.mark.parametrize("format", ["parquet", "ipc"])
def test_types_of_all_files_are_unified(first, second, read, format, tmp_path):
    for part, x in enumerate((first, second)):
        table = pa.table({"x": x, "y": [0.0, 1.0]})
        name = f"part-{part}-{{i}}.{'arrow' if format == 'ipc' else format}"
        ds.write_dataset(
            table,
            tmp_path,
            format=format,
            basename_template=name,
            existing_data_behavior="overwrite_or_ignore",
        )
    assert rows_of(open_source(tmp_path, "y"))["x"].to_pylist() == read
