"""Row caches of tables in memory, written with NumPy."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

from fastmlp.streaming.folds import mixed
from fastmlp.streaming.row_cache import ALIGNMENT, GROUP_ALIGNMENT, ROWS, Group, RowCache, Sections


def write_cache(
    folder: Path,
    X: np.ndarray,
    y: np.ndarray,
    weights: np.ndarray | None = None,
    codes: np.ndarray | None = None,
    group_rows: int = 64,
    numbers: str = "float32",
    columns: list | None = None,
) -> RowCache:
    """Write a cache whose groups follow the order of the rows; hashes are those of row numbers."""
    n_rows = len(y)
    y = y.reshape(n_rows, -1)
    codes = np.empty((n_rows, 0)) if codes is None else codes
    sections = Sections(
        str(y.dtype), y.shape[1], weights is not None, X.shape[1], codes.shape[1], numbers
    )
    hashes = mixed(np.arange(n_rows, dtype=np.uint32), 12345)
    stored = X.astype(numbers)
    groups, file = [], bytearray()
    for first in range(0, n_rows, group_rows):
        rows = slice(first, first + group_rows)
        arrays = [hashes[rows], y[rows]]
        arrays += [] if weights is None else [weights[rows].astype(np.float32)]
        arrays += [stored[rows], *codes[rows].astype(sections.codes).T]
        group = b"".join(filled(array.tobytes(), ALIGNMENT) for array in arrays)
        groups.append(Group(len(file), len(y[rows]), zlib.crc32(group)))
        file += filled(group, GROUP_ALIGNMENT)
    (folder / ROWS).write_bytes(file)
    n_numbers = X.shape[1]
    columns = [("number", j) for j in range(n_numbers)] if columns is None else columns
    return RowCache(folder, sections, groups, columns, np.zeros(n_numbers), np.ones(n_numbers))


def filled(data: bytes, alignment: int) -> bytes:
    return data + bytes(-len(data) % alignment)
