"""Tables in a form that the compiled core reads in place."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def engine_array(X: NDArray[Any]) -> NDArray[Any]:
    """X as the core can read it in place; types that it does not know are converted."""
    if X.dtype.kind == "b":
        return X.view(np.uint8)
    known = X.dtype.kind in "iu" or X.dtype in (np.float32, np.float64)
    if not known:
        return X.astype(np.float32 if X.dtype == np.float16 else np.float64)
    if not X.dtype.isnative or not X.flags.aligned:
        return X.astype(X.dtype.newbyteorder("="))
    return X


def engine_values(values: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Targets, weights and the like as the core reads them: contiguous and aligned."""
    return np.require(values, dtype, ("C", "A", "E"))


def engine_table(X: Any, dtype: np.dtype[Any]) -> Any:
    """X as a network of that type reads it: an array, or the parts of a CSR with sorted rows."""
    if isinstance(X, np.ndarray):
        return engine_array(X)
    from scipy.sparse import csr_array  # not before a sparse table comes: predictors load without

    if X.shape[1] > np.iinfo(np.int32).max:
        raise ValueError(f"a sparse X must have fewer than 2^31 columns; got {X.shape[1]}")
    given = X.tocsr()
    # A new object, because SciPy may have recorded that the old one was sorted.
    rows = csr_array((given.data, given.indices, given.indptr), shape=given.shape)
    if not rows.has_sorted_indices:
        rows = rows.sorted_indices()
    return tuple(
        engine_values(part, np.dtype(kind))
        for part, kind in (
            (rows.data, dtype),
            (rows.indices, np.int32),
            (rows.indptr, np.int64),
        )
    )
