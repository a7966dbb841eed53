"""Rows that are copies of each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.ensemble.leakage.value_samples import (
    MANY_VALUES,
    Column,
    ValueSample,
    compared_rows,
    evenly,
    frequent_values,
    hashes_of,
    lengths,
    say_the_same,
)
from fastmlp.ensemble.splits import RowSubset
from fastmlp.table.rows import slices

_COPIES = 0.05  # least share of the rows
_COPIES_AMONG_ALIKE = 0.5  # least share of pairs that are equal except in the most varied column
_COPIES_AMONG_MEASURED = 0.5  # least share of pairs of one measured value that are equal
_OTHER_TARGETS = 0.05  # most pairs of copies whose targets differ, as a share of those by chance
_DIGITS = 6  # numbers with more are not rounded
_RATIO_OF_GAPS = 2  # of the 8% and the 2% quantile; numbers of no grid have 4
_KEY_COLUMNS = 2  # by whose values rows are chosen that are compared
_SALT = np.uint64(0xD6E8FEB86659FD93)  # hashes of targets differ from those of columns
_MEASURED_ROWS = 2**16  # at most, that tell whether a column is measured
_BLOCK = 2**12  # rows that are read at a time


def described_copies(
    data: RowSubset, columns: Sequence[Column], positions: NDArray[np.intp]
) -> str | None:
    """Rows that are equal, not only in columns that have few values; None if there are few.

    Copies differ in no column. Rows that are equal by chance are few of those that are equal but
    for the most varied column and others that say the same, where that column has no value that
    many rows have. If it is the only one of many values, all pairs of equal rows are few of those:
    then equal rows are copies if that column is measured and their targets are equal too.

    Parameters
    ----------
    data : RowSubset
        All training rows.
    columns : sequence of Column
    positions : ndarray
        Of all columns that are compared.
    """
    X = data.X
    columns = [column for column in columns if column.n_distinct >= MANY_VALUES]
    if not columns:
        return None
    columns = sorted(columns, key=lambda column: -column.n_distinct)
    varied, some = columns[0].position, compared_rows(X)
    frequent = frequent_values(X[some, varied])
    by_variety = [column.position for column in columns]

    def sampled(key: NDArray[np.intp]) -> ValueSample:
        """Rows of some of the values of these columns."""
        sample = ValueSample(len(X))
        for block in slices(len(X), _BLOCK):
            hashes = hashes_of(X, block, key).sum(axis=0)
            rows = np.arange(block.start, block.stop, dtype=np.uint32)
            if frequent.size:
                is_rare = ~np.isin(X[block, varied], frequent)
                hashes, rows = hashes[is_rare], rows[is_rare]
            sample.add(hashes, rows)
        return sample

    def counts_of_equal(compared: NDArray[np.intp]) -> tuple[NDArray[np.intp], int]:
        of_these = [position for position in by_variety if position in compared]
        sample = sampled(np.array(of_these[:_KEY_COLUMNS] or compared[:_KEY_COLUMNS]))
        whole = hashes_of(X, sample.rows, compared).sum(axis=0)
        return lengths(whole), sample.halvings

    def are_alike_by_chance() -> bool:
        alike = [at for at in by_variety if say_the_same(X[some, varied], X[some, at])]
        others = positions[~np.isin(positions, alike)]
        if not others.size:
            return True
        alike_counts, alike_halvings = counts_of_equal(others)
        by_chance = _n_pairs(alike_counts) * 2.0 ** (alike_halvings - halvings)
        return _n_pairs(counts) < _COPIES_AMONG_ALIKE * by_chance

    def are_copied_with_targets() -> bool:
        sample = sampled(np.array([varied]))
        whole = hashes_of(X, sample.rows, positions).sum(axis=0)
        targets = data.y.reshape(len(data.y), -1)
        own = _SALT * hashes_of(targets, sample.rows, np.arange(targets.shape[1])).sum(axis=0)
        n_equal = _n_pairs(lengths(whole))
        n_others = n_equal - _n_pairs(lengths(whole + own))
        by_chance = n_equal * (1 - np.sum(np.square(lengths(own) / own.size)))
        return (
            n_equal >= _COPIES_AMONG_MEASURED * _n_pairs(lengths(sample.hashes))
            and n_others <= _OTHER_TARGETS * by_chance
            and is_measured(X[evenly(0, len(X), _MEASURED_ROWS), varied])
        )

    counts, halvings = counts_of_equal(positions)
    share = 1 - counts.size / max(counts.sum(), 1)
    if share < _COPIES or (are_alike_by_chance() and not are_copied_with_targets()):
        return None
    return (
        f"{share:.0%} of the rows of X are copies of other rows, and networks are validated on "
        "copies of rows that they were trained on"
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
