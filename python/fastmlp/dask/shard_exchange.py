"""ShardExchange: a round of training on all shards, without those that are too slow or lost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import CancelledError
from math import inf

from distributed import Client, Future

from fastmlp.dask.clients import Placed, placed_on_workers
from fastmlp.dask.shard_tasks import train_round
from fastmlp.dask.shards import Shards, result_of
from fastmlp.rounds.messages import RoundStart, Update

_SLACK = 10.0  # seconds that a shard may take longer than half of the others, at least
_SLOWNESS = 3.0  # times as long as that half took


class ShardExchange:
    """Sends the start of a round to all shards, and returns their answers.

    A round ends when all shards have answered or, once half of them have, after three times as long
    and at least 10 seconds more. A shard that is still at work then is left out until it has
    finished. Meanwhile the shard of a lost worker is placed on another one, and takes part from the
    next round.

    Parameters
    ----------
    client : Client
    shards : Shards
    plan : Placed
        The `Plan`, on the workers.
    """

    def __init__(self, client: Client, shards: Shards, plan: Placed) -> None:
        self._client, self._shards, self._plan = client, shards, plan
        self._running: dict[Future, int] = {}

    def __call__(self, starts: Sequence[RoundStart]) -> list[Update]:
        """Do a round; repeated until at least one shard has answered."""
        updates: list[Update] = []
        try:
            while not updates:
                updates = self._round(starts)
        except KeyboardInterrupt:
            self._shards.stop()
            raise
        return updates

    def _round(self, starts: Sequence[RoundStart]) -> list[Update]:
        self._shards.even_out()
        asked = self._ask(starts)
        updates: list[Update] = []
        n_asked, n_answered = len(asked), 0
        start, deadline = time.monotonic(), inf
        while asked and time.monotonic() < deadline:
            future = self._shards.ended()
            if future is None:
                lost = self._shards.move_lost()
                asked.difference_update(lost)
                self._running = {f: k for f, k in self._running.items() if k not in lost}
                continue
            number = self._running.pop(future, None)
            if number not in asked:  # an answer to an earlier round
                continue
            asked.remove(number)
            try:
                updates += result_of(future)
            except CancelledError:
                self._shards.renew(number)
                continue
            n_answered += 1
            if 2 * n_answered >= n_asked and deadline == inf:
                now = time.monotonic()
                deadline = now + max(_SLACK, (_SLOWNESS - 1) * (now - start))
        return updates

    def _ask(self, starts: Sequence[RoundStart]) -> set[int]:
        """Send the message to all shards that are not busy; returns these.

        There is one: a round ends early only when half of its shards have answered.
        """
        shards, busy = self._shards, set(self._running.values())
        asked = {shard.number for shard in shards.shards} - busy
        message, threads = placed_on_workers(self._client, list(starts)), shards.threads()
        for number in sorted(asked):
            future = shards.submit(
                number, "round", train_round, self._plan, message, threads[number]
            )
            self._running[future] = number
        return asked
