"""A raw table about people, as every library holds it, and models of what depends on them."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
from tiny_models import TINY

from fastmlp import Regressor

QUICK = TINY | {"hidden_layer_sizes": 16, "max_iter": 6, "n_estimators": 2}


def people(rows=120, seed=0):
    """Columns of every kind as lists, None where a value is missing, and what depends on them."""
    rng = np.random.default_rng(seed)

    def some(labels, missing=0.0):
        picked = rng.choice(labels, rows).tolist()
        return [None if rng.random() < missing else label for label in picked]

    table = {
        "age": rng.integers(18, 90, rows).tolist(),
        "income": [None if v < -1 else float(v) for v in rng.normal(size=rows)],
        "job": some(["cook", "clerk", "nurse"], missing=0.1),
        "city": some([f"city {i:02d}" for i in range(12)]),
        "member": some([False, True], missing=0.1),
    }
    y = np.array(table["age"]) / 20 + np.array([job == "nurse" for job in table["job"]])
    return table, y + 0.1 * rng.normal(size=rows)


TABLE, Y = people()
IS_OLD = np.median(Y) < Y
FRAME = pd.DataFrame(TABLE)
KINDS = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "pyarrow": pa.table,
    "object array": lambda table: np.array(list(table.values()), dtype=object).T,
    "lists": lambda table: [list(row) for row in zip(*table.values(), strict=True)],
}


def wanted(estimator):
    """What the estimator is to predict."""
    return Y if estimator is Regressor else IS_OLD


def fitted(estimator=Regressor, X=FRAME, y=None, **options):
    return estimator(**QUICK | options).fit(X, wanted(estimator) if y is None else y)
