"""StoredTargets: from the targets in a row cache to those that a task trains on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class StoredTargets:
    """Turns what a row cache holds of y into targets, and weights of rows with those of classes.

    Attributes
    ----------
    of_class : ndarray of shape (n_classes, ...) or None
        The target of each stored class number, as `Task.encode` returns it; None if targets are
        stored as they are.
    class_weights : ndarray of shape (n_classes,) or None
        Weight of each stored class number; None if all are equal.
    """

    of_class: NDArray[Any] | None = None
    class_weights: NDArray[np.float64] | None = None

    def targets(self, stored: NDArray[Any]) -> NDArray[Any]:
        """Targets of rows, as `Task.encode` returns them."""
        return stored if self.of_class is None else self.of_class[stored[:, 0]]

    def weights(
        self, stored: NDArray[Any], weights: NDArray[Any] | None, dtype: np.dtype[Any]
    ) -> NDArray[Any] | None:
        """Weights of rows, given their stored targets and weights; None if all are equal."""
        own: Any = weights
        if self.class_weights is not None:
            by_class = self.class_weights[stored[:, 0]]
            own = by_class if weights is None else by_class * weights
        return None if own is None else own.astype(dtype, copy=False)
