"""The loop over rounds, for all networks side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from fastmlp.rounds.coordinator import Coordinator
from fastmlp.rounds.messages import RoundStart, Update

# From what participants begin with, one message for each network, to what they give back.
Exchange = Callable[[Sequence[RoundStart]], Iterable[Update]]


def run_rounds(
    coordinators: Sequence[Coordinator],
    exchange: Exchange,
    on_round: Callable[[Sequence[Coordinator]], bool] | None = None,
) -> None:
    """Run rounds until the training of all networks has ended.

    Networks whose training has ended are sent to nobody. Ctrl-C in a round ends training with what
    the rounds before it made.

    Parameters
    ----------
    coordinators : sequence of Coordinator
        One for each network.
    exchange : callable
        Sends to all participants, and returns the updates of those that answered.
    on_round : callable or None
        Called with the coordinators of a round that has ended; true stops training.
    """
    while running := [one for one in coordinators if not one.stop_reason]:
        try:
            updates = list(exchange([one.start() for one in running]))
            for one in running:
                one.finish(update for update in updates if update.network == one.network)
            stops = on_round is not None and on_round(running)
        except KeyboardInterrupt:
            if not any(one.number for one in coordinators):
                raise
            _stop(coordinators, "interrupted")
            return
        if stops:
            _stop(coordinators, "callback")


def _stop(coordinators: Sequence[Coordinator], reason: str) -> None:
    for one in coordinators:
        if not one.stop_reason:
            one.stop(reason)
