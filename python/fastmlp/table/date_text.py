"""Dates as text: the order of day, month and year, and the instants."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastmlp._user_warnings import warn
from fastmlp.table.text import (
    PARSED_SHARE,
    are_of_types,
    as_text,
    is_text,
    not_text,
    quoted,
    sampled_texts,
)
from fastmlp.table.text_skeletons import Matched, matched_texts

if TYPE_CHECKING:
    from fastmlp.table.column_values import ColumnValues

_SEPARATED = r"(?P<{}>\d\d?)(?P<s>[-/.])(?P<{}>\d\d?)(?P=s)(?P<y>\d{{4}}|(?<=/)\d\d)"
_MONTH_NAME = (
    r"(?P<b>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+)?"
_TIME = (
    r"(?:(?:T|,?\s+)(?P<H>\d\d?):(?P<M>\d\d)(?::(?P<S>\d\d)(?:[.,](?P<f>\d{1,9}))?)?"
    r"\s*(?P<p>[ap]\.?m\.?)?\s*(?P<z>Z|UTC|GMT|[+-]\d\d:?(?:\d\d)?)?)?"
)
# Orders of day, month and year. Two-digit years are read between slashes and after month names.
_ORDERS = {
    "ymd": r"(?P<y>\d{4})(?P<s>[-/.])(?P<m>\d\d?)(?:(?P=s)(?P<d>\d\d?)|(?<=[-/]\d\d))",
    "mdy": _SEPARATED.format("m", "d"),
    "dmy": _SEPARATED.format("d", "m"),
    "dby": _WEEKDAY + rf"(?P<d>\d\d?)(?:st|nd|rd|th)?[-/.\s]+{_MONTH_NAME}[-/,\s]+"
    r"(?P<y>\d{4}|\d\d)",
    "bdy": _WEEKDAY + _MONTH_NAME + r"[-/\s]+(?:(?P<d>\d\d?)(?:st|nd|rd|th)?,?\s+)?(?P<y>\d{4})",
}
WRITTEN = {
    "ymd": "year-month-day",
    "mdy": "month/day/year",
    "dmy": "day/month/year",
    "dby": "day month year",
    "bdy": "month day, year",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# Years that are plausible without a day beside them; codes such as 4711-01 are written alike.
_FIRST_YEAR, _LAST_YEAR, _NEVER = 1800, 2200, 9999
_NAT = np.datetime64("NaT", "us")
_PYTHON_DATES = (date, np.datetime64)


@cache
def _pattern(order: str) -> re.Pattern[str]:
    """The pattern of a date in this order; compiling them takes milliseconds."""
    return re.compile(rf"\s*{_ORDERS[order]}{_TIME}\s*", re.IGNORECASE | re.ASCII)


def is_type_of_dates(kind: type) -> bool:
    """Whether that is the type of dates of Python or NumPy, or of periods of pandas."""
    return issubclass(kind, _PYTHON_DATES) or hasattr(kind, "start_time")


def order_of_dates(values: ColumnValues) -> str | None:
    """The order of day, month and year in which nearly all labels are dates; None if in none.

    Where days and months cannot be told apart, the day is the one that never changes, if the other
    does. Else dates between dots are day.month.year and others month/day/year, and a warning says
    so.
    """
    labels, found = values.factors[1], {}
    texts = sampled_texts(labels)
    are_dates = 2 * are_of_types(labels, is_type_of_dates).sum() > len(labels)
    for order in _ORDERS:
        pattern = _pattern(order)
        n_matching = sum(pattern.fullmatch(text) is not None for text in texts)
        if 2 * n_matching < max(1, len(texts)) and not are_dates:
            continue
        instants = values.parsed(order, partial(parse_dates, order=order))
        share = values.share_that_reads(~np.isnat(instants))
        if share >= PARSED_SHARE:
            found[order] = share, instants
    best = max((share for share, _ in found.values()), default=0)
    orders = [order for order, (share, _) in found.items() if share == best]
    if not orders:
        return None
    first, *others = (found[order][1] for order in orders)
    if all(np.array_equal(first, other, equal_nan=True) for other in others):
        return orders[0]
    on_one_day = [order for order in orders if _are_on_one_day(found[order][1])]
    if len(on_one_day) == 1:
        return on_one_day[0]
    text = next(filter(is_text, labels))
    chosen = "dmy" if "." in as_text(text) else "mdy"
    warn(
        f"{values.title} holds dates whose day and month cannot be told apart, such as "
        f"{quoted(text)}. They are read as {WRITTEN[chosen]}; convert the column to dates if that "
        "is wrong"
    )
    return chosen


def _are_on_one_day(instants: NDArray[np.datetime64]) -> bool:
    """Whether the dates are of several months, and always on the same day of the month."""
    days = instants[~np.isnat(instants)].astype("M8[D]")
    months = days.astype("M8[M]")
    return np.unique(days - months).size == 1 < np.unique(months).size


def parse_dates(labels: Sequence[Any], order: str) -> NDArray[np.datetime64]:
    """Instants in UTC of text in this order and of dates; NaT for anything else."""
    instants = np.full(len(labels), _NAT)
    for some in matched_texts(labels, _pattern(order)):
        instants[some.rows] = _instants(some)
    others = not_text(labels)
    instants[others] = np.array([_as_instant(labels[row]) for row in others], dtype="M8[us]")
    return instants


def _instants(texts: Matched) -> NDArray[np.datetime64]:
    """Instants of texts of one skeleton; NaT where no date has such numbers."""
    found = texts.match.groupdict()

    def number(name: str, default: int = 0) -> Any:
        return texts.number(name) if found.get(name) else default

    year, day = texts.number("y"), number("d", 1)
    if len(found["y"]) == 2:
        year = year + np.where(year < 69, 2000, 1900)  # as in POSIX
    month = _MONTHS.index(found["b"][:3].lower()) + 1 if "b" in found else number("m")
    hour, minute, second = number("H"), number("M"), number("S")
    first, last = (1, _NEVER) if found.get("d") else (_FIRST_YEAR, _LAST_YEAR)
    valid = (year >= first) & ((year <= last) | (year == _NEVER))
    valid &= (month >= 1) & (month <= 12) & (day >= 1)
    valid &= (hour < 24) & (minute < 60) & (second < 60)
    if half := found["p"]:
        valid &= (hour >= 1) & (hour <= 12)
        hour = hour % 12 + 12 * (half[0] in "pP")
    seconds = 60 * (60 * hour + minute - _offset(texts)) + second
    months = (12 * (year - 1970) + month - 1).astype("M8[M]")
    days = months.astype("M8[D]") + np.asarray(day - 1, dtype="m8[D]")
    instants: NDArray[np.datetime64] = days.astype("M8[us]") + np.asarray(seconds, dtype="m8[s]")
    if digits := found["f"]:
        micros = texts.number("f", most_digits=6) * 10 ** max(0, 6 - len(digits))
        instants += micros.astype("m8[us]")
    instants[~valid | (days.astype("M8[M]") != months)] = _NAT
    return instants


def _offset(texts: Matched) -> Any:
    """Minutes from UTC of a zone such as +02:00 or Z."""
    zone = texts.match["z"] or ""
    if zone[:1] not in ("+", "-"):
        return 0
    digits = texts.number("z")
    hours, minutes = (digits, 0) if len(zone) == len("+00") else np.divmod(digits, 100)
    return (60 * hours + minutes) * (-1 if zone[0] == "-" else 1)


def _as_instant(label: Any) -> Any:
    """A date in a form that NumPy reads: a period as its start, and zones as UTC."""
    if hasattr(label, "to_datetime64"):  # of pandas, ten times as fast as by way of datetime
        return label.to_datetime64()
    if isinstance(label, datetime):
        offset = label.utcoffset()
        if offset is None:
            return label
        # By NumPy: in UTC it may be in the year 0 or 10000, which Python does not support.
        return np.datetime64(label.replace(tzinfo=None), "us") - np.timedelta64(offset)
    label = getattr(label, "start_time", label)
    return label if isinstance(label, _PYTHON_DATES) else None
