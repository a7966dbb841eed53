"""FitArguments: the arguments of `fit`, as one object that is passed to each way of fitting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any

from fastmlp.checkpoints import Checkpoint
from fastmlp.ensemble.progress import Callback
from fastmlp.estimators.parameters import checked_callbacks
from fastmlp.privacy import Privacy
from fastmlp.streaming.sources.recognition import DEFAULT_MEMORY

if TYPE_CHECKING:
    from fastmlp.streaming.cache_folder import Cache


@dataclass(frozen=True, eq=False)
class FitArguments:
    """The arguments of one call of `fit`, none of them checked; see `BaseMLP.fit`."""

    X: Any
    y: Any = None
    sample_weight: Any = None
    X_val: Any = None
    y_val: Any = None
    sample_weight_val: Any = None
    eval_set: Any = None
    groups: Any = None
    time: Any = None
    cv: Any = None
    callbacks: Callback | Sequence[Callback] | None = None
    cache: str | PathLike[str] | Cache | None = None
    max_memory: int | str = DEFAULT_MEMORY
    checkpoint: str | PathLike[str] | Checkpoint | None = None
    dp: tuple[float, float] | Privacy | None = None

    def check_none(self, names: Sequence[str], where: str) -> None:
        """Raise if one of these arguments is not None; `where` ends the message."""
        for name in names:
            if getattr(self, name) is not None:
                raise ValueError(f"{name} must be None {where}")

    def called_after(self, parameter: Any) -> list[Callback]:
        """The callbacks of an estimator's parameter, and then those of this call."""
        return [*checked_callbacks(parameter), *checked_callbacks(self.callbacks)]
