"""What a number stands for where a runtime reads neither dates nor text."""

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


def number_meaning(column: Column) -> str:
    """Describe the number that represents a value of a numeric column."""
    return _READ.get(type(column.reader), "number")
