"""The values of a raw table, for display."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.table.reading import is_array_like


def raw_values(X: Any) -> NDArray[Any]:
    """The values of a dense table, (n_rows, n_columns): numbers, or objects if some are none.

    Parameters
    ----------
    X : array-like or frame of shape (n_rows, n_columns)
    """
    if not is_array_like(X):
        from fastmlp.table.frames import as_frame, is_number_type, types_of  # and narwhals

        frame = as_frame(X)
        if hasattr(frame, "columns"):
            if all(map(is_number_type, types_of(frame))):
                values: NDArray[Any] = frame.to_numpy()
                return values
            values = np.empty(frame.shape, dtype=object)
            for position in range(frame.shape[1]):
                values[:, position] = frame[:, position].to_list()
            return values
    values = np.asarray(X)
    # NumPy makes text of numbers beside text.
    return np.array(X, dtype=object) if values.dtype.kind in "SU" else values
