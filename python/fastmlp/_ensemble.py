"""The networks of a fitted estimator as one predictor: a weighted mean of their outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp import _core
from fastmlp._rows import parts
from fastmlp._training import Member, Part

# Shares of the one kind that are tried. Of equally good ones the first is taken: the evenest.
_SHARES = sorted((k / 20 for k in range(21)), key=lambda share: abs(share - 0.5))
_ROWS = 2**18  # that a share is learnt from


class Ensemble:
    """Immutable predictors of networks as they are now, and what each weighs.

    Attributes
    ----------
    weights : ndarray of shape (n_networks,)
        Together 1.
    kinds : list of str
        The kinds that there are, in the order of the first network of each.
    """

    def __init__(self, members: Sequence[Member], inputs: _core.Standardisation, link: str) -> None:
        self._members = members
        self._kind_of = np.array([member.recipe.place.kind for member in members])
        self.kinds: list[str] = list(dict.fromkeys(self._kind_of.tolist()))
        self.predictors: list[Any] = [
            (_core.PredictorF32 if member.network.dtype == np.float32 else _core.PredictorF64)(
                member.network._engine, inputs, link
            )
            for member in members
        ]
        self.weights = self._shares()

    def _shares(self) -> NDArray[np.float64]:
        """What each network weighs, together 1."""
        weights = np.array([member.weight for member in self._members])
        if not weights.any():  # those that counted were lost
            weights[:] = 1.0
        shares: NDArray[np.float64] = weights / weights.sum()
        return shares

    def predict(self, table: NDArray[Any], n_threads: int) -> NDArray[Any]:
        """Outputs behind the link, (n_rows, outputs)."""
        return self._mean(self.weights, table, n_threads)

    def predict_by_kind(self, table: NDArray[Any], n_threads: int) -> list[NDArray[Any]]:
        """Outputs behind the link of the networks of each kind."""
        return [self._mean(self._kind_of == kind, table, n_threads) for kind in self.kinds]

    def _mean(self, weights: NDArray[Any], table: NDArray[Any], n_threads: int) -> NDArray[Any]:
        counted = np.flatnonzero(weights)
        mean: NDArray[Any] = self.predictors[counted[0]].predict(table, n_threads)
        if counted.size == 1:
            return mean
        # Weights and their sum are rounded alike, so that no mean is larger than what it is of.
        own = weights.astype(mean.dtype)
        mean *= own[counted[0]]
        total = own[counted[0]]
        for i in counted[1:]:
            outputs = self.predictors[i].predict(table, n_threads)
            outputs *= own[i]
            mean += outputs
            total += own[i]
        mean /= total
        return mean

    def predict_unseen(
        self, validation: Sequence[Part | None], n_rows: int, n_threads: int
    ) -> list[NDArray[Any]]:
        """Outputs behind the link for the rows of the training table, of each kind.

        Every row is predicted by the networks that it was held out from; NaN where there are none.
        """
        network = self._members[0].network
        found = []
        for kind in self.kinds:
            outputs = np.zeros((n_rows, network._engine.outputs), dtype=network.dtype)
            counts = np.zeros((n_rows, 1), dtype=np.uint16)
            for i in np.flatnonzero(self._kind_of == kind).tolist():
                part = validation[i]
                if part is None:
                    continue
                for some in parts(part.X, part.rows):
                    outputs[some] += self.predictors[i].predict(part.X[some], n_threads)
                counts[part.rows] += 1
            with np.errstate(invalid="ignore"):
                outputs /= counts
            found.append(outputs)
        return found

    def weigh(
        self,
        unseen: list[NDArray[Any]],
        loss: Callable[[NDArray[Any], NDArray[Any]], float],
        sample_weight: NDArray[Any] | None,
    ) -> NDArray[Any]:
        """Give the kinds the weights whose mean has the least loss on rows that they have not seen.

        Parameters
        ----------
        unseen : list of ndarray of shape (n_rows, n_outputs)
            Outputs behind the link of each kind, NaN where there are none. Used up.
        loss : callable
            From outputs and the numbers of their rows to what to minimise.
        sample_weight : ndarray of shape (n_rows,) or None

        Returns
        -------
        ndarray of shape (n_rows, n_outputs)
            The weighted mean of `unseen`, of the kinds that have the row.
        """
        if len(unseen) == 1:
            return unseen[0]
        first, second = unseen
        no_first, no_second = np.isnan(first[:, 0]), np.isnan(second[:, 0])
        counted = ~(no_first | no_second)
        if sample_weight is not None:
            counted &= sample_weight > 0
        rows = np.flatnonzero(counted)
        rows = rows[:: max(1, -(-rows.size // _ROWS))]
        a, b = first[rows], second[rows]

        def loss_of(share: float) -> float:
            found = loss(b + share * (a - b), rows)
            return inf if isnan(found) else found

        share = min(_SHARES, key=loss_of) if rows.size else 0.5
        is_first = self._kind_of == self.kinds[0]
        weights = np.where(is_first, share / is_first.sum(), (1 - share) / np.sum(~is_first))
        for member, weight in zip(self._members, weights, strict=True):
            member.weight = float(weight)
        self.weights = self._shares()
        first[no_first] = second[no_first]
        second[no_second] = first[no_second]
        first -= second
        first *= share
        first += second
        return first
