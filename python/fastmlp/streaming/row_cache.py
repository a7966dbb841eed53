"""RowCache: the encoded rows of a source in one binary file, as `cache_writer` wrote them.

``rows.bin`` holds *groups* of rows, each beginning at a multiple of 4096 bytes. A group of n rows
consists of these sections, each padded with zeros to a multiple of 64 bytes:

1. hash, uint32 (n,): of what is stored of the row. Folds are assigned by it, so equal rows are
   always in the same fold.
2. targets, float32, float64 or int32 (n, n_targets): numbers; zeros and ones of several labels;
   or class numbers in the order in which the classes first appeared.
3. weights, float32 (n,), if rows have weights.
4. numbers, (n, n_numbers): ``(x - shift) * scale``, NaN where missing.
5. codes, an array (n,) for each column of labels: labels are numbered from 2 in the order in which
   they first appeared; 0 is missing, and 1 a label that was too rare when it came.

``cache.json`` is written last: a folder without it holds no cache.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from fastmlp.table.scaling import Scaling

ROWS = "rows.bin"
ALIGNMENT, GROUP_ALIGNMENT = 64, 4096  # bytes
MISSING, RARE, FIRST = 0, 1, 2  # codes of labels
_LARGEST_SCALE = float(np.finfo(np.float32).max)

# Where a column of the encoded table comes from: ("number", j), ("is_missing", j),
# ("code", c, what each code stands for) or ("constant",).
Origin = tuple[Any, ...]


class Group(NamedTuple):
    """Rows that are stored, and read, together; the checksum is zlib's crc32 of all sections."""

    offset: int
    n_rows: int
    checksum: int


class Section(NamedTuple):
    """Type of a section's numbers, and how many each row has."""

    name: str
    dtype: str
    width: int

    def size(self, n_rows: int) -> int:
        """Bytes of this many rows, padding included."""
        return padded(n_rows * self.width * np.dtype(self.dtype).itemsize, ALIGNMENT)


def padded(size: int, alignment: int) -> int:
    """The next multiple of the alignment."""
    return -(-size // alignment) * alignment


@dataclass(frozen=True)
class Sections:
    """What each group holds."""

    targets: str
    n_targets: int
    weights: bool
    n_numbers: int
    n_codes: int
    numbers: str = "float32"
    codes: str = "uint16"

    def __iter__(self) -> Iterator[Section]:
        yield Section("hash", "uint32", 1)
        yield Section("targets", self.targets, self.n_targets)
        if self.weights:
            yield Section("weights", "float32", 1)
        yield Section("numbers", self.numbers, self.n_numbers)
        yield from (Section("codes", self.codes, 1) for _ in range(self.n_codes))

    def group_size(self, n_rows: int) -> int:
        """Bytes of a group."""
        return sum(section.size(n_rows) for section in self)

    @property
    def row_size(self) -> int:
        """Bytes of a row."""
        return sum(section.width * np.dtype(section.dtype).itemsize for section in self)

    @property
    def for_reader(self) -> dict[str, Any]:
        """The sections in the form that the core's reader takes."""
        return {
            "targets": (self.targets, self.n_targets),
            "weights": self.weights,
            "numbers": (self.numbers, self.n_numbers),
            "codes": [self.codes] * self.n_codes,
        }


@dataclass(frozen=True, eq=False)
class RowCache:
    """The encoded rows of a source on disk, and how the encoded table is made of them.

    Attributes
    ----------
    folder : Path
    sections : Sections
    groups : sequence of Group
    columns : sequence of tuple
        Where each column of the encoded table comes from; see `Origin`.
    shift, scale : ndarray of shape (n_numbers,)
        Shift and scale of the stored numbers.
    """

    folder: Path
    sections: Sections
    groups: Sequence[Group]
    columns: Sequence[Origin]
    shift: NDArray[np.float64]
    scale: NDArray[np.float64]

    @property
    def path(self) -> Path:
        """The file of the rows."""
        return self.folder / ROWS

    @property
    def is_intact(self) -> bool:
        """Whether all groups of rows have the checksums that were written."""
        with open(self.path, "rb") as file:
            for group in self.groups:
                file.seek(group.offset)
                if crc32(file.read(self.sections.group_size(group.n_rows))) != group.checksum:
                    return False
        return True

    @property
    def digest(self) -> str:
        """Digest of all that is stored."""
        columns = [[np.asarray(one).tolist() for one in origin] for origin in self.columns]
        storage = self.shift.tolist(), self.scale.tolist()
        stored = [vars(self.sections), self.groups, columns, *storage]
        return sha256(json.dumps(stored).encode()).hexdigest()

    @property
    def n_rows(self) -> int:
        """Rows of all groups."""
        return sum(group.n_rows for group in self.groups)

    @property
    def n_columns(self) -> int:
        """Columns of the encoded table."""
        return len(self.columns)

    @property
    def _numbers(self) -> list[int]:
        """The stored number of each column of numbers, which the encoded table begins with."""
        return [origin[1] for origin in self.columns if origin[0] == "number"]

    def scalings(self, learnt: Scaling) -> tuple[Scaling, Scaling]:
        """Scalings that do the same to stored numbers and to the table's.

        Readers of the cache then need not undo the shift and the scale of each stored number.

        Parameters
        ----------
        learnt : Scaling
            Scaling of the stored numbers, or one that leaves the table's numbers as they are.
        """
        j, n = self._numbers, learnt.n_numeric
        own_shift, own_scale = self.shift[j], self.scale[j]
        if not learnt.shift.size:
            return self._scaling(learnt, -own_shift * own_scale, 1 / own_scale), learnt
        shift, scale = own_shift + learnt.shift[:n] / own_scale, learnt.scale[:n] * own_scale
        return learnt, self._scaling(learnt, shift, scale)

    def _scaling(
        self, like: Scaling, shift: NDArray[np.float64], scale: NDArray[np.float64]
    ) -> Scaling:
        n_others = self.n_columns - shift.size
        return replace(
            like,
            shift=np.append(shift, np.zeros(n_others)),
            scale=np.append(np.minimum(scale, _LARGEST_SCALE), np.ones(n_others)),
        )

    def stored(self, table: NDArray[Any]) -> NDArray[np.float64]:
        """An encoded table with numbers as they are stored, but not rounded."""
        j = self._numbers
        stored = table.astype(np.float64)
        stored[:, : len(j)] = (stored[:, : len(j)] - self.shift[j]) * self.scale[j]
        return stored

    def restored(self, table: NDArray[np.float32]) -> NDArray[np.float64]:
        """An encoded table of stored numbers with the numbers that the source held."""
        j = self._numbers
        restored = table.astype(np.float64)
        restored[:, : len(j)] = restored[:, : len(j)] / self.scale[j] + self.shift[j]
        return restored
