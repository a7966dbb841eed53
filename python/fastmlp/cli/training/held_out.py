"""Rows that are held out from training: groups and times for `fit`, and the latest rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from fastmlp.cli.errors import DataError
from fastmlp.ensemble.splitters import TimeSplitter
from fastmlp.estimators.splitting import times_of

_FRACTION = 0.2  # of the rows


def groups_of(labels: Any, name: str) -> NDArray[np.int32]:
    """The number of each row's group.

    Parameters
    ----------
    labels : pyarrow.ChunkedArray
    name : str
        Of the column.
    """
    codes = pc.dictionary_encode(labels).combine_chunks().indices
    if codes.null_count:
        raise DataError(f"--groups: the column {name!r} is missing in {codes.null_count:,} rows")
    numbers: NDArray[np.int32] = codes.to_numpy()
    if numbers.max() == 0:
        raise DataError(f"--groups: all rows have the same {name!r}")
    return numbers


def numbers_of_times(table: Any, name: str) -> NDArray[np.float64]:
    """The times of the rows as numbers, of the column of this name of a pyarrow.Table."""
    try:
        return times_of(table.select([name]))
    except (TypeError, ValueError) as error:
        raise DataError(f"--time: the column {name!r}: {error}") from error


def latest_rows(times: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which rows are among the latest fifth; rows of one time stay together."""
    division = TimeSplitter(times).divide(times.size, _FRACTION, 1, None, check_random_state(0))
    is_latest = np.zeros(times.size, dtype=bool)
    is_latest[division.parts[0][1]] = True
    return is_latest
