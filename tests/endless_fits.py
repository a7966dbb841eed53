"""Fits that somebody must stop."""

import numpy as np
import pytest
from tiny_models import THREE

from fastmlp import Regressor

FOREVER = 10**9
ALONE_OR_SEVERAL = pytest.mark.parametrize(
    "options",
    [{}, THREE | {"n_jobs": 1}, THREE | {"n_jobs": 2}],
    ids=["one", "several in turn", "several at a time"],
)


def endless(**options) -> Regressor:
    defaults = {
        "preset": "plain",
        "hidden_layer_sizes": (64, 64),
        "max_iter": FOREVER,
        "n_iter_no_change": np.inf,
        "learning_rate": "constant",
        "learning_rate_init": 1e-4,
        "random_state": 0,
    }
    return Regressor(**defaults | options)
