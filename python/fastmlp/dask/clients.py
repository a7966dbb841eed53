"""Dask clients: the client of a call, and data that it sends to workers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from distributed import (
    Client,
    Future,
    LocalCluster,
    default_client,
    get_worker,
    wait,
    worker_client,
)
from distributed import TimeoutError as DaskTimeoutError  # another one in Python 3.10

from fastmlp._threads import n_threads

SECONDS_WITHOUT_WORKERS = 30.0  # that a cluster may be without workers; a nanny starts new ones
MOST_LOST = 5  # times that a task or shard may be, which may be what kills workers
_TICK = 1.0  # seconds between two looks at the workers
_ATTEMPTS, _SECONDS = 2, 10  # to place data: how often, and how long workers are waited for


@contextmanager
def client_for(own: Client | None) -> Iterator[Client]:
    """Yield a client: `own`, else the current one, else that of a cluster inside this process.

    The embedded cluster has one worker with a thread for each core, shares this process's memory,
    and ends with the call. Within a task of a worker, the task frees its thread for the tasks that
    it waits for.

    Raises
    ------
    TypeError
        If the client is asynchronous.
    """
    if _is_in_a_task():
        with worker_client() as client:
            yield own or client
        return
    client = own or _client_of_context()
    if client is None:
        with (
            LocalCluster(
                n_workers=1,
                threads_per_worker=n_threads(None),
                processes=False,
                dashboard_address="127.0.0.1:0",
            ) as cluster,
            Client(cluster, set_as_default=False) as embedded,
        ):
            yield embedded
        return
    if client.asynchronous:
        raise TypeError(
            "the client must not be asynchronous, because fit and score wait for its results; "
            f"got {client!r}"
        )
    yield client


def _client_of_context() -> Client | None:
    try:
        return default_client()
    except ValueError:
        return None


def _is_in_a_task() -> bool:
    try:
        get_worker()
    except ValueError:
        return False
    return True


def placed_on_workers(client: Client, data: Any) -> Future:
    """Scatter to one worker, also while workers die and others start.

    Other workers get it from there, once, when they need it. (Broadcasting never ends if a worker
    dies meanwhile.)

    Raises
    ------
    RuntimeError
        If it failed repeatedly.
    """
    for _ in range(_ATTEMPTS):
        try:
            # In a list, because the items of a list would be scattered one by one. A hash of the
            # data would take longer than to send it again.
            (future,) = client.scatter([data], hash=False, timeout=_SECONDS)
        except (KeyError, OSError, DaskTimeoutError) as error:  # a worker has died meanwhile
            last = error
        else:
            return future
    raise RuntimeError(
        "data could not be sent to the workers of the cluster: they die, or there are none. Their "
        f"logs say why; the last error was {last!r}"
    ) from last


class Workers:
    """The workers of a cluster that are alive."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._missed: float | None = None  # when it was first seen that there were none

    def alive(self) -> dict[str, int]:
        """Addresses and their threads.

        Raises
        ------
        RuntimeError
            If there have been none for `SECONDS_WITHOUT_WORKERS`.
        """
        workers: dict[str, int] = self._client.nthreads()
        if workers:
            self._missed = None
        elif self._missed is None:
            self._missed = time.monotonic()
        elif time.monotonic() - self._missed > SECONDS_WITHOUT_WORKERS:
            raise RuntimeError(
                f"the cluster has had no workers for {SECONDS_WITHOUT_WORKERS:.0f} s: they died or "
                "were closed. Their logs say why"
            )
        return workers

    def tell(self, function: Callable[..., None], *arguments: Any) -> None:
        """Call a function on each worker that can be reached."""
        with suppress(OSError, DaskTimeoutError):
            self._client.run(function, *arguments, on_error="ignore")


def computed(client: Client, collections: Sequence[Any]) -> list[Any]:
    """Compute Dask collections on the workers.

    Raises
    ------
    RuntimeError
        If there are no workers.
    """
    futures, workers = client.compute(list(collections)), Workers(client)
    while True:
        try:
            if futures:
                with client.as_current():  # which `wait` takes
                    wait(futures, timeout=_TICK)
        except DaskTimeoutError:
            workers.alive()
        else:
            results: list[Any] = client.gather(futures)
            return results


class Placed:
    """Data that workers hold; placed again when all that had it are lost.

    Parameters
    ----------
    client : Client
    data : object
    """

    def __init__(self, client: Client, data: Any) -> None:
        self._client, self.data = client, data
        self._future: Future | None = None

    @property
    def future(self) -> Future:
        """The data, for tasks."""
        if self._future is None or self._future.status in ("lost", "cancelled"):
            self._future = placed_on_workers(self._client, self.data)
        return self._future
