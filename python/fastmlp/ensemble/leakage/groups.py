"""Rows that come in groups: all rows with the same value of a column share another one's too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from fastmlp._one_blas_thread import ONE_BLAS_THREAD
from fastmlp.ensemble.leakage.value_samples import (
    MANY_VALUES,
    Column,
    ValueSample,
    is_new,
    say_the_same,
)
from fastmlp.ensemble.splits import RowSubset
from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.identifiers import is_named_identifier
from fastmlp.tasks import Task

_REPEATED = 0.5  # least share of the rows, that have a value which another one has already
_MOST_COMPARED = 12  # columns, in pairs
_FEWEST_CELLS = 8
_LARGEST_CELL = 0.05  # share of the rows that a cell may have
_TIMES_AS_LARGE = 3  # or, if that is more, so many times the mean size of a cell
_DIFFERENT = 0.05  # share of what independence expects, up to which neighbours in cells may differ
_FEWEST_BY_CHANCE = 20  # differences of neighbours that independence must expect
_SPARSE = 0.2  # most of the steps from the least to the largest value, which values are found at
_SMOOTH = 0.4  # most that a column varies along another one, as a share of its variance
_MOST_ALONE = 4  # columns, of which each is tried alone
_MOST_CELLS = 100  # whose targets are compared
_LEAST_RATIO = 1.5  # of the variance between cells and what chance makes it
_QUANTILE = 4.5  # standard deviations of that ratio by chance
_LEAST_EFFECT = 0.02  # of a cell, as a share of the variance of targets
_LENGTHS = (0.5, 1, 2)  # over which targets vary, in standard deviations of a column
_NUGGETS = (0.01, 0.5)  # share of what no column foretells


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
    def of(cls, sample: ValueSample) -> _Cells:
        """Cells of some of the column's values, but of none that many rows have."""
        _, number, counts = np.unique(sample.hashes, return_inverse=True, return_counts=True)
        most = max(_LARGEST_CELL, _TIMES_AS_LARGE / counts.size) * sample.rows.size
        rare = np.flatnonzero(counts[number] <= most)
        order = rare[np.argsort(number[rare])]
        return cls(sample.rows[order], is_new(number[order]))

    @property
    def first(self) -> NDArray[np.uint32]:
        """A row of each cell."""
        return self.rows[self.is_new]


def described_groups(
    encoder: DenseEncoder, task: Task, data: RowSubset, columns: Sequence[Column]
) -> str | None:
    """Rows that share the values of two columns, and whose targets show it; None without them.

    Targets show groups if they are alike within groups and differ between them more than these
    columns explain. A new group is then predicted worse than a row of a known one.
    """
    X = data.X
    repeated = [column for column in columns if column.share_of_copies >= _REPEATED]
    if len(repeated) < 2:
        return None
    raw = encoder.raw_columns
    # Of a date its days: the phases of year, week and day that follow are functions of these.
    plain = [c for c in repeated if c.position == 0 or raw[c.position] != raw[c.position - 1]]
    repeated = sorted(plain, key=lambda column: -column.n_distinct)[:_MOST_COMPARED]
    for number, one in enumerate(repeated[:-1]):
        cells = _Cells.of(one.sample)
        if cells.is_new.sum() < _FEWEST_CELLS or cells.is_new.all():
            continue
        determined = [
            other
            for other in repeated[number + 1 :]
            if _determines(X, cells, one.position, other.position)
        ]
        named = next((c for c in determined if _are_a_groups_own(X, encoder, one, c)), None)
        if named is None:
            continue
        positions = [one.position, *(other.position for other in determined)]
        targets, own = _ranked(task, data.y, cells.rows), X[cells.first][:, positions]
        with ONE_BLAS_THREAD:  # small matrices
            apart = _are_set_apart(targets, cells, own)
        if apart:
            names = [encoder.names_of_encoded[column.position] for column in (one, named)]
            return (
                f"Rows of X that have the same {names[0]!r} have the same {names[1]!r} too "
                f"({one.n_distinct} different values in {len(X)} rows), and their targets are "
                "alike: rows seem to come in groups, such as visits of one patient, and "
                "networks are validated on rows of groups that they were trained on"
            )
    return None


def _determines(X: NDArray[Any], cells: _Cells, one: int, other: int) -> bool:
    """Whether rows of a cell share their value of the other column, which says something else."""
    # Missing values are equal ones.
    _, values, counts = np.unique(X[cells.rows, other], return_inverse=True, return_counts=True)
    differ_by_chance = 1 - np.sum(np.square(counts / values.size))
    differ = is_new(values)[~cells.is_new]
    n_by_chance = differ.size * differ_by_chance
    if n_by_chance < _FEWEST_BY_CHANCE or np.count_nonzero(differ) > _DIFFERENT * n_by_chance:
        return False
    first = X[cells.first]
    return not (
        say_the_same(first[:, one], first[:, other]) or _is_smooth(first[:, one], first[:, other])
    )


def _is_smooth(one: NDArray[Any], other: NDArray[Any]) -> bool:
    """Whether a column is nearly a function of another one, such as the cosine of the hour."""
    ranks = np.unique(other[np.argsort(one)], return_inverse=True)[1].astype(np.float64)
    # That of independent columns is one (von Neumann 1941, doi.org/10.1214/aoms/1177731677).
    return bool(np.mean(np.square(np.diff(ranks))) <= _SMOOTH * 2 * ranks.var())


def _are_a_groups_own(X: NDArray[Any], encoder: DenseEncoder, one: Column, other: Column) -> bool:
    """Whether two columns have many values, or one of them is unlikely to hold codes.

    That is one whose values look like measurements, or that has the name of an identifier.
    """
    if min(one.n_distinct, other.n_distinct) >= MANY_VALUES:
        return True
    return any(
        is_named_identifier(encoder.names_of_encoded[column.position])
        or _is_sparse(X[column.sample.rows, column.position])
        for column in (one, other)
    )


def _is_sparse(column: NDArray[Any]) -> bool:
    """Whether a column has few of the values that lie between its least and its largest one.

    Measurements do; codes, grades, hours, and rounded numbers of a narrow range do not.
    """
    values = np.unique(column[~np.isnan(column)]).astype(np.float64)
    if values.size < 2:
        return False
    fewest_steps = values.size / _SPARSE - 1
    return bool(fewest_steps * np.diff(values).min() <= values[-1] - values[0])


def _are_set_apart(targets: NDArray[np.float64], cells: _Cells, table: NDArray[Any]) -> bool:
    """Whether targets differ between cells more than chance and the cells' columns make them.

    Parameters
    ----------
    targets : ndarray of shape (n_rows,)
        In the order of the cells.
    cells : _Cells
    table : ndarray of shape (n_cells, n_columns)
        What the cells determine.
    """
    known = ~np.isnan(targets)
    cell, own = (np.cumsum(cells.is_new) - 1)[known], targets[known]
    sizes = np.bincount(cell, minlength=len(table))
    means = np.bincount(cell, own, len(sizes)) / np.maximum(sizes, 1)
    n_free = max(own.size - np.count_nonzero(sizes), 1)
    within = np.sum(np.square(own - means[cell])) / n_free
    chosen = np.flatnonzero(sizes)[:_MOST_CELLS]
    if chosen.size < _FEWEST_CELLS:
        return False
    by_chance = within / sizes[chosen]
    unforeseen = _unforeseen(means[chosen], by_chance, table[chosen])
    effect = unforeseen - by_chance.mean()  # variance of what is a cell's own
    whole = within + means[chosen].var()
    ratio = max(_LEAST_RATIO, 1 + _QUANTILE * np.sqrt(2 / chosen.size))
    return bool(unforeseen > ratio * by_chance.mean() and effect > _LEAST_EFFECT * whole)


def _unforeseen(
    means: NDArray[np.float64], by_chance: NDArray[np.float64], table: NDArray[Any]
) -> float:
    """Mean squared error of Gaussian processes that predict each mean from all others.

    The least of several processes: of each column alone and of all, smooth or less so.
    """
    # A column may be missing in all of these cells, though not in all that determine it.
    table = table[:, ~np.isnan(table).all(axis=0)].astype(np.float64)
    scores = np.column_stack([_normal_scores(column) for column in table.T])
    with np.errstate(over="ignore"):  # the squares of numbers beyond 1e154
        spread = np.maximum(np.nanstd(table, axis=0), np.finfo(float).tiny)
    scaled = np.nan_to_num((table - np.nanmean(table, axis=0)) / spread).clip(-4, 4)
    subsets = [scores, scaled, *scores.T[:_MOST_ALONE, :, None], *scaled.T[:_MOST_ALONE, :, None]]
    variance = max(means.var() - by_chance.mean(), 1e-3 * means.var(), np.finfo(float).tiny)
    noise = by_chance / variance
    least = np.inf
    for own in subsets:
        distances = np.square(own[:, None] - own[None]).sum(axis=2) / own.shape[1]
        trend = 10 * (1 + own @ own.T / own.shape[1])
        for length in _LENGTHS:
            for nugget in _NUGGETS:
                kernel = trend + (1 - nugget) * np.exp(-distances / (2 * length**2))
                inverse = np.linalg.inv(kernel + np.diag(noise + nugget))
                errors = inverse @ means / np.diag(inverse)  # leaving one out
                least = min(least, float(np.mean(np.square(errors))))
    return least


def _ranked(task: Task, targets: NDArray[Any], rows: NDArray[Any]) -> NDArray[np.float64]:
    """A number for each row's target that outliers do not rule: of classes, whether it is one."""
    some = targets[rows]
    strata = task.strata(some)
    first: NDArray[np.float64] = some.reshape(len(some), -1)[:, 0].astype(np.float64)
    if strata is not None:
        commonest = np.bincount(strata.astype(np.intp)).argmax()
        is_commonest: NDArray[np.float64] = (first == commonest).astype(np.float64)
        return is_commonest
    known = ~np.isnan(first)
    first[known] = _normal_scores(first[known])
    return first


def _normal_scores(values: NDArray[Any]) -> NDArray[np.float64]:
    """Numbers of a normal distribution that have the order of the values."""
    _, numbers, counts = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - counts / 2
    scores: NDArray[np.float64] = ndtri(middle / values.size)[numbers]
    return scores
