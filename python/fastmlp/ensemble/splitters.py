"""Splitters: divide the rows into training rows and held-out rows of each network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.utils.extmath import _approximate_mode

from fastmlp._user_warnings import warn
from fastmlp.table.rows import Rows, add_to_digest

_LEAST_TRAINED = 1 / 3  # of the rows, that a network is trained on which later rows validate


class Division(NamedTuple):
    """Rows of each network.

    Attributes
    ----------
    parts : list of (ndarray, ndarray)
        Training rows and held-out rows, both in ascending order.
    n_folds : int
        After so many parts the held-out rows have all had their turn.
    are_folds : bool
        Whether the two make up all rows, in every part.
    """

    parts: list[tuple[Rows, Rows]]
    n_folds: int
    are_folds: bool = True


class Splitter(Protocol):
    """Divides the rows of a training table."""

    def divide(
        self,
        n_rows: int,
        fraction: float,
        n_networks: int,
        strata: NDArray[Any] | None,
        random_state: np.random.RandomState,
    ) -> Division:
        """Choose training rows and held-out rows of each network.

        Parameters
        ----------
        n_rows : int
        fraction : float
            Share of the rows that a network should hold out.
        n_networks : int
        strata : ndarray of shape (n_rows,) or None
            Class numbers whose proportions should be kept.
        random_state : RandomState
        """

    def digests(self) -> Mapping[str, str]:
        """Digests of what decides on the division, by the names of arguments of `fit`."""


@dataclass(frozen=True)
class RandomSplitter:
    """Draws the rows to hold out at random: folds if there are several networks."""

    def divide(
        self,
        n_rows: int,
        fraction: float,
        n_networks: int,
        strata: NDArray[Any] | None,
        random_state: np.random.RandomState,
    ) -> Division:
        """See `Splitter`."""
        masks = held_out_masks(n_rows, fraction, n_networks, strata, random_state)
        return Division([_parts_of(mask) for mask in masks], n_folds_of(n_rows, fraction))

    def digests(self) -> Mapping[str, str]:
        """None: they are drawn with the random numbers of the fit."""
        return {}


RANDOM = RandomSplitter()


@dataclass(frozen=True, eq=False)
class GroupSplitter:
    """Draws whole groups at random, so that no network is trained on a group that it holds out.

    Attributes
    ----------
    groups : ndarray of shape (n_rows,)
        Numbers of the groups, from 0.
    """

    groups: NDArray[np.int32]

    def divide(
        self,
        n_rows: int,
        fraction: float,
        n_networks: int,
        strata: NDArray[Any] | None,
        random_state: np.random.RandomState,
    ) -> Division:
        """See `Splitter`."""
        shares = _shares_of_groups(self.groups, strata)
        n_folds = min(n_folds_of(n_rows, fraction), shares.shape[0])
        if n_networks == 1:
            part = _assigned_groups(shares, [1 - fraction, fraction], random_state)
            return Division([_parts_of(part[self.groups] == 1)], n_folds)
        parts: list[tuple[Rows, Rows]] = []
        while len(parts) < n_networks:
            fold = _assigned_groups(shares, [1 / n_folds] * n_folds, random_state)[self.groups]
            parts += [_parts_of(fold == number) for number in range(n_folds)]
        return Division(parts[:n_networks], n_folds)

    def digests(self) -> Mapping[str, str]:
        """Of the groups."""
        return {"groups": _digest(self.groups)}


@dataclass(frozen=True, eq=False)
class TimeSplitter:
    """Holds out rows later than all training rows: first the last ones, then those before, and so
    on.

    Training rows are all that come before the held-out ones, at least a third of all rows if there
    are several networks. Rows of the same time stay together.

    Attributes
    ----------
    times : ndarray of shape (n_rows,)
    """

    times: NDArray[np.float64]

    def divide(
        self,
        n_rows: int,
        fraction: float,
        n_networks: int,
        strata: NDArray[Any] | None,
        random_state: np.random.RandomState,
    ) -> Division:
        """See `Splitter`; the last rows come first, and there may be fewer parts than networks."""
        ordered, size = np.sort(self.times), n_held_out(n_rows, fraction)
        parts: list[tuple[Rows, Rows]] = []
        end = np.inf
        for first in range(n_rows - size, 0, -size):
            begin = ordered[first]
            n_before = np.searchsorted(ordered, begin)
            n_until = np.searchsorted(ordered, begin, side="right")
            # Many rows of the same time: they are rather trained on, if others come later.
            if n_before < min(first, _LEAST_TRAINED * n_rows) and n_until < n_rows:
                begin = ordered[n_until]
            if parts and (
                len(parts) == n_networks
                or np.searchsorted(ordered, begin) < _LEAST_TRAINED * n_rows
            ):
                break
            if begin < end:
                held_out = (begin <= self.times) & (self.times < end)
                parts.append((rows_of(self.times < begin), rows_of(held_out)))
                end = begin
        return Division(parts, len(parts), are_folds=False)

    def digests(self) -> Mapping[str, str]:
        """Of the times."""
        return {"time": _digest(self.times)}


@dataclass(frozen=True, eq=False)
class GivenSplitter:
    """Has the user's splits, which networks take in turn.

    Attributes
    ----------
    parts : sequence of (ndarray, ndarray)
        Training rows and held-out rows.
    """

    parts: Sequence[tuple[Rows, Rows]]

    def divide(
        self,
        n_rows: int,
        fraction: float,
        n_networks: int,
        strata: NDArray[Any] | None,
        random_state: np.random.RandomState,
    ) -> Division:
        """See `Splitter`."""
        parts = list(self.parts)
        if not all(train.size + held_out.size == n_rows for train, held_out in parts):
            return Division(parts, len(parts), are_folds=False)
        if len(parts) > n_networks:
            warn(
                f"cv has {len(parts)} splits for {n_networks} networks, so some are not used. "
                f"n_estimators={len(parts)} uses them all"
            )
        turns = [parts[network % len(parts)] for network in range(n_networks)]
        return Division(turns, len(parts))

    def digests(self) -> Mapping[str, str]:
        """Of all parts."""
        return {"cv": _digest(*(rows for part in self.parts for rows in part))}


def _digest(*arrays: NDArray[Any]) -> str:
    digest = sha256()
    for array in arrays:
        add_to_digest(digest, array)
    return digest.hexdigest()


def _parts_of(mask: NDArray[np.bool_]) -> tuple[Rows, Rows]:
    """Training rows and held-out rows, of which the mask is true."""
    return rows_of(~mask), rows_of(mask)


def rows_of(mask: NDArray[np.bool_]) -> Rows:
    """Numbers of the rows where a mask is true."""
    return np.flatnonzero(mask).astype(np.uint32)


def n_held_out(n_rows: int, fraction: float) -> int:
    """Number of rows that a fraction of them is, at least one."""
    return int(np.ceil(fraction * n_rows))


def n_folds_of(n_rows: int, fraction: float) -> int:
    """Number of folds, each of which holds at most this fraction of the rows."""
    return max(2, -(-n_rows // n_held_out(n_rows, fraction)))


def held_out_masks(
    n_rows: int,
    fraction: float,
    n_networks: int,
    classes: NDArray[Any] | None,
    random_state: np.random.RandomState,
) -> list[NDArray[np.bool_]]:
    """Choose the rows to hold out from each network, as masks.

    From one network `fraction` of the rows are held out. Of several networks each has a fold; when
    all folds are used, the rows are assigned to new folds.
    """
    if n_networks == 1:
        return [held_out_mask(n_rows, n_held_out(n_rows, fraction), classes, random_state)]
    n_folds = n_folds_of(n_rows, fraction)
    masks: list[NDArray[np.bool_]] = []
    while len(masks) < n_networks:
        fold = folds(n_rows, n_folds, classes, random_state)
        masks += [fold == number for number in range(n_folds)]
    return masks[:n_networks]


def held_out_mask(
    n_rows: int, n_val: int, classes: NDArray[Any] | None, random_state: np.random.RandomState
) -> NDArray[np.bool_]:
    """Choose the rows that scikit-learn's `train_test_split` chooses for testing, as a mask.

    Classes keep their proportions if each has enough rows. Given classes, scikit-learn's function
    needs 70 bytes per row and this one a quarter of that.
    """
    mask = np.zeros(n_rows, dtype=bool)
    if classes is not None:
        classes = classes.astype(np.int32, copy=False)
        counts = np.bincount(classes)
        counts = counts[counts > 0]
    if classes is None or counts.min() < 2 or min(n_val, n_rows - n_val) < counts.size:
        mask[random_state.permutation(n_rows)[:n_val]] = True
        return mask
    # A sparse matrix with one entry per row lists the rows of each class, column after column.
    ends = np.arange(n_rows + 1, dtype=np.int32 if n_rows < 2**31 else np.int64)
    order = csr_array((np.ones(n_rows, dtype=bool), classes, ends)).tocsc().indices
    n_train_of = _approximate_mode(counts, n_rows - n_val, random_state)
    _approximate_mode(counts - n_train_of, n_val, random_state)  # takes all that are left
    for rows, n_train in zip(np.split(order, counts.cumsum()[:-1]), n_train_of, strict=True):
        random_state.shuffle(rows)
        mask[rows[n_train:]] = True
    # It shuffles both parts in the end, which matters only to the random numbers drawn later.
    random_state.shuffle(order[n_val:])
    random_state.shuffle(order[:n_val])
    return mask


def folds(
    n_rows: int, n_folds: int, classes: NDArray[Any] | None, random_state: np.random.RandomState
) -> NDArray[np.int32]:
    """Assign each row to a fold: equally many rows to each, and classes spread over all folds.

    Unlike scikit-learn's `StratifiedKFold` this also takes classes with fewer rows than folds.
    """
    order = random_state.permutation(n_rows)
    if classes is not None:
        order = order[np.argsort(classes[order], kind="stable")]
    fold = np.empty(n_rows, dtype=np.int32)
    fold[order] = np.arange(n_rows) % n_folds
    return fold


def _shares_of_groups(groups: NDArray[np.int32], classes: NDArray[Any] | None) -> csr_array:
    """For each group the share of all rows that it has and, in further columns, of each class."""
    n_rows = groups.size
    values, columns = [np.full(n_rows, 1 / n_rows)], [np.zeros(n_rows, dtype=np.intp)]
    if classes is not None:
        _, numbers, counts = np.unique(classes, return_inverse=True, return_counts=True)
        values.append(1 / counts[numbers])
        columns.append(1 + numbers)
    of_rows = np.tile(groups, len(values))
    shares: csr_array = csr_array((np.concatenate(values), (of_rows, np.concatenate(columns))))
    return shares


def _assigned_groups(
    shares: csr_array, sizes: Sequence[float], random_state: np.random.RandomState
) -> NDArray[np.int32]:
    """Assign each group to a part, so that parts have their sizes, and of each class as much.

    Groups go one after the other to the part that has least of what they consist of.
    scikit-learn's `StratifiedGroupKFold` takes twenty times as long.

    Parameters
    ----------
    shares : sparse array of shape (n_groups, n_columns)
        Shares of all rows, and of the rows of each class, that each group has.
    sizes : sequence of float
        Sizes of the parts, relative to each other.
    random_state : RandomState
    """
    n_groups = shares.shape[0]
    order = random_state.permutation(n_groups)
    # Large groups and those of rare classes come first: the others can make up for them. Those of
    # about the same size are in random order.
    magnitude = np.floor(np.log2(np.asarray(shares.power(2).sum(axis=1)))) // 2
    order = order[np.argsort(-magnitude[order], kind="stable")]
    part = np.empty(n_groups, dtype=np.int32)
    filled = np.zeros((shares.shape[1], len(sizes)))
    ends, capacity = shares.indptr.tolist(), np.asarray(sizes)
    for group in order.tolist():
        own = slice(ends[group], ends[group + 1])
        columns, added = shares.indices[own], shares.data[own]
        chosen = int(np.argmin(added @ filled[columns] / capacity))
        filled[columns, chosen] += added
        part[group] = chosen
    return part
