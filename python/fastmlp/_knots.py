"""Where the piecewise-linear embedding cuts a table's numbers, learnt from its training rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp._rows import sampled, weighing
from fastmlp._scaling import Scaling

_STEPS = 16  # between knots
_ROUNDS = 20  # of what follows: each comes a sixteenth of the way closer, or is there


def _knots(known: NDArray[Any]) -> NDArray[Any]:
    """Cut values so that as many lie in each step, but no single value fills more than one.

    Quantiles of a column where one value stands in most rows would all be that value. So the
    weight of a value is at most a step's share of all weights; where there are hardly more values
    than knots, every one of them is a knot.
    """
    values, counts = np.unique(known, return_counts=True)
    if values.size <= _STEPS + 1:
        return np.pad(values, (0, _STEPS + 1 - values.size), mode="edge")
    weights = counts.astype(np.float64)
    for _ in range(_ROUNDS):
        weights = np.minimum(weights, weights.sum() / _STEPS)
    # Middle of each value's weight, so that the first and the last value are knots, too.
    place = np.cumsum(weights) - weights / 2
    knots: NDArray[Any] = np.interp(np.linspace(place[0], place[-1], _STEPS + 1), place, values)
    return knots


def learn_knots(
    X: NDArray[Any], scaling: Scaling, rows: NDArray[Any] | None, weights: NDArray[Any] | None
) -> list[list[float]]:
    """Knots of each numeric column of X, as the network reads it.

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
        knots.append(scaling.apply(found, j).tolist())
    return knots
