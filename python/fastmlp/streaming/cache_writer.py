"""CacheWriter: writes the rows of a row cache, group by group."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from fastmlp.streaming.folds import mixed
from fastmlp.streaming.row_cache import GROUP_ALIGNMENT, ROWS, Group, Sections, padded
from fastmlp.table.rows import slices

if TYPE_CHECKING:
    from typing import Self

_GROUP_ROWS, _GROUP_BYTES = 2**14, 2**22
_ODD = np.uint32(0x9E3779B1)
_SEED = 20260101  # of the factors that hashes are made with


class StoredRows(NamedTuple):
    """Rows as they are stored.

    Attributes
    ----------
    targets : ndarray of shape (n_rows, n_targets)
    weights : ndarray of shape (n_rows,) or None
    numbers : ndarray of shape (n_rows, n_numbers), float32
    codes : list of ndarray of shape (n_rows,), uint16
    """

    targets: NDArray[Any]
    weights: NDArray[Any] | None
    numbers: NDArray[np.float32]
    codes: Sequence[NDArray[np.uint16]]

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.targets)

    def part(self, rows: slice) -> StoredRows:
        """Some of the rows."""
        weights = None if self.weights is None else self.weights[rows]
        codes = [column[rows] for column in self.codes]
        return StoredRows(self.targets[rows], weights, self.numbers[rows], codes)

    @staticmethod
    def joined(parts: Sequence[StoredRows]) -> StoredRows:
        """The rows of several blocks."""
        if len(parts) == 1:
            return parts[0]
        targets, weights, numbers, codes = zip(*parts, strict=True)
        return StoredRows(
            np.concatenate(targets),
            None if weights[0] is None else np.concatenate(weights),
            np.concatenate(numbers),
            [np.concatenate(column) for column in zip(*codes, strict=True)],
        )


class CacheWriter:
    """Writes groups of rows to the file of a cache.

    Parameters
    ----------
    folder : Path
        Exists.
    sections : Sections

    Attributes
    ----------
    groups : list of Group
        All that have been written.
    """

    def __init__(self, folder: Path, sections: Sections) -> None:
        self._sections = sections
        most = max(1, _GROUP_BYTES // sections.row_size)
        self._n_rows = min(_GROUP_ROWS, most)  # of a group
        self._file = open(folder / ROWS, "wb")  # noqa: SIM115  closed by __exit__
        self._waiting: list[StoredRows] = []  # fewer than fill a group
        self.groups: list[Group] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None and self._waiting:
                self._write(StoredRows.joined(self._waiting))
        finally:
            self._file.close()

    def add(self, rows: StoredRows) -> None:
        """Write rows; those that do not fill a group wait for others."""
        self._waiting.append(rows)
        n_waiting = sum(part.n_rows for part in self._waiting)
        if n_waiting < self._n_rows:
            return
        joined = StoredRows.joined(self._waiting)
        whole = n_waiting - n_waiting % self._n_rows
        for some in slices(whole, self._n_rows):
            self._write(joined.part(some))
        self._waiting = [joined.part(slice(whole, None))] if whole < n_waiting else []

    def _write(self, rows: StoredRows) -> None:
        data = self._packed(rows)
        offset = self._file.tell()
        self._file.write(data.data)
        self._file.write(bytes(padded(data.size, GROUP_ALIGNMENT) - data.size))
        self.groups.append(Group(offset, rows.n_rows, crc32(data.data)))

    def _packed(self, rows: StoredRows) -> NDArray[np.uint8]:
        """The bytes of a group."""
        weights = [] if rows.weights is None else [rows.weights]
        parts = [row_hash(rows), rows.targets, *weights, rows.numbers, *rows.codes]
        data = np.zeros(self._sections.group_size(rows.n_rows), dtype=np.uint8)
        offset = 0
        for section, values in zip(self._sections, parts, strict=True):
            flat = np.ascontiguousarray(values, dtype=section.dtype).reshape(-1).view(np.uint8)
            data[offset : offset + flat.size] = flat
            offset += section.size(rows.n_rows)
        return data


def row_hash(rows: StoredRows) -> NDArray[np.uint32]:
    """Hash of what is stored of each row, except for its weight: the same for equal rows."""
    words = [rows.numbers.view(np.uint32), np.ascontiguousarray(rows.targets).view(np.uint32)]
    columns: list[NDArray[Any]] = [word[:, j] for word in words for j in range(word.shape[1])]
    columns += rows.codes
    factors = np.random.default_rng(_SEED).integers(2**32, size=len(columns))
    hashes = np.zeros(rows.n_rows, dtype=np.uint32)
    for column, factor in zip(columns, factors, strict=True):
        word = column.astype(np.uint32) * _ODD
        word ^= word >> np.uint32(15)
        word *= np.uint32(factor | 1)
        hashes += word
    return mixed(hashes, 0)
