"""Rows in the order of time, all of them or in series that follow one another."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmlp.table.encoder import DenseEncoder

_NAMED = re.compile(r"(^|[\W_])(date|datetime|time|timestamp|year)$", re.IGNORECASE)
_OF_BIRTH = re.compile(r"birth|born|(^|[\W_])dob([\W_]|$)", re.IGNORECASE)  # no time of the row
_FEWEST_STEPS = 10
_LEAST_KNOWN = 0.5  # of the rows: to drop most of them would be no advice
_MOST_BACK = 0.15  # of the steps: a series begins again after six rows, or more


class TimeOrder(NamedTuple):
    """A column in whose order the rows are.

    Attributes
    ----------
    name : str
    in_series : bool
        Whether the rows begin again now and then, as those of several shops or machines do.
    has_gaps : bool
        Whether some rows lack the column's value: the order is that of the others.
    """

    name: str
    in_series: bool
    has_gaps: bool

    def described(self) -> str:
        """The order, and what is wrong with random folds."""
        how = "in series, each in the order of" if self.in_series else "in the order of"
        return (
            f"The rows of X are {how} {self.name!r}, and networks are validated on rows that lie "
            "between those of training"
        )


def time_order(encoder: DenseEncoder, X: NDArray[Any]) -> TimeOrder | None:
    """The order of the rows, if it is that of dates, or of numbers that are called so."""
    dates = encoder.days_of_dates
    named = () if encoder.feature_names is None else encoder.names_of_encoded[: encoder.n_numeric]
    for position in [*dates, *(j for j, name in enumerate(named) if _NAMED.search(name))]:
        name = encoder.names_of_encoded[position]
        times = X[:, position]
        is_known = ~np.isnan(times)
        steps = np.diff(times[is_known])
        n_up, n_down = (int(np.count_nonzero(steps * sign > 0)) for sign in (1, -1))
        n_steps, n_back = n_up + n_down, min(n_up, n_down)
        is_ordered = n_steps >= _FEWEST_STEPS and n_back <= _MOST_BACK * n_steps
        if is_ordered and is_known.mean() >= _LEAST_KNOWN and not _OF_BIRTH.search(name):
            return TimeOrder(name, n_back > 0, not is_known.all())
    return None
