"""`fit` on a table that no worker holds whole: each trains on its rows, and they are averaged."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from distributed import Client
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from fastmlp._threads import n_threads
from fastmlp.dask.clients import Placed
from fastmlp.dask.learning import learn_table
from fastmlp.dask.partitions import partitions_of
from fastmlp.dask.shard_exchange import ShardExchange
from fastmlp.dask.shard_tasks import Encoding, held_out_of, joined, sample_of
from fastmlp.dask.shards import Shards
from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.ensemble.held_out import learn_from_held_out
from fastmlp.ensemble.new_networks import NewNetworks
from fastmlp.ensemble.progress import Callback, Progress
from fastmlp.ensemble.settings import Settings
from fastmlp.ensemble.splits import RowSubset, Split
from fastmlp.ensemble.weighted_ensemble import WeightedEnsemble
from fastmlp.estimators.base import BaseMLP
from fastmlp.estimators.parameters import checked_settings
from fastmlp.estimators.streamed_fit import target_learner
from fastmlp.rounds.options import AveragingOptions
from fastmlp.rounds.plan import Plan
from fastmlp.rounds.training import train_in_rounds, trained_members
from fastmlp.tasks.target_names import target_names_of

_SAMPLE_ROWS = 2**18  # that scales, bin edges and the weights of networks are learnt from
# Parameters that need the rows in one place, and what they must be.
_UNSUPPORTED: dict[str, Any] = {
    "warm_start": False,
    "init_model": None,
    "extrapolation": "clip",
    "compute_importances": False,
    "eval_metric": None,
    "time_limit": None,
    # Outer momentum would leave the signs of weights that keep them.
    "monotonic_cst": None,
    "interaction_cst": None,
}


def fit_by_rows(
    estimator: BaseMLP,
    client: Client,
    X: Any,
    y: Any,
    sample_weight: Any,
    callbacks: Sequence[Callback],
    averaging: AveragingOptions,
    most_threads: int,
) -> FittedModel:
    """Fit an estimator on Dask collections; see `fastmlp.dask.Regressor.fit`.

    Parameters
    ----------
    most_threads : int
        That are used of each worker.
    """
    settings = checked_settings(estimator)
    _check_supported(estimator, settings)
    partitions = partitions_of(X, y, sample_weight)
    table = learn_table(
        client,
        partitions,
        estimator.categorical_features,
        partial(target_learner, estimator, settings),
    )
    task, _ = table.targets.task(partial(estimator._new_task, settings=settings))
    task = task.with_target_names((y,) if isinstance(y, str) else target_names_of(y))
    random_state = check_random_state(estimator.random_state)
    name, encoder, n_rows = type(estimator).__name__, table.encoder, sum(table.n_rows)
    seed = random_state.randint(2**31)
    with Shards(client, partitions, table.n_rows, seed, _SAMPLE_ROWS, most_threads) as shards:
        shards.encode(Encoding(encoder, task, settings, name))
        sample = joined(shards.each("sample", sample_of))
        scaling = settings.learn_scaling(sample.X, encoder.n_numeric, None, sample.sample_weight)
        n_networks = settings.n_networks(n_rows)
        specs = settings.specs(n_networks, n_rows, held_out=settings.early_stopping)
        none = [Split(None, None)] * n_networks
        new = NewNetworks(sample, none, None, settings, encoder, scaling, task, random_state)
        plan = Plan(
            estimator=name,
            settings=settings,
            encoder=encoder,
            task=task,
            scaling=scaling,
            members=tuple(new.members(specs)),
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
    ensemble, threads = WeightedEnsemble(members, scaling, task.link), n_threads(estimator.n_jobs)
    return FittedModel.of_rows_elsewhere(
        learn_from_held_out(ensemble, task, sample, validation, None, threads),
        encoder,
        scaling,
        settings,
        table.training_range,
        n_estimators=n_networks,
        fit_seconds=seconds,
    )


def _subset(data: RowSubset, mask: NDArray[np.bool_]) -> RowSubset:
    return data._replace(rows=np.flatnonzero(mask).astype(np.uint32))


def _check_supported(estimator: BaseMLP, settings: Settings) -> None:
    """Raise for what needs the rows in one place, before anything is read."""
    for name, supported in _UNSUPPORTED.items():
        if getattr(estimator, name) != supported:
            raise ValueError(
                f"{name} must be {supported!r} if fit is distributed by rows; got "
                f"{getattr(estimator, name)!r}"
            )
    if settings.of("learning_rate") == "adaptive":
        raise ValueError("learning_rate must not be 'adaptive' if fit is distributed by rows")
