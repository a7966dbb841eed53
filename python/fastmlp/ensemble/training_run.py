"""TrainingRun: one call of the engine's training loop for one member."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from math import inf, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp import _core
from fastmlp._user_warnings import warn
from fastmlp.ensemble.evaluation import (
    VALIDATION,
    EvalSet,
    Evaluated,
    Evaluation,
    MeasuredSet,
    by_name,
)
from fastmlp.ensemble.history import EvalCurves
from fastmlp.ensemble.member import Member
from fastmlp.ensemble.metric_direction import rises_as_loss_falls
from fastmlp.ensemble.progress import EpochRecord, Observer
from fastmlp.ensemble.recipe import Recipe
from fastmlp.ensemble.settings import Settings
from fastmlp.ensemble.splits import RowSubset, Split
from fastmlp.ensemble.state_keeper import State, StateKeeper
from fastmlp.table.text import quoted_few
from fastmlp.tasks import Task
from fastmlp.tasks.metric_functions import has_known_direction, is_score
from fastmlp.tasks.metrics import LOSS, Metric, named_metrics

# Called with the epoch's number, losses, learning rate, seconds, the outputs for validation rows,
# and what came out for other sets; returns whether to stop, and what to watch in place of the
# validation loss.
EpochListener = Callable[
    [int, float, float, float, float, "NDArray[np.float64] | None", Sequence[Evaluated]],
    tuple[bool, "float | None"],
]


@dataclass(eq=False)
class TrainingRun:
    """Training of one member in one call of the engine.

    Attributes
    ----------
    member : Member
        As it was before. Its network and optimiser are trained in place.
    train, validation : RowSubset
        With scaled targets.
    options : dict
        Options of the engine's training loop.
    evaluation : Evaluation
        What is measured after each epoch.
    index : int
        Position among the members.
    n_rows : int
        Training rows of an epoch: those of `train`, or more where these are a sample of them.
    others : sequence of RowSubset
        Rows of the other sets that the evaluation measures, with scaled targets.
    keeper : StateKeeper or None
        Keeps the state of the training.
    trained : Member or None
        The member with its new history; None until it has run.
    n_steps : int
        Minibatches that it was trained on.
    measured : list of list of float
        Values of the evaluation after each epoch of this call.
    """

    member: Member
    train: RowSubset
    validation: RowSubset | None
    options: dict[str, Any]
    evaluation: Evaluation
    index: int
    n_rows: int
    others: Sequence[RowSubset] = ()
    keeper: StateKeeper | None = None
    trained: Member | None = None
    n_steps: int = 0
    measured: list[list[float]] = field(default_factory=list)
    _n_epochs: int = 0  # seen by the keeper

    @property
    def latest(self) -> Member:
        """The member as it is now."""
        return self.trained or self.member

    @property
    def stop_reason(self) -> str:
        """Why training ended."""
        return self.latest.history.stop_reason

    @property
    def steps_per_epoch(self) -> int:
        """Minibatches of an epoch."""
        return -(-self.n_rows // int(self.options["batch_size"]))

    @property
    def most_steps(self) -> int:
        """Minibatches of all epochs."""
        return self.steps_per_epoch * int(self.options["max_iter"])

    def run(
        self,
        inputs: _core.Standardisation,
        threads: _core.ThreadBudget,
        progress: Observer,
        interrupted: Callable[[], bool] | None,
        time_limit: float = inf,
    ) -> None:
        """Train, and record how it went."""
        start, dtype = time.perf_counter(), self.member.network.dtype
        saved = self.saved
        spent = saved["seconds"] if saved else 0.0
        changes = {
            "time_limit": spent + time_limit,
            "reports_outputs": self.evaluation.needs_outputs,
            "steps_per_epoch": self.steps_per_epoch,
            "batch_size": min(self.options["batch_size"], self.n_rows),
        }
        training = _core.Training(
            self.member.network._engine,
            self.member.optimizer._engine,
            inputs,
            self.validation and self.validation.for_engine(dtype),
            self.options | changes,
            threads.threads,
            self.others_for_engine(),
        )
        if saved:
            self.restore(training, saved)
            progress.skip(saved["n_iter"])
        result = training.train(
            self.train.for_engine(dtype),
            threads,
            self.epoch_listener(progress),
            interrupted,
            None if self.keeper is None else partial(self._keep_if_due, training, self.keeper),
        )
        self.record(result, spent + time.perf_counter() - start, progress)
        if self.keeper is not None and self.stop_reason != "interrupted":
            self.keeper.keep({self.name: self.state(training)})

    def others_for_engine(self) -> tuple[Any, ...]:
        """The rows of the other sets as the engine takes them."""
        return tuple(rows.for_engine(self.member.network.dtype) for rows in self.others)

    # ---- the state of its training

    @property
    def name(self) -> str:
        """Name of its state, which no other run of the fit has."""
        return f"{self.index}.{self.member.recipe.spec.kind}"

    @property
    def saved(self) -> State | None:
        """The state to continue from, if there is one."""
        return None if self.keeper is None else self.keeper.saved.get(self.name)

    def state(self, training: _core.Training) -> dict[str, Any]:
        """The state that the run continues from."""
        return training.state() | {"measured": np.array(self.measured)}

    def restore(self, training: _core.Training, saved: State) -> None:
        """Go on from such a state."""
        state = dict(saved)
        self.measured = state.pop("measured").tolist()
        training.restore(state)

    def _keep_if_due(self, training: _core.Training, keeper: StateKeeper) -> None:
        self._n_epochs += 1
        if keeper.is_due(self.name, self._n_epochs):
            keeper.keep({self.name: self.state(training)})

    def epoch_listener(self, progress: Observer) -> EpochListener | None:
        """What the engine calls after every epoch; None if nothing listens."""

        def on_epoch(
            epoch: int,
            loss: float,
            validation_loss: float,
            learning_rate: float,
            seconds: float,
            outputs: NDArray[np.float64] | None,
            others: Sequence[Evaluated],
        ) -> tuple[bool, float | None]:
            values, watched = self.evaluation.measure(outputs, others)
            if values:
                self.measured.append(values)
            if not progress.is_wanted:
                return False, watched
            evals = by_name(names, values)
            if self.validation is not None:
                evals[VALIDATION] = {LOSS: validation_loss} | evals.get(VALIDATION, {})
            record = EpochRecord(
                epoch,
                loss,
                validation_loss,
                learning_rate,
                values[0] if self.evaluation.metrics else np.nan,
                seconds,
                self.index,
                evals,
                self.evaluation.scores,
            )
            return progress.record(record), watched

        names = self.evaluation.names
        return on_epoch if names or progress.is_wanted else None

    @property
    def eval_curves(self) -> EvalCurves:
        """What was measured in this call."""
        return self.evaluation.curves(self.measured)

    @property
    def watched_metric(self) -> list[float]:
        """Values of the metric that decides, in this call; none if the loss does."""
        return self.eval_curves.get(VALIDATION, {}).get(self.evaluation.watched, [])

    @property
    def watches_a_rise(self) -> bool:
        """Whether the metric that decides rose in this call while the validation loss fell."""
        n_epochs = self.latest.history.n_iter - self.member.history.n_iter
        losses = self.latest.history.validation_curve[-n_epochs:]
        return rises_as_loss_falls(self.watched_metric, losses)

    def record(self, result: _core.TrainResult, seconds: float, progress: Observer) -> None:
        """Note what the engine returned when training had ended."""
        progress.ended(result["reason"])
        self.n_steps = result["n_steps"]
        self.trained = replace(
            self.member,
            history=self.member.history.extended(result, self.eval_curves, seconds),
            # A time limit may have ended the last epoch early.
            samples_seen=self.member.samples_seen
            + self.n_rows * self.n_steps // self.steps_per_epoch,
        )


def runs_of_fit(
    members: Sequence[Member],
    indices: Sequence[int],
    splits: Sequence[Split],
    data: RowSubset,
    *,
    settings: Settings,
    task: Task,
    random_state: np.random.RandomState,
    n_rows: int | None = None,
    keeper: StateKeeper | None = None,
    eval_sets: Sequence[EvalSet] = (),
) -> list[TrainingRun]:
    """Make a run for each member, on its training rows and with its validation rows.

    Parameters
    ----------
    indices : sequence of int
        Position of each member's split in `splits`.
    n_rows : int or None
        Training rows of an epoch, if `data` is a sample of them. None: those of the split.
    keeper : StateKeeper or None
    eval_sets : sequence of EvalSet
        Rows to measure all of them on after each epoch.
    """
    dtype = members[0].network.dtype
    scaled = _scaled(data, task, dtype)
    shared = splits[0].validation  # the same table for all, unless they hold out rows of their own
    if shared is not None and shared.rows is None:
        shared = _scaled(shared, task, dtype, "y_val")
    named = named_metrics(settings.eval_metric)
    watched = next(iter(named), LOSS)
    is_assumed_cost = watched != LOSS and not has_known_direction(named[watched])
    named.pop(LOSS, None)
    scores = tuple(name for name, metric in named.items() if is_score(metric))
    others = [_scaled(rows, task, dtype, f"y of {name!r}") for name, rows in eval_sets]
    sets = [MeasuredSet(one.name, _metrics_of_set(named, task, one)) for one in eval_sets]
    runs, without_metric = [], 0
    for index, member in zip(indices, members, strict=True):
        split = splits[index]
        validation: RowSubset | None = split.validation
        metrics: dict[str, Metric | None] = {}
        if validation is not None:
            own_rows = validation.rows is not None  # of the training table
            for name, metric in _metrics_of(named, task, validation).items():
                has_value = not own_rows or _has_value(metric, task, validation)
                metrics[name] = metric if has_value else None
            without_metric += watched != LOSS and metrics[watched] is None
            validation = scaled._replace(rows=validation.rows) if own_rows else shared
        evaluation = Evaluation(metrics, watched, sets, scores, is_assumed_cost)
        train = scaled._replace(rows=split.train)
        n_own = train.n_rows if n_rows is None else n_rows
        options = _options(settings, member.recipe, task, n_own)
        options["seed"] = int(random_state.randint(np.iinfo(np.int32).max))
        runs.append(
            TrainingRun(
                member, train, validation, options, evaluation, index, n_own, others, keeper
            )
        )
    if without_metric:
        warn(
            f"eval_metric={named[watched]!r} has no value on the validation rows of "
            f"{without_metric} of {len(runs)} networks, which lack a class; the best epoch of "
            "these networks is the one with the lowest validation loss"
        )
    return runs


def _metrics_of(named: Mapping[str, Any], task: Task, rows: RowSubset) -> dict[str, Metric]:
    """Functions of raw outputs for these rows."""
    if not named:
        return {}
    targets, weights = rows.own_targets()
    return {name: task.metric(one, targets, weights) for name, one in named.items()}


def _metrics_of_set(named: Mapping[str, Any], task: Task, one: EvalSet) -> dict[str, Metric]:
    """The same of a set that decides nothing: what has no value there is NaN, with a warning."""
    metrics = _metrics_of(named, task, one.rows)
    without = [name for name, metric in metrics.items() if not _has_value(metric, task, one.rows)]
    if without:
        warn(
            f"eval_metric has no value for {quoted_few(without)} on the rows of eval_set "
            f"{one.name!r}, which lack a class: evals_result_ holds NaN"
        )
    return metrics | dict.fromkeys(without, lambda outputs: (nan, nan))


def _has_value(metric: Metric, task: Task, rows: RowSubset) -> bool:
    """Whether the metric can be computed of rows, even if these lack a class."""
    targets, _ = rows.own_targets()
    if not task.lacks_classes(targets):
        return True
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            value, _ = metric(np.zeros((len(targets), task.n_network_outputs)))
        except ValueError as error:
            if not isinstance(error.__cause__, ValueError):  # a fault of the metric itself
                raise
            return False
    return bool(np.isfinite(value))


def _scaled(data: RowSubset, task: Task, dtype: np.dtype[Any], name: str = "y") -> RowSubset:
    """The rows with targets and offset on the scale that networks learn."""
    return data._replace(
        y=task.scale(data.y, dtype, name), offset=task.raw_offset(data.offset, dtype)
    )


def _options(settings: Settings, recipe: Recipe, task: Task, n_rows: int) -> dict[str, Any]:
    """Options of the engine's training loop over so many rows, but not seed and time."""
    return (
        settings.training_options(recipe, n_rows)
        | task.loss_options
        | settings.penalty(task.penalty_factor)
    )


def runs_of_partial_fit(
    members: Sequence[Member], data: RowSubset, *, settings: Settings, task: Task
) -> list[TrainingRun]:
    """Make a run of one epoch over all rows for each member."""
    scaled = _scaled(data, task, members[0].network.dtype)
    runs = []
    for index, member in enumerate(members):
        options = _options(settings, member.partial_fit_recipe, task, data.n_rows)
        options["seed"] = member.network._engine.seed
        options["samples_seen"] = float(member.samples_seen)
        runs.append(TrainingRun(member, scaled, None, options, Evaluation(), index, data.n_rows))
    return runs
