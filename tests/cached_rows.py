"""A row cache read with NumPy: what the core's reader must return too."""

from __future__ import annotations

import zlib
from typing import NamedTuple

import numpy as np

from fastmlp.streaming.row_cache import RowCache


class CachedRows(NamedTuple):
    """All rows of a cache in the order of the file."""

    X: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None
    hashes: np.ndarray


def read_rows(cache: RowCache) -> CachedRows:
    """Read all groups, and compare their checksums."""
    data = cache.path.read_bytes()
    parts: dict[int, list[np.ndarray]] = {}
    for group in cache.groups:
        assert group.offset % 4096 == 0
        start, end = group.offset, group.offset + cache.sections.group_size(group.n_rows)
        assert zlib.crc32(data[start:end]) == group.checksum
        for number, section in enumerate(cache.sections):
            values = np.frombuffer(data, section.dtype, group.n_rows * section.width, start)
            parts.setdefault(number, []).append(values.reshape(group.n_rows, section.width))
            start += section.size(group.n_rows)
    hashes, y, *others = (np.concatenate(arrays) for arrays in parts.values())
    weights = others.pop(0)[:, 0] if cache.sections.weights else None
    numbers, *codes = others

    def column(origin: tuple) -> np.ndarray:
        if origin[0] == "number":
            return numbers[:, origin[1]]
        if origin[0] == "is_missing":
            return np.isnan(numbers[:, origin[1]])
        if origin[0] == "code":
            return origin[2][codes[origin[1]][:, 0]]
        return np.zeros(len(y))

    X = np.stack([column(origin) for origin in cache.columns], axis=1).astype(np.float32)
    return CachedRows(X, y, weights, hashes[:, 0])
