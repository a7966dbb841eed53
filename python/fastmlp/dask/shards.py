"""Shards: the encoded rows of a table, divided among the workers of a cluster, which keep them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import dask
from dask.delayed import Delayed
from distributed import Client, Future, KilledWorker

from fastmlp.dask.clients import MOST_LOST, Placed, Workers
from fastmlp.dask.network_task import end_network
from fastmlp.dask.shard_tasks import Encoding, Shard, encode_block, forget, joined

if TYPE_CHECKING:
    from typing import Self

_TICK = 0.25  # seconds between two looks at the workers


class Shards:
    """Rows of neighbouring partitions, one part of the table for each initial worker.

    Each shard has a home, the worker that keeps its encoded rows. When that worker dies, another
    one computes its partitions again. A worker that joins takes a shard from one that has several.

    Parameters
    ----------
    client : Client
    partitions : sequence of Delayed
        Each computes a `Block`.
    n_rows : sequence of int
        Rows of each partition.
    seed : int
        Seed with which the samples are drawn.
    n_sample : int
        Rows of all samples together.
    most_threads : int
        Most threads to use of each worker.

    Attributes
    ----------
    fit : str
        In the keys of all tasks.
    shards : list of Shard
    """

    def __init__(
        self,
        client: Client,
        partitions: Sequence[Delayed],
        n_rows: Sequence[int],
        seed: int,
        n_sample: int,
        most_threads: int,
    ) -> None:
        self._client = client
        self._workers = Workers(client)
        self._most_threads = most_threads
        self.fit = uuid4().hex[:8]
        homes = sorted(self._alive())
        self._parts = _shared_out(partitions, n_rows, len(homes))
        total = sum(n_rows)
        self.shards = [
            Shard(self.fit, number, seed, max(1, -(-n_sample * rows // total)))
            for number, (_, rows) in enumerate(self._parts)
        ]
        self._homes = homes[: len(self.shards)]
        self._n_lost = [0] * len(self.shards)  # times that each was
        self._n_submitted = 0
        self._inbox: SimpleQueue[Future] = SimpleQueue()
        self._data: list[Future] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None:
            self.stop()
        self._data = []
        self._workers.tell(forget, self.fit)

    def _alive(self) -> dict[str, int]:
        """Workers, waited for if there are none."""
        while not (workers := self._workers.alive()):
            time.sleep(_TICK)
        return workers

    # ---- where shards are

    def encode(self, encoding: Encoding) -> None:
        """Have each shard encoded by its home."""
        self._encoding = dask.delayed(encoding, traverse=False)
        self._data = [self._encoded(shard.number) for shard in self.shards]

    def _encoded(self, number: int) -> Future:
        home = [self._homes[number]]
        partitions, n_rows = self._parts[number]
        # Not strictly there: their tasks may exist already, with a home that has died.
        parts = self._client.compute(
            [dask.delayed(encode_block)(one, self._encoding) for one in partitions],
            workers=home,
            allow_other_workers=True,
        )
        return self._client.submit(
            joined, parts, n_rows, key=self._key("encode", number), workers=home, pure=False
        )

    def _key(self, what: str, number: int) -> tuple[str, str, int, int]:
        """Of a task; what the dashboard shows."""
        self._n_submitted += 1
        return f"fastmlp-{what}", self.fit, number, self._n_submitted

    def move_lost(self) -> list[int]:
        """Give shards of dead workers new homes; returns these shards."""
        alive = self._alive()
        lost = [k for k, home in enumerate(self._homes) if home not in alive]
        for number in lost:
            self.renew(number)
        return lost

    def renew(self, number: int) -> None:
        """Have a lost shard encoded again, by another worker if its home is dead.

        Raises
        ------
        RuntimeError
            If that was necessary too often.
        """
        self._n_lost[number] += 1
        if self._n_lost[number] >= MOST_LOST:
            raise RuntimeError(
                f"shard {number} of the table was lost {MOST_LOST} times, with the workers that "
                "had it; their logs say why. Each needs memory for its encoded rows"
            )
        alive, home = self._alive(), self._homes[number]
        load = Counter(home for home in self._homes if home in alive)
        if home not in alive:
            home = min(sorted(alive), key=load.__getitem__)
        self._move(number, home)

    def even_out(self) -> None:
        """Give workers that have none a shard of those that have several."""
        alive = self._alive()
        load = Counter(home for home in self._homes if home in alive)
        for idle in sorted(alive.keys() - load.keys()):
            busiest, n_shards = max(load.items(), key=lambda item: item[1], default=("", 0))
            if n_shards < 2:
                return
            self._move(self._homes.index(busiest), idle)
            load[busiest] -= 1

    def _move(self, number: int, home: str) -> None:
        self._homes[number] = home
        self._workers.tell(forget, self.fit, number)
        self._data[number] = self._encoded(number)

    # ---- tasks

    def submit(self, number: int, what: str, function: Callable[..., Any], *args: Any) -> Future:
        """Call ``function(rows, shard, *args)`` where a shard is."""
        future = self._client.submit(
            function,
            self._data[number],
            self.shards[number],
            *(one.future if isinstance(one, Placed) else one for one in args),
            key=self._key(what, number),
            workers=[self._homes[number]],
            pure=False,
        )
        future.add_done_callback(self._inbox.put)
        return future

    def threads(self) -> list[int]:
        """Threads for each shard: of its home, shared by the shards that are there."""
        alive, n_shards = self._alive(), Counter(self._homes)
        return [
            max(1, min(alive.get(home, 1), self._most_threads) // n_shards[home])
            for home in self._homes
        ]

    def stop(self) -> None:
        """End the training of all networks on the workers."""
        self._workers.tell(end_network, self.fit, None)

    def ended(self) -> Future | None:
        """Wait a little for a task to end."""
        try:
            return self._inbox.get(timeout=_TICK)
        except Empty:
            return None

    def each(self, what: str, function: Callable[..., Any], *args: Any) -> list[Any]:
        """Call a function for all shards, again if workers die; returns its results."""
        results: dict[int, Any] = {}
        running = {self.submit(k, what, function, *args): k for k in range(len(self.shards))}
        while running:
            future = self.ended()
            lost = []
            if future in running:
                number = running.pop(future)
                try:
                    results[number] = result_of(future)
                except CancelledError:
                    self.renew(number)
                    lost = [number]
            elif future is None:
                lost = self.move_lost()
                for other in [one for one, number in running.items() if number in lost]:
                    del running[other]
            running |= {self.submit(k, what, function, *args): k for k in lost}
        return [results[k] for k in range(len(self.shards))]


def result_of(future: Future) -> Any:
    """What a task returned; CancelledError if it, or what it needs, was lost with its worker."""
    try:
        return future.result()
    except KilledWorker as error:
        raise CancelledError from error


def _shared_out(
    partitions: Sequence[Delayed], n_rows: Sequence[int], n_shards: int
) -> list[tuple[list[Delayed], int]]:
    """Neighbouring partitions of about equally many rows, and these numbers of rows."""
    total, done = sum(n_rows), 0
    shares: list[tuple[list[Delayed], int]] = [([], 0) for _ in range(n_shards)]
    for partition, rows in zip(partitions, n_rows, strict=True):
        if rows:
            number = min((2 * done + rows) * n_shards // (2 * total), n_shards - 1)
            own, count = shares[number]
            shares[number] = [*own, partition], count + rows
            done += rows
    return [share for share in shares if share[1]]
