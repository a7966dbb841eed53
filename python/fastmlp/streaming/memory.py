"""Sizes in bytes: parsing them, and dividing a memory limit."""

from __future__ import annotations

import re
from dataclasses import dataclass
from numbers import Integral

_UNITS = {"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12, "ki": 2**10, "mi": 2**20, "gi": 2**30}
_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([kmgt]?i?)b?\s*", re.IGNORECASE)
_LEAST = 2**26  # holds windows of one row group, whatever its columns
READERS = 4  # threads at most that read blocks, more of which would wait for the one that writes
_BLOCK_ROWS, _FEWEST_ROWS = 2**14, 2**8
# A value of a block in all its forms at once: as pyarrow's and as NumPy's, as numbers of float64
# and as stored; and text, which takes more than a number.
_BYTES_OF_VALUE = 64


def size_in_bytes(given: int | str, name: str = "max_memory") -> int:
    """Bytes from a number of them, or from text such as "1GB" or "500MB".

    Raises
    ------
    ValueError
        If it is not a size, or less than 64 MiB.
    """
    if isinstance(given, Integral) and not isinstance(given, bool):
        size = int(given)
    else:
        found = _SIZE.fullmatch(given) if isinstance(given, str) else None
        unit = None if found is None else _UNITS.get(found[2].lower())
        if found is None or unit is None:
            raise ValueError(
                f"{name} must be a whole number of bytes, or text such as '1GB'; got {given!r}"
            )
        size = round(float(found[1]) * unit)
    if size < _LEAST:
        raise ValueError(f"{name} must be at least {_LEAST} bytes (64 MiB); got {given!r}")
    return size


@dataclass(frozen=True)
class MemoryPlan:
    """How the memory of a fit is divided.

    Two fifths are for the windows that are trained on, a fifth for the rows that stay in memory:
    those that scales, bin edges and first weights are learnt from, and that networks are validated
    on. Blocks of the source come before both, and may take a quarter. The rest is for what is not
    counted: temporary copies, and memory that the allocators keep.

    Parameters
    ----------
    size : int
        Bytes of all.
    """

    size: int

    @property
    def of_windows(self) -> int:
        """Bytes of the windows."""
        return self.size * 2 // 5

    def sample_rows(self, n_columns: int, most: int) -> int:
        """Rows that stay in memory, given the number of encoded columns; at most `most`."""
        return int(min(most, self.size // 5 // (_ROW_BYTES * (n_columns + 2))))

    def block_rows(self, n_columns: int | None) -> int:
        """Rows of a block of the source, for any number of threads that read."""
        if n_columns is None:  # functions decide how large their blocks are
            return _BLOCK_ROWS
        rows = self.size // 4 // ((READERS + 2) * _BYTES_OF_VALUE * n_columns)
        return int(min(max(rows, _FEWEST_ROWS), _BLOCK_ROWS))


_ROW_BYTES = 16  # of a value of a row that stays: as stored, and as it was, when weights are learnt
