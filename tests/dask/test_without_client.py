"""Without a client, a cluster inside this process trains; another client than the context's."""

import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from distributed import Client, LocalCluster
from distributed.client import default_client
from tiny_models import FOLDS

import fastmlp
from fastmlp.dask import Regressor

ONE = FOLDS | {"n_estimators": 1}


@pytest.fixture(scope="module")
def table(X, y):
    return pd.DataFrame(X, columns=list("abcd")).assign(y=y)


def fitted(model, table, distribute):
    frame = dd.from_pandas(table, npartitions=2)
    model.fit(frame, "y", distribute=distribute)
    assert model.score(frame.drop(columns="y"), frame["y"]) <= 1.0
    return model


def test_frames_are_fitted_by_a_cluster_of_the_call(table):
    local = fastmlp.Regressor(**ONE).fit(table.drop(columns="y"), table["y"])
    networks = fitted(Regressor(**ONE), table, "networks")
    assert np.array_equal(networks.loss_curve_, local.loss_curve_)
    assert np.isfinite(fitted(Regressor(**ONE), table, "rows").loss_curve_).all()
    with pytest.raises(ValueError, match="No clients found"):
        default_client()


@pytest.mark.parametrize("distribute", ["networks", "rows"])
def test_a_client_that_is_not_of_the_context(table, distribute):
    with (
        LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0"
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        model = Regressor(**ONE)
        model.client = client
        assert np.isfinite(fitted(model, table, distribute).loss_curve_).all()


@pytest.mark.parametrize("wrong", ["scheduler:8786", Client])
def test_what_is_no_client_is_refused(wrong):
    model = Regressor()
    with pytest.raises(TypeError, match=r"client must be a distributed\.Client, such as"):
        model.client = wrong
    assert model.client is None
