"""The pass over a source: it learns the columns and the targets, and writes the row cache."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from numpy.typing import NDArray

from fastmlp.streaming.block_columns import ColumnsReader, Contradiction
from fastmlp.streaming.block_reader import BlockReader, check_columns, naming, table_of
from fastmlp.streaming.cache_writer import CacheWriter, StoredRows
from fastmlp.streaming.columns import ColumnsLearner
from fastmlp.streaming.readings import Reading, labels_of, reading_of, readings_of
from fastmlp.streaming.row_cache import RowCache, Sections
from fastmlp.streaming.sources.blocks import BeginAgain, Block, Source
from fastmlp.streaming.target_learners import LearntTargets, TargetLearner
from fastmlp.table.encoder import DenseEncoder, positions_of
from fastmlp.table.feature_names import feature_names_of
from fastmlp.table.identifiers import warn_of_identifiers
from fastmlp.table.reading import RawTable, read_table
from fastmlp.table.training_range import TrainingRange

# Rows whose values say how columns are read, and blocks if that is less, as of very wide tables.
_HEAD_ROWS, _HEAD_BLOCKS = 2**15, 4

_log = logging.getLogger("fastmlp")


class LearntFromSource(NamedTuple):
    """What is learnt from a source, in addition to the stored rows."""

    encoder: DenseEncoder
    training_range: TrainingRange
    targets: LearntTargets


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
        Threads that read columns.
    dtype : str, default="float32"
        Type that numbers are stored in.
    """

    source: Source
    categorical_features: Any
    new_targets: Callable[[NDArray[Any]], TargetLearner]
    block_rows: int
    n_threads: int
    dtype: str = "float32"
    _known: dict[int, Reading] = field(default_factory=dict, init=False)

    def write(self, folder: Path) -> tuple[RowCache, LearntFromSource]:
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
                _log.warning("reading the table from the start again: %s", reason)

    def _write(self, folder: Path) -> tuple[RowCache, LearntFromSource]:
        start = time.perf_counter()
        blocks = self.source.blocks(self.block_rows)
        head = self._head(blocks)
        first, names = read_table(head[0].X, "X"), feature_names_of(head[0].X)
        listed = frozenset(positions_of(self.categorical_features, names, first.n_columns))
        tables = [table_of(block) for block in head]
        for block, table in zip(head, tables, strict=True):
            check_columns(table, first, block.where)
        if not self._known:  # read for the first time
            warn_of_identifiers(tables, listed, are_all=False)
        readings = readings_of(tables, listed, self._known)
        try:
            reader = ColumnsReader(readings, tables, self.dtype)
        except Contradiction as found:  # blocks of different types
            self._read_more_generally(found, tables, readings)
        settled = {p for p, reading in self._known.items() if reading == "labels"}
        columns = ColumnsLearner(reader, first, names, listed, settled)
        with naming(head[0].where):
            targets = self.new_targets(head[0].y)
        has_weights = head[0].weight is not None
        sections = Sections(
            targets=targets.dtype,
            n_targets=targets.width,
            weights=has_weights,
            n_numbers=reader.n_numbers,
            n_codes=len(reader.labelled),
            numbers=self.dtype,
        )
        block_reader = BlockReader(reader, first, has_weights, self.n_threads)
        with CacheWriter(folder, sections) as writer:
            try:
                for read in block_reader.read_all(chain(head, blocks)):
                    with naming(read.block.where):
                        stored = targets.learn(read.block.y, read.weights)
                    codes = columns.learn(read.columns, read.n_counted)
                    writer.add(StoredRows(stored, read.weights, read.columns.numbers, codes))
                encoder, origins, training_range = columns.finish()
            except Contradiction as found:
                self._read_more_generally(found, tables, readings)
        if training_range.n_rows == 0:
            raise ValueError("sample_weight must have at least one positive weight")
        cache = RowCache(folder, sections, writer.groups, origins, reader.shift, reader.scale)
        seconds = time.perf_counter() - start
        _log.info(
            "read %s rows into a cache of %.0f MB in %.1f s, %s rows a second",
            f"{cache.n_rows:,}",
            cache.n_rows * sections.row_size / 1e6,
            seconds,
            f"{cache.n_rows / max(seconds, 1e-9):,.0f}",
        )
        return cache, LearntFromSource(encoder, training_range, targets.finish())

    def _head(self, blocks: Iterator[Block]) -> list[Block]:
        """The first blocks, with enough rows to decide how columns are read."""
        head: list[Block] = []
        n_rows = 0
        for block in blocks:
            head.append(block)
            n_rows += len(block.y)
            if n_rows >= min(_HEAD_ROWS, _HEAD_BLOCKS * self.block_rows):
                break
        if n_rows == 0:
            raise ValueError("X has no rows")
        return head

    def _read_more_generally(
        self, found: Contradiction, tables: Sequence[RawTable], readings: Sequence[Reading]
    ) -> NoReturn:
        """Begin again, and read a column as its values require; the second time as labels."""
        position, labels = found.position, found.labels
        reading: Reading = "labels"
        if position not in self._known:
            if readings[position] != "labels":  # else they are all that came before
                seen = labels_of([table.column(position) for table in tables])
                labels = seen.with_labels_of(labels)
            reading = reading_of(labels)
        self._known[position] = reading
        raise BeginAgain(str(found)) from None
