"""PrivateRun: differentially private training of one member, without losses."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from math import nan
from typing import Any

from fastmlp import _core
from fastmlp.ensemble.history import History
from fastmlp.ensemble.member import Member
from fastmlp.ensemble.progress import EpochRecord, Progress
from fastmlp.ensemble.splits import RowSubset


@dataclass(frozen=True, eq=False)
class PrivateRun:
    """Private training of one member.

    Attributes
    ----------
    member : Member
        Its network and optimiser are trained in place.
    data : RowSubset
        With scaled targets.
    options : dict
        Options of the engine's private training.
    key : bytes
        32 random bytes, of noise and minibatches.
    index : int
        Position among the members.
    """

    member: Member
    data: RowSubset
    options: dict[str, Any]
    key: bytes
    index: int

    @property
    def n_epochs(self) -> int:
        """Epochs, each of as many steps as draw every row once on average."""
        return int(self.options["max_iter"])

    def run(self, inputs: _core.Standardisation, n_threads: int, progress: Progress) -> Member:
        """Train, and return the member.

        Raises
        ------
        KeyboardInterrupt
            After Ctrl-C; the network is then partly trained.
        """
        start = time.perf_counter()
        network, optimizer = self.member.network, self.member.optimizer
        part = self.data.for_engine(network.dtype)
        training = _core.PrivateTraining(
            network._engine, optimizer._engine, inputs, part, self.options, self.key, n_threads
        )
        per_epoch = int(self.options["n_steps"]) // self.n_epochs
        rates: list[float] = []
        reason = "max_iter"
        for epoch in range(1, self.n_epochs + 1):
            training.run(per_epoch)
            rates.append(training.learning_rate)
            seconds = time.perf_counter() - start
            record = EpochRecord(epoch, nan, nan, rates[-1], seconds=seconds, network=self.index)
            if progress.record(record):
                reason = "callback"
                break
        training.finish()
        progress.ended(reason)
        # Without the time, which may reveal something about the rows.
        history = History(n_iter=len(rates), learning_rate_curve=rates, stop_reason=reason)
        trained = replace(self.member, history=history, samples_seen=len(rates) * self.data.n_rows)
        return trained.after_fit()
