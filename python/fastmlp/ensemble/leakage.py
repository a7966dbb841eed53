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
from fastmlp.table.sparse_encoder import Encoder
from fastmlp.tasks import Task

_TIME_NAME = re.compile(r"(^|[\W_])(date|datetime|time|timestamp|year)$", re.IGNORECASE)
_FEWEST_TIMES = 10
_SAMPLED_ROWS = 2**14  # at most, of each column
_MOST_COLUMNS = 64  # of numbers that are looked at
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
        columns, rows = _columns_and_rows(data.X, encoder.n_numeric)
        message = _of_copies(data.X, columns, rows)
    if message is None:
        message = _of_groups(encoder, data.X, _ranked(task, data.y), columns)
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


class _Column(NamedTuple):
    """A column of numbers of many different values.

    Attributes
    ----------
    position : int
    n_distinct : int
        Values; an estimate if there are many rows.
    share_of_copies : float
        Of the rows, whose value another row has already.
    """

    position: int
    n_distinct: int
    share_of_copies: float


def _hashed(X: NDArray[Any], position: int) -> NDArray[np.uint64]:
    """A number for each value of a column; nearly all values have different ones."""
    bits = (X[:, position].astype(np.float64) + 0.0).view(np.uint64)  # -0 is 0
    bits ^= bits >> np.uint64(32)  # the last bits of a short number are all 0
    bits *= np.uint64(_odd(position))
    return bits


def _odd(position: int) -> int:
    """A random odd number of 64 bits."""
    return (position + 1) * 0x9E3779B97F4A7C15 % 2**64 | 1


def _halvings(n_rows: int) -> int:
    """A value is among the sampled ones with the probability of one half to this power."""
    return max(0, ceil(log2(n_rows / _SAMPLED_ROWS)))


def _sampled(hashed: NDArray[np.uint64]) -> NDArray[np.bool_] | slice:
    """Rows of some of the values: all rows that have such a value, or none of them."""
    halvings = _halvings(hashed.size)
    return hashed >> np.uint64(64 - halvings) == 0 if halvings else slice(None)


def _n_distinct(hashed: NDArray[np.uint64]) -> int:
    """Number of different values; an estimate if there are many rows."""
    n_sampled = len(_lengths(hashed))
    if n_sampled < _FEWEST_VALUES:  # too few for an estimate; some rows have nearly all of them
        return len(np.unique(hashed[:: -(-hashed.size // _SAMPLED_ROWS)]))
    return min(n_sampled << _halvings(hashed.size), hashed.size)


def _lengths(hashed: NDArray[np.uint64]) -> NDArray[np.intp]:
    """How many rows have each of the sampled values."""
    ordered = np.sort(hashed[_sampled(hashed)])
    return np.diff(np.flatnonzero(_is_new(ordered)), append=ordered.size)


def _is_new(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a value is not the one before it."""
    is_new = np.ones(values.size, dtype=bool)
    np.not_equal(values[1:], values[:-1], out=is_new[1:])
    return is_new


def _columns_and_rows(X: NDArray[Any], n_numeric: int) -> tuple[list[_Column], NDArray[np.uint64]]:
    """The columns of numbers that have many values, and the hash of each whole row."""
    n_rows, n_columns = X.shape
    looked_at = {*range(0, n_numeric, -(-n_numeric // _MOST_COLUMNS) or 1)}
    columns, whole = [], np.zeros(n_rows, dtype=np.uint64)
    for position in range(n_columns):
        hashed = _hashed(X, position)
        whole += hashed
        if position in looked_at:
            n_distinct = _n_distinct(hashed)
            if n_distinct >= _FEWEST_VALUES:
                columns.append(_Column(position, n_distinct, 1 - n_distinct / n_rows))
    return columns, whole


def _of_copies(
    X: NDArray[Any], columns: Sequence[_Column], whole: NDArray[np.uint64]
) -> str | None:
    """Rows that are equal in all columns, not only in those that have few values.

    Copies differ in no column. Rows that are equal by chance are few of those that are equal but
    for the most varied column and others that say the same, where that column has no value that
    many rows have.
    """
    if not columns or _share_of_copies(whole) < _COPIES:
        return None
    varied = max(columns, key=lambda column: column.n_distinct).position
    some = slice(None, None, -(-len(X) // _COMPARED_ROWS))
    compared = _is_rare(_hashed(X, varied), some)
    share = _share_of_copies(whole[compared])
    if share < _COPIES:
        return None
    others = whole.copy()
    for column in columns:
        if _say_the_same(X[some, varied], X[some, column.position]):
            others -= _hashed(X, column.position)
    of_whole, of_others = (_n_pairs(_lengths(hashed[compared])) for hashed in (whole, others))
    if of_whole < _COPIES_AMONG_ALIKE * of_others:
        return None
    return (
        f"{share:.0%} of the rows of X are copies of other rows, and networks are validated on "
        "copies of rows that they were trained on. Drop the copies, or pass groups with "
        "the same label for all copies of a row"
    )


def _share_of_copies(hashed: NDArray[np.uint64]) -> float:
    """Share of the rows whose value another row has already."""
    lengths = _lengths(hashed)
    return float(1 - lengths.size / max(lengths.sum(), 1))


def _is_rare(hashed: NDArray[np.uint64], some: slice) -> NDArray[np.bool_]:
    """Where a value of a column of many is not a frequent one of some rows."""
    values, counts = np.unique(hashed[some], return_counts=True)
    rare: NDArray[np.bool_] = ~np.isin(hashed, values[counts > _FREQUENT * counts.sum()])
    return rare


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

    rows: NDArray[np.intp]
    is_new: NDArray[np.bool_]

    @classmethod
    def of(cls, X: NDArray[Any], position: int) -> _Cells:
        """Cells of some of the column's values, all rows of each."""
        hashed = _hashed(X, position)
        rows = np.arange(hashed.size)[_sampled(hashed)]
        rows = rows[np.argsort(hashed[rows])]
        return cls(rows, _is_new(hashed[rows]))

    @property
    def first(self) -> NDArray[np.intp]:
        """A row of each cell."""
        return self.rows[self.is_new]


def _of_groups(
    encoder: DenseEncoder,
    X: NDArray[Any],
    targets: NDArray[np.float64],
    columns: Sequence[_Column],
) -> str | None:
    """Rows that share the values of two columns, and whose targets are more alike for it."""
    repeated = [column for column in columns if column.share_of_copies >= _REPEATED]
    repeated = sorted(repeated, key=lambda column: -column.n_distinct)[:_MOST_COMPARED]
    for number, one in enumerate(repeated[:-1]):
        cells = _Cells.of(X, one.position)
        for other in repeated[number + 1 :]:
            pair = [one.position, other.position]
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
    known = ~np.isnan(targets[cells.rows])
    cell, own = (np.cumsum(cells.is_new) - 1)[known], targets[cells.rows[known]]
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


def _ranked(task: Task, targets: NDArray[Any]) -> NDArray[np.float64]:
    """A number for each row's target that outliers do not rule: of classes, whether it is one."""
    strata = task.strata(targets)
    first = targets.reshape(len(targets), -1)[:, 0].astype(np.float64)
    if strata is not None:
        return np.equal(first, np.bincount(strata.astype(np.intp)).argmax()).astype(np.float64)
    ranks = np.argsort(np.argsort(first)).astype(np.float64)
    ranks[np.isnan(first)] = np.nan
    return ranks
