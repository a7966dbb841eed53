"""Scalars of pandas in a document: intervals, and times that Python's types do not hold.

Reading them needs pandas.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastmlp.model_file.fields import WrongKind, anything, flag, integer, list_of, one_of

_NAMES = {
    "Interval": "interval",
    "Timestamp": "pandas_timestamp",
    "Timedelta": "pandas_timedelta",
}
NAMES = (*_NAMES.values(),)
_SIDES = one_of(("left", "right", "both", "neither"))
_UNITS = one_of(("s", "ms", "us", "ns"))
_TICKS = integer(1 - 2**63)  # the least integer stands for a missing time

Write = Callable[[Any], Any]  # a value as JSON holds it
Read = Callable[[Any], Any]  # and the other way


def is_pandas(value: Any) -> bool:
    """Whether these functions write the value."""
    kind = type(value)
    return kind.__name__ in _NAMES and kind.__module__.partition(".")[0] == "pandas"


def written_scalar(value: Any, write: Write) -> dict[str, Any]:
    """A scalar of pandas as an object; `write` writes the ends of intervals that are not times."""
    name = _NAMES[type(value).__name__]
    if name == "interval":
        ends = [
            written_scalar(end, write) if is_pandas(end) else write(end)
            for end in (value.left, value.right)
        ]
        return {"type": name, "value": [*ends, value.closed]}
    unit, _ = np.datetime_data(value.asm8.dtype)
    content = [int(value.asm8.astype(np.int64)), unit]
    if name == "pandas_timestamp":
        content.append(value.tzinfo is not None)
    return {"type": name, "value": content}


def read_scalar(name: str, content: Any, read: Read) -> Any:
    """The scalar of that name; `read` reads the ends of intervals."""
    try:
        import pandas
    except ImportError:
        raise WrongKind("readable without pandas, which is not installed") from None
    try:
        if name == "interval":
            left, right, sides = list_of(anything, 3)(content)
            return pandas.Interval(read(left), read(right), closed=_SIDES(sides))
        if name == "pandas_timedelta":
            ticks, unit = list_of(anything, 2)(content)
            return pandas.Timedelta(np.array(_TICKS(ticks)).view(f"m8[{_UNITS(unit)}]")[()])
        ticks, unit, has_zone = list_of(anything, 3)(content)
        time = pandas.Timestamp(np.array(_TICKS(ticks)).view(f"M8[{_UNITS(unit)}]")[()])
        if not 1 <= time.year <= 9999:
            raise WrongKind("a time of the years from 1 to 9999")
        return time.tz_localize("UTC") if flag(has_zone) else time
    except WrongKind:
        raise
    except (TypeError, ValueError, OverflowError):
        raise WrongKind(f"a value of type {name}") from None
