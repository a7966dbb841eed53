"""Layout: where the columns of a raw table go in the encoded one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastmlp.table.column import Column


@dataclass(frozen=True, eq=False)
class Layout:
    """Where the columns of a raw table go: numbers, indicators of missing ones, labels.

    Attributes
    ----------
    numeric, flagged, labelled : sequence of int
        Positions in the raw table, in the order of the encoded one: columns of numbers, those of
        them with an indicator of missing values, and columns of labels.
    plain, plain_targets : ndarray of int
        Columns of numbers without a reader, and their positions in the encoded table.
    read : tuple of (int, int)
        The same for each column with a reader, whose first number is at that position.
    flag_sources : ndarray of int
        Where the encoded table shows whether a value is missing, for each indicator.
    """

    numeric: Sequence[int]
    flagged: Sequence[int]
    labelled: Sequence[int]
    plain: NDArray[np.intp]
    plain_targets: NDArray[np.intp]
    read: tuple[tuple[int, int], ...]
    flag_sources: NDArray[np.intp]

    @classmethod
    def of(cls, columns: Sequence[Column]) -> Layout:
        """The layout of columns as they were learnt."""
        numeric = [p for p, column in enumerate(columns) if column.kind == "numeric"]
        widths = [len(columns[p].names_of_numbers) for p in numeric]
        targets = dict(zip(numeric, np.cumsum([0, *widths]).tolist(), strict=False))
        plain = [p for p in numeric if columns[p].reader is None]
        flagged = [p for p in numeric if columns[p].missing]
        others = [p for p, column in enumerate(columns) if column.kind != "numeric"]
        return cls(
            numeric,
            flagged,
            sorted(others, key=lambda p: columns[p].kind == "category"),
            np.array(plain, dtype=np.intp),
            np.array([targets[p] for p in plain], dtype=np.intp),
            tuple((p, targets[p]) for p in numeric if columns[p].reader is not None),
            np.array([targets[p] for p in flagged], dtype=np.intp),
        )

    @classmethod
    def of_numbers(cls, n_columns: int) -> Layout:
        """The layout of plain numbers without missing values."""
        every, none = np.arange(n_columns), np.empty(0, dtype=np.intp)
        return cls(range(n_columns), (), (), every, every, (), none)
