"""Rows for the networks of small_networks.py."""

import numpy as np
import pytest


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(40, 6))
