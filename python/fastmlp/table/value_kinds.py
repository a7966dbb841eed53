"""The kind of a column's values in one word: for readers of text, services and reports."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from fastmlp.table.column import Column
from fastmlp.table.column_values import BOOLEANS
from fastmlp.table.dates import Dates
from fastmlp.table.durations import Durations
from fastmlp.table.sparse_encoder import Encoder

ValueKind = Literal[
    "number", "date", "duration", "number as text", "text", "boolean", "label", "unused"
]
TextKind = Literal["number", "text"]
_TEXT = ("date", "duration", "number as text", "text")  # kinds that a reader of text leaves as text


def kinds_in_text(encoder: Encoder, kept: Iterable[str]) -> dict[str, TextKind]:
    """How a reader of text reads columns by name, for values as in training.

    Columns of other kinds, such as booleans, are left to the reader. Columns that are only kept
    stay text, such as identifiers with leading zeros.
    """
    inputs = {column.name: value_kind(column) for column in encoder.columns}
    known: dict[str, TextKind] = {
        name: "text" for name in kept if inputs.get(name, "unused") == "unused"
    }
    for name, kind in inputs.items():
        if kind == "number" or kind in _TEXT:
            known[name] = "number" if kind == "number" else "text"
    return known


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
