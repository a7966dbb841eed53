"""Sample: rows of a cache that stay in memory, to begin networks with and to validate them on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.ensemble.splits import RowSubset, Split
from fastmlp.streaming.folds import HeldOutRange, mixed
from fastmlp.streaming.targets import StoredTargets
from fastmlp.streaming.windows import Windows

_SALT = 0x5A  # other random numbers than those of folds


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows of a cache that were drawn at random.

    Attributes
    ----------
    data : RowSubset
        Stored numbers and codes, targets as `Task.encode` returns them, and weights.
    hashes : ndarray of shape (n_rows,)
        Hashes of the rows.
    """

    data: RowSubset
    hashes: NDArray[np.uint32]

    def splits(self, held_out: Sequence[HeldOutRange | None]) -> list[Split]:
        """Training and validation rows of each network among the sample's.

        Without rows of weight on both sides, as in a table of few distinct rows, none are held out.

        Parameters
        ----------
        held_out : sequence of HeldOutRange or None
            Which rows each network holds out.
        """
        weights, splits = self.data.sample_weight, []
        for own in held_out:
            if own is None:
                return [Split(None, None)] * len(held_out)
            mask = own.holds(self.hashes)
            validation, train = (np.flatnonzero(m).astype(np.uint32) for m in (mask, ~mask))
            for rows in (validation, train):
                if not (rows.size if weights is None else weights[rows].any()):
                    return [Split(None, None)] * len(held_out)
            splits.append(Split(train, self.data._replace(rows=validation)))
        return splits


def read_sample(
    windows: Windows, targets: StoredTargets, dtype: np.dtype[Any], n_rows: int
) -> Sample:
    """Read about this many rows of a cache, or all if it has no more.

    They are drawn by their positions, so the same cache gives the same rows.

    Parameters
    ----------
    windows : Windows
    targets : StoredTargets
        Makes targets from those in the cache.
    dtype : dtype
        Type of the networks.
    n_rows : int
    """
    share = n_rows / windows.cache.n_rows
    parts: list[tuple[NDArray[Any], ...]] = []
    n_read = 0
    for window in windows.in_order():
        n_window = window.hash.size
        positions = np.arange(n_read, n_read + n_window).astype(np.uint32)
        n_read += n_window
        chosen = mixed(positions, _SALT) < min(int(share * 2**32), 2**32)
        arrays: tuple[NDArray[Any], ...] = (window.X, window.y, window.hash)
        if window.weights is not None:
            arrays += (window.weights,)
        parts.append(tuple(array[chosen] for array in arrays))
    X, y, hashes, *rest = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    weights = targets.weights(y, rest[0] if rest else None, dtype)
    return Sample(RowSubset(X, targets.targets(y), weights), hashes)
