"""The number that represents a value where a runtime reads no dates and no text."""

from __future__ import annotations

from fastmlp.table.column import Column
from fastmlp.table.dates import Dates
from fastmlp.table.durations import Durations
from fastmlp.table.number_text import NumberText

_READ: dict[type, str] = {
    Dates: "days since 1970-01-01",
    Durations: "seconds",
    NumberText: "number, without separators and units",
}


def kind_of_number(column: Column) -> str:
    """The number that represents a value of a numeric column."""
    return _READ.get(type(column.reader), "number")
