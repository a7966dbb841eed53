"""StateKeeper: what keeps the states of trainings, so that they can be taken up again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

# NumPy arrays and plain values by their names, such as `_core.Training.state()` returns
State = Mapping[str, Any]


class StateKeeper(Protocol):
    """Keeps the latest state of everything that a fit goes on from, by its name.

    It does not matter what the names stand for: a network that is trained in memory has a state of
    its own, kept after an epoch of its own; networks that read the same windows are kept together.
    """

    @property
    def saved(self) -> Mapping[str, State]:
        """States of the fit that is taken up again; none if it begins."""

    def is_due(self, name: str, epoch: float) -> bool:
        """Whether to keep the state of that name now, after so many epochs.

        The caller then does: it is true once, and not again before the next one is due.
        """

    def keep(self, states: Mapping[str, State]) -> None:
        """Keep states that belong together; each takes the place of the one of its name.

        Returns at once. The states must not be changed afterwards.
        """
