"""Column: what is learnt of one column of a raw table."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from math import isfinite
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fastmlp.table.labels import kind_of_label
from fastmlp.table.rows import pieces

if TYPE_CHECKING:
    from fastmlp.table.column_values import ColumnValues


class Reader(Protocol):
    """Reads the values of a column as numbers: dates, durations, numbers written as text."""

    @property
    def description(self) -> str:
        """What the values are, for summaries."""

    def names(self, name: str) -> list[str]:
        """Names of the numbers into which a value is turned."""

    def reads(self, text: str) -> bool:
        """Whether a text can be read."""

    def read(self, values: ColumnValues) -> NDArray[np.float64]:
        """The numbers, (n_rows, n_numbers); NaN where a value is missing or cannot be read."""


class ColumnKindError(ValueError):
    """A column holds values of another kind than in training."""


@dataclass(frozen=True)
class Column:
    """What was learnt of one column of the training table.

    Parameters
    ----------
    name : str
        The frame's name of it; "x0", "x1", ... where columns have no names, as in scikit-learn.
    kind : {"numeric", "binary", "category", "constant"}
        "constant" is a category that all rows share, or a column all of whose values are missing.
    categories : tuple
        Labels of the codes 1, 2, ..., the most frequent one first, or of -1 and 1 where binary.
        None stands for missing values.
    missing : bool
        Whether values were missing.
    rare : int
        Number of rows whose category was too rare to have a code.
    reader : Reader or None
        Reads the values of a numeric column if they are dates, durations or text.
    """

    name: str
    kind: str
    categories: tuple[Any, ...] = ()
    missing: bool = False
    rare: int = 0
    reader: Reader | None = None

    @classmethod
    def of_numbers(
        cls, name: str, n_missing: int, n_rows: int, reader: Reader | None = None
    ) -> Column:
        """A column of numbers, some or all of which may be missing."""
        if n_missing == n_rows:
            return cls(name, "constant", missing=True)
        return cls(name, "numeric", missing=n_missing > 0, reader=reader)

    @cached_property
    def codes(self) -> dict[Any, float]:
        """Number that stands for each label; any other label is 0."""
        numbers = (-1, 1) if self.kind == "binary" else range(1, len(self.categories) + 1)
        return dict(zip(self.categories, map(float, numbers), strict=True))

    @cached_property
    def kinds_of_labels(self) -> frozenset[str]:
        """Such as text and numbers."""
        return frozenset(kind_of_label(label) for label in self.categories if label is not None)

    @property
    def names_of_numbers(self) -> list[str]:
        """Names of the numbers that a value of a numeric column becomes."""
        return [self.name] if self.reader is None else self.reader.names(self.name)

    def __getstate__(self) -> dict[str, Any]:
        # Without cached values.
        return {field.name: self.__dict__[field.name] for field in fields(self)}


def count_missing(
    X: NDArray[Any],
    names: list[str] | None,
    table: str,
    positions: NDArray[np.intp] | None = None,
) -> NDArray[np.intp]:
    """How many NaN each column holds; infinity is an error.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
    names : list of str or None
        Names of the table's columns.
    table : str
        What messages call it.
    positions : ndarray of shape (n_columns,) or None
        Those of X's columns in the table; None: they are all of it.
    """
    n_missing = np.zeros(X.shape[1], dtype=np.intp)
    if X.dtype.kind != "f":
        return n_missing
    with np.errstate(over="ignore", invalid="ignore"):
        if isfinite(X.sum()):
            return n_missing
    for rows in pieces(X):
        if (infinite := np.isinf(X[rows]).any(axis=0)).any():
            first = int(infinite.argmax())
            position = first if positions is None else int(positions[first])
            raise ValueError(
                f"Input {table} contains infinity or a value too large for {X.dtype!r} in column "
                f"{column_name(names, position)!r}."
            )
        n_missing += np.isnan(X[rows]).sum(axis=0)
    return n_missing


def numeric_columns(names: NDArray[Any] | None, n_columns: int) -> tuple[Column, ...]:
    """Columns of numbers of which nothing else is learnt."""
    known = None if names is None else names.tolist()
    return tuple(Column(column_name(known, p), "numeric") for p in range(n_columns))


def column_name(names: list[str] | None, position: int) -> str:
    """The frame's name of a column, or scikit-learn's where columns have no names."""
    return f"x{position}" if names is None else names[position]
