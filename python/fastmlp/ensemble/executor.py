"""Executors: where the networks of an ensemble are trained."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from threading import Event
from typing import Protocol

from fastmlp import _core
from fastmlp.ensemble.progress import Progress
from fastmlp.ensemble.training_run import TrainingRun
from fastmlp.table.scaling import Scaling


class Executor(Protocol):
    """Trains networks side by side, on the threads or workers that it has."""

    @property
    def n_threads(self) -> int:
        """Threads that train at the same time, wherever they are."""

    def run(
        self,
        runs: Sequence[TrainingRun],
        seconds: Sequence[float],
        end: float,
        scaling: Scaling,
        progress: Progress,
    ) -> bool:
        """Run as many at a time as there are threads.

        Ctrl-C and exceptions in callbacks end all of them; then runs that have not begun are left
        out. The time until `end` is shared in proportion to `seconds`.

        Parameters
        ----------
        runs : sequence of TrainingRun
            Their order is that in which they begin. `trained` is set for each that ran.
        seconds : sequence of float
            Estimated time of each network; only the ratios matter.
        end : float
            On the clock of `time.perf_counter`; infinite if there is no limit.
        scaling : Scaling
            Scaling of the table's columns.
        progress : Progress

        Returns
        -------
        bool
            Whether all ran to their ends.

        Raises
        ------
        KeyboardInterrupt
            If Ctrl-C came before the first one had begun.
        """


def share_of_time(seconds: Sequence[float], position: int, workers: int, end: float) -> float:
    """Return the seconds that a network may take if `workers` share the networks evenly."""
    share = seconds[position] / sum(seconds[position::workers])
    return share * max(end - time.perf_counter(), 0.0)


@dataclass(frozen=True)
class LocalThreads:
    """Trains on threads of this process, which several networks share.

    Threads that train one network each never wait for each other, so several networks at a time are
    faster than one after the other.
    """

    n_threads: int

    def run(
        self,
        runs: Sequence[TrainingRun],
        seconds: Sequence[float],
        end: float,
        scaling: Scaling,
        progress: Progress,
    ) -> bool:
        """Run as many at a time as there are threads; see `Executor`."""
        workers = min(self.n_threads, len(runs))
        threads = _core.ThreadBudget(self.n_threads, len(runs))
        inputs = scaling.engine

        if workers == 1:
            try:
                for position, run in enumerate(runs):
                    time_limit = share_of_time(seconds, position, workers, end)
                    run.run(inputs, threads, progress, None, time_limit)
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
                time_limit = share_of_time(seconds, position, workers, end)
                run.run(inputs, threads, progress, stop.is_set, time_limit)
                if run.stop_reason == "interrupted":  # by a callback
                    stop.set()

        with ThreadPoolExecutor(workers) as pool:
            try:
                futures = [pool.submit(work, position) for position in range(len(runs))]
                begun = True
                gate.set()
                wait_for(futures)
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
        return not interrupted and ran_to_their_ends(runs)


def ran_to_their_ends(runs: Sequence[TrainingRun]) -> bool:
    """Whether all were trained, until their own rules ended it."""
    return all(run.trained is not None and run.stop_reason != "interrupted" for run in runs)


def wait_for(futures: Sequence[Future[None]]) -> None:
    """Wait for all, or for the first that fails.

    The wait is cut into short ones, so that Python sees signals that another thread received.
    """
    while True:
        done, running = wait(futures, timeout=0.05, return_when=FIRST_EXCEPTION)
        if not running or any(future.exception() for future in done):
            return
