"""Clients: those of tasks, of coroutines, and what they place."""

import asyncio

import dask.array as da
import numpy as np
import pytest
from distributed import Client, LocalCluster
from tiny_models import TINY

from fastmlp.dask import Regressor, clients

ONE = TINY | {"n_estimators": 1}


def test_fit_within_tasks_that_take_all_threads(client, X, y):
    def fit(seed):
        return Regressor(**ONE | {"random_state": seed}).fit(X, y).predict(X)

    expected = [fit(seed) for seed in range(2)]
    found = client.gather([one.result(timeout=30) for one in client.map(fit, range(2))])
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("distribute", ["networks", "rows"])
def test_another_client_than_that_of_the_context(client, X, y, distribute):
    lazy = da.from_array(X, chunks=(60, 4)), da.from_array(y, chunks=60)
    with (
        LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0"
        ) as cluster,
        Client(cluster, set_as_default=False) as other,
    ):
        model = Regressor(**ONE)
        model.client = other
        assert np.isfinite(model.fit(*lazy, distribute=distribute).score(*lazy))


@pytest.mark.parametrize("wrong", ["scheduler:8786", Client])
def test_what_is_no_client_is_refused(wrong):
    model = Regressor()
    with pytest.raises(TypeError, match=r"client must be a distributed\.Client, such as"):
        model.client = wrong
    assert model.client is None


def test_asynchronous_clients_are_refused(client, X, y):
    async def fit():
        model = Regressor(**ONE)
        async with Client(client.scheduler.address, asynchronous=True) as model.client:
            model.fit(X, y)

    with pytest.raises(TypeError, match="client must not be asynchronous"):
        asyncio.run(fit())


def test_a_list_is_placed_as_one(client):
    assert clients.placed_on_workers(client, [1, 2]).result() == [1, 2]


def test_workers_may_be_missing_for_a_while(monkeypatch):
    class Empty:
        def nthreads(self):
            return {}

    monkeypatch.setattr(clients, "SECONDS_WITHOUT_WORKERS", 0.0)
    workers = clients.Workers(Empty())
    assert workers.alive() == {}  # nobody has looked for a long time before
    with pytest.raises(RuntimeError, match="no workers"):
        workers.alive()
