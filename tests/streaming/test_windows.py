"""Windows of a row cache: what they hold, in which order, and what is wrong with a damaged file."""

import os
import signal
import threading

import numpy as np
import pytest
from numpy.random import RandomState
from small_caches import write_cache

from fastmlp import _core
from fastmlp.streaming.folds import held_out_ranges, mixed
from fastmlp.streaming.row_cache import Group
from fastmlp.streaming.sample import read_sample
from fastmlp.streaming.targets import StoredTargets
from fastmlp.streaming.windows import Windows

N_ROWS, GROUP_ROWS = 1000, 64
FLOAT32 = np.dtype("float32")
LABELS = np.array([np.nan, 5.0, 7.0], dtype=np.float32)  # what codes stand for


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((N_ROWS, 3)).astype(np.float32)
    X[rng.random(X.shape) < 0.1] = np.nan
    return X, np.arange(float(N_ROWS)), rng.random(N_ROWS), rng.integers(0, 3, (N_ROWS, 1))


@pytest.fixture
def cache(table, tmp_path):
    X, y, weights, codes = table
    columns = [("number", 2), ("number", 0), ("is_missing", 0), ("code", 0, LABELS), ("constant",)]
    return write_cache(tmp_path, X, y, weights, codes, GROUP_ROWS, columns=columns)


def windows_of(cache, n_groups):
    """Windows of so many groups."""
    least = next(size for size in range(2**10, 2**20, 2**8) if can_be(cache, size))
    return Windows(cache, n_groups * least)


def can_be(cache, max_memory):
    try:
        Windows(cache, max_memory)
    except ValueError:
        return False
    return True


def rows_of(window):
    """Numbers of the rows, which the targets are."""
    return window.y[:, 0].astype(int)


def test_windows_hold_what_was_written(cache, table):
    X, _, weights, codes = table
    for window in windows_of(cache, 3).epoch(seed=1, number=0):
        rows = rows_of(window)
        missing = np.isnan(X[rows, 0]).astype(np.float32)
        labels = LABELS[codes[rows, 0]]
        expected = [X[rows, 2], X[rows, 0], missing, labels, np.zeros(len(rows))]
        np.testing.assert_array_equal(window.X, np.column_stack(expected))
        np.testing.assert_array_equal(window.weights, weights[rows].astype(np.float32))
        np.testing.assert_array_equal(window.hash, mixed(rows.astype(np.uint32), 12345))
        assert (window.X.dtype, window.y.dtype) == (np.float32, np.float64)
        assert not window.X.flags.writeable


def test_float16_is_decoded_as_numpy_does(table, tmp_path):
    X, y, *_ = table
    windows = Windows(write_cache(tmp_path, X, y, numbers="float16"), 2**20)
    read = np.vstack([window.X.copy() for window in windows.in_order()])
    np.testing.assert_array_equal(read, X.astype(np.float16).astype(np.float32))


def test_each_epoch_reads_every_row_once_in_an_order_of_its_own(cache):
    windows = windows_of(cache, 4)
    assert len(windows) == 4
    epochs = [
        [tuple(rows_of(window)) for window in windows.epoch(seed, number)]
        for seed, number in ((3, 0), (3, 1), (4, 0), (3, 0))
    ]
    for epoch in epochs:
        assert sorted(sum(epoch, ())) == list(range(N_ROWS))
    assert epochs[0] == epochs[3]
    assert len(set(map(tuple, epochs))) == 3
    # A window holds groups from anywhere in the file.
    assert max(epochs[0][0]) - min(epochs[0][0]) > N_ROWS // 2
    assert [tuple(rows_of(window)) for window in windows.epoch(3, 0, first=2)] == epochs[0][2:]


def test_windows_share_the_groups_evenly(cache):
    for n_groups in (1, 5, 6, 9, 100):  # of 16
        windows = windows_of(cache, n_groups)
        assert windows.groups_per_window <= n_groups
        assert len(windows) == -(-16 // min(n_groups, 16))
        assert sum(1 for _ in windows.in_order()) == len(windows)


def test_too_little_memory_is_an_error(cache):
    with pytest.raises(ValueError, match=r"max_memory leaves 999 bytes .* at least [\d,]+ bytes"):
        Windows(cache, 999)


def test_a_view_keeps_its_window(cache):
    windows = windows_of(cache, 4)
    epoch = windows.epoch(0, 0)
    kept = next(epoch).y
    values = kept.copy()
    for _ in range(3):
        next(epoch)
        np.testing.assert_array_equal(kept, values)


def test_two_windows_at_most(cache):
    epoch = windows_of(cache, 4).epoch(0, 0)
    kept = [next(epoch), next(epoch)]
    with pytest.raises(ValueError, match="must have one of its two windows back"):
        next(epoch)
    assert len(kept) == 2


@pytest.mark.parametrize("offset", [0, 300, GROUP_ROWS * 20])
def test_a_changed_byte_is_an_error(cache, offset):
    windows = windows_of(cache, 16)
    with cache.path.open("r+b") as file:
        file.seek(cache.groups[5].offset + offset)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))
    message = "row cache .* is damaged: row group 5 does not have the checksum that was written"
    for _ in range(2):
        with pytest.raises(OSError, match=message):
            list(windows.epoch(0, 0))


def test_a_shortened_file_is_an_error(cache):
    windows = windows_of(cache, 16)
    os.truncate(cache.path, cache.groups[9].offset + 10)
    with pytest.raises(OSError, match=r"row group \d+ cannot be read"):
        list(windows.epoch(0, 0))
    with pytest.raises(OSError, match="too few for its row groups"):
        windows_of(cache, 16)
    cache.path.unlink()
    with pytest.raises(OSError, match="cannot open the file"):
        windows_of(cache, 16)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"groups": [Group(8, 1, 0)]}, "multiple of 64"),
        ({"groups": [Group(0, 0, 0)]}, "from 1 to max_rows"),
        ({"groups": [Group(0, 2**62, 0)], "max_rows": 2**62}, "overflows"),
        ({"columns": [("number", 9)]}, "number 9 of 3"),
        ({"columns": [("code", -1, [1.0])]}, "number -1 of 1"),
        ({"columns": [("text", 0)]}, "one of 'number'"),
        ({"sections": {"targets": ("float16", 1)}}, "targets must be one of 'float32'"),
        ({"sections": {"targets": ("float32", 0)}}, "at least one target"),
        ({"sections": {"targets": ("float32", 2**62)}}, "overflows"),
        ({"sections": {"numbers": ("float32", -1)}}, "sections"),
        ({"sections": {"codes": ["int8"]}}, "codes must be one of 'uint8'"),
    ],
)
def test_a_description_that_cannot_be_is_an_error(cache, changes, message):
    of_cache = {
        "path": cache.path,
        "sections": cache.sections.for_reader | changes.pop("sections", {}),
        "columns": cache.columns,
        "groups": cache.groups,
        "max_rows": 100,
    }
    with pytest.raises(ValueError, match=message):
        _core.WindowReader(**of_cache | changes)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
def test_a_forked_child_neither_hangs_nor_disturbs(cache):
    windows = windows_of(cache, 2)
    epoch = windows.epoch(0, 0)
    rows = list(rows_of(next(epoch)))
    child = os.fork()
    if child == 0:
        signal.alarm(20)
        try:
            next(epoch)
        except ValueError as error:
            told = "forked process" in str(error)
        del epoch
        fine = sum(1 for _ in Windows(cache, 2**20).in_order()) == 1
        os._exit(0 if told and fine else 1)
    assert os.waitpid(child, 0)[1] == 0
    for window in epoch:
        rows += list(rows_of(window))
    assert sorted(rows) == list(range(N_ROWS))


def test_a_reader_is_for_one_thread_at_a_time(cache):
    reader = windows_of(cache, 4)._reader
    done, errors = threading.Event(), []

    def read():
        while not done.is_set():
            try:
                reader.begin([[0], [1], [2]])
                while reader.next() is not None:
                    pass
            except ValueError as error:
                errors.append(str(error))

    others = [threading.Thread(target=read) for _ in range(3)]
    for other in others:
        other.start()
    done.wait(0.2)
    done.set()
    for other in others:
        other.join()
    assert all("one thread at a time" in error for error in errors)
    reader.begin([[0]])
    assert reader.next().hash.size == GROUP_ROWS


# ---- the sample, and folds


def test_a_sample_of_all_rows_is_the_table(cache, table):
    sample = read_sample(windows_of(cache, 3), StoredTargets(), FLOAT32, 10 * N_ROWS)
    np.testing.assert_array_equal(sample.data.y[:, 0], table[1])
    np.testing.assert_array_equal(sample.data.sample_weight, table[2].astype(np.float32))
    assert sample.data.X.shape == (N_ROWS, cache.n_columns)


def test_a_sample_does_not_depend_on_the_windows(cache):
    samples = [
        read_sample(windows_of(cache, n), StoredTargets(), FLOAT32, 300).data.y for n in (1, 5)
    ]
    np.testing.assert_array_equal(*samples)
    assert 250 < len(samples[0]) < 350
    assert 450 < samples[0].mean() < 550  # from everywhere


def test_every_row_is_held_out_once_in_a_round():
    hashes = np.random.default_rng(1).integers(0, 2**32, 10_000, dtype=np.uint32)
    hashes[:2] = 0, 2**32 - 1
    ranges = held_out_ranges(12, 0.2, 10_000, RandomState(0))
    masks = np.array([own.holds(hashes) for own in ranges])
    for first in (0, 5):
        assert (masks[first : first + 5].sum(axis=0) == 1).all()
    assert np.abs(masks.mean(axis=1) - 0.2).max() < 0.02
    assert abs((masks[0] & masks[5]).mean() - 0.04) < 0.01  # rounds are independent, and seeds
    other = held_out_ranges(12, 0.2, 10_000, RandomState(1))[0].holds(hashes)
    assert abs((masks[0] & other).mean() - 0.04) < 0.01
    (single,) = held_out_ranges(1, 0.1, 10_000, RandomState(0))
    assert abs(single.holds(hashes).mean() - 0.1) < 0.01
    assert held_out_ranges(3, None, 10_000, RandomState(0)) == [None] * 3
    assert held_out_ranges(3, 0.2, 9, RandomState(0)) == [None] * 3


def test_splits_of_a_sample_are_those_of_windows(cache):
    windows = windows_of(cache, 3)
    ranges = held_out_ranges(4, 0.25, N_ROWS, RandomState(0))
    sample = read_sample(windows, StoredTargets(), FLOAT32, 400)
    rows = np.arange(len(sample.hashes))
    for split, own in zip(sample.splits(ranges), ranges, strict=True):
        held_out = own.holds(sample.hashes)
        np.testing.assert_array_equal(split.validation.rows, rows[held_out])
        np.testing.assert_array_equal(split.train, rows[~held_out])


def test_no_rows_are_held_out_where_one_side_had_none(tmp_path):
    cache = write_cache(tmp_path, np.zeros((50, 1)), np.zeros(50), np.arange(50) == 7)
    sample = read_sample(Windows(cache, 2**20), StoredTargets(), FLOAT32, 50)
    splits = sample.splits(held_out_ranges(5, 0.2, 50, RandomState(0)))
    assert [split.validation for split in splits] == [None] * 5
