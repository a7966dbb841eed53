"""StateKeeper: stores the states of training, so that it can be resumed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

# NumPy arrays and plain values by their names, such as `_core.Training.state()` returns
State = Mapping[str, Any]


class StateKeeper(Protocol):
    """Stores the latest state of everything that a fit resumes from, by its name.

    The meaning of names is up to the caller: a network that is trained in memory has its own state,
    stored after one of its epochs; networks that read the same windows have one state together.
    """

    @property
    def saved(self) -> Mapping[str, State]:
        """States of the fit that is resumed; none if it begins."""

    def is_due(self, name: str, epoch: float) -> bool:
        """Whether to store the state of that name now, after this number of epochs.

        If so, the caller must store it: the answer is true only once for each state that is due.
        """

    def keep(self, states: Mapping[str, State]) -> None:
        """Store states that belong together; each replaces an earlier one of the same name.

        Returns at once. The states must not be changed afterwards.
        """
