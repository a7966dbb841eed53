"""A table at five hospitals of different sizes, and a network that trains in no time."""

import numpy as np
import pandas as pd

SHARES = (0.4, 0.25, 0.15, 0.12, 0.08)
QUICK = {
    "preset": "fast",
    "n_estimators": 1,
    "hidden_layer_sizes": 8,
    "max_iter": 12,
    "random_state": 0,
}


def table(n_rows=400, seed=0):
    """Numbers, a category and missing values; a target of numbers."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(
        {
            "age": rng.uniform(20, 90, n_rows),
            "dose": rng.gamma(2.0, 1.0, n_rows),
            "ward": rng.choice(["a", "b", "c"], n_rows),
        }
    )
    y = X["age"] / 20 + 2 * (X["ward"] == "a") + rng.normal(0, 0.3, n_rows)
    X.loc[::9, "dose"] = np.nan
    return X, y.to_numpy()


def split(X, y):
    """The rows of each hospital."""
    ends = np.round(np.cumsum(SHARES) * len(y)).astype(int)[:-1]
    parts = np.split(np.arange(len(y)), ends)
    return [(X.iloc[rows] if hasattr(X, "iloc") else X[rows], y[rows]) for rows in parts]
