"""The pass over a source: it learns the columns and the targets, and writes the row cache."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmlp.streaming.block_columns import (
    BlockColumns,
    ColumnsReader,
    Contradiction,
    names_of_table,
)
from fastmlp.streaming.cache_writer import CacheWriter, StoredRows
from fastmlp.streaming.columns import ColumnsLearner
from fastmlp.streaming.readings import Reading, labels_of, reading_of, readings_of
from fastmlp.streaming.row_cache import RowCache, Sections
from fastmlp.streaming.sources.blocks import BeginAgain, Block, Source
from fastmlp.streaming.target_learners import LearntTargets, TargetLearner
from fastmlp.table.encoder import TableEncoder, positions_of
from fastmlp.table.feature_names import feature_names_of
from fastmlp.table.reading import RawTable, read_table
from fastmlp.table.text import PARSED_SHARE
from fastmlp.table.training_range import TrainingRange

_HEAD_ROWS = 2**15  # whose values say how columns are read

_log = logging.getLogger("fastmlp")


class Learnt(NamedTuple):
    """What is learnt of a source, beside its rows."""

    encoder: TableEncoder
    training_range: TrainingRange
    targets: LearntTargets


class Read(NamedTuple):
    """A block whose columns are read."""

    block: Block
    columns: BlockColumns
    weights: NDArray[np.float32] | None


@dataclass
class SourcePass:
    """Reads a source from its beginning to its end, again if blocks contradict earlier ones.

    Parameters
    ----------
    source : Source
    categorical_features : "from_dtype" or array-like
        As the estimators' parameter.
    new_targets : callable
        Makes a `TargetLearner` of the targets of the first block.
    block_rows : int
    n_threads : int
        That read columns.
    """

    source: Source
    categorical_features: Any
    new_targets: Callable[[NDArray[Any]], TargetLearner]
    block_rows: int
    n_threads: int
    _known: dict[int, Reading] = field(default_factory=dict, init=False)

    def write(self, folder: Path) -> tuple[RowCache, Learnt]:
        """Write the rows to a file in this folder.

        Raises
        ------
        ValueError, TypeError
            If a block cannot be used; they say which one.
        OSError
            If the source cannot be read, or the file cannot be written.
        """
        while True:
            try:
                return self._write(folder)
            except BeginAgain as reason:
                _log.warning("the table is read from its beginning again: %s", reason)

    def _write(self, folder: Path) -> tuple[RowCache, Learnt]:
        start = time.perf_counter()
        blocks = self.source.blocks(self.block_rows)
        head = self._head(blocks)
        names = feature_names_of(head[0].X)
        tables = [_table(block) for block in head]
        first = read_table(head[0].X, "X")
        listed = frozenset(positions_of(self.categorical_features, names, first.n_columns))
        for block, table in zip(head, tables, strict=True):
            _check_like(table, first, block.where)
        readings = readings_of(tables, listed, self._known)
        reader = ColumnsReader(readings, tables)
        settled = {p for p, reading in self._known.items() if reading == "labels"}
        columns = ColumnsLearner(reader, first, names, listed, settled)
        with _naming(head[0].where):
            targets = self.new_targets(head[0].y)
        sections = Sections(
            targets=targets.dtype,
            n_targets=targets.width,
            weights=head[0].weight is not None,
            n_numbers=reader.n_numbers,
            n_codes=len(reader.labelled),
        )
        n_rows = n_counted = 0
        with CacheWriter(folder, sections) as writer:
            try:
                for read in self._read(head, blocks, first, reader):
                    with _naming(read.block.where):
                        stored = targets.learn(read.block.y, read.weights)
                    counted = len(stored)
                    if read.weights is not None:
                        counted = int(np.count_nonzero(read.weights))
                    codes = columns.learn(read.columns, counted)
                    writer.add(StoredRows(stored, read.weights, read.columns.numbers, codes))
                    n_rows += len(stored)
                    n_counted += counted
                encoder, origins, training_range = columns.finish()
            except Contradiction as found:
                self._read_more_generally(found, tables, reader)
        if n_counted == 0:
            raise ValueError("sample_weight must have at least one positive weight")
        _log_rate(n_rows, n_rows * sections.row_size, time.perf_counter() - start)
        cache = RowCache(folder, sections, writer.groups, origins, reader.shift, reader.scale)
        return cache, Learnt(encoder, training_range, targets.finish())

    def _head(self, blocks: Iterator[Block]) -> list[Block]:
        head: list[Block] = []
        n_rows = 0
        for block in blocks:
            head.append(block)
            n_rows += len(block.y)
            if n_rows >= _HEAD_ROWS:
                break
        if n_rows == 0:
            raise ValueError("X has no rows")
        return head

    # ---- reading side by side

    def _read(
        self,
        head: Sequence[Block],
        blocks: Iterator[Block],
        first: RawTable,
        reader: ColumnsReader,
    ) -> Iterator[Read]:
        """Read the columns of all blocks, several at a time, in their order."""

        def all_blocks() -> Iterator[Block]:
            yield from head
            yield from blocks

        def read(block: Block, *, strict: bool = True) -> Read:
            table = _table(block)
            _check_like(table, first, block.where)
            weights = _checked_weights(block, head[0])
            counted = None if weights is None else weights > 0
            return Read(block, reader.read(table, counted, strict=strict), weights)

        n_read = 0
        n_unread = dict.fromkeys(range(first.n_columns), 0)

        def result_of(block: Block, future: Future[Read]) -> Read:
            nonlocal n_read
            n_read += len(block.y)
            try:
                return future.result()
            except Contradiction as found:
                p = found.position
                if isinstance(reader.readings[p], str):
                    raise
                tolerant = read(block, strict=False)
                n_missing = tolerant.columns.n_missing[reader.stored_numbers(p)[0]]
                n_unread[p] += int(n_missing) - found.labels.n_missing
                if n_unread[p] > (1 - PARSED_SHARE) * n_read:
                    raise
                return tolerant

        waiting: deque[tuple[Block, Future[Read]]] = deque()
        with ThreadPoolExecutor(self.n_threads) as pool:
            try:
                for block in chain(head, blocks):
                    waiting.append((block, pool.submit(read, block)))
                    if len(waiting) > self.n_threads:
                        yield result_of(*waiting.popleft())
                while waiting:
                    yield result_of(*waiting.popleft())
            finally:
                for _, future in waiting:
                    future.cancel()

    def _read_more_generally(
        self, found: Contradiction, tables: Sequence[RawTable], reader: ColumnsReader
    ) -> None:
        """Read a column as its values now ask for; if that was so before, as labels."""
        position, labels = found.position, found.labels
        reading: Reading = "labels"
        if position not in self._known:
            if reader.readings[position] != "labels":  # else they are all that came before
                seen = labels_of([table.column(position) for table in tables])
                labels = seen.with_labels_of(labels)
            reading = reading_of(labels)
        self._known[position] = reading
        raise BeginAgain(str(found)) from None


def _table(block: Block) -> RawTable:
    return read_table(block.X, f"X ({block.where})")


def _check_like(table: RawTable, first: RawTable, where: str) -> None:
    """Raise if a block has other columns than the first one."""
    if (table.n_columns, table.names) == (first.n_columns, first.names):
        return
    others = [name for name in names_of_table(table) if name not in names_of_table(first)]
    raise ValueError(
        f"X ({where}) must have the columns of the first block, {first.n_columns} in the same "
        f"order; it has {table.n_columns}" + (f", among them {others[0]!r}" if others else "")
    )


def _checked_weights(block: Block, first: Block) -> NDArray[np.float32] | None:
    if (block.weight is None) != (first.weight is None):
        raise ValueError(f"X ({block.where}): all blocks must have weights, or none")
    if block.weight is None:
        return None
    with _naming(block.where):
        weights = np.asarray(block.weight).astype(np.float32)
    if weights.ndim != 1 or not (np.isfinite(weights) & (weights >= 0)).all():
        raise ValueError(
            f"X ({block.where}): weights must be finite numbers >= 0, one for each row"
        )
    return weights


@contextmanager
def _naming(where: str) -> Iterator[None]:
    """Errors about values say which block holds them."""
    try:
        yield
    except (TypeError, ValueError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(f"X ({where}): {error}") from error


def _log_rate(n_rows: int, n_bytes: int, seconds: float) -> None:
    _log.info(
        "read %s rows into a cache of %.0f MB in %.1f s: %s rows a second",
        f"{n_rows:,}",
        n_bytes / 1e6,
        seconds,
        f"{n_rows / max(seconds, 1e-9):,.0f}",
    )
