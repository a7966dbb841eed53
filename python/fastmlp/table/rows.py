"""Rows of a table: subsets of them, and pieces that are small enough to copy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from typing import Self

    from scipy.sparse import csr_array

_PIECE = 2**20  # numbers per piece, where a copy has to be made
_QUANTILE_ROWS = 2**18  # rows that quantiles are taken of: exact to one part in a thousand

Rows = NDArray[np.uint32]
Table: TypeAlias = "NDArray[Any] | csr_array"  # encoded


class Digest(Protocol):
    """A hash function of hashlib."""

    def update(self, data: Any, /) -> None:
        """Add bytes."""

    def copy(self) -> Self:
        """A copy, which can be updated separately."""

    def digest(self) -> bytes:
        """The digest of all bytes so far."""


def slices(n: int, length: int) -> Iterator[slice]:
    """scikit-learn's `gen_batches` without its checks, which take a twentieth of a small fit."""
    return (slice(start, min(start + length, n)) for start in range(0, n, length))


def pieces(table: Table, rows: NDArray[Any] | None = None) -> Iterator[slice | NDArray[Any]]:
    """Cut the table's rows, or those given, into pieces of which a copy is small."""
    n_rows = table.shape[0] if rows is None else rows.size
    for piece in slices(n_rows, max(1, _PIECE // _numbers_per_row(table))):
        yield piece if rows is None else rows[piece]


def add_to_digest(digest: Digest, table: Table) -> None:
    """Add a table, or another array, to the digest of a hash function."""
    parts = [table] if isinstance(table, np.ndarray) else [table.data, table.indices, table.indptr]
    for array in parts:
        digest.update(f"{array.dtype} {array.shape}".encode())
        for rows in pieces(array):
            digest.update(np.ascontiguousarray(array[rows]).data)


def _numbers_per_row(table: Table) -> int:
    """How many numbers a row holds, of a sparse table the mean."""
    mean: int = table.size // max(1, table.shape[0])
    return max(1, mean)


def rows_with_weight(
    rows: NDArray[Any] | None, weights: NDArray[Any] | None
) -> NDArray[Any] | None:
    """The rows (None: all) whose weight is not 0."""
    if weights is None:
        return rows
    return np.flatnonzero(weights) if rows is None else rows[weights[rows] > 0]


def rows_without_weight(weights: NDArray[Any] | None) -> NDArray[np.intp]:
    """Rows of weight 0."""
    return np.flatnonzero([] if weights is None else weights == 0)


def every_kth(n: int, *, most: int) -> slice:
    """Every k-th of n positions, at most `most` of them.

    >>> list(range(10))[every_kth(10, most=4)]
    [0, 3, 6, 9]
    """
    return slice(None, None, max(1, -(-n // most)))


def sample_for_quantiles(n_rows: int, rows: NDArray[Any] | None) -> slice | NDArray[Any]:
    """Some of the rows (None: all of `n_rows`), enough of them to learn quantiles from."""
    some = every_kth(n_rows if rows is None else rows.size, most=_QUANTILE_ROWS)
    return some if rows is None else rows[some]
