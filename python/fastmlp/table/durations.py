"""Durations and times of day as numbers of seconds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.table.text import (
    FEWEST_NUMBERS,
    PARSED_SHARE,
    is_text,
    not_text,
    sampled_texts,
)
from fastmlp.table.text_skeletons import Matched, matched_texts

if TYPE_CHECKING:
    from fastmlp.table.column_values import ColumnValues

# As pandas and Python write durations, "-1 days +23:59:00", and times of day, "23:59".
_PATTERN = re.compile(
    r"\s*(?:(?P<days>[-+]?\d+) days?,?\s*)?(?P<sign>[-+]?)(?P<H>\d+):(?P<M>\d\d)"
    r"(?::(?P<S>\d\d)(?:\.(?P<f>\d{1,9}))?)?\s*",
    re.ASCII,
)
_SECOND = np.timedelta64(1, "s")


def is_duration(label: Any) -> bool:
    """Whether a label is a duration or a time of day."""
    return isinstance(label, timedelta | time | np.timedelta64)


@dataclass(frozen=True)
class Durations:
    """Reads durations, and times of day, as seconds."""

    description = "duration in seconds"

    @classmethod
    def learn(cls, values: ColumnValues) -> Durations | None:
        """A reader if the column holds durations; else None.

        Text is read if at least ten values are distinct, as for numbers.
        """
        if values.is_temporal("m"):
            return cls()
        labels = values.factors[1]
        if labels and all(map(is_duration, labels)):
            return cls()
        if len(labels) < FEWEST_NUMBERS:
            return None
        texts = sampled_texts(labels)
        n_matching = sum(_PATTERN.fullmatch(text) is not None for text in texts)
        if 2 * n_matching < max(1, len(texts)):
            return None
        read = ~np.isnan(values.parsed(_seconds, _seconds))
        return cls() if values.share_that_reads(read) >= PARSED_SHARE else None

    def names(self, name: str) -> list[str]:
        """The name of the column."""
        return [name]

    def reads(self, text: str) -> bool:
        """Whether a text is a duration."""
        return not np.isnan(_seconds([text])[0])

    def read(self, values: ColumnValues) -> NDArray[np.float64]:
        """Seconds, (n_rows, 1); NaN where they are missing."""
        if values.is_temporal("m"):
            return (values.array / _SECOND)[:, None]
        values.check_kind(lambda label: is_text(label) or is_duration(label), "durations")
        return values.read_labels(_seconds, _seconds, "durations (hours:minutes:seconds)")[:, None]


def _seconds(labels: Sequence[Any]) -> NDArray[np.float64]:
    seconds = np.full(len(labels), np.nan)
    for some in matched_texts(labels, _PATTERN):
        seconds[some.rows] = _of_texts(some)
    for row in not_text(labels):
        if is_duration(labels[row]):
            seconds[row] = _as_duration(labels[row]) / _SECOND
    return seconds


def _of_texts(texts: Matched) -> NDArray[np.float64]:
    """Seconds of texts of one skeleton; NaN for 60 minutes and more."""
    found = texts.match.groupdict("")
    days, hours, minutes, whole, digits = (texts.number(name) for name in ("days", *"HMSf"))
    seconds = whole + digits / 10.0 ** len(found["f"])
    time_of_day = 3600.0 * hours + 60 * minutes + seconds
    valid = (minutes < 60) & (whole < 60)
    total = _sign(found["days"]) * 86_400.0 * days + _sign(found["sign"]) * time_of_day
    return np.where(valid, total, np.nan)


def _sign(text: str) -> int:
    return -1 if text.startswith("-") else 1


def _as_duration(label: Any) -> Any:
    """A duration in the resolution that it has."""
    if hasattr(label, "to_timedelta64"):  # of pandas, which may hold nanoseconds
        return label.to_timedelta64()
    if isinstance(label, np.timedelta64):
        return label
    if isinstance(label, time):
        label = timedelta(
            hours=label.hour,
            minutes=label.minute,
            seconds=label.second,
            microseconds=label.microsecond,
        )
    return np.timedelta64(label, "us")
