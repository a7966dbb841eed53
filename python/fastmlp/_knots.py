"""Where the piecewise-linear embedding cuts a table's numbers, learnt from its training rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp._rows import sampled, weighing
from fastmlp._scaling import Scaling

# Steps between knots, of few rows and of many: more steps than rows can fill make for noise
_STEPS, _MANY_STEPS, _MANY_ROWS = 16, 32, 5000
_ROUNDS = 20  # at most, of what is there in one for most columns


def _knots(known: NDArray[Any], steps: int) -> NDArray[Any]:
    """Choose values so that as many rows lie in each step, but no single value fills more than one.

    Quantiles of a column where one value stands in most rows would all be that value. So values
    weigh as many rows as they stand in, but no more than a step's share; those that reach it are
    knots, and where there are no more values than knots, all are.
    """
    values, counts = np.unique(known, return_counts=True)
    if values.size <= steps + 1:
        return np.pad(values, (0, steps + 1 - values.size), mode="edge")
    weights = counts.astype(np.float64)
    for _ in range(_ROUNDS):
        share = weights.sum() / steps
        if weights.max() <= share:
            break
        weights = np.minimum(weights, share)
    ends = np.cumsum(weights)
    knots: NDArray[Any] = values[np.searchsorted(ends, np.linspace(0, ends[-1], steps + 1))]
    return knots


def learn_knots(
    X: NDArray[Any], scaling: Scaling, rows: NDArray[Any] | None, weights: NDArray[Any] | None
) -> tuple[tuple[float, ...], ...]:
    """Knots of each numeric column of X, 17 each (33 of many rows), as the network reads them.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
    scaling : Scaling
    rows, weights
        As for `learn_scaling`.
    """
    rows = weighing(rows, weights)
    steps = _MANY_STEPS if (X.shape[0] if rows is None else rows.size) > _MANY_ROWS else _STEPS
    chosen = sampled(X.shape[0], rows)
    knots = []
    for j in range(scaling.n_numeric):
        column = X[chosen, j].astype(np.float64, copy=False)
        known = column[~np.isnan(column)]
        found = _knots(known, steps) if known.size else np.zeros(steps + 1)
        # Far from the median rounding can turn neighbours round.
        knots.append(tuple(np.maximum.accumulate(scaling.apply(found, j)).tolist()))
    return tuple(knots)
