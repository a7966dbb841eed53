"""Dates as numbers: days that have passed, and the phases of year, week and day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.table.date_text import WRITTEN, is_type_of_dates, order_of_dates, parse_dates
from fastmlp.table.text import PARSED_SHARE, are_of_types, is_text

if TYPE_CHECKING:
    from fastmlp.table.column_values import ColumnValues

PERIODS = ("year", "week", "day")
_YEAR, _WEEK = 365, 7  # days
_A_MONDAY = np.datetime64("1970-01-05")
_YEAR_FIRST = "ymd"
_ONE_DAY = np.timedelta64(1, "D")


def _differ(values: NDArray[Any]) -> bool:
    return bool((values != values[0]).any())


def periods_of(instants: NDArray[np.datetime64]) -> tuple[str, ...]:
    """Which of year, week and day the dates span and resolve, so that their phases are informative.

    Dates span a period if the first and the last are at least that far apart; within less, the days
    determine the phase. They resolve the day if the time of day differs; the week if days of the
    week and of the month differ, the last day of each month counting as one; the year if the day of
    the month or the month differs.
    """
    known = instants[~np.isnat(instants)]
    if not known.size:
        return ()
    days, months = known.astype("M8[D]"), known.astype("M8[M]")
    span = (known.max() - known.min()) / _ONE_DAY
    in_month = _differ(days - months) and bool(((days + 1).astype("M8[M]") == months).any())
    in_year = in_month or _differ(months.astype(np.int64) % 12)
    found = {
        "year": span >= _YEAR and in_year,
        "week": span >= _WEEK and in_month and _differ(days.astype(np.int64) % 7),
        "day": span >= 1 and _differ(known - days),
    }
    return tuple(period for period in PERIODS if found[period])


def witnesses(instants: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    """A dozen of the dates, which span and resolve the same periods as all."""
    known = instants[~np.isnat(instants)]
    if not known.size:
        return known
    days, months = known.astype("M8[D]"), known.astype("M8[M]")
    aspects = (
        known,
        days - months,
        (days + 1).astype("M8[M]") == months,
        months.astype(np.int64) % 12,
        days.astype(np.int64) % 7,
        known - days,
    )
    rows = [extreme(aspect) for aspect in aspects for extreme in (np.argmin, np.argmax)]
    chosen: NDArray[np.datetime64] = known[np.unique(rows)]
    return chosen


def _phase(instants: NDArray[np.datetime64], period: str) -> NDArray[np.float64]:
    """The part of the year, of the week from Monday, or of the day that has passed."""
    days = instants.astype("M8[D]")
    if period == "day":
        start, length = days, _ONE_DAY
    elif period == "week":
        length = _WEEK * _ONE_DAY
        start = days - (days - _A_MONDAY) % length
    else:
        year = instants.astype("M8[Y]")
        start, length = year, (year + 1).astype("M8[D]") - year.astype("M8[D]")
    phase: NDArray[np.float64] = (instants - start) / length
    return phase


@dataclass(frozen=True)
class Dates:
    """Reads dates as days since 1970, and sine and cosine of the phases of periods.

    Parameters
    ----------
    order : str
        Order of day, month and year in text; see `order_of_dates`.
    periods : tuple of str
        Some of PERIODS.
    """

    order: str
    periods: tuple[str, ...]

    @classmethod
    def learn(cls, values: ColumnValues) -> Dates | None:
        """Learn how to read a column of dates; None for other columns."""
        order: str | None = _YEAR_FIRST
        if not values.is_temporal("M"):
            are_dates = are_of_types(values.factors[1], is_type_of_dates)
            if not are_dates.any() or values.share_that_reads(are_dates) < PARSED_SHARE:
                order = order_of_dates(values)
        return None if order is None else cls(order, periods_of(_instants(values, order)))

    @property
    def description(self) -> str:
        """What summaries say."""
        phases = f" and phases of {', '.join(self.periods)}" if self.periods else ""
        return f"date, days since 1970{phases}"

    def names(self, name: str) -> list[str]:
        """Names of the numbers that a column of this name becomes."""
        phases = [f"{name} ({f} of {p})" for p in self.periods for f in ("sine", "cosine")]
        return [name, *phases]

    def reads(self, text: str) -> bool:
        """Whether a text is a date in the learnt order or with the year first."""
        orders = {self.order, _YEAR_FIRST}
        return any(not np.isnat(parse_dates([text], order)[0]) for order in orders)

    def read(self, values: ColumnValues) -> NDArray[np.float64]:
        """The numbers of each row, (n_rows, 1 + 2 * n_periods); NaN for what is not a date."""
        instants = _instants(values, self.order)
        numbers = [(instants - np.datetime64(0, "D")) / _ONE_DAY]
        for period in self.periods:
            turn = 2 * np.pi * _phase(instants, period)
            numbers += [np.sin(turn), np.cos(turn)]
        return np.column_stack(numbers)


def _instants(values: ColumnValues, order: str) -> NDArray[np.datetime64]:
    if values.is_temporal("M"):
        return values.array.astype("M8[us]")
    values.check_kind(lambda label: is_text(label) or is_type_of_dates(type(label)), "dates")
    return values.read_labels(
        (order, _YEAR_FIRST),
        partial(_parse, values=values, order=order),
        f"dates ({WRITTEN[order]})",
    )


def _parse(labels: Sequence[Any], values: ColumnValues, order: str) -> NDArray[np.datetime64]:
    """Instants of text in the learnt order or with the year first, where there is no doubt."""
    instants = values.parsed(order, partial(parse_dates, order=order))
    unread = np.flatnonzero(np.isnat(instants))
    if order == _YEAR_FIRST or not unread.size:
        return instants
    instants = instants.copy()
    instants[unread] = parse_dates([labels[row] for row in unread.tolist()], _YEAR_FIRST)
    return instants
