"""Vectors of columns of many labels start at 0 in one of two kinds of networks."""

import numpy as np
import pandas as pd
import pytest
from tiny_models import TINY

from fastmlp import Regressor

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("n_labels", [100, 101])
def test_vectors_of_many_labels_start_at_zero_in_the_second_round(n_labels):
    labels = np.repeat(np.arange(n_labels), 3)
    table = pd.DataFrame(
        {"label": [f"label {k}" for k in labels], "x": RNG.normal(size=labels.size)}
    )
    model = Regressor(**TINY, preset="default", n_estimators=4, validation_fraction=0.5)
    model.fit(table, RNG.normal(size=n_labels)[labels] + table["x"])
    vectors = [network.parameters_of("vectors")[0] for network in model.networks_]
    assert [one.shape for one in vectors] == [(n_labels + 1, 8)] * 4
    # That of unknown labels, of which there are none in training, stays where it was.
    stays = n_labels == 101
    assert [not one[0].any() for one in vectors] == [False, False, stays, stays]
    assert all(one.any() for one in vectors)
