"""Training of an ensemble's members: one after the other or several at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from functools import partial
from math import inf
from threading import Event
from typing import NamedTuple

import numpy as np

from fastmlp import _core
from fastmlp._user_warnings import warn
from fastmlp.ensemble.longer import first_round
from fastmlp.ensemble.member import Member
from fastmlp.ensemble.progress import Progress
from fastmlp.ensemble.time_budget import estimated_seconds, n_within, wall_seconds
from fastmlp.ensemble.training_run import TrainingRun
from fastmlp.table.scaling import Scaling

# From the first round and the runs planned to follow to those that do.
Replan = Callable[[Sequence[TrainingRun], Sequence[TrainingRun]], list[TrainingRun]]


class Training(NamedTuple):
    """Result of the training of an ensemble."""

    runs: list[TrainingRun]  # those whose members can be used
    seconds: float

    @property
    def members(self) -> list[Member]:
        """The members that can be used."""
        return [run.latest for run in self.runs]


def train_members(
    runs: Sequence[TrainingRun],
    scaling: Scaling,
    n_threads: int,
    progress: Progress,
    time_limit: float | None,
    longer: Replan | None = None,
    *,
    may_leave_out: bool,
) -> Training:
    """Run the training of all members, warn of what went wrong, and leave out what is lost.

    Parameters
    ----------
    time_limit : float or None
        In seconds.
    longer : callable or None
        Chooses after the first round how the other networks are trained.
    may_leave_out : bool
        Whether only as many networks are trained as there is time for. Otherwise all share the
        time, which must be so if they were trained before or will be trained further.

    Raises
    ------
    ValueError
        If training diverged before any weights could be kept.
    """
    start = time.perf_counter()
    end = inf if time_limit is None else start + time_limit
    seconds = [1.0] * len(runs)  # of each network; only the ratios matter
    try:
        n_first = first_round(runs) if longer else len(runs)
        if time_limit is not None and may_leave_out and len(runs) > 1:
            seconds = estimated_seconds(runs, scaling.engine, time_limit, n_threads)
            n_chosen = n_within(seconds, end - time.perf_counter(), n_threads, n_first)
            if n_chosen < len(runs):
                _warn_of_time_limit(time_limit, n_chosen, len(runs))
            runs, seconds = runs[:n_chosen], seconds[:n_chosen]
            progress.expect([run.options["max_iter"] for run in runs])
        train = partial(_run_all, inputs=scaling.engine, n_threads=n_threads, progress=progress)
        # Idle threads train the others meanwhile, which is for nothing if these are replaced.
        idle = n_threads >= len(runs) and time_limit is None and not progress.is_wanted
        n_begun = len(runs) if idle else n_first
        now = time.perf_counter()
        own, rest = (wall_seconds(s, n_threads) for s in (seconds[:n_begun], seconds[n_begun:]))
        done = train(runs[:n_begun], seconds[:n_begun], end=now + own / (own + rest) * (end - now))
        if done and longer and n_first < len(runs):
            with suppress(KeyboardInterrupt):  # what is trained is kept
                runs = [*runs[:n_first], *longer(runs[:n_first], runs[n_first:])]
                progress.expect([run.options["max_iter"] for run in runs])
                left = [i for i, run in enumerate(runs) if run.trained is None]
                # Epochs tell the ratio of their times.
                epochs = [float(runs[i].options["max_iter"]) for i in left]
                if left:
                    train([runs[i] for i in left], epochs, end=end)
    finally:
        progress.close()
    return Training(_usable(runs), time.perf_counter() - start)


def _run_all(
    runs: Sequence[TrainingRun],
    seconds: Sequence[float],
    inputs: _core.Standardisation,
    n_threads: int,
    progress: Progress,
    end: float,
) -> bool:
    """Run as many at a time as there are threads, with ``n_threads // workers`` threads each.

    Threads that train one network each never wait for each other, so several networks at a time
    are faster than one after the other. Ctrl-C and exceptions in callbacks end all of them; then
    runs that have not begun are left out, except for the first.

    The time until `end` is shared in proportion to `seconds`, which each network would take.
    Returns whether all ran to their ends.
    """
    workers = min(n_threads, len(runs))

    def share_of_time(position: int) -> float:
        share = seconds[position] / sum(seconds[position::workers])
        return share * max(end - time.perf_counter(), 0.0)

    if workers == 1:
        try:
            for position, run in enumerate(runs):
                run.run(inputs, n_threads, progress, None, share_of_time(position))
                if run.stop_reason == "interrupted":
                    return False
        except KeyboardInterrupt:  # between two networks, or in a quick one
            if runs[0].trained is None:
                raise
            return False
        return True

    # No run begins before all are submitted: otherwise Ctrl-C could miss one at work.
    gate, stop = Event(), Event()
    begun = interrupted = False

    def work(position: int) -> None:
        gate.wait()
        if begun and (position == 0 or not stop.is_set()):
            run = runs[position]
            run.run(inputs, n_threads // workers, progress, stop.is_set, share_of_time(position))
            if run.stop_reason == "interrupted":  # by a callback
                stop.set()

    with ThreadPoolExecutor(workers) as pool:
        try:
            futures = [pool.submit(work, position) for position in range(len(runs))]
            begun = True
            gate.set()
            _wait_for(futures)
        except KeyboardInterrupt:
            if not begun:
                raise
            interrupted = True
            stop.set()
            gate.set()
            wait(futures)
        finally:
            stop.set()
            gate.set()
    for future in futures:
        future.result()
    return not interrupted and all(
        run.trained is not None and run.stop_reason != "interrupted" for run in runs
    )


def _wait_for(futures: Sequence[Future[None]]) -> None:
    """Wait for all, or for the first that fails.

    Python runs now and then: a signal that another thread received does not end the waiting.
    """
    while True:
        done, running = wait(futures, timeout=0.05, return_when=FIRST_EXCEPTION)
        if not running or any(future.exception() for future in done):
            return


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
    if diverged:
        best = diverged[0].latest.history.best_iteration
        warn(
            f"training diverged; the weights of epoch {best}, the best before, were kept"
            if len(runs) == 1
            else f"training of {len(diverged)} of {len(runs)} networks diverged; of "
            f"{len(diverged) - len(lost)} the best weights before were kept, {len(lost)} were "
            "left out",
            RuntimeWarning,
        )
    # Those that did not run may have been trained by an earlier call.
    kept = [run for run in runs if run not in lost and run.latest.history.n_iter > 0]
    if len(ran) < len(runs) or any(run.stop_reason == "interrupted" for run in ran):
        trained = any(run.latest.history.n_iter != run.member.history.n_iter for run in runs)
        _warn_of_interruption(runs, kept if trained else [])
    return kept or [run for run in ran if run not in lost][:1]


def _warn_of_nan_metrics(runs: Sequence[TrainingRun]) -> None:
    """Warn if the metric was NaN after some epochs of this call."""
    values = [value for run in runs for value in run.metric_curve]
    n_nan = int(np.isnan(values).sum())
    if n_nan:
        warn(
            f"eval_metric was not a number after {n_nan} of {len(values)} epochs, which then count "
            "as without progress",
            RuntimeWarning,
        )


def _warn_of_time_limit(time_limit: float, n_chosen: int, n_networks: int) -> None:
    warn(
        f"time_limit={time_limit:g} leaves time for {n_chosen} of {n_networks} networks; the "
        "others were left out. A longer time_limit trains all of them"
    )


def _warn_of_interruption(runs: Sequence[TrainingRun], kept: Sequence[TrainingRun]) -> None:
    if not kept:
        what = "No epoch had ended: the weights are those that training began with."
    elif len(runs) == 1:
        history = runs[0].latest.history
        what = f"The weights of epoch {history.best_iteration or history.n_iter} were kept."
    else:
        what = f"{len(kept)} of {len(runs)} networks were kept, as far as they had come."
    warn(f"Training interrupted by user. {what}")
