"""Coordinator: what happens between the rounds of one network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.ensemble.history import History
from fastmlp.rounds.averaging import Average, OuterOptimizer, weighted_mean
from fastmlp.rounds.messages import Parameters, RoundStart, Update


@dataclass(frozen=True)
class RoundOptions:
    """How many rounds, the outer steps, and when to stop early.

    Attributes
    ----------
    n_rounds : int
        Largest number of rounds.
    outer_rate, outer_momentum : float, default=1.0 and 0.0
        Rate and momentum of the outer steps: plain averaging, which is FedAvg. 0.7 and 0.9 are
        DiLoCo's.
    early_stopping : bool, default=True
        Keep the parameters with the least validation loss, and stop after rounds without progress;
        if any participant has held-out rows.
    tol : float, default=0.0
        What a lower loss must exceed to be progress.
    n_iter_no_change : float, default=inf
        Rounds without progress after which training stops.
    patience_growth : float, default=0.0
        Further rounds without progress that are allowed for each round up to the best.
    """

    n_rounds: int
    outer_rate: float = 1.0
    outer_momentum: float = 0.0
    early_stopping: bool = True
    tol: float = 0.0
    n_iter_no_change: float = inf
    patience_growth: float = 0.0


class Coordinator:
    """Holds the parameters of one network, starts rounds and averages their answers.

    `start` returns the message that begins the next round, `finish` takes the answers. An executor
    transports them: calls in this process, tasks of Dask, messages to other sites. Participants may
    be missing; those that answered are added in a fixed order. Picklable between two rounds, as a
    checkpoint.

    Each answer holds the validation loss of the parameters that its round began with, so that a
    round is one message each way. After the last round, one more message asks for its loss.

    Parameters
    ----------
    parameters : sequence of ndarray
        Initial ones, as `Network.parameters`; they are copied.
    options : RoundOptions
    network : int, default=0
        Position among the networks that are trained side by side.
    average : callable, default=weighted_mean
        Makes one of the participants' parameters.

    Attributes
    ----------
    parameters : list of ndarray
        Those that the next round begins with, or that training ended with: the best ones, if there
        are validation rows.
    number : int
        Rounds that have ended.
    stop_reason : str
        As `History.stop_reason`; empty during training.
    loss_curve, validation_curve, learning_rate_curve : list of float
        After each round.
    n_bytes : int
        Sent and received so far in parameters, by all participants together.

    Examples
    --------
    Two participants whose common parameter should be the mean of their values:

    >>> import numpy as np
    >>> from fastmlp.rounds.coordinator import Coordinator, RoundOptions
    >>> from fastmlp.rounds.messages import Update
    >>> coordinator = Coordinator([np.zeros(1)], RoundOptions(n_rounds=20))
    >>> while not coordinator.stop_reason:
    ...     start = coordinator.start()
    ...     coordinator.finish(
    ...         Update(site, 0, start.number, [0.5 * (start.parameters[0] + value)], weight=1.0)
    ...         for site, value in enumerate((1.0, 3.0))
    ...     )
    >>> round(float(coordinator.parameters[0][0]), 3)
    2.0
    """

    def __init__(
        self,
        parameters: Parameters,
        options: RoundOptions,
        *,
        network: int = 0,
        average: Average = weighted_mean,
    ) -> None:
        if options.n_rounds < 1:
            raise ValueError(f"n_rounds must be at least 1; got {options.n_rounds}")
        self.parameters: list[NDArray[Any]] = [values.copy() for values in parameters]
        self.options = options
        self.network = network
        self.number = 0
        self.stop_reason = ""
        self.loss_curve: list[float] = []
        self.validation_curve: list[float] = []
        self.learning_rate_curve: list[float] = []
        self.n_bytes = 0
        self._average = average
        self._outer = OuterOptimizer(options.outer_rate, options.outer_momentum)
        self._validates = False  # whether any participant has held-out rows
        self._best = self.parameters
        self._best_round = self._last_progress = 0
        self._best_loss = inf

    def start(self) -> RoundStart:
        """The message to participants; a repeated call, for one that joins, changes nothing."""
        trains = self.number < self.options.n_rounds
        return RoundStart(self.network, self.number, self.parameters, trains)

    def finish(self, updates: Iterable[Update]) -> None:
        """End the round with the updates that came, in any order.

        Raises
        ------
        ValueError
            If one is of another round or shape, or two are of one participant; then nothing has
            changed.
        """
        start = self.start()
        came = sorted(updates, key=lambda update: update.participant)
        for update in came:
            update.check_answers(start)
        for one, next_one in pairwise(came):
            if one.participant == next_one.participant:
                raise ValueError(f"participant {one.participant} answered twice")
        self.n_bytes += len(came) * start.n_bytes * (1 + start.trains)
        self._validates |= any(update.validation_weight > 0 for update in came)
        self._judge(came)
        if self.stop_reason:
            return
        if start.trains:
            self._step(came)
        else:
            self.stop("max_iter")

    def stop(self, reason: str) -> None:
        """End training; the best parameters are kept, if there are any but the last."""
        self.stop_reason = reason
        if self._best_round:
            self.parameters = self._best

    @property
    def n_complete(self) -> int:
        """Rounds of which all is known: a validation loss comes with the answers of the next."""
        return (
            len(self.validation_curve) if self._validates and not self.stop_reason else self.number
        )

    @property
    def is_lost(self) -> bool:
        """Whether training diverged before any parameters were kept as the best."""
        return self.stop_reason == "diverged" and not self._best_round

    def history(self, seconds: float) -> History:
        """The course of training, with rounds instead of epochs."""
        losses = self.validation_curve if self._best_round else self.loss_curve
        return History(
            n_iter=self.number,
            best_iteration=self._best_round or None,
            best_loss=min(losses, default=inf),
            loss_curve=self.loss_curve,
            validation_curve=self.validation_curve,
            learning_rate_curve=self.learning_rate_curve,
            stop_reason=self.stop_reason,
            seconds=seconds,
        )

    def _judge(self, updates: Sequence[Update]) -> None:
        """Take the validation loss of the parameters that the last round ended with."""
        loss = _mean(updates, lambda u: u.validation_loss, lambda u: u.validation_weight)
        if self.number == 0:
            return
        _extend(self.validation_curve, loss, self.number)
        if loss is None or not self.options.early_stopping:
            return
        if not isfinite(loss):
            self.stop("diverged")
            return
        if loss < self._best_loss - self.options.tol:
            self._last_progress = self.number
        if loss <= self._best_loss:  # of equals the latest: it has been trained for longer
            self._best, self._best_loss = self.parameters, loss
            self._best_round = self.number
        patience = self.options.n_iter_no_change + self.options.patience_growth * self._best_round
        if self.number - self._last_progress > patience:
            self.stop("no_improvement")

    def _step(self, updates: Sequence[Update]) -> None:
        """Take the next parameters from those of the participants."""
        with np.errstate(over="ignore", invalid="ignore"):
            means = self._average(self.parameters, updates)
            parameters = self._outer.step(self.parameters, means)
        if not all(np.isfinite(values).all() for values in parameters):
            self.stop("diverged")
            return
        self.parameters = parameters
        trained = [update for update in updates if update.is_finite]
        self.number += 1
        loss = _mean(trained, lambda u: u.loss, lambda u: u.weight)
        rate = _mean(trained, lambda u: u.learning_rate, lambda u: 1.0)
        _extend(self.loss_curve, loss, self.number)
        _extend(self.learning_rate_curve, rate, self.number)
        is_last = self.number == self.options.n_rounds
        if is_last and not (self._validates and self.options.early_stopping):
            self.stop("max_iter")


def _extend(curve: list[float], value: float | None, number: int) -> None:
    """Add a round's value. If no participant sent one, take the value before, or the next."""
    if value is None and curve:
        value = curve[-1]
    if value is not None:
        curve += [value] * (number - len(curve))


def _mean(
    updates: Sequence[Update],
    value: Callable[[Update], float | None],
    weight: Callable[[Update], float],
) -> float | None:
    """Weighted mean of the values in the updates; None if there are none."""
    told = [(v, weight(u)) for u in updates if (v := value(u)) is not None and weight(u) > 0]
    total = sum(w for _, w in told)
    return sum(v * (w / total) for v, w in told) if told else None
