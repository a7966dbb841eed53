"""Identifiers: columns that name the rows, and so tell nothing of others."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fastmlp._user_warnings import warn

if TYPE_CHECKING:
    from fastmlp.table.reading import RawTable

_FEWEST_ROWS = 20  # fewer may all differ by chance
_DISTINCT_SHARE = 0.95
_MOST_ALIKE = 3  # rows of one label: more are no rows that a table happens to have twice
_NAMED = re.compile(
    r"(?i:(?:.*[_\W])?(?:id|uid|uuid|guid)|index|idx|row[_\W]?(?:names?|num(?:ber)?|id|index|no)?)"
    r"|.*[a-z0-9](?:Id|ID)|Unnamed: [0-9]+"  # in camel case; pandas, of the first column of a CSV
)


def are_identifiers(counts: NDArray[np.intp]) -> bool:
    """Whether nearly every row has a label of its own, and none has many rows.

    Parameters
    ----------
    counts : ndarray of shape (n_labels,)
        How many rows have each label.
    """
    n_rows = int(counts.sum())
    return (
        n_rows >= _FEWEST_ROWS
        and len(counts) >= _DISTINCT_SHARE * n_rows
        and int(counts.max()) <= _MOST_ALIKE
    )


def warn_of_identifiers(table: RawTable, listed: Collection[int]) -> None:
    """Warn of whole numbers that all differ, in columns that are called as identifiers are.

    They are used nevertheless: such numbers may tell when or where rows were made.

    Parameters
    ----------
    table : RawTable
    listed : collection of int
        Positions of columns that are categories.
    """
    for position, name in enumerate(table.names or ()):
        if position in listed or not _NAMED.fullmatch(name) or not table.is_number(position):
            continue
        values = table.column(position)
        n_rows = len(values.array)
        if (
            n_rows >= _FEWEST_ROWS
            and values.array.dtype.kind in "iu"
            and np.unique(values.array).size == n_rows
        ):
            warn(
                f"{values.title} seems to be an identifier: its {n_rows:,} whole numbers all "
                "differ. It is used as a number; drop it, unless it tells the order of the rows"
            )
