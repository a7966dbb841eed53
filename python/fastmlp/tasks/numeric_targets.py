"""Targets that are numbers: checks of y, and statistics of its known values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from fastmlp.table.labels import reads_as_number
from fastmlp.table.rows import pieces
from fastmlp.table.text import quoted
from fastmlp.tasks.losses import RegressionLoss
from fastmlp.tasks.task import as_1d


def numbers_of(y: NDArray[Any], loss: RegressionLoss, name: str) -> NDArray[Any]:
    """Return y as numbers, 1-D or 2-D."""
    if issparse(y):
        raise TypeError(f"{name} must be a dense array; got a sparse matrix")
    if y.dtype.kind in "mM":
        raise TypeError(f"{name} must hold numbers; got dates or durations")
    try:
        values = y if y.dtype.kind in "fiub" else y.astype(np.float64)
    except ValueError:
        given = y.ravel().tolist()
        wrong = next((value for value in given if not reads_as_number(value)), given[0])
        raise ValueError(
            f"{name} must hold numbers; Classifier is for labels such as {quoted(wrong)}"
        ) from None
    if values.ndim == 2 and values.shape[1] == 1:
        values = as_1d(values, name)
    if values.ndim > 2:
        raise ValueError(f"{name} must be 1-D or 2-D; got shape {values.shape}")
    if loss.name == "gamma" and np.any(values <= 0):
        raise ValueError(
            f"{name} must be positive for loss='gamma'; got {np.nanmin(values):g}. 'tweedie' takes "
            "zeros too"
        )
    if loss.link.name == "exponential" and np.any(values < 0):
        raise ValueError(f"{name} must not be negative for loss={loss.name!r}")
    if loss.several_quantiles and values.ndim == 2:
        raise ValueError(f"{name} must be 1-D for several quantiles; got shape {values.shape}")
    if values.ndim == 2:
        _check_gaps(values, loss, name)
    return values


def _check_gaps(values: NDArray[Any], loss: RegressionLoss, name: str) -> None:
    """Raise for missing targets (NaN) if a row lacks all of them, or the loss needs all."""
    known = ~np.isnan(values)
    if known.all():
        return
    if loss.is_own:
        raise ValueError(f"{name} must not hold NaN if loss is a pair of functions")
    if (empty := np.flatnonzero(~known.any(axis=1))).size:
        raise ValueError(
            f"{name} must have at least one number in each row; row {empty[0]} has none. Leave out "
            "such rows"
        )


def lacking(targets: NDArray[Any], rows: NDArray[Any] | None) -> NDArray[np.bool_]:
    """Whether the rows (None: all) have no number in a column."""
    lacking = np.ones(targets.shape[1], dtype=bool)
    for piece in pieces(targets, rows):
        lacking &= np.isnan(targets[piece]).all(axis=0)
    return lacking


def mean_of(
    function: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    y: NDArray[Any],
    rows: NDArray[Any] | None,
    weights: NDArray[Any] | None,
) -> NDArray[np.float64]:
    """Weighted mean of function(y) over the rows (None: all) whose y is known; NaN: none is."""
    total, weight = np.zeros(y.shape[1]), np.zeros(y.shape[1])
    for piece in pieces(y, rows):
        given = y[piece].astype(np.float64)
        values, known = function(given), ~np.isnan(given)
        own = None if weights is None else weights[piece].astype(np.float64)
        if own is not None:
            values = values * own[:, None]
        if known.all():
            total += values.sum(axis=0)
            weight += len(values) if own is None else own.sum()
        else:
            total += values.sum(axis=0, where=known)
            weight += known.sum(axis=0) if own is None else own @ known
    with np.errstate(invalid="ignore"):
        mean: NDArray[np.float64] = total / weight
    return mean
