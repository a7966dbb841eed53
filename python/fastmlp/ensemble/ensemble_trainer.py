"""Training of an ensemble's members: in rounds, within the time there is."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmlp._user_warnings import warn
from fastmlp.ensemble.deadline import Deadline
from fastmlp.ensemble.executor import Executor, ran_to_their_ends
from fastmlp.ensemble.member import Member
from fastmlp.ensemble.more_epochs import first_round
from fastmlp.ensemble.progress import Progress
from fastmlp.ensemble.time_estimates import (
    LEAST_SHARE,
    estimated_paces,
    handed_over_seconds,
    held_out_seconds,
    is_long,
    least_share,
    n_within,
    training_seconds,
    wall_seconds,
)
from fastmlp.ensemble.training_run import TrainingRun
from fastmlp.ensemble.weighted_ensemble import WeightedEnsemble, weights_of_rest
from fastmlp.table.scaling import Scaling

# Takes the runs of the first round and those planned to follow; returns those that will follow.
Replan = Callable[[Sequence[TrainingRun], Sequence[TrainingRun]], list[TrainingRun]]

_LONG_FIT = 30.0  # seconds from which on the estimate is logged
_MARGIN = 1.1  # factor on the logged estimate: rows of the timed runs are in the cache
_MOST_HELD_OUT = 0.5  # largest share of the time that is reserved for what follows training

_log = logging.getLogger("fastmlp")


class Training(NamedTuple):
    """Result of the training of an ensemble."""

    runs: list[TrainingRun]  # those whose members can be used
    seconds: float
    is_whole: bool  # whether all networks were trained until their own rules ended it

    @property
    def members(self) -> list[Member]:
        """The members that can be used."""
        return [run.latest for run in self.runs]

    def weights_of(self, before: WeightedEnsemble) -> NDArray[np.float64]:
        """The weights that these networks had in the ensemble that was trained further."""
        return weights_of_rest(before.weights, [run.index for run in self.runs])


@dataclass
class EnsembleTrainer:
    """Trains the networks of one call of `fit` or `partial_fit`.

    Parameters
    ----------
    scaling : Scaling
        Scaling of the table's columns.
    executor : Executor
        Trains the networks: threads of this process, or workers elsewhere.
    progress : Progress
        Shows how it goes, and asks the callbacks.
    deadline : Deadline
        For training and what follows it.
    passes_after : float, default=0.0
        How many times each validation row will be predicted once training has ended.
    """

    scaling: Scaling
    executor: Executor
    progress: Progress
    deadline: Deadline
    passes_after: float = 0.0

    def train(
        self,
        runs: Sequence[TrainingRun],
        longer: Replan | None = None,
        *,
        may_leave_out: bool,
    ) -> Training:
        """Run the training of all members, warn of failures, and leave out networks that diverged.

        Parameters
        ----------
        runs : sequence of TrainingRun
        longer : callable or None
            Chooses after the first round how the other networks are trained.
        may_leave_out : bool
            Whether only as many networks are trained as there is time for. Otherwise all share the
            time, which must be so if they were trained before or will be trained further.

        Raises
        ------
        ValueError
            If training diverged before any weights could be kept.
        KeyboardInterrupt
            If Ctrl-C came before the first epoch had ended.
        """
        start = time.perf_counter()
        n_planned, n_threads = len(runs), self.executor.n_threads
        try:
            n_first = first_round(runs) if longer else len(runs)
            end, seconds = self.deadline.end, [1.0] * len(runs)  # only the ratios matter
            is_used = may_leave_out or self.passes_after > 0
            if (self.deadline.is_set and is_used) or is_long(runs, n_threads, _LONG_FIT):
                end, seconds = self._estimate(runs, n_first)
            if self.deadline.is_set and may_leave_out:
                left = end - time.perf_counter()
                share = least_share(runs[0])
                n_begun = sum(run.saved is not None for run in runs)
                n_chosen = max(n_begun, n_within(seconds, left, n_threads, n_first, share))
                runs, seconds = runs[:n_chosen], seconds[:n_chosen]
                self.progress.expect([run.options["max_iter"] for run in runs])
            runs = self._rounds(runs, seconds, n_first, longer, end)
        finally:
            self.progress.close()
        usable = _usable(runs)
        if self.deadline.is_set:
            _warn_of_time_limit(self.deadline.seconds, runs, n_planned)
        return Training(usable, time.perf_counter() - start, ran_to_their_ends(runs))

    def _estimate(self, runs: Sequence[TrainingRun], n_first: int) -> tuple[float, list[float]]:
        """Measure how long training takes, and log it if that is long.

        Returns when training must end, and the estimated time of each network on one thread.
        """
        n_threads = self.executor.n_threads
        paces = estimated_paces(runs, self.scaling.engine, self.deadline.seconds, n_threads)
        seconds = [training_seconds(run, pace) for run, pace in zip(runs, paces, strict=True)]
        after = self.passes_after * held_out_seconds(runs, paces, n_threads)
        rounds = (seconds[:n_first], seconds[n_first:])
        total = _MARGIN * sum(handed_over_seconds(one, n_threads) for one in rounds) + after
        expected = min(total, self.deadline.left)
        if expected > _LONG_FIT:
            shorter = "a time_limit in seconds makes it shorter"
            if not _is_fast(runs):
                shorter = "preset='fast' or a time_limit in seconds make it shorter"
            _log.warning("this fit will take up to about %s; %s", _duration(expected), shorter)
        return self.deadline.end - min(after, _MOST_HELD_OUT * self.deadline.left), seconds

    def _rounds(
        self,
        runs: Sequence[TrainingRun],
        seconds: Sequence[float],
        n_first: int,
        longer: Replan | None,
        end: float,
    ) -> Sequence[TrainingRun]:
        """Run the first round, replan, run the others; returns the runs of the final plan."""
        # Idle threads begin with the others meanwhile: work that is lost if these are replaced.
        n_threads = self.executor.n_threads
        idle = n_threads >= len(runs) and not (self.deadline.is_set or self.progress.is_wanted)
        n_begun = len(runs) if idle else n_first
        now = time.perf_counter()
        own, rest = (wall_seconds(s, n_threads) for s in (seconds[:n_begun], seconds[n_begun:]))
        share = own / (own + rest)
        done = self._run(runs[:n_begun], seconds[:n_begun], now + share * (end - now))
        if not (done and longer and n_first < len(runs)):
            return runs
        with suppress(KeyboardInterrupt):  # what is trained is kept
            runs = [*runs[:n_first], *longer(runs[:n_first], runs[n_first:])]
            self.progress.expect([run.options["max_iter"] for run in runs])
            # The longest first, so that threads are not left without work early.
            left = sorted(
                (run for run in runs if run.trained is None),
                key=lambda run: -run.options["max_iter"],
            )
            if left:  # epochs give the ratio of their times
                self._run(left, [float(run.options["max_iter"]) for run in left], end)
        return runs

    def _run(self, runs: Sequence[TrainingRun], seconds: Sequence[float], end: float) -> bool:
        return self.executor.run(runs, seconds, end, self.scaling, self.progress)


def _is_fast(runs: Sequence[TrainingRun]) -> bool:
    """Whether the networks are of the preset that takes the least time."""
    return runs[0].member.recipe.preset == "fast"


def _duration(seconds: float) -> str:
    """A duration as people say it."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _usable(runs: Sequence[TrainingRun]) -> list[TrainingRun]:
    """Warn of what went wrong; return the runs whose members can be used."""
    ran = [run for run in runs if run.trained is not None]
    diverged = [run for run in ran if run.stop_reason == "diverged"]
    lost = [run for run in diverged if run.latest.history.best_iteration is None]
    if len(lost) == len(ran):
        raise ValueError(
            "training diverged: the loss or the weights are no longer finite. A smaller "
            f"learning_rate_init (now {runs[0].options['learning_rate_init']}) or max_grad_norm=1 "
            "helps; so does standardize=True if inputs or targets are large."
        )
    for run in diverged:
        # The optimiser's moments are no longer finite.
        run.trained = run.latest.with_new_optimizer(run.member.optimizer_options)
    _warn_of_nan_metrics(ran)
    _warn_of_direction(ran)
    if diverged:
        best = diverged[0].latest.history.best_iteration
        warn(
            f"training diverged; the weights of epoch {best}, the best epoch, were kept"
            if len(runs) == 1
            else f"training of {len(diverged)} of {len(runs)} networks diverged; "
            f"{len(diverged) - len(lost)} keep their best earlier weights, {len(lost)} were "
            "left out",
            RuntimeWarning,
        )
    # Those that did not run may have been trained by an earlier call.
    kept = [run for run in runs if run not in lost and run.latest.history.n_iter > 0]
    if not ran_to_their_ends(runs):
        if all(run.latest.history.n_iter == run.member.history.n_iter for run in runs):
            raise KeyboardInterrupt  # nothing was learnt
        _warn_of_interruption(runs, kept)
    return kept or [run for run in ran if run not in lost][:1]


def _warn_of_nan_metrics(runs: Sequence[TrainingRun]) -> None:
    """Warn if the metric was NaN after some epochs of this call."""
    values = [value for run in runs for value in run.watched_metric]
    n_nan = int(np.isnan(values).sum())
    if n_nan:
        warn(
            f"eval_metric was NaN after {n_nan} of {len(values)} epochs, which count as epochs "
            "without improvement",
            RuntimeWarning,
        )


def _warn_of_direction(runs: Sequence[TrainingRun]) -> None:
    """Warn if a function that is taken as a cost rose in most networks as the loss fell."""
    evaluation = runs[0].evaluation
    if not evaluation.is_assumed_cost or 2 * sum(run.watches_a_rise for run in runs) <= len(runs):
        return
    warn(
        f"eval_metric {evaluation.watched!r} rose while the validation loss fell, and is taken as "
        "a cost, as the functions that are not scikit-learn's are. If greater is better, pass "
        "sklearn.metrics.make_scorer(function); if it is a cost, make_scorer(function, "
        "greater_is_better=False) says so"
    )


def _warn_of_time_limit(time_limit: float, runs: Sequence[TrainingRun], n_planned: int) -> None:
    """Warn if networks were left out, or trained for a small part of their epochs."""
    said = [f"time for {len(runs)} of {n_planned} networks"] if len(runs) < n_planned else []
    cut = [run for run in runs if run.trained and run.stop_reason == "time_limit"]
    epochs = min((run.n_steps / run.steps_per_epoch for run in cut), default=inf)
    share = sum(run.n_steps for run in cut) / max(sum(run.most_steps for run in cut), 1)
    if epochs < 1:
        said.append(f"less than one epoch, on {epochs:.1%} of the rows")
    elif cut and share < LEAST_SHARE:
        said.append(f"{share:.0%} of the epochs")
    if said:
        advice = "" if _is_fast(runs) else "; preset='fast' needs less"
        warn(
            f"time_limit={time_limit:g} left {' and '.join(said)}. More time trains more "
            f"completely{advice}"
        )


def _warn_of_interruption(runs: Sequence[TrainingRun], kept: Sequence[TrainingRun]) -> None:
    if len(runs) == 1:
        history = runs[0].latest.history
        what = f"The weights of epoch {history.best_iteration or history.n_iter} were kept."
    else:
        what = f"{len(kept)} of {len(runs)} networks were kept, trained as far as they were."
    warn(f"Training interrupted by user. {what}")
