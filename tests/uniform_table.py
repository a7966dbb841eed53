"""800 rows of two columns, of which any target can be made, and small models that learn it."""

import numpy as np
from tiny_models import LEARNING

from fastmlp import Classifier, Regressor

ROWS = 800
ENOUGH = LEARNING | {"hidden_layer_sizes": 32, "max_iter": 48, "n_estimators": 5}


def uniform(rows, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, size=(rows, 2))


X, UNSEEN = uniform(ROWS), uniform(4000, seed=1)


def regressor(y, **options):
    return Regressor(**ENOUGH | options).fit(X, y)


def classifier(y, **options):
    return Classifier(**ENOUGH | options).fit(X, y)
