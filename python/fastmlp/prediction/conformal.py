"""Conformal prediction: intervals and sets of labels with a given coverage.

Scores say how wrong the model was about rows that it was not trained on. If a new row is drawn like
these n rows, its score is at most the k-th smallest of theirs with a probability of at least k / (n
+ 1), whatever the distribution is (Vovk, Gammerman & Shafer 2005, https://doi.org/10.1007/b106715;
Lei et al. 2018, https://arxiv.org/abs/1604.04173).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import ceil, inf
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp._user_warnings import warn
from fastmlp.table.labels import is_missing

SEVERAL_LABELS = "sets of classes are for one label per row; this model has several"

_ROUNDING = 1e-9  # 0.9 * (n + 1) may come out as a little more than a whole number
_ROWS_OF_A_BIN = 50  # of predictions whose errors are averaged
_MOST_BINS = 10
_PRIOR_ROWS = 10  # with the mean error of all rows, that each bin's own are averaged with


def conformal_quantile(
    scores: NDArray[np.float64], level: float, weights: NDArray[np.float64] | None = None
) -> float:
    """The least bound that one more score does not exceed with a probability of at least `level`.

    Parameters
    ----------
    scores : ndarray of shape (n_scores,)
        In ascending order.
    level : float
        In (0, 1).
    weights : ndarray of shape (n_scores,) or None
        Weights of the scores. The new one has their mean weight.

    Returns
    -------
    float
        One of the scores; inf if they are too few.
    """
    n = len(scores)
    if weights is None:
        rank = ceil(level * (n + 1) - _ROUNDING)
    elif n:
        reached = np.cumsum(weights)
        share = level * (reached[-1] + reached[-1] / n)
        rank = 1 + int(np.searchsorted(reached, share * (1 - _ROUNDING)))
    return float(scores[max(rank, 1) - 1]) if n and rank <= n else inf


def group_labels(groups: Any, n_rows: int) -> list[Any]:
    """The group of each row as a Python object; missing ones are None.

    For one row the label itself is accepted.

    Raises
    ------
    ValueError
        If there is not one label for each row.
    """
    labels = np.asarray(groups)
    if labels.shape == (n_rows, 1):  # a frame of one column
        labels = labels[:, 0]
    if n_rows == 1 and labels.ndim == 0:
        labels = labels[None]
    if labels.shape != (n_rows,):
        got = repr(groups) if labels.ndim == 0 else f"an array of shape {labels.shape}"
        raise ValueError(f"groups must hold a label for each of the {n_rows} rows; got {got}")
    return [None if is_missing(label) else label for label in labels.tolist()]


@dataclass(frozen=True, eq=False)
class ConformalScores:
    """Scores of rows that a model was not trained on, by group. Immutable.

    Parameters
    ----------
    values : ndarray of shape (n_scores, n_columns)
    weights : ndarray of shape (n_scores,) or None
    group : ndarray of shape (n_scores,) or None
        Number of each row's group; None: all rows are of one.
    labels : tuple
        Labels of the groups.
    """

    values: NDArray[np.float64]
    weights: NDArray[np.float64] | None = None
    group: NDArray[np.int32] | None = None
    labels: tuple[Any, ...] = ()

    def of_rows(self, rows: NDArray[Any]) -> ConformalScores:
        """The scores of some rows."""
        return replace(
            self,
            values=self.values[rows],
            weights=None if self.weights is None else self.weights[rows],
            group=None if self.group is None else self.group[rows],
        )

    def numbers_of(self, groups: Any, n_rows: int) -> NDArray[np.intp]:
        """The number of each row's group; of a group without scores one more than all others."""
        if (groups is None) != (self.group is None):
            raise ValueError(
                "groups must be given: the model was calibrated by group"
                if groups is None
                else "groups must be None: the model was not calibrated by group, which "
                "conformalize(..., groups=...) does"
            )
        if groups is None:
            return np.zeros(n_rows, dtype=np.intp)
        number_of = {label: number for number, label in enumerate(self.labels)}
        labels = group_labels(groups, n_rows)
        return np.array([number_of.get(label, len(number_of)) for label in labels], dtype=np.intp)

    def at_most(self, level: float) -> NDArray[np.float64]:
        """Bounds that a new score does not exceed, (n_groups + 1, n_columns)."""
        return self._bounds(level, 1)

    def at_least(self, level: float) -> NDArray[np.float64]:
        """Bounds that a new score does not fall below."""
        return -self._bounds(level, -1)

    def _bounds(self, level: float, sign: int) -> NDArray[np.float64]:
        """Quantiles of the scores, or of their negatives. The last row is of unknown groups."""
        bounds = np.full((len(self._sorted) + 1, self.values.shape[1]), inf)
        for number, (values, weights) in enumerate(self._sorted):
            for k, column in enumerate(sign * values.T[:, ::sign]):
                own = None if weights is None else weights[::sign, k]
                bounds[number, k] = conformal_quantile(column, level, own)
        return bounds

    @cached_property
    def _sorted(self) -> list[tuple[NDArray[np.float64], NDArray[np.float64] | None]]:
        """Scores of each group in ascending order, and the weights of each (n_rows, n_columns)."""
        of_group = []
        for number in range(1 if self.group is None else len(self.labels)):
            own = self if self.group is None else self.of_rows(self.group == number)
            order = np.argsort(own.values, axis=0, kind="stable")
            weights = None if own.weights is None else own.weights[order]
            of_group.append((np.take_along_axis(own.values, order, axis=0), weights))
        return of_group


def _warn_of_few(
    bounds: NDArray[np.float64], numbers: NDArray[np.intp], scores: ConformalScores, level: float
) -> None:
    """Warn if bounds of rows are infinite, and say how many rows are needed."""
    few = np.isinf(bounds).any(axis=1)
    if not few.any():
        return
    needed = ceil(level / (1 - level) - _ROUNDING)
    where = "there are fewer"
    if scores.group is not None:
        number = int(numbers[few][0])
        label = scores.labels[number] if number < len(scores.labels) else None
        where = "some groups have fewer" + (f", such as {label!r}" if label is not None else "")
    warn(
        f"this coverage needs {needed} calibration rows, but {where}: there, intervals are "
        "infinite and sets hold all classes. conformalize(X, y) takes more rows"
    )


@dataclass(frozen=True, eq=False)
class Difficulty:
    """The usual size of errors as a function of the prediction: linear between points. Immutable.

    Parameters
    ----------
    predicted, error : ndarray of shape (n_outputs, n_points)
        Predictions in ascending order, and the mean absolute error there.
    """

    predicted: NDArray[np.float64]
    error: NDArray[np.float64]

    @classmethod
    def learn(
        cls, predicted: NDArray[np.float64], errors: NDArray[np.float64]
    ) -> tuple[Difficulty, NDArray[np.float64]] | None:
        """Learn the difficulty from predictions and absolute errors (n_rows, n_outputs); None if
        too few.

        Also returns the difficulty of each of these rows (n_rows, n_outputs) as it would be without
        its own error. With it, large errors would be divided by more than those of new rows are.
        """
        n_bins = min(_MOST_BINS, len(predicted) // _ROWS_OF_A_BIN)
        if n_bins < 2:
            return None
        points, own_share = np.empty((2, predicted.shape[1], n_bins)), np.empty(errors.shape)
        for k, (own, error) in enumerate(zip(predicted.T, errors.T, strict=True)):
            mean = error.mean() or 1.0
            bins = np.array_split(np.argsort(own, kind="stable"), n_bins)
            for i, rows in enumerate(bins):
                n = rows.size + _PRIOR_ROWS
                points[:, k, i] = own[rows].mean(), (error[rows].sum() + _PRIOR_ROWS * mean) / n
                own_share[rows, k] = (error[rows] - points[1, k, i]) / (n - 1)
            # The means of equal numbers may differ in the last bit.
            np.maximum.accumulate(points[0, k], out=points[0, k])
            for rows, only in zip(bins, np.eye(n_bins), strict=True):
                own_share[rows, k] *= np.interp(own[rows], points[0, k], only)
        difficulty = cls(points[0], points[1])
        return difficulty, difficulty.of(predicted) - own_share

    def of(self, predicted: NDArray[np.float64]) -> NDArray[np.float64]:
        """The error expected with each prediction (n_rows, n_outputs)."""
        columns = zip(predicted.T, self.predicted, self.error, strict=True)
        return np.column_stack([np.interp(*column) for column in columns])


@dataclass(frozen=True, eq=False)
class PredictionIntervals:
    """Makes intervals from predictions of numbers. Immutable.

    Parameters
    ----------
    scores : ConformalScores
        True values less predictions, in units of the difficulty.
    difficulty : Difficulty or None
    quantiles : tuple of float
        Those that the columns of predictions are, of several quantiles; else ().
    shrinkage : ndarray of shape (n_columns,)
        Factor on out-of-fold residuals: errors of all networks together are smaller than those of
        the networks that a row is held out from.
    by_std : bool, default=False
        Whether the difficulty is the standard deviation that the model predicts.
    """

    scores: ConformalScores
    difficulty: Difficulty | None
    quantiles: tuple[float, ...]
    shrinkage: NDArray[np.float64]
    by_std: bool = False

    def of(
        self,
        predicted: NDArray[np.float64],
        coverage: float,
        groups: Any,
        std: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        """Intervals (n_rows, n_outputs, 2) of predictions (n_rows, n_columns) and their std."""
        numbers = self.scores.numbers_of(groups, len(predicted))
        level = (1 + coverage) / 2  # of either end
        low, high = self.scores.at_least(level)[numbers], self.scores.at_most(level)[numbers]
        _warn_of_few(low, numbers, self.scores, level)
        if self.by_std and std is not None:
            low, high = low * std, high * std
        elif self.difficulty is not None:
            size = self.difficulty.of(predicted)
            low, high = low * size, high * size
        low, high = predicted + low, predicted + high
        # Those next to the ends (Romano, Patterson & Candès 2019, arxiv.org/abs/1905.03222).
        if self.quantiles:
            distance = np.abs(np.subtract.outer([1 - level, level], self.quantiles))
            first, last = distance.argmin(axis=1)
            low, high = low[:, [first]], high[:, [last]]
        # Crossed ends would be an empty interval; sorted ones contain more.
        return np.stack([np.minimum(low, high), np.maximum(low, high)], axis=-1)


@dataclass(frozen=True, eq=False)
class PredictionSets:
    """Makes sets of classes from probabilities. Immutable.

    Parameters
    ----------
    scores : ConformalScores
        One less the probability of the true class (Sadinle, Lei & Wasserman 2019,
        https://arxiv.org/abs/1609.00451).
    classes : ndarray of shape (n_scores,)
        Number of the true class.
    """

    scores: ConformalScores
    classes: NDArray[np.int32]

    def of(
        self,
        probabilities: NDArray[np.float64],
        coverage: float,
        groups: Any,
        *,
        class_conditional: bool,
    ) -> NDArray[np.bool_]:
        """Which classes are in the set of each row, (n_rows, n_classes)."""
        numbers = self.scores.numbers_of(groups, len(probabilities))
        scores = [self.scores]
        if class_conditional:
            own = (self.classes == number for number in range(probabilities.shape[1]))
            scores = [self.scores.of_rows(rows) for rows in own]
        limits = np.hstack([of_class.at_most(coverage) for of_class in scores])[numbers]
        _warn_of_few(limits, numbers, self.scores, coverage)
        sets: NDArray[np.bool_] = 1 - probabilities <= limits
        return sets


Conformal = PredictionIntervals | PredictionSets


def check_coverage(coverage: Any) -> None:
    """Raise unless it is a number in (0, 1)."""
    if isinstance(coverage, bool) or not isinstance(coverage, Real):
        raise TypeError(f"coverage must be a number in (0, 1); got {coverage!r}")
    if not 0 < float(coverage) < 1:
        raise ValueError(f"coverage must be in (0, 1); got {coverage!r}")
