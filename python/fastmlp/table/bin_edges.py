"""Bin edges of the piecewise-linear embedding, learnt from the training rows of a table."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.table.rows import rows_with_weight, sample_for_quantiles
from fastmlp.table.scaling import Scaling

# Bins for few rows and for many: with more bins than rows can fill, noise is learnt.
_BINS, _MANY_BINS, _MANY_ROWS = 16, 32, 5000
_MOST_ROUNDS = 20  # of dividing the rows; most columns need one
_SAME = 1e-12  # of the range of the edges: those no further apart differ by rounding alone


def _edges_of(
    values: NDArray[Any], n_bins: int, weights: NDArray[Any] | None = None
) -> NDArray[Any]:
    """Edges between which rows weigh about the same, where no value fills more than one bin.

    If one value makes up most of the rows, most quantiles are that value. So a value counts at most
    one bin's share of the rows; values that reach it are edges. If there are no more distinct
    values than edges, every value is one.
    """
    if weights is None:
        distinct, counts = np.unique(values, return_counts=True)
    else:
        distinct, which = np.unique(values, return_inverse=True)
        counts = np.bincount(which, weights)
    if distinct.size <= n_bins + 1:
        return np.pad(distinct, (0, n_bins + 1 - distinct.size), mode="edge")
    weights = counts.astype(np.float64)
    for _ in range(_MOST_ROUNDS):
        share = weights.sum() / n_bins
        if weights.max() <= share:
            break
        weights = np.minimum(weights, share)
    ends = np.cumsum(weights)
    edges: NDArray[Any] = distinct[np.searchsorted(ends, np.linspace(0, ends[-1], n_bins + 1))]
    return edges


def _without_noise(edges: NDArray[Any], tolerance: float) -> NDArray[Any]:
    """Edges in ascending order; those that are not further apart than the tolerance as one.

    The cosine of a Tuesday and that of a Sunday are the same up to their last bits, and the last
    bits depend on the processor. A step between the two would make predictions depend on them.
    """
    differs = np.append(True, np.diff(edges) > tolerance)
    same: NDArray[Any] = edges[np.maximum.accumulate(np.where(differs, np.arange(edges.size), 0))]
    return same


def learn_bin_edges(
    X: NDArray[Any], scaling: Scaling, rows: NDArray[Any] | None, weights: NDArray[Any] | None
) -> tuple[tuple[float, ...], ...]:
    """Learn the bin edges of each numeric column, after the scaling: 17, or 33 for many rows.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
    scaling : Scaling
    rows, weights
        As for `learn_scaling`.
    """
    rows = rows_with_weight(rows, weights)
    n_bins = _MANY_BINS if (X.shape[0] if rows is None else rows.size) > _MANY_ROWS else _BINS
    sample = sample_for_quantiles(X.shape[0], rows)
    own = None if weights is None else weights[sample]
    if own is not None and np.ptp(own) == 0:
        own = None
    edges = []
    for j in range(scaling.n_numeric):
        column = X[sample, j].astype(np.float64, copy=False)
        known = ~np.isnan(column)
        found = np.zeros(n_bins + 1)
        if known.any():
            found = _edges_of(column[known], n_bins, None if own is None else own[known])
            found = _without_noise(found, _SAME * found[-1] - _SAME * found[0])
        # Far from the median, rounding can swap neighbours.
        edges.append(tuple(np.maximum.accumulate(scaling.apply(found, j)).tolist()))
    return tuple(edges)
