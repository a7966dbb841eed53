"""Partitions: a Dask table in parts, as blocks of rows with their targets and weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dask
import numpy as np
from dask.delayed import Delayed

from fastmlp.dask.fit_tables import with_columns
from fastmlp.dask.tables import is_array, is_dask_table, is_frame
from fastmlp.streaming.sources.blocks import Block


def partitions_of(X: Any, y: Any, sample_weight: Any) -> list[Delayed]:
    """A delayed Block for each partition, whose parts are computed by the same worker.

    Named columns are taken from the frame there: X and y computed separately would read it twice,
    and the rows of some collections, such as random samples, have another order each time.

    Raises
    ------
    TypeError
        If one of the tables is not a Dask DataFrame, Series or Array.
    ValueError
        If they do not have the same partitions.
    """
    parts: dict[str, Sequence[Any]] = {}
    for name, table in {"X": X, "y": y, "sample_weight": sample_weight}.items():
        if isinstance(table, str) or (name == "sample_weight" and table is None):
            parts[name] = [table] * len(parts["X"])
            continue
        if not is_dask_table(table):
            raise TypeError(
                f"{name} must be a Dask DataFrame, Series or Array if fit is distributed by rows; "
                f"got {type(table).__name__}"
            )
        parts[name] = _parts(table)
    for name, own in parts.items():
        if len(own) != len(parts["X"]):
            raise ValueError(
                f"{name} must have the partitions of X, {len(parts['X'])}; it has {len(own)}. "
                f"Pass the name of a column of X as {name}, or rechunk arrays"
            )
    return [
        dask.delayed(_block)(*own, f"partition {number}")
        for number, own in enumerate(zip(*parts.values(), strict=True))
    ]


def _parts(table: Any) -> list[Delayed]:
    if is_frame(table):
        parts: list[Delayed] = table.to_delayed()
        return parts
    assert is_array(table)
    whole = table.rechunk({1: -1}) if table.ndim == 2 else table
    return list(whole.to_delayed().reshape(len(whole.chunks[0])))


def _block(X: Any, y: Any, weight: Any, where: str) -> Block:
    X, y, weight = with_columns(X, y, weight)
    return Block(X, np.asarray(y), None if weight is None else np.asarray(weight), where)
