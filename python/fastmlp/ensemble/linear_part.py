"""How the linear part is learnt: a ridge regression that outliers do not move."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.ensemble.reweighted_ridge import reweighted_ridge
from fastmlp.prediction.linear_part import LinearPart, scaled_numbers
from fastmlp.table.rows import rows_with_weight
from fastmlp.table.scaling import learn_scaling
from fastmlp.table.training_range import TrainingRange
from fastmlp.tasks import Task

# A column's outliers count as so many interquartile ranges from its median, and such a side of it
# is not continued: networks tell distant values apart too little to correct a line through them.
_OUTLIER = 5.0
_FAR = 1e9  # the same limit for all others, so that no prediction overflows
_MOST_COLUMNS = 1000
_MOST_NUMBERS = 2**23  # that slopes are learnt from: every k-th row


def learn_linear_part(
    X: NDArray[Any],
    training_range: TrainingRange,
    task: Task,
    targets: NDArray[Any],
    weights: NDArray[Any] | None,
) -> tuple[LinearPart, NDArray[np.float64]]:
    """Learn the slopes of a linear part from the training rows.

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
    low, high = scaled_numbers(ends, scaling, -_FAR, _FAR)
    low = np.where(low < -_OUTLIER, -_OUTLIER, -_FAR)
    high = np.where(high > _OUTLIER, _OUTLIER, _FAR)
    z = scaled_numbers(X[rows, :n_numeric], scaling, low, high)
    fit = reweighted_ridge(
        z,
        task.linear_targets(targets[rows]),
        None if weights is None else weights[rows].astype(np.float64),
        task.link,
    )
    linear = LinearPart(scaling, low, high, fit.coef, task.linear_share)
    offset = linear.offset(X)
    offset[rows] = linear.share * fit.without_own_row
    return linear, offset
