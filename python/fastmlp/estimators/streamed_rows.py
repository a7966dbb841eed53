"""The rows that `fit` on a stream learns from: encoded on disk, and a sample of them in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import type_of_target

from fastmlp._threads import n_threads
from fastmlp._version import __version__
from fastmlp.checkpoints.checkpointed_fit import CheckpointedFit
from fastmlp.ensemble.evaluation import EvalSet
from fastmlp.ensemble.settings import Settings
from fastmlp.ensemble.splits import AssignmentSeed, RowSubset, Split
from fastmlp.estimators.encoded_arguments import encoded_eval_sets, warn_beyond_range
from fastmlp.estimators.fit_arguments import FitArguments
from fastmlp.streaming.cache_folder import Cache, RowsOfSource
from fastmlp.streaming.folds import HeldOutRange, held_out_ranges
from fastmlp.streaming.memory import READERS, MemoryPlan
from fastmlp.streaming.row_cache import RowCache
from fastmlp.streaming.sample import read_sample
from fastmlp.streaming.source_pass import LearntFromSource, SourcePass
from fastmlp.streaming.sources.blocks import Source
from fastmlp.streaming.target_learners import (
    ClassesLearner,
    IndicatorsLearner,
    NumbersLearner,
    TargetLearner,
)
from fastmlp.streaming.targets import StoredTargets
from fastmlp.streaming.windows import Windows
from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.training_range import RangeWatch, TrainingRange
from fastmlp.tasks import Task

if TYPE_CHECKING:
    from fastmlp.estimators.base import BaseMLP

_SAMPLE_ROWS = 2**18  # to learn scales and bin edges from, and to validate networks on


@dataclass(frozen=True, eq=False)
class EncodedStream:
    """What one call of `fit` on a stream learns from, encoded.

    Attributes
    ----------
    cache : RowCache
        All rows.
    encoder : DenseEncoder
    task : Task
    targets : StoredTargets
        Makes targets from what the cache holds of y.
    eval_sets : sequence of EvalSet
        Rows that are measured and decide nothing.
    training_range : TrainingRange
    """

    cache: RowCache
    encoder: DenseEncoder
    task: Task
    targets: StoredTargets
    eval_sets: Sequence[EvalSet]
    training_range: TrainingRange


def encoded_stream(
    estimator: BaseMLP,
    settings: Settings,
    given: FitArguments,
    source: Source,
    cache: RowCache,
    learnt: LearntFromSource,
) -> EncodedStream:
    """Learn the task of a source, of which all rows were read, and encode the eval sets."""
    task, targets = learnt.targets.task(partial(estimator._new_task, settings=settings))
    task = task.with_target_names(source.target_names)
    encoder, training_range = learnt.encoder, learnt.training_range
    eval_sets = encoded_eval_sets(estimator, given, settings, encoder, task)
    warn_beyond_range(RangeWatch(training_range), encoder, None, eval_sets)
    return EncodedStream(cache, encoder, task, targets, eval_sets, training_range)


@dataclass(frozen=True, eq=False)
class AssignedStream:
    """Which rows of a stream each network is trained on.

    Attributes
    ----------
    assignment : AssignmentSeed
    random_state : RandomState
        Draws the random numbers of the rest of the fit.
    windows : Windows
        The rows in the order in which they are read.
    sample : RowSubset
        Rows in memory, with numbers as they are stored.
    held_out : sequence of HeldOutRange or None
        Rows of the stream that are held out from each network.
    splits : sequence of Split
        How each network's validation splits the sample.
    """

    assignment: AssignmentSeed
    random_state: np.random.RandomState
    windows: Windows
    sample: RowSubset
    held_out: Sequence[HeldOutRange | None]
    splits: Sequence[Split]

    @property
    def are_held_out(self) -> bool:
        """Whether networks are validated."""
        return self.splits[0].validation is not None


def assigned_stream(
    estimator: BaseMLP,
    settings: Settings,
    stream: EncodedStream,
    memory: MemoryPlan,
    checkpointed: CheckpointedFit | None,
) -> AssignedStream:
    """Assign the rows of a stream to networks, and read a sample of them.

    Raises
    ------
    ValueError
        If nothing can be held out and a parameter needs it.
    """
    cache = stream.cache
    new_assignment = AssignmentSeed.new if checkpointed is None else checkpointed.assignment
    assignment, random_state = new_assignment(
        settings.n_networks(cache.n_rows), estimator.random_state
    )
    held_out = held_out_ranges(
        assignment.n_networks, settings.held_out_fraction, cache.n_rows, random_state
    )
    windows = Windows(cache, memory.of_windows)
    n_sample = memory.sample_rows(cache.n_columns, _SAMPLE_ROWS)
    sample = read_sample(windows, stream.targets, np.dtype(settings.dtype), n_sample)
    splits = sample.splits(held_out)
    estimator._check_held_out(splits, stream.eval_sets)
    if splits[0].validation is None:
        held_out = [None] * assignment.n_networks
    return AssignedStream(assignment, random_state, windows, sample.data, held_out, splits)


def row_cache(
    estimator: BaseMLP,
    settings: Settings,
    given: FitArguments,
    source: Source,
    memory: MemoryPlan,
) -> RowsOfSource:
    """The source's row cache, which is read from the cache that was given, or written."""
    cache = given.cache
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
    asked = {
        "y": given.y,
        "sample_weight": given.sample_weight,
        "categorical_features": np.asarray(estimator.categorical_features).tolist(),
        "classifies": settings.classifies,
        "dtype": stored_as,
        "version": __version__,
    }
    return RowsOfSource(kept, source, asked, reading.write)


def target_learner(estimator: BaseMLP, settings: Settings, y: NDArray[Any]) -> TargetLearner:
    """The learner of targets that are like those of the first block."""
    if not settings.classifies:
        estimator._new_task(y, settings)  # raises if they are not numbers
        return NumbersLearner(y)
    if y.ndim == 2:
        return IndicatorsLearner(y)
    if y.dtype.kind == "f" and np.isfinite(y).all() and type_of_target(y) == "continuous":
        estimator._new_task(y, settings)  # raises, and says what y must hold
    return ClassesLearner(y)
