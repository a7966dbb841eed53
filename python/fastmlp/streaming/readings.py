"""How each column of a stream is read: as numbers, by a reader of dates and such, or as labels."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Literal

from fastmlp._user_warnings import warn
from fastmlp.streaming.counted_labels import CountedLabels
from fastmlp.table.column import Reader
from fastmlp.table.column_values import ColumnValues
from fastmlp.table.dates import PERIODS, Dates
from fastmlp.table.reading import RawTable

Reading = Reader | Literal["numbers", "labels"]
MIN_CATEGORY_ROWS = 2  # as in memory


def readings_of(
    tables: Sequence[RawTable], listed: frozenset[int], known: Mapping[int, Reading]
) -> list[Reading]:
    """How each column is read: as is `known`, or as the first blocks show.

    Parameters
    ----------
    tables : sequence of RawTable
        The first blocks.
    listed : frozenset of int
        Columns whose values are labels in any case.
    known : mapping of int to Reading
        How some columns are read, by position.
    """
    return [
        known[p] if p in known else _first_reading(tables, p, p in listed)
        for p in range(tables[0].n_columns)
    ]


def _first_reading(tables: Sequence[RawTable], position: int, listed: bool) -> Reading:
    if listed:
        return "labels"
    if all(table.is_number(position) for table in tables):
        return "numbers"
    values = [table.column(position) for table in tables]
    temporal = next((one for one in values if is_typed(one)), None)
    if temporal is not None:
        return reading_of(temporal)
    return reading_of(labels_of(values))


def labels_of(values: Sequence[ColumnValues]) -> CountedLabels:
    """The labels of a column in several blocks."""
    labels = CountedLabels.of(values[0])
    for others in values[1:]:
        labels = labels.with_labels_of(CountedLabels.of(others))
    return labels


def is_typed(values: ColumnValues) -> bool:
    """Whether the values are dates, durations or numbers by their type, in NumPy's arrays."""
    return values.is_temporal("M") or values.is_temporal("m") or values.is_number


def reading_of(values: ColumnValues) -> Reading:
    """Choose how values are read; warnings are those of readers, as kinds are decided later."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        column = values.describe(False, MIN_CATEGORY_ROWS)
    if column.kind != "numeric":
        return "labels"
    if column.reader is None:
        return "numbers"
    for one in caught:
        warn(str(one.message), one.category)
    return with_all_phases(column.reader)


def with_all_phases(reader: Reader) -> Reader:
    """The reader; of dates one that reads the phases of all periods, of which some may not matter.

    Which periods the dates span is known when all of them have been read.
    """
    return Dates(reader.order, PERIODS) if isinstance(reader, Dates) else reader
