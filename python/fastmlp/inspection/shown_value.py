"""A value of a table as plots and reports show it."""

from __future__ import annotations

from numbers import Real
from typing import Any

from fastmlp.table.column_values import BOOLEANS
from fastmlp.table.labels import is_missing

_LONGEST = 30  # characters


def shown_value(value: Any) -> str:
    """The value in a few characters."""
    if is_missing(value):
        return "missing"
    if isinstance(value, Real) and not isinstance(value, BOOLEANS):
        return f"{float(value):.4g}"
    text = str(value).removesuffix(" 00:00:00")  # of dates
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
