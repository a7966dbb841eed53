"""What coordinator and participants exchange: a few NumPy arrays and numbers, by value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

Parameters = Sequence[NDArray[Any]]  # as `Network.parameters`


@dataclass(frozen=True, eq=False)
class RoundStart:
    """The message that begins a round.

    Attributes
    ----------
    network : int
        Position of the network among those that are trained.
    number : int
        Of the round, from 0. Everything that a participant does in a round follows from it, so one
        that missed some rounds, or joins late, is in step with the others.
    parameters : sequence of ndarray
        Parameters of the network, in its type.
    trains : bool, default=True
        False: the parameters are only evaluated.
    """

    network: int
    number: int
    parameters: Parameters
    trains: bool = True

    @property
    def n_bytes(self) -> int:
        """Bytes of the parameters, which are nearly all of the message."""
        return sum(values.nbytes for values in self.parameters)


@dataclass(frozen=True, eq=False)
class Update:
    """The answer of a participant.

    Attributes
    ----------
    participant : int
        Number of the participant; updates are added in this order, so that no bit depends on who
        answers first.
    network, number : int
        As in the `RoundStart`.
    parameters : sequence of ndarray
        After the local steps. They are sent instead of their change, which is as long, because the
        mean of a single participant's is then exact.
    weight : float
        How much the participant counts: the weight of its training rows.
    loss : float or None
        Mean training loss of the local steps. None: not sent.
    learning_rate : float or None
        Learning rate of the last local step. None: not sent.
    validation_loss : float or None
        On the participant's held-out rows, of the parameters that the round began with. None: it
        has none, or does not send it.
    validation_weight : float
        Total weight of the held-out rows.
    """

    participant: int
    network: int
    number: int
    parameters: Parameters
    weight: float
    loss: float | None = None
    learning_rate: float | None = None
    validation_loss: float | None = None
    validation_weight: float = 0.0

    @cached_property
    def is_finite(self) -> bool:
        """Whether the local steps did not diverge."""
        return all(bool(np.isfinite(values).all()) for values in self.parameters)

    def check_answers(self, start: RoundStart) -> None:
        """Raise if this is not an answer to that message."""
        if (self.network, self.number) != (start.network, start.number):
            raise ValueError(
                f"participant {self.participant} answered round {self.number} of network "
                f"{self.network}; expected round {start.number} of network {start.network}"
            )
        if not 0 <= self.weight < inf:
            raise ValueError(
                f"participant {self.participant} returned the weight {self.weight}; expected a "
                "finite number >= 0"
            )
        shapes = [np.shape(values) for values in self.parameters]
        expected = [values.shape for values in start.parameters]
        if start.trains and shapes != expected:
            raise ValueError(
                f"participant {self.participant} returned parameters of shapes {shapes}; expected "
                f"{expected}"
            )
