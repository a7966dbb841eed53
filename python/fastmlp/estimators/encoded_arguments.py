"""From the tables, targets and weights of `fit` to encoded rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fastmlp.ensemble.encoded_table import EncodedTable
from fastmlp.ensemble.evaluation import EvalSet
from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.ensemble.linear_part import with_linear_part, with_offset
from fastmlp.ensemble.settings import Settings
from fastmlp.ensemble.splits import RowSubset
from fastmlp.estimators.checked_arguments import (
    advice_on_pipelines,
    check_given_targets,
    checked_targets,
    checked_validation_targets,
    checked_weights,
    encoded_validation_table,
    ordered_categories,
    weights_by_class,
)
from fastmlp.estimators.eval_sets import GivenRows, given_eval_sets, suffix_of
from fastmlp.estimators.fit_arguments import FitArguments
from fastmlp.streaming.sources.recognition import is_stream
from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.rows import Table
from fastmlp.table.sparse_encoder import Encoder, SparseEncoder
from fastmlp.table.training_range import RangeWatch
from fastmlp.tasks import Task
from fastmlp.tasks.target_names import check_target_names, target_names_of

if TYPE_CHECKING:
    from fastmlp.estimators.base import BaseMLP


def encoded_table(
    estimator: BaseMLP, given: FitArguments, settings: Settings, before: FittedModel | None
) -> EncodedTable:
    """Encode the arguments of `fit`, and learn the columns unless networks are trained further."""
    encoder, task, data = encoded_training_rows(
        estimator, given.X, given.y, given.sample_weight, settings, before, minimum=2
    )
    shared = _encoded_validation_rows(estimator, given, settings, encoder, task)
    eval_sets = encoded_eval_sets(estimator, given, settings, encoder, task)
    watch = range_watch(encoder, data, before)
    linear, data, is_cross_fitted = with_linear_part(settings, before, watch, task, data)
    if linear is not None:
        shared = shared and with_offset(shared, linear, watch.training_range)
        eval_sets = [
            one._replace(rows=with_offset(one.rows, linear, watch.training_range))
            for one in eval_sets
        ]
    elif isinstance(encoder, DenseEncoder):
        warn_beyond_range(watch, encoder, shared, eval_sets)
    return EncodedTable(encoder, task, data, shared, eval_sets, watch, linear, is_cross_fitted)


def range_watch(encoder: Encoder, data: RowSubset, before: FittedModel | None) -> RangeWatch:
    """Watch the range of these rows and of those that were trained on before."""
    watch = RangeWatch.of_columns(encoder) if before is None else before.watch
    return watch.widened(data.X, data.sample_weight)


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
    """Encode X and y. Encoder and task are learnt first, unless networks are trained further."""
    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y "
            "is None."
        )
    check_given_targets(y, "y", takes_gaps=True)
    names = target_names_of(y)
    order = ordered_categories(y)
    if before is None:
        # Parts to come may have entries in columns that are empty in the first part.
        encoder, table = _learn_columns(estimator, X, settings, drops_empty=minimum > 1)
        y = checked_targets(y, table, minimum, estimator, takes_gaps=True)
        task, targets = estimator._new_task(y, settings, classes, order)
        task = task.with_target_names(names)
    else:
        check_target_names(before.task.target_names, y, "y")
        encoder = before.encoder
        encoder.check_listed(estimator.categorical_features)
        encoder.check_features(X, type(estimator).__name__)
        table = encoder.encode(X)
        y = checked_targets(y, table, minimum, estimator, takes_gaps=True)
        task = estimator._continued_task(before.task, classes, order)
        targets = task.encode(y, np.dtype(settings.dtype))
        if names is not None:  # not those of the model that training begins with
            task = task.with_target_names(names)
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
        return DenseEncoder.learn(X, estimator.categorical_features)
    dtype = np.dtype(settings.dtype)
    return SparseEncoder.learn(X, estimator.categorical_features, dtype, drops_empty=drops_empty)


def _encoded_validation_rows(
    estimator: BaseMLP, given: FitArguments, settings: Settings, encoder: Encoder, task: Task
) -> RowSubset | None:
    """Encode X_val and y_val; None if `fit` got none."""
    if (given.X_val is None) != (given.y_val is None):
        raise ValueError("X_val and y_val must be given together")
    if given.X_val is None and given.sample_weight_val is not None:
        raise ValueError("sample_weight_val was given without X_val and y_val")
    if given.X_val is None:
        return None
    rows = GivenRows("", given.X_val, given.y_val, given.sample_weight_val)
    return _encoded(estimator, rows, "_val", settings, encoder, task)


def encoded_eval_sets(
    estimator: BaseMLP, given: FitArguments, settings: Settings, encoder: Encoder, task: Task
) -> list[EvalSet]:
    """Encode the sets of `eval_set`."""
    return [
        EvalSet(one.name, _encoded(estimator, one, suffix_of(one.name), settings, encoder, task))
        for one in given_eval_sets(given.eval_set)
    ]


def warn_beyond_range(
    watch: RangeWatch,
    encoder: DenseEncoder,
    shared: RowSubset | None,
    eval_sets: Sequence[EvalSet],
) -> None:
    """Warn if validation rows, or those of an eval set, lie beyond the training range."""
    measured = [] if shared is None else [("_val", shared)]
    for suffix, rows in [*measured, *((suffix_of(name), rows) for name, rows in eval_sets)]:
        watch.warn_of_validation(rows.X, encoder, f"X{suffix}", advice_on_pipelines(suffix))


def _encoded(
    estimator: BaseMLP,
    given: GivenRows,
    suffix: str,
    settings: Settings,
    encoder: Encoder,
    task: Task,
) -> RowSubset:
    """Encode other rows than those of training; messages add the suffix to X, y, sample_weight."""
    check_target_names(task.target_names, given.y, f"y{suffix}")
    if is_stream(given.X):
        raise TypeError(
            f"X{suffix} must be a table in memory; got {type(given.X).__name__}, which is read in "
            "blocks"
        )
    y = checked_validation_targets(given.y, suffix, takes_gaps=True)
    dtype = np.dtype(settings.dtype)
    table = encoded_validation_table(given.X, y, encoder, type(estimator).__name__, suffix)
    targets = task.encode(y, dtype, f"y{suffix}")
    name = f"sample_weight{suffix}"
    weights = checked_weights(given.sample_weight, table, dtype, name)
    weights = weights_by_class(task, y, weights, dtype, name)
    return RowSubset(table, targets, weights)
