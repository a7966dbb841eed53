"""Importances of a table's columns: by how much the score falls if a column is shuffled."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.ensemble.bar import Bar
from fastmlp.ensemble.deadline import Deadline
from fastmlp.ensemble.splits import RowSubset
from fastmlp.ensemble.weighted_ensemble import WeightedEnsemble
from fastmlp.prediction.linear_part import LinearPart
from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.rows import rows_with_weight
from fastmlp.tasks import Task

_FEWEST_ROWS = 32  # of a network that are scored, however little time is left


def importances_of(
    ensemble: WeightedEnsemble,
    encoder: DenseEncoder,
    task: Task,
    validation: Sequence[RowSubset | None],
    linear: LinearPart | None,
    n_threads: int,
    verbose: int,
    deadline: Deadline,
) -> NDArray[np.float64]:
    """Permutation importances of each network on its validation rows, the weighted mean.

    Parameters
    ----------
    validation : sequence of RowSubset or None
        Validation rows of each network, with targets that are not scaled.
    linear : LinearPart or None
    n_threads : int
    verbose : int
        1 shows a bar.
    deadline : Deadline
        If it comes too early for all rows, fewer of them are used.

    Returns
    -------
    ndarray of shape (n_columns,)
    """
    groups = encoder.encoded_by_column
    counted = [
        (member, predictor, weight, subset)
        for member, predictor, weight, subset in zip(
            ensemble.members, ensemble.predictors, ensemble.weights, validation, strict=True
        )
        if subset is not None and weight > 0
    ]
    bar = Bar(len(counted) * len(groups), "column") if verbose == 1 else None
    falls: list[NDArray[np.float64]] = []
    try:
        for position, (member, predictor, _, subset) in enumerate(counted):
            if falls and deadline.left == 0:
                break

            def score(rows: RowSubset, predictor: Any = predictor) -> float:
                offset = None
                if linear is not None and rows.offset is not None:
                    offset = linear.offset(rows.X) + rows.offset
                raw_offset = task.raw_offset(offset, ensemble.dtype)
                predicted = predictor.predict(rows.X, n_threads, raw_offset)
                return task.score(predicted, rows.y, rows.sample_weight)

            # Rows without weight would lend their values to the others.
            subset = subset._replace(rows=rows_with_weight(subset.rows, subset.sample_weight))
            table = np.array(subset.X[subset.selection])
            # What does not come from numbers inside the training range is not changed.
            fixed = None
            if linear is not None and subset.offset is not None:
                fixed = subset.offset[subset.selection] - linear.offset(table)
            rows = RowSubset(table, *subset.own_targets(), offset=fixed)
            if deadline.is_set:
                n_calls = (len(counted) - position) * (len(groups) + 1)
                rows = _as_many_as_fit(rows, score, deadline.left / n_calls)
            random_state = np.random.RandomState(member.network._engine.seed)
            falls.append(
                permutation_importances(
                    rows, groups, score, random_state, bar.advance if bar else lambda: None
                )
            )
    finally:
        if bar is not None:
            bar.close()
    weights = [weight for _, _, weight, _ in counted[: len(falls)]]
    mean: NDArray[np.float64] = np.average(falls, axis=0, weights=weights)
    return mean


def _as_many_as_fit(
    rows: RowSubset, score: Callable[[RowSubset], float], seconds: float
) -> RowSubset:
    """As many of the rows as can be scored in so many seconds."""
    some = _every(rows, max(1, rows.n_rows // _FEWEST_ROWS))
    start = time.perf_counter()
    score(some)
    needed = (time.perf_counter() - start) * rows.n_rows / some.n_rows
    step = max(1, ceil(needed / max(seconds, 1e-9)))
    return _every(rows, min(step, max(1, rows.n_rows // _FEWEST_ROWS)))


def _every(rows: RowSubset, step: int) -> RowSubset:
    """Every so many-th row."""
    weights, offset = rows.sample_weight, rows.offset
    return RowSubset(
        rows.X[::step],
        rows.y[::step],
        None if weights is None else weights[::step],
        offset=None if offset is None else offset[::step],
    )


def permutation_importances(
    rows: RowSubset,
    groups: Sequence[Sequence[int]],
    score: Callable[[RowSubset], float],
    random_state: np.random.RandomState,
    on_column: Callable[[], None],
) -> NDArray[np.float64]:
    """Fall of the score if columns are shuffled (Breiman 2001, https://doi.org/10.1023/A:1010933404324).

    scikit-learn's `permutation_importance` shuffles columns of the raw table, which would have to
    be encoded again each time.

    Parameters
    ----------
    rows : RowSubset
        Validation rows. Their table is overwritten and restored.
    groups : sequence of sequence of int
        For each column of the raw table its columns in the encoded one, which are shuffled
        together.
    score : callable
        From rows to a score, of which greater is better.
    random_state : RandomState
    on_column : callable
        Called after each column.

    Returns
    -------
    ndarray of shape (n_columns,)
    """
    X = rows.X
    best = score(rows)
    falls = np.zeros(len(groups))
    for number, group in enumerate(groups):
        columns = list(group)
        before = X[:, columns].copy()
        X[:, columns] = before[random_state.permutation(len(X))]
        falls[number] = best - score(rows)
        X[:, columns] = before
        on_column()
    return falls
