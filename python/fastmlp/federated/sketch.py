"""Sketches: statistics of columns that sites send, so that all encode and scale rows alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.streaming.counted_labels import CountedLabels
from fastmlp.table.column import Column, Reader
from fastmlp.table.column_values import ColumnValues
from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.reading import read_table

N_QUANTILES = 33  # of a column of numbers, the least and the greatest value among them
_MIN_CATEGORY_ROWS = 2  # of all sites together, as in a table
_MIDPOINT = 0.5


@dataclass(frozen=True, eq=False)
class NumberSketch:
    """Quantiles of numbers: 33 of a site's values, or those of several sites.

    Attributes
    ----------
    values : ndarray of shape (n_values,)
        In ascending order.
    weights : ndarray of shape (n_values,)
        Rows that each value stands for.
    n_missing : float
        Rows without a value.
    """

    values: NDArray[np.float64]
    weights: NDArray[np.float64]
    n_missing: float = 0.0

    @classmethod
    def of(cls, numbers: NDArray[Any]) -> NumberSketch:
        """The sketch of a column, in which NaN is missing."""
        known = numbers[~np.isnan(numbers)].astype(np.float64)
        n_missing = float(numbers.size - known.size)
        if not known.size:
            return cls(np.empty(0), np.empty(0), n_missing)
        shares = np.linspace(0, 1, N_QUANTILES)
        weights = np.full(N_QUANTILES, known.size / (N_QUANTILES - 1))
        weights[[0, -1]] /= 2
        return cls(np.quantile(known, shares, method="inverted_cdf"), weights, n_missing)

    @classmethod
    def merged(cls, sketches: Sequence[NumberSketch]) -> NumberSketch:
        """The sketch of all their rows."""
        values = np.concatenate([one.values for one in sketches])
        weights = np.concatenate([one.weights for one in sketches])
        order = np.argsort(values, kind="stable")
        return cls(values[order], weights[order], sum(one.n_missing for one in sketches))

    def rows(self, n_rows: int) -> NDArray[np.float64]:
        """As many numbers as represent the column, NaN where values are missing, in order.

        The least and the greatest value are always among them.
        """
        n_all = self.weights.sum() + self.n_missing
        n_known = round(n_rows * self.weights.sum() / n_all) if self.values.size else 0
        n_known = min(max(n_known, min(2, self.values.size)), n_rows)
        numbers = np.full(n_rows, np.nan)
        if n_known:
            middles = np.cumsum(self.weights) - self.weights / 2
            shares = (np.arange(n_known) + _MIDPOINT) / n_known * self.weights.sum()
            nearest = np.searchsorted((middles[1:] + middles[:-1]) / 2, shares)
            nearest[[0, -1]] = 0, self.values.size - 1
            numbers[:n_known] = self.values[nearest]
        return numbers


@dataclass(frozen=True, eq=False)
class LabelSketch:
    """How many rows have each label.

    Attributes
    ----------
    counts : dict
        From label to rows.
    n_missing : int
        Rows without a label.
    """

    counts: dict[Any, int]
    n_missing: int = 0

    @classmethod
    def of(cls, values: ColumnValues) -> LabelSketch:
        """The sketch of a column."""
        rows, labels = values.factors
        counts = dict(zip(labels, values.counts.tolist(), strict=True))
        return cls(counts, int(np.count_nonzero(rows < 0)))

    @classmethod
    def merged(cls, sketches: Sequence[LabelSketch]) -> LabelSketch:
        """The sketch of all their rows."""
        counts: Counter[Any] = Counter()
        for one in sketches:
            counts.update(one.counts)
        return cls(dict(counts), sum(one.n_missing for one in sketches))

    def column(self, name: str) -> Column:
        """What is learnt of a column with these labels."""
        like = ColumnValues(np.empty(0, dtype=object), name, "sites")
        counts = np.array([*self.counts.values()], dtype=np.intp)
        values = CountedLabels([*self.counts], counts, self.n_missing, like)
        return values.describe(listed=True, min_rows=_MIN_CATEGORY_ROWS)

    def rows(self, n_rows: int) -> list[Any]:
        """As many labels as represent the column, None where they are missing.

        Each label is among them, if there are enough rows.
        """
        counts = {**self.counts, **({None: self.n_missing} if self.n_missing else {})}
        total = sum(counts.values())
        labels: list[Any] = []
        for label, count in sorted(counts.items(), key=lambda item: item[1]):
            labels += [label] * max(1, n_rows * count // total)
        most = labels[-1]  # gives or takes what rounding leaves
        n_left = n_rows - len(labels)
        return [*labels, *[most] * n_left] if n_left > 0 else labels[:n_rows]


@dataclass(frozen=True, eq=False)
class ColumnSketch:
    """A column of a site.

    Attributes
    ----------
    name : str
    kind : {"numbers", "labels", "empty"}
        "empty" if all values are missing.
    numbers : tuple of NumberSketch
        One for a column of numbers; for dates one for each number that they become.
    labels : LabelSketch or None
    reader : Reader or None
        What makes numbers of the values, if these are none.
    n_rows : int
    """

    name: str
    kind: str
    numbers: tuple[NumberSketch, ...] = ()
    labels: LabelSketch | None = None
    reader: Reader | None = None
    n_rows: int = 0


@dataclass(frozen=True, eq=False)
class TableSketch:
    """The statistics of a site's table that others get.

    Attributes
    ----------
    n_rows : int
    columns : tuple of ColumnSketch
    names : tuple of str or None
        The columns', if they have names.
    targets : tuple of NumberSketch or of LabelSketch
        A sketch for each column of y.
    one_dimensional : bool
        Whether y has one dimension.
    listed : frozenset of int
        Positions of `categorical_features`.
    """

    n_rows: int
    columns: tuple[ColumnSketch, ...]
    names: tuple[str, ...] | None
    targets: tuple[NumberSketch, ...] | tuple[LabelSketch, ...]
    one_dimensional: bool
    listed: frozenset[int]

    @classmethod
    def of(
        cls,
        X: Any,
        encoder: DenseEncoder,
        encoded: NDArray[Any],
        y: NDArray[Any],
        *,
        classifies: bool,
    ) -> TableSketch:
        """Sketch a table, as it is and as `DenseEncoder.learn` encoded it, and its targets."""
        table = read_table(X, "X")
        columns = []
        for position, column in enumerate(encoder.columns):
            n_rows = table.n_rows
            if column.kind == "numeric":
                targets = encoder.encoded_by_column[position][: len(column.names_of_numbers)]
                numbers = tuple(NumberSketch.of(encoded[:, target]) for target in targets)
                sketch = ColumnSketch(
                    column.name, "numbers", numbers, reader=column.reader, n_rows=n_rows
                )
            else:
                labels = LabelSketch.of(table.column(position))
                kind = "labels" if labels.counts else "empty"
                sketch = ColumnSketch(column.name, kind, labels=labels, n_rows=n_rows)
            columns.append(sketch)
        targets_of = y.reshape(len(y), -1).T
        sketches: Any = tuple(
            LabelSketch.of(ColumnValues(one, "y", "y"))
            if classifies
            else NumberSketch.of(one.astype(np.float64))
            for one in targets_of
        )
        names = None if encoder.feature_names is None else tuple(encoder.feature_names.tolist())
        return cls(table.n_rows, tuple(columns), names, sketches, y.ndim == 1, encoder.listed)


@dataclass(frozen=True, eq=False)
class MergedTable:
    """The tables of all sites as one: its encoder, and rows that represent it.

    A row's columns are drawn independently of each other, because sketches do not say how they
    depend: the rows say where values lie, and nothing of what predicts what.

    Attributes
    ----------
    encoder : DenseEncoder
    rows : ndarray of shape (n_rows, n_encoded)
        Encoded.
    y : ndarray of shape (n_rows,) or (n_rows, n_outputs)
    n_rows : int
        Rows of all sites together.
    """

    encoder: DenseEncoder
    rows: NDArray[np.float64]
    y: NDArray[Any]
    n_rows: int

    @classmethod
    def of(
        cls,
        sketches: Sequence[TableSketch],
        n_representative: int,
        random_state: np.random.RandomState,
    ) -> MergedTable:
        """Merge the sketches of all sites.

        Raises
        ------
        ValueError
            If sites differ in their columns or in what these hold.
        """
        first = sketches[0]
        for site, one in enumerate(sketches):
            _check_same(site, "columns", first.names or len(first.columns), _columns_of(one))
            shape = (len(first.targets), first.one_dimensional)
            _check_same(site, "outputs of y", shape, (len(one.targets), one.one_dimensional))
        merged = [
            _merged_column([sketch.columns[p] for sketch in sketches])
            for p in range(len(first.columns))
        ]
        columns = tuple(_column_of(one) for one in merged)
        names = None if first.names is None else np.array(first.names, dtype=object)
        encoder = DenseEncoder.of_columns(names, columns, first.listed)
        rows = _encoded_rows(encoder, merged, n_representative, random_state)
        target_sketches: Any = zip(*(sketch.targets for sketch in sketches), strict=True)
        y = np.column_stack(
            [
                random_state.permutation(type(own[0]).merged(own).rows(n_representative))
                for own in target_sketches
            ]
        )
        if first.one_dimensional:
            y = y[:, 0]
        return cls(encoder, rows, y, sum(sketch.n_rows for sketch in sketches))


def _columns_of(sketch: TableSketch) -> Any:
    return sketch.names or len(sketch.columns)


def _check_same(site: int, what: str, expected: Any, got: Any) -> None:
    if expected != got:
        raise ValueError(
            f"all sites must have the same {what}; site 0 has {expected}, site {site} has {got}"
        )


def _merged_column(sketches: Sequence[ColumnSketch]) -> ColumnSketch:
    """The column of all sites."""
    n_rows = sum(one.n_rows for one in sketches)
    known = [(site, one) for site, one in enumerate(sketches) if one.kind != "empty"]
    if not known:
        return ColumnSketch(sketches[0].name, "empty", n_rows=n_rows)
    first_site, first = known[0]
    for site, one in known:
        if (one.kind, one.reader) != (first.kind, first.reader):
            raise ValueError(
                f"column {first.name!r} holds {_held(first)} at site {first_site} and "
                f"{_held(one)} at site {site}; convert it to one kind, or pass schema="
            )
    n_empty = n_rows - sum(one.n_rows for _, one in known)
    if first.kind == "labels":
        labels = LabelSketch.merged([one.labels for _, one in known if one.labels is not None])
        labels = LabelSketch(labels.counts, labels.n_missing + n_empty)
        return ColumnSketch(first.name, "labels", labels=labels, n_rows=n_rows)
    nothing = NumberSketch(np.empty(0), np.empty(0), n_empty)
    numbers = tuple(
        NumberSketch.merged([*own, nothing])
        for own in zip(*(one.numbers for _, one in known), strict=True)
    )
    return ColumnSketch(first.name, "numbers", numbers, reader=first.reader, n_rows=n_rows)


def _held(sketch: ColumnSketch) -> str:
    return sketch.kind if sketch.reader is None else sketch.reader.description


def _column_of(sketch: ColumnSketch) -> Column:
    if sketch.labels is not None:
        return sketch.labels.column(sketch.name)
    n_missing = int(sketch.numbers[0].n_missing) if sketch.numbers else sketch.n_rows
    return Column.of_numbers(sketch.name, n_missing, sketch.n_rows, sketch.reader)


def _encoded_rows(
    encoder: DenseEncoder,
    columns: Sequence[ColumnSketch],
    n_rows: int,
    random_state: np.random.RandomState,
) -> NDArray[np.float64]:
    """Rows that represent the columns, encoded, each column in an order of its own."""
    layout = encoder.layout
    parts: list[NDArray[np.float64]] = []
    for position in layout.numeric:
        order = random_state.permutation(n_rows)
        parts += [numbers.rows(n_rows)[order] for numbers in columns[position].numbers]
    parts += [np.isnan(parts[source]).astype(np.float64) for source in layout.flag_sources]
    for position in layout.labelled:
        codes, labels = encoder.columns[position].codes, columns[position].labels
        drawn = labels.rows(n_rows) if labels is not None and codes else [None] * n_rows
        order = random_state.permutation(n_rows)
        parts.append(np.array([codes.get(label, 0.0) for label in drawn])[order])
    return np.column_stack(parts)
