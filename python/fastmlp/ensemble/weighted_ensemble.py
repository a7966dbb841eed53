"""WeightedEnsemble: the networks of a fitted model as one predictor, a weighted mean of outputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf, isnan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.ensemble.member import Member
from fastmlp.ensemble.splits import RowSubset
from fastmlp.prediction.compiled import compiled_type, engine_predictor
from fastmlp.prediction.link import Link
from fastmlp.prediction.pipeline import TrainedNetwork
from fastmlp.table.engine_array import engine_table
from fastmlp.table.rows import Rows, Table, every_kth, pieces
from fastmlp.table.scaling import Scaling
from fastmlp.tasks import Task

# Shares of the first kind that are tried. Of equally good ones the first, the most even, is taken.
_SHARES = sorted((k / 20 for k in range(21)), key=lambda share: abs(share - 0.5))
_MOST_ROWS = 2**18  # that a share is learnt from


class WeightedEnsemble:
    """Predictors of networks, and the weight of each. Immutable.

    Outputs are those after the inverse link, in the networks' type.

    Parameters
    ----------
    members : sequence of Member
    scaling : Scaling
        Scaling of the columns of tables.
    link : Link
    weights : ndarray of shape (n_networks,), default=None
        Add up to 1. None: all equal.

    Attributes
    ----------
    kinds : tuple of str
        The kinds of networks, in the order of the first network of each.
    networks : tuple of TrainedNetwork
        Layers and parameters of the members.
    compiled : PredictorF32 or PredictorF64
        The core's predictor of the weighted mean.
    """

    def __init__(
        self,
        members: Sequence[Member],
        scaling: Scaling,
        link: Link,
        weights: NDArray[np.float64] | None = None,
    ) -> None:
        self.members = tuple(members)
        self._kind_of = np.array([member.recipe.spec.kind for member in members])
        self.kinds: tuple[str, ...] = tuple(dict.fromkeys(self._kind_of.tolist()))
        inputs = scaling.engine
        self._link, dtype = link, members[0].network.dtype
        self._compiled = compiled_type(dtype)
        self.predictors: tuple[Any, ...] = tuple(
            engine_predictor(member.network._engine, dtype, inputs, link) for member in members
        )
        self.networks = tuple(
            TrainedNetwork(member.network.layers, tuple(member.network.parameters))
            for member in members
        )
        self._weigh(_normalised(np.ones(len(members))) if weights is None else weights)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type that the networks compute in."""
        return self.members[0].network.dtype

    @property
    def n_outputs(self) -> int:
        """Outputs after the inverse link."""
        return int(self.compiled.outputs)

    def with_weights(self, weights: NDArray[np.float64]) -> WeightedEnsemble:
        """The ensemble with other weights, which add up to 1."""
        other = object.__new__(WeightedEnsemble)
        other.__dict__.update(self.__dict__)  # predictors are shared
        other._weigh(weights)
        return other

    def _weigh(self, weights: NDArray[np.float64]) -> None:
        self.weights = weights
        self.compiled = self._mean_of(weights)

    def predict(
        self, table: Table, n_threads: int, offset: NDArray[Any] | None = None
    ) -> NDArray[Any]:
        """The weighted mean of outputs, (n_rows, n_outputs).

        Parameters
        ----------
        offset : ndarray of shape (n_rows, n_outputs) or None
            Added to each network's raw outputs, in the networks' type.
        """
        return self._outputs(self.compiled, table, n_threads, offset)

    def predict_by_kind(
        self, table: Table, n_threads: int, offset: NDArray[Any] | None
    ) -> list[NDArray[Any]]:
        """The mean of outputs of the networks of each kind."""
        means = [self._mean_of((self._kind_of == kind).astype(float)) for kind in self.kinds]
        return [self._outputs(mean, table, n_threads, offset) for mean in means]

    def _mean_of(self, weights: NDArray[np.float64]) -> Any:
        """The weighted mean of networks as one predictor of the core."""
        counted = np.flatnonzero(weights)
        predictors = [self.predictors[i] for i in counted.tolist()]
        return self._compiled.mean_of(predictors, weights[counted].tolist())

    def _outputs(
        self, predictor: Any, table: Table, n_threads: int, offset: NDArray[Any] | None
    ) -> NDArray[Any]:
        table = engine_table(table, self.dtype)
        outputs: NDArray[Any] = predictor.predict(table, n_threads, offset)
        return outputs

    def predict_held_out(
        self,
        validation: Sequence[RowSubset | None],
        n_rows: int,
        n_threads: int,
        offset: NDArray[Any] | None,
    ) -> tuple[list[NDArray[Any]], list[float]]:
        """Outputs for the rows of the training table by the networks of each kind.

        Each row is predicted by the networks that it was held out from; NaN if there are none. Also
        returns how many these are for each kind, the mean over rows that have any. `offset` is as
        for `predict`, of all rows of the training table.
        """
        by_kind, per_row = [], []
        for kind in self.kinds:
            dtype = self._link.average_dtype(self.dtype)
            averages = np.zeros((n_rows, self.n_outputs), dtype)
            counts = np.zeros((n_rows, 1), dtype=np.uint16)
            for i in np.flatnonzero(self._kind_of == kind).tolist():
                subset = validation[i]
                if subset is None:
                    continue
                for rows, own in self._in_pieces(i, subset, n_threads, offset):
                    averages[rows] += self._link.to_average(own)
                counts[subset.rows] += 1
            with np.errstate(invalid="ignore"):
                averages /= counts
            by_kind.append(self._link.of_average(averages))
            per_row.append(float(counts.sum() / max(np.count_nonzero(counts), 1)))
        return by_kind, per_row

    def predict_held_out_alone(
        self, subset: RowSubset, n_threads: int, offset: NDArray[Any] | None
    ) -> NDArray[Any]:
        """Outputs of a single network for the rows held out from it, in their order."""
        return np.concatenate([own for _, own in self._in_pieces(0, subset, n_threads, offset)])

    def _in_pieces(
        self, index: int, subset: RowSubset, n_threads: int, offset: NDArray[Any] | None
    ) -> Iterator[tuple[slice | Rows, NDArray[Any]]]:
        """A network's outputs for a subset, a few rows at a time: the table is not copied."""
        for rows in pieces(subset.X, subset.rows):
            own = None if offset is None else offset[rows]
            table = engine_table(subset.X[rows], self.dtype)
            yield rows, self.predictors[index].predict(table, n_threads, own)

    def weigh_kinds(
        self,
        by_kind: list[NDArray[Any]],
        per_row: Sequence[float],
        task: Task,
        targets: NDArray[Any],
        sample_weight: NDArray[Any] | None,
    ) -> tuple[WeightedEnsemble, NDArray[Any]]:
        """Choose the weights of the kinds whose mean has the least loss on held-out rows.

        Parameters
        ----------
        by_kind : list of ndarray of shape (n_rows, n_outputs)
            Outputs of each kind for held-out rows, NaN where there are none. Overwritten.
        per_row : sequence of float
            Networks of each kind whose mean that is.
        task : Task
        targets : ndarray of shape (n_rows, ...)
        sample_weight : ndarray of shape (n_rows,) or None

        Returns
        -------
        ensemble : WeightedEnsemble
        outputs : ndarray of shape (n_rows, n_outputs)
            The weighted mean of `by_kind`, for each row of the kinds that have it.
        """
        if len(by_kind) == 1:
            return self, by_kind[0]
        first, second = by_kind
        no_first, no_second = np.isnan(first[:, 0]), np.isnan(second[:, 0])
        counted = ~(no_first | no_second)
        if sample_weight is not None:
            counted &= sample_weight > 0
        rows = np.flatnonzero(counted)
        rows = rows[every_kth(rows.size, most=_MOST_ROWS)]
        link = self._link
        first, second = link.to_average(first), link.to_average(second)
        a, b = first[rows], second[rows]
        own_weight = None if sample_weight is None else sample_weight[rows]

        def loss_of(share: float) -> float:
            loss = task.loss(link.of_average(b + share * (a - b)), targets[rows], own_weight)
            return inf if isnan(loss) else loss

        share = min(_SHARES, key=loss_of) if rows.size else 0.5
        # What one network of each kind weighs in a row; all do, also those of an unfinished round.
        is_first = self._kind_of == self.kinds[0]
        weights = np.where(is_first, share / per_row[0], (1 - share) / per_row[1])
        first[no_first] = second[no_first]
        second[no_second] = first[no_second]
        first -= second
        first *= share
        first += second
        return self.with_weights(_normalised(weights)), link.of_average(first)


def weights_of_rest(weights: NDArray[np.float64], kept: Sequence[int]) -> NDArray[np.float64]:
    """Weights of the members at these positions, if others are left out."""
    if len(kept) == weights.size:
        return weights
    rest = weights[list(kept)]
    return _normalised(rest if rest.any() else np.ones(len(kept)))


def _normalised(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    normalised: NDArray[np.float64] = weights / weights.sum()
    return normalised
