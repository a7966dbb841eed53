"""The loop over rounds, for all networks side by side, and its result."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from math import nan

from fastmlp._user_warnings import warn
from fastmlp.ensemble.member import Member
from fastmlp.ensemble.progress import EpochRecord, Progress
from fastmlp.rounds.coordinator import Coordinator
from fastmlp.rounds.messages import RoundStart, Update

# From the start of a round, one message for each network, to the answers of participants.
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


def train_in_rounds(
    coordinators: Sequence[Coordinator], exchange: Exchange, progress: Progress
) -> None:
    """Run all rounds, show how they go, ask the callbacks, and warn of what went wrong.

    Parameters
    ----------
    coordinators, exchange
        As for `run_rounds`.
    progress : Progress
        Closed at the end.

    Raises
    ------
    ValueError
        If training of all networks diverged before any parameters could be kept.
    """
    start = time.perf_counter()
    n_shown = dict.fromkeys((one.network for one in coordinators), 0)

    def on_round(running: Sequence[Coordinator]) -> bool:
        seconds = time.perf_counter() - start
        stops = False
        for one in running:
            for epoch in range(n_shown[one.network] + 1, one.n_complete + 1):
                stops |= progress.record(_record(one, epoch, seconds))
            n_shown[one.network] = one.n_complete
            if one.stop_reason:
                progress.ended(one.stop_reason)
        return stops

    try:
        run_rounds(coordinators, exchange, on_round)
    finally:
        progress.close()
    _report(coordinators)


def _record(one: Coordinator, epoch: int, seconds: float) -> EpochRecord:
    loss, validation_loss, rate = (
        curve[epoch - 1] if epoch <= len(curve) else nan
        for curve in (one.loss_curve, one.validation_curve, one.learning_rate_curve)
    )
    return EpochRecord(epoch, loss, validation_loss, rate, nan, seconds, one.network)


def _report(coordinators: Sequence[Coordinator]) -> None:
    """Warn of what went wrong, or raise if nothing was learnt."""
    diverged = [one for one in coordinators if one.stop_reason == "diverged"]
    n_lost = sum(one.is_lost for one in diverged)
    if n_lost == len(coordinators):
        raise ValueError(
            "training diverged: the loss or the weights are no longer finite. A smaller "
            "learning_rate_init or max_grad_norm=1 helps"
        )
    if diverged:
        warn(
            f"training of {len(diverged)} of {len(coordinators)} networks diverged; "
            f"{len(diverged) - n_lost} keep their best earlier weights, {n_lost} were left out",
            RuntimeWarning,
        )
    if any(one.stop_reason == "interrupted" for one in coordinators):
        n_rounds = max(one.number for one in coordinators)
        warn(
            f"Training interrupted by user after {n_rounds} rounds. The best parameters were kept."
        )


def trained_members(
    members: Sequence[Member], coordinators: Sequence[Coordinator], seconds: float
) -> list[Member]:
    """The members with what was learnt, without those that diverged before anything was.

    Parameters
    ----------
    members : sequence of Member
        As they were before; their networks are changed.
    coordinators : sequence of Coordinator
        The coordinator of each member.
    seconds : float
        How long training took.
    """
    trained = []
    for member, one in zip(members, coordinators, strict=True):
        if one.is_lost:
            continue
        for own, learnt in zip(member.network.parameters, one.parameters, strict=True):
            own[...] = learnt
        trained.append(replace(member, history=one.history(seconds)).after_fit())
    return trained
