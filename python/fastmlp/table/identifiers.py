"""Identifiers: columns that name rows, and so hold nothing about other rows."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fastmlp._user_warnings import warn

if TYPE_CHECKING:
    from fastmlp.table.reading import RawTable

_FEWEST_ROWS = 20  # fewer may all differ by chance
_DISTINCT_SHARE = 0.95
_MOST_ALIKE = 3  # rows of one label: more cannot be rows that a table has twice by accident
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


def is_named_identifier(name: str) -> bool:
    """Whether a column has the name of an identifier, such as "customer_id"."""
    return _NAMED.fullmatch(name) is not None


def warn_of_identifiers(
    tables: Sequence[RawTable], listed: Collection[int], *, are_all: bool = True
) -> None:
    """Warn of whole numbers that all differ, in columns with the name of an identifier.

    They are used nevertheless: such numbers may show when or where rows were made.

    Parameters
    ----------
    tables : sequence of RawTable
        A table, in blocks.
    listed : collection of int
        Positions of columns that are categories.
    are_all : bool, default=True
        Whether these are all blocks of the table, and not only the first ones.
    """
    first = tables[0]
    for position, name in enumerate(first.names or ()):
        if position in listed or not is_named_identifier(name):
            continue
        if not all(table.is_number(position) for table in tables):
            continue
        blocks = [table.column(position).array for table in tables]
        n_rows = sum(map(len, blocks))
        if (
            n_rows >= _FEWEST_ROWS
            and all(block.dtype.kind in "iu" for block in blocks)
            and np.unique(np.concatenate(blocks)).size == n_rows
        ):
            which = "its" if are_all else "its first"
            warn(
                f"{first.column(position).title} seems to be an identifier: {which} {n_rows:,} "
                "whole numbers all differ. It is used as a number; drop it, unless it gives the "
                "order of the rows"
            )
