"""Importances of a table's columns: by how much the score falls if a column is shuffled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.ensemble.linear_part import LinearPart
from fastmlp.ensemble.splits import RowSubset
from fastmlp.ensemble.weighted_ensemble import WeightedEnsemble
from fastmlp.table.encoder import TableEncoder
from fastmlp.tasks import Task


def importances_of(
    ensemble: WeightedEnsemble,
    encoder: TableEncoder,
    task: Task,
    validation: Sequence[RowSubset | None],
    linear: LinearPart | None,
    n_threads: int,
) -> NDArray[np.float64]:
    """Permutation importances of each network on its validation rows, the weighted mean.

    Parameters
    ----------
    validation : sequence of RowSubset or None
        Of each network, with targets that are not scaled.
    linear : LinearPart or None
    n_threads : int

    Returns
    -------
    ndarray of shape (n_columns,)
    """
    groups = encoder.encoded_by_column
    falls, weights = [], []
    for member, predictor, weight, subset in zip(
        ensemble.members, ensemble.predictors, ensemble.weights, validation, strict=True
    ):
        if subset is None or weight == 0:
            continue
        targets, sample_weight = subset.own_targets()
        table = np.array(subset.X[subset.selection])
        # What is not due to numbers inside the training range stays as it is.
        fixed: Any = 0.0
        if linear is not None and subset.offset is not None:
            fixed = subset.offset[subset.selection] - linear.offset(table)

        def score(
            X: NDArray[Any],
            predictor: Any = predictor,
            targets: NDArray[Any] = targets,
            sample_weight: NDArray[Any] | None = sample_weight,
            fixed: Any = fixed,
        ) -> float:
            offset = None if linear is None else linear.offset(X) + fixed
            raw_offset = task.raw_offset(offset, ensemble.members[0].network.dtype)
            return task.score(predictor.predict(X, n_threads, raw_offset), targets, sample_weight)

        random_state = np.random.RandomState(member.network._engine.seed)
        falls.append(permutation_importances(table, groups, score, random_state))
        weights.append(weight)
    mean: NDArray[np.float64] = np.average(falls, axis=0, weights=weights)
    return mean


def permutation_importances(
    X: NDArray[Any],
    groups: Sequence[Sequence[int]],
    score: Callable[[NDArray[Any]], float],
    random_state: np.random.RandomState,
) -> NDArray[np.float64]:
    """Fall of the score if columns are shuffled (Breiman 2001, https://doi.org/10.1023/A:1010933404324).

    scikit-learn's `permutation_importance` shuffles columns of the raw table, which would have to
    be encoded again each time.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_encoded)
        Validation rows, encoded. They are overwritten and restored.
    groups : sequence of sequence of int
        For each column of the raw table its columns in X, which are shuffled together.
    score : callable
        From the table to a score, the greater the better.
    random_state : RandomState

    Returns
    -------
    ndarray of shape (n_columns,)
    """
    best = score(X)
    falls = np.zeros(len(groups))
    for number, group in enumerate(groups):
        columns = list(group)
        before = X[:, columns].copy()
        X[:, columns] = before[random_state.permutation(len(X))]
        falls[number] = best - score(X)
        X[:, columns] = before
    return falls
