"""scikit-learn's tools on raw tables."""

import numpy as np
import pytest
from raw_table import FRAME, KINDS, QUICK, TABLE, Y, fitted, wanted
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from tiny_models import both

from fastmlp import Regressor


@pytest.mark.parametrize("kind", ["pandas", "polars"])
@both
def test_cross_validation(estimator, kind):
    table, y = KINDS[kind](TABLE), wanted(estimator)
    model = estimator(**QUICK | {"max_iter": 20})
    assert cross_val_score(model, table, y, cv=3).min() > 0.4
    assert cross_val_predict(model, table, y, cv=3).shape == (120,)


def test_grid_search():
    grid = {"hidden_layer_sizes": [4, 16], "preset": ["fast", "plain"]}
    search = GridSearchCV(Regressor(**QUICK), grid, cv=2).fit(FRAME, Y)
    assert search.predict(FRAME).shape == (120,)
    assert search.best_estimator_.feature_names_in_.tolist() == list(TABLE)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_pipeline():
    scaled = make_column_transformer(
        (MinMaxScaler(), ["age"]), remainder="passthrough", verbose_feature_names_out=False
    ).set_output(transform="pandas")
    model = make_pipeline(scaled, Regressor(**QUICK | {"max_iter": 30})).fit(FRAME, Y)
    assert model.score(FRAME, Y) > 0.8
    assert clone(model)[-1].get_params() == model[-1].get_params()


@both
def test_permutation_importance(estimator):
    model = fitted(estimator, max_iter=30)
    found = permutation_importance(model, FRAME, wanted(estimator), n_repeats=3, random_state=0)
    assert found.importances_mean.argmax() == 0
    assert found.importances_mean[0] > 0.2


@both
def test_partial_dependence(estimator):
    frame = FRAME.astype({"age": float})
    model = fitted(estimator, frame, max_iter=60)
    ages = partial_dependence(model, frame, ["age"], grid_resolution=5)
    assert ages["average"][0, -1] > ages["average"][0, 0] + 0.3
    jobs = partial_dependence(model, frame.dropna(), ["job"], categorical_features=["job"])
    assert jobs["average"].shape == (1, 3)
    assert jobs["grid_values"][0][jobs["average"][0].argmax()] == "nurse"
