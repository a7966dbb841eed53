"""Rows of a raw table as the networks of a fitted model read them."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.table.rows import Table


def encoded_rows(model: FittedModel, X: Any, estimator: str) -> Table:
    """Encode a raw table; errors name the `estimator`."""
    model.encoder.check_features(X, estimator)
    return model.encoder.encode(X)


def with_offset(model: FittedModel, table: Table) -> tuple[Table, NDArray[Any] | None]:
    """The table inside the training range, and what is added to raw outputs of networks."""
    if model.linear is None:
        return table, None
    table, offset, _ = model.linear.split(table, model.watch.training_range)
    return table, model.task.raw_offset(offset, model.dtype)
