"""What a fit tells of itself: records for callbacks, the progress bar, the tutorial's line."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tqdm.auto import tqdm


@dataclass(frozen=True)
class EpochRecord:
    """State of a fit after an epoch, as callbacks get it.

    Attributes
    ----------
    epoch : int
        Number of the epoch, from 1.
    loss : float
        Training loss: mean over the epoch's minibatches, penalty included.
    validation_loss : float
        Loss on the validation part; NaN where there is none.
    learning_rate : float
        Learning rate of the epoch's last step.
    """

    epoch: int
    loss: float
    validation_loss: float
    learning_rate: float


Callback = Callable[[EpochRecord], Any]


class Progress:
    """Shows epochs as they end and asks the callbacks whether to stop."""

    def __init__(self, verbose: int, max_iter: int, callbacks: Sequence[Callback]) -> None:
        self._verbose = int(verbose)
        self._max_iter = max_iter
        self._callbacks = callbacks
        self._bar = tqdm(total=max_iter, unit="epoch") if self._verbose == 1 else None

    @property
    def wanted(self) -> bool:
        """Whether anybody wants to know: without, an epoch never enters Python."""
        return self._verbose > 0 or bool(self._callbacks)

    def __call__(
        self, epoch: int, loss: float, validation_loss: float, learning_rate: float
    ) -> bool:
        """Take one epoch; True where training should stop."""
        has_validation = not math.isnan(validation_loss)
        if self._bar is not None:
            shown = {"loss": f"{loss:.4f}"}
            if has_validation:
                shown["val_loss"] = f"{validation_loss:.4f}"
            self._bar.set_postfix(shown | {"lr": f"{learning_rate:.2e}"}, refresh=False)
            self._bar.update()
        elif self._verbose >= 2:
            validation = f", Val Loss: {validation_loss:.4f}" if has_validation else ""
            print(f"Epoch [{epoch}/{self._max_iter}], Loss: {loss:.4f}{validation}", flush=True)
        record = EpochRecord(epoch, loss, validation_loss, learning_rate)
        answers = [bool(callback(record)) for callback in self._callbacks]  # all are told
        return any(answers)

    def close(self) -> None:
        """End the progress bar."""
        if self._bar is not None:
            self._bar.close()
