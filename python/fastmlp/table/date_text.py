"""Dates as text: in which order day, month and year stand, and which instants they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastmlp._user_warnings import warn
from fastmlp.table.text import (
    PARSED_SHARE,
    as_text,
    is_text,
    quoted,
    sampled_texts,
    share_that_reads,
)

if TYPE_CHECKING:
    from fastmlp.table.column_values import ColumnValues

_SEPARATED = r"(?P<{}>\d\d?)(?P<s>[-/.])(?P<{}>\d\d?)(?P=s)(?P<y>\d{{4}}|(?<=/)\d\d)"
_MONTH_NAMES = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_MONTH_NAME = rf"(?P<b>{_MONTH_NAMES})[a-z]*\.?"
_WEEKDAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,?\s+)?"
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
_PATTERNS = {
    order: re.compile(rf"\s*{pattern}{_TIME}\s*", re.IGNORECASE)
    for order, pattern in _ORDERS.items()
}
WRITTEN = {
    "ymd": "year-month-day",
    "mdy": "month/day/year",
    "dmy": "day/month/year",
    "dby": "day month year",
    "bdy": "month day, year",
}
_MONTHS = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
        start=1,
    )
}
_LONGEST = 60  # characters of a date
_NAT = np.datetime64("NaT", "us")
_PYTHON_DATES = (date, np.datetime64)


def is_date(label: Any) -> bool:
    """Whether a label is a date of Python or NumPy, or a period of pandas."""
    return isinstance(label, _PYTHON_DATES) or hasattr(label, "start_time")


def order_of_dates(values: ColumnValues) -> str | None:
    """The order of day, month and year in which nearly all labels are dates; None if in none.

    Where days and months cannot be told apart, the one that never changes is the day. Else dates
    between dots are day.month.year and others month/day/year, and a warning says so.
    """
    labels, found = values.factors[1], {}
    texts = sampled_texts(labels)
    for order, pattern in _PATTERNS.items():
        if 2 * sum(pattern.fullmatch(text) is not None for text in texts) < max(1, len(texts)):
            continue
        instants = values.parsed(order, partial(parse_dates, order=order))
        share = share_that_reads(~np.isnat(instants), labels)
        if share >= PARSED_SHARE:
            found[order] = share, instants
    best = max((share for share, _ in found.values()), default=0)
    orders = [order for order, (share, _) in found.items() if share == best]
    if len(orders) < 2:
        return orders[0] if orders else None
    for order in orders:
        known = found[order][1][~np.isnat(found[order][1])].astype("M8[D]")
        months = known.astype("M8[M]")
        if np.unique(known - months).size == 1 < np.unique(months).size:
            return order
    first = next(filter(is_text, labels))
    chosen = "dmy" if "." in as_text(first) else "mdy"
    warn(
        f"{values.title} holds dates whose day and month cannot be told apart, such as "
        f"{quoted(first)}. They are read as {WRITTEN[chosen]}; convert the column to dates if that "
        "is wrong"
    )
    return chosen


def parse_dates(labels: Sequence[Any], order: str) -> NDArray[np.datetime64]:
    """Instants in UTC of text in this order and of dates; NaT for anything else."""
    match = _PATTERNS[order].fullmatch
    unread = ("",) * _PATTERNS[order].groups
    texts = (as_text(label)[:_LONGEST].strip() for label in labels)
    rows = [unread if (found := match(text)) is None else found.groups("") for text in texts]
    fields = dict(zip(_PATTERNS[order].groupindex, zip(*rows, strict=True), strict=True))
    instants = _instants(fields) if rows else np.empty(0, "M8[us]")
    for position, label in enumerate(labels):
        if not isinstance(label, str | bytes):
            instants[position] = _instant(label)
    return instants


def _instants(fields: dict[str, tuple[str, ...]]) -> NDArray[np.datetime64]:
    """Instants of what the groups of a pattern found; NaT where no date has such numbers."""

    def numbers(name: str, default: int) -> NDArray[np.int64]:
        values = fields.get(name, ())
        if not any(values):
            return np.full(len(fields["y"]), default)
        return np.fromiter((int(v) if v else default for v in values), np.int64, len(values))

    years = numbers("y", -1)
    short = np.fromiter((len(v) == 2 for v in fields["y"]), bool, years.size)
    years[short] += np.where(years[short] < 69, 2000, 1900)  # as in POSIX
    if "b" in fields:
        months = np.array([_MONTHS.get(name.lower(), 0) for name in fields["b"]])
    else:
        months = numbers("m", 1)
    day, hour = numbers("d", 1), numbers("H", 0)
    minute, second = numbers("M", 0), numbers("S", 0)
    valid = (years > 0) & (months >= 1) & (months <= 12) & (day >= 1)
    valid &= (hour < 24) & (minute < 60) & (second < 60)
    month = ((years - 1970) * 12 + months - 1).astype("M8[M]")
    days = month.astype("M8[D]") + (day - 1).astype("m8[D]")
    valid &= days.astype("M8[M]") == month
    if any(fields["p"]):
        half = np.array([half[:1].lower() for half in fields["p"]])
        valid &= (half == "") | ((hour >= 1) & (hour <= 12))
        hour = np.where(half == "", hour, hour % 12 + 12 * (half == "p"))
    micros = ((hour * 60 + minute) * 60 + second) * 10**6
    if any(fields["f"]):
        micros += [int(digits[:6].ljust(6, "0")) if digits else 0 for digits in fields["f"]]
    if any(fields["z"]):
        offset = {zone: _minutes_of(zone) for zone in set(fields["z"])}
        micros -= 60 * 10**6 * np.array([offset[zone] for zone in fields["z"]])
    instants: NDArray[np.datetime64] = days.astype("M8[us]") + micros.astype("m8[us]")
    instants[~valid] = _NAT
    return instants


def _minutes_of(zone: str) -> int:
    """Minutes of an offset from UTC, such as +02:00."""
    if zone[:1] not in ("+", "-"):
        return 0
    digits = zone[1:].replace(":", "").ljust(4, "0")
    minutes = 60 * int(digits[:2]) + int(digits[2:])
    return -minutes if zone[0] == "-" else minutes


def _instant(label: Any) -> Any:
    """Instant of a date; a period counts from its start, and dates without a zone are UTC."""
    label = getattr(label, "start_time", label)
    if isinstance(label, datetime) and label.tzinfo is not None:
        label = label.astimezone(timezone.utc).replace(tzinfo=None)
    return np.array(label, dtype="M8[us]") if isinstance(label, _PYTHON_DATES) else _NAT
