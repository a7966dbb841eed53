"""Clients of Dask: the one of a call, and the placing of data by it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from distributed import Client, Future, LocalCluster, default_client

from fastmlp._threads import n_threads

_ATTEMPTS, _SECONDS = 3, 10  # to place data: how often, and how long workers are waited for


@contextmanager
def client_for(own: Client | None) -> Iterator[Client]:
    """Yield a client: `own`, else the one in use, else that of a cluster inside this process.

    The embedded cluster has one worker with a thread for each core, shares this process's memory,
    and ends with the call.
    """
    if own is not None:
        yield own
        return
    try:
        client = default_client()
    except ValueError:  # there is none
        with (
            LocalCluster(
                n_workers=1,
                threads_per_worker=n_threads(None),
                processes=False,
                dashboard_address=None,
            ) as cluster,
            Client(cluster, set_as_default=False) as embedded,
        ):
            yield embedded
    else:
        yield client


def placed_on_workers(client: Client, data: Any, *, broadcast: bool = False) -> Future:
    """Scatter to one worker, or broadcast to all, also while workers die and others start.

    Raises
    ------
    RuntimeError
        If it failed time and again.
    """
    for _ in range(_ATTEMPTS):
        try:
            # A hash of the data would take longer than to send it again.
            return client.scatter(data, broadcast=broadcast, hash=False, timeout=_SECONDS)
        except (KeyError, OSError, TimeoutError) as error:  # a worker has died meanwhile
            last = error
    raise RuntimeError(
        "data could not be placed on the workers of the cluster: they die, or there are none. "
        f"Their logs say why; the last error was {last!r}"
    ) from last
