"""ColumnValues: the values of one column of a raw table, as numbers or as labels."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from datetime import date
from functools import cached_property
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp._user_warnings import warn
from fastmlp.table.column import Column, ColumnKindError, Reader, count_missing
from fastmlp.table.identifiers import are_identifiers
from fastmlp.table.labels import (
    as_float,
    factorize,
    is_missing,
    kind_of_label,
    reads_as_number,
    sorted_labels,
)
from fastmlp.table.text import PARSED_SHARE, is_free_text, quoted, share_that_reads, unread

BOOLEANS = (bool, np.bool_)
_FEW = 9  # up to this many categories, all have a code, however rare they are
_LOOKED_AT = 1000  # labels of a column, to decide whether they are numbers
_PLAIN_NUMBERS = {float, int, bool}


class ColumnValues:
    """The values of one column of an array, as numbers or as labels; see also `SeriesValues`.

    Parameters
    ----------
    data : ndarray of shape (n_rows,)
    name, table : str
        What messages call the column and the table.
    reads_text : bool
        Whether text such as "1" is accepted as a number.

    Attributes
    ----------
    are_labels, are_booleans, are_categories : bool
        Whether the values are labels by their type; booleans; of a categorical type.
    """

    are_labels = are_booleans = are_categories = False

    def __init__(self, data: Any, name: str, table: str, *, reads_text: bool = False) -> None:
        self.data = data
        self.name = name
        self.table = table
        self.title = f"{table}: column {name!r}"
        self.reads_text = reads_text
        self._parsed: dict[Hashable, NDArray[Any]] = {}

    @property
    def array(self) -> NDArray[Any]:
        """The values as NumPy holds them."""
        values: NDArray[Any] = self.data
        return values

    @property
    def is_number(self) -> bool:
        """Whether the values are numbers by their type."""
        return not self.are_labels and self.array.dtype.kind in "biuf"

    def is_temporal(self, kind: str) -> bool:
        """Whether NumPy holds the values as dates (kind "M") or durations ("m")."""
        return not self.are_labels and self.array.dtype.kind == kind

    @cached_property
    def numbers(self) -> NDArray[Any]:
        """The values as numbers, NaN where they are missing."""
        if self.is_number:
            numbers = self.array
        elif self.is_temporal("M") or self.is_temporal("m"):
            raise TypeError(
                f"{self.table} must hold numbers in column {self.name!r}, as in training; got "
                "dates or durations"
            )
        else:
            rows, labels = self.factors
            numbers = np.append(self._numbers_of(labels), np.nan)[rows]
        return numbers

    def _numbers_of(self, labels: list[Any]) -> NDArray[np.float64]:
        if {*map(type, labels)} <= _PLAIN_NUMBERS:
            try:
                return np.array(labels, dtype=np.float64)  # a third of the time of one by one
            except OverflowError:
                pass
        return np.array([*map(self._number, labels)], dtype=np.float64)

    def _number(self, label: Any) -> float:
        is_date = isinstance(label, np.datetime64 | np.timedelta64)  # numbers to `float`
        if not is_date and (self.reads_text or not isinstance(label, str | bytes)):
            try:
                return as_float(label)
            except (TypeError, ValueError):
                pass
        raise ColumnKindError(f"{self.title} was numeric in training; got {quoted(label)}")

    def read(self, reader: Reader) -> NDArray[np.float64]:
        """The reader's numbers for the values, (n_rows, n_numbers); infinity is an error."""
        numbers = reader.read(self)
        count_missing(numbers, [self.name] * numbers.shape[1], self.table)
        return numbers

    # ---- labels

    @cached_property
    def factors(self) -> tuple[NDArray[np.int32], list[Any]]:
        """For each row the position of its label, -1 where it is missing; and the labels."""
        try:
            rows, labels = self._factorized()
            kinds = {*map(type, labels)}
            if len(kinds) == 1 and _never_missing(*kinds):
                return np.asarray(rows, dtype=np.int32), labels
            known: dict[Any, int] = {}
            positions = [
                -1 if is_missing(label) else known.setdefault(label, len(known)) for label in labels
            ]
        except TypeError as error:  # a value that has no hash
            raise nested_error(self.name, self.table, error) from error
        return np.array([*positions, -1], dtype=np.int32)[rows], [*known]

    @cached_property
    def counts(self) -> NDArray[np.intp]:
        """How many rows have each label."""
        rows, labels = self.factors
        return np.bincount(rows + 1, minlength=len(labels) + 1)[1:]

    @property
    def n_missing(self) -> int:
        """How many rows have no label."""
        return int(np.count_nonzero(self.factors[0] < 0))

    def share_that_reads(self, read: NDArray[np.bool_]) -> float:
        """The share of labels or of rows that a reader could read; see there."""
        return share_that_reads(read, self.factors[1], self.counts)

    def _factorized(self) -> tuple[NDArray[Any], list[Any]]:
        """For each row the position of its label, or -1; and the labels, missing ones included."""
        return factorize(self.array)

    def looked_up(self, column: Column) -> NDArray[np.float64]:
        """The code of each value's label, 0 where it has none.

        It is an error if none of the labels is of a kind that occurred in training.
        """
        codes = column.codes
        if isinstance(self.data, np.ndarray) and self.data.dtype == object:
            try:
                return np.array([codes[label] for label in self.data], dtype=np.float64)
            except (KeyError, TypeError):
                pass  # some are missing, unknown or of another type
        rows, labels = self.factors
        known = column.kinds_of_labels
        self.check_kind(lambda label: kind_of_label(label) in known, " and ".join(sorted(known)))
        found = [codes.get(label, 0.0) for label in labels]
        is_complete = known and not column.rare  # rare labels have no code
        if len(labels) > 1 and is_complete and not any(label in codes for label in labels):
            some = next(label for label in codes if label is not None)
            warn(
                f"{self.title}: none of its {len(labels)} values, such as {quoted(labels[0])}, "
                f"occurred in training, where values were such as {quoted(some)}"
            )
        return np.array([*found, codes.get(None, 0.0)])[rows]

    def check_kind(self, is_known: Callable[[Any], bool], kind: str) -> None:
        """Raise if no label is known to be of the kind that the column held in training."""
        labels = self.factors[1]
        if labels and kind and not any(map(is_known, labels)):
            strange = " and ".join(sorted({*map(kind_of_label, labels)}))
            raise ColumnKindError(
                f"{self.title} held {kind} in training; got {strange}, such as {quoted(labels[0])}"
            )

    def parsed(self, key: Hashable, parse: Callable[[Sequence[Any]], NDArray[Any]]) -> NDArray[Any]:
        """What `parse` makes of the labels, computed once for each key."""
        if key not in self._parsed:
            self._parsed[key] = parse(self.factors[1])
        return self._parsed[key]

    def read_labels(
        self, key: Hashable, parse: Callable[[Sequence[Any]], NDArray[Any]], expected: str
    ) -> NDArray[Any]:
        """What `parse` makes of each row's label, missing where the label is.

        If more labels or rows than in training cannot be parsed, a warning says what was expected.
        """
        rows, labels = self.factors
        values = self.parsed(key, parse)
        read = ~np.isnan(values)
        others = [] if read.all() else unread(read, labels)
        if others and self.share_that_reads(read) < PARSED_SHARE:
            self._report_unread(
                f"{self.title}: {len(others)} of {read.sum() + len(others)} values, such as "
                f"{quoted(labels[others[0]])}, cannot be read as {expected}"
            )
        missing = np.array(["nan" if values.dtype.kind == "f" else "NaT"], dtype=values.dtype)
        found: NDArray[Any] = np.append(values, missing)[rows]
        return found

    def _report_unread(self, message: str) -> None:
        """Warn that more values cannot be read than in training."""
        warn(f"{message}, which the column held in training; they count as missing")

    # ---- what is learnt

    def describe(self, listed: bool, min_rows: int) -> Column:
        """Learn how to treat the column; if it is `listed`, its values are labels in any case."""
        reader = None if listed else self._reader()
        if reader is None and (listed or self._hold_labels):
            return self._describe_labels(listed, min_rows)
        numbers = self.numbers[:, None] if reader is None else self.read(reader)
        n_missing = int(count_missing(numbers[:, :1], [self.name], self.table)[0])
        return Column.of_numbers(self.name, n_missing, len(numbers), reader)

    def _reader(self) -> Reader | None:
        """What reads the values as numbers, if they are dates, durations or numbers as text."""
        if self.are_booleans or self.are_categories or self.is_number:
            return None
        # Not with the module: these take 4 ms to import, and predictors may load without.
        from fastmlp.table.dates import Dates
        from fastmlp.table.durations import Durations
        from fastmlp.table.number_text import NumberText

        kinds = (Dates,) if self.is_temporal("M") else (Durations, Dates, NumberText)
        for kind in kinds:
            if (reader := kind.learn(self)) is not None:
                return reader
        return None

    @property
    def _hold_labels(self) -> bool:
        """Whether the values are labels by their type."""
        if self.are_labels:
            return True
        if self.is_number:
            return False
        types = {type(label) for label in self.factors[1]}
        if any(issubclass(kind, complex | np.complexfloating) for kind in types):
            raise ValueError(f"Complex data not supported: {self.table}, column {self.name!r}")
        are_numbers = all(issubclass(kind, Number | np.bool_) for kind in types)
        return not are_numbers or all(issubclass(kind, BOOLEANS) for kind in types)

    def _describe_labels(self, listed: bool, min_rows: int) -> Column:
        labels, n_missing, sizes = self.factors[1], self.n_missing, self.counts.tolist()
        numbers, least = "", min_rows if len(labels) > _FEW else 0
        if not (listed or self.are_categories):
            from fastmlp.table.mixed_amounts import check_no_amounts  # as slow to import as readers

            self._refuse_free_text()
            check_no_amounts(self)
            numbers = _numbers_as_text(labels) or self._read_in_part()
            if are_identifiers(self.counts):
                least = max(sizes) + 1
        size_of = {label: n for label, n in zip(labels, sizes, strict=True) if n >= least}
        if len(labels) > 1 and not size_of:
            self._warn_of_identifiers(numbers)
        elif numbers:
            warn(f"{self.title} is treated as a category of {len(labels)} values. {numbers}")
        categories = sorted_labels(size_of)
        n_values = len(labels) + (n_missing > 0)
        if n_values < 2 or not (categories or n_missing):
            kind, categories = "constant", []
        elif n_values == 2 or len(labels) == 2:
            kind, categories = "binary", [None, *categories][-2:]
        else:
            kind, categories = "category", [*categories, None][: len(categories) + (n_missing > 0)]
            categories.sort(key=lambda label: -size_of.get(label, n_missing))
        return Column(
            self.name, kind, tuple(categories), n_missing > 0, sum(n for n in sizes if n < least)
        )

    def _warn_of_identifiers(self, numbers: str) -> None:
        """Warn that labels are not used, with advice if they are numbers."""
        labels, n_rows = self.factors[1], int(self.counts.sum())
        use = "is used only for which values are missing" if self.n_missing else "is not used"
        alike = f"none of its {n_rows:,} values, such as {quoted(labels[0])}, occurs twice"
        if len(labels) < n_rows:
            alike = f"{len(labels):,} of its {n_rows:,} values, such as {quoted(labels[0])}, differ"
        warn(f"{self.title} {use}: {alike}{numbers and '. '}{numbers}")

    def _read_in_part(self) -> str:
        """Advice if a reader could read most of many labels; else nothing."""
        labels = self.factors[1]
        for values in self._parsed.values() if len(labels) > _FEW else ():
            read = ~np.isnan(values)
            others = unread(read, labels)
            if 2 * read.sum() < len(labels):
                continue
            if others:
                beside = quoted(labels[others[0]])
                return f"It holds numbers or dates, which are read if {beside} is made missing"
            return "Its values look like codes made of digits; convert them if they are amounts"
        return ""

    def _refuse_free_text(self) -> None:
        labels = self.factors[1]
        if is_free_text(labels, int(self.counts.sum())):
            raise ValueError(
                f"{self.title} holds free text, such as {quoted(labels[0])}, not categories. Drop "
                "it or convert it to numbers: scikit-learn's TfidfVectorizer makes a sparse "
                "matrix, which can be passed as X; skrub's StringEncoder makes columns to join to "
                "the others"
            )


def _never_missing(kind: type) -> bool:
    """Whether no value of this type is missing; NaT has a type of its own, other than dates."""
    return kind in (str, bytes, bool, int) or (
        issubclass(kind, date) and kind.__name__ != "NaTType"
    )


def _numbers_as_text(labels: Sequence[Any]) -> str:
    """Advice if most of many labels are numbers as text; else nothing."""
    if len(labels) <= _FEW:
        return ""
    others = [label for label in labels[:_LOOKED_AT] if not reads_as_number(label)]
    if 2 * len(others) >= len(labels[:_LOOKED_AT]):
        return ""
    beside = f" beside {quoted(others[0])}" if others else " written as text"
    return f"It holds numbers{beside}; pandas.to_numeric(column, errors='coerce') converts them"


def nested_error(name: str, table: str, what: object) -> TypeError:
    """For a column of lists, structures and the like."""
    return TypeError(
        f"{table}: column {name!r} holds nested values ({what}); argument must be a string or "
        "a number"
    )
