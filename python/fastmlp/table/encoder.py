"""TableEncoder: what is learnt of a raw table's columns, and how its rows become numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from fastmlp.table.column import BOOLEANS, Column, column_name
from fastmlp.table.engine_array import engine_array
from fastmlp.table.feature_names import check_features, feature_names_of
from fastmlp.table.reading import RawTable, read_table
from fastmlp.table.rows import slices

_BLOCK = 2**10  # rows that are copied at a time, so that they stay in the cache
_MIN_CATEGORY_ROWS = 2


@dataclass(frozen=True, eq=False)
class TableEncoder:
    """The columns of a table, learnt from the training rows. Immutable.

    Numbers stay as they are. A column of two labels becomes -1 and 1, one of more labels becomes
    codes. Labels are text, booleans, what a frame calls categorical, and Python objects that are
    not all numbers. None, NaN, NaT and NA are missing values; infinity is an error. Labels are
    compared as Python compares them: 1, 1.0 and True are the same, 1 and "1" are not. An array of
    booleans is an array of numbers.

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
    ) -> tuple[TableEncoder, NDArray[Any]]:
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
        encoder : TableEncoder
        encoded : ndarray of shape (n_rows, n_numeric + n_flags + len(category_sizes))
            X itself if it is an array of numbers without missing values that the engine can read;
            else float32 if that holds the types of all numbers, or float64.

        Raises
        ------
        ValueError
            If X is not 2-D, has no rows or columns, or holds infinity or complex numbers, or if
            `categorical_features` does not fit it.
        TypeError
            If X is sparse or lazy, or holds dates, durations or nested values.
        """
        names = feature_names_of(X)
        table = read_table(X, name)
        listed = _positions_of(categorical_features, names, table.n_columns)
        if table.matrix is not None and not (listed or any(table.n_missing)):
            return cls(names, table.n_columns, table.n_columns), engine_array(table.matrix)
        learnt = tuple(
            values.describe(position in listed, _MIN_CATEGORY_ROWS)
            for position, values in enumerate(table.columns)
        )
        kinds = Counter(column.kind for column in learnt)
        n_indicators = sum(column.missing for column in learnt if column.kind == "numeric")
        encoder = cls(
            names,
            table.n_columns,
            kinds["numeric"],
            n_indicators + kinds["binary"] + kinds["constant"],
            tuple(len(column.categories) for column in learnt if column.kind == "category"),
            frozenset(listed),
            learnt,
        )
        return encoder, encoder._encode(table)

    def check_features(self, X: Any, estimator: str, name: str = "X") -> None:
        """Raise if X does not have the training table's columns; see `feature_names`."""
        check_features(self.feature_names, self.n_columns, X, estimator, name)

    def check_listed(self, categorical_features: Any) -> None:
        """Raise if other columns are listed now than those that the columns were learnt with."""
        listed = _positions_of(categorical_features, self.feature_names, self.n_columns)
        if listed != self.listed:
            raise ValueError(
                f"categorical_features listed the columns {sorted(self.listed)} when the network "
                f"was made and cannot become {categorical_features!r} while training goes on"
            )

    def encode(self, X: Any, name: str = "X") -> NDArray[Any]:
        """Encode other rows of the same columns; see `learn`.

        A column of numbers must hold numbers again or, in arrays, text that can be read as numbers.
        """
        table = read_table(X, name)
        if table.n_columns != self.n_columns:
            raise ValueError(
                f"{name} has {table.n_columns} features, but there were {self.n_columns} in "
                "training"
            )
        if table.matrix is not None and self.n_numeric == self.n_columns and not self.n_flags:
            return engine_array(table.matrix)
        return self._encode(table)

    @property
    def columns(self) -> tuple[Column, ...]:
        """What was learnt of each column of the training table."""
        if self.learnt is not None:
            return self.learnt
        names = None if self.feature_names is None else list(self.feature_names)
        return tuple(
            Column(column_name(names, position), "numeric") for position in range(self.n_columns)
        )

    @property
    def names_of_encoded(self) -> list[str]:
        """A name for each column of the encoded table."""
        columns = self.columns
        names = [column.name for column in columns if column.kind == "numeric"]
        names += [f"{names[position]} (missing)" for position in self._with_indicator]
        return names + [columns[position].name for position in _labelled(columns)]

    @property
    def encoded_by_column(self) -> list[list[int]]:
        """For each column of the raw table the positions of its columns in the encoded table."""
        columns = self.columns
        order = [position for position, column in enumerate(columns) if column.kind == "numeric"]
        order += [order[number] for number in self._with_indicator]
        order += _labelled(columns)
        encoded: list[list[int]] = [[] for _ in columns]
        for target, position in enumerate(order):
            encoded[position].append(target)
        return encoded

    @property
    def _with_indicator(self) -> list[int]:
        """Positions of the columns with an indicator of missing values, among those of numbers."""
        numeric = (column for column in self.learnt or () if column.kind == "numeric")
        return [position for position, column in enumerate(numeric) if column.missing]

    def _encode(self, table: RawTable) -> NDArray[Any]:
        columns = self.columns
        numbers = [
            values.numbers
            for column, values in zip(columns, table.columns, strict=True)
            if column.kind == "numeric"
        ]
        single = all(np.can_cast(column.dtype, np.float32) for column in numbers)
        with_indicator = self._with_indicator
        n_read = len(numbers) + len(with_indicator)
        encoded = np.empty(
            (table.n_rows, self.n_numeric + self.n_flags + len(self.category_sizes)),
            dtype=np.float32 if single else np.float64,
        )
        for rows in slices(table.n_rows, _BLOCK):
            for position, column in enumerate(numbers):
                encoded[rows, position] = column[rows]
            encoded[rows, len(numbers) : n_read] = np.isnan(encoded[rows, with_indicator])
        for target, position in enumerate(_labelled(columns), n_read):
            codes = columns[position].codes
            encoded[:, target] = table.columns[position].looked_up(codes) if codes else 0
        return encoded


def _labelled(columns: tuple[Column, ...]) -> list[int]:
    """Positions of the columns of labels, in the order of the encoded table."""
    positions = [p for p, column in enumerate(columns) if column.kind != "numeric"]
    return sorted(positions, key=lambda p: columns[p].kind == "category")


def _positions_of(given: Any, names: NDArray[Any] | None, n_columns: int) -> set[int]:
    """Positions of `categorical_features` in the table."""
    if isinstance(given, str) and given == "from_dtype":
        return set()
    entries: list[Any] = list(given) if np.ndim(given) == 1 else [None]
    if all(isinstance(entry, str) for entry in entries):
        positions = {name: position for position, name in enumerate(() if names is None else names)}
        unknown = [entry for entry in entries if entry not in positions]
        if unknown:
            raise ValueError(f"categorical_features that are not among the columns: {unknown}")
        return {positions[entry] for entry in entries}
    if all(isinstance(entry, BOOLEANS) for entry in entries):
        if len(entries) == n_columns:
            return set(np.flatnonzero(entries).tolist())
    elif all(isinstance(e, Integral) and 0 <= int(e) < n_columns for e in entries):
        return {int(entry) for entry in entries}
    raise ValueError(
        "categorical_features must be 'from_dtype' or a list of names, of positions from 0 to "
        f"{n_columns - 1} or of {n_columns} booleans; got {given!r}"
    )
