"""Fits from row caches of small tables, as they are made of what is larger than memory."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import check_random_state

from fastmlp.ensemble.deadline import Deadline
from fastmlp.ensemble.ensemble_trainer import EnsembleTrainer, Training
from fastmlp.ensemble.new_networks import NewNetworks
from fastmlp.ensemble.progress import Progress
from fastmlp.ensemble.weighted_ensemble import WeightedEnsemble
from fastmlp.estimators.parameters import checked_settings
from fastmlp.streaming.folds import held_out_ranges
from fastmlp.streaming.row_cache import RowCache
from fastmlp.streaming.sample import read_sample
from fastmlp.streaming.targets import StoredTargets
from fastmlp.streaming.training import WindowExecutor
from fastmlp.streaming.windows import Windows
from fastmlp.table.encoder import DenseEncoder


class Fit(NamedTuple):
    """What training gave, and the ensemble of equal weights."""

    training: Training
    ensemble: WeightedEnsemble
    task: Any

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Numbers or probabilities."""
        return self.task.decode(self.ensemble.predict(X, 1), np.zeros((len(X), 1)))

    @property
    def parameters(self) -> list[np.ndarray]:
        """Of all networks."""
        return [p for member in self.training.members for p in member.network.parameters]


def fit_on_windows(
    model: Any,
    cache: RowCache,
    X: np.ndarray,
    y: np.ndarray,
    *,
    max_memory: int,
    n_threads: int = 1,
    sample_rows: int = 2**16,
    callbacks: Any = (),
    keeper: Any = None,
) -> Fit:
    """Train the networks of an estimator on the cache of a table of numbers.

    Only columns and task are learnt from the table itself.
    """
    settings = checked_settings(model, sparse=False)
    encoder, _ = DenseEncoder.learn(X)
    task, targets = model._new_task(y, settings)
    task = task.scaled_to(targets, None, None, None).with_range_of(targets, None)
    windows = Windows(cache, max_memory)
    stored = StoredTargets(np.unique(targets) if settings.classifies else None)
    sample = read_sample(windows, stored, np.dtype(settings.dtype), sample_rows)
    n_rows, random_state = cache.n_rows, check_random_state(model.random_state)
    n_estimators = settings.n_networks(n_rows)
    held_out = held_out_ranges(n_estimators, settings.held_out_fraction, n_rows, random_state)
    splits = sample.splits(held_out)
    scaling = settings.learn_scaling(sample.data.X, encoder.n_numeric, None, None)
    new = NewNetworks(
        sample.data, splits, None, settings, encoder, scaling, task, random_state, keeper
    )
    is_held_out = splits[0].validation is not None
    specs = settings.specs(n_estimators, n_rows, held_out=is_held_out)
    n_train = round(n_rows * (1 - is_held_out * float(settings.held_out_fraction or 0)))
    runs = new.runs(specs, n_train)
    progress = Progress(
        model.verbose, [run.options["max_iter"] for run in runs], callbacks, task.shown_error
    )
    executor = WindowExecutor(windows, stored, task, held_out, n_threads)
    trainer = EnsembleTrainer(scaling, executor, progress, Deadline.after(settings.time_limit))
    training = trainer.train(runs, may_leave_out=True)
    ensemble = WeightedEnsemble(training.members, scaling, task.link)
    return Fit(training, ensemble, task)
