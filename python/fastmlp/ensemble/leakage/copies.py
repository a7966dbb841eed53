"""Rows that are copies of each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.ensemble.leakage.values import (
    MANY_VALUES,
    Column,
    ValueSample,
    compared_rows,
    frequent_values,
    hashes_of,
    lengths,
    say_the_same,
)
from fastmlp.table.rows import slices

_COPIES = 0.05  # least share of the rows
_COPIES_AMONG_ALIKE = 0.5  # least share of pairs that are equal but for the most varied column
_KEY_COLUMNS = 2  # by whose values rows are chosen that are compared
_BLOCK = 2**12  # rows that are read at a time


def described_copies(
    X: NDArray[Any], columns: Sequence[Column], positions: NDArray[np.intp]
) -> str | None:
    """Rows that are equal, not only in columns that have few values; None if there are few.

    Copies differ in no column. Rows that are equal by chance are few of those that are equal but
    for the most varied column and others that say the same, where that column has no value that
    many rows have.

    Parameters
    ----------
    X : ndarray
    columns : sequence of Column
    positions : ndarray
        Of all columns that are compared.
    """
    columns = [column for column in columns if column.n_distinct >= MANY_VALUES]
    if not columns:
        return None
    columns = sorted(columns, key=lambda column: -column.n_distinct)
    varied, some = columns[0].position, compared_rows(X)
    frequent = frequent_values(X[some, varied])
    by_variety = [column.position for column in columns]

    def counts_of_equal(compared: NDArray[np.intp]) -> tuple[NDArray[np.intp], int]:
        of_these = [position for position in by_variety if position in compared]
        key = np.array(of_these[:_KEY_COLUMNS] or compared[:_KEY_COLUMNS])
        sample = ValueSample(len(X))
        for block in slices(len(X), _BLOCK):
            hashes = hashes_of(X, block, key).sum(axis=0)
            rows = np.arange(block.start, block.stop, dtype=np.uint32)
            if frequent.size:
                is_rare = ~np.isin(X[block, varied], frequent)
                hashes, rows = hashes[is_rare], rows[is_rare]
            sample.add(hashes, rows)
        whole = hashes_of(X, sample.rows, compared).sum(axis=0)
        return lengths(whole), sample.halvings

    counts, halvings = counts_of_equal(positions)
    share = 1 - counts.size / max(counts.sum(), 1)
    if share < _COPIES:
        return None
    alike = [at for at in by_variety if say_the_same(X[some, varied], X[some, at])]
    others = positions[~np.isin(positions, alike)]
    if not others.size:
        return None
    alike_counts, alike_halvings = counts_of_equal(others)
    by_chance = _n_pairs(alike_counts) * 2.0 ** (alike_halvings - halvings)
    if _n_pairs(counts) < _COPIES_AMONG_ALIKE * by_chance:
        return None
    return (
        f"{share:.0%} of the rows of X are copies of other rows, and networks are validated on "
        "copies of rows that they were trained on"
    )


def _n_pairs(counts: NDArray[np.intp]) -> float:
    """Pairs of rows that have the same value."""
    return float(np.sum(counts * (counts - 1.0)))
