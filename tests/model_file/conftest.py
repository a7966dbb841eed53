"""A model, and its file."""

import io

import pytest
from saved_models import saved_model


@pytest.fixture(scope="module")
def model():
    return saved_model("numbers")[0]


@pytest.fixture(scope="module")
def data(model):
    file = io.BytesIO()
    model.save(file)
    return file.getvalue()
