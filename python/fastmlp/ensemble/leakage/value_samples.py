"""Samples of a column's values, with all rows that have them."""

from __future__ import annotations

from math import ceil, log2
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmlp.table.rows import every_kth, slices

MANY_VALUES = 30  # numbers of fewer, such as hours, months and grades, repeat by themselves
_FEWEST_VALUES = 5  # of a column that is looked at
_FREQUENT = 0.05  # of the rows: values such as 0 of amounts, with which rows are equal by chance
_SAMPLED_ROWS = 2**14  # at most, of each column
_MOST_SAMPLED = 2**16
_MOST_ROWS = 2**18  # of which a column's values are sampled
_BITS = 64  # of a hash
_BLOCK = 2**12  # rows that are read at a time
_MONOTONE = 0.9  # least rank correlation of columns that say the same


class ValueSample:
    """All rows that have some of the values: those of small hash.

    Attributes
    ----------
    hashes : ndarray of uint64
        Nearly all values have different ones.
    rows : ndarray of uint32
    halvings : int
        Each value is in the sample with probability 1 / 2**halvings.
    """

    def __init__(self, n_rows: int) -> None:
        self.hashes = np.empty(0, dtype=np.uint64)
        self.rows = np.empty(0, dtype=np.uint32)
        self.halvings = max(0, ceil(log2(n_rows / _SAMPLED_ROWS)))

    def add(self, hashes: NDArray[np.uint64], rows: slice | NDArray[np.uint32]) -> None:
        """Take some of these rows; fewer, if one value has a lot of them."""
        some = self._chosen(hashes)
        taken = some + rows.start if isinstance(rows, slice) else rows[some]
        self.hashes = np.append(self.hashes, hashes[some])
        self.rows = np.append(self.rows, taken.astype(np.uint32))
        while self.rows.size > _MOST_SAMPLED and self.halvings < _BITS - 1:
            self.halvings += 1
            some = self._chosen(self.hashes)
            self.hashes, self.rows = self.hashes[some], self.rows[some]

    def _chosen(self, hashes: NDArray[np.uint64]) -> NDArray[np.intp]:
        if not self.halvings:
            return np.arange(hashes.size)
        return np.flatnonzero(hashes < np.uint64(1) << np.uint64(_BITS - self.halvings))


class Column(NamedTuple):
    """A column of numbers of several different values.

    Attributes
    ----------
    position : int
    sample : ValueSample
    n_distinct : int
        Values; an estimate if there are many rows.
    share_of_copies : float
        Share of the rows whose value another row has already.
    """

    position: int
    sample: ValueSample
    n_distinct: int
    share_of_copies: float

    @classmethod
    def of(cls, X: NDArray[Any], position: int, sample: ValueSample, n_rows: int) -> Column:
        """What is known of a column by some of its values, which `n_rows` rows were asked for."""
        n_sampled = len(lengths(sample.hashes))
        n_distinct = min(n_sampled << sample.halvings, n_rows)
        if n_sampled < MANY_VALUES:  # too few; some rows have nearly all of the values
            some = every_kth(len(X), most=_SAMPLED_ROWS)
            sample.rows = np.arange(*some.indices(len(X)), dtype=np.uint32)
            values, numbers = np.unique(X[sample.rows, position], return_inverse=True)
            sample.hashes, n_distinct = numbers.astype(np.uint64), len(values)
        return cls(position, sample, n_distinct, 1 - n_distinct / n_rows)


def columns_of(X: NDArray[Any], positions: NDArray[np.intp]) -> list[Column]:
    """The columns of several different values.

    Those of a large table are looked at in blocks of its rows, which are read once: a copy of the
    table would not be worth a warning.
    """
    blocks = list(slices(len(X), _BLOCK))
    blocks = blocks[every_kth(len(blocks), most=_MOST_ROWS // _BLOCK)]
    n_rows = sum(block.stop - block.start for block in blocks)
    samples = [ValueSample(n_rows) for _ in positions]
    for block in blocks:
        for sample, hashes in zip(samples, hashes_of(X, block, positions), strict=True):
            sample.add(hashes, block)
    columns = [
        Column.of(X, position, sample, n_rows)
        for position, sample in zip(positions.tolist(), samples, strict=True)
    ]
    return [column for column in columns if column.n_distinct >= _FEWEST_VALUES]


def hashes_of(
    X: NDArray[Any], rows: slice | NDArray[Any], positions: NDArray[np.intp]
) -> NDArray[np.uint64]:
    """A hash of each number, of shape (n_columns, n_rows); equal numbers of a column have one."""
    if positions.size == X.shape[1]:
        table = X[rows]
    else:
        table = X[rows, positions] if isinstance(rows, slice) else X[np.ix_(rows, positions)]
    odd = np.array([_odd(int(position)) for position in positions], dtype=np.uint64)
    numbers = table.T.astype(np.float64, order="C") + 0.0  # -0 is 0
    bits = numbers.view(np.uint64)
    bits ^= bits >> np.uint64(32)  # the last bits of a short number are all 0
    bits += odd[:, None]  # 0 is as any number
    bits *= odd[:, None]
    return bits


def _odd(position: int) -> int:
    """A random odd number of 64 bits."""
    return (position + 1) * 0x9E3779B97F4A7C15 % 2**64 | 1


def lengths(hashes: NDArray[np.uint64]) -> NDArray[np.intp]:
    """How many rows have each of the values."""
    ordered = np.sort(hashes)
    return np.diff(np.flatnonzero(is_new(ordered)), append=ordered.size)


def is_new(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a value is not the one before it."""
    differs = np.ones(values.size, dtype=bool)
    np.not_equal(values[1:], values[:-1], out=differs[1:])
    return differs


def frequent_values(column: NDArray[Any]) -> NDArray[Any]:
    """Values that many of these rows have; a missing one is none."""
    values, counts = np.unique(column, return_counts=True)
    frequent: NDArray[Any] = values[(counts > _FREQUENT * column.size) & ~np.isnan(values)]
    return frequent


def say_the_same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether one column rises or falls with the other."""
    # Equal values have the same rank: in the order of rows, two columns of zeros would agree.
    ranks = [np.unique(column, return_inverse=True)[1] for column in (one, other)]
    with np.errstate(invalid="ignore"):  # a constant has no correlation
        correlations: Any = np.corrcoef(ranks)
    return bool(abs(correlations[0, 1]) >= _MONOTONE)
