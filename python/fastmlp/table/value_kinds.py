"""What the values of a column are, in a word: for readers of text, services and reports."""

from __future__ import annotations

from typing import Literal

from fastmlp.table.column import Column
from fastmlp.table.column_values import BOOLEANS
from fastmlp.table.dates import Dates
from fastmlp.table.durations import Durations

ValueKind = Literal[
    "number", "date", "duration", "number as text", "text", "boolean", "label", "unused"
]


def value_kind(column: Column) -> ValueKind:
    """Name what the values of a column of the training table were.

    "label" stands for categories that are not all text or all booleans, such as numbers; "unused"
    for a column that was constant or missing in training.
    """
    if isinstance(column.reader, Dates):
        return "date"
    if isinstance(column.reader, Durations):
        return "duration"
    if column.reader is not None:
        return "number as text"
    if column.kind == "numeric":
        return "number"
    labels = [label for label in column.categories if label is not None]
    if not labels:
        return "unused"
    if all(isinstance(label, BOOLEANS) for label in labels):
        return "boolean"
    return "text" if all(isinstance(label, str) for label in labels) else "label"
