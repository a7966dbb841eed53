"""One column of a raw table: its values, and what is learnt of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import cached_property
from numbers import Number
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
from numpy.typing import NDArray

from fastmlp._user_warnings import warn
from fastmlp.table.labels import (
    factorize,
    is_missing,
    is_numeric,
    kind_of_label,
    reads_as_number,
    sorted_labels,
)
from fastmlp.table.rows import pieces

BOOLEANS = (bool, np.bool_)
_DATES = (date, time, timedelta, np.datetime64, np.timedelta64)
_LOOKED_AT = 1000  # labels of a column, to tell whether they are numbers
_FEW = 9  # up to so many categories, all have a code, however rare they are


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
    """

    name: str
    kind: str
    categories: tuple[Any, ...] = ()
    missing: bool = False
    rare: int = 0

    @cached_property
    def codes(self) -> dict[Any, float]:
        """Number that stands for each label; any other label is 0."""
        numbers = (-1, 1) if self.kind == "binary" else range(1, len(self.categories) + 1)
        return dict(zip(self.categories, map(float, numbers), strict=True))


class ColumnValues:
    """The values of one column, as numbers or as labels."""

    def __init__(
        self, data: Any, name: str, table: str, reads_text: bool, n_missing: int | None
    ) -> None:
        self.data = data  # 1-D array, or a series of a frame if its dtype marks labels
        self.name = name
        self.table = table  # what messages call it
        self.reads_text = reads_text  # whether text such as "1" is accepted as a number
        self.n_missing = n_missing  # of numbers, as soon as they are checked

    @cached_property
    def numbers(self) -> NDArray[Any]:
        """The values as numbers, NaN where they are missing; infinity is an error."""
        if is_numeric(self.data):
            numbers: NDArray[Any] = self.data
        else:
            rows, labels = self.factors
            numbers = np.array([*map(self._number, labels), np.nan])[rows]
        if self.n_missing is None:
            [self.n_missing] = count_missing(numbers[:, None], [self.name], self.table)
        return numbers

    def looked_up(self, codes: dict[Any, float]) -> NDArray[np.float64]:
        """The code of each value's label, 0 where it has none.

        It is an error if none of the labels is of a kind that occurred in training.
        """
        rows, labels = self.factors
        known = {kind_of_label(label) for label in codes if label is not None}
        strange = {kind_of_label(label) for label in labels}
        if known and strange and known.isdisjoint(strange):
            raise ColumnKindError(
                f"{self.table}: column {self.name!r} held {' and '.join(sorted(known))} in "
                f"training; got {' and '.join(sorted(strange))}, such as {labels[0]!r}"
            )
        return np.array([codes.get(label, 0.0) for label in (*labels, None)])[rows]

    @cached_property
    def factors(self) -> tuple[NDArray[np.int32], list[Any]]:
        """For each row the position of its label, -1 where it is missing; and the labels."""
        try:
            rows, labels = factorize(self.data)
        except TypeError as error:  # a value that has no hash
            raise nested_error(self.name, self.table, error) from error
        missing = np.array([*map(is_missing, labels), True])
        position = np.where(missing, -1, np.cumsum(~missing) - 1).astype(np.int32)
        return position[rows], [label for label in labels if not is_missing(label)]

    def describe(self, listed: bool, min_rows: int) -> Column:
        """Learn what the column holds; if it is `listed`, its values are labels in any case."""
        if not (listed or self._are_labels()):
            kind = "numeric" if len(self.numbers) != self.n_missing else "constant"
            return Column(self.name, kind, missing=bool(self.n_missing))
        rows, labels = self.factors
        numbers = "" if listed else self._numbers_as_text(labels)
        n_missing, *sizes = np.bincount(rows + 1, minlength=len(labels) + 1).tolist()
        least = min_rows if len(labels) > _FEW else 0
        size_of = {label: n for label, n in zip(labels, sizes, strict=True) if n >= least}
        categories = sorted_labels(size_of)
        n_values = len(labels) + (n_missing > 0)
        if n_values < 2 or not (categories or n_missing):
            kind, categories = "constant", []
            if len(labels) > 1:
                message = (
                    f"{self.table}: column {self.name!r} is not used: none of its {len(labels)} "
                )
                message += f"values, such as {labels[0]!r}, occurs twice"
                warn(f"{message}. {numbers}" if numbers else message)
        elif n_values == 2 or len(labels) == 2:
            kind, categories = "binary", [None, *categories][-2:]
        else:
            kind, categories = "category", [*categories, None][: len(categories) + (n_missing > 0)]
            categories.sort(key=lambda label: -size_of.get(label, n_missing))
        if numbers and kind != "constant":
            warn(
                f"{self.table}: column {self.name!r} is treated as a category of {len(labels)} "
                f"values. {numbers}"
            )
        return Column(
            self.name, kind, tuple(categories), n_missing > 0, sum(n for n in sizes if n < least)
        )

    def _numbers_as_text(self, labels: list[Any]) -> str:
        """What to say if most of many labels are numbers as text; else nothing."""
        if len(labels) <= _FEW or not isinstance(self.data, np.ndarray | nw.Series):
            return ""
        if not isinstance(self.data, np.ndarray) and self.data.dtype in (nw.Categorical, nw.Enum):
            return ""
        others = [label for label in labels[:_LOOKED_AT] if not reads_as_number(label)]
        if 2 * len(others) >= len(labels[:_LOOKED_AT]):
            return ""
        beside = f" beside {others[0]!r}" if others else " written as text"
        return f"It holds numbers{beside}; pandas.to_numeric(column, errors='coerce') converts them"

    def _are_labels(self) -> bool:
        """Whether the values are labels by their type."""
        if is_numeric(self.data):
            return False
        if not isinstance(self.data, np.ndarray) and self.data.dtype in (nw.Categorical, nw.Enum):
            return True
        types = {type(label) for label in self.factors[1]}
        if any(issubclass(kind, _DATES) for kind in types):
            raise dates_error(self.name, self.table)
        if any(issubclass(kind, complex | np.complexfloating) for kind in types):
            raise ValueError(f"Complex data not supported: {self.table}, column {self.name!r}")
        are_numbers = all(issubclass(kind, Number | np.bool_) for kind in types)
        return not are_numbers or all(issubclass(kind, BOOLEANS) for kind in types)

    def _number(self, label: Any) -> float:
        if self.reads_text or not isinstance(label, str | bytes):
            try:
                return float(label)
            except OverflowError:
                return np.inf
            except (TypeError, ValueError):
                pass
        raise ColumnKindError(
            f"{self.table}: column {self.name!r} was numeric in training; got {label!r}"
        )


def count_missing(X: NDArray[Any], names: list[str] | None, table: str) -> list[int]:
    """How many NaN each column holds; infinity is an error."""
    with np.errstate(over="ignore", invalid="ignore"):
        if X.dtype.kind != "f" or np.isfinite(X.sum()):
            return [0] * X.shape[1]
    n_missing = np.zeros(X.shape[1], dtype=np.intp)
    for rows in pieces(X):
        if (infinite := np.isinf(X[rows]).any(axis=0)).any():
            raise ValueError(
                f"Input {table} contains infinity or a value too large for {X.dtype!r} in column "
                f"{column_name(names, int(infinite.argmax()))!r}."
            )
        n_missing += np.isnan(X[rows]).sum(axis=0)
    return [int(n) for n in n_missing]


def column_name(names: list[str] | None, position: int) -> str:
    """The frame's name of a column, or scikit-learn's where columns have no names."""
    return f"x{position}" if names is None else names[position]


def dates_error(name: str, table: str) -> TypeError:
    """For a column of dates or durations."""
    return TypeError(
        f"{table} must hold numbers; got dates or durations in column {name!r}. Make numbers of "
        "them, such as days since a date, or the month"
    )


def nested_error(name: str, table: str, what: object) -> TypeError:
    """For a column of lists, structures and the like."""
    return TypeError(
        f"{table}: column {name!r} holds nested values ({what}); argument must be a string or "
        "a number"
    )
