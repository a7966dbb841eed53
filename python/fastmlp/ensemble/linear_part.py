"""LinearPart: a regularised linear model of the columns of numbers, which networks correct.

Networks know nothing beyond the range of their training rows. With ``extrapolation="linear"`` they
read inputs that are clipped to that range, and this part, which is not clipped, is added to their
raw outputs: in training as an offset, as in generalised linear models, and in prediction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.ensemble.reweighted_ridge import reweighted_ridge
from fastmlp.table.rows import pieces, rows_with_weight
from fastmlp.table.scaling import Scaling, learn_scaling
from fastmlp.table.training_range import TrainingRange
from fastmlp.tasks import Task

Array = NDArray[np.float64]

# A column's outliers count as so many interquartile ranges from its median, and such a side of it
# is not continued: networks tell distant values apart too little to correct a line through them.
_OUTLIER = 5.0
_FAR = 1e9  # the same limit for all others, so that no prediction overflows
_MOST_COLUMNS = 1000
_MOST_NUMBERS = 2**23  # that slopes are learnt from: every k-th row


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
        Of the linear part, inside the training range; beyond it all is added that it adds there.
    """

    scaling: Scaling
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    coef: NDArray[np.float64]
    share: float

    @classmethod
    def learn(
        cls,
        X: NDArray[Any],
        training_range: TrainingRange,
        task: Task,
        targets: NDArray[Any],
        weights: NDArray[Any] | None,
    ) -> tuple[LinearPart, NDArray[np.float64]]:
        """Learn the slopes from the training rows.

        Returns
        -------
        linear : LinearPart
        offset : ndarray of shape (n_rows, n_outputs)
            Its values for these rows, for each as it were without that row. So networks learn from
            residuals of the size that new rows have, and rows that are held out from a network
            are new to the linear part too.

        Raises
        ------
        ValueError
            If there are too many columns of numbers.
        """
        ends = np.stack([training_range.low, training_range.high])
        n_numeric = ends.shape[1]
        if n_numeric > _MOST_COLUMNS:
            raise ValueError(
                f"extrapolation='linear' is for up to {_MOST_COLUMNS} columns of numbers; X has "
                f"{n_numeric}"
            )
        known = rows_with_weight(None, weights)
        rows = np.arange(X.shape[0]) if known is None else known
        rows = rows[:: -(-rows.size * n_numeric // _MOST_NUMBERS) or 1]
        scaling = learn_scaling(X[:, :n_numeric], n_numeric, rows, None, robust=True)
        low, high = _scaled(ends, scaling, -_FAR, _FAR)
        low = np.where(low < -_OUTLIER, -_OUTLIER, -_FAR)
        high = np.where(high > _OUTLIER, _OUTLIER, _FAR)
        z = _scaled(X[rows, :n_numeric], scaling, low, high)
        fit = reweighted_ridge(
            z,
            task.linear_targets(targets[rows]),
            None if weights is None else weights[rows].astype(np.float64),
            task.link,
        )
        linear = cls(scaling, low, high, fit.coef, task.linear_share)
        offset = linear.offset(X)
        offset[rows] = linear.share * fit.without_own_row
        return linear, offset

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
            The part of it that is due to numbers beyond the training range.
        """
        inside = training_range.clip(X)
        values = self._values(inside)
        beyond = np.zeros_like(values) if inside is X else self._values(X) - values
        return inside, self.share * values + beyond, beyond

    def _values(self, X: NDArray[Any]) -> NDArray[np.float64]:
        values = np.empty((X.shape[0], self.coef.shape[1]))
        numeric = X[:, : self.low.size]
        for rows in pieces(X):
            z = _scaled(numeric[rows], self.scaling, self.low, self.high)
            # In a product of BLAS a row's last bits depend on its neighbours.
            values[rows] = np.einsum("ij,jk->ik", z, self.coef)
        return values

    def equals(self, other: LinearPart) -> bool:
        """Whether both were learnt from the same rows, as far as slopes and medians tell."""
        return np.array_equal(self.coef, other.coef) and np.array_equal(
            self.scaling.shift, other.scaling.shift
        )


def _scaled(
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
