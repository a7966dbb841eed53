"""DenseEncoder: what is learnt of a raw table's columns, and how its rows become numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastmlp import _core
from fastmlp.table.column import Column, column_name, numeric_columns
from fastmlp.table.column_values import BOOLEANS
from fastmlp.table.engine_array import engine_array
from fastmlp.table.feature_names import check_features, feature_names_of
from fastmlp.table.identifiers import warn_of_identifiers
from fastmlp.table.layout import Layout
from fastmlp.table.pandas_schema import PandasSchema, is_pandas_frame
from fastmlp.table.reading import NumberTable, Positions, RawTable, consecutive, read_table
from fastmlp.table.row_reader import row_reader
from fastmlp.table.rows import slices
from fastmlp.table.text import quoted, quoted_few

_BLOCK = 2**10  # rows that are copied at a time, so that they stay in the cache
_MIN_CATEGORY_ROWS = 2
_SHORT = 2**10  # columns of a row that is read by itself: its reader has an object for each
_WIDE_OR_OBJECTS = (np.dtype(object), np.dtype(np.float64), np.dtype(np.int64))


@dataclass(frozen=True, eq=False)
class DenseEncoder:
    """The columns of a table, learnt from the training rows. Immutable.

    Numbers are not changed. Dates, durations and numbers that are written as text become numbers;
    see `Dates`, `Durations` and `NumberText`. A column of two labels becomes -1 and 1, one of more
    labels becomes codes. Labels are other text, booleans, columns of a categorical type, and Python
    objects that are not all numbers. None, NaN, NaT and NA are missing values; infinity is an
    error. Labels are compared as Python compares them: 1, 1.0 and True are the same, 1 and "1" are
    not. An array of booleans is an array of numbers.

    Build it with :meth:`learn`.

    Attributes
    ----------
    feature_names : ndarray of shape (n_columns,) or None
        Names of the columns, if they have names.
    n_columns : int
        Number of columns of the raw table.
    n_numeric : int
        The encoded table begins with this many columns of numbers, NaN where they are missing.
    n_flags : int
        This many columns follow: 1 where a number is missing and 0 elsewhere, for columns in which
        some were missing in training; then binary columns (-1 or 1; 0 for other labels) and
        constant ones (0).
    category_sizes : tuple of int
        At the end, for each category, a column of codes from 0 up to and including this number.
    """

    is_sparse: ClassVar[bool] = False

    feature_names: NDArray[Any] | None
    n_columns: int
    n_numeric: int
    n_flags: int = 0
    category_sizes: tuple[int, ...] = ()
    listed: frozenset[int] = frozenset()  # positions of `categorical_features`
    # None for a plain table of numbers, which may have a million columns.
    learnt: tuple[Column, ...] | None = None

    @classmethod
    def learn(
        cls, X: Any, categorical_features: Any = "from_dtype", *, name: str = "X"
    ) -> tuple[DenseEncoder, NDArray[Any]]:
        """Learn the columns, and encode the rows that they are learnt from.

        Parameters
        ----------
        X : array-like or frame of shape (n_rows, n_columns)
            What NumPy can read, or an eager frame of a library that narwhals knows.
        categorical_features : "from_dtype" or array-like, default="from_dtype"
            Columns of numbers that are categories nevertheless: names, positions or a mask.
        name : str, default="X"
            What error messages call the table.

        Returns
        -------
        encoder : DenseEncoder
        encoded : ndarray of shape (n_rows, n_numeric + n_flags + len(category_sizes))
            X itself if it is an array of numbers without missing values that the engine can read;
            else float32 if that holds the types of all numbers, or float64.

        Raises
        ------
        ValueError
            If X is not 2-D, has no rows or columns, or holds infinity, complex numbers or free
            text, or if `categorical_features` does not fit it.
        TypeError
            If X is sparse or lazy, or holds nested values.
        """
        names = feature_names_of(X, name)
        table = read_table(X, name)
        listed = positions_of(categorical_features, names, table.n_columns)
        warn_of_identifiers([table], listed)
        if isinstance(table, NumberTable) and not (listed or table.n_missing.any()):
            encoder = cls(names, table.n_columns, table.n_columns)
            encoder._remember(X)
            return encoder, engine_array(table.matrix)
        encoder = cls.of_columns(names, _describe(table, listed), frozenset(listed))
        encoder._remember(X)
        return encoder, encoder._encode(table)

    @classmethod
    def of_columns(
        cls, names: NDArray[Any] | None, columns: tuple[Column, ...], listed: frozenset[int]
    ) -> DenseEncoder:
        """The encoder of columns that were learnt before.

        Parameters
        ----------
        names : ndarray of shape (n_columns,) or None
        columns : tuple of Column
        listed : frozenset of int
            Positions of `categorical_features`.
        """
        kinds = Counter(column.kind for column in columns)
        numeric = [column for column in columns if column.kind == "numeric"]
        return cls(
            names,
            len(columns),
            sum(len(column.names_of_numbers) for column in numeric),
            sum(column.missing for column in numeric) + kinds["binary"] + kinds["constant"],
            tuple(len(column.categories) for column in columns if column.kind == "category"),
            listed,
            columns,
        )

    def check_features(self, X: Any, estimator: str, name: str = "X") -> None:
        """Raise if X does not have the training table's columns; see `feature_names`."""
        if self._schema is None or not self._schema.has_columns_of(X):
            check_features(self.feature_names, self.n_columns, X, estimator, name)
            self._remember(X)

    def check_listed(self, categorical_features: Any) -> None:
        """Raise if other columns are listed now than those that the columns were learnt with."""
        listed = positions_of(categorical_features, self.feature_names, self.n_columns)
        if listed != self.listed:
            raise ValueError(
                f"categorical_features listed the columns {sorted(self.listed)} when the network "
                f"was made and cannot become {quoted(categorical_features)} while training goes on"
            )

    def encode(self, X: Any, name: str = "X") -> NDArray[Any]:
        """Encode other rows of the same columns; see `learn`.

        A column of numbers must hold numbers again or, in arrays, text that can be read as numbers;
        a column of dates dates, or text in the order of training.
        """
        encoded = self._encoded_row(X)
        return self.encode_read(self._read(X, name)) if encoded is None else encoded

    def encode_read(self, table: RawTable) -> NDArray[Any]:
        """Encode the rows of a table that is read."""
        if table.n_columns != self.n_columns:
            raise ValueError(
                f"{table.name} has {table.n_columns} features, but there were {self.n_columns} in "
                "training"
            )
        if isinstance(table, NumberTable) and self._is_plain:
            return engine_array(table.matrix)
        return self._encode(table)

    @property
    def columns(self) -> tuple[Column, ...]:
        """What was learnt of each column of the training table."""
        if self.learnt is not None:
            return self.learnt
        return numeric_columns(self.feature_names, self.n_columns)

    @property
    def names_of_encoded(self) -> list[str]:
        """A name for each column of the encoded table."""
        columns, layout = self.columns, self.layout
        names = [name for p in layout.numeric for name in columns[p].names_of_numbers]
        names += [f"{columns[p].name} (missing)" for p in layout.flagged]
        return names + [columns[p].name for p in layout.labelled]

    @property
    def days_of_dates(self) -> frozenset[int]:
        """Positions in the encoded table of the days that have passed since 1970."""
        if self.learnt is None:
            return frozenset()
        from fastmlp.table.dates import Dates  # not with the module: see `ColumnValues`

        columns, read = self.columns, self.layout.read
        return frozenset(target for p, target in read if isinstance(columns[p].reader, Dates))

    @property
    def encoded_by_column(self) -> list[list[int]]:
        """For each column of the raw table the positions of its columns in the encoded table."""
        columns, layout = self.columns, self.layout
        order = [p for p in layout.numeric for _ in columns[p].names_of_numbers]
        order += [*layout.flagged, *layout.labelled]
        encoded: list[list[int]] = [[] for _ in columns]
        for target, position in enumerate(order):
            encoded[position].append(target)
        return encoded

    @property
    def raw_columns(self) -> list[int]:
        """For each column of the encoded table the position of its column in the raw one."""
        if self.learnt is None:
            return list(range(self.n_columns))
        raw = [0] * (self.n_numeric + self.n_flags + len(self.category_sizes))
        for position, targets in enumerate(self.encoded_by_column):
            for target in targets:
                raw[target] = position
        return raw

    # ---- caches between calls, which are not pickled

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: self.__dict__[field.name] for field in fields(self)}

    @cached_property
    def layout(self) -> Layout:
        """Where the columns of the raw table go in the encoded one."""
        if self.learnt is None:
            return Layout.of_numbers(self.n_columns)
        return Layout.of(self.learnt)

    @property
    def _is_plain(self) -> bool:
        """Whether the encoded table is the raw one."""
        return self.layout.plain.size == self.n_columns and not self.n_flags

    @property
    def _schema(self) -> PandasSchema | None:
        """Of the last frame whose columns were found to be those of training."""
        schema: PandasSchema | None = self.__dict__.get("_remembered")
        return schema

    def _remember(self, X: Any) -> None:
        if is_pandas_frame(X) and X.shape[1] == self.n_columns:
            schema = PandasSchema(X, self.layout.plain)
            known = None if self.feature_names is None else self.feature_names.tolist()
            if schema.names == known:
                self.__dict__["_remembered"] = schema

    @cached_property
    def _row_reader(self) -> _core.RowReader | None:
        return row_reader(self, wide=True)

    def _encoded_row(self, X: Any) -> NDArray[Any] | None:
        """A table of one row that the core reads; None if it does not.

        An array of float64, or a pandas frame, which is encoded by its values alone where these
        tell their types: checking the types of a narrow frame takes longer than everything else.
        """
        if type(X) is np.ndarray:
            is_row = X.dtype == np.float64 and X.ndim == 2 and len(X) == 1 and X.size <= _SHORT
            if not is_row or self._row_reader is None:
                return None
            return self._row_reader.encode(X[0])
        if not is_pandas_frame(X) or len(X) != 1 or self._row_reader is None:
            return None
        schema = self._schema
        if schema is None or not schema.is_wide or not schema.has_columns_of(X):
            return None
        row = schema.row(X)
        if row is None or row.dtype not in _WIDE_OR_OBJECTS:
            return None
        return self._row_reader.encode(row)

    def _read(self, X: Any, name: str) -> RawTable:
        schema = self._schema
        if schema is None or not schema.has_columns_of(X):
            return read_table(X, name)
        if not schema.has_types_of(X):
            schema = self.__dict__["_remembered"] = PandasSchema(X, self.layout.plain)
        return schema.read(X, name)

    # ---- encoding

    def _encode(self, table: RawTable) -> NDArray[Any]:
        layout, n_rows = self.layout, table.n_rows
        n_encoded = self.n_numeric + self.n_flags + len(self.category_sizes)
        encoded = np.zeros((n_rows, n_encoded), dtype=np.float32)
        for targets, numbers in self._numbers(table):
            if not np.can_cast(numbers.dtype, encoded.dtype):
                encoded = encoded.astype(np.float64)
            for rows in slices(n_rows, _BLOCK):
                encoded[rows, targets] = numbers[rows]
        n_read = self.n_numeric + len(layout.flagged)
        if layout.flagged:
            flags = slice(self.n_numeric, n_read)
            for rows in slices(n_rows, _BLOCK):
                encoded[rows, flags] = np.isnan(encoded[rows, layout.flag_sources])
        columns = self.columns
        for target, position in enumerate(layout.labelled, n_read):
            if columns[position].categories:
                encoded[:, target] = table.column(position).looked_up(columns[position])
        return encoded

    def _numbers(self, table: RawTable) -> Iterator[tuple[slice | Positions, NDArray[Any]]]:
        """Columns of the encoded table, and the numbers that belong there."""
        layout = self.layout
        for at, values, _ in table.blocks(layout.plain) if layout.plain.size else ():
            yield consecutive(layout.plain_targets[at]), values
        for position, target in layout.read:
            reader: Any = self.columns[position].reader
            values = table.column(position).read(reader)
            yield slice(target, target + values.shape[1]), values


def _describe(table: RawTable, listed: set[int]) -> tuple[Column, ...]:
    """Learn how to treat each column; numbers are processed in blocks."""
    positions = (p for p in range(table.n_columns) if p not in listed and table.is_number(p))
    numbers = np.fromiter(positions, np.intp)
    n_missing = np.zeros(table.n_columns, dtype=np.intp)
    for at, _, n in table.blocks(numbers) if numbers.size else ():
        n_missing[numbers[at]] = n
    known = set(numbers.tolist())
    return tuple(
        Column.of_numbers(column_name(table.names, p), int(n_missing[p]), table.n_rows)
        if p in known
        else table.column(p).describe(p in listed, _MIN_CATEGORY_ROWS)
        for p in range(table.n_columns)
    )


def positions_of(given: Any, names: NDArray[Any] | None, n_columns: int) -> set[int]:
    """Positions of `categorical_features` in the table."""
    if isinstance(given, str) and given == "from_dtype":
        return set()
    entries: list[Any] = list(given) if np.ndim(given) == 1 else [None]
    if all(isinstance(entry, str) for entry in entries):
        positions = {name: position for position, name in enumerate(() if names is None else names)}
        unknown = [entry for entry in entries if entry not in positions]
        if unknown:
            raise ValueError(
                f"categorical_features that are not among the columns: {quoted_few(unknown)}"
            )
        return {positions[entry] for entry in entries}
    is_boolean = [isinstance(entry, BOOLEANS) for entry in entries]
    if all(is_boolean):
        if len(entries) == n_columns:
            return set(np.flatnonzero(entries).tolist())
    elif not any(is_boolean) and all(
        isinstance(entry, Integral) and 0 <= int(entry) < n_columns for entry in entries
    ):
        return {int(entry) for entry in entries}
    advice = f". For one column, pass [{given!r}]" if isinstance(given, str) else ""
    raise ValueError(
        "categorical_features must be 'from_dtype' or a list of names, of positions from 0 to "
        f"{n_columns - 1} or of {n_columns} booleans; got {quoted(given)}{advice}"
    )
