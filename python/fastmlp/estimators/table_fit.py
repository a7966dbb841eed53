"""`fit` and `partial_fit` on a table in memory: from the raw table to the fitted model."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import check_random_state

from fastmlp._threads import n_threads
from fastmlp._user_warnings import warn
from fastmlp.checkpoints.identity import FitIdentity, digest_of_names, digests_of
from fastmlp.checkpoints.kept_fit import KeptFit
from fastmlp.ensemble.deadline import Deadline
from fastmlp.ensemble.evaluation import EvalSet
from fastmlp.ensemble.executor import Executor, LocalThreads
from fastmlp.ensemble.final_networks import final_runs, share_of_validated, trained_on_all_rows
from fastmlp.ensemble.fit_plan import plan_of_going_on, plan_of_new_networks
from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.ensemble.growing import Growth
from fastmlp.ensemble.held_out import learn_from_held_out, warn_of_late_interruption
from fastmlp.ensemble.leakage.warning import warn_of_leakage
from fastmlp.ensemble.linear_part import with_linear_part, with_offset
from fastmlp.ensemble.new_networks import NewNetworks
from fastmlp.ensemble.settings import Settings
from fastmlp.ensemble.splits import (
    ALL_ROWS,
    RowAssignment,
    RowSubset,
    fingerprint,
    split_rows,
)
from fastmlp.ensemble.splitters import RANDOM, Splitter
from fastmlp.ensemble.training import EnsembleTrainer
from fastmlp.ensemble.training_run import runs_of_partial_fit
from fastmlp.ensemble.weighted_ensemble import WeightedEnsemble
from fastmlp.estimators.arguments import advice_on_pipelines
from fastmlp.estimators.encoding import (
    encoded_eval_sets,
    encoded_training_rows,
    encoded_validation_rows,
)
from fastmlp.estimators.eval_sets import suffix_of
from fastmlp.estimators.fit_arguments import FitArguments
from fastmlp.estimators.parameters import checked_callbacks
from fastmlp.estimators.splitting import splitter_of
from fastmlp.inspection.importances import importances_of
from fastmlp.prediction.linear_part import LinearPart
from fastmlp.table.constant_columns import warn_of_constants
from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.sparse_encoder import Encoder
from fastmlp.table.training_range import RangeWatch

if TYPE_CHECKING:
    from fastmlp.estimators.base import BaseMLP


def fit_table(estimator: BaseMLP, given: FitArguments, executor: Executor) -> FittedModel:
    """Fit an estimator to a table in memory, with networks trained by the executor."""
    before = estimator._trained_before(estimator.warm_start)
    settings = estimator._settings(given.X, before)
    threads = n_threads(estimator.n_jobs)
    deadline = Deadline.after(settings.time_limit)
    called = given.called_after(estimator.callbacks)
    growth = None
    if before is not None:
        before.check_continues(settings, may_grow=True)
        growth = Growth(before, settings) if before.grows(settings) else None

    encoder, task, data = encoded_training_rows(
        estimator, given.X, given.y, given.sample_weight, settings, before, minimum=2
    )
    shared = encoded_validation_rows(estimator, given, settings, encoder, task)
    eval_sets = encoded_eval_sets(estimator, given, settings, encoder, task)
    watch = (RangeWatch.of_columns(encoder) if before is None else before.watch).widened(
        data.X, data.sample_weight
    )
    linear, data, is_honest = with_linear_part(settings, before, watch, task, data)
    if linear is not None:
        shared = shared and with_offset(shared, linear, watch.training_range)
        eval_sets = [
            one._replace(rows=with_offset(one.rows, linear, watch.training_range))
            for one in eval_sets
        ]
    elif isinstance(encoder, DenseEncoder):
        measured = [(suffix_of(name), rows) for name, rows in eval_sets]
        for suffix, rows in [*([] if shared is None else [("_val", shared)]), *measured]:
            watch.warn_of_validation(rows.X, encoder, f"X{suffix}", advice_on_pipelines(suffix))

    splitter = splitter_of(given, settings, encoder, data.X)
    kept = _kept_fit(estimator, given, before, encoder, data, shared, eval_sets, splitter)
    deadline = deadline.after_spending(kept.seconds_before if kept else 0.0)
    assignment, random_state = _assignment(estimator, settings, before, growth, data.n_rows, kept)
    splits = split_rows(
        data,
        task.strata(data.y),
        shared,
        settings.held_out_fraction,
        assignment.n_estimators,
        random_state,
        splitter,
    )
    estimator._check_held_out(splits.each, eval_sets)
    if not splits.are_folds:
        _check_final(before, linear)
    if growth is not None:
        growth.check_rows(data, splits, is_honest)
    # Rows that are held out now must have been held out in earlier fits too.
    has_digest = estimator.warm_start or assignment.n_estimators > 1
    digest = fingerprint(data, splits.each) if has_digest else None
    never_trained_on = (
        before is None
        or growth is not None
        or (digest is not None and digest == before.fingerprint and is_honest)
    )

    if before is None:
        if splits.each[0].validation is not None and shared is None and splitter is RANDOM:
            warn_of_leakage(encoder, task, data, of_time=linear is None)
        plan = plan_of_new_networks(
            data,
            splits,
            assignment.n_estimators,
            settings,
            encoder,
            task,
            random_state,
            kept,
            eval_sets,
        )
    elif growth is not None:
        plan = growth.plan(data, splits, encoder, task, random_state, eval_sets)
    else:
        plan = plan_of_going_on(before, data, splits, settings, task, random_state, eval_sets)
    # Each row is predicted once when networks are weighed, and once for each shuffled column.
    passes = 1 + (encoder.n_columns if settings.compute_importances else 0)
    until = deadline
    if plan.final:
        until = deadline.after_share(share_of_validated(plan.runs, settings, plan.final))
    progress = estimator._progress(plan.runs, plan.task, called)
    trainer = EnsembleTrainer(plan.scaling, executor, progress, until, passes)
    with kept or nullcontext():
        training = trainer.train(plan.runs, plan.longer, may_leave_out=plan.may_leave_out)
        seconds, is_whole = training.seconds, training.is_whole
        task, ensemble = plan.task, plan.ensemble_of(training)
        out_of_fold, conformal, std, importances = None, None, None, None
        if never_trained_on or shared is not None:
            validation = plan.validation_of(ensemble)
            try:
                ensemble, task, out_of_fold, conformal, std = learn_from_held_out(
                    ensemble, task, data, validation, shared, threads, are_folds=splits.are_folds
                )
                if settings.compute_importances and isinstance(encoder, DenseEncoder):
                    importances = importances_of(
                        ensemble,
                        encoder,
                        task,
                        validation,
                        linear,
                        threads,
                        estimator.verbose,
                        until,
                    )
            except KeyboardInterrupt:  # what is trained is kept
                is_whole = False
                warn_of_late_interruption(out_of_fold is None)
        elif settings.compute_importances:
            warn(
                "feature_importances_ were not computed: this warm start holds out rows that "
                "earlier fits may have trained on. Pass X_val, or fit with warm_start=False"
            )
        if plan.new is not None and plan.final and is_whole:
            runs = final_runs(plan.new, plan.final, training.runs, ensemble)
            progress = estimator._progress([*training.runs, *runs], plan.task, called)
            trainer = EnsembleTrainer(plan.scaling, executor, progress, deadline)
            ensemble, more, is_whole = trained_on_all_rows(
                ensemble, training.runs, runs, trainer, task.link
            )
            seconds += more
    n_estimators = settings.n_networks(data.n_rows if before is None else before.n_rows)
    # After Ctrl-C there may be more than were asked for, if others were to be trained on all rows.
    model = FittedModel(
        encoder=encoder,
        scaling=plan.scaling,
        task=task,
        ensemble=ensemble,
        linear=linear,
        watch=watch,
        standardize=settings.of("standardize"),
        n_estimators=max(n_estimators, len(ensemble.members)),
        assignment=assignment if splits.are_folds else None,
        fingerprint=digest if never_trained_on and splits.are_folds else None,
        fit_seconds=seconds + (kept.seconds_before if kept else 0.0),
        out_of_fold=out_of_fold,
        out_of_fold_std=std,
        feature_importances=importances,
        conformal=conformal,
    )
    if kept and is_whole:
        kept.remove()
    return model


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
    watch = (RangeWatch.of_columns(encoder) if before is None else before.watch).widened(
        data.X, data.sample_weight
    )
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


def _check_final(before: FittedModel | None, linear: LinearPart | None) -> None:
    """Raise for what cannot be where networks are trained on all rows after their validation."""
    if before is not None:
        raise ValueError(
            "time, and cv whose parts leave rows out, cannot be used by a warm start that goes on "
            "with networks: these have seen all rows"
        )
    if linear is not None:
        raise ValueError(
            "extrapolation must be 'clip' with time, and with cv whose parts leave rows out: the "
            "linear part is learnt from all rows, and would tell of later ones. Pass the last rows "
            "as X_val to judge a forecast, and fit on all rows then (docs/forecasts.md)"
        )


def _kept_fit(
    estimator: BaseMLP,
    given: FitArguments,
    before: FittedModel | None,
    encoder: Encoder,
    data: RowSubset,
    shared: RowSubset | None,
    eval_sets: Sequence[EvalSet],
    splitter: Splitter,
) -> KeptFit | None:
    """The fit that a checkpoint keeps, to begin or to go on with."""
    if given.checkpoint is None:
        return None
    if before is not None:
        raise ValueError(
            "checkpoint must be None if fit goes on with a fitted model (warm_start, init_model), "
            "which the file does not hold"
        )
    digests = digests_of(data) | digest_of_names(encoder) | digests_of(shared, "_val")
    for one in eval_sets:
        digests |= digests_of(one.rows, suffix_of(one.name))
    identity = FitIdentity.of(estimator, {**digests, **splitter.digests()})
    return KeptFit.of(given.checkpoint, identity)


def _assignment(
    estimator: BaseMLP,
    settings: Settings,
    before: FittedModel | None,
    growth: Growth | None,
    n_rows: int,
    kept: KeptFit | None,
) -> tuple[RowAssignment, np.random.RandomState]:
    """How rows are assigned to networks: as before, if training goes on."""
    if growth is not None:
        return growth.assignment, growth.assignment.generator()
    if before is None:
        n_networks = settings.n_networks(n_rows)
        if kept is None:
            return RowAssignment.new(n_networks, estimator.random_state)
        return kept.assignment(n_networks, estimator.random_state)
    if before.assignment is None:  # after partial_fit alone
        return RowAssignment.new(before.n_estimators, estimator.random_state)
    return before.assignment, before.assignment.generator()
