"""Centre and scale of a table's columns, learnt from its training rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import StandardScaler

from fastmlp import _core
from fastmlp.table.rows import pieces, rows_with_weight, sample_for_quantiles, slices

_FAR = 1e9  # the engine limits |x| to this before it clips: the result is 3 in any case
_COLUMNS = 2**15  # scaled at a time: a scaler makes twenty arrays as long as a row


@dataclass(frozen=True)
class Scaling:
    """What happens to a table's columns before the network reads them.

    Each value becomes ``(x - shift) * scale``. In the first `n_numeric` columns NaN becomes 0
    after that and, with `clips`, each x becomes ``x / sqrt(1 + (x / 3)^2)``. Without shift and
    scale the columns stay as they are.
    """

    shift: NDArray[np.float64]
    scale: NDArray[np.float64]
    n_numeric: int
    clips: bool = False

    @property
    def engine(self) -> _core.Standardisation:
        """The scaling in the form that the engine takes."""
        return _core.Standardisation(self.shift, self.scale, self.n_numeric, self.clips)

    def apply(self, values: NDArray[np.float64], column: int) -> NDArray[np.float64]:
        """Scale values of a numeric column as the engine does, except for its type's rounding."""
        x = values
        if self.shift.size:
            with np.errstate(over="ignore"):
                x = (values - self.shift[column]) * self.scale[column]
        if not self.clips:
            return x
        x = np.clip(x, -_FAR, _FAR)
        return x / np.hypot(1, x / 3)


def _mean_and_scale(
    X: NDArray[Any], rows: NDArray[Any] | None, weights: NDArray[Any] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weighted mean and standard deviation of each column without NaN; for constants 1."""
    shift, scale = np.empty(X.shape[1]), np.empty(X.shape[1])
    # The scaler takes the sum of the weights for a number of rows.
    unit = 1.0 if weights is None else weights[rows].mean(dtype=np.float64)
    for columns in slices(X.shape[1], _COLUMNS):
        scaler = StandardScaler()
        table = X[:, columns]
        for some in pieces(table, rows):
            scaler.partial_fit(
                table[some].astype(np.float64, copy=False),
                sample_weight=None if weights is None else weights[some] / unit,
            )
        empty = np.broadcast_to(scaler.n_samples_seen_ == 0, scaler.mean_.shape)
        shift[columns] = np.where(empty, 0.0, scaler.mean_)
        scale[columns] = np.where(empty, np.inf, scaler.scale_)
    return shift, scale


def _median_and_range(
    X: NDArray[Any], rows: NDArray[Any] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Median and interquartile range of each column, without NaN.

    Where that range is 0, half of (largest - smallest) takes its place; for constants infinity, so
    that they become 0. This is RealMLP's robust scaling (Holzmüller et al. 2024,
    https://arxiv.org/abs/2407.04491). Of long tables every k-th row is used.
    """
    shift, scale = np.zeros(X.shape[1]), np.full(X.shape[1], np.inf)
    chosen = sample_for_quantiles(X.shape[0], rows)
    n_rows = X[chosen, :0].shape[0]  # there may be no columns
    for columns in slices(X.shape[1], max(1, 2**20 // n_rows)):
        table = X[chosen, columns]
        table = np.sort(table.astype(np.float64, copy=False), axis=0)  # NaN comes last
        counts = n_rows - np.isnan(table).sum(axis=0)
        for j, count in zip(range(columns.start, columns.stop), counts, strict=True):
            if count == 0:
                continue
            known = table[:count, j - columns.start]
            low, shift[j], high = np.quantile(known, [0.25, 0.5, 0.75])
            width = high - low if high > low else (known[-1] - known[0]) / 2
            if not np.isfinite(width):
                raise ValueError("X holds values too large to be standardised")
            scale[j] = width if width > 0 else np.inf
    return shift, scale


def learn_scaling(
    X: NDArray[Any],
    n_numeric: int,
    rows: NDArray[Any] | None,
    weights: NDArray[Any] | None,
    *,
    robust: bool,
) -> Scaling:
    """Learn the scaling of the first `n_numeric` columns of X.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
    n_numeric : int
        Number of columns to scale, and to fill where they are NaN; the others stay as they are.
    rows : ndarray or None
        Row numbers of the training part; None is all.
    weights : ndarray of shape (n_rows,) or None
        Rows of weight 0 do not count; mean and standard deviation are weighted.
    robust : bool
        Median and interquartile range with smooth clipping, instead of mean and standard
        deviation.
    """
    rows = rows_with_weight(rows, weights)  # StandardScaler fails on a piece without weight
    numeric = X[:, :n_numeric]
    with np.errstate(over="ignore", invalid="ignore"):
        shift, scale = (
            _median_and_range(numeric, rows) if robust else _mean_and_scale(numeric, rows, weights)
        )
    if not (np.isfinite(shift).all() and not np.isnan(scale).any()):
        raise ValueError("X holds values too large to be standardised")
    # Float tables are scaled in their own type.
    with np.errstate(over="ignore"):
        scale = np.minimum(1.0 / scale, np.finfo(np.float32).max)
    n_others = X.shape[1] - n_numeric
    return Scaling(
        np.append(shift, np.zeros(n_others)), np.append(scale, np.ones(n_others)), n_numeric, robust
    )
