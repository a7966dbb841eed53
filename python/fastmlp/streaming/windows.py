"""Windows: the rows of a cache in parts that fit in memory, in a random order for each epoch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from fastmlp import _core
from fastmlp.streaming.row_cache import RowCache
from fastmlp.table.rows import slices

_WORKING_BYTES = 32  # per row of a window in use: numbers of training rows, scaled targets


class Windows:
    """Reads a cache window by window, while the window before is in use.

    Windows of an epoch are as large as each other, and each is a sample of the whole source: the
    row groups are cut into runs of neighbours, as many in each as there are windows, and every
    window gets a random one of each run. Its rows are then shuffled by training. So if the source
    is sorted, by time or even by its target, windows differ little, and each minibatch is drawn
    from all parts of it.

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
        The most; some windows have one less.

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
        self._n_windows = -(-len(sizes) // int(max_memory // least))
        self.groups_per_window = -(-len(sizes) // self._n_windows)
        self._reader = _core.WindowReader(
            cache.path,
            cache.sections.for_reader,
            cache.columns,
            cache.groups,
            sum(sizes[: self.groups_per_window]),
        )

    def __len__(self) -> int:
        """Windows of an epoch."""
        return self._n_windows

    def epoch(self, seed: int, number: int, first: int = 0) -> Iterator[_core.Window]:
        """Windows of an epoch, whose order depends on the seed and the number of the epoch.

        A window must be released before the next but one is requested.

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
        random_state = np.random.RandomState([seed, number])
        runs = [random_state.permutation(run).tolist() for run in self._runs(len(self))]
        windows = list(zip_longest(*runs))
        random_state.shuffle(windows)  # those with a group less are not always the last
        return self._read(windows[first:])

    def in_order(self) -> Iterator[_core.Window]:
        """Windows of all rows in the order of the file."""
        return self._read(self._runs(self.groups_per_window))

    def _runs(self, length: int) -> list[NDArray[np.intp]]:
        """Numbers of neighbouring groups, so many in each run; the last run may have fewer."""
        numbers = np.arange(len(self.cache.groups))
        return [numbers[run] for run in slices(len(numbers), length)]

    def _read(self, windows: Sequence[Iterable[int | None]]) -> Iterator[_core.Window]:
        self._reader.begin([[i for i in window if i is not None] for window in windows])
        while (window := self._reader.next()) is not None:
            yield window
            del window  # the reader fills its memory again


def _row_bytes(cache: RowCache) -> int:
    """Memory of a row in a window, with what is made of it for training."""
    sections = cache.sections
    targets = sections.n_targets * np.dtype(sections.targets).itemsize
    return 4 * cache.n_columns + targets + 4 * (1 + sections.weights) + _WORKING_BYTES
