"""Which rows of a table are meant: parts looked at at once, validation parts, folds."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.utils.extmath import _approximate_mode

_CHUNK = 2**20  # numbers that are looked at at once where a copy has to be made
_QUANTILE_ROWS = 2**18  # that quantiles are taken of: they are good to a part in a thousand

Rows = NDArray[np.uint32]


def slices(n: int, length: int) -> Iterator[slice]:
    """scikit-learn's `gen_batches` without its checks, a twentieth of a small fit's time."""
    return (slice(start, min(start + length, n)) for start in range(0, n, length))


def parts(table: NDArray[Any], rows: NDArray[Any] | None = None) -> Iterator[slice | NDArray[Any]]:
    """The table's rows, or those given, so many at a time that a copy of them is not large."""
    n_rows = table.shape[0] if rows is None else rows.size
    for part in slices(n_rows, max(1, _CHUNK // prod(table.shape[1:]))):
        yield part if rows is None else rows[part]


def weighing(rows: NDArray[Any] | None, weights: NDArray[Any] | None) -> NDArray[Any] | None:
    """Those of the rows (None: all) that have any weight."""
    if weights is None:
        return rows
    return np.flatnonzero(weights) if rows is None else rows[weights[rows] > 0]


def sampled(n_rows: int, rows: NDArray[Any] | None) -> slice | NDArray[Any]:
    """Every k-th of the rows (None: all of `n_rows`), enough of them to learn quantiles from."""
    every = -(-(n_rows if rows is None else rows.size) // _QUANTILE_ROWS)
    return slice(None, None, every) if rows is None else rows[::every]


def held_out(
    n_rows: int, n_val: int, classes: NDArray[Any] | None, random_state: np.random.RandomState
) -> NDArray[np.bool_]:
    """Which rows scikit-learn's `train_test_split` takes for testing; stratified if it can be.

    Given classes, that function needs 70 bytes per row and this one a quarter of them.
    """
    chosen = np.zeros(n_rows, dtype=bool)
    if classes is not None:
        classes = classes.astype(np.int32, copy=False)
        counts = np.bincount(classes)
        counts = counts[counts > 0]
    if classes is None or counts.min() < 2 or min(n_val, n_rows - n_val) < counts.size:
        chosen[random_state.permutation(n_rows)[:n_val]] = True
        return chosen
    # A sparse matrix with one entry per row holds, column after column, the rows of every class.
    ends = np.arange(n_rows + 1, dtype=np.int32 if n_rows < 2**31 else np.int64)
    order = csr_array((np.ones(n_rows, dtype=bool), classes, ends)).tocsc().indices
    n_train_of = _approximate_mode(counts, n_rows - n_val, random_state)
    _approximate_mode(counts - n_train_of, n_val, random_state)  # all that are left
    for rows, n_train in zip(np.split(order, counts.cumsum()[:-1]), n_train_of, strict=True):
        random_state.shuffle(rows)
        chosen[rows[n_train:]] = True
    # It shuffles both parts at last, which matters to the random numbers behind it alone.
    random_state.shuffle(order[n_val:])
    random_state.shuffle(order[:n_val])
    return chosen


def folds(
    n_rows: int, n_folds: int, classes: NDArray[Any] | None, random_state: np.random.RandomState
) -> NDArray[np.int32]:
    """The fold of every row, equally many in each; classes are spread over all folds.

    Rows in random order, sorted by class, are dealt out like cards: unlike scikit-learn's
    `StratifiedKFold` this also takes classes with fewer rows than there are folds.
    """
    order = random_state.permutation(n_rows)
    if classes is not None:
        order = order[np.argsort(classes[order], kind="stable")]
    fold = np.empty(n_rows, dtype=np.int32)
    fold[order] = np.arange(n_rows) % n_folds
    return fold


def n_held_out(n_rows: int, fraction: float) -> int:
    """Rows that a fraction of them is, at least one."""
    return int(np.ceil(fraction * n_rows))


def n_folds_of(n_rows: int, fraction: float) -> int:
    """Folds that hold at most this fraction of the rows."""
    return max(2, -(-n_rows // n_held_out(n_rows, fraction)))


def validation_parts(
    n_rows: int,
    fraction: float,
    n_parts: int,
    classes: NDArray[Any] | None,
    random_state: np.random.RandomState,
) -> list[NDArray[np.bool_]]:
    """Rows to hold out from each of several networks: folds, and of other folds when those end.

    One network has `fraction` of the rows held out.
    """
    if n_parts == 1:
        return [held_out(n_rows, n_held_out(n_rows, fraction), classes, random_state)]
    n_folds = n_folds_of(n_rows, fraction)
    chosen: list[NDArray[np.bool_]] = []
    while len(chosen) < n_parts:
        fold = folds(n_rows, n_folds, classes, random_state)
        chosen += [fold == number for number in range(n_folds)]
    return chosen[:n_parts]


def batch_size_for(n_rows: int) -> int:
    """Rows of a minibatch: larger tables bear larger ones (RealMLP's rule)."""
    for limit, size in ((1024, 64), (8192, 128), (30_000, 256), (100_000, 512)):
        if n_rows <= limit:
            return min(size, n_rows)
    return 1024
