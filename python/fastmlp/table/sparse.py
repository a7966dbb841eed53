"""Sparse tables: SciPy's matrices and arrays, and frames of sparse columns, row by row (CSR)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_MOST_COLUMNS = np.iinfo(np.int32).max  # that the engine's numbers of columns can hold


def is_sparse(X: Any) -> bool:
    """Whether X is a sparse matrix or array, or a pandas frame that holds only sparse numbers.

    A frame whose sparse columns leave out another value than 0 is read as a dense one.
    """
    if is_sparse_matrix(X):
        return True
    dtypes = X.dtypes if getattr(X, "ndim", 0) == 2 and hasattr(X, "dtypes") else ()
    return len(dtypes) > 0 and all(map(_leaves_out_zeros, dtypes))


def is_sparse_matrix(X: Any) -> bool:
    """Whether X is a sparse matrix or array: there is none before somebody imports SciPy's."""
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and bool(sparse.issparse(X))


def _leaves_out_zeros(dtype: Any) -> bool:
    """Whether that is pandas' dtype of sparse numbers in which what is left out is 0."""
    if not hasattr(dtype, "fill_value"):
        return False
    return dtype.subtype.kind in "biuf" and bool(dtype.fill_value == 0)


def read_sparse(X: Any, name: str) -> csr_array:
    """X with sorted rows, in which each column occurs once; of float64, or float32 as it is.

    X itself is not changed, and its arrays are read in place if they have this form.

    Raises
    ------
    ValueError
        If X is not 2-D, has no rows or columns, or holds NaN, infinity or other values than real
        numbers.
    """
    from scipy.sparse import csr_array  # not before a sparse table comes: predictors load without

    given = X if is_sparse_matrix(X) else X.sparse.to_coo()
    if given.ndim != 2:
        raise ValueError(f"Expected 2D array, got {given.ndim}D sparse array instead: {name}")
    if given.dtype.kind not in "biuf":
        kind = "Complex data not supported" if given.dtype.kind == "c" else "It must hold numbers"
        raise ValueError(f"{kind}: {name} is sparse and has the dtype {given.dtype}")
    for n, what in zip(given.shape, ("sample(s)", "feature(s)"), strict=True):
        if n == 0:
            raise ValueError(
                f"Found array with 0 {what} (shape={given.shape}) while a minimum of 1 is required."
            )
    if given.shape[1] > _MOST_COLUMNS:
        raise ValueError(f"a sparse {name} must have fewer than 2^31 columns; got {given.shape[1]}")
    rows = given.tocsr()
    dtype = np.float32 if rows.dtype in (np.float32, np.float16) else np.float64
    # A new object: SciPy may have recorded that the given one was sorted, and somebody changed it.
    rows = csr_array((rows.data.astype(dtype, copy=False), rows.indices, rows.indptr), rows.shape)
    rows.check_format(full_check=True)
    if not rows.has_canonical_format:
        rows = rows.copy()
        rows.sum_duplicates()
    if not np.isfinite(rows.data).all():
        what = "NaN" if np.isnan(rows.data).any() else "infinity or a value too large"
        raise ValueError(
            f"Input {name} contains {what}. Sparse tables must hold finite numbers only; missing "
            "values are for dense ones"
        )
    return rows
