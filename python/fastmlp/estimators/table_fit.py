"""`fit` and `partial_fit` on a table in memory: from the raw table to the fitted model."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from sklearn.utils import check_random_state

from fastmlp._threads import n_threads
from fastmlp._user_warnings import warn
from fastmlp.checkpoints.checkpointed_fit import CheckpointedFit
from fastmlp.checkpoints.identity import FitIdentity, digest_of_names, digests_of
from fastmlp.ensemble.deadline import Deadline
from fastmlp.ensemble.encoded_table import EncodedTable
from fastmlp.ensemble.ensemble_trainer import EnsembleTrainer
from fastmlp.ensemble.executor import Executor, LocalThreads
from fastmlp.ensemble.final_networks import final_runs, share_of_validated, trained_on_all_rows
from fastmlp.ensemble.fit_plan import FitPlan, plan_of_going_on, plan_of_new_networks
from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.ensemble.held_out_learning import LearntFromHeldOut
from fastmlp.ensemble.leakage.warning import warn_of_leakage
from fastmlp.ensemble.linear_part import with_linear_part
from fastmlp.ensemble.more_networks import Growth
from fastmlp.ensemble.new_networks import NewNetworks
from fastmlp.ensemble.progress import Callback
from fastmlp.ensemble.settings import Settings
from fastmlp.ensemble.splits import ALL_ROWS, AssignedRows
from fastmlp.ensemble.splitters import RANDOM, Splitter
from fastmlp.ensemble.training_run import runs_of_partial_fit
from fastmlp.ensemble.weighted_ensemble import WeightedEnsemble
from fastmlp.estimators.after_training import (
    AfterTraining,
    learn_after_training,
    passes_after_training,
)
from fastmlp.estimators.assigned_rows import assigned_rows
from fastmlp.estimators.encoded_arguments import encoded_table, encoded_training_rows, range_watch
from fastmlp.estimators.eval_sets import digests_of_sets
from fastmlp.estimators.fit_arguments import FitArguments
from fastmlp.estimators.parameters import checked_callbacks
from fastmlp.estimators.splitting import splitter_of
from fastmlp.table.constant_columns import warn_of_constants

if TYPE_CHECKING:
    from fastmlp.estimators.base import BaseMLP


def fit_table(estimator: BaseMLP, given: FitArguments, executor: Executor) -> FittedModel:
    """Fit an estimator to a table in memory, with networks trained by the executor."""
    before = estimator._trained_before(estimator.warm_start)
    settings = estimator._settings(given.X, before)
    deadline = Deadline.after(settings.time_limit)
    callbacks = given.called_after(estimator.callbacks)
    if before is not None:
        before.check_continues(settings, may_grow=True)
    growth = Growth(before, settings) if before is not None and before.grows(settings) else None

    table = encoded_table(estimator, given, settings, before)
    splitter = splitter_of(given, settings, table.encoder, table.data.X)
    checkpointed = _checkpointed_fit(estimator, given, before, table, splitter)
    deadline = deadline.after_spending(checkpointed.seconds_before if checkpointed else 0.0)
    rows = assigned_rows(estimator, settings, table, splitter, before, growth, checkpointed)
    if growth is not None:
        plan = growth.plan(table, rows)
    elif before is not None:
        plan = plan_of_going_on(before, table, rows, settings)
    else:
        if splitter is RANDOM and rows.splits.each[0].held_out is not None:
            is_steady = table.linear is None
            warn_of_leakage(table.encoder, table.task, table.data, of_time=is_steady)
        plan = plan_of_new_networks(table, rows, settings, checkpointed)
    with checkpointed or nullcontext():
        trained, seconds = _trained(
            estimator, settings, table, rows, plan, executor, callbacks, deadline
        )
    learnt = trained.learnt
    n_networks = settings.n_networks(table.data.n_rows if before is None else before.n_rows)
    has_folds = rows.splits.are_folds
    model = FittedModel(
        encoder=table.encoder,
        scaling=plan.scaling,
        task=learnt.task,
        ensemble=learnt.ensemble,
        linear=table.linear,
        watch=table.watch,
        standardize=settings.of("standardize"),
        # After Ctrl-C there may be more, if others were to be trained on all rows.
        n_estimators=max(n_networks, len(learnt.ensemble.members)),
        assignment=rows.assignment if has_folds else None,
        fingerprint=rows.fingerprint if rows.are_unseen and has_folds else None,
        fit_seconds=seconds + (checkpointed.seconds_before if checkpointed else 0.0),
        out_of_fold=learnt.out_of_fold,
        feature_importances=trained.importances,
        conformal=learnt.conformal,
    )
    if checkpointed and trained.is_whole:
        checkpointed.remove()
    return model


def _trained(
    estimator: BaseMLP,
    settings: Settings,
    table: EncodedTable,
    rows: AssignedRows,
    plan: FitPlan,
    executor: Executor,
    callbacks: Sequence[Callback],
    deadline: Deadline,
) -> tuple[AfterTraining, float]:
    """Train the networks of a plan, learn from held-out rows, then train the final networks.

    Returns these, and the seconds of training.
    """
    passes = passes_after_training(settings, table.encoder)
    until = deadline
    if plan.final:
        until = deadline.after_share(share_of_validated(plan.runs, settings, plan.final))
    progress = estimator._progress(plan.runs, plan.task, callbacks)
    trainer = EnsembleTrainer(plan.scaling, executor, progress, until, passes)
    training = trainer.train(plan.runs, plan.longer, may_leave_out=plan.may_leave_out)
    ensemble = plan.ensemble_of(training)
    after = AfterTraining(LearntFromHeldOut(ensemble, plan.task))
    if rows.are_unseen or table.shared is not None:
        after = learn_after_training(
            estimator,
            settings,
            after.learnt,
            table.data,
            plan.validation_of(ensemble),
            table.encoder,
            until,
            shared=table.shared,
            linear=table.linear,
            are_folds=rows.splits.are_folds,
        )
    elif settings.compute_importances:
        warn(
            "feature_importances_ were not computed: this warm start holds out rows that earlier "
            "fits may have trained on. Pass X_val, or fit with warm_start=False"
        )
    after = after._replace(is_whole=training.is_whole and after.is_whole)
    if plan.new is None or not plan.final or not after.is_whole:
        return after, training.seconds
    runs = final_runs(plan.new, plan.final, training.runs, after.learnt.ensemble)
    progress = estimator._progress([*training.runs, *runs], plan.task, callbacks)
    trainer = EnsembleTrainer(plan.scaling, executor, progress, deadline)
    ensemble, final = trained_on_all_rows(
        after.learnt.ensemble, training.runs, runs, trainer, plan.task.link
    )
    learnt = after.learnt._replace(ensemble=ensemble)
    seconds = training.seconds + final.seconds
    return after._replace(learnt=learnt, is_whole=final.is_whole), seconds


def _checkpointed_fit(
    estimator: BaseMLP,
    given: FitArguments,
    before: FittedModel | None,
    table: EncodedTable,
    splitter: Splitter,
) -> CheckpointedFit | None:
    """The fit whose state a checkpoint keeps, new or resumed."""
    if given.checkpoint is None:
        return None
    if before is not None:
        raise ValueError(
            "checkpoint must be None if fit continues with a fitted model (warm_start, "
            "init_model): a checkpoint does not hold that model"
        )
    digests = digests_of(table.data) | digest_of_names(table.encoder)
    digests |= digests_of(table.shared, "_val") | digests_of_sets(table.eval_sets)
    identity = FitIdentity.of(estimator, {**digests, **splitter.digests()})
    return CheckpointedFit.of(given.checkpoint, identity)


def partial_fit_table(
    estimator: BaseMLP, X: Any, y: Any, sample_weight: Any, classes: Any = None
) -> FittedModel:
    """One epoch over the given rows; see the estimators' `partial_fit`."""
    before = estimator._trained_before(goes_on=True)
    settings = estimator._settings(X, before)
    deadline = Deadline.after(settings.time_limit)
    if before is not None:
        before.check_continues(settings, may_grow=False)
    encoder, task, data = encoded_training_rows(
        estimator, X, y, sample_weight, settings, before, minimum=1, classes=classes
    )
    watch = range_watch(encoder, data, before)
    linear, data, _ = with_linear_part(
        settings, before, watch, task, data, may_be_the_same_rows=False
    )
    if before is None:
        random_state = check_random_state(estimator.random_state)
        splits = [ALL_ROWS] * settings.n_networks(data.n_rows)
        new = NewNetworks.scaled_to(data, splits, None, settings, encoder, task, random_state)
        scaling, task = new.scaling, new.task
        members = new.members(settings.specs(len(splits), data.n_rows, held_out=False))
        warn_of_constants(encoder)
    else:
        scaling, task, members = before.continued(data, settings, task)
    runs = runs_of_partial_fit(members, data, settings=settings, task=task)
    progress = estimator._progress(runs, task, checked_callbacks(estimator.callbacks))
    executor = LocalThreads(n_threads(estimator.n_jobs))
    trainer = EnsembleTrainer(scaling, executor, progress, deadline)
    training = trainer.train(runs, may_leave_out=False)
    weights = None if before is None else training.weights_of(before.ensemble)
    return FittedModel(
        encoder=encoder,
        scaling=scaling,
        task=task,
        ensemble=WeightedEnsemble(training.members, scaling, task.link, weights),
        linear=linear,
        watch=watch,
        standardize=settings.of("standardize"),
        n_estimators=len(members) if before is None else before.n_estimators,
        assignment=None if before is None else before.assignment,
        fingerprint=None,  # all rows were trained on
        fit_seconds=training.seconds,
    )
