"""From the tables, targets and weights that `fit` was given to encoded rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.ensemble.settings import Settings
from fastmlp.ensemble.splits import RowSubset
from fastmlp.estimators.arguments import (
    check_no_dates_or_gaps,
    checked_targets,
    checked_validation_targets,
    checked_weights,
    encoded_validation_table,
    weights_by_class,
)
from fastmlp.estimators.fit_arguments import FitArguments
from fastmlp.table.encoder import TableEncoder
from fastmlp.table.rows import Table
from fastmlp.table.sparse_encoder import Encoder, SparseEncoder
from fastmlp.tasks import Task

if TYPE_CHECKING:
    from fastmlp.estimators.base import BaseMLP


def encoded_training_rows(
    estimator: BaseMLP,
    X: Any,
    y: Any,
    sample_weight: Any,
    settings: Settings,
    before: FittedModel | None,
    *,
    minimum: int,
    classes: Any = None,
) -> tuple[Encoder, Task, RowSubset]:
    """Encode X and y. Encoder and task are learnt first, unless training goes on."""
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y "
            "is None."
        )
    takes_gaps = not estimator._classifies
    check_no_dates_or_gaps(y, "y", takes_gaps=takes_gaps)
    if before is None:
        # Parts to come may have entries in columns that are empty in the first part.
        encoder, table = _learn_columns(estimator, X, settings, drops_empty=minimum > 1)
        y = checked_targets(y, table, minimum, estimator, takes_gaps=takes_gaps)
        task, targets = estimator._new_task(y, settings, classes)
    else:
        encoder = before.encoder
        encoder.check_listed(estimator.categorical_features)
        encoder.check_features(X, type(estimator).__name__)
        table = encoder.encode(X)
        y = checked_targets(y, table, minimum, estimator, takes_gaps=takes_gaps)
        task = estimator._continued_task(before.task, classes)
        targets = task.encode(y, np.dtype(settings.dtype))
    dtype = np.dtype(settings.dtype)
    weights = checked_weights(sample_weight, table, dtype)
    task = task.balanced_by(y, weights)
    weights = weights_by_class(task, y, weights, dtype)
    scales = before is None and settings.of("standardize")
    if scales and isinstance(encoder, SparseEncoder):
        encoder, table = encoder.scaled_to(table, weights)
    return encoder, task, RowSubset(table, targets, weights)


def _learn_columns(
    estimator: BaseMLP, X: Any, settings: Settings, *, drops_empty: bool
) -> tuple[Encoder, Table]:
    """Learn the columns of X, and encode its rows."""
    if not settings.sparse:
        return TableEncoder.learn(X, estimator.categorical_features)
    dtype = np.dtype(settings.dtype)
    return SparseEncoder.learn(X, estimator.categorical_features, dtype, drops_empty=drops_empty)


def encoded_validation_rows(
    estimator: BaseMLP, given: FitArguments, settings: Settings, encoder: Encoder, task: Task
) -> RowSubset | None:
    """Encode X_val and y_val; None if `fit` got none."""
    if (given.X_val is None) != (given.y_val is None):
        raise ValueError("X_val and y_val must be given together")
    if given.X_val is None and given.sample_weight_val is not None:
        raise ValueError("sample_weight_val was given without X_val and y_val")
    if given.X_val is None:
        return None
    y = checked_validation_targets(given.y_val, takes_gaps=not estimator._classifies)
    dtype = np.dtype(settings.dtype)
    table = encoded_validation_table(given.X_val, y, encoder, type(estimator).__name__)
    targets = task.encode(y, dtype, "y_val")
    name = "sample_weight_val"
    weights = checked_weights(given.sample_weight_val, table, dtype, name)
    weights = weights_by_class(task, y, weights, dtype, name)
    return RowSubset(table, targets, weights)
