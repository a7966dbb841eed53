"""The networks of a fitted estimator as one predictor: a weighted mean of their outputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp import _core
from fastmlp._rows import parts
from fastmlp._training import Member, Part

_SHARES = np.linspace(0.0, 1.0, 21)  # of the one kind, that are tried


class Ensemble:
    """Immutable predictors of networks as they are now, and what each weighs."""

    def __init__(self, members: Sequence[Member], inputs: _core.Standardisation, link: str) -> None:
        self._members = members
        self.predictors: list[Any] = [
            (_core.PredictorF32 if member.network.dtype == np.float32 else _core.PredictorF64)(
                member.network._engine, inputs, link
            )
            for member in members
        ]

    @property
    def weights(self) -> NDArray[np.float64]:
        """What each network weighs, together 1."""
        weights: NDArray[np.float64] = np.array([member.weight for member in self._members])
        if not weights.any():  # those that counted were lost
            weights[:] = 1.0
        weights /= weights.sum()
        return weights

    def predict(self, table: NDArray[Any], n_threads: int) -> NDArray[Any]:
        """Outputs behind the link, (n_rows, outputs)."""
        if len(self.predictors) == 1:
            single: NDArray[Any] = self.predictors[0].predict(table, n_threads)
            return single
        return self._weighted(self.weights, table, n_threads)

    def _weighted(
        self, weights: NDArray[np.float64], table: NDArray[Any], n_threads: int
    ) -> NDArray[Any]:
        total = None
        for predictor, weight in zip(self.predictors, weights, strict=True):
            if weight > 0:
                outputs: NDArray[Any] = predictor.predict(table, n_threads)
                outputs *= outputs.dtype.type(weight)
                total = outputs if total is None else total + outputs
        assert total is not None
        return total

    @property
    def kinds(self) -> list[str]:
        """The kinds that there are, in the order of the first network of each."""
        return list(dict.fromkeys(member.recipe.place.kind for member in self._members))

    def _of(self, kind: str) -> NDArray[np.float64]:
        """The same weight for every network of a kind, together 1; 0 for others."""
        kinds = [member.recipe.place.kind for member in self._members]
        weights: NDArray[np.float64] = np.array([own == kind for own in kinds]) / kinds.count(kind)
        return weights

    def predict_by_kind(self, table: NDArray[Any], n_threads: int) -> list[NDArray[Any]]:
        """Outputs behind the link of the networks of each kind."""
        return [self._weighted(self._of(kind), table, n_threads) for kind in self.kinds]

    def predict_unseen(
        self, validation: Sequence[Part | None], n_rows: int, n_threads: int
    ) -> list[NDArray[Any]]:
        """Outputs behind the link for the rows of the training table, of each kind.

        Every row is predicted by the networks that it was held out from; NaN where there are none.
        """
        found = []
        for kind in self.kinds:
            network = self._members[0].network
            outputs = np.zeros((n_rows, network._engine.outputs), dtype=network.dtype)
            counts = np.zeros((n_rows, 1), dtype=outputs.dtype)
            for member, predictor, part in zip(
                self._members, self.predictors, validation, strict=True
            ):
                if part is None or member.recipe.place.kind != kind:
                    continue
                for some in parts(part.X, part.rows):
                    outputs[some] += predictor.predict(part.X[some], n_threads)
                counts[part.rows] += 1
            with np.errstate(invalid="ignore"):
                found.append(outputs / counts)
        return found

    def weigh(
        self, unseen: Sequence[NDArray[Any]], loss: Callable[[NDArray[Any], Any], float]
    ) -> NDArray[Any]:
        """Give the kinds the weights whose mean has the least loss on rows that they have not seen.

        Parameters
        ----------
        unseen : sequence of ndarray of shape (n_rows, n_outputs)
            Outputs behind the link of each kind, NaN where there are none.
        loss : callable
            From outputs and the numbers of their rows to what to minimise.

        Returns
        -------
        ndarray of shape (n_rows, n_outputs)
            The weighted mean of `unseen`, of the kinds that have the row.
        """
        if len(unseen) == 1:
            return unseen[0]
        first, second = unseen
        have_first, have_second = ~np.isnan(first[:, 0]), ~np.isnan(second[:, 0])
        rows = np.flatnonzero(have_first & have_second)
        share = 0.5
        if rows.size:
            a, b = first[rows], second[rows]
            share = float(min(_SHARES, key=lambda share: loss(share * a + (1 - share) * b, rows)))
        weights = share * self._of(self.kinds[0]) + (1 - share) * self._of(self.kinds[1])
        for member, weight in zip(self._members, weights, strict=True):
            member.weight = float(weight)
        mean = np.where(have_first[:, None], first, second)
        mean[rows] = share * first[rows] + (1 - share) * second[rows]
        return mean
