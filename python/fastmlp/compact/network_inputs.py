"""Rows of a raw table as the networks of a fitted model read them."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.table.rows import Table


def network_inputs(model: FittedModel, X: Any, estimator: str) -> tuple[Table, NDArray[Any] | None]:
    """Encode a raw table as the networks of a fitted model read it.

    Parameters
    ----------
    model : FittedModel
    X : array-like, frame or sparse matrix of shape (n_rows, n_columns)
    estimator : str
        Name of the estimator in messages.

    Returns
    -------
    table, offset
        As `Pipeline.split` returns them.
    """
    model.encoder.check_features(X, estimator)
    table, offset, _ = model.pipeline.split(model.encoder.encode(X))
    return table, offset
