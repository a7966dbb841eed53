"""Learns y block by block and converts it for storage: numbers, classes, several labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from fastmlp.streaming.targets import StoredTargets
from fastmlp.table.labels import factorize, is_missing
from fastmlp.table.text import quoted
from fastmlp.tasks import Task

# From y to the task and y's targets, as estimators learn them in memory.
NewTask = Callable[[NDArray[Any]], tuple[Task, NDArray[Any]]]
_MOST_CLASSES = 2**16


class LearntTargets(Protocol):
    """What was learnt from the targets of all rows."""

    def task(self, new_task: NewTask) -> tuple[Task, StoredTargets]:
        """The task, and how its targets are made of what is stored."""


class TargetLearner(Protocol):
    """Learns the targets of blocks, and turns them into what is stored."""

    dtype: str
    width: int

    def learn(self, y: NDArray[Any], weights: NDArray[Any] | None) -> NDArray[Any]:
        """Learn from a block; returns what is stored, (n_rows, width)."""

    def merge(self, other: Any) -> None:
        """Learn what another one of the same kind has learnt from other rows."""

    def finish(self) -> LearntTargets:
        """What was learnt."""


# ---- numbers


@dataclass(frozen=True, eq=False)
class LearntNumbers:
    """Weighted mean, standard deviation and range of each column of y; exact."""

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    one_dimensional: bool

    def task(self, new_task: NewTask) -> tuple[Task, StoredTargets]:
        """The task, which learns scale and range from two rows that have those of all."""
        ends = np.stack([self.low, self.high])
        task, _ = new_task(ends[:, 0] if self.one_dimensional else ends)
        two = np.stack([self.mean - self.deviation, self.mean + self.deviation])
        return task.scaled_to(two, None, None, None).with_range_of(ends, None), StoredTargets()


class NumbersLearner:
    """Learns targets that are numbers.

    Parameters
    ----------
    first : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        Targets of the first block.
    """

    def __init__(self, first: NDArray[Any]) -> None:
        self.dtype = "float32" if first.dtype == np.float32 else "float64"
        self.width = 1 if first.ndim == 1 else first.shape[1]
        self._one_dimensional = first.ndim == 1
        self._mean, self._square = np.zeros(self.width), np.zeros(self.width)
        self._low, self._high = np.full(self.width, np.inf), np.full(self.width, -np.inf)
        self._weight = 0.0

    def learn(self, y: NDArray[Any], weights: NDArray[Any] | None) -> NDArray[Any]:
        """Learn from a block; returns its targets."""
        targets = np.asarray(y, dtype=self.dtype).reshape(len(y), -1)
        if targets.shape[1] != self.width:
            raise ValueError(f"y must have {self.width} columns, as before; got {y.shape}")
        exact = targets.astype(np.float64)
        if not np.isfinite(exact).all():
            raise ValueError("y must hold finite numbers; it holds NaN or infinity")
        own = np.ones(len(y)) if weights is None else weights.astype(np.float64)
        exact, own = exact[own > 0], own[own > 0]
        if own.size:
            self._low = np.minimum(self._low, exact.min(axis=0))
            self._high = np.maximum(self._high, exact.max(axis=0))
            mean = np.average(exact, axis=0, weights=own)
            self._add(mean, own @ (exact - mean) ** 2, own.sum())
        return targets

    def merge(self, other: NumbersLearner) -> None:
        """Learn what another one has learnt from other rows."""
        if other.width != self.width:
            raise ValueError(f"y must have {self.width} columns, as before; got {other.width}")
        self.dtype = np.promote_types(self.dtype, other.dtype).name
        self._low = np.minimum(self._low, other._low)
        self._high = np.maximum(self._high, other._high)
        if other._weight:
            self._add(other._mean, other._square, other._weight)

    def _add(self, mean: NDArray[np.float64], square: NDArray[np.float64], weight: float) -> None:
        """The sum of squares of two parts, without cancellation.

        As in Chan, Golub & LeVeque 1983, https://doi.org/10.1080/00031305.1983.10483115.
        """
        total, distance = self._weight + weight, mean - self._mean
        self._square += square + distance**2 * self._weight * weight / total
        self._mean += distance * weight / total
        self._weight = total

    def finish(self) -> LearntNumbers:
        """What was learnt."""
        deviation = np.sqrt(self._square / max(self._weight, np.finfo(np.float64).tiny))
        return LearntNumbers(self._mean, deviation, self._low, self._high, self._one_dimensional)


# ---- classes


@dataclass(frozen=True, eq=False)
class LearntClasses:
    """Labels in the order in which they first appeared, and the weight of their rows."""

    labels: NDArray[Any]
    weights: NDArray[np.float64]

    def task(self, new_task: NewTask) -> tuple[Task, StoredTargets]:
        """The task with its classes in ascending order."""
        # Each label twice, or scikit-learn takes them for numbers.
        task, targets = new_task(np.concatenate([self.labels, self.labels]))
        task = task.balanced_by(self.labels, self.weights)
        of_class = targets[: self.labels.size]
        return task, StoredTargets(of_class, task.class_weights(self.labels))


class ClassesLearner:
    """Learns targets that are classes, one for each row.

    Parameters
    ----------
    first : ndarray of shape (n_rows,)
        Labels of the first block.
    """

    dtype, width = "int32", 1

    def __init__(self, first: NDArray[Any]) -> None:
        self._type = first.dtype
        self._numbers: dict[Any, int] = {}
        self._weights = np.zeros(0)

    def learn(self, y: NDArray[Any], weights: NDArray[Any] | None) -> NDArray[Any]:
        """Learn from a block; returns its class numbers, in the order of first appearance."""
        if y.ndim != 1:
            raise ValueError(f"y must be 1-D labels, as before; got shape {y.shape}")
        rows, labels = factorize(y)
        missing = next(filter(is_missing, labels), self)
        if missing is not self:
            raise ValueError(f"y holds {quoted(missing)}: every row needs a label")
        numbers: NDArray[np.int32] = self._numbers_of(labels, y.dtype)[rows]
        self._weights += np.bincount(numbers, weights, minlength=self._weights.size)
        return numbers[:, None]

    def merge(self, other: ClassesLearner) -> None:
        """Learn what another one has learnt from other rows."""
        numbers = self._numbers_of([*other._numbers], other._type)
        self._weights[numbers] += other._weights

    def _numbers_of(self, labels: Sequence[Any], dtype: np.dtype[Any]) -> NDArray[np.int32]:
        """The class number of each label; new ones get the next numbers."""
        # A longer text needs a wider type; numbers beside text become objects.
        self._type = np.result_type(self._type, dtype) if self._type != dtype else self._type
        new = [label for label in labels if label not in self._numbers]
        self._numbers.update(zip(new, range(len(self._numbers), _MOST_CLASSES), strict=False))
        if len(self._numbers) == _MOST_CLASSES:
            raise ValueError(f"y has {_MOST_CLASSES} classes or more; Regressor predicts numbers")
        self._weights = np.append(self._weights, np.zeros(len(new)))
        numbers: NDArray[np.int32] = np.array([self._numbers[label] for label in labels], np.int32)
        return numbers

    def finish(self) -> LearntClasses:
        """What was learnt."""
        labels = np.empty(len(self._numbers), dtype=self._type)
        labels[:] = [*self._numbers]
        return LearntClasses(labels, self._weights)


# ---- several labels


@dataclass(frozen=True)
class LearntIndicators:
    """Number of labels that each row has or has not."""

    n_labels: int

    def task(self, new_task: NewTask) -> tuple[Task, StoredTargets]:
        """The task; weights of classes are not supported."""
        both = np.repeat([[0], [1]], self.n_labels, axis=1)
        task, _ = new_task(both)
        if task.class_weights(both) is not None:
            raise ValueError(
                "class_weight must be None if X is a stream and rows have several labels"
            )
        return task, StoredTargets()


class IndicatorsLearner:
    """Learns several labels per row, in a matrix of 0 and 1.

    Parameters
    ----------
    first : ndarray of shape (n_rows, n_labels)
    """

    dtype = "float32"

    def __init__(self, first: NDArray[Any]) -> None:
        self.width = first.shape[1]

    def learn(self, y: NDArray[Any], weights: NDArray[Any] | None) -> NDArray[Any]:
        """Check a block; returns its zeros and ones."""
        if y.ndim != 2 or y.shape[1] != self.width:
            raise ValueError(f"y must have {self.width} columns, as before; got {y.shape}")
        if not np.isin(y, (0, 1)).all():
            raise ValueError("y with several labels per row must hold 0 and 1 only")
        return y.astype(np.float32)

    def merge(self, other: IndicatorsLearner) -> None:
        """Check that another one has as many labels."""
        if other.width != self.width:
            raise ValueError(f"y must have {self.width} columns, as before; got {other.width}")

    def finish(self) -> LearntIndicators:
        """What was learnt."""
        return LearntIndicators(self.width)
