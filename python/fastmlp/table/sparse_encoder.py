"""SparseEncoder: what is learnt of a sparse table's columns, and how its rows are scaled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastmlp.table.column import Column, numeric_columns
from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.feature_names import check_features, feature_names_of
from fastmlp.table.reading import NumberTable, RawTable, read_table
from fastmlp.table.sparse import is_sparse, read_sparse

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_OTHER_SCALE = 10.0  # columns this many times larger or smaller than most


@dataclass(frozen=True, eq=False)
class SparseEncoder:
    """The columns of a sparse table, all of numbers, learnt from the training rows. Immutable.

    It replaces a `DenseEncoder`. Encoded rows are sparse too, of the networks' type. Columns
    without any entry in training may be left out: hashed words have a million of them, and a step
    of training updates the weights of all that are kept. The others are scaled and not centred, so
    that zeros stay zeros. See `learn_scale`.

    Build it with :meth:`learn`.

    Attributes
    ----------
    feature_names : ndarray of shape (n_columns,) or None
        Names of the columns, if they have names.
    n_columns : int
        Number of columns.
    n_numeric : int
        Columns that are kept.
    position : ndarray of shape (n_columns,) or None
        Position of each column among those that are kept, -1 if it is left out; None: all are
        kept.
    scale : ndarray of shape (n_numeric,) or None
        Factor on each column that is kept, of the networks' type unless that cannot hold all; None:
        they stay as they are.
    dtype : dtype
        Type that the networks compute in.
    """

    is_sparse: ClassVar[bool] = True
    n_flags: ClassVar[int] = 0
    category_sizes: ClassVar[tuple[int, ...]] = ()

    feature_names: NDArray[Any] | None
    n_columns: int
    n_numeric: int
    position: NDArray[np.int32] | None
    scale: NDArray[Any] | None
    dtype: np.dtype[Any]

    @classmethod
    def learn(
        cls,
        X: Any,
        categorical_features: Any,
        dtype: np.dtype[Any],
        *,
        drops_empty: bool,
    ) -> tuple[SparseEncoder, csr_array]:
        """Learn the columns, without their scale, and encode the rows.

        Parameters
        ----------
        X : sparse matrix, sparse array or frame of sparse columns, of shape (n_rows, n_columns)
        categorical_features : "from_dtype"
            Anything else is an error.
        dtype : dtype
            Type that the networks compute in.
        drops_empty : bool
            Whether columns without entries are left out.

        Returns
        -------
        encoder : SparseEncoder
        encoded : csr_array of shape (n_rows, n_numeric)

        Raises
        ------
        ValueError
            If X is not 2-D, has no rows or columns, or holds NaN, infinity or other values than
            numbers, or if `categorical_features` lists columns.
        """
        _check_no_categories(categorical_features)
        names = feature_names_of(X)
        rows = read_sparse(X, "X")
        n_columns = n_kept = rows.shape[1]
        position = None
        if drops_empty:
            kept = np.bincount(rows.indices, minlength=n_columns) > 0
            n_kept = int(kept.sum())
            if 0 < n_kept < n_columns:
                position = np.where(kept, np.cumsum(kept) - 1, -1).astype(np.int32)
            else:
                n_kept = n_columns
        encoder = cls(names, n_columns, n_kept, position, None, dtype)
        return encoder, encoder._encode(rows, "X")

    def scaled_to(
        self, rows: csr_array, weights: NDArray[Any] | None
    ) -> tuple[SparseEncoder, csr_array]:
        """Learn the scale of the columns from rows that are encoded without; scale them too.

        Parameters
        ----------
        rows : csr_array of shape (n_rows, n_numeric)
        weights : ndarray of shape (n_rows,) or None
        """
        scale = learn_scale(rows, weights)
        with np.errstate(over="ignore", under="ignore"):
            in_type = scale.astype(self.dtype)
        holds = np.isfinite(in_type).all() and (in_type > 0).all()
        encoder = replace(self, scale=in_type if holds else scale)
        return encoder, encoder._scaled(rows, "X")

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the training table, which are numbers."""
        return numeric_columns(self.feature_names, self.n_columns)

    @property
    def kept(self) -> NDArray[np.intp]:
        """The columns that are kept."""
        if self.position is None:
            return np.arange(self.n_columns)
        return np.flatnonzero(self.position >= 0)

    def check_features(self, X: Any, estimator: str, name: str = "X") -> None:
        """Raise if X does not have the training table's columns; see `feature_names`."""
        check_features(self.feature_names, self.n_columns, X, estimator, name)

    def check_listed(self, categorical_features: Any) -> None:
        """Raise if columns are listed as categories."""
        _check_no_categories(categorical_features)

    def encode(self, X: Any, name: str = "X") -> csr_array:
        """Encode other rows of the same columns, sparse or dense ones of numbers and booleans."""
        if not is_sparse(X):
            X = _rows_of(_matrix(read_table(X, name)))
        rows = read_sparse(X, name)
        if rows.shape[1] != self.n_columns:
            raise ValueError(
                f"{name} has {rows.shape[1]} features, but there were {self.n_columns} in training"
            )
        return self._encode(rows, name)

    def _encode(self, rows: csr_array, name: str) -> csr_array:
        """Rows of the columns that are kept, scaled."""
        with np.errstate(over="ignore"):
            values = rows.data.astype(self.dtype, copy=False)
        columns, starts = rows.indices, rows.indptr
        if self.position is not None:
            columns = self.position[columns]
            known = columns >= 0
            starts = np.append(0, np.cumsum(known))[starts]
            values, columns = values[known], columns[known]
        shape = (rows.shape[0], self.n_numeric)
        return self._scaled(_rows_of((values, columns, starts), shape), name)

    def _scaled(self, rows: csr_array, name: str) -> csr_array:
        values = rows.data
        if self.scale is not None:
            with np.errstate(over="ignore"):
                values = (values * self.scale[rows.indices]).astype(self.dtype, copy=False)
        if not np.isfinite(values).all():
            raise ValueError(f"{name} holds values that {self.dtype} cannot hold")
        return _rows_of((values, rows.indices, rows.indptr), rows.shape)


Encoder = DenseEncoder | SparseEncoder


def _rows_of(given: Any, shape: tuple[int, int] | None = None) -> csr_array:
    from scipy.sparse import csr_array  # not before a sparse table comes: predictors load without

    return csr_array(given, shape)


def _matrix(table: RawTable) -> NDArray[Any]:
    """A dense table of numbers and booleans as one array."""
    if isinstance(table, NumberTable):
        return table.matrix
    matrix = np.empty((table.n_rows, table.n_columns))
    for at, values, _ in table.blocks(np.arange(table.n_columns)):
        matrix[:, at] = values
    return matrix


def _check_no_categories(categorical_features: Any) -> None:
    """Raise if columns of a sparse table are listed as categories."""
    if not (isinstance(categorical_features, str) and categorical_features == "from_dtype"):
        raise ValueError(
            "categorical_features must be 'from_dtype' if X is sparse: its columns are numbers. "
            f"OneHotEncoder makes numbers of categories; got {categorical_features!r}"
        )


def learn_scale(rows: csr_array, weights: NDArray[Any] | None) -> NDArray[np.float64]:
    """Learn a factor on each column that makes its typical entry, other than zero, about 1.

    The size of a column is the root mean square of its entries other than zero. Columns of about
    the same size, such as counts of words, TF-IDF and indicators, are divided by the median size,
    so that their ratios, such as inverse document frequencies, are kept. Columns of a size ten
    times as large or as small, such as amounts beside indicators, are divided by their own.
    (Compared in docs/sparse.md.)

    Parameters
    ----------
    rows : csr_array of shape (n_rows, n_columns)
    weights : ndarray of shape (n_rows,) or None
        Weights of the rows.

    Returns
    -------
    ndarray of shape (n_columns,)
    """
    values = rows.data.astype(np.float64, copy=False)
    largest = np.abs(values).max(initial=0.0) or 1.0  # so that squares do not overflow
    counted = (values != 0).astype(np.float64)
    if weights is not None:
        counted *= np.repeat(weights, np.diff(rows.indptr))
    n_columns = rows.shape[1]
    squares = np.bincount(rows.indices, counted * (values / largest) ** 2, minlength=n_columns)
    counts = np.bincount(rows.indices, counted, minlength=n_columns)
    known = squares > 0
    sizes = largest * np.sqrt(squares / np.where(known, counts, 1))
    if not known.any():
        return np.ones(n_columns)
    typical = np.median(sizes[known])
    other = known & ((sizes > _OTHER_SCALE * typical) | (sizes * _OTHER_SCALE < typical))
    return 1 / np.where(other, sizes, typical)
