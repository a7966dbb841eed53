"""Coalitions of columns, and Shapley values from the predictions for them.

A coalition's columns come from the row that is explained, the others from a row of the background.
Shapley values are means over rows of the background, of each of which all coalitions or some are
predicted. Those in between the empty and the whole one are listed here; these two are the
background's row and the explained one, whose predictions are known.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

_MOST_COLUMNS_OF_ALL = 20  # whose coalitions are listed


class Coalitions(Protocol):
    """Coalitions for each row of the background."""

    @property
    def count(self) -> int:
        """Coalitions for each row of the background, without the empty and the whole one."""

    def members(self, background: slice) -> NDArray[np.bool_]:
        """Members (n_background, count, n_columns), for these rows of the background."""

    def shapley_values(
        self,
        predictions: NDArray[np.float64],
        empty: NDArray[np.float64],
        whole: NDArray[np.float64],
        background: slice,
    ) -> NDArray[np.float64]:
        """Shapley values, summed over these rows of the background.

        Parameters
        ----------
        predictions : ndarray of shape (n_rows, n_background, count, n_outputs)
            Those for the coalitions.
        empty : ndarray of shape (n_background, n_outputs)
            For the rows of the background.
        whole : ndarray of shape (n_rows, n_outputs)
            For the rows that are explained.
        background : slice

        Returns
        -------
        ndarray of shape (n_rows, n_columns, n_outputs)
        """


def coalitions_of(
    n_columns: int, n_background: int, n_permutations: int, random_state: np.random.RandomState
) -> Coalitions:
    """All coalitions if they are no more than those of the permutations, else the latter."""
    every = AllCoalitions(n_columns, n_background)
    if n_columns <= _MOST_COLUMNS_OF_ALL and every.count <= n_permutations * 2 * (n_columns - 1):
        return every
    return Permutations.drawn(n_columns, n_background, n_permutations, random_state)


@dataclass(frozen=True, eq=False)
class Permutations:
    """Columns that join in random orders, each also reversed (Castro, Gómez & Tejada 2009).

    With one order and its reverse the values are exact where no more than two columns interact at
    a time (Mitchell, Cooper, Frank & Holmes 2022, https://jmlr.org/papers/v23/21-0439.html, call
    such pairs antithetic).

    Parameters
    ----------
    ranks : ndarray of int, shape (n_background, n_permutations, n_columns)
        When each column joins.
    """

    ranks: NDArray[np.intp]

    @classmethod
    def drawn(
        cls,
        n_columns: int,
        n_background: int,
        n_permutations: int,
        random_state: np.random.RandomState,
    ) -> Permutations:
        """Draw the orders."""
        shape = (n_background, n_permutations, n_columns)
        return cls(random_state.random_sample(shape).argsort(axis=2))

    @property
    def count(self) -> int:
        """Those of both orders of each pair."""
        n_pairs, n_columns = self.ranks.shape[1:]
        return int(n_pairs * 2 * (n_columns - 1))

    def members(self, background: slice) -> NDArray[np.bool_]:
        """In the order of each column, and then without the first of them, the first two, ..."""
        ranks = self.ranks[background][:, :, None]
        joined = np.arange(1, ranks.shape[-1])[:, None]
        members = np.concatenate([ranks < joined, ranks >= joined], axis=2)
        return members.reshape(len(ranks), self.count, ranks.shape[-1])

    def shapley_values(
        self,
        predictions: NDArray[np.float64],
        empty: NDArray[np.float64],
        whole: NDArray[np.float64],
        background: slice,
    ) -> NDArray[np.float64]:
        """Mean change when a column joins, in the orders and their reverses."""
        ranks = self.ranks[background]
        n_background, n_pairs, n_columns = ranks.shape
        shape = (len(predictions), n_background, n_pairs, 2, n_columns - 1, predictions.shape[-1])
        joining, leaving = np.moveaxis(predictions.reshape(shape), 3, 0)
        start, end = empty[None, :, None], whole[:, None, None]
        changes = _changes(start, joining, end) - _changes(end, leaving, start)
        of_columns = np.take_along_axis(changes, ranks[None, ..., None], axis=3)
        values: NDArray[np.float64] = of_columns.sum(axis=(1, 2)) / (2 * n_pairs)
        return values


def _changes(
    first: NDArray[np.float64], inner: NDArray[np.float64], last: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Changes along the axis 3 of `inner`, from a first value to a last one."""
    n = inner.shape[3]
    path = np.empty((*inner.shape[:3], n + 2, inner.shape[4]))
    path[..., 0, :], path[..., 1:-1, :], path[..., -1, :] = first, inner, last
    return np.diff(path, axis=3)


@dataclass(frozen=True, eq=False)
class AllCoalitions:
    """All coalitions, for exact Shapley values."""

    n_columns: int
    n_background: int

    @property
    def count(self) -> int:
        """All but the empty and the whole one."""
        return int(2**self.n_columns - 2)

    @property
    def _members(self) -> NDArray[np.bool_]:
        """All coalitions in the order of a Gray code: neighbours differ in one column."""
        numbers = np.arange(2**self.n_columns)
        bits = (numbers ^ numbers >> 1)[:, None] >> np.arange(self.n_columns) & 1
        sizes = bits.sum(axis=1)
        inner = (sizes > 0) & (sizes < self.n_columns)
        members: NDArray[np.bool_] = bits[inner].astype(bool)
        return members

    def members(self, background: slice) -> NDArray[np.bool_]:
        """The same for each row of the background."""
        n_background = len(range(*background.indices(self.n_background)))
        return np.broadcast_to(self._members, (n_background, self.count, self.n_columns))

    def shapley_values(
        self,
        predictions: NDArray[np.float64],
        empty: NDArray[np.float64],
        whole: NDArray[np.float64],
        background: slice,
    ) -> NDArray[np.float64]:
        """Weighted sums of the predictions with a column, less those without it."""
        members, n = self._members, self.n_columns
        sizes = members.sum(axis=1)
        orders = np.array([float(factorial(k) * factorial(n - 1 - k)) for k in range(n)])
        orders /= factorial(n)  # share of all orders in which a column joins k others
        joins = np.where(members, orders[sizes - 1, None], -orders[sizes][:, None])
        sums = np.einsum("rbsk,sj->rjk", predictions, joins)
        ends = len(empty) * whole - empty.sum(axis=0)
        values: NDArray[np.float64] = sums + ends[:, None] / n
        return values
