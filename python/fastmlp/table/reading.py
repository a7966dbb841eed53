"""Reading of raw tables: arrays and frames of any library as columns of numbers or labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
from sklearn.utils import check_array

from fastmlp.table.column import (
    ColumnValues,
    column_name,
    count_missing,
    dates_error,
    nested_error,
)
from fastmlp.table.labels import is_numeric

_NOT_IN_NUMPY = (nw.Decimal, nw.Int128, nw.UInt128)


@dataclass
class RawTable:
    """A table that is read: a matrix of numbers, or columns of any kind."""

    name: str
    names: list[str] | None
    data: Any  # 2-D array, or a list of arrays and series
    reads_text: bool

    def __post_init__(self) -> None:
        self.matrix = self.data if isinstance(self.data, np.ndarray) else None
        self.series = self.data if self.matrix is None else self.matrix.T
        self.n_rows, self.n_columns = len(self.series[0]), len(self.series)
        self.n_missing: Sequence[int | None] = [None] * self.n_columns  # None: not counted yet
        if self.matrix is not None:
            self.n_missing = count_missing(self.matrix, self.names, self.name)

    @cached_property
    def columns(self) -> list[ColumnValues]:
        """The columns one by one."""
        return [
            ColumnValues(data, column_name(self.names, position), self.name, self.reads_text, n)
            for position, (data, n) in enumerate(zip(self.series, self.n_missing, strict=True))
        ]


def read_table(X: Any, name: str) -> RawTable:
    """Split a table into columns, as far as possible without looking at values."""
    frame: Any = X if isinstance(X, np.ndarray) else nw.from_native(X, pass_through=True)
    if isinstance(frame, nw.LazyFrame):
        raise TypeError(f"{name} must not be a lazy frame: call its collect() first")
    if not isinstance(frame, nw.DataFrame):
        array = check_array(X, dtype=None, ensure_all_finite=False, input_name=name)
        if array.dtype.kind in "mM":
            raise dates_error("x0", name)
        if isinstance(X, list | tuple) and array.dtype.kind in "SU":
            array = np.array(X, dtype=object)  # numbers beside text have become text
        return RawTable(name, None, array if is_numeric(array) else list(array.T), reads_text=True)
    check_array(np.broadcast_to(np.int8(0), frame.shape))
    names = frame.columns if all(isinstance(one, str) for one in frame.columns) else None
    types = set(frame.schema.values())
    one = types.pop() if len(types) == 1 else nw.Object()
    if one.is_numeric() and one not in _NOT_IN_NUMPY and is_numeric(frame.head(0).to_numpy()):
        return RawTable(name, names, frame.to_numpy(), reads_text=False)
    series = [
        _data(column, column_name(names, position), name)
        for position, column in enumerate(frame.iter_columns())
    ]
    return RawTable(name, names, series, reads_text=False)


def _data(series: Any, name: str, table: str) -> Any:
    """The series itself if its dtype marks labels, else an array."""
    if series.dtype.is_temporal():
        raise dates_error(name, table)
    if series.dtype.is_nested():
        raise nested_error(name, table, series.dtype)
    if series.dtype in (nw.String, nw.Categorical, nw.Enum, nw.Boolean):
        return series
    if series.dtype in _NOT_IN_NUMPY:
        series = series.cast(nw.Float64)
    return series.to_numpy()
