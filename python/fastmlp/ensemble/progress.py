"""Progress of a fit: records for callbacks, the progress bar, a line for each epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from threading import Lock
from typing import Any, Protocol

from fastmlp.ensemble.bar import Bar
from fastmlp.ensemble.evaluation import VALIDATION


@dataclass(frozen=True)
class EpochRecord:
    """State of a fit after an epoch, the argument of callbacks.

    Attributes
    ----------
    epoch : int
        Number of the epoch in this call, from 1.
    loss : float
        Training loss: mean over the epoch's minibatches, penalty included. NaN where it is private.
    validation_loss : float
        Loss on the validation rows; NaN if there are none.
    learning_rate : float
        Learning rate of the epoch's last step.
    metric : float
        Value of `eval_metric`, of several the first, on the validation rows; NaN without one.
    seconds : float
        Time since the training of this network began.
    network : int
        Position of the network among those that are trained in this call, from 0.
    evals : mapping of str to mapping of str to float
        All that was measured, by the name of the rows ("validation", or a name of `eval_set`) and
        then of the metric, or "loss".
    scores : sequence of str
        Names of the metrics of which greater is better: scorers, and scikit-learn's functions named
        ``..._score``. Of the others, and the loss, smaller is better.
    """

    epoch: int
    loss: float
    validation_loss: float
    learning_rate: float
    metric: float = math.nan
    seconds: float = math.nan
    network: int = 0
    evals: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    scores: Sequence[str] = ()


Callback = Callable[[EpochRecord], Any]
# From a validation loss to the name and the value of an error in the target's unit.
ShownError = Callable[[float], tuple[str, float]]

_REASONS = {
    "no_improvement": "early stopping",
    "callback": "callback",
    "time_limit": "time limit",
    "interrupted": "interrupted",
    "diverged": "divergence",
}


class Observer(Protocol):
    """Follows the training of networks; `Progress` is one."""

    @property
    def is_wanted(self) -> bool:
        """Whether records are used at all; if not, none is made."""

    def skip(self, n_epochs: int) -> None:
        """Count epochs that an earlier call has trained."""

    def record(self, record: EpochRecord) -> bool:
        """Take the record of an epoch; true if training of that network should stop."""

    def ended(self, reason: str) -> None:
        """Count a network whose training has ended, for one of the engine's reasons."""


class Progress:
    """Shows epochs as they end, and calls the callbacks, which may stop training.

    All networks of a fit share it.

    Parameters
    ----------
    verbose : int
        1: a bar; 2: a line for each epoch.
    max_iters : sequence of int
        Most epochs of each network.
    callbacks : sequence of callable
    shown_error : callable
    """

    def __init__(
        self,
        verbose: int,
        max_iters: Sequence[int],
        callbacks: Sequence[Callback],
        shown_error: ShownError = lambda loss: ("loss", loss),
    ) -> None:
        self._verbose = int(verbose)
        self._max_iters = max_iters
        self._callbacks = callbacks
        self._shown_error = shown_error
        self._lock = Lock()
        self._error_name = ""
        self._errors: dict[int, float] = {}  # of each network, the latest
        self._reasons: list[str] = []  # why networks ended
        self._parts = 1  # of an epoch, which the bar counts
        self._bar = Bar(sum(max_iters), "epoch") if self._verbose == 1 else None

    @property
    def is_wanted(self) -> bool:
        """Whether records are used at all; if not, none is made."""
        return self._verbose > 0 or bool(self._callbacks)

    def expect(self, max_iters: Sequence[int]) -> None:
        """Expect so many epochs of each network from now on."""
        self._max_iters = max_iters
        if self._bar is not None:
            self._bar.expect(self._parts * sum(max_iters))

    def divide_epochs(self, n_windows: int) -> None:
        """Count windows instead of epochs, which may take hours."""
        if self._bar is not None and n_windows > 1:
            self._parts = n_windows
            self._bar.expect(self._parts * sum(self._max_iters), "window")

    def window_ended(self) -> None:
        """Count a window of a network; the last one of an epoch is counted with its record."""
        with self._lock:
            if self._bar is not None:
                self._bar.advance(self._state())

    def record(self, record: EpochRecord) -> bool:
        """Show an epoch, call the callbacks; true if training of that network should stop."""
        with self._lock:
            self._show(record)
            answers = [bool(callback(record)) for callback in self._callbacks]  # all of them
        return any(answers)

    def skip(self, n_epochs: int, n_windows: int = 0) -> None:
        """Count epochs, and windows of the next one, that an earlier call trained a network on."""
        with self._lock:
            if self._bar is not None:
                self._bar.advance(self._state(), self._parts * n_epochs + n_windows)

    def ended(self, reason: str) -> None:
        """Count a network whose training has ended, for one of the engine's reasons."""
        with self._lock:
            self._reasons.append(reason)

    def _show(self, record: EpochRecord) -> None:
        if self._bar is not None:
            self._note_error(record)
            self._bar.advance(self._state())
        elif self._verbose >= 2:
            network = ""
            if len(self._max_iters) > 1:
                network = f"Network [{record.network + 1}/{len(self._max_iters)}], "
            metric = "" if math.isnan(record.metric) else f", Metric: {record.metric:.4f}"
            has_validation = not math.isnan(record.validation_loss)
            validation = f", Val Loss: {record.validation_loss:.4f}" if has_validation else ""
            epoch = f"Epoch [{record.epoch}/{self._max_iters[record.network]}]"
            loss = "" if math.isnan(record.loss) else f", Loss: {record.loss:.4f}"
            others = "".join(
                f", {rows} {measure}: {value:.4f}"
                for rows, values in record.evals.items()
                if rows != VALIDATION
                for measure, value in values.items()
            )
            print(f"{network}{epoch}{loss}{validation}{metric}{others}", flush=True)

    def _note_error(self, record: EpochRecord) -> None:
        if not math.isnan(record.metric):
            self._error_name, error = "validation metric", record.metric
        elif not math.isnan(record.validation_loss):
            name, error = self._shown_error(record.validation_loss)
            self._error_name = f"validation {name}"
        elif not math.isnan(record.loss):
            self._error_name, error = "training loss", record.loss
        else:
            return
        self._errors[record.network] = error

    def _state(self) -> str:
        """Networks that have ended, and the mean error of all so far."""
        shown = []
        if len(self._max_iters) > 1:
            shown.append(f"{len(self._reasons)}/{len(self._max_iters)} networks")
        if self._errors:
            shown.append(f"{self._error_name} {fmean(self._errors.values()):.4g}")
        return ", ".join(shown)

    def close(self) -> None:
        """End the progress bar; it says why training ended if epochs are left out."""
        if self._bar is None:
            return
        state = self._state()
        early = dict.fromkeys(_REASONS[reason] for reason in self._reasons if reason in _REASONS)
        if early and not self._bar.is_full:
            state += f", ended by {', '.join(early)}"
        self._bar.close(state)
