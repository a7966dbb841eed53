"""TasksInFlight: the networks that workers currently train, their records and results."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Sequence
from concurrent.futures import CancelledError
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Any

from distributed import Client, Future, KilledWorker

from fastmlp.dask.clients import MOST_LOST, Workers
from fastmlp.dask.network_task import Trained, end_network, topic_of, train_network
from fastmlp.ensemble.progress import EpochRecord, Observer
from fastmlp.ensemble.training_run import TrainingRun

if TYPE_CHECKING:
    from typing import Self

_SECONDS_TO_END = 10.0  # for networks to end after the order
_SECONDS_FOR_RECORDS = 2.0  # that the last records of a network may come after its result
_TICK = 0.5  # seconds between two looks at the workers, while nothing comes


class TasksInFlight:
    """Submits tasks, shows records of their epochs, and records their results.

    As a context manager it ends all tasks after an exception; after Ctrl-C it keeps what networks
    have learnt so far.

    Parameters
    ----------
    client : Client
    fit : str
        Names the call of `fit`.
    runs : sequence of TrainingRun
    progress : Observer

    Attributes
    ----------
    running : dict of Future to tuple of int and str
        Tasks, the positions of their runs, and the workers that they were meant for.
    """

    def __init__(
        self, client: Client, fit: str, runs: Sequence[TrainingRun], progress: Observer
    ) -> None:
        self.running: dict[Future, tuple[int, str]] = {}
        self._client, self._fit, self._runs, self._progress = client, fit, runs, progress
        self._inbox: SimpleQueue[Future | list[dict[str, Any]]] = SimpleQueue()
        self._ended: deque[Future] = deque()
        self._n_records: Counter[int] = Counter()  # of each network
        self._n_lost: Counter[int] = Counter()  # times that the task of each was
        self._told: set[int] = set()  # networks that workers have orders to end
        self._shows = True
        self._n_submitted = 0
        self._workers = Workers(client)

    def __enter__(self) -> Self:
        self._client.subscribe_topic(
            topic_of(self._fit), lambda event: self._inbox.put(event[1]["records"])
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if error is not None:
                self._end(keep=isinstance(error, KeyboardInterrupt))
        finally:
            self._client.cancel(list(self.running))
            self.running.clear()
            self._client.unsubscribe_topic(topic_of(self._fit))

    def n_of_workers(self) -> Counter[str]:
        """Tasks of each worker."""
        return Counter(worker for _, worker in self.running.values())

    def submit(self, position: int, worker: str, task: Future, tables: Sequence[Future]) -> None:
        """Submit the training of a network to a worker, or to another one if that dies."""
        run = self._runs[position]
        self._n_submitted += 1
        future = self._client.submit(
            train_network,
            task,
            list(tables),
            # What the dashboard shows: networks of a kind share a colour.
            key=(f"fastmlp-{run.member.recipe.spec.kind}", self._fit, run.index, self._n_submitted),
            workers=[worker],
            allow_other_workers=True,
            pure=False,
        )
        self.running[future] = position, worker
        future.add_done_callback(self._inbox.put)

    def take_in(self) -> list[int]:
        """Wait for a message, and take it in.

        Returns
        -------
        list of int
            Position of a run whose task was lost with a worker: to be submitted again.

        Raises
        ------
        RuntimeError
            If all workers are gone, or several died of the same network.
        Exception
            That a task raised.
        """
        task = self._ended.popleft() if self._ended else self._receive(_TICK)
        if task is None:
            return []
        position, _ = self.running.pop(task)
        run = self._runs[position]
        try:
            trained: Trained | None = task.result()
        except (CancelledError, KilledWorker) as error:
            self._n_lost[position] += 1
            if isinstance(error, CancelledError) and self._n_lost[position] < MOST_LOST:
                return [position]  # its data, or its result, was lost with a worker
            raise RuntimeError(
                f"the workers that trained network {run.index} died one after the other; their "
                "logs say why. Each needs memory for the whole encoded table"
            ) from error
        if trained is not None:
            run.trained, run.n_steps, run.measured, records = trained
            self._await_records(run, len(records))
            self._show(records)
            self._progress.ended(run.stop_reason)
        return []

    def _receive(self, seconds: float) -> Future | None:
        """Wait for a message: show a record, or return a task that has ended."""
        try:
            message = self._inbox.get(timeout=seconds)
        except Empty:
            self._workers.alive()
            return None
        if isinstance(message, Future):
            return message
        self._show([EpochRecord(**record) for record in message])
        return None

    def _show(self, records: Sequence[EpochRecord]) -> None:
        for record in records:
            self._n_records[record.network] += 1
            if self._shows and self._progress.record(record) and record.network not in self._told:
                self._told.add(record.network)
                self._workers.tell(end_network, self._fit, record.network)

    def _await_records(self, run: TrainingRun, n_unsent: int) -> None:
        """Wait for records of a network that are still on their way, and are to be shown."""
        n_epochs = run.latest.history.n_iter - run.member.history.n_iter - n_unsent
        end = time.monotonic() + _SECONDS_FOR_RECORDS
        while (
            self._shows
            and self._progress.is_wanted
            and self._n_records[run.index] < n_epochs
            and time.monotonic() < end
        ):
            task = self._receive(_TICK)
            if task is not None:
                self._ended.append(task)

    def _end(self, *, keep: bool) -> None:
        """End all networks; if wanted, keep the results of those that answer soon."""
        self._shows = False
        self._workers.tell(end_network, self._fit, None)
        end = time.monotonic() + _SECONDS_TO_END
        while keep and self.running and time.monotonic() < end:
            self.take_in()
