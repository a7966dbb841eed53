"""A cluster inside this process, and a small table."""

import pytest
from curved_tables import curved

pytest.importorskip("distributed")

from distributed import Client, LocalCluster


@pytest.fixture(scope="module")
def client():
    """Two workers with a thread each, in this process; the client of the context."""
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=False, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def X():
    return curved(120)[0]


@pytest.fixture(scope="module")
def y():
    return curved(120)[1]
