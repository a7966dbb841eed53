"""Participant: trains in rounds on its own rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import numpy as np

from fastmlp import _core
from fastmlp.ensemble.member import Member
from fastmlp.ensemble.settings import LARGEST
from fastmlp.ensemble.splits import RowSubset
from fastmlp.ensemble.training_run import TrainingRun
from fastmlp.networks import Network
from fastmlp.prediction.compiled import engine_predictor
from fastmlp.rounds.messages import RoundStart, Update
from fastmlp.table.engine_array import engine_table
from fastmlp.table.rows import Rows
from fastmlp.tasks import Task

_SEED_STEP = 0x9E3779B1  # between the seeds of participants


@dataclass(frozen=True, eq=False)
class HeldOutLoss:
    """The loss of a network's predictions for rows that it is not trained on.

    Parameters
    ----------
    rows : RowSubset
        With targets that are not scaled.
    task : Task
    inputs : Standardisation
    """

    rows: RowSubset
    task: Task
    inputs: _core.Standardisation

    def of(self, network: Network, n_threads: int) -> float:
        """The mean loss."""
        predictor = engine_predictor(network._engine, network.dtype, self.inputs, self.task.link)
        table = engine_table(self.rows.X[self.rows.selection], network.dtype)
        outputs = predictor.predict(table, n_threads, None)
        return self.task.loss(outputs, *self.rows.own_targets())

    @property
    def weight(self) -> float:
        """Total weight of the rows."""
        return weight_of(self.rows)


class Participant:
    """Trains one network for some steps in each round, on rows that do not leave it.

    The optimiser's moments stay with it from round to round, as in DiLoCo. Everything else that it
    does in a round follows from the round's number: learning rate, order of rows, dropout. A
    participant that begins late, is restarted, or repeats a round therefore needs only the
    `RoundStart`.

    Parameters
    ----------
    number : int
        Number of the participant. If it is alone, has number 0 and rounds are whole epochs, it
        trains as if there were no rounds, bit for bit (without early stopping, which averages
        weights).
    run : TrainingRun
        The member, its rows and the options of its training. Network and optimiser are copied.
    inputs : Standardisation
        Standardisation of the table's columns.
    n_rounds : int
        Rounds of the training, over which the learning rate's schedule stretches.
    epochs : float, default=1.0
        Epochs of a round, in whole minibatches; more rows make more steps.
    held_out : HeldOutLoss or None, default=None
    tells_losses : bool, default=True
        Whether updates hold the training loss, the learning rate, which reveals the number of rows,
        and the weight of the rows, else 1.
    """

    def __init__(
        self,
        number: int,
        run: TrainingRun,
        inputs: _core.Standardisation,
        *,
        n_rounds: int,
        epochs: float = 1.0,
        held_out: HeldOutLoss | None = None,
        tells_losses: bool = True,
    ) -> None:
        self.number = number
        self._member = _own_member(run.member, number)
        self._inputs = inputs
        self._rows = run.train.for_engine(run.member.network.dtype)
        self._batch_size = int(run.options["batch_size"])
        self._n_rows = run.train.n_rows
        self._epoch_steps = -(-self._n_rows // self._batch_size)
        self.steps = max(1, round(epochs * self._epoch_steps))
        self._held_out = held_out
        self._tells_losses = tells_losses
        self._weight = weight_of(run.train) if tells_losses else 1.0
        self._first_step = run.member.network._engine.steps
        self._options = run.options | {
            "seed": (int(run.options["seed"]) + number * _SEED_STEP) % 2**31,
            "max_iter": n_rounds,
            "steps_per_epoch": float(self.steps),
            # The coordinator judges.
            "early_stopping": False,
            "average_epochs": 0.0,
            "n_iter_no_change": LARGEST,
            "time_limit": np.inf,
            "reports_outputs": False,
        }
        self._training: _core.Training | None = None
        self._next_round = 0  # that the training expects

    def answer(
        self,
        start: RoundStart,
        n_threads: int,
        interrupted: Callable[[], bool] | None = None,
    ) -> Update:
        """Evaluate the parameters, train from them, and return the update.

        Raises
        ------
        KeyboardInterrupt
            If `interrupted` says so, or after Ctrl-C.
        """
        network = self._member.network
        for own, given in zip(network.parameters, start.parameters, strict=True):
            own[...] = given
        update = Update(self.number, start.network, start.number, [], self._weight)
        if self._held_out is not None:
            update = replace(
                update,
                validation_loss=self._held_out.of(network, n_threads),
                validation_weight=self._held_out.weight,
            )
        return self._trained(update, n_threads, interrupted) if start.trains else update

    def _trained(
        self, update: Update, n_threads: int, interrupted: Callable[[], bool] | None
    ) -> Update:
        """The update after a round of training."""
        network = self._member.network
        network._engine.steps = self._first_step
        training = self._training or self._new_training(n_threads)
        network._engine.steps += update.number * self.steps
        if update.number != self._next_round:
            self._go_to(training, update.number)
        threads = _core.ThreadBudget(n_threads, 1)
        told: list[tuple[float, float]] = []

        def on_epoch(
            epoch: int, loss: float, validation: float, rate: float, *_: Any
        ) -> tuple[bool, float | None]:
            told.append((loss, rate))
            return False, None

        goes_on = all(
            training.run(self._rows._replace(rows=rows), threads, interrupted)
            for rows in self._passes(update.number)
        )
        if not goes_on or (not training.end_epoch(threads, on_epoch, interrupted) and not told):
            self._training = None
            raise KeyboardInterrupt
        ((loss, rate),) = told
        # A diverged training has ended. The next round begins with a new one.
        self._training = training if isfinite(loss) else None
        self._next_round = update.number + 1
        update = replace(update, parameters=[values.copy() for values in network.parameters])
        return replace(update, loss=loss, learning_rate=rate) if self._tells_losses else update

    def _new_training(self, n_threads: int) -> _core.Training:
        """Training with a new optimiser, without a state."""
        self._member = self._member.with_new_optimizer(self._member.optimizer_options)
        self._next_round = 0
        return _core.Training(
            self._member.network._engine,
            self._member.optimizer._engine,
            self._inputs,
            None,
            self._options,
            n_threads,
        )

    def _go_to(self, training: _core.Training, number: int) -> None:
        """Move to the beginning of a round that does not follow the last one."""
        epochs, steps = divmod(number * self.steps, self._epoch_steps)
        rows_seen = epochs * self._n_rows + steps * self._batch_size
        place = {"n_iter": number, "rows_seen": float(rows_seen), "ended": False}
        training.restore(training.state() | place)

    def _passes(self, number: int) -> Iterator[Rows | None]:
        """The rows of a round's steps, those of each pass of the engine (None: all).

        Rounds that are parts of an epoch continue in the epoch's order, where the one before ended.
        """
        first, last = number * self.steps, (number + 1) * self.steps
        while first < last:
            epoch, done = divmod(first, self._epoch_steps)
            count = min(last - first, self._epoch_steps - done)
            if count == self._epoch_steps:
                yield self._rows.rows
            else:
                rows = self._epoch_order(epoch)
                yield rows[done * self._batch_size : (done + count) * self._batch_size]
            first += count

    def _epoch_order(self, epoch: int) -> Rows:
        rows = self._rows.rows
        if rows is None:
            rows = np.arange(self._rows.n_rows, dtype=np.uint32)
        if not self._options["shuffle"]:
            return rows
        order: Rows = np.random.default_rng((self._options["seed"], epoch)).permutation(rows)
        return order


def weight_of(rows: RowSubset) -> float:
    """The sum of the rows' weights; without weights how many there are."""
    if rows.sample_weight is None:
        return float(rows.n_rows)
    return float(rows.sample_weight[rows.selection].sum(dtype=np.float64))


def _own_member(member: Member, number: int) -> Member:
    """A copy whose dropout differs from that of other participants."""
    network = object.__new__(Network)
    state = deepcopy(member.network.__getstate__())
    state["seed"] = (state["seed"] + number * _SEED_STEP) % 2**31
    network.__setstate__(state)
    return replace(member, network=network)
