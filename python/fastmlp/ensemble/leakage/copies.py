"""Rows that are copies of each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmlp.ensemble.leakage.value_samples import (
    MANY_VALUES,
    Column,
    ValueSample,
    frequent_values,
    hashes_of,
    lengths,
    say_the_same,
)
from fastmlp.ensemble.splits import RowSubset
from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.rows import every_kth, slices

if TYPE_CHECKING:
    from typing import Self

_COPIES = 0.05  # least share of the rows
_COPIES_AMONG_ALIKE = 0.5  # least share of pairs that are equal except in the most varied column
_COPIES_AMONG_MEASURED = 0.5  # least share of pairs of one measured value that are equal
_OTHER_TARGETS = 0.05  # most pairs of copies whose targets differ, as a share of those by chance
_DIGITS = 6  # numbers with more are not rounded
_RATIO_OF_GAPS = 2  # of the 8% and the 2% quantile; numbers of no grid have 4
_KEY_COLUMNS = 2  # by whose values rows are chosen that are compared
_SALT = np.uint64(0xD6E8FEB86659FD93)  # hashes of targets differ from those of columns
_COMPARED_ROWS = 2000  # at most, that tell whether two columns say the same
_MEASURED_ROWS = 2**16  # at most, that tell whether a column is measured
_BLOCK = 2**12  # rows that are read at a time


def described_copies(
    encoder: DenseEncoder,
    data: RowSubset,
    columns: Sequence[Column],
    positions: NDArray[np.intp],
) -> str | None:
    """Rows that are equal, not only in columns that have few values; None if there are few.

    Copies differ in no column. Rows that are equal by chance are few of those that are equal but
    for the most varied column and others that say the same, where that column has no value that
    many rows have. If it is the only one of many values, all pairs of equal rows are few of those:
    then equal rows are copies if that column is measured and their targets are equal too.

    Parameters
    ----------
    encoder : DenseEncoder
    data : RowSubset
        All training rows.
    columns : sequence of Column
    positions : ndarray
        Positions of all columns that are compared.
    """
    columns = [column for column in columns if column.n_distinct >= MANY_VALUES]
    if not columns:
        return None
    columns = sorted(columns, key=lambda column: -column.n_distinct)
    table = _ComparedTable.of(data.X, positions, [column.position for column in columns])
    equal = table.equal_rows(positions)
    share = 1 - equal.counts.size / max(equal.counts.sum(), 1)
    if share < _COPIES or (
        _are_alike_by_chance(table, equal) and not _are_copied_with_targets(table, data.y)
    ):
        return None
    name = encoder.names_of_encoded[table.varied]
    with_rare_value = f" with a rare value of {name!r}" if table.frequent.size else ""
    return (
        f"{share:.0%} of the rows of X{with_rare_value} are copies of other rows, and networks "
        "are validated on copies of rows that they were trained on"
    )


class _EqualRows(NamedTuple):
    """How many of some rows are equal to each other, for each row that is there once or more."""

    counts: NDArray[np.intp]
    halvings: int  # as of `ValueSample`

    @property
    def n_pairs(self) -> float:
        """Pairs of equal rows in the whole table."""
        return float(_n_pairs(self.counts) * 2.0**self.halvings)


class _ComparedTable(NamedTuple):
    """A table without the rows whose most varied column has a frequent value."""

    X: NDArray[Any]
    positions: NDArray[np.intp]  # of all columns that are compared
    by_variety: list[int]  # of those of many values, the most varied one first
    varied: int  # that one
    few: NDArray[Any]  # rows that tell what is frequent, and which columns say the same
    frequent: NDArray[Any]

    @classmethod
    def of(cls, X: NDArray[Any], positions: NDArray[np.intp], by_variety: list[int]) -> Self:
        few, varied = X[every_kth(len(X), most=_COMPARED_ROWS)], by_variety[0]
        return cls(X, positions, by_variety, varied, few, frequent_values(few[:, varied]))

    def equal_rows(self, compared: NDArray[np.intp]) -> _EqualRows:
        """Rows that are equal in these columns."""
        key = [position for position in self.by_variety if position in compared]
        sample = self.sample(np.array(key[:_KEY_COLUMNS] or compared[:_KEY_COLUMNS]))
        whole = hashes_of(self.X, sample.rows, compared).sum(axis=0)
        return _EqualRows(lengths(whole), sample.halvings)

    def sample(self, key: NDArray[np.intp]) -> ValueSample:
        """Rows of some of the values of these columns."""
        sample = ValueSample(len(self.X))
        for block in slices(len(self.X), _BLOCK):
            hashes = hashes_of(self.X, block, key).sum(axis=0)
            rows = np.arange(block.start, block.stop, dtype=np.uint32)
            if self.frequent.size:
                is_rare = ~np.isin(self.X[block, self.varied], self.frequent)
                hashes, rows = hashes[is_rare], rows[is_rare]
            sample.add(hashes, rows)
        return sample


def _are_alike_by_chance(table: _ComparedTable, equal: _EqualRows) -> bool:
    """Whether few of the rows that are equal but for the most varied column are so in it too."""
    varied = table.few[:, table.varied]
    alike = [at for at in table.by_variety if say_the_same(varied, table.few[:, at])]
    others = table.positions[~np.isin(table.positions, alike)]
    if not others.size:
        return True
    return equal.n_pairs < _COPIES_AMONG_ALIKE * table.equal_rows(others).n_pairs


def _are_copied_with_targets(table: _ComparedTable, y: NDArray[Any]) -> bool:
    """Whether rows of one measured value are equal in all columns, and in their targets."""
    sample = table.sample(np.array([table.varied]))
    whole = hashes_of(table.X, sample.rows, table.positions).sum(axis=0)
    targets = y.reshape(len(y), -1)
    own = _SALT * hashes_of(targets, sample.rows, np.arange(targets.shape[1])).sum(axis=0)
    n_equal = _n_pairs(lengths(whole))
    n_others = n_equal - _n_pairs(lengths(whole + own))
    by_chance = n_equal * (1 - np.sum(np.square(lengths(own) / own.size)))
    return (
        n_equal >= _COPIES_AMONG_MEASURED * _n_pairs(lengths(sample.hashes))
        and n_others <= _OTHER_TARGETS * by_chance
        and is_measured(table.X[every_kth(len(table.X), most=_MEASURED_ROWS), table.varied])
    )


def is_measured(column: NDArray[Any]) -> bool:
    """Whether most numbers have many digits, and lie on no grid, as standardised ones do."""
    values = np.unique(column[np.isfinite(column)]).astype(np.float64)
    if values.size < MANY_VALUES:  # it has more, but hardly any row has
        return False
    sizes = np.abs(values[values != 0])
    with np.errstate(all="ignore"):  # the largest and the least numbers that there are
        unit = 10.0 ** (np.floor(np.log10(sizes)) + 1 - _DIGITS)
        rounded = np.round(sizes / unit) * unit
        least, small = np.quantile(np.diff(values), (0.02, 0.08))
    is_round = np.isclose(sizes, rounded, rtol=1e-7, atol=0) | (sizes == np.round(sizes))
    if np.count_nonzero(is_round) > sizes.size / 2:
        return False
    return bool(small >= _RATIO_OF_GAPS * least)


def _n_pairs(counts: NDArray[np.intp]) -> float:
    """Pairs of rows that have the same value."""
    return float(np.sum(counts * (counts - 1.0)))
