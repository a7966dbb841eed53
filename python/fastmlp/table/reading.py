"""Raw tables: their columns one by one, and columns of numbers in blocks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from os import PathLike, fspath
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmlp.table.column import column_name, count_missing
from fastmlp.table.column_values import ColumnValues

_NUMPY_DATES = {np.datetime64, np.timedelta64}
_TEXT = {str, bytes, np.str_, np.bytes_}

Positions = NDArray[np.intp]


class Block(NamedTuple):
    """Several columns of numbers.

    Attributes
    ----------
    at : slice or ndarray
        Position among the requested columns.
    values : ndarray of shape (n_rows, n_columns)
    n_missing : ndarray of shape (n_columns,)
    """

    at: slice | Positions
    values: NDArray[Any]
    n_missing: NDArray[np.intp]


class RawTable(ABC):
    """A raw table, of any type.

    Attributes
    ----------
    name : str
        What messages call the table.
    names : list of str or None
        Names of its columns.
    n_rows, n_columns : int
    """

    def __init__(self, name: str, names: list[str] | None, shape: tuple[int, ...]) -> None:
        self.name, self.names = name, names
        self.n_rows, self.n_columns = shape
        self._columns: dict[int, ColumnValues] = {}

    def column(self, position: int) -> ColumnValues:
        """The values of one column."""
        if position not in self._columns:
            name = column_name(self.names, position)
            self._columns[position] = self._values(position, name)
        return self._columns[position]

    @abstractmethod
    def is_number(self, position: int) -> bool:
        """Whether a column holds numbers by its type alone."""

    @abstractmethod
    def blocks(self, positions: Positions) -> Iterator[Block]:
        """The columns at these positions as numbers; infinity is an error."""

    @abstractmethod
    def _values(self, position: int, name: str) -> ColumnValues:
        """The values of a column of this name."""

    def _block(self, positions: Positions, at: slice | Positions, values: NDArray[Any]) -> Block:
        n_missing = count_missing(values, self.names, self.name, positions[at])
        return Block(at, values, n_missing)

    def _one_by_one(self, positions: Positions, some: Positions) -> Iterator[Block]:
        """Blocks of a single column, so that errors can name the value that is not a number."""
        for i in some.tolist():
            numbers = self.column(int(positions[i])).numbers
            yield self._block(positions, slice(i, i + 1), numbers[:, None])


class NumberTable(RawTable):
    """An array of numbers, none of which is infinite."""

    def __init__(self, matrix: NDArray[Any], name: str, names: list[str] | None = None) -> None:
        super().__init__(name, names, matrix.shape)
        self.matrix = matrix
        self.n_missing = count_missing(matrix, names, name)

    def blocks(self, positions: Positions) -> Iterator[Block]:
        """The columns at these positions together."""
        columns = consecutive(positions)
        yield Block(slice(None), self.matrix[:, columns], self.n_missing[columns])

    def is_number(self, position: int) -> bool:
        """All are."""
        return True

    def _values(self, position: int, name: str) -> ColumnValues:
        return ColumnValues(self.matrix[:, position], name, self.name)


class ObjectTable(RawTable):
    """An array of objects, or of text.

    Parameters
    ----------
    reads_text : bool
        Whether text such as "1" is accepted as a number.
    number_type : data-type
        What numbers become.
    """

    def __init__(
        self,
        objects: NDArray[Any],
        name: str,
        names: list[str] | None = None,
        *,
        reads_text: bool = True,
        number_type: Any = np.float64,
    ) -> None:
        super().__init__(name, names, objects.shape)
        self._objects, self._reads_text, self._number_type = objects, reads_text, number_type

    def is_number(self, position: int) -> bool:
        """Objects may be anything."""
        return False

    def blocks(self, positions: Positions) -> Iterator[Block]:
        """The columns at these positions as numbers; infinity is an error."""
        values = self._together(positions)
        if values is None:
            yield from self._one_by_one(positions, np.arange(positions.size))
        else:
            yield self._block(positions, slice(None), values)

    def _together(self, positions: Positions) -> NDArray[Any] | None:
        """The columns in one array; None if NumPy cannot make numbers of all, or should not."""
        objects = self._objects[:, positions]
        kinds = {*map(type, objects.flat)}
        if objects.dtype.kind in "mM" or not _NUMPY_DATES.isdisjoint(kinds):
            return None
        if not (self._reads_text or _TEXT.isdisjoint(kinds)):
            return None
        try:
            values: NDArray[Any] = objects.astype(self._number_type)
        except (TypeError, ValueError, OverflowError):
            return None
        return values

    def _values(self, position: int, name: str) -> ColumnValues:
        values = self._objects[:, position]
        return ColumnValues(values, name, self.name, reads_text=self._reads_text)


def consecutive(positions: Positions) -> slice | Positions:
    """The positions as a slice, if each is the next one of the one before: no copy is made."""
    if positions.size and (np.diff(positions) == 1).all():
        return slice(int(positions[0]), int(positions[-1]) + 1)
    return positions


def read_table(X: Any, name: str) -> RawTable:
    """Read a table, as far as possible without looking at values.

    Parameters
    ----------
    X : array-like or frame of shape (n_rows, n_columns)
    name : str
        What messages call the table.
    """
    if not is_array_like(X):
        from fastmlp.table.frame_table import read_frame  # and, with it, narwhals

        table = read_frame(X, name)
        if table is not None:
            return table
    return _read_array(X, name)


def is_array_like(X: Any) -> bool:
    """Whether X cannot be a frame of any library."""
    return isinstance(X, np.ndarray | list | tuple)


def check_no_path(X: Any, name: str) -> None:
    """Raise for a path where only tables in memory are taken."""
    if isinstance(X, str | PathLike):
        raise TypeError(
            f"{name} must be a table in memory; got the path {fspath(X)!r}, which `fit` and "
            "`predict_dataset` read"
        )


def check_shape(shape: tuple[int, ...]) -> None:
    """Raise scikit-learn's error for a table without rows or columns."""
    if 0 in shape:
        from sklearn.utils import check_array  # takes a second to import

        check_array(np.broadcast_to(np.int8(0), shape))


def _as_numbers(X: Any) -> NDArray[Any] | None:
    """A plain table of numbers as an array: scikit-learn's checks, which it passes, take 20 us."""
    if isinstance(X, list | tuple):
        try:
            X = np.asarray(X)
        except ValueError:
            return None
    plain = type(X) is np.ndarray and X.ndim == 2 and X.size > 0 and X.dtype.kind in "biuf"
    return X if plain else None


def _read_array(X: Any, name: str) -> RawTable:
    plain = _as_numbers(X)
    if plain is not None:
        return NumberTable(plain, name)
    check_no_path(X, name)
    if isinstance(X, Mapping) and not hasattr(X, "shape"):  # as some sparse matrices have
        raise ValueError(
            f"{name} must be a table with a row for each sample; got a mapping. Pass a frame of "
            "one row, or use `model.predictor()`, which takes a mapping"
        )
    if not hasattr(X, "shape") or len(X.shape) == 1:
        # scikit-learn's message would print all documents.
        first = next(iter(X), None) if hasattr(X, "__iter__") else None
        if isinstance(first, str):
            raise ValueError(
                f"Expected 2D array, got 1D array instead: {name} must have a row for each sample "
                "and a column for each feature. For documents, pass the sparse matrix that "
                "scikit-learn's TfidfVectorizer makes of them"
            )
    from sklearn.utils import check_array  # not for plain arrays: predictors load without

    array = check_array(X, dtype=None, ensure_all_finite=False, input_name=name)
    if array.dtype.kind in "biuf":
        return NumberTable(array, name)
    if isinstance(X, list | tuple) and array.dtype.kind in "SU":
        array = np.array(X, dtype=object)  # numbers beside text have become text
    return ObjectTable(array, name)
