"""Scorers of scikit-learn that are named most often, without its checks of arguments.

These checks take 0.2 to 5 ms a call, far more than an epoch on few rows. Here the true values are
checked and encoded once for all epochs. The formulas are scikit-learn's, operation by operation, so
that values, and with them the epochs chosen, are the same ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float64] | None
Formula = Callable[[NDArray[Any]], Any]  # from predictions to a score


@dataclass(frozen=True, eq=False)
class UncheckedMetric:
    """A score of the predictions for rows whose true values are known.

    Attributes
    ----------
    response : {"predict", "predict_proba"}
        Which predictions it takes.
    shape : tuple of int
        Their shape.
    formula : callable
    """

    response: Literal["predict", "predict_proba"]
    shape: tuple[int, ...]
    formula: Formula

    def takes(self, predicted: NDArray[Any]) -> bool:
        """Whether these are predictions that scikit-learn would raise no error for."""
        is_float = predicted.dtype.kind == "f"
        return predicted.shape == self.shape and not (is_float and not np.isfinite(predicted).all())


def unchecked_metric(
    name: str, y_true: NDArray[Any], weights: NDArray[Any] | None, classes: NDArray[Any] | None
) -> UncheckedMetric | None:
    """Build the scorer of that name; None where scikit-learn's own is needed.

    That is so for other scorers, for several targets or labels per row, and where scikit-learn may
    warn or has a rule of its own: rows that lack a class, or R2 of one row, of a constant target or
    of numbers whose squares overflow.

    Parameters
    ----------
    name : str
        One of ``sklearn.metrics.get_scorer_names()``.
    y_true, weights : ndarray of shape (n_rows,) or None
    classes : ndarray of shape (n_classes,) or None
        The labels in ascending order; None for regression.
    """
    if y_true.ndim > 1 or (weights is not None and not weights.any()):
        return None
    own = None if weights is None else weights.astype(np.float64)
    if classes is None:
        numbers = _Numbers(y_true.astype(np.float64), own)
        if name == "r2" and not numbers.have_r2:
            return None
        return _metric("predict", y_true.shape, numbers.formulas.get(name))
    true_classes = _Classes(y_true, own, classes)
    if true_classes.lack_one:
        return None
    if name in true_classes.formulas_of_labels:
        return _metric("predict", y_true.shape, true_classes.formulas_of_labels[name])
    shape = (y_true.size, classes.size)
    return _metric("predict_proba", shape, true_classes.formulas_of_probabilities.get(name))


def _metric(
    response: Literal["predict", "predict_proba"], shape: tuple[int, ...], formula: Formula | None
) -> UncheckedMetric | None:
    return None if formula is None else UncheckedMetric(response, shape, formula)


class _Numbers:
    """True numbers (n_rows,) and their weights."""

    def __init__(self, y_true: NDArray[np.float64], weights: Weights) -> None:
        self._y_true = y_true
        self._weights = weights

    @cached_property
    def _variation(self) -> Any:
        with np.errstate(over="ignore", invalid="ignore"):
            return self._sum_of_squares(np.average(self._y_true, weights=self._weights))

    @property
    def have_r2(self) -> bool:
        """Whether R2 is defined; one row differs from its weighted mean by rounding alone."""
        return self._y_true.size > 1 and bool(0 < self._variation < np.inf)

    @property
    def formulas(self) -> dict[str, Formula]:
        """Scores of predicted numbers, by name."""
        return {
            "neg_mean_absolute_error": lambda p: -self._absolute_error(p),
            "neg_mean_squared_error": lambda p: -self._squared_error(p),
            "neg_root_mean_squared_error": lambda p: -np.sqrt(self._squared_error(p)),
            "r2": lambda p: 1 - self._sum_of_squares(p) / self._variation,
        }

    def _absolute_error(self, predicted: NDArray[Any]) -> Any:
        return np.average(np.abs(predicted - self._y_true), weights=self._weights)

    def _squared_error(self, predicted: NDArray[Any]) -> Any:
        return np.average((self._y_true - predicted) ** 2, weights=self._weights)

    def _sum_of_squares(self, predicted: Any) -> Any:
        weights: Any = 1.0 if self._weights is None else self._weights
        return np.sum(weights * (self._y_true - predicted) ** 2)


class _Classes:
    """True labels (n_rows,), their weights, and all labels that there are."""

    def __init__(self, y_true: NDArray[Any], weights: Weights, classes: NDArray[Any]) -> None:
        self._y_true = y_true
        self._weights = weights
        self._classes = classes
        self._codes = np.searchsorted(classes, y_true)

    @property
    def lack_one(self) -> bool:
        """Whether there is a class that no row has, or only rows that weigh nothing."""
        in_class = np.bincount(self._codes, self._weights, self._classes.size)
        return bool(in_class.min() == 0)

    @property
    def formulas_of_labels(self) -> dict[str, Formula]:
        """Scores of predicted labels, by name."""
        return {"accuracy": self._accuracy, "balanced_accuracy": self._balanced_accuracy}

    @property
    def formulas_of_probabilities(self) -> dict[str, Formula]:
        """Scores of predicted probabilities (n_rows, n_classes), by name."""
        if self._classes.size > 2:
            return {"neg_log_loss": self._mean_log, "roc_auc_ovr": self._mean_roc_auc}
        # scikit-learn takes the probability of the second of two classes alone.
        ranked = self._ranked[1]
        formulas: dict[str, Formula] = {
            "neg_log_loss": lambda p: self._mean_log(np.column_stack([1 - p[:, 1], p[:, 1]])),
            "roc_auc": lambda p: ranked.roc_auc(p[:, 1]),
        }
        if self._classes[1] == 1:  # scikit-learn's default of pos_label
            formulas["average_precision"] = lambda p: ranked.average_precision(p[:, 1])
        return formulas

    @cached_property
    def _ranked(self) -> list[_RankedRows]:
        """The rows of each class against all others."""
        return [
            _RankedRows(self._codes == code, self._weights) for code in range(self._classes.size)
        ]

    def _accuracy(self, predicted: NDArray[Any]) -> Any:
        return np.average(predicted == self._y_true, weights=self._weights)

    def _balanced_accuracy(self, predicted: NDArray[Any]) -> Any:
        n = self._classes.size
        cells = self._codes * n + np.searchsorted(self._classes, predicted)
        confusion = np.bincount(cells, self._weights, n * n).reshape(n, n)
        return np.mean(np.diagonal(confusion) / confusion.sum(axis=1))

    def _mean_log(self, probabilities: NDArray[Any]) -> Any:
        of_true_class = np.take_along_axis(probabilities, self._codes[:, None], axis=1)[:, 0]
        precision = np.finfo(np.float64).eps
        log = np.log(np.clip(of_true_class, precision, 1 - precision))
        return np.average(log, weights=self._weights)

    def _mean_roc_auc(self, probabilities: NDArray[Any]) -> Any:
        columns = zip(self._ranked, probabilities.T, strict=True)
        return np.mean([ranked.roc_auc(column) for ranked, column in columns])


class _RankedRows:
    """Rows that are in a class or not, to be ranked by its probability.

    Parameters
    ----------
    is_positive : ndarray of bool of shape (n_rows,)
        Whether a row is in the class.
    weights : ndarray of shape (n_rows,) or None
        Rows that weigh nothing are left out.
    """

    def __init__(self, is_positive: NDArray[np.bool_], weights: Weights) -> None:
        self._rows = slice(None) if weights is None else np.flatnonzero(weights)
        self._is_positive = is_positive[self._rows].astype(np.float64)
        self._weights = None if weights is None else weights[self._rows]

    def _counts(self, scores: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Weights of false and of true positives, if each of the scores is the threshold."""
        scores = scores[self._rows]
        # Without weights the order of rows of one score makes no difference.
        order = np.argsort(-scores, kind=None if self._weights is None else "stable")
        ranked, positive = scores[order], self._is_positive[order]
        is_last = np.append(ranked[1:] != ranked[:-1], True)  # of one score
        if self._weights is None:
            of_true = np.cumsum(positive)[is_last]
            return 1.0 + np.flatnonzero(is_last) - of_true, of_true
        weights = self._weights[order]
        of_false = np.cumsum((1 - positive) * weights)[is_last]
        return of_false, np.cumsum(positive * weights)[is_last]

    def roc_auc(self, scores: NDArray[Any]) -> Any:
        """The area under the curve of the rates of true over false positives."""
        of_false, of_true = self._counts(scores)
        new_false, new_true = of_false[1:] - of_false[:-1], of_true[1:] - of_true[:-1]
        is_corner = np.ones(of_false.size, dtype=bool)  # the others are on a line between two
        is_corner[1:-1] = (new_false[1:] != new_false[:-1]) | (new_true[1:] != new_true[:-1])
        false_rate = np.append(0.0, of_false[is_corner]) / of_false[-1]
        true_rate = np.append(0.0, of_true[is_corner]) / of_true[-1]
        heights = (true_rate[1:] + true_rate[:-1]) / 2.0
        return np.sum((false_rate[1:] - false_rate[:-1]) * heights)

    def average_precision(self, scores: NDArray[Any]) -> Any:
        """The mean of the precision at each threshold, by how much the recall grows there."""
        of_false, of_true = self._counts(scores)
        precision = of_true / (of_true + of_false)
        recall = np.append(0.0, of_true / of_true[-1])
        # scikit-learn adds from the lowest threshold to the highest.
        return np.sum((np.diff(recall) * precision)[::-1])
