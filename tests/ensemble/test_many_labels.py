"""Vectors of columns of many labels start at 0, so that labels of few rows stay near the mean."""

import numpy as np
import pandas as pd
from raw_table import QUICK

from fastmlp import Regressor

RNG = np.random.default_rng(0)


def table(n_labels, rows_of_each=3):
    labels = np.repeat(np.arange(n_labels), rows_of_each)
    x = RNG.normal(size=labels.size)
    effects = RNG.normal(size=n_labels)
    frame = pd.DataFrame({"label": [f"label {label}" for label in labels], "x": x})
    return frame, effects[labels] + x


def vectors_of(model):
    return [network.parameters_of("vectors")[0] for network in model.networks_]


def test_unknown_labels_stay_at_zero_beside_many():
    for n_labels in (100, 101):
        model = Regressor(**QUICK).fit(*table(n_labels))
        for vectors in vectors_of(model):
            assert vectors.shape == (n_labels + 1, 8)
            assert vectors[0].any() == (n_labels == 100)
            assert vectors.any()
