"""Data that tests of streamed fits and of their predictions share."""

import pytest
from streamed_tables import QUICK, X, Y

from fastmlp import Regressor


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("table")
    whole = X.assign(size=Y)
    for part in range(2):
        whole[400 * part :][:400].to_parquet(folder / f"part-{part}.parquet", index=False)
    return folder


@pytest.fixture(scope="module")
def streamed(folder):
    return Regressor(**QUICK).fit(folder, "size")
