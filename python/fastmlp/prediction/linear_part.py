"""LinearPart: a linear model of the columns of numbers, which networks correct.

Networks have learnt nothing beyond the range of their training rows. With
``extrapolation="linear"`` they read inputs that are clipped to that range, and this part, which is
not clipped, is added to their raw outputs: in training as an offset, as in generalised linear
models, and in prediction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.table.rows import pieces
from fastmlp.table.scaling import Scaling
from fastmlp.table.training_range import TrainingRange

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LinearPart:
    """What is added to the networks' raw outputs, in the unit of the targets. Immutable.

    Each number becomes ``z = (x - shift) * scale``, limited to [low, high], a missing one 0. The
    networks learn the level: there is no intercept.

    Attributes
    ----------
    scaling : Scaling
        Median and interquartile range of the columns of numbers.
    low, high : ndarray of shape (n_numeric,)
    coef : ndarray of shape (n_numeric, n_outputs)
    share : float
        Share of the linear part that is added inside the training range; what it adds beyond is
        added in full.
    """

    scaling: Scaling
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    coef: NDArray[np.float64]
    share: float

    def offset(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """The offset (n_rows, n_outputs) of rows inside the training range."""
        return self.share * self._values(X)

    def split(
        self, X: NDArray[Any], training_range: TrainingRange
    ) -> tuple[NDArray[Any], NDArray[np.float64], NDArray[np.float64]]:
        """Split rows of an encoded table into what networks read and what is added to it.

        Returns
        -------
        inside : ndarray of shape (n_rows, n_columns)
            The table with its numbers clipped to the training range.
        offset : ndarray of shape (n_rows, n_outputs)
            To add to the networks' outputs.
        beyond : ndarray of shape (n_rows, n_outputs)
            The part of it that comes from numbers beyond the training range.
        """
        inside = training_range.clip(X)
        values = self._values(inside)
        beyond = np.zeros_like(values) if inside is X else self._values(X) - values
        return inside, self.share * values + beyond, beyond

    def _values(self, X: NDArray[Any]) -> NDArray[np.float64]:
        values = np.empty((X.shape[0], self.coef.shape[1]))
        numeric = X[:, : self.low.size]
        for rows in pieces(X):
            z = scaled_numbers(numeric[rows], self.scaling, self.low, self.high)
            # In a product of BLAS a row's last bits depend on its neighbours.
            values[rows] = np.einsum("ij,jk->ik", z, self.coef)
        return values

    def equals(self, other: LinearPart) -> bool:
        """Whether both were learnt from the same rows, judged by slopes and medians."""
        return np.array_equal(self.coef, other.coef) and np.array_equal(
            self.scaling.shift, other.scaling.shift
        )


def scaled_numbers(
    numeric: NDArray[Any], scaling: Scaling, low: float | Array, high: float | Array
) -> Array:
    """Columns of numbers in interquartile ranges from their medians, limited to [low, high]."""
    # In another order of memory, einsum would add a row's terms in another order.
    z: Array = numeric.astype(np.float64, order="C")
    with np.errstate(over="ignore", invalid="ignore"):  # constants: infinity times 0
        z -= scaling.shift
        z *= scaling.scale
    np.nan_to_num(z, copy=False, nan=0.0)
    return np.clip(z, low, high, out=z)
