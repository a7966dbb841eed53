"""WindowExecutor: trains the networks of an ensemble over the windows of a row cache."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp import _core
from fastmlp.ensemble.executor import ran_to_their_ends, wait_for
from fastmlp.ensemble.progress import Progress
from fastmlp.ensemble.splits import RowSubset
from fastmlp.ensemble.training_run import TrainingRun
from fastmlp.streaming.folds import HeldOut
from fastmlp.streaming.targets import StoredTargets
from fastmlp.streaming.windows import Windows
from fastmlp.table.scaling import Scaling
from fastmlp.tasks import Task


@dataclass(frozen=True)
class WindowExecutor:
    """Trains on threads of this process, which share one reading of the rows.

    In every epoch all networks are trained on one window after the other, as many at a time as
    there are threads. None begins the next window before all have ended this one; a thread without
    a network joins those that still run. Results do not depend on the number of threads, but on the
    size of the windows.

    Parameters
    ----------
    windows : Windows
        The first run's seed, with the number of the epoch, decides on their order.
    targets : StoredTargets
        Of the windows.
    task : Task
        Scales them.
    held_out : sequence of HeldOut or None
        Rows that are held out from the network of each index.
    n_threads : int
        That train. One more reads.
    """

    windows: Windows
    targets: StoredTargets
    task: Task
    held_out: Sequence[HeldOut | None]
    n_threads: int

    def run(
        self,
        runs: Sequence[TrainingRun],
        seconds: Sequence[float],
        end: float,
        scaling: Scaling,
        progress: Progress,
    ) -> bool:
        """Train all of them until `end` at most; see `Executor`."""
        networks = [
            NetworkOnWindows(
                run,
                self.held_out[run.index],
                scaling.engine,
                n_windows=len(self.windows),
                n_threads=self.n_threads,
                time_limit=max(end - time.perf_counter(), 0.0),
            )
            for run in runs
        ]
        seed = int(runs[0].options["seed"])
        with suppress(KeyboardInterrupt), _SharedThreads(self.n_threads, len(runs)) as threads:
            self._train(networks, threads, progress, seed)
        for network in networks:
            if network.run.trained is None:
                network.interrupt(progress)
        return ran_to_their_ends(runs)

    def _train(
        self,
        networks: Sequence[NetworkOnWindows],
        threads: _SharedThreads,
        progress: Progress,
        seed: int,
    ) -> None:
        """Go on until the training of all networks has ended."""
        dtype = networks[0].run.member.network.dtype
        epoch = 0
        while networks:
            active = networks
            for window in self.windows.epoch(seed, epoch):
                rows = self._rows_of(window, dtype)
                train = partial(NetworkOnWindows.train_on, rows=rows, hashes=window.hash)
                threads.each(active, train)
                active = [network for network in active if network.goes_on]
                if not active:
                    break
            threads.each(networks, partial(NetworkOnWindows.end_epoch, progress=progress))
            if any(network.is_interrupted for network in networks):  # by a callback
                raise KeyboardInterrupt
            networks = [network for network in networks if network.goes_on]
            epoch += 1

    def _rows_of(self, window: _core.Window, dtype: np.dtype[Any]) -> RowSubset:
        """The window's rows with targets as networks learn them."""
        targets = self.task.scale(self.targets.targets(window.y), dtype)
        weights = self.targets.weights(window.y, window.weights, dtype)
        return RowSubset(window.X, targets, weights)


class NetworkOnWindows:
    """One network that is trained window by window.

    Parameters
    ----------
    run : TrainingRun
        Its `train` is not used: these are the rows of the windows.
    held_out : HeldOut or None
        Rows of the windows that it is not trained on.
    inputs : Standardisation
    n_windows : int
        In an epoch.
    n_threads : int
        The most that it ever gets.
    time_limit : float
        In seconds from now on, in which other networks are trained too.

    Attributes
    ----------
    goes_on : bool
        Whether other windows of the epoch are to follow, or another epoch.
    """

    def __init__(
        self,
        run: TrainingRun,
        held_out: HeldOut | None,
        inputs: _core.Standardisation,
        *,
        n_windows: int,
        n_threads: int,
        time_limit: float,
    ) -> None:
        self.run, self.goes_on = run, True
        self._held_out = held_out
        member = run.member
        changes = {
            "time_limit": time_limit,
            "reports_outputs": run.watches_metric,
            # The last minibatch of a window is half as large as the others, on average.
            "steps_per_epoch": run.n_rows / run.options["batch_size"] + n_windows / 2,
        }
        self._training = _core.Training(
            member.network._engine,
            member.optimizer._engine,
            inputs,
            run.validation and run.validation.for_engine(member.network.dtype),
            run.options | changes,
            n_threads,
        )
        self._start = time.perf_counter()

    @property
    def is_interrupted(self) -> bool:
        """Whether training has ended before its own rules did."""
        return self.run.trained is not None and self.run.stop_reason == "interrupted"

    def train_on(
        self,
        threads: _core.ThreadBudget,
        interrupted: Callable[[], bool],
        rows: RowSubset,
        hashes: NDArray[np.uint32],
    ) -> None:
        """Train on a window's rows, except for those that are held out."""
        if self._held_out is not None:
            own = np.flatnonzero(~self._held_out.holds(hashes))
            rows = rows._replace(rows=own.astype(np.uint32))
        part = rows.for_engine(self.run.member.network.dtype)
        self.goes_on = self._training.run(part, threads, interrupted)

    def end_epoch(
        self,
        threads: _core.ThreadBudget,
        interrupted: Callable[[], bool],
        progress: Progress,
    ) -> None:
        """Evaluate and judge the epoch; record the training if this was the last one."""
        listener = self.run.epoch_listener(progress)
        self.goes_on = self._training.end_epoch(threads, listener, interrupted)
        if not self.goes_on:
            self._finish(progress)

    def interrupt(self, progress: Progress) -> None:
        """End training with the weights of the last finished epoch."""
        self._training.interrupt()
        self._finish(progress)

    def _finish(self, progress: Progress) -> None:
        self.run.record(self._training.finish(), time.perf_counter() - self._start, progress)


# Is called with a network, the budget of threads, and what tells whether to stop early.
_Work = Callable[[NetworkOnWindows, _core.ThreadBudget, Callable[[], bool]], None]


class _SharedThreads:
    """Threads that work on several networks at a time. An exception ends the work of all of them.

    Parameters
    ----------
    n_threads : int
    n_networks : int
        The most that there will be.
    """

    def __init__(self, n_threads: int, n_networks: int) -> None:
        self._n_threads = n_threads
        self._pool = ThreadPoolExecutor(min(n_threads, n_networks))
        self._stop = Event()

    def __enter__(self) -> _SharedThreads:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._stop.set()
        self._pool.shutdown()

    def each(self, networks: Sequence[NetworkOnWindows], work: _Work) -> None:
        """Do the work for each network, and wait for all."""
        threads = _core.ThreadBudget(self._n_threads, len(networks))

        def begin(network: NetworkOnWindows) -> None:
            if not self._stop.is_set():
                work(network, threads, self._stop.is_set)

        futures = [self._pool.submit(begin, network) for network in networks]
        wait_for(futures)
        for future in futures:
            future.result()
