"""Row caches: kept where they are asked for, read again if nothing changed, never half of one."""

import json
import os
from collections import namedtuple
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from cached_rows import read_rows
from pyarrow import dataset
from streams import NumbersLearner, blocks_of

from fastmlp import Cache
from fastmlp.streaming import cache_folder
from fastmlp.streaming.cache_file import read_cache
from fastmlp.streaming.cache_folder import RowsOfSource, host
from fastmlp.streaming.source_pass import SourcePass
from fastmlp.streaming.sources.opening import open_source
from fastmlp.streaming.target_learners import ClassesLearner, IndicatorsLearner

ROWS = 300
NAMES = np.array([["red", "green", "blue"][k % 3] for k in range(ROWS)])
TABLE = pa.table({"x": np.arange(ROWS) / 7, "name": NAMES, "y": np.arange(float(ROWS))})


@pytest.fixture
def table(tmp_path):
    pq.write_table(TABLE, tmp_path / "table.parquet")
    return tmp_path / "table.parquet"


class Opened:
    """Opens caches, and counts how often one is written."""

    def __init__(self, targets=NumbersLearner):
        self.n_written, self.targets = 0, targets

    def __call__(self, X, cache, y="y", **asked):
        source = open_source(X, y)
        reading = SourcePass(source, "from_dtype", self.targets, 64, 1)

        def write(folder):
            self.n_written += 1
            return reading.write(folder)

        if isinstance(cache, Path):
            cache = Cache(cache)
        return RowsOfSource(cache, source, {"y": y} | asked, write)


def test_a_cache_is_used_again(table, tmp_path):
    opened = Opened()
    with opened(table, tmp_path / "caches") as (first, learnt):
        before = read_rows(first)
    with opened(table, Cache(tmp_path / "caches")) as (again, learnt_again):
        after = read_rows(again)
    assert opened.n_written == 1
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
    assert learnt_again.encoder.columns == learnt.encoder.columns
    for name in ("mean", "deviation", "low", "high", "one_dimensional"):
        np.testing.assert_array_equal(
            getattr(learnt_again.targets, name), getattr(learnt.targets, name)
        )
    np.testing.assert_array_equal(learnt_again.training_range.high, learnt.training_range.high)


@pytest.mark.parametrize(
    ("learner", "y"),
    [
        (ClassesLearner, NAMES),
        (ClassesLearner, np.arange(ROWS) % 2 == 0),
        (ClassesLearner, NAMES.astype(object)),
        (ClassesLearner, np.arange(ROWS) % 5),
        (IndicatorsLearner, np.eye(3)[np.arange(ROWS) % 3]),
    ],
)
def test_targets_are_kept(learner, y, tmp_path):
    opened, cache = Opened(learner), Cache(tmp_path, key="mine")
    X = blocks_of(np.arange(float(ROWS))[:, None], y)
    with opened(X, cache, None) as (_, learnt):
        pass
    with opened(X, cache, None) as (_, again):
        pass
    assert opened.n_written == 1
    for name, value in vars(learnt.targets).items():
        kept = getattr(again.targets, name)
        np.testing.assert_array_equal(kept, value)
        assert getattr(kept, "dtype", None) == getattr(value, "dtype", None)


def test_it_is_written_anew_if_source_or_question_changed(table, tmp_path):
    opened, caches = Opened(), tmp_path / "caches"
    with opened(table, caches):
        pass
    with opened(table, caches, classifies=True):
        pass
    pq.write_table(TABLE.slice(0, 200), table)
    with opened(table, caches) as (rows, _):
        assert rows.n_rows == 200
    assert opened.n_written == 3


def test_without_a_folder_or_a_key_it_is_removed(table, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    opened = Opened()
    with opened(table, None) as (rows, _):
        assert rows.folder.parent == tmp_path / "temporary"
    X = blocks_of(np.zeros((ROWS, 1)), np.arange(ROWS))
    with opened(X, tmp_path / "caches", None) as (rows, _):
        assert rows.folder.parent == tmp_path / "caches"
    assert not [*(tmp_path / "temporary").iterdir(), *(tmp_path / "caches").iterdir()]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("kept", [True, False])
def test_nothing_is_left_of_a_failed_pass(error, kept, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def blocks():
        yield np.zeros((ROWS, 1)), np.arange(ROWS)
        raise error

    with pytest.raises(error), Opened()(blocks, Cache(tmp_path, key="k") if kept else None, None):
        pass
    assert not [*tmp_path.iterdir()]


def test_nothing_is_left_after_an_error_in_its_use(table, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(KeyboardInterrupt), Opened()(table, None):
        raise KeyboardInterrupt
    assert [*tmp_path.iterdir()] == [table]


def damage_description(folder):
    (folder / "cache.json").unlink()


def damage_version(folder):
    text = json.loads((folder / "cache.json").read_text())
    (folder / "cache.json").write_text(json.dumps(text | {"format": 99}))


def damage_learnt(folder):
    data = bytearray((folder / "learnt.safetensors").read_bytes())
    data[-1] ^= 1
    (folder / "learnt.safetensors").write_bytes(data)


def damage_rows(folder):
    with open(folder / "rows.bin", "r+b") as file:
        file.truncate(4096)


@pytest.mark.parametrize("damage", [damage_description, damage_version, damage_learnt, damage_rows])
def test_what_is_not_whole_is_written_anew(damage, table, tmp_path):
    opened = Opened()
    with opened(table, tmp_path / "caches") as (rows, _):
        damage(rows.folder)
    with opened(table, tmp_path / "caches") as (rows, _):
        assert read_rows(rows).X.shape == (ROWS, 2)
    assert opened.n_written == 2


def test_a_damaged_cache_is_written_anew(table, tmp_path, caplog):
    opened = Opened()
    with opened(table, tmp_path / "caches") as (first, _):
        before = read_rows(first)
    with open(first.path, "r+b") as file:
        file.seek(first.groups[-1].offset + 5)
        file.write(b"\xff\x00\xff")
    for _ in range(2):
        with opened(table, tmp_path / "caches") as (again, _):
            np.testing.assert_array_equal(read_rows(again).X, before.X)
    assert opened.n_written == 2
    assert [record.levelname for record in caplog.records].count("WARNING") == 1
    assert f"row cache {first.folder} is damaged and is being written again" in caplog.text


def test_what_a_killed_process_left_is_removed(table, tmp_path):
    opened, caches = Opened(), tmp_path / "caches"
    with opened(table, caches) as (rows, _):
        digest = rows.folder.name
    writers = [(host(), 2**22 + 1), (host(), os.getppid()), ("elsewhere", 2**22 + 1)]
    left = [caches / f"{digest}.{machine}.{pid}.ab12.unfinished" for machine, pid in writers]
    for folder in left:
        folder.mkdir()
    with opened(table, caches):
        pass
    assert [folder.exists() for folder in left] == [False, True, True]


def test_what_is_being_written_names_its_writer(table, tmp_path):
    caches = tmp_path / "caches"
    source, seen = open_source(table, "y"), []

    def write(folder):
        seen.append(folder.name)
        return SourcePass(source, "from_dtype", NumbersLearner, 64, 1).write(folder)

    with RowsOfSource(Cache(caches), source, {"y": "y"}, write) as (rows, _):
        assert seen[0].startswith(f"{rows.folder.name}.{host()}.{os.getpid()}.")


def test_another_process_may_be_faster(table, tmp_path):
    """Both write the same cache, and use the one that was there first."""
    opened, caches = Opened(), tmp_path / "caches"
    source = open_source(table, "y")

    def write(folder):
        with opened(table, caches):  # the other one, from beginning to end
            pass
        return SourcePass(source, "from_dtype", NumbersLearner, 64, 1).write(folder)

    with RowsOfSource(Cache(caches), source, {"y": "y"}, write) as (rows, _):
        assert read_cache(rows.folder) is not None
    assert len([*caches.iterdir()]) == 1


def test_a_cache_that_was_not_there_is_not_removed(table, tmp_path, monkeypatch):
    """Another process may put it there at any moment."""
    removed = []
    rmtree = cache_folder.shutil.rmtree

    def spy(folder, **options):
        removed.append(folder)
        rmtree(folder, **options)

    monkeypatch.setattr(cache_folder.shutil, "rmtree", spy)
    with Opened()(table, tmp_path / "caches") as (rows, _):
        assert rows.folder not in removed


def test_rows_are_on_the_disk_before_their_description(table, tmp_path, monkeypatch):
    synced = []
    fsync = os.fsync

    def spy(number):
        synced.append(os.fstat(number).st_ino)
        fsync(number)

    monkeypatch.setattr(os, "fsync", spy)
    with Opened()(table, tmp_path / "caches") as (rows, _):
        files = [(rows.folder / name).stat().st_ino for name in ("rows.bin", "cache.json")]
    assert synced.index(files[0]) < synced.index(files[1])


def test_a_key_stands_for_the_same_columns_only(table, tmp_path):
    opened, cache = Opened(), Cache(tmp_path / "caches", key="sales")
    with opened(dataset.dataset(table), cache) as (rows, _):
        assert rows.n_columns == 2
    fewer = dataset.dataset(table, schema=TABLE.select(["x", "y"]).schema)
    with opened(fewer, cache) as (rows, _):
        assert rows.n_columns == 1


def test_too_little_space_is_an_error_before_anything_is_read(table, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(cache_folder.shutil, "disk_usage", lambda path: usage(10, 9, 1))
    opened = Opened()
    with (
        pytest.raises(OSError, match=r"take about 0\.00 GB on disk, and .* cache= names another"),
        opened(table, tmp_path / "caches"),
    ):
        pass
    assert opened.n_written == 0
    assert not [*(tmp_path / "caches").iterdir()]
