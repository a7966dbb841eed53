"""Searches on joblib's Dask backend: the table is placed once, not with every task."""

import joblib
import numpy as np
from distributed import Client
from sklearn.model_selection import GridSearchCV
from tiny_models import TINY

import fastmlp
import fastmlp.dask

GRID = {"learning_rate_init": [0.001, 0.003, 0.01], "activation": ["relu", "silu"]}


def test_table_is_placed_once(client, monkeypatch, X, y):
    placed = []
    scatter = Client._scatter

    async def counted(self, data, **options):
        placed.append(data.shape)
        return await scatter(self, data, **options)

    monkeypatch.setattr(Client, "_scatter", counted)
    model = fastmlp.Regressor(**TINY | {"n_estimators": 1, "n_jobs": 1})
    with joblib.parallel_config("dask"):
        on_dask = GridSearchCV(model, GRID, cv=2).fit(X, y)
    alone = GridSearchCV(model, GRID, cv=2).fit(X, y)
    scores = [search.cv_results_["mean_test_score"] for search in (on_dask, alone)]
    assert np.array_equal(*scores)
    assert placed == [X.shape]  # for twelve tasks; y is small


def test_estimators_on_the_cluster_within_a_search(client, X, y):
    options = TINY | {"n_estimators": 1, "n_jobs": 1}
    grid = {"activation": ["relu", "silu"]}
    with joblib.parallel_config("dask"):
        on_dask = GridSearchCV(fastmlp.dask.Regressor(**options), grid, cv=2).fit(X, y)
    alone = GridSearchCV(fastmlp.Regressor(**options), grid, cv=2).fit(X, y)
    scores = [search.cv_results_["mean_test_score"] for search in (on_dask, alone)]
    assert np.array_equal(*scores)
