"""Rows that are held out from training: groups and times for `fit`, and the latest rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastmlp.cli.errors import DataError
from fastmlp.table.encoder import DenseEncoder

_FRACTION = 0.2  # of the rows


def groups_of(labels: Any, name: str) -> NDArray[np.int32]:
    """The number of each row's group.

    Parameters
    ----------
    labels : pyarrow.ChunkedArray
    name : str
        Name of the column.
    """
    codes = pc.dictionary_encode(labels).combine_chunks().indices
    if codes.null_count:
        raise DataError(f"--groups: the column {name!r} is missing in {codes.null_count:,} rows")
    numbers: NDArray[np.int32] = codes.to_numpy()
    if numbers.max() == 0:
        raise DataError(f"--groups: all rows have the same {name!r}")
    return numbers


def numbers_of_times(table: Any, name: str) -> NDArray[np.float64]:
    """The times of the rows as numbers.

    Parameters
    ----------
    table : pyarrow.Table
        With a column of dates, durations or numbers, also as text.
    name : str
        Name of the column.
    """
    encoder, encoded = DenseEncoder.learn(table.select([name]))
    if encoder.columns[0].kind != "numeric":
        raise DataError(f"--time: the column {name!r} holds neither dates nor numbers")
    times: NDArray[np.float64] = encoded[:, 0]
    if np.isnan(times).any():
        raise DataError(f"--time: the column {name!r} is missing in {np.isnan(times).sum():,} rows")
    if times.min() == times.max():
        raise DataError(f"--time: all rows have the same {name!r}")
    return times


def latest_rows(times: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which rows are among the latest fifth; rows of one time stay together."""
    cut = np.sort(times)[int((1 - _FRACTION) * times.size)]
    choices: list[NDArray[np.bool_]] = [times >= cut, times > cut]
    choices = [later for later in choices if later.any() and not later.all()]
    return min(choices, key=lambda later: abs(later.mean() - _FRACTION))
