"""Progress of a fit: records for callbacks, the progress bar, a line for each epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

from tqdm.auto import tqdm


@dataclass(frozen=True)
class EpochRecord:
    """State of a fit after an epoch, the argument of callbacks.

    Attributes
    ----------
    epoch : int
        Number of the epoch in this call, from 1.
    loss : float
        Training loss: mean over the epoch's minibatches, penalty included.
    validation_loss : float
        Loss on the validation rows; NaN if there are none.
    learning_rate : float
        Learning rate of the epoch's last step.
    metric : float
        Value of `eval_metric` on the validation rows; NaN without one.
    seconds : float
        Time since the training of this network began.
    network : int
        Position of the network among those that are trained in this call, from 0.
    """

    epoch: int
    loss: float
    validation_loss: float
    learning_rate: float
    metric: float = math.nan
    seconds: float = math.nan
    network: int = 0


Callback = Callable[[EpochRecord], Any]


class Progress:
    """Shows epochs as they end, and asks the callbacks whether to stop.

    All networks of a fit share it.

    Parameters
    ----------
    max_iters : sequence of int
        Most epochs of each network.
    """

    def __init__(
        self, verbose: int, max_iters: Sequence[int], callbacks: Sequence[Callback]
    ) -> None:
        self._verbose = int(verbose)
        self._max_iters = max_iters
        self._callbacks = callbacks
        self._lock = Lock()
        self._bar = tqdm(total=sum(max_iters), unit="epoch") if self._verbose == 1 else None

    @property
    def is_wanted(self) -> bool:
        """Whether records are used at all; if not, an epoch never enters Python."""
        return self._verbose > 0 or bool(self._callbacks)

    def expect(self, max_iters: Sequence[int]) -> None:
        """Expect so many epochs of each network from now on."""
        self._max_iters = max_iters
        if self._bar is not None:
            self._bar.total = sum(self._max_iters)
            self._bar.refresh()

    def record(self, record: EpochRecord) -> bool:
        """Show an epoch, call the callbacks; true if training of that network should stop."""
        with self._lock:
            self._show(record)
            answers = [bool(callback(record)) for callback in self._callbacks]  # all of them
        return any(answers)

    def _show(self, record: EpochRecord) -> None:
        has_validation = not math.isnan(record.validation_loss)
        if self._bar is not None:
            shown = {"loss": f"{record.loss:.4f}"}
            if has_validation:
                shown["val_loss"] = f"{record.validation_loss:.4f}"
            shown["lr"] = f"{record.learning_rate:.2e}"
            self._bar.set_postfix(shown, refresh=False)
            self._bar.update()
        elif self._verbose >= 2:
            network = ""
            if len(self._max_iters) > 1:
                network = f"Network [{record.network + 1}/{len(self._max_iters)}], "
            metric = "" if math.isnan(record.metric) else f", Metric: {record.metric:.4f}"
            validation = f", Val Loss: {record.validation_loss:.4f}" if has_validation else ""
            epoch = f"Epoch [{record.epoch}/{self._max_iters[record.network]}]"
            print(f"{network}{epoch}, Loss: {record.loss:.4f}{validation}{metric}", flush=True)

    def close(self) -> None:
        """End the progress bar, which is full: no more epochs will come."""
        if self._bar is not None:
            self._bar.total = self._bar.n
            self._bar.close()
