"""Centre and scale of a table's columns, learnt from its training rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp import _core
from fastmlp.table.rows import pieces, rows_with_weight, sample_for_quantiles, slices

_FAR = 1e9  # the engine limits |x| to this before it clips: the result is 3 in any case
_SMALLEST = 1 / float(np.finfo(np.float32).max)  # differences whose inverse a float holds
_VANISHING = 1e-140  # numbers whose squares do
_COLUMNS = 2**15  # scaled at a time: a scaler makes twenty arrays as long as a row


@dataclass(frozen=True)
class Scaling:
    """Shift, scale and clipping of a table's columns before the network reads them.

    Each value becomes ``(x - shift) * scale``; the scale of columns that never varied is 0. In the
    first `n_numeric` columns NaN becomes 0 after that and, with `clips`, each x becomes
    ``x / sqrt(1 + (x / 3)^2)``. Without shift and scale the columns are not changed. With
    `keeps_order`, rounding never reverses the order of two numbers.
    """

    shift: NDArray[np.float64]
    scale: NDArray[np.float64]
    n_numeric: int
    clips: bool = False
    keeps_order: bool = False

    @property
    def engine(self) -> _core.Standardisation:
        """The scaling in the form that the engine takes."""
        return _core.Standardisation(
            self.shift, self.scale, self.n_numeric, self.clips, self.keeps_order
        )

    @property
    def constants(self) -> NDArray[np.intp]:
        """Positions of the numeric columns that never varied."""
        return np.flatnonzero(self.scale[: self.n_numeric] == 0)

    def going_on_with(self, X: NDArray[Any], weights: NDArray[Any] | None) -> Scaling:
        """Learn the scale of columns that vary for the first time in later rows.

        Their value so far counts as one more row, so that a single row is enough.
        """
        constants = self.constants
        if not constants.size:
            return self
        table = np.vstack([self.shift[constants], X[:, constants]])
        if weights is not None:
            weights = np.append(weights[weights > 0].mean(), weights)
        learnt = learn_scaling(table, constants.size, None, weights, robust=self.clips)
        varies = learnt.scale > 0
        shift, scale = self.shift.copy(), self.scale.copy()
        shift[constants[varies]] = learnt.shift[varies]
        scale[constants[varies]] = learnt.scale[varies]
        return replace(self, shift=shift, scale=scale)

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


def _too_small() -> ValueError:
    return ValueError(
        "X holds values too small to be standardised: a column varies by less than "
        f"{_SMALLEST:.0e}. Multiply it by a large number"
    )


def _mean_and_scale(
    X: NDArray[Any], rows: NDArray[Any] | None, weights: NDArray[Any] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weighted mean and standard deviation of each column without NaN; for constants infinity."""
    from sklearn.preprocessing import (
        StandardScaler,
    )  # imported only for learning: predictors load without it

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
        # The scaler's own scale of constants is 1.
        constant = np.isfinite(scaler.var_) & (scaler.scale_ != np.sqrt(scaler.var_))
        scale[columns] = np.where(empty | constant, np.inf, scaler.scale_)
    for column in np.flatnonzero(np.isinf(scale) & (shift != 0) & (np.abs(shift) < _VANISHING)):
        values = X[slice(None) if rows is None else rows, column]
        if np.nanmax(values) > np.nanmin(values):  # only their squares are the same
            raise _too_small()
    if np.any(scale < _SMALLEST):
        raise _too_small()
    return shift, scale


def _quartiles(known: NDArray[Any], weights: NDArray[Any] | None) -> NDArray[np.float64]:
    """Quartiles of ascending values; with equal weights those of `numpy.quantile`."""
    shares = np.array([0.25, 0.5, 0.75])
    if weights is None or known.size == 1:
        unweighted: NDArray[np.float64] = np.quantile(known, shares)
        return unweighted
    ends = np.cumsum(weights)
    places = ends - weights / 2
    weighted: NDArray[np.float64] = np.interp(
        places[0] + shares * (places[-1] - places[0]), places, known
    )
    return weighted


def _median_and_range(
    X: NDArray[Any], rows: NDArray[Any] | None, weights: NDArray[Any] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weighted median and interquartile range of each column, without NaN.

    Where that range is 0, half of (largest - smallest) is used; for constants infinity, so that
    they become 0. This is RealMLP's robust scaling (Holzmüller et al. 2024,
    https://arxiv.org/abs/2407.04491). Of long tables every k-th row is used.
    """
    shift, scale = np.zeros(X.shape[1]), np.full(X.shape[1], np.inf)
    chosen = sample_for_quantiles(X.shape[0], rows)
    n_rows = X[chosen, :0].shape[0]  # there may be no columns
    if weights is not None:
        weights = weights[chosen].astype(np.float64)
        weights = weights if np.ptp(weights) > 0 else None
    for columns in slices(X.shape[1], max(1, 2**20 // n_rows)):
        table = X[chosen, columns]
        of_sorted = None if weights is None else weights[np.argsort(table, axis=0)]  # NaN is last
        table = np.sort(table.astype(np.float64, copy=False), axis=0)
        counts = n_rows - np.isnan(table).sum(axis=0)
        for j, count in zip(range(columns.start, columns.stop), counts, strict=True):
            if count == 0:
                continue
            known = table[:count, j - columns.start]
            own = None if of_sorted is None else of_sorted[:count, j - columns.start]
            low, shift[j], high = _quartiles(known, own)
            width = high - low if high > low else (known[-1] - known[0]) / 2
            if not np.isfinite(width):
                raise ValueError("X holds values too large to be standardised")
            if 0 < known[-1] - known[0] < _SMALLEST:
                raise _too_small()
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
        Number of columns to scale, and to fill where they are NaN; the others are not changed.
    rows : ndarray or None
        Row numbers of the training part; None is all.
    weights : ndarray of shape (n_rows,) or None
        Rows of weight 0 do not count.
    robust : bool
        Median and interquartile range with smooth clipping, instead of mean and standard
        deviation.
    """
    rows = rows_with_weight(rows, weights)  # StandardScaler fails on a piece without weight
    numeric = X[:, :n_numeric]
    with np.errstate(over="ignore", invalid="ignore"):
        learn = _median_and_range if robust else _mean_and_scale
        shift, scale = learn(numeric, rows, weights)
    if not (np.isfinite(shift).all() and not np.isnan(scale).any()):
        raise ValueError("X holds values too large to be standardised")
    # Float tables are scaled in their own type.
    with np.errstate(over="ignore"):
        scale = np.minimum(1.0 / scale, np.finfo(np.float32).max)
    n_others = X.shape[1] - n_numeric
    return Scaling(
        np.append(shift, np.zeros(n_others)), np.append(scale, np.ones(n_others)), n_numeric, robust
    )
