"""Rows that are held out from training: whole groups, or the latest rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastmlp.cli.errors import DataError

FRACTION = 0.2  # of the groups, or of the rows
_MOST = 0.5  # of the rows, if many have the same time


def whole_groups(groups: Any, name: str, seed: int) -> NDArray[np.bool_]:
    """Tell which rows belong to a random fifth of the groups.

    Parameters
    ----------
    groups : pyarrow.ChunkedArray
        The group of each row; rows without one are a group of their own.
    name : str
        Of the column.
    seed : int
    """
    from sklearn.model_selection import GroupShuffleSplit

    codes = pc.dictionary_encode(groups, null_encoding="encode").combine_chunks().indices.to_numpy()
    if codes.max() == 0:
        raise DataError(f"--groups: all rows have the same {name!r}")
    splitter = GroupShuffleSplit(1, test_size=FRACTION, random_state=seed)
    [(_, held_out)] = splitter.split(codes, groups=codes)
    is_held_out = np.zeros(codes.size, dtype=bool)
    is_held_out[held_out] = True
    return is_held_out


def latest(table: Any, name: str) -> NDArray[np.bool_]:
    """Tell which rows are among the latest fifth; rows of one time stay together.

    Parameters
    ----------
    table : pyarrow.Table
        With the one column of times: dates, durations or numbers, also as text.
    name : str
        Of the column.
    """
    from fastmlp.table.encoder import DenseEncoder

    encoder, encoded = DenseEncoder.learn(table)
    if encoder.columns[0].kind != "numeric":
        raise DataError(f"--time: the column {name!r} holds neither dates nor numbers")
    times = encoded[:, 0]
    if np.isnan(times).any():
        raise DataError(f"--time: the column {name!r} is missing in {np.isnan(times).sum():,} rows")
    cut = np.sort(times)[int((1 - FRACTION) * times.size)]
    choices: list[NDArray[np.bool_]] = [times >= cut, times > cut]
    choices = [later for later in choices if 0 < later.mean() <= _MOST]
    if not choices:
        raise DataError(f"--time: most rows have the same {name!r}, so too few are later")
    return min(choices, key=lambda later: abs(later.mean() - FRACTION))
