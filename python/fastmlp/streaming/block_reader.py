"""BlockReader: reads the columns of several blocks at a time, and yields them in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmlp.streaming.block_columns import (
    BlockColumns,
    ColumnsReader,
    Contradiction,
    names_of_table,
)
from fastmlp.streaming.sources.blocks import Block
from fastmlp.table.reading import RawTable, read_table
from fastmlp.table.text import PARSED_SHARE


class Read(NamedTuple):
    """A block whose columns are read."""

    block: Block
    columns: BlockColumns
    weights: NDArray[np.float32] | None

    @property
    def n_counted(self) -> int:
        """Rows of positive weight."""
        return len(self.block.y) if self.weights is None else int(np.count_nonzero(self.weights))


class BlockReader:
    """Reads the columns of blocks, which must be those of the first block.

    Parameters
    ----------
    reader : ColumnsReader
    first : RawTable
        The first block.
    has_weights : bool
        Whether it has weights.
    n_threads : int
        Blocks that are read at a time.
    """

    def __init__(
        self, reader: ColumnsReader, first: RawTable, has_weights: bool, n_threads: int
    ) -> None:
        self._reader, self._first = reader, first
        self._has_weights, self._n_threads = has_weights, n_threads
        self._n_rows = 0
        self._n_unread = [0] * first.n_columns  # values in blocks where they were too many

    def read_all(self, blocks: Iterable[Block]) -> Iterator[Read]:
        """Read all blocks.

        Raises
        ------
        Contradiction
            If a column cannot be read as it was before.
        """
        waiting: deque[tuple[Block, Future[Read]]] = deque()
        with ThreadPoolExecutor(self._n_threads) as pool:
            try:
                for block in blocks:
                    waiting.append((block, pool.submit(self._read, block)))
                    if len(waiting) > self._n_threads:
                        yield self._result_of(*waiting.popleft())
                while waiting:
                    yield self._result_of(*waiting.popleft())
            finally:
                for _, future in waiting:
                    future.cancel()

    def _read(self, block: Block, *, strict: bool = True) -> Read:
        table = table_of(block)
        check_columns(table, self._first, block.where)
        weights = self._checked_weights(block)
        counted = None if weights is None else weights > 0
        return Read(block, self._reader.read(table, counted, strict=strict), weights)

    def _result_of(self, block: Block, future: Future[Read]) -> Read:
        """What was read. Values that no reader reads are missing, if few of all rows so far are."""
        self._n_rows += len(block.y)
        try:
            return future.result()
        except Contradiction as found:
            position = found.position
            if isinstance(self._reader.readings[position], str):  # there is no reader
                raise
            read = self._read(block, strict=False)
            n_missing = read.columns.n_missing[self._reader.stored_numbers(position)[0]]
            self._n_unread[position] += int(n_missing) - found.labels.n_missing
            if self._n_unread[position] > (1 - PARSED_SHARE) * self._n_rows:
                raise
            return read

    def _checked_weights(self, block: Block) -> NDArray[np.float32] | None:
        if (block.weight is not None) != self._has_weights:
            raise ValueError(f"X ({block.where}): all blocks must have weights, or none")
        if block.weight is None:
            return None
        with naming(block.where):
            weights = np.asarray(block.weight).astype(np.float32)
        if weights.ndim != 1 or not (np.isfinite(weights) & (weights >= 0)).all():
            raise ValueError(
                f"X ({block.where}): weights must be finite numbers >= 0, one for each row"
            )
        return weights


def table_of(block: Block) -> RawTable:
    """The block as a raw table, whose errors say which block it is."""
    return read_table(block.X, f"X ({block.where})")


def check_columns(table: RawTable, first: RawTable, where: str) -> None:
    """Raise if a block has other columns than the first one."""
    if (table.n_columns, table.names) == (first.n_columns, first.names):
        return
    known, own = names_of_table(first), names_of_table(table)
    differences = [
        *(f"no column {name!r}" for name in known if name not in own),
        *(f"a column {name!r} beside them" for name in own if name not in known),
        *(f"{b!r} where they have {a!r}" for a, b in zip(known, own, strict=False) if a != b),
        "names of columns" if first.names is None else "no names of columns",
    ]
    raise ValueError(
        f"X ({where}) must have the columns of the first block, {len(known)} in their order; it "
        f"has {differences[0]}"
    )


@contextmanager
def naming(where: str) -> Iterator[None]:
    """Errors about values say which block holds them."""
    try:
        yield
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"X ({where}): {error}") from error
