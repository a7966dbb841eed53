"""A table whose rows can be shared out to folds evenly."""

import pytest
from curved_tables import curved


@pytest.fixture(scope="module")
def X():
    return curved(120)[0]


@pytest.fixture(scope="module")
def y():
    return curved(120)[1]
