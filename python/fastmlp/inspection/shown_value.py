"""A value of a table as plots and reports show it."""

from __future__ import annotations

from numbers import Real
from typing import Any

from fastmlp.table.column_values import BOOLEANS
from fastmlp.table.labels import is_missing
from fastmlp.table.text import shortened

_LONGEST = 30  # characters


def shown_value(value: Any) -> str:
    """The value in a few characters."""
    if is_missing(value):
        return "missing"
    if isinstance(value, Real) and not isinstance(value, BOOLEANS):
        return f"{float(value):.4g}"
    return shortened(str(value).removesuffix(" 00:00:00"), _LONGEST)  # of dates
