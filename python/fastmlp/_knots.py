"""Where the piecewise-linear embedding cuts a table's numbers, learnt from its training rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp._rows import sampled, weighing
from fastmlp._scaling import Scaling

_STEPS = 16  # between knots
_ROUNDS = 20  # at most, of what is there in one for most columns


def _knots(known: NDArray[Any]) -> NDArray[Any]:
    """Choose values so that as many rows lie in each step, but no single value fills more than one.

    Quantiles of a column where one value stands in most rows would all be that value. So values
    weigh as many rows as they stand in, but no more than a step's share; those that reach it are
    knots, and where there are no more values than knots, all are.
    """
    values, counts = np.unique(known, return_counts=True)
    if values.size <= _STEPS + 1:
        return np.pad(values, (0, _STEPS + 1 - values.size), mode="edge")
    weights = counts.astype(np.float64)
    for _ in range(_ROUNDS):
        share = weights.sum() / _STEPS
        if weights.max() <= share:
            break
        weights = np.minimum(weights, share)
    ends = np.cumsum(weights)
    knots: NDArray[Any] = values[np.searchsorted(ends, np.linspace(0, ends[-1], _STEPS + 1))]
    return knots


def learn_knots(
    X: NDArray[Any], scaling: Scaling, rows: NDArray[Any] | None, weights: NDArray[Any] | None
) -> tuple[tuple[float, ...], ...]:
    """Knots of each numeric column of X, 17 each, in the units that the network reads.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
    scaling : Scaling
    rows, weights
        As for `learn_scaling`.
    """
    chosen = sampled(X.shape[0], weighing(rows, weights))
    knots = []
    for j in range(scaling.n_numeric):
        column = X[chosen, j].astype(np.float64, copy=False)
        known = column[~np.isnan(column)]
        found = _knots(known) if known.size else np.zeros(_STEPS + 1)
        # Far from the median rounding can turn neighbours round.
        knots.append(tuple(np.maximum.accumulate(scaling.apply(found, j)).tolist()))
    return tuple(knots)
