"""PandasSchema: recognises frames with the columns and types of an earlier one in microseconds."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.table.reading import (
    NumberTable,
    ObjectTable,
    Positions,
    RawTable,
    read_table,
)

_WIDE = (np.dtype(np.float64), np.dtype(np.int64), np.dtype(np.int32))
_FEW_ROWS = 32  # that are read as objects, which costs time for each number but not each column
_COLUMNS_PER_BLOCK = 32  # of a row whose values take as long one by one as a block of them


class PandasSchema:
    """Columns and types of a pandas frame, and how frames like it are read.

    Reading a frame by way of narwhals costs some 20 us for each column, most of the time to predict
    a row.

    Parameters
    ----------
    frame : pandas.DataFrame
    numbers : ndarray of int
        Positions of the columns that must hold numbers.
    """

    def __init__(self, frame: Any, numbers: Positions) -> None:
        self._columns = frame.columns
        self._types = frame.dtypes.tolist()
        labels = frame.columns.tolist()
        self.names = labels if all(isinstance(label, str) for label in labels) else None
        plain = [isinstance(one, np.dtype) and one.kind in "iuf" for one in self._types]
        self._is_matrix = all(plain) and len(set(self._types)) == 1
        # Objects of fractions of other types would have lost what is exact in these.
        others = [self._types[p] for p in set(range(len(plain))).difference(numbers.tolist())]
        self._are_objects = all(plain[p] for p in numbers) and not any(
            isinstance(one, np.dtype) and one.kind == "f" and one != np.float64 for one in others
        )
        # Frames of one row of such columns are float64 whatever they become on the way.
        self.is_wide = all(self._types[p] in _WIDE for p in numbers)
        single = all(np.can_cast(self._types[p], np.float32) for p in numbers if plain[p])
        self._number_type = np.float32 if single else np.float64
        self._has_objects = np.dtype(object) in self._types  # which may be text or not
        self._numbers = numbers
        # pandas holds NumPy's types in blocks of many columns, and any other column by itself.
        n_alone = sum(not isinstance(one, np.dtype) for one in self._types)
        self._has_few_blocks = len(self._types) > _COLUMNS_PER_BLOCK * (1 + n_alone)
        self._frame_types: list[Any] | None = None

    def has_columns_of(self, X: Any) -> bool:
        """Whether X is a frame with the same names of columns."""
        return is_pandas_frame(X) and bool(self._columns.equals(X.columns))

    def has_types_of(self, X: Any) -> bool:
        """Whether the columns have the same types."""
        return bool(X.dtypes.tolist() == self._types)

    def row(self, X: Any) -> NDArray[Any] | None:
        """The values of a frame of one row with the same columns, whatever their types are.

        None if these types are unknown; the last bits depend on them.
        """
        try:
            if not self._has_few_blocks:
                values: NDArray[Any] = X.iloc[0].to_numpy()
                return values
            values = X.to_numpy()[0]
        except NotImplementedError:  # pandas, of Arrow's newer types
            return None
        # Objects that come from blocks are Python's numbers; `iloc` keeps NumPy's. Rows are float64
        # if any of their numbers are wide.
        if values.dtype == object and self._numbers.size:
            is_wide = np.asarray(X.iat[0, self._numbers[0]]).dtype in _WIDE
            return values if is_wide else None
        return values

    def read(self, X: Any, name: str) -> RawTable:
        """Read a frame with the same columns and types."""
        if len(X) == 0 or (self._has_objects and len(X) > _FEW_ROWS):
            return read_table(X, name)
        if self._is_matrix:
            return NumberTable(X.to_numpy(), name, self.names)
        if self._are_objects and len(X) <= _FEW_ROWS:
            return ObjectTable(
                X.to_numpy(dtype=object),
                name,
                self.names,
                reads_text=False,
                number_type=self._number_type,
            )
        import narwhals.stable.v1 as nw

        from fastmlp.table.frame_table import FrameTable
        from fastmlp.table.frames import types_of

        if self._frame_types is None:
            self._frame_types = types_of(nw.from_native(X))
        if len(set(self._frame_types)) == 1:
            return read_table(X, name)
        return FrameTable(nw.from_native(X), self._frame_types, name)


def is_pandas_frame(X: Any) -> bool:
    """Whether X is a pandas frame: without importing pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(X, pandas.DataFrame)
