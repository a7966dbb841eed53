"""Signs that random folds would let networks be validated on what they have seen.

That is so where rows are copies of each other, come in groups (visits of one patient share what
belongs to the patient), or follow one another in time. Each sign is one that tables without groups
or time hardly ever show; groups that leave no trace in X are not found.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import ceil, log2
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmlp._user_warnings import ValidationWarning, warn
from fastmlp.ensemble.splits import RowSubset
from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.rows import slices
from fastmlp.table.sparse_encoder import Encoder
from fastmlp.tasks import Task

_TIME_NAME = re.compile(r"(^|[\W_])(date|datetime|time|timestamp|year)$", re.IGNORECASE)
_FEWEST_TIMES = 10
_SAMPLED_ROWS = 2**14  # at most, of each column
_MOST_SAMPLED = 2**16
_BITS = 64  # of a hash
_BLOCK = 2**14  # rows that are read at a time
_MOST_COLUMNS = 64  # of numbers that are looked at, and as many others
# Numbers of fewer different values, such as hours, months and grades, repeat by themselves.
_FEWEST_VALUES = 30
_COPIES = 0.05  # least share of the rows
_FREQUENT = 0.05  # of the rows: values such as 0 of amounts, with which rows are equal by chance
_COPIES_AMONG_ALIKE = 0.5  # least share of pairs that are equal but for the most varied column
_COMPARED_ROWS = 2000  # at most, to tell whether two columns say the same
_REPEATED = 0.5  # least share of the rows, that have a value which another one has already
_MOST_COMPARED = 12  # columns, in pairs
_DETERMINED = 0.95  # least share of rows of a cell, that have the same value of another column
_MONOTONE = 0.9  # least rank correlation of columns that say the same
_MOST_CELLS = 400  # that are compared with their neighbours
_LEAST_RATIO = 1.5  # of the variance between neighbours and what chance makes it
_LEAST_EFFECT = 0.02  # of a cell, as a share of the variance of targets

_OTHERWISE = (
    "If rows to predict are of the same kind as these, random folds are right: "
    "cv=KFold(5, shuffle=True) draws them without this warning. docs/validation.md says more"
)


def warn_of_leakage(encoder: Encoder, task: Task, data: RowSubset, *, of_time: bool = True) -> None:
    """Warn if rows that are held out at random are not like rows to come.

    Parameters
    ----------
    encoder : Encoder
    task : Task
    data : RowSubset
        All training rows.
    of_time : bool, default=True
        Whether rows may be divided by time.
    """
    if not isinstance(encoder, DenseEncoder):
        return
    message = _of_time(encoder, data.X) if of_time else None
    if message is None:
        columns, positions, whole = _columns_and_rows(data.X, encoder.n_numeric)
        message = _of_copies(data.X, columns, positions, whole)
    if message is None:
        message = _of_groups(encoder, task, data, columns)
    if message is not None:
        warn(f"{message}. {_OTHERWISE}", ValidationWarning)


def _of_time(encoder: DenseEncoder, X: NDArray[Any]) -> str | None:
    """Rows in the order of a column of dates, or of numbers that are called so."""
    dates = encoder.days_of_dates
    named = () if encoder.feature_names is None else encoder.names_of_encoded[: encoder.n_numeric]
    for position in [*dates, *(j for j, name in enumerate(named) if _TIME_NAME.search(name))]:
        steps = np.diff(X[:, position])
        in_order = (steps >= 0).all() or (steps <= 0).all()
        if in_order and np.count_nonzero(steps) >= _FEWEST_TIMES:
            name = encoder.names_of_encoded[position]
            return (
                f"The rows of X are in the order of {name!r}, and networks are validated on rows "
                "that lie between those of training. To judge and train a model that predicts "
                f"later rows, pass time={name!r}"
            )
    return None


# ---- equal values


class _Sample:
    """All rows that have some of a column's values, or of all values of rows: those of small hash.

    Attributes
    ----------
    hashes : ndarray of uint64
        Nearly all values have different ones.
    rows : ndarray of uint32
    halvings : int
        A value is in it with the probability of one half to this power.
    """

    def __init__(self, n_rows: int) -> None:
        self.hashes = np.empty(0, dtype=np.uint64)
        self.rows = np.empty(0, dtype=np.uint32)
        self.halvings = max(0, ceil(log2(n_rows / _SAMPLED_ROWS)))

    def add(self, hashes: NDArray[np.uint64], first_row: int) -> None:
        """Take some of the rows from `first_row` on; fewer, if one value has a lot of them."""
        some = self._chosen(hashes)
        self.hashes = np.append(self.hashes, hashes[some])
        self.rows = np.append(self.rows, (some + first_row).astype(np.uint32))
        while self.rows.size > _MOST_SAMPLED and self.halvings < _BITS - 1:
            self.halvings += 1
            some = self._chosen(self.hashes)
            self.hashes, self.rows = self.hashes[some], self.rows[some]

    def _chosen(self, hashes: NDArray[np.uint64]) -> NDArray[np.intp]:
        if not self.halvings:
            return np.arange(hashes.size)
        return np.flatnonzero(hashes >> np.uint64(_BITS - self.halvings) == 0)


class _Column(NamedTuple):
    """A column of numbers of many different values.

    Attributes
    ----------
    position : int
    sample : _Sample
    n_distinct : int
        Values; an estimate if there are many rows.
    share_of_copies : float
        Of the rows, whose value another row has already.
    """

    position: int
    sample: _Sample
    n_distinct: int
    share_of_copies: float


def _samples(
    X: NDArray[Any], positions: NDArray[np.intp], n_single: int
) -> tuple[list[_Sample], _Sample]:
    """Samples of the first columns, one by one, and of all together.

    Rows are read once, in blocks: a copy of the table would not be worth the warning.
    """
    odd = np.array([_odd(int(position)) for position in positions], dtype=np.uint64)
    samples = [_Sample(len(X)) for _ in range(n_single + 1)]
    for block in slices(len(X), _BLOCK):
        table = X[block] if positions.size == X.shape[1] else X[block, positions]
        numbers = table.T.astype(np.float64, order="C") + 0.0  # -0 is 0
        bits = numbers.view(np.uint64)
        bits ^= bits >> np.uint64(32)  # the last bits of a short number are all 0
        bits += odd[:, None]  # 0 is as any number
        bits *= odd[:, None]
        for sample, hashes in zip(samples, [*bits[:n_single], bits.sum(axis=0)], strict=True):
            sample.add(hashes, block.start)
    return samples[:-1], samples[-1]


def _lengths(hashes: NDArray[np.uint64]) -> NDArray[np.intp]:
    """How many rows have each of the values."""
    ordered = np.sort(hashes)
    return np.diff(np.flatnonzero(_is_new(ordered)), append=ordered.size)


def _column(X: NDArray[Any], position: int, sample: _Sample) -> _Column:
    """What is known of a column by all rows that have some of its values."""
    n_sampled = len(_lengths(sample.hashes))
    n_distinct = min(n_sampled << sample.halvings, len(X))
    if n_sampled < _FEWEST_VALUES:  # too few; some rows have nearly all of the values
        sample.rows = np.arange(0, len(X), -(-len(X) // _SAMPLED_ROWS), dtype=np.uint32)
        values, numbers = np.unique(X[sample.rows, position], return_inverse=True)
        sample.hashes, n_distinct = numbers.astype(np.uint64), len(values)
    return _Column(position, sample, n_distinct, 1 - n_distinct / len(X))


def _odd(position: int) -> int:
    """A random odd number of 64 bits."""
    return (position + 1) * 0x9E3779B97F4A7C15 % 2**64 | 1


def _is_new(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a value is not the one before it."""
    is_new = np.ones(values.size, dtype=bool)
    np.not_equal(values[1:], values[:-1], out=is_new[1:])
    return is_new


def _evenly(start: int, end: int, most: int) -> NDArray[np.intp]:
    """At most so many positions of a range."""
    return np.arange(start, end, max(1, -(-(end - start) // most)), dtype=np.intp)


def _columns_and_rows(
    X: NDArray[Any], n_numeric: int
) -> tuple[list[_Column], NDArray[np.intp], _Sample]:
    """The columns of numbers that have many values; positions of columns, and their rows whole."""
    numbers = _evenly(0, n_numeric, _MOST_COLUMNS)
    positions = np.concatenate([numbers, _evenly(n_numeric, X.shape[1], _MOST_COLUMNS)])
    samples, whole = _samples(X, positions, numbers.size)
    columns = [
        _column(X, position, sample)
        for position, sample in zip(numbers.tolist(), samples, strict=True)
    ]
    columns = [column for column in columns if column.n_distinct >= _FEWEST_VALUES]
    return columns, positions, whole


def _of_copies(
    X: NDArray[Any], columns: Sequence[_Column], positions: NDArray[np.intp], whole: _Sample
) -> str | None:
    """Rows that are equal in all columns, not only in those that have few values.

    Copies differ in no column. Rows that are equal by chance are few of those that are equal but
    for the most varied column and others that say the same, where that column has no value that
    many rows have.
    """
    if not columns or _share_of_copies(whole.hashes) < _COPIES:
        return None
    varied = max(columns, key=lambda column: column.n_distinct).position
    some = slice(None, None, -(-len(X) // _COMPARED_ROWS))
    values, counts = np.unique(X[some, varied], return_counts=True)
    frequent = values[counts > _FREQUENT * counts.sum()]

    def of_rare(sample: _Sample) -> NDArray[np.uint64]:
        return sample.hashes[~np.isin(X[sample.rows, varied], frequent)]

    compared = of_rare(whole)
    share = _share_of_copies(compared)
    if share < _COPIES:
        return None
    alike = [
        column.position
        for column in columns
        if _say_the_same(X[some, varied], X[some, column.position])
    ]
    _, others = _samples(X, positions[~np.isin(positions, alike)], 0)
    if _n_pairs(_lengths(compared)) < _COPIES_AMONG_ALIKE * _n_pairs(_lengths(of_rare(others))):
        return None
    return (
        f"{share:.0%} of the rows of X are copies of other rows, and networks are validated on "
        "copies of rows that they were trained on. Drop the copies, or pass groups with "
        "the same label for all copies of a row"
    )


def _share_of_copies(hashes: NDArray[np.uint64]) -> float:
    """Share of the rows whose value another row has already."""
    lengths = _lengths(hashes)
    return float(1 - lengths.size / max(lengths.sum(), 1))


def _say_the_same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether one column rises or falls with the other."""
    # Equal values have the same rank: in the order of rows, two columns of zeros would agree.
    ranks = [np.unique(column, return_inverse=True)[1] for column in (one, other)]
    with np.errstate(invalid="ignore"):  # a constant has no correlation
        correlations: Any = np.corrcoef(ranks)
    return bool(abs(correlations[0, 1]) >= _MONOTONE)


def _n_pairs(lengths: NDArray[np.intp]) -> float:
    """Pairs of rows that have the same value."""
    return float(np.sum(lengths * (lengths - 1.0)))


# ---- groups


class _Cells(NamedTuple):
    """Rows in the order of a column's values; those of one value are a cell.

    Attributes
    ----------
    rows : ndarray of int
    is_new : ndarray of bool
        Whether a row is the first one of its cell.
    """

    rows: NDArray[np.uint32]
    is_new: NDArray[np.bool_]

    @classmethod
    def of(cls, sample: _Sample) -> _Cells:
        """Cells of some of the column's values, all rows of each."""
        order = np.argsort(sample.hashes)
        return cls(sample.rows[order], _is_new(sample.hashes[order]))

    @property
    def first(self) -> NDArray[np.uint32]:
        """A row of each cell."""
        return self.rows[self.is_new]


def _of_groups(
    encoder: DenseEncoder, task: Task, data: RowSubset, columns: Sequence[_Column]
) -> str | None:
    """Rows that share the values of two columns, and whose targets are more alike for it."""
    X = data.X
    repeated = [column for column in columns if column.share_of_copies >= _REPEATED]
    repeated = sorted(repeated, key=lambda column: -column.n_distinct)[:_MOST_COMPARED]
    raw = encoder.raw_columns if len(repeated) > 1 else []
    for number, one in enumerate(repeated[:-1]):
        cells = _Cells.of(one.sample)
        targets = _ranked(task, data.y, cells.rows)
        for other in repeated[number + 1 :]:
            pair = [one.position, other.position]
            if raw[pair[0]] == raw[pair[1]]:  # two numbers of a date
                continue
            if _determines(X, cells, pair) and _sets_targets_apart(X, cells, pair, targets):
                names = [encoder.names_of_encoded[position] for position in pair]
                return (
                    f"Rows of X that have the same {names[0]!r} have the same {names[1]!r} too "
                    f"({one.n_distinct} different values in {len(X)} rows), and their targets are "
                    "alike: rows seem to come in groups, such as visits of one patient, and "
                    "networks are validated on rows of groups that they were trained on. If rows "
                    "to predict come from new groups, pass groups, a label for each row"
                )
    return None


def _determines(X: NDArray[Any], cells: _Cells, pair: Sequence[int]) -> bool:
    """Whether rows of a cell share their value of the other column, no matter how large it is."""
    values = X[cells.rows, pair[1]]
    is_other = _is_new(values)[~cells.is_new]
    if is_other.mean() > 1 - _DETERMINED:
        return False
    return not _say_the_same(*X[cells.first][:, pair].T)


def _sets_targets_apart(
    X: NDArray[Any], cells: _Cells, pair: Sequence[int], targets: NDArray[np.float64]
) -> bool:
    """Whether targets differ more between neighbouring cells than chance makes them.

    The neighbour of a cell is the one whose values of both columns come next to its own. If both
    columns are functions of one variable, such as sine and cosine of the day, neighbours have
    nearly the same targets.
    """
    known = ~np.isnan(targets)
    cell, own = (np.cumsum(cells.is_new) - 1)[known], targets[known]
    sizes = np.bincount(cell, minlength=len(cells.first))
    means = np.bincount(cell, own, len(sizes)) / np.maximum(sizes, 1)
    n_free = max(own.size - np.count_nonzero(sizes), 1)
    within = np.sum(np.square(own - means[cell])) / n_free
    chosen = np.flatnonzero(sizes)[:_MOST_CELLS]
    ranks = _ranks(X[cells.first[chosen]][:, pair])
    distances = np.abs(ranks[:, None] - ranks[None]).sum(axis=2)
    np.fill_diagonal(distances, distances.max() + 1)
    neighbour = chosen[np.argmin(distances, axis=1)]
    between = np.mean(np.square(means[chosen] - means[neighbour]))
    by_chance = within * np.mean(1 / sizes[chosen] + 1 / sizes[neighbour])
    effect = (between - by_chance) / 2  # variance of what is a cell's own
    return bool(between > _LEAST_RATIO * by_chance and effect > _LEAST_EFFECT * (effect + within))


def _ranks(table: NDArray[Any]) -> NDArray[np.intp]:
    """The rank of each value in its column."""
    return np.argsort(np.argsort(table, axis=0), axis=0)


def _ranked(task: Task, targets: NDArray[Any], rows: NDArray[Any]) -> NDArray[np.float64]:
    """A number for each row's target that outliers do not rule: of classes, whether it is one."""
    some = targets[rows]
    strata = task.strata(some)
    first: NDArray[np.float64] = some.reshape(len(some), -1)[:, 0].astype(np.float64)
    if strata is not None:
        commonest = np.bincount(strata.astype(np.intp)).argmax()
        is_commonest: NDArray[np.float64] = (first == commonest).astype(np.float64)
        return is_commonest
    ranks = np.argsort(np.argsort(first)).astype(np.float64)
    ranks[np.isnan(first)] = np.nan
    return ranks
