"""`fit` on a table that is read in blocks: from the source to the fitted model."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from fastmlp._threads import n_threads
from fastmlp.checkpoints.checkpointed_fit import CheckpointedFit
from fastmlp.checkpoints.identity import FitIdentity, digest_of_names
from fastmlp.ensemble.deadline import Deadline
from fastmlp.ensemble.ensemble_trainer import EnsembleTrainer
from fastmlp.ensemble.evaluation import EvalSet
from fastmlp.ensemble.fit_plan import FitPlan
from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.ensemble.held_out_learning import LearntFromHeldOut
from fastmlp.ensemble.leakage.warning import warn_of_leakage_in_stream
from fastmlp.ensemble.new_networks import NewNetworks
from fastmlp.ensemble.settings import Settings
from fastmlp.estimators.after_training import learn_after_training, passes_after_training
from fastmlp.estimators.eval_sets import digests_of_sets, given_eval_sets
from fastmlp.estimators.fit_arguments import FitArguments
from fastmlp.estimators.parameters import checked_settings
from fastmlp.estimators.streamed_rows import (
    AssignedStream,
    EncodedStream,
    assigned_stream,
    encoded_stream,
    row_cache,
)
from fastmlp.estimators.ways_of_fitting import STREAM
from fastmlp.streaming.memory import MemoryPlan, size_in_bytes
from fastmlp.streaming.sources.opening import open_source
from fastmlp.streaming.training import WindowExecutor
from fastmlp.table.scaling import Scaling

if TYPE_CHECKING:
    from fastmlp.estimators.base import BaseMLP


def fit_stream(estimator: BaseMLP, given: FitArguments) -> FittedModel:
    """Fit an estimator on a stream; see `BaseMLP.fit`."""
    STREAM.check_arguments(given)
    callbacks = given.called_after(estimator.callbacks)
    settings = checked_settings(estimator)
    STREAM.check_parameters(estimator)
    given_eval_sets(given.eval_set)  # raises if they have another form
    deadline = Deadline.after(settings.time_limit)
    memory = MemoryPlan(size_in_bytes(given.max_memory))
    source = open_source(given.X, given.y, given.sample_weight)

    with row_cache(estimator, settings, given, source, memory) as (cache, learnt):
        stream = encoded_stream(estimator, settings, given, source, cache, learnt)
        checkpointed = _checkpointed_fit(estimator, given, stream, memory)
        deadline = deadline.after_spending(checkpointed.seconds_before if checkpointed else 0.0)
        rows = assigned_stream(estimator, settings, stream, memory, checkpointed)
        if rows.are_held_out:
            warn_of_leakage_in_stream(stream.encoder, stream.task, rows.sample)
        plan, scaling = _plan_of_new_networks(settings, stream, rows, checkpointed)
        trainer = EnsembleTrainer(
            scaling,
            WindowExecutor(
                rows.windows,
                stream.targets,
                stream.task,
                rows.held_out,
                n_threads(estimator.n_jobs),
            ),
            estimator._progress(plan.runs, stream.task, callbacks),
            deadline,
            passes_after_training(settings, stream.encoder),
        )
        with checkpointed or nullcontext():
            training = trainer.train(plan.runs, may_leave_out=True)

    ensemble = plan.ensemble_of(training)
    sample = rows.sample._replace(X=cache.restored(rows.sample.X))
    after = learn_after_training(
        estimator,
        settings,
        LearntFromHeldOut(ensemble, stream.task),
        sample,
        [
            None if own is None else sample._replace(rows=own.rows)
            for own in plan.validation_of(ensemble)
        ],
        stream.encoder,
        deadline,
    )
    if checkpointed and training.is_whole and after.is_whole:
        checkpointed.remove()
    return FittedModel.of_rows_elsewhere(
        after.learnt,
        stream.encoder,
        plan.scaling,
        settings,
        stream.training_range,
        n_estimators=rows.assignment.n_networks,
        fit_seconds=training.seconds + (checkpointed.seconds_before if checkpointed else 0.0),
        assignment=rows.assignment,
        feature_importances=after.importances,
    )


def _checkpointed_fit(
    estimator: BaseMLP, given: FitArguments, stream: EncodedStream, memory: MemoryPlan
) -> CheckpointedFit | None:
    """The fit whose state a checkpoint keeps, new or resumed."""
    if given.checkpoint is None:
        return None
    digests = {"X, y, sample_weight": stream.cache.digest, "max_memory": str(memory.size)}
    digests |= digest_of_names(stream.encoder) | digests_of_sets(stream.eval_sets)
    return CheckpointedFit.of(given.checkpoint, FitIdentity.of(estimator, digests))


def _plan_of_new_networks(
    settings: Settings,
    stream: EncodedStream,
    rows: AssignedStream,
    checkpointed: CheckpointedFit | None,
) -> tuple[FitPlan, Scaling]:
    """Plan the networks; also return the scaling of the stored numbers that they read."""
    cache, sample = stream.cache, rows.sample
    scaling, scaling_of_table = cache.scalings(
        settings.learn_scaling(sample.X, stream.encoder.n_numeric, None, sample.sample_weight)
    )
    stored_sets = [
        EvalSet(name, measured._replace(X=cache.stored(measured.X)))
        for name, measured in stream.eval_sets
    ]
    new = NewNetworks(
        sample,
        rows.splits,
        None,
        settings,
        stream.encoder,
        scaling,
        stream.task,
        rows.random_state,
        checkpointed,
        stored_sets,
    )
    specs = settings.specs(len(rows.splits), cache.n_rows, held_out=rows.are_held_out)
    share = 1 - (settings.held_out_fraction or 0.0) if rows.are_held_out else 1.0
    runs = new.runs(specs, n_rows=max(1, round(share * cache.n_rows)))
    return FitPlan(runs, scaling_of_table, stream.task, rows.splits), scaling
