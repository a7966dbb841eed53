"""Workers that are killed in every phase: the fit ends well, or with one clear error."""

import logging
import os
import signal
import threading

import dask
import dask.array as da
import numpy as np
import pytest
from curved_tables import curved
from distributed import Client, LocalCluster, Nanny, Status
from distributed.utils import get_mp_context
from tiny_models import TINY

import fastmlp
from fastmlp.dask import Regressor, clients, learning
from fastmlp.dask.shard_exchange import ShardExchange
from fastmlp.dask.shards import Shards

FOUR = TINY | {"n_estimators": 4, "max_iter": 8, "preset": "fast"}
CHUNK = 200  # rows


@pytest.fixture(scope="module")
def X():
    return curved(800)[0]


@pytest.fixture(scope="module")
def y():
    return curved(800)[1]


@pytest.fixture(scope="module")
def arrays(X, y):
    return da.from_array(X, chunks=(CHUNK, 4)), da.from_array(y, chunks=CHUNK)


@pytest.fixture(scope="module")
def expected(X, y):
    return fastmlp.Regressor(**FOUR).fit(X, y).predict(X)


@pytest.fixture(scope="module")
def cluster():
    """Two processes, forked from one that has imported what they need; nannies replace them."""
    quick = {
        "distributed.worker.multiprocessing-method": "forkserver",
        "distributed.comm.timeouts.connect": "3s",  # to workers whose death is not yet known
    }
    with dask.config.set(quick):
        get_mp_context().set_forkserver_preload(["distributed", "dask.array", "fastmlp.dask"])
        with LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=logging.CRITICAL
        ) as cluster:
            yield cluster


@pytest.fixture
def client(cluster):
    with Client(cluster) as client:
        client.wait_for_workers(2)
        yield client


@pytest.fixture
def kill(client):
    """Kill so many workers."""

    def kill(n=1):
        for process in list(client.run(os.getpid).values())[:n]:
            os.kill(process, signal.SIGKILL)

    return kill


def once(action):
    """An action that is done at the first call only."""
    done = []

    def act(*_):
        if not done:
            done.append(True)
            action()

    return act


def during(monkeypatch, owner, name, action):
    """Do something just after a function has begun, once."""
    function, act = getattr(owner, name), once(action)

    def acting(*args, **options):
        act()
        return function(*args, **options)

    monkeypatch.setattr(owner, name, acting)


@pytest.mark.parametrize("n", [1, 2])
def test_networks_are_trained_by_others(client, kill, X, y, expected, n):
    model = Regressor(**FOUR).fit(X, y, callbacks=once(lambda: kill(n)))
    assert np.array_equal(model.to_local().predict(X), expected)


def test_placing(client, kill, monkeypatch, X, y, expected):
    during(monkeypatch, Client, "scatter", kill)
    model = Regressor(**FOUR).fit(X, y)
    assert np.array_equal(model.to_local().predict(X), expected)


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (learning, "_head"),
        (Shards, "encode"),
        (ShardExchange, "_ask"),
        (ShardExchange, "__call__"),
    ],
    ids=["learning", "encoding", "training", "averaging"],
)
def test_rows_are_read_by_others(client, kill, monkeypatch, arrays, X, y, owner, name):
    def soon():
        threading.Timer(0.02, kill).start()

    during(monkeypatch, owner, name, soon if name == "_ask" else kill)
    model = Regressor(**FOUR).fit(*arrays, distribute="rows")
    assert model.n_iter_ == 8
    assert np.isfinite(model.to_local().score(X, y))


def test_predictions(client, kill, arrays, X, y):
    model = Regressor(**FOUR).fit(X, y)
    predicted = client.compute(model.predict(arrays[0]))
    kill()
    assert np.array_equal(predicted.result(), model.to_local().predict(X))


def test_without_nannies(client, kill, monkeypatch, arrays):
    async def fails(nanny):
        return Status.failed

    monkeypatch.setattr(Nanny, "instantiate", fails)
    monkeypatch.setattr(clients, "SECONDS_WITHOUT_WORKERS", 0.2)
    monkeypatch.setattr(clients, "_SECONDS", 0.2)
    endless = FOUR | {"max_iter": 100_000, "n_iter_no_change": np.inf}
    killing = once(lambda: kill(2))
    for distribute in ("rows", "networks"):  # in training, and before anything is read
        with pytest.raises(RuntimeError, match="Their logs say why"):
            Regressor(**endless).fit(*arrays, distribute=distribute, callbacks=killing)
