"""NetworkOnWindows: one network that is trained window by window."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fastmlp import _core
from fastmlp.ensemble.progress import Progress
from fastmlp.ensemble.splits import RowSubset
from fastmlp.ensemble.state_keeper import State
from fastmlp.ensemble.training_run import TrainingRun
from fastmlp.streaming.folds import HeldOutRange


class NetworkOnWindows:
    """One network that is trained window by window.

    Parameters
    ----------
    run : TrainingRun
        Its `train` is not used: the rows come from the windows.
    held_out : HeldOutRange or None
        Rows of the windows that it is not trained on.
    inputs : Standardisation
    n_windows : int
        Windows of an epoch.
    n_threads : int
        Most threads that it ever gets.
    time_limit : float
        Seconds from now on, during which other networks are trained too.

    Attributes
    ----------
    goes_on : bool
        Whether other windows of the epoch are to follow, or another epoch.
    n_epochs_before : int
        Epochs that an earlier call ran.
    """

    def __init__(
        self,
        run: TrainingRun,
        held_out: HeldOutRange | None,
        inputs: _core.Standardisation,
        *,
        n_windows: int,
        n_threads: int,
        time_limit: float,
    ) -> None:
        member, saved = run.member, run.saved
        self.run, self.goes_on = run, not (saved and saved["ended"])
        self.n_epochs_before = saved["n_iter"] if saved else 0
        self._spent = saved["seconds"] if saved else 0.0
        self._held_out = held_out
        changes = {
            "time_limit": self._spent + time_limit,
            "reports_outputs": run.evaluation.needs_outputs,
            # The last minibatch of a window is half as large as the others, on average.
            "steps_per_epoch": max(
                run.n_rows / run.options["batch_size"] + n_windows / 2, n_windows
            ),
        }
        self._training = _core.Training(
            member.network._engine,
            member.optimizer._engine,
            inputs,
            run.validation and run.validation.for_engine(member.network.dtype),
            run.options | changes,
            n_threads,
            run.others_for_engine(),
        )
        if saved:
            run.restore(self._training, saved)
        self._start = time.perf_counter()

    @property
    def state(self) -> State:
        """The state that its training continues from."""
        return self.run.state(self._training)

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
            self.finish(progress)

    def interrupt(self, progress: Progress) -> None:
        """End training with the weights of the last finished epoch."""
        self._training.interrupt()
        self.finish(progress)

    def finish(self, progress: Progress) -> None:
        """Record a training that has ended."""
        seconds = self._spent + time.perf_counter() - self._start
        self.run.record(self._training.finish(), seconds, progress)
