"""Importance of a table's columns: what shuffling one of them costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def permutation_importances(
    X: NDArray[Any],
    groups: Sequence[Sequence[int]],
    score: Callable[[NDArray[Any]], float],
    random_state: np.random.RandomState,
) -> NDArray[np.float64]:
    """Fall of the score when columns are shuffled (Breiman 2001).

    scikit-learn's `permutation_importance` shuffles columns of the raw table, which would have to
    be encoded anew each time.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_encoded)
        Validation rows, encoded; written to, and as it was afterwards.
    groups : sequence of sequence of int
        For each column of the raw table what it became: these are shuffled together.
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
