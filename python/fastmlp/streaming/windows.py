"""Windows: the rows of a cache in parts that fit in memory, in a random order for each epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from fastmlp import _core
from fastmlp.streaming.row_cache import RowCache

_WORKING_BYTES = 32  # per row of a window in use: numbers of training rows, scaled targets


class Windows:
    """Reads a cache window by window, while the window before is in use.

    A window holds the rows of several row groups, which are drawn at random in every epoch. Its
    rows are shuffled before they are trained on. So each minibatch is drawn from as many groups as
    a window holds, whatever the order of the source. With a source that is sorted by its target,
    the mean target of a window of K groups differs from that of all rows by their standard
    deviation over sqrt(K), or less.

    Memory holds two windows: one is used, one is read. A thread of the core reads, checks and
    decodes.

    Parameters
    ----------
    cache : RowCache
    max_memory : int
        Bytes for both windows.

    Attributes
    ----------
    cache : RowCache
    groups_per_window : int
        Of all windows except for the last one, which may have fewer.

    Raises
    ------
    ValueError
        If `max_memory` is less than two windows of one row group take.
    OSError
        If the file cannot be opened or is shorter than it was.
    """

    def __init__(self, cache: RowCache, max_memory: int) -> None:
        self.cache = cache
        sizes = sorted((group.n_rows for group in cache.groups), reverse=True)
        least = 2 * sizes[0] * _row_bytes(cache)
        if max_memory < least:
            raise ValueError(
                f"max_memory leaves {max_memory:,} bytes for windows of rows, which take at least "
                f"{least:,} bytes with {cache.n_columns} columns"
            )
        n_windows = -(-len(sizes) // int(max_memory // least))
        self.groups_per_window = -(-len(sizes) // n_windows)
        self._reader = _core.WindowReader(
            cache.path,
            cache.sections.for_reader,
            cache.columns,
            cache.groups,
            sum(sizes[: self.groups_per_window]),
        )

    def __len__(self) -> int:
        """Windows of an epoch."""
        return -(-len(self.cache.groups) // self.groups_per_window)

    def epoch(self, seed: int, number: int, first: int = 0) -> Iterator[_core.Window]:
        """Windows of an epoch, whose order depends on the seed and the number of the epoch.

        A window must be released before the next but one is asked for.

        Parameters
        ----------
        seed, number : int
        first : int, default=0
            Window to begin with.

        Raises
        ------
        OSError
            If the file is not as it was written.
        """
        order = np.random.RandomState([seed, number]).permutation(len(self.cache.groups))
        return self._read(order[first * self.groups_per_window :].tolist())

    def in_order(self) -> Iterator[_core.Window]:
        """Windows of all rows in the order of the file."""
        return self._read(range(len(self.cache.groups)))

    def _read(self, order: Sequence[int]) -> Iterator[_core.Window]:
        self._reader.begin(order, self.groups_per_window)
        while (window := self._reader.next()) is not None:
            yield window
            del window  # the reader fills its memory again


def _row_bytes(cache: RowCache) -> int:
    """Memory of a row in a window, with what is made of it for training."""
    sections = cache.sections
    targets = sections.n_targets * np.dtype(sections.targets).itemsize
    return 4 * cache.n_columns + targets + 4 * (1 + sections.weights) + _WORKING_BYTES
