"""A table to explain, and the end of the figures that a test draws."""

import sys

import numpy as np
import pandas as pd
import pytest
from columns_of_every_kind import people


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture(scope="session")
def frame():
    """Columns of every kind, and dates."""
    rows = 200
    table = pd.DataFrame(people(rows)).drop(columns="country")
    days = pd.date_range("2020-01-01", periods=rows, freq="D")
    return table.assign(day=days[np.random.default_rng(0).permutation(rows)])
