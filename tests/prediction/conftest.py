"""A model and its predictor, which nothing changes."""

import pytest
from predicted_rows import FRAME, NUMBER
from tiny_models import tiny

from fastmlp import Regressor


@pytest.fixture(scope="session")
def model():
    return tiny(Regressor).fit(FRAME, NUMBER)


@pytest.fixture(scope="session")
def predictor(model):
    return model.predictor()
