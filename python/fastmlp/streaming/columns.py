"""ColumnsLearner: the columns of a table, learnt block by block."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp._user_warnings import warn
from fastmlp.streaming.block_columns import BlockColumns, ColumnsReader, Contradiction
from fastmlp.streaming.counted_labels import CountedLabels
from fastmlp.streaming.label_sketch import LabelSketch
from fastmlp.streaming.readings import MIN_CATEGORY_ROWS, reading_of
from fastmlp.streaming.row_cache import FIRST, MISSING, Origin
from fastmlp.table.column import Column
from fastmlp.table.dates import PERIODS, Dates, periods_of, witnesses
from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.reading import RawTable
from fastmlp.table.training_range import TrainingRange

_MORE_LABELS = 4  # times as many labels as before: then it is checked again whether they are labels


class ColumnsLearner:
    """Learns the columns that `reader` reads, and numbers their labels.

    Parameters
    ----------
    reader : ColumnsReader
    first : RawTable
        The first block, which says what columns are called.
    names : ndarray of shape (n_columns,) or None
        Names of the columns, if they have names.
    listed : frozenset of int
        Positions of `categorical_features`.
    settled : collection of int
        Positions of other columns that can only be read as labels.
    """

    def __init__(
        self,
        reader: ColumnsReader,
        first: RawTable,
        names: NDArray[Any] | None,
        listed: frozenset[int],
        settled: Collection[int] = (),
    ) -> None:
        self._reader, self._names, self._listed = reader, names, listed
        self._settled = listed.union(settled)
        # Without labels: a name, and whether values are labels by their type.
        none = np.zeros(0, dtype=np.intp)
        self._like = [CountedLabels([], none, 0, first.column(p)) for p in range(first.n_columns)]
        self.sketches = {position: LabelSketch() for position in reader.labelled}
        self._asked = dict.fromkeys(reader.labelled, 0)  # labels when their kind was last checked
        self._dates: dict[int, NDArray[np.datetime64]] = {}
        self._n_missing = np.zeros(reader.n_numbers, dtype=np.int64)
        self._low = np.full(reader.n_numbers, np.inf)
        self._high = np.full(reader.n_numbers, -np.inf)
        self._n_rows = self._n_counted = 0

    def learn(
        self, block: BlockColumns, n_counted: int, *, asks: bool = True
    ) -> list[NDArray[np.uint16]]:
        """Learn from a block; returns the codes of each column of labels.

        Parameters
        ----------
        block : BlockColumns
        n_counted : int
            Rows of positive weight.
        asks : bool, default=True
            Whether to check from time to time if labels are in fact dates or numbers. False for a
            part of a table, too few to decide: `finish` asks in any case.
        """
        self._n_rows += block.numbers.shape[0]
        self._n_counted += n_counted
        self._n_missing += block.n_missing
        self._low, self._high = np.fmin(self._low, block.low), np.fmax(self._high, block.high)
        for position, dates in block.dates.items():
            known = self._dates.get(position, dates[:0])
            self._dates[position] = witnesses(np.concatenate([known, dates]))
        codes = []
        for position, own in zip(self._reader.labelled, block.labels, strict=True):
            of_labels = self.sketches[position].add(own.labels, own.counts, own.n_missing)
            codes.append(of_labels[own.rows])  # that of missing values is the last one, -1
            if asks:
                self._ask_again(position)
        return codes

    def merge(self, other: ColumnsLearner) -> None:
        """Learn what another one with the same reader has learnt from other rows."""
        self._n_rows += other._n_rows
        self._n_counted += other._n_counted
        self._n_missing += other._n_missing
        self._low, self._high = np.fmin(self._low, other._low), np.fmax(self._high, other._high)
        for position, dates in other._dates.items():
            known = self._dates.get(position, dates[:0])
            self._dates[position] = witnesses(np.concatenate([known, dates]))
        for position, sketch in other.sketches.items():
            self.sketches[position].merge(sketch)

    def _ask_again(self, position: int) -> None:
        """Raise if more labels than before show that they are in fact dates or numbers."""
        sketch = self.sketches[position]
        n_labels = len(sketch.labels) if sketch.is_exact else 0
        if position in self._settled or n_labels < _MORE_LABELS * max(self._asked[position], 1):
            return
        self._asked[position] = n_labels
        self._check_kind(position)

    def _check_kind(self, position: int) -> None:
        labels = self._labels_of(position)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reading = reading_of(labels)
        if reading != "labels":
            raise Contradiction(position, labels, ValueError("its labels are numbers or dates"))

    def _labels_of(self, position: int) -> CountedLabels:
        sketch = self.sketches[position]
        return CountedLabels(sketch.labels, sketch.counts, sketch.n_missing, self._like[position])

    def finish(self) -> tuple[DenseEncoder, list[Origin], TrainingRange]:
        """What was learnt of the whole table.

        Returns
        -------
        encoder : DenseEncoder
        origins : list of tuple
            Where each column of the encoded table is found in the cache.
        training_range : TrainingRange
        """
        for position in self._reader.labelled:
            if position not in self._settled:
                self._check_kind(position)
        columns = tuple(self._column(p) for p in range(len(self._reader.readings)))
        encoder = DenseEncoder.of_columns(self._names, columns, self._listed)
        origins: list[Origin] = []
        stored = []
        for p in encoder.layout.numeric:
            stored += self._stored_numbers(p, columns[p])
        origins += [("number", j) for j in stored]
        origins += [
            ("is_missing", self._reader.stored_numbers(p)[0]) for p in encoder.layout.flagged
        ]
        origins += [self._origin_of_labels(p, columns[p]) for p in encoder.layout.labelled]
        ranges = TrainingRange(self._low[stored], self._high[stored], self._n_counted)
        return encoder, origins, ranges

    def _column(self, position: int) -> Column:
        reading = self._reader.readings[position]
        if reading == "labels":
            return self._column_of_labels(position)
        reader = None if isinstance(reading, str) else reading
        if isinstance(reader, Dates):
            reader = replace(reader, periods=periods_of(self._dates[position]))
        n_missing = int(self._n_missing[self._reader.stored_numbers(position)[0]])
        return Column.of_numbers(self._like[position].name, n_missing, self._n_rows, reader)

    def _column_of_labels(self, position: int) -> Column:
        sketch = self.sketches[position]
        labels = self._labels_of(position)
        column = labels.describe(position in self._settled, MIN_CATEGORY_ROWS)
        n_others = sketch.n_rows - sketch.n_missing - int(labels.counts.sum())
        if sketch.is_exact or n_others <= 0:
            return column
        if column.categories:
            warn(
                f"{labels.title} has about {sketch.n_distinct:,.0f} different values. The "
                f"{len(labels.factors[1]):,} most frequent ones are categories; the others, which "
                f"{n_others / sketch.n_rows:.0%} of the rows have, count as unknown"
            )
        return replace(column, rare=column.rare + n_others)

    def _stored_numbers(self, position: int, column: Column) -> list[int]:
        """Which of the stored numbers a numeric column's are: of dates those of their periods."""
        stored = self._reader.stored_numbers(position)
        if not isinstance(column.reader, Dates):
            return stored
        first, *phases = stored
        chosen = [2 * PERIODS.index(period) + k for period in column.reader.periods for k in (0, 1)]
        return [first, *(phases[k] for k in chosen)]

    def _origin_of_labels(self, position: int, column: Column) -> Origin:
        if not column.categories:
            return ("constant",)
        codes = column.codes
        meaning = np.zeros(FIRST + len(self.sketches[position].labels), dtype=np.float32)
        meaning[MISSING] = codes.get(None, 0.0)
        meaning[FIRST:] = [codes.get(label, 0.0) for label in self.sketches[position].labels]
        return ("code", self._reader.labelled.index(position), meaning)
