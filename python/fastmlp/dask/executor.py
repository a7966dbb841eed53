"""DaskExecutor: the networks of an ensemble as tasks on the workers of a cluster."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from distributed import Client, Future

from fastmlp.dask.clients import Placed, placed_on_workers
from fastmlp.dask.network_task import NetworkTask, PlacedRows
from fastmlp.dask.tasks_in_flight import TasksInFlight
from fastmlp.ensemble.executor import ran_to_their_ends, share_of_time
from fastmlp.ensemble.progress import Progress
from fastmlp.ensemble.settings import LARGEST
from fastmlp.ensemble.splits import RowSubset
from fastmlp.ensemble.training_run import TrainingRun
from fastmlp.table.scaling import Scaling


class DaskExecutor:
    """Trains each network as a separate task, with the table placed once on every worker.

    A task trains on one thread, or on several if there are more threads than networks. It reads
    futures: tables that each worker gets once, and what only this network needs. If a worker dies,
    others train its networks again, to the same bits.

    Parameters
    ----------
    client : Client
    most_threads : int, default=LARGEST
        Most threads to use of each worker.
    """

    def __init__(self, client: Client, most_threads: int = LARGEST) -> None:
        self._client = client
        self._most_threads = most_threads
        self._fit = uuid4().hex[:8]  # in the keys of this fit's tasks
        self._tables: dict[int, Placed] = {}  # by the id of a table, which they keep

    @property
    def n_threads(self) -> int:
        """Threads of all workers that may be used."""
        return sum(self._threads_of_workers().values())

    def _threads_of_workers(self) -> dict[str, int]:
        workers: dict[str, int] = self._client.nthreads()
        return {address: min(own, self._most_threads) for address, own in workers.items()}

    def run(
        self,
        runs: Sequence[TrainingRun],
        seconds: Sequence[float],
        end: float,
        scaling: Scaling,
        progress: Progress,
    ) -> bool:
        """Run as many at a time as there are threads; see `fastmlp.ensemble.executor.Executor`."""
        if not runs:
            return True
        flight = TasksInFlight(self._client, self._fit, runs, progress)
        of_workers = self._threads_of_workers().values()
        threads = max(1, min([sum(of_workers) // len(runs), *of_workers]))  # of a task
        waiting = deque(range(len(runs)))
        try:
            with flight:
                while waiting or flight.running:
                    n_slots, free = self._slots(flight, threads)
                    for worker in free[: len(waiting)]:
                        position = waiting.popleft()
                        limit = share_of_time(seconds, position, min(n_slots, len(runs)), end)
                        task = self._task(runs[position], scaling, threads, limit, progress)
                        flight.submit(position, worker, *task)
                    waiting.extendleft(flight.take_in())
        except KeyboardInterrupt:
            if not any(run.trained is not None for run in runs):
                raise
            return False
        return ran_to_their_ends(runs)

    def _slots(self, flight: TasksInFlight, threads: int) -> tuple[int, list[str]]:
        """How many tasks may run, and the workers of those that do not, the least busy first.

        Dask counts a task as one thread: it would run all networks where the table already is.
        """
        busy = flight.n_of_workers()
        slots = {w: max(1, own // threads) for w, own in self._threads_of_workers().items()}
        free = [(k, worker) for worker, n in slots.items() for k in range(busy[worker], n)]
        return sum(slots.values()), [worker for _, worker in sorted(free)]

    def _task(
        self,
        run: TrainingRun,
        scaling: Scaling,
        threads: int,
        time_limit: float,
        progress: Progress,
    ) -> tuple[Future, list[Future]]:
        """Place what a task reads; returns the task's own part, and the tables."""
        tables: list[Future] = []

        def placed(subset: RowSubset) -> PlacedRows:
            def place(table: Any) -> int | None:
                if table is None:
                    return None
                future = self._tables.setdefault(id(table), Placed(self._client, table)).future
                if future not in tables:
                    tables.append(future)
                return tables.index(future)

            return PlacedRows(
                place(subset.X),
                place(subset.y),
                place(subset.sample_weight),
                subset.rows,
                place(subset.offset),
            )

        task = NetworkTask(
            fit=self._fit,
            member=run.member,
            train=placed(run.train),
            validation=None if run.validation is None else placed(run.validation),
            others=[placed(rows) for rows in run.others],
            n_rows=run.n_rows,
            options=run.options,
            evaluation=run.evaluation,
            index=run.index,
            scaling=scaling,
            threads=threads,
            time_limit=time_limit,
            reports=progress.is_wanted,
        )
        return placed_on_workers(self._client, task), tables
