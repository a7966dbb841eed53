"""Rows that predictors are asked about, one by one or many at once."""

import numpy as np
import pandas as pd

RNG = np.random.default_rng(0)
N = 60
X = RNG.standard_normal((N, 3))
NUMBER = X[:, 0] - X[:, 1]
FRAME = pd.DataFrame(
    {
        "size": np.where(X[:, 0] > 1, np.nan, X[:, 1]),  # some are missing
        "town": RNG.choice(["a", "b", "c", "d"], N),
        "sold": RNG.choice(["yes", "no"], N),
        "rooms": RNG.integers(1, 9, N),
        "grade": pd.Categorical(RNG.choice([1, 2, 3], N)),
        "same": "x",
    }
)


def rows_of(frame):
    return frame.to_dict("records")
