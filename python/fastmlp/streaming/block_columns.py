"""From a block of a raw table to the stored values and to statistics of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmlp.streaming.counted_labels import CountedLabels
from fastmlp.streaming.readings import Reading, is_typed
from fastmlp.table.column import ColumnKindError, Reader, column_name
from fastmlp.table.column_values import ColumnValues
from fastmlp.table.dates import Dates, witnesses
from fastmlp.table.reading import RawTable

_LARGEST_POWER = 120  # of 2, that numbers are scaled by


class Contradiction(Exception):
    """A block holds values in a column that cannot be read as those before."""

    def __init__(self, position: int, values: ColumnValues, reason: Exception) -> None:
        super().__init__(str(reason))
        self.position, self.labels = position, CountedLabels.of(values)


class Labels(NamedTuple):
    """The labels of a block's column, as `ColumnValues.factors` and `counts`."""

    rows: NDArray[np.int32]
    labels: list[Any]
    counts: NDArray[np.intp]
    n_missing: int


class BlockColumns(NamedTuple):
    """What a block holds, in the order of `ColumnsReader`.

    Attributes
    ----------
    numbers : ndarray of shape (n_rows, n_numbers), float32
        As they are stored.
    n_missing : ndarray of shape (n_numbers,)
    low, high : ndarray of shape (n_numbers,)
        Range of the numbers in rows of positive weight, before they are stored.
    labels : list of Labels
        The labels of each column of labels.
    dates : dict of int to ndarray
        For columns of dates, some dates that span and resolve the same periods as all.
    """

    numbers: NDArray[np.float32]
    n_missing: NDArray[np.intp]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    labels: list[Labels]
    dates: dict[int, NDArray[np.datetime64]]


class ColumnsReader:
    """Reads the columns of blocks; any number of threads may use it.

    Parameters
    ----------
    readings : sequence of Reading
        How each column is read.
    tables : sequence of RawTable
        The first blocks, which determine how numbers are shifted and scaled for storage.
    dtype : str, default="float32"
        Type that they are stored in.

    Attributes
    ----------
    shift, scale : ndarray of shape (n_numbers,)
        Numbers are stored as ``(x - shift) * scale``, in float32: shifted by their median, they
        keep digits that float32 would lose. Scales are powers of 2, which cost none.
    """

    def __init__(
        self, readings: Sequence[Reading], tables: Sequence[RawTable], dtype: str = "float32"
    ) -> None:
        self.readings = readings
        self._largest = float(np.finfo(dtype).max)
        of_numbers = [p for p, reading in enumerate(readings) if reading == "numbers"]
        self._plain = np.array(of_numbers, dtype=np.intp)
        self.labelled = [p for p, reading in enumerate(readings) if reading == "labels"]
        self._readers: dict[int, Reader] = {
            p: reading for p, reading in enumerate(readings) if not isinstance(reading, str)
        }
        self._widths = {p: len(reader.names("")) for p, reader in self._readers.items()}
        starts = np.cumsum([self._plain.size, *self._widths.values()]).tolist()
        self._first = dict(zip(self._widths, starts, strict=False))
        self.n_numbers = int(starts[-1])
        self.shift, self.scale = np.zeros(self.n_numbers), np.ones(self.n_numbers)
        self.shift, self.scale = self._storage_of(
            [self._raw(table, strict=False)[0] for table in tables]
        )

    def stored_numbers(self, position: int) -> list[int]:
        """Which of the stored numbers a column becomes."""
        if position in self._first:
            first = self._first[position]
            return [*range(first, first + self._widths[position])]
        return [int(np.searchsorted(self._plain, position))]

    def _name_of(self, stored: int, table: RawTable) -> str:
        """The name of the column that became a stored number."""
        by_reader = (p for p in self._first if stored in self.stored_numbers(p))
        position = next(by_reader, None)
        if position is None:
            position = int(self._plain[stored])
        return names_of_table(table)[position]

    def read(
        self, table: RawTable, counted: NDArray[np.bool_] | None, *, strict: bool = True
    ) -> BlockColumns:
        """Read a block.

        Parameters
        ----------
        table : RawTable
        counted : ndarray of shape (n_rows,) or None
            Rows of positive weight; None: all.
        strict : bool, default=True
            Whether more values that no reader reads than in training contradict the reading; else
            they count as missing.

        Raises
        ------
        Contradiction
            If values of a column cannot be read as those of the first blocks.
        """
        raw, n_missing, dates = self._raw(table, strict=strict)
        weighted = raw if counted is None else raw[counted]
        low, high = (
            reduced.reduce(weighted, axis=0, initial=end)
            for reduced, end in ((np.fmin, np.inf), (np.fmax, -np.inf))
        )
        ends = np.where(low <= high, (low, high), self.shift)  # there may be none
        too_large = (np.abs((ends - self.shift) * self.scale) > self._largest).any(axis=0)
        if too_large.any():
            raise ValueError(
                f"{table.name}: column {self._name_of(int(too_large.argmax()), table)!r} holds "
                "numbers too large to be stored beside those of the first rows"
            )
        with np.errstate(over="ignore"):  # in rows without weight
            raw -= self.shift
            raw *= self.scale
            numbers = raw.clip(-self._largest, self._largest).astype(np.float32)
        labels = [self._labels(table.column(p)) for p in self.labelled]
        return BlockColumns(numbers, n_missing, low, high, labels, dates)

    def _raw(
        self, table: RawTable, *, strict: bool
    ) -> tuple[NDArray[np.float64], NDArray[np.intp], dict[int, NDArray[np.datetime64]]]:
        """The numbers as they are; how many are missing; and some dates of each column of dates."""
        raw = np.empty((table.n_rows, self.n_numbers))
        n_missing = np.zeros(self.n_numbers, dtype=np.intp)
        self._check_plain(table)
        for at, values, missing in table.blocks(self._plain) if self._plain.size else ():
            raw[:, at], n_missing[at] = values, missing
        dates = {}
        for position, reader in self._readers.items():
            own = slice(self._first[position], self._first[position] + self._widths[position])
            raw[:, own] = _read(position, table.column(position), reader, strict=strict)
            n_missing[own] = np.isnan(raw[:, own.start]).sum()
            if isinstance(reader, Dates):
                days = raw[:, own.start]
                dates[position] = witnesses(_instants(days[~np.isnan(days)]))
        return raw, n_missing, dates

    def _check_plain(self, table: RawTable) -> None:
        """Raise for columns of numbers that hold something else in this block."""
        for position in self._plain.tolist():
            if not table.is_number(position):
                values = table.column(position)
                try:
                    values.numbers  # noqa: B018  raises if they are none
                except (ColumnKindError, TypeError) as error:
                    raise Contradiction(position, values, error) from None

    def _storage_of(
        self, parts: Sequence[NDArray[np.float64]]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Shift and scale by the median and the largest distance from it."""
        shift, scale = np.zeros(self.n_numbers), np.ones(self.n_numbers)
        for j in range(self.n_numbers):
            column = np.concatenate([part[:, j] for part in parts])
            known = column[~np.isnan(column)]
            if known.size:
                middle = known.size // 2
                shift[j] = np.partition(known, middle)[middle]
                farthest = np.abs(known - shift[j]).max()
                if 0 < farthest < np.inf:
                    power = -np.round(np.log2(farthest))
                    scale[j] = np.exp2(np.clip(power, -_LARGEST_POWER, _LARGEST_POWER))
        return shift, scale

    @staticmethod
    def _labels(values: ColumnValues) -> Labels:
        rows, labels = values.factors
        return Labels(rows, labels, values.counts, values.n_missing)


def names_of_table(table: RawTable) -> list[str]:
    """The names of the columns, or those that messages call them."""
    return [column_name(table.names, position) for position in range(table.n_columns)]


def _read(
    position: int, values: ColumnValues, reader: Reader, *, strict: bool
) -> NDArray[np.float64]:
    """The reader's numbers for the values; each label is read once."""
    if is_typed(values):
        return values.read(reader)
    labels = CountedLabels.of(values, strict=strict)
    try:
        read = labels.read(reader)[: len(values.factors[1])]
    except ColumnKindError as error:
        raise Contradiction(position, values, error) from None
    found: NDArray[np.float64] = np.vstack([read, np.full((1, read.shape[1]), np.nan)])
    return found[values.factors[0]]


def _instants(days: NDArray[np.float64]) -> NDArray[np.datetime64]:
    """Dates from days since 1970."""
    return np.datetime64(0, "us") + np.round(days * 86_400e6).astype("m8[us]")
