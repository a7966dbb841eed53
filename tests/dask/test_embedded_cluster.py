"""A cluster inside the process does the work where there is no client; here none may be in use."""

import dask.array as da
import numpy as np
import pytest
from tiny_models import FOLDS

import fastmlp
from fastmlp.dask import Regressor


def test_networks_of_a_local_fit(X, y):
    lazy = da.from_array(X, chunks=(60, 4)), da.from_array(y, chunks=60)
    model = Regressor(**FOLDS).fit(*lazy)
    local = fastmlp.Regressor(**FOLDS).fit(X, y)
    assert np.array_equal(model.to_local().predict(X), local.predict(X))
    assert model.score(*lazy) == model.to_local().score(X, y)


def test_rows(X, y):
    lazy = da.from_array(X, chunks=(60, 4)), da.from_array(y, chunks=60)
    assert Regressor(**FOLDS).fit(*lazy, distribute="rows").n_iter_ == 6


def test_errors_are_those_of_the_fit(X, y):
    def fails(record):
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full") as error:
        Regressor(**FOLDS).fit(X, y, callbacks=fails)
    assert error.value.__context__ is None  # but none of the client that there was not
