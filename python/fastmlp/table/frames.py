"""Frames of any library, by way of narwhals."""

from __future__ import annotations

from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
from narwhals.exceptions import DuplicateError

NOT_IN_NUMPY = (nw.Decimal, nw.Int128, nw.UInt128)


def as_frame(X: Any) -> Any:
    """Frames of any library as narwhals' DataFrame or LazyFrame, other tables as they are."""
    if isinstance(X, np.ndarray):
        return X
    pyarrow = nw.dependencies.get_pyarrow()
    if pyarrow is not None and isinstance(X, pyarrow.RecordBatch):
        X = pyarrow.table(X)
    return nw.from_native(X, pass_through=True)


def columns_of(X: Any, table: str) -> list[Any] | None:
    """Names of a frame's columns; None for other tables, and a ValueError for equal names."""
    try:
        frame = as_frame(X)
        return list(frame.columns) if isinstance(frame, nw.DataFrame) else None
    except DuplicateError as error:
        raise ValueError(f"{table}: {error}") from error


def is_number_type(dtype: Any) -> bool:
    """Whether NumPy holds all numbers of a frame's type."""
    return bool(dtype.is_numeric()) and dtype not in NOT_IN_NUMPY


def types_of(frame: nw.DataFrame[Any]) -> list[Any]:
    """The type of each column, looked up once for each type that a pandas frame holds."""
    if not frame.implementation.is_pandas_like():
        return list(frame.schema.values())
    known: dict[Any, Any] = {}
    types = []
    for position, dtype in enumerate(frame.to_native().dtypes):
        if dtype not in known or dtype == np.dtype(object):  # objects may be text
            known[dtype] = frame[:, position].dtype
        types.append(known[dtype])
    return types
