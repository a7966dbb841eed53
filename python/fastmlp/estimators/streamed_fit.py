"""`fit` on a table that is read in blocks: from the source to the fitted model."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import type_of_target

from fastmlp._threads import n_threads
from fastmlp._version import __version__
from fastmlp.checkpoints.identity import FitIdentity, digest_of_names
from fastmlp.checkpoints.kept_fit import KeptFit
from fastmlp.ensemble.deadline import Deadline
from fastmlp.ensemble.ensemble_trainer import EnsembleTrainer
from fastmlp.ensemble.evaluation import EvalSet
from fastmlp.ensemble.fit_plan import FitPlan
from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.ensemble.held_out_learning import LearntFromHeldOut
from fastmlp.ensemble.leakage.warning import warn_of_leakage_in_stream
from fastmlp.ensemble.new_networks import NewNetworks
from fastmlp.ensemble.settings import Settings
from fastmlp.ensemble.splits import RowAssignment
from fastmlp.estimators.after_training import learn_after_training, passes_after_training
from fastmlp.estimators.encoding import encoded_eval_sets, warn_beyond_range
from fastmlp.estimators.eval_sets import digests_of_sets, given_eval_sets
from fastmlp.estimators.fit_arguments import FitArguments
from fastmlp.estimators.parameters import checked_settings
from fastmlp.estimators.ways_of_fitting import STREAM
from fastmlp.streaming.cache_folder import Cache, RowsOfSource
from fastmlp.streaming.folds import held_out_ranges
from fastmlp.streaming.memory import READERS, MemoryPlan, size_in_bytes
from fastmlp.streaming.sample import read_sample
from fastmlp.streaming.source_pass import SourcePass
from fastmlp.streaming.sources.blocks import Source
from fastmlp.streaming.sources.opening import open_source
from fastmlp.streaming.target_learners import (
    ClassesLearner,
    IndicatorsLearner,
    NumbersLearner,
    TargetLearner,
)
from fastmlp.streaming.training import WindowExecutor
from fastmlp.streaming.windows import Windows
from fastmlp.table.training_range import RangeWatch

if TYPE_CHECKING:
    from fastmlp.estimators.base import BaseMLP

_SAMPLE_ROWS = 2**18  # that scales and bin edges are learnt from, and networks are validated on


def fit_stream(estimator: BaseMLP, given: FitArguments) -> FittedModel:
    """Fit an estimator on a stream; see `BaseMLP.fit`."""
    STREAM.check_arguments(given)
    called = given.called_after(estimator.callbacks)
    X, y, sample_weight, checkpoint = given.X, given.y, given.sample_weight, given.checkpoint
    settings = checked_settings(estimator)
    STREAM.check_parameters(estimator)
    given_eval_sets(given.eval_set)  # raises if they have another form
    threads, deadline = n_threads(estimator.n_jobs), Deadline.after(settings.time_limit)
    memory = MemoryPlan(size_in_bytes(given.max_memory))
    source = open_source(X, y, sample_weight)
    asked = {"y": y, "sample_weight": sample_weight}
    with _row_cache(estimator, settings, source, asked, given.cache, memory) as (rows, learnt):
        encoder, dtype = learnt.encoder, np.dtype(settings.dtype)
        task, targets = learnt.targets.task(partial(estimator._new_task, settings=settings))
        task = task.with_target_names(source.target_names)
        eval_sets = encoded_eval_sets(estimator, given, settings, encoder, task)
        warn_beyond_range(RangeWatch(learnt.training_range), encoder, None, eval_sets)
        kept = None
        if checkpoint is not None:
            data_of_fit = {"X, y, sample_weight": rows.digest, "max_memory": str(memory.size)}
            data_of_fit |= digest_of_names(encoder) | digests_of_sets(eval_sets)
            kept = KeptFit.of(checkpoint, FitIdentity.of(estimator, data_of_fit))
            deadline = deadline.after_spending(kept.seconds_before)
        n_networks = settings.n_networks(rows.n_rows)
        new_assignment = RowAssignment.new if kept is None else kept.assignment
        assignment, random_state = new_assignment(n_networks, estimator.random_state)
        fraction = settings.held_out_fraction
        held_out = held_out_ranges(assignment.n_networks, fraction, rows.n_rows, random_state)
        windows = Windows(rows, memory.of_windows)
        n_sample = memory.sample_rows(rows.n_columns, _SAMPLE_ROWS)
        sample = read_sample(windows, targets, dtype, n_sample)
        splits = sample.splits(held_out)
        estimator._check_held_out(splits, eval_sets)
        is_held_out = splits[0].validation is not None
        data = sample.data
        if is_held_out:
            warn_of_leakage_in_stream(encoder, task, data)
        else:
            held_out = [None] * assignment.n_networks

        scaling, scaling_of_table = rows.scalings(
            settings.learn_scaling(data.X, encoder.n_numeric, None, data.sample_weight)
        )
        stored_sets = [
            EvalSet(name, measured._replace(X=rows.stored(measured.X)))
            for name, measured in eval_sets
        ]
        new = NewNetworks(
            data, splits, None, settings, encoder, scaling, task, random_state, kept, stored_sets
        )
        specs = settings.specs(len(splits), rows.n_rows, held_out=is_held_out)
        share = 1 - (fraction or 0.0) if is_held_out else 1.0
        runs = new.runs(specs, n_rows=max(1, round(share * rows.n_rows)))
        plan = FitPlan(runs, scaling_of_table, task, splits)
        progress = estimator._progress(runs, task, called)
        executor = WindowExecutor(windows, targets, task, held_out, threads)
        trainer = EnsembleTrainer(
            scaling, executor, progress, deadline, passes_after_training(settings, encoder)
        )
        with kept or nullcontext():
            training = trainer.train(runs, may_leave_out=True)

    ensemble = plan.ensemble_of(training)
    data = data._replace(X=rows.restored(data.X))
    after = learn_after_training(
        estimator,
        settings,
        LearntFromHeldOut(ensemble, task),
        data,
        [
            None if own is None else data._replace(rows=own.rows)
            for own in plan.validation_of(ensemble)
        ],
        encoder,
        deadline,
    )
    if kept and training.is_whole and after.is_whole:
        kept.remove()
    return FittedModel.of_rows_elsewhere(
        after.learnt,
        encoder,
        scaling_of_table,
        settings,
        learnt.training_range,
        n_estimators=assignment.n_networks,
        fit_seconds=training.seconds + (kept.seconds_before if kept else 0.0),
        assignment=assignment,
        feature_importances=after.importances,
    )


def _row_cache(
    estimator: BaseMLP,
    settings: Settings,
    source: Source,
    asked: dict[str, Any],
    cache: str | PathLike[str] | Cache | None,
    memory: MemoryPlan,
) -> RowsOfSource:
    """The source's row cache, which is read from `cache` or written."""
    kept = cache if cache is None or isinstance(cache, Cache) else Cache(cache)
    stored_as = "float32" if kept is None else kept.dtype
    reading = SourcePass(
        source,
        estimator.categorical_features,
        partial(target_learner, estimator, settings),
        memory.block_rows(source.n_columns),
        min(n_threads(estimator.n_jobs), READERS),
        stored_as,
    )
    asked = asked | {
        "categorical_features": np.asarray(estimator.categorical_features).tolist(),
        "classifies": settings.classifies,
        "dtype": stored_as,
        "version": __version__,
    }
    return RowsOfSource(kept, source, asked, reading.write)


def target_learner(estimator: BaseMLP, settings: Settings, y: NDArray[Any]) -> TargetLearner:
    """What learns targets such as those of the first block."""
    if not settings.classifies:
        estimator._new_task(y, settings)  # raises if they are not numbers
        return NumbersLearner(y)
    if y.ndim == 2:
        return IndicatorsLearner(y)
    if y.dtype.kind == "f" and np.isfinite(y).all() and type_of_target(y) == "continuous":
        estimator._new_task(y, settings)  # raises, and says what y must hold
    return ClassesLearner(y)
