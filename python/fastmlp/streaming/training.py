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

from fastmlp import _core
from fastmlp.ensemble.executor import ran_to_their_ends, wait_for
from fastmlp.ensemble.progress import Progress
from fastmlp.ensemble.splits import RowSubset
from fastmlp.ensemble.state_keeper import StateKeeper
from fastmlp.ensemble.training_run import TrainingRun
from fastmlp.streaming.folds import HeldOutRange
from fastmlp.streaming.network_on_windows import NetworkOnWindows
from fastmlp.streaming.targets import StoredTargets
from fastmlp.streaming.windows import Windows
from fastmlp.table.scaling import Scaling
from fastmlp.tasks import Task

_POSITION = "windows"  # name of the state of all networks


@dataclass(frozen=True)
class WindowExecutor:
    """Trains on threads of this process, which share one reading of the rows.

    In every epoch all networks are trained on one window after the other, as many at a time as
    there are threads. None begins the next window before all have finished this; a thread without
    a network joins those that still run. Results do not depend on the number of threads, but on the
    size of the windows.

    Parameters
    ----------
    windows : Windows
        The first run's seed, with the number of the epoch, decides on their order.
    targets : StoredTargets
        Makes targets from those in the windows.
    task : Task
        Scales them.
    held_out : sequence of HeldOutRange or None
        Rows that are held out from the network of each index.
    n_threads : int
        Threads that train; one more reads.
    """

    windows: Windows
    targets: StoredTargets
    task: Task
    held_out: Sequence[HeldOutRange | None]
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
        with suppress(KeyboardInterrupt), _SharedThreads(self.n_threads, len(runs)) as threads:
            self._train(networks, threads, progress)
        for network in networks:
            if network.run.trained is None:
                network.interrupt(progress)
        return ran_to_their_ends(runs)

    def _train(
        self, networks: Sequence[NetworkOnWindows], threads: _SharedThreads, progress: Progress
    ) -> None:
        """Continue until the training of all networks has ended."""
        first = networks[0].run
        seed, dtype = int(first.options["seed"]), first.member.network.dtype
        progress.divide_epochs(len(self.windows))
        position = _Position(first.keeper, networks, len(self.windows))
        position.restore(progress)
        while position.active:
            active = position.active
            for window in self.windows.epoch(seed, position.epoch, position.window):
                rows = self._rows_of(window, dtype)
                train = partial(NetworkOnWindows.train_on, rows=rows, hashes=window.hash)
                threads.each(active, train)
                active = [network for network in active if network.goes_on]
                if not active:
                    break
                position.next_window(progress)
            threads.each(position.active, partial(NetworkOnWindows.end_epoch, progress=progress))
            if any(network.is_interrupted for network in position.active):  # by a callback
                raise KeyboardInterrupt
            position.next_epoch()

    def _rows_of(self, window: _core.Window, dtype: np.dtype[Any]) -> RowSubset:
        """The window's rows with targets as networks learn them."""
        targets = self.task.scale(self.targets.targets(window.y), dtype)
        weights = self.targets.weights(window.y, window.weights, dtype)
        return RowSubset(window.X, targets, weights)


class _Position:
    """The next window and the networks still in training, which a checkpoint keeps.

    Parameters
    ----------
    keeper : StateKeeper or None
    networks : sequence of NetworkOnWindows
    n_windows : int
        Windows of an epoch.
    """

    def __init__(
        self, keeper: StateKeeper | None, networks: Sequence[NetworkOnWindows], n_windows: int
    ) -> None:
        self.epoch, self.window, self.active = 0, 0, networks
        self._keeper, self._networks, self._n_windows = keeper, networks, n_windows

    def restore(self, progress: Progress) -> None:
        """Restore the position of an earlier call."""
        saved = None if self._keeper is None else self._keeper.saved.get(_POSITION)
        if not saved:
            return
        self.epoch, self.window = saved["epoch"], saved["window"]
        self.active = [network for network in self._networks if network.goes_on]
        for network in self._networks:
            progress.skip(network.n_epochs_before, self.window if network.goes_on else 0)
            if not network.goes_on:
                network.finish(progress)

    def next_window(self, progress: Progress) -> None:
        """Go to the next window. After the last one `next_epoch` keeps the state, not this."""
        self.window += 1
        if self.window < self._n_windows:
            for _ in self.active:
                progress.window_ended()
            self._keep_if_due()

    def next_epoch(self) -> None:
        """Continue with the next epoch, and the networks that have not ended."""
        self.epoch, self.window = self.epoch + 1, 0
        self.active = [network for network in self.active if network.goes_on]
        self._keep_if_due()

    def _keep_if_due(self) -> None:
        epochs = self.epoch + self.window / self._n_windows
        if self._keeper is None or not (self._keeper.is_due(_POSITION, epochs) or not self.active):
            return
        states = {network.run.name: network.state for network in self._networks}
        self._keeper.keep(states | {_POSITION: {"epoch": self.epoch, "window": self.window}})


# Called with a network, the budget of threads, and a function that says whether to stop early.
_Work = Callable[[NetworkOnWindows, _core.ThreadBudget, Callable[[], bool]], None]


class _SharedThreads:
    """Threads that work on several networks at a time. An exception ends the work of all of them.

    Parameters
    ----------
    n_threads : int
    n_networks : int
        Largest number of networks that are trained at a time.
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
