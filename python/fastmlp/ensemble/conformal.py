"""Learns the scores for intervals and sets of classes from rows that networks were not trained on.

These are out-of-fold rows, or a validation part that all networks share, or rows that come later.
Only the last have scores like those of new rows exactly. The others chose the networks' best epochs
and the weights of their kinds, and few numbers besides; docs/intervals.md says what that changes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmlp.prediction.conformal import (
    SEVERAL_LABELS,
    Conformal,
    ConformalScores,
    Difficulty,
    PredictionIntervals,
    PredictionSets,
    group_labels,
)
from fastmlp.prediction.decoders import has_several_labels
from fastmlp.table.labels import sorted_labels
from fastmlp.table.rows import every_kth
from fastmlp.tasks import ClassificationTask, RegressionTask, Task

_NO_ROW_COUNTS = (
    "y must have all targets, and sample_weight must be positive, in a row that has a prediction"
)
_MOST_ROWS = 2**16  # whose scores are kept: every k-th


class Observed(NamedTuple):
    """Predictions for rows that were not trained on, and the truth.

    Parameters
    ----------
    predicted : ndarray of shape (n_rows, n_columns)
        Numbers or probabilities.
    targets : ndarray of shape (n_rows, n_outputs), or class numbers (n_rows,)
    weights : ndarray of shape (n_rows,) or None
    groups : array-like of shape (n_rows,) or None
    std : ndarray of shape (n_rows, n_columns) or None
        Standard deviations that were predicted.
    """

    predicted: NDArray[np.float64]
    targets: NDArray[Any]
    weights: NDArray[Any] | None
    groups: Any = None
    std: NDArray[np.float64] | None = None

    @classmethod
    def of(
        cls,
        task: Task,
        predicted: NDArray[np.float64],
        targets: NDArray[Any],
        weights: NDArray[Any] | None,
        groups: Any = None,
        std: NDArray[np.float64] | None = None,
    ) -> Observed:
        """Rows with the task's targets."""
        n_rows = len(predicted)
        if isinstance(task, ClassificationTask) and not task.multilabel:
            targets = targets.ravel().astype(np.intp)
        size = None if std is None else std.reshape(n_rows, -1)
        return cls(predicted.reshape(n_rows, -1), targets, weights, groups, size)

    def without_class_weights(self, task: Task) -> Observed:
        """The rows with weights that are not multiplied by those of their classes."""
        if self.weights is None or not isinstance(task, ClassificationTask) or task.multilabel:
            return self
        by_class = task.class_weights(task.classes[self.targets])
        if by_class is None:
            return self
        # Rows of classes that weigh nothing stay without weight.
        own = np.divide(self.weights, by_class, where=by_class > 0, out=np.zeros(by_class.size))
        return self._replace(weights=own)

    @property
    def counted(self) -> Observed:
        """The rows that have a prediction, all targets, and a positive weight."""
        counted = ~np.isnan(self.predicted[:, 0])
        counted &= ~np.isnan(self.targets).reshape(len(counted), -1).any(axis=1)
        if self.weights is not None:
            counted &= self.weights > 0
        groups = self.groups
        if groups is not None:
            labels = np.empty(len(counted), dtype=object)
            labels[:] = group_labels(groups, len(counted))
            groups = labels[counted]
        weights = None if self.weights is None else self.weights[counted].astype(np.float64)
        if weights is not None and weights.size and np.allclose(weights, weights[0], rtol=1e-6):
            weights = None
        std = None if self.std is None else self.std[counted]
        return Observed(self.predicted[counted], self.targets[counted], weights, groups, std)

    def scores(self, values: NDArray[np.float64]) -> ConformalScores:
        """The scores of these rows."""
        if self.groups is None:
            return ConformalScores(values, self.weights)
        labels = sorted_labels(set(self.groups.tolist()))
        number_of = {label: number for number, label in enumerate(labels)}
        group = np.array([number_of[label] for label in self.groups.tolist()], dtype=np.int32)
        return ConformalScores(values, self.weights, group, tuple(labels))


def learn_conformal(
    task: Task, observed: Observed, shrinkage: NDArray[np.float64] | None = None
) -> Conformal | None:
    """Learn the scores from the held-out rows of a fit; None for several labels per row, or without
    rows.

    Parameters
    ----------
    task : Task
    observed : Observed
        NaN is predicted for rows that were not held out.
    shrinkage : ndarray of shape (n_outputs,) or None
        See `fastmlp.ensemble.residual_shrinkage`.
    """
    observed = observed.counted
    if not len(observed.predicted):
        return None
    if not isinstance(task, RegressionTask):
        return None if has_several_labels(task.decoder) else _sets(observed)
    loss = task.training_loss
    residuals = observed.targets - observed.predicted
    if shrinkage is None:
        shrinkage = np.ones(residuals.shape[1])
    if loss.several_quantiles:
        scores = _kept_scores(observed, residuals)
        return PredictionIntervals(scores, None, loss.quantiles, shrinkage)
    if observed.std is not None:
        scores = _kept_scores(observed, shrinkage * residuals / observed.std)
        return PredictionIntervals(scores, None, (), shrinkage, by_std=True)
    learnt = Difficulty.learn(observed.predicted, np.abs(residuals))
    difficulty, size = (None, 1.0) if learnt is None else learnt
    scores = _kept_scores(observed, shrinkage * residuals / size)
    return PredictionIntervals(scores, difficulty, (), shrinkage)


def conformalized(
    task: Task, before: Conformal | None, observed: Observed, *, out_of_fold: bool
) -> Conformal:
    """Learn the scores again from other rows, or from the out-of-fold rows of the fit in groups.

    The difficulty of other rows is as the fit learnt it: what divides scores must not depend on
    them.

    Raises
    ------
    ValueError
        If there are several labels per row, or no row counts.
    """
    if has_several_labels(task.decoder):
        raise ValueError(SEVERAL_LABELS)
    shrinkage = before.shrinkage if isinstance(before, PredictionIntervals) else None
    if out_of_fold or not isinstance(task, RegressionTask):
        learnt = learn_conformal(task, observed, shrinkage)
        if learnt is None:
            raise ValueError(_NO_ROW_COUNTS)
        return learnt
    observed = observed.counted
    if not len(observed.predicted):
        raise ValueError(_NO_ROW_COUNTS)
    residuals = observed.targets - observed.predicted
    if observed.std is not None:
        residuals /= observed.std
    if not isinstance(before, PredictionIntervals):
        loss = task.training_loss
        quantiles = loss.quantiles if loss.several_quantiles else ()
        scores = _kept_scores(observed, residuals)
        ones, by_std = np.ones(residuals.shape[1]), observed.std is not None
        return PredictionIntervals(scores, None, quantiles, ones, by_std)
    if before.difficulty is not None:
        residuals /= before.difficulty.of(observed.predicted)
    return replace(before, scores=_kept_scores(observed, residuals))


def _sets(observed: Observed) -> PredictionSets:
    """Sets of classes by the probabilities of the true classes of these rows."""
    rows = np.arange(len(observed.targets))
    values = 1 - observed.predicted[rows, observed.targets][:, None]
    kept = _kept(values)
    classes = observed.targets[kept].astype(np.int32)
    return PredictionSets(observed.scores(values).of_rows(kept), classes)


def _kept_scores(observed: Observed, values: NDArray[np.float64]) -> ConformalScores:
    return observed.scores(values).of_rows(_kept(values))


def _kept(values: NDArray[np.float64]) -> NDArray[np.intp]:
    """Rows whose scores are kept, in an order that does not reveal which rows these are."""
    rows = np.arange(len(values))[every_kth(len(values), most=_MOST_ROWS)]
    kept: NDArray[np.intp] = rows[np.argsort(values[rows, 0], kind="stable")]
    return kept
