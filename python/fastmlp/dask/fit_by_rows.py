"""`fit` on a table that workers share: each trains on its rows, and they are averaged."""

from __future__ import annotations

import time
from functools import partial

import numpy as np
from distributed import Client
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from fastmlp.dask.clients import Placed
from fastmlp.dask.learning import learn_table
from fastmlp.dask.partitions import partitions_of
from fastmlp.dask.shard_exchange import ShardExchange
from fastmlp.dask.shard_tasks import Encoding, held_out_of, joined, sample_of
from fastmlp.dask.shards import Shards
from fastmlp.ensemble.deadline import Deadline
from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.ensemble.held_out_learning import LearntFromHeldOut
from fastmlp.ensemble.progress import Progress
from fastmlp.ensemble.splits import RowSubset
from fastmlp.ensemble.weighted_ensemble import WeightedEnsemble
from fastmlp.estimators.after_training import learn_after_training
from fastmlp.estimators.base import BaseMLP
from fastmlp.estimators.fit_arguments import FitArguments
from fastmlp.estimators.parameters import checked_settings
from fastmlp.estimators.streamed_rows import target_learner
from fastmlp.estimators.ways_of_fitting import BY_ROWS
from fastmlp.rounds.options import AveragingOptions
from fastmlp.rounds.plan import Plan, networks_for_rounds
from fastmlp.rounds.training import train_in_rounds, trained_members
from fastmlp.tasks.target_names import target_names_of

_SAMPLE_ROWS = 2**18  # that scales, bin edges and the weights of networks are learnt from


def fit_by_rows(
    estimator: BaseMLP,
    client: Client,
    given: FitArguments,
    averaging: AveragingOptions,
    most_threads: int,
) -> FittedModel:
    """Fit an estimator on Dask collections; see `fastmlp.dask.Regressor.fit`.

    Parameters
    ----------
    most_threads : int
        Most threads to use of each worker.
    """
    BY_ROWS.check_arguments(given)
    callbacks, settings = given.called_after(estimator.callbacks), checked_settings(estimator)
    BY_ROWS.check_parameters(estimator)
    partitions = partitions_of(given.X, given.y, given.sample_weight)
    table = learn_table(
        client,
        partitions,
        estimator.categorical_features,
        partial(target_learner, estimator, settings),
    )
    task, _ = table.targets.task(partial(estimator._new_task, settings=settings))
    is_named = isinstance(given.y, str)
    task = task.with_target_names((given.y,) if is_named else target_names_of(given.y))
    random_state = check_random_state(estimator.random_state)
    name, encoder, n_rows = type(estimator).__name__, table.encoder, sum(table.n_rows)
    seed = random_state.randint(2**31)
    with Shards(client, partitions, table.n_rows, seed, _SAMPLE_ROWS, most_threads) as shards:
        shards.encode(Encoding(encoder, task, settings, name))
        sample = joined(shards.each("sample", sample_of))
        new = networks_for_rounds(
            sample, n_rows, settings, encoder, task, random_state, held_out=settings.early_stopping
        )
        plan = Plan(
            estimator=name,
            settings=settings,
            encoder=encoder,
            task=task,
            scaling=new.scaling,
            members=new.members,
            averaging=averaging,
            seed=seed,
        )
        placed = Placed(client, plan)
        held_out = shards.each("hold out", held_out_of, placed)
        coordinators = plan.coordinators()
        progress = Progress(estimator.verbose, plan.n_rounds, callbacks, task.shown_error)
        start = time.perf_counter()
        train_in_rounds(coordinators, ShardExchange(client, shards, placed), progress)
        seconds = time.perf_counter() - start
    members = trained_members(plan.members, coordinators, seconds)
    validation: list[RowSubset] = []
    if all(own is not None for own in held_out):
        of_sample = np.concatenate(held_out)
        validation = [
            _subset(sample, of_sample[:, one.network]) for one in coordinators if not one.is_lost
        ]
    trained = LearntFromHeldOut(WeightedEnsemble(members, plan.scaling, task.link), task)
    after = learn_after_training(
        estimator, settings, trained, sample, validation, encoder, Deadline.after(None)
    )
    return FittedModel.of_rows_elsewhere(
        after.learnt,
        encoder,
        plan.scaling,
        settings,
        table.training_range,
        n_estimators=len(plan.members),
        fit_seconds=seconds,
    )


def _subset(data: RowSubset, mask: NDArray[np.bool_]) -> RowSubset:
    return data._replace(rows=np.flatnonzero(mask).astype(np.uint32))
