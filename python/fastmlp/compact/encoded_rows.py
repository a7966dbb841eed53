"""Rows of a raw table as the networks of a fitted model read them."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.table.rows import Table


def encoded_rows(model: FittedModel, X: Any, estimator: str) -> tuple[Table, NDArray[Any] | None]:
    """Encode a raw table.

    Parameters
    ----------
    model : FittedModel
    X : array-like, frame or sparse matrix of shape (n_rows, n_columns)
    estimator : str
        Name of the estimator in messages.

    Returns
    -------
    table : ndarray or csr_array of shape (n_rows, n_encoded)
        With a linear part, clipped to the training range.
    offset : ndarray of shape (n_rows, n_network_outputs) or None
        What the linear part adds to the networks' raw outputs.
    """
    model.encoder.check_features(X, estimator)
    table = model.encoder.encode(X)
    if model.linear is None:
        return table, None
    table, offset, _ = model.linear.split(table, model.watch.training_range)
    return table, model.task.raw_offset(offset, model.dtype)
