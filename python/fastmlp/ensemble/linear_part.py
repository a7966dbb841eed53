"""How a fit learns the linear part, by a ridge regression that outliers do not move."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.ensemble.reweighted_ridge import reweighted_ridge
from fastmlp.ensemble.settings import Settings
from fastmlp.ensemble.splits import RowSubset
from fastmlp.prediction.linear_part import LinearPart, scaled_numbers
from fastmlp.table.rows import every_kth, rows_with_weight, rows_without_weight
from fastmlp.table.scaling import learn_scaling
from fastmlp.table.training_range import RangeWatch, TrainingRange
from fastmlp.tasks import Task

# A column's outliers count as so many interquartile ranges from its median, and such a side of it
# is not continued: networks distinguish distant values too little to correct a line through them.
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
            f"extrapolation='linear' supports up to {_MOST_COLUMNS} columns of numbers; X has "
            f"{n_numeric}"
        )
    known = rows_with_weight(None, weights)
    rows = np.arange(X.shape[0]) if known is None else known
    rows = rows[every_kth(rows.size * n_numeric, most=_MOST_NUMBERS)]
    scaling = learn_scaling(X[:, :n_numeric], n_numeric, rows, None, robust=True)
    low, high = scaled_numbers(ends, scaling, -_FAR, _FAR)
    low = np.where(low < -_OUTLIER, -_OUTLIER, -_FAR)
    high = np.where(high > _OUTLIER, _OUTLIER, _FAR)
    z = scaled_numbers(X[rows, :n_numeric], scaling, low, high)
    fit = reweighted_ridge(
        z,
        task.linear_targets(targets[rows]),
        None if weights is None else weights[rows].astype(np.float64),
        task.link.name,
    )
    linear = LinearPart(scaling, low, high, fit.coef, task.linear_share)
    offset = linear.offset(X)
    offset[rows] = linear.share * fit.without_own_row
    return linear, offset


def with_linear_part(
    settings: Settings,
    before: FittedModel | None,
    watch: RangeWatch,
    task: Task,
    data: RowSubset,
    *,
    may_be_the_same_rows: bool = True,
) -> tuple[LinearPart | None, RowSubset, bool]:
    """The linear part, which further training does not change, and the rows with their offset.

    If training continues with the same rows, they get the same offset again.

    Returns
    -------
    linear : LinearPart or None
    data : RowSubset
        The rows, with their offset.
    is_cross_fitted : bool
        Whether each row's offset was fitted without this row's target.
    """
    if settings.extrapolation == "clip":
        return None, data, True
    linear = None if before is None else before.linear
    offset = None
    if linear is None or may_be_the_same_rows:
        learnt, own_left_out = learn_linear_part(
            data.X, watch.training_range, task, data.y, data.sample_weight
        )
        if linear is None or learnt.equals(linear):
            linear, offset = linear or learnt, own_left_out
    is_cross_fitted = offset is not None
    if linear.share == 0:  # inside the training range it adds nothing
        return linear, data, True
    data = data._replace(offset=linear.offset(data.X) if offset is None else offset)
    return linear, _clipped_without_weight(linear, watch.training_range, data), is_cross_fitted


def with_offset(rows: RowSubset, linear: LinearPart, training_range: TrainingRange) -> RowSubset:
    """Rows that are not trained on, as `predict` would read them."""
    table, offset, _ = linear.split(rows.X, training_range)
    return rows._replace(X=table, offset=offset)


def _clipped_without_weight(
    linear: LinearPart, training_range: TrainingRange, data: RowSubset
) -> RowSubset:
    """Rows of weight 0 as `predict` would read them: they may lie beyond the training range."""
    rows = rows_without_weight(data.sample_weight)
    if not rows.size or data.offset is None:
        return data
    given = data.X[rows]
    inside, offset, _ = linear.split(given, training_range)
    if inside is given:
        return data
    X, own = data.X.astype(inside.dtype), data.offset.copy()
    X[rows], own[rows] = inside, offset
    return data._replace(X=X, offset=own)
