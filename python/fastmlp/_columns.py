"""Raw tables as numbers: what every column holds, and the matrix that the engine reads."""

from __future__ import annotations

import warnings
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from functools import cached_property
from itertools import count
from numbers import Integral, Number
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_array

from fastmlp._rows import parts, slices

_BLOCK = 2**10  # rows that are copied at once, so that they stay in the cache
_LOOKED_AT = 1000  # labels of a column, to tell whether they are numbers
_FEW = 9  # categories that all have a code, however rare they are
_DATES = (date, time, timedelta, np.datetime64, np.timedelta64)
_BOOLEANS = (bool, np.bool_)
_NOT_IN_NUMPY = (nw.Decimal, nw.Int128, nw.UInt128)


@dataclass(frozen=True)
class Column:
    """What a column of the training table held.

    Parameters
    ----------
    name : str
        The frame's name of it; "x0", "x1", ... where columns have no names, as in scikit-learn.
    kind : {"numeric", "binary", "category", "constant"}
        "constant" is a category that all rows share, or a column without any value.
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


class Columns:
    """The columns of a table, learnt from the training rows, and how rows are encoded.

    Numbers stay as they are. Categories become -1 and 1 where there are two, else codes. They are
    text, booleans, what a frame calls categorical, and Python objects that are not all numbers.
    Missing are None, NaN, NaT and NA, infinity is an error. Labels are compared as Python does:
    1, 1.0 and True are the same, 1 and "1" are not. An array of booleans is one of numbers.

    Parameters
    ----------
    categorical_features : {"auto", "from_dtype"}, array-like or None, default="auto"
        Columns of numbers that are categories nevertheless: names, positions or a mask.
    min_category_rows : int, default=2
        In columns of ten and more categories those with fewer rows have the code 0, as unknown
        ones do.

    Attributes
    ----------
    columns : tuple of Column
        In the order of the table.
    n_columns : int
        Their number.
    n_numeric : int
        The encoded table begins with so many columns of numbers, NaN where they are missing.
    n_flags : int
        So many follow: whether a number is missing (1 or 0), for columns where the training table
        lacked some, then binary columns (-1 or 1, else 0) and constant ones (0).
    category_sizes : tuple of int
        At the end, for each category, a column of codes from 0 up to and including this number.
    """

    n_columns: int
    n_numeric: int
    n_flags: int
    category_sizes: tuple[int, ...]

    def __init__(self, categorical_features: Any = "auto", min_category_rows: int = 2) -> None:
        self.categorical_features = categorical_features
        self.min_category_rows = min_category_rows

    def fit_encode(self, X: Any, name: str = "X") -> NDArray[Any]:
        """Learn the columns and encode the rows that they are learnt from.

        Parameters
        ----------
        X : array-like or frame of shape (n_rows, n_columns)
            What NumPy can read, or an eager frame of a library that narwhals knows.
        name : str, default="X"
            What error messages call the table.

        Returns
        -------
        ndarray of shape (n_rows, n_numeric + n_flags + len(category_sizes))
            X itself where it is an array of numbers, none of them missing; else float32 if that
            holds the types of all numbers, or float64.

        Raises
        ------
        ValueError
            Where X is not 2-D, has no rows or columns, or holds infinity or complex numbers, and
            where `categorical_features` does not fit it.
        TypeError
            Where X is sparse or lazy, or holds dates, durations or nested values.
        """
        table = _read(X, name)
        self._names, self.n_columns = table.names, table.n_columns
        listed = self._listed()
        # Nothing is kept for each column of a plain table: there may be a million.
        self._learnt: tuple[Column, ...] | None = None
        self.n_numeric, self.n_flags, self.category_sizes = table.n_columns, 0, ()
        if table.matrix is not None and not (listed or any(table.n_missing)):
            return table.matrix
        self._learnt = tuple(
            values.describe(position in listed, self.min_category_rows)
            for position, values in enumerate(table.columns)
        )
        kinds = Counter(column.kind for column in self._learnt)
        self.n_numeric = kinds["numeric"]
        self.n_flags = len(self._flagged) + kinds["binary"] + kinds["constant"]
        self.category_sizes = tuple(
            len(column.categories) for column in self._learnt if column.kind == "category"
        )
        return self._encode(table)

    def encode(self, X: Any, name: str = "X") -> NDArray[Any]:
        """Encode other rows of the same columns; see `fit_encode`.

        A column of numbers must hold numbers again, or, in arrays, text that can be read as such.
        """
        table = _read(X, name)
        if table.n_columns != self.n_columns:
            raise ValueError(
                f"{name} has {table.n_columns} features, but there were {self.n_columns} in "
                "training"
            )
        if table.matrix is not None and self.n_numeric == self.n_columns and not self.n_flags:
            return table.matrix
        return self._encode(table)

    @property
    def columns(self) -> tuple[Column, ...]:
        """What every column of the training table held."""
        if self._learnt is not None:
            return self._learnt
        return tuple(
            Column(_name(self._names, position), "numeric") for position in range(self.n_columns)
        )

    @property
    def names_of_encoded(self) -> list[str]:
        """A name for every column of the encoded table."""
        columns = self.columns
        names = [column.name for column in columns if column.kind == "numeric"]
        names += [f"{names[position]} (missing)" for position in self._flagged]
        return names + [columns[position].name for position in _behind_numbers(columns)]

    @property
    def encoded_by_column(self) -> list[list[int]]:
        """For every column of the table the positions of what it became."""
        columns = self.columns
        order = [position for position, column in enumerate(columns) if column.kind == "numeric"]
        order += [order[number] for number in self._flagged]
        order += _behind_numbers(columns)
        became: list[list[int]] = [[] for _ in columns]
        for encoded, position in enumerate(order):
            became[position].append(encoded)
        return became

    @property
    def _flagged(self) -> list[int]:
        """Positions of the columns with an indicator among those of numbers."""
        numeric = (column for column in self._learnt or () if column.kind == "numeric")
        return [position for position, column in enumerate(numeric) if column.missing]

    def _listed(self) -> set[int]:
        """Positions of `categorical_features` in the table."""
        given = self.categorical_features
        if given is None or (isinstance(given, str) and given in ("auto", "from_dtype")):
            return set()
        entries: list[Any] = list(given) if np.ndim(given) == 1 else [None]
        if all(isinstance(entry, str) for entry in entries):
            positions = {name: position for position, name in enumerate(self._names or ())}
            unknown = [entry for entry in entries if entry not in positions]
            if unknown:
                raise ValueError(f"categorical_features that are not among the columns: {unknown}")
            return {positions[entry] for entry in entries}
        if all(isinstance(entry, _BOOLEANS) for entry in entries):
            if len(entries) == self.n_columns:
                return set(np.flatnonzero(entries).tolist())
        elif all(isinstance(e, Integral) and 0 <= int(e) < self.n_columns for e in entries):
            return {int(entry) for entry in entries}
        raise ValueError(
            "categorical_features must be 'auto', 'from_dtype', None, or a list of names, of "
            f"positions from 0 to {self.n_columns - 1} or of {self.n_columns} booleans; got "
            f"{given!r}"
        )

    def _encode(self, table: _Table) -> NDArray[Any]:
        columns = self.columns
        numbers = [
            values.numbers
            for column, values in zip(columns, table.columns, strict=True)
            if column.kind == "numeric"
        ]
        single = all(np.can_cast(column.dtype, np.float32) for column in numbers)
        flagged = self._flagged
        n_read = len(numbers) + len(flagged)
        encoded = np.empty(
            (table.n_rows, self.n_numeric + self.n_flags + len(self.category_sizes)),
            dtype=np.float32 if single else np.float64,
        )
        for rows in slices(table.n_rows, _BLOCK):
            for position, column in enumerate(numbers):
                encoded[rows, position] = column[rows]
            encoded[rows, len(numbers) : n_read] = np.isnan(encoded[rows, flagged])
        for target, position in enumerate(_behind_numbers(columns), n_read):
            codes = columns[position].codes
            encoded[:, target] = table.columns[position].looked_up(codes) if codes else 0
        return encoded


class _Values:
    """One column of a table that is read: its values as numbers, or as labels."""

    def __init__(
        self, data: Any, name: str, table: str, reads_text: bool, n_missing: int | None
    ) -> None:
        self.data = data  # 1-D array, or a series of a frame where its type tells of labels
        self.name = name
        self.table = table  # what messages call it
        self.reads_text = reads_text  # whether "1" will do where there should be numbers
        self.n_missing = n_missing  # of numbers, as soon as they are checked

    @cached_property
    def numbers(self) -> NDArray[Any]:
        """The values as numbers, NaN where they are missing; infinity is an error."""
        if _is_numeric(self.data):
            numbers: NDArray[Any] = self.data
        else:
            rows, labels = self.factors
            numbers = np.array([*map(self._number, labels), np.nan])[rows]
        if self.n_missing is None:
            [self.n_missing] = _count_missing(numbers[:, None], [self.name], self.table)
        return numbers

    def looked_up(self, codes: dict[Any, float]) -> NDArray[np.float64]:
        """The code of each value's label, 0 where it has none.

        Labels none of which is of a kind that there was in training are a mistake.
        """
        rows, labels = self.factors
        known = {_kind(label) for label in codes if label is not None}
        strange = {_kind(label) for label in labels}
        if known and strange and known.isdisjoint(strange):
            raise ValueError(
                f"{self.table}: column {self.name!r} held {' and '.join(sorted(known))} in "
                f"training; got {' and '.join(sorted(strange))}, such as {labels[0]!r}"
            )
        return np.array([codes.get(label, 0.0) for label in (*labels, None)])[rows]

    @cached_property
    def factors(self) -> tuple[NDArray[np.int32], list[Any]]:
        """For each row the position of its label, -1 where it is missing; and the labels."""
        try:
            rows, labels = _factorize(self.data)
        except TypeError as error:  # a value that has no hash
            raise _nested(self.name, self.table, error) from error
        missing = np.array([*map(is_missing, labels), True])
        position = np.where(missing, -1, np.cumsum(~missing) - 1).astype(np.int32)
        return position[rows], [label for label in labels if not is_missing(label)]

    def describe(self, listed: bool, min_rows: int) -> Column:
        """What the values are; labels in any case if the column is `listed`."""
        if not (listed or self._are_labels()):
            kind = "numeric" if len(self.numbers) != self.n_missing else "constant"
            return Column(self.name, kind, missing=bool(self.n_missing))
        rows, labels = self.factors
        warned = not listed and self._warns_of_numbers(labels)
        n_missing, *sizes = np.bincount(rows + 1, minlength=len(labels) + 1).tolist()
        least = min_rows if len(labels) > _FEW else 0
        size_of = {label: n for label, n in zip(labels, sizes, strict=True) if n >= least}
        categories = _sorted(size_of)
        n_values = len(labels) + (n_missing > 0)
        if n_values < 2 or not (categories or n_missing):
            kind, categories = "constant", []
            if len(labels) > 1 and not warned:
                warnings.warn(
                    f"{self.table}: column {self.name!r} is not used: none of its {len(labels)} "
                    f"values, such as {labels[0]!r}, occurs twice",
                    UserWarning,
                    stacklevel=2,
                )
        elif n_values == 2 or len(labels) == 2:
            kind, categories = "binary", [None, *categories][-2:]
        else:
            kind, categories = "category", [*categories, None][: len(categories) + (n_missing > 0)]
            categories.sort(key=lambda label: -size_of.get(label, n_missing))
        return Column(
            self.name, kind, tuple(categories), n_missing > 0, sum(n for n in sizes if n < least)
        )

    def _warns_of_numbers(self, labels: list[Any]) -> bool:
        """Warn where most of many labels are numbers written as text, or beside a few words."""
        if len(labels) <= _FEW or not isinstance(self.data, np.ndarray | nw.Series):
            return False
        if not isinstance(self.data, np.ndarray) and self.data.dtype in (nw.Categorical, nw.Enum):
            return False
        others = [label for label in labels[:_LOOKED_AT] if not _reads_as_number(label)]
        if 2 * len(others) >= len(labels[:_LOOKED_AT]):
            return False
        beside = f" beside {others[0]!r}" if others else ", written as text"
        warnings.warn(
            f"{self.table}: column {self.name!r} holds numbers{beside}, and so it is taken for "
            f"a category of {len(labels)} values; pandas.to_numeric(column, errors='coerce') "
            "makes numbers of it",
            UserWarning,
            stacklevel=2,
        )
        return True

    def _are_labels(self) -> bool:
        """Whether these are categories unless somebody says otherwise."""
        if _is_numeric(self.data):
            return False
        if not isinstance(self.data, np.ndarray) and self.data.dtype in (nw.Categorical, nw.Enum):
            return True
        types = {type(label) for label in self.factors[1]}
        if any(issubclass(kind, _DATES) for kind in types):
            raise _dates(self.name, self.table)
        if any(issubclass(kind, complex | np.complexfloating) for kind in types):
            raise ValueError(f"Complex data not supported: {self.table}, column {self.name!r}")
        are_numbers = all(issubclass(kind, Number | np.bool_) for kind in types)
        return not are_numbers or all(issubclass(kind, _BOOLEANS) for kind in types)

    def _number(self, label: Any) -> float:
        if self.reads_text or not isinstance(label, str | bytes):
            try:
                return float(label)
            except OverflowError:
                return np.inf
            except (TypeError, ValueError):
                pass
        raise ValueError(
            f"{self.table}: column {self.name!r} was numeric in training; got {label!r}"
        )


@dataclass
class _Table:
    """A table that is read: a matrix of numbers, or columns of any kind."""

    name: str
    names: list[str] | None
    data: Any  # 2-D array, or a list of arrays and series
    reads_text: bool

    def __post_init__(self) -> None:
        self.matrix = self.data if isinstance(self.data, np.ndarray) else None
        self.series = self.data if self.matrix is None else self.matrix.T
        self.n_rows, self.n_columns = len(self.series[0]), len(self.series)
        self.n_missing: Sequence[int | None] = [None] * self.n_columns  # until somebody looks
        if self.matrix is not None:
            self.n_missing = _count_missing(self.matrix, self.names, self.name)

    @cached_property
    def columns(self) -> list[_Values]:
        """The columns one by one."""
        return [
            _Values(data, _name(self.names, position), self.name, self.reads_text, n)
            for position, (data, n) in enumerate(zip(self.series, self.n_missing, strict=True))
        ]


def _read(X: Any, name: str) -> _Table:
    """Take a table apart as far as its type tells what it holds."""
    frame: Any = X if isinstance(X, np.ndarray) else nw.from_native(X, pass_through=True)
    if isinstance(frame, nw.LazyFrame):
        raise TypeError(f"{name} must not be a lazy frame: call its collect() first")
    if not isinstance(frame, nw.DataFrame):
        array = check_array(X, dtype=None, ensure_all_finite=False, input_name=name)
        if array.dtype.kind in "mM":
            raise _dates("x0", name)
        if isinstance(X, list | tuple) and array.dtype.kind in "SU":
            array = np.array(X, dtype=object)  # numbers beside text have become text
        return _Table(name, None, array if _is_numeric(array) else list(array.T), reads_text=True)
    check_array(np.broadcast_to(np.int8(0), frame.shape))
    names = frame.columns if all(isinstance(one, str) for one in frame.columns) else None
    types = set(frame.schema.values())
    one = types.pop() if len(types) == 1 else nw.Object()
    if one.is_numeric() and one not in _NOT_IN_NUMPY and _is_numeric(frame.head(0).to_numpy()):
        return _Table(name, names, frame.to_numpy(), reads_text=False)
    series = [
        _data(column, _name(names, position), name)
        for position, column in enumerate(frame.iter_columns())
    ]
    return _Table(name, names, series, reads_text=False)


def _data(series: Any, name: str, table: str) -> Any:
    """The series itself where its type tells of labels, else an array."""
    if series.dtype.is_temporal():
        raise _dates(name, table)
    if series.dtype.is_nested():
        raise _nested(name, table, series.dtype)
    if series.dtype in (nw.String, nw.Categorical, nw.Enum, nw.Boolean):
        return series
    if series.dtype in _NOT_IN_NUMPY:
        series = series.cast(nw.Float64)
    return series.to_numpy()


def _is_numeric(data: Any) -> bool:
    """Whether these are numbers in NumPy's array."""
    return isinstance(data, np.ndarray) and data.dtype.kind in "biuf"


def _factorize(data: Any) -> tuple[NDArray[Any], list[Any]]:
    """For each row the position of its label, or -1; and the labels, missing ones among them."""
    labels: Any
    if _is_numeric(data):
        labels, rows = np.unique(data, return_inverse=True)
        return rows, labels.tolist()
    if isinstance(data, np.ndarray):
        position: defaultdict[Any, int] = defaultdict(count().__next__)
        rows = np.fromiter(map(position.__getitem__, data.tolist()), np.int32, len(data))
        return rows, list(position)
    native = data.to_native()
    if hasattr(native, "factorize"):  # three times as fast with pandas
        rows, labels = native.factorize()
        return rows, labels.tolist()
    labels = data.drop_nulls().unique().to_list()
    if not labels:
        return np.full(len(data), -1), labels
    rows = data.replace_strict(labels, list(range(len(labels))), return_dtype=nw.Int32)
    return rows.fill_null(-1).to_numpy(), labels


def _count_missing(X: NDArray[Any], names: list[str] | None, table: str) -> list[int]:
    """How many NaN each column holds; infinity is an error."""
    with np.errstate(over="ignore", invalid="ignore"):
        if X.dtype.kind != "f" or np.isfinite(X.sum()):
            return [0] * X.shape[1]
    n_missing = np.zeros(X.shape[1], dtype=np.intp)
    for rows in parts(X):
        if (infinite := np.isinf(X[rows]).any(axis=0)).any():
            raise ValueError(
                f"Input {table} contains infinity or a value too large for {X.dtype!r} in column "
                f"{_name(names, int(infinite.argmax()))!r}."
            )
        n_missing += np.isnan(X[rows]).sum(axis=0)
    return [int(n) for n in n_missing]


def _behind_numbers(columns: Sequence[Column]) -> list[int]:
    """Positions of the columns that are looked up, in the order of the encoded table."""
    positions = [p for p, column in enumerate(columns) if column.kind != "numeric"]
    return sorted(positions, key=lambda p: columns[p].kind == "category")


def _reads_as_number(label: Any) -> bool:
    try:
        float(label)
    except (TypeError, ValueError):
        return False
    return True


def _kind(label: Any) -> str:
    """What a label is, for comparison with others: numbers of all types are alike."""
    if isinstance(label, str | bytes):
        return type(label).__name__.replace("str", "text")
    return "numbers" if isinstance(label, Number | np.bool_) else type(label).__name__


def _name(names: list[str] | None, position: int) -> str:
    return f"x{position}" if names is None else names[position]


def _sorted(labels: Iterable[Any]) -> list[Any]:
    """Labels in an order that is not that of the rows."""
    try:
        return sorted(labels)
    except TypeError:
        return sorted(labels, key=repr)


def is_missing(label: Any) -> bool:
    """Whether a label says that there is none: None, NaN, NaT and NA of any library."""
    return type(label).__name__ in ("NoneType", "NAType", "NaTType") or bool(label != label)


def _dates(name: str, table: str) -> TypeError:
    return TypeError(
        f"{table} must hold numbers; got dates or durations in column {name!r}. Make numbers of "
        "them, such as days since a date, or the month"
    )


def _nested(name: str, table: str, what: object) -> TypeError:
    return TypeError(
        f"{table}: column {name!r} holds what is no single value ({what}); argument must be a "
        "string or a number"
    )
