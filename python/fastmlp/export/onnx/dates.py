"""Days since 1970 as what networks read of dates: the days, and phases of year, week and day."""

from __future__ import annotations

import numpy as np

from fastmlp.export.onnx.graph import Graph
from fastmlp.table.dates import Dates

_MONDAY = 4  # 5 January 1970
_FIRST = 719_162  # days from 1 January of the year 1 to 1970
_IN_400_YEARS, _IN_100_YEARS, _IN_4_YEARS, _IN_YEAR = 146_097, 36_524, 1461, 365


def read_dates(g: Graph, days: str, reader: Dates) -> list[str]:
    """The numbers (n_rows, 1) of a column of dates, in the order of the encoded table."""
    numbers = [days]
    for period in reader.periods:
        turn = g("Mul", _PHASES[period](g, days), np.float64(2 * np.pi))
        # Not all runtimes have the cosine in double.
        numbers += [g("Sin", turn), g("Sin", g("Add", turn, np.float64(np.pi / 2)))]
    return numbers


def _phase_of_day(g: Graph, days: str) -> str:
    return g("Sub", days, g("Floor", days))


def _phase_of_week(g: Graph, days: str) -> str:
    _, day = _divided(g, g("Sub", days, np.float64(_MONDAY)), 7)
    return g("Div", day, np.float64(7))


def _phase_of_year(g: Graph, days: str) -> str:
    """By counting how many whole cycles of the calendar, centuries and so on have passed."""
    date = g("Floor", days)
    rest = g("Add", date, np.float64(_FIRST))
    _, rest = _divided(g, rest, _IN_400_YEARS)
    centuries, rest = _divided(g, rest, _IN_100_YEARS, most=3)
    cycles, rest = _divided(g, rest, _IN_4_YEARS)
    years, day = _divided(g, rest, _IN_YEAR, most=3)
    is_fourth = g("Equal", years, np.float64(3))
    # The 25th cycle of a century has no leap day at its end, except for that of the fourth century.
    has_leap_day = g("Or", g("Less", cycles, np.float64(24)), g("Equal", centuries, np.float64(3)))
    is_leap = g("And", is_fourth, has_leap_day)
    length = g("Where", is_leap, np.float64(366), np.float64(365))
    return g("Div", g("Add", day, g("Sub", days, date)), length)


def _divided(g: Graph, days: str, by: int, most: int | None = None) -> tuple[str, str]:
    """How many whole periods there are in the days, and the days that are left."""
    n = g("Floor", g("Div", days, np.float64(by)))
    if most is not None:  # the last one is a day longer
        n = g("Min", n, np.float64(most))
    return n, g("Sub", days, g("Mul", n, np.float64(by)))


_PHASES = {"year": _phase_of_year, "week": _phase_of_week, "day": _phase_of_day}
