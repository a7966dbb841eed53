"""Rows in the order of time, all of them or in series that follow one another."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.table.encoder import DenseEncoder

_NAMED = re.compile(r"(^|[\W_])(date|datetime|time|timestamp|year)$", re.IGNORECASE)
_OF_BIRTH = re.compile(r"birth|born|(^|[\W_])dob([\W_]|$)", re.IGNORECASE)  # no time of the row
_FEWEST_STEPS = 10
_MOST_BACK = 0.15  # of the steps: a series begins again after six rows, or more


def time_order_column(encoder: DenseEncoder, X: NDArray[Any]) -> tuple[str, bool] | None:
    """A column of dates, or of numbers that are called so, in whose order the rows are.

    Returns
    -------
    name : str
    in_series : bool
        Whether the rows begin again now and then, as those of several shops or machines do.
    """
    dates = encoder.days_of_dates
    named = () if encoder.feature_names is None else encoder.names_of_encoded[: encoder.n_numeric]
    for position in [*dates, *(j for j, name in enumerate(named) if _NAMED.search(name))]:
        name = encoder.names_of_encoded[position]
        steps = np.diff(X[:, position])
        n_up, n_down = (int(np.count_nonzero(steps * sign > 0)) for sign in (1, -1))
        n_back = min(n_up, n_down)
        is_known = n_up + n_down >= _FEWEST_STEPS and not np.isnan(steps).any()
        if is_known and n_back <= _MOST_BACK * (n_up + n_down) and not _OF_BIRTH.search(name):
            return name, bool(n_back)
    return None
