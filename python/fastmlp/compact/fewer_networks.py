"""Ensembles of fewer networks, chosen so that their predictions are close to those of all networks.

Forward selection (Caruana et al. 2004, https://doi.org/10.1145/1015330.1015432), with the whole
ensemble's predictions instead of true values: these need not be known, and the choice cannot fit
their noise.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.utils import _safe_indexing

from fastmlp.compact.network_inputs import network_inputs
from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.ensemble.weighted_ensemble import WeightedEnsemble, weights_of_rest
from fastmlp.table.frames import as_frame, columns_of
from fastmlp.table.rows import every_kth

_CALLS = 25  # of a measurement
_MOST_ROWS = 2**14  # that networks are compared on: every k-th row


def selection_order(
    model: FittedModel, X: Any, n_networks: int | None, *, estimator: str, n_threads: int
) -> list[int]:
    """Positions of the networks in the order in which they are chosen.

    Each is the one with which the mean of those chosen comes closest to that of all networks.

    Parameters
    ----------
    model : FittedModel
    X : array-like, frame or sparse matrix of shape (n_rows, n_columns)
        A raw table.
    n_networks : int or None
        How many to choose; None: all that weigh anything.
    estimator : str
        Name of the estimator in messages.
    n_threads : int
    """
    outputs, weights = _outputs_of_each(model, X, estimator, n_threads), model.ensemble.weights
    mean = np.tensordot(weights, outputs, axes=1)
    left = np.flatnonzero(weights).tolist()
    chosen: list[int] = []
    total, weight = np.zeros_like(mean), 0.0

    def distance(i: int) -> float:
        own = (total + weights[i] * outputs[i]) / (weight + weights[i])
        return float(np.square(own - mean).sum())

    n_chosen = len(left) if n_networks is None else min(n_networks, len(left))
    while len(chosen) < n_chosen:
        best = min(left, key=distance)
        left.remove(best)
        chosen.append(best)
        total += weights[best] * outputs[best]
        weight += weights[best]
    return chosen


def _outputs_of_each(
    model: FittedModel, X: Any, estimator: str, n_threads: int
) -> NDArray[np.float64]:
    """Outputs of each network for some rows, (n_networks, n_rows, n_outputs)."""
    table, offset = network_inputs(model, X, estimator)
    some = every_kth(table.shape[0], most=_MOST_ROWS)
    table, offset = table[some], None if offset is None else offset[some]
    one_each = map(model.ensemble.with_weights, np.eye(len(model.members)))
    return np.array([one.predict(table, n_threads, offset) for one in one_each], dtype=np.float64)


def of_networks(model: FittedModel, chosen: Sequence[int]) -> FittedModel:
    """The model with the networks at these positions; their weights keep their ratios."""
    chosen = sorted(chosen)
    ensemble = WeightedEnsemble(
        [model.members[i] for i in chosen],
        model.scaling,
        model.task.link,
        weights_of_rest(model.ensemble.weights, chosen),
    )
    return replace(
        model,
        ensemble=ensemble,
        n_estimators=len(chosen),
        out_of_fold=None,
        conformal=None,
        notes={},  # scores of the whole ensemble may be among them
    )


def first_row(X: Any) -> Any:
    """The first row of a table as services pass it: of a frame a mapping from column names."""
    names = columns_of(X, "X")
    if names is not None:
        return dict(zip(names, as_frame(X).row(0), strict=True))
    return _safe_indexing(X, [0] if issparse(X) else 0)


def n_within(max_us: float, predicts: Iterable[Callable[[Any], Any]], row: Any) -> int:
    """How many networks predict a row within so many microseconds.

    Parameters
    ----------
    max_us : float
    predicts : iterable of callable
        `predict` of models of one network, two, and so on.
    row : mapping, sequence, array or sparse matrix

    Raises
    ------
    ValueError
        If one network takes longer.
    """
    n = 0
    for n_networks, predict in enumerate(predicts, 1):
        us = _microseconds(predict, row)
        if us > max_us and n == 0:
            raise ValueError(
                f"max_predict_us={max_us:g} is less than the {us:.0f} microseconds that one "
                "network takes; distilled(X, hidden_layer_sizes=...) makes a smaller one"
            )
        if us > max_us:
            break
        n = n_networks
    return n


def _microseconds(predict: Callable[[Any], Any], row: Any) -> float:
    """Median time of a call."""
    seconds = []
    for _ in range(_CALLS):
        start = time.perf_counter()
        predict(row)
        seconds.append(time.perf_counter() - start)
    return 1e6 * median(seconds)
