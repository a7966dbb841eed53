"""Names and number of columns at prediction are those of training."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from raw_table import FRAME, KINDS, TABLE, fitted
from sklearn.utils.fixes import parse_version
from tiny_models import DATA, both, presets, tiny

from fastmlp import Classifier

before_1_8 = pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.8"),
    reason="scikit-learn 1.7 wants a request for score too and cannot read polars 2's names",
)


def frames(kind: str):
    X, y = DATA[Classifier]
    names = ["a", "b", "c", "d", "x"]
    make = pd.DataFrame if kind == "pandas" else pl.DataFrame
    return lambda order: make({n: X[:, names.index(n) % 4] for n in order}), y


@pytest.mark.parametrize("kind", ["pandas", pytest.param("polars", marks=before_1_8)])
@presets
def test_feature_names(more, kind):
    frame, y = frames(kind)
    model = tiny(Classifier, **more).fit(frame("abcd"), y)
    assert model.feature_names_in_.tolist() == ["a", "b", "c", "d"]
    assert model.predict(frame("abcd")).shape == (150,)
    for wrong in ("bacd", "abc", "abcx", "abcdx"):
        with pytest.raises(ValueError, match="feature names should match"):
            model.predict(frame(wrong))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(np.asarray(frame("abcd")))
    with pytest.raises(ValueError, match="feature names should match"):
        tiny(Classifier, **more).fit(frame("abcd"), y, X_val=frame("bacd"), y_val=y)


@presets
@both
def test_numbers_of_features(estimator, more):
    X, y = DATA[estimator]
    model = tiny(estimator, **more).fit(X, y)
    with pytest.raises(ValueError, match=f"has 2 features, but {estimator.__name__} is expecting"):
        model.predict(X[:, :2])
    with pytest.raises(ValueError, match="has 2 features"):
        model.partial_fit(X[:, :2], y)
    with pytest.raises(ValueError, match="has 2 features"):
        tiny(estimator, **more).fit(X, y, X_val=X[:, :2], y_val=y)
    with pytest.raises(ValueError, match="2 features"):
        model.predict(X[:, :2].tolist())
    with pytest.raises(ValueError, match="2 features"):
        model.set_params(warm_start=True).fit(X[:, :2], y)
    assert model.n_features_in_ == X.shape[1]


# ---- raw tables


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow"])
@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["income", "age", "job", "city", "member"], "must be in the same order"),
        (["age", "income", "job", "city"], "seen at fit time, yet now missing:\n- member"),
        (["age", "income", "job", "town", "member"], "unseen at fit time:\n- town"),
        ([*TABLE, "size"], "unseen at fit time:\n- size"),
    ],
)
def test_other_columns(names, message, kind):
    table = KINDS[kind]({name: TABLE.get(name, TABLE["city"]) for name in names})
    with pytest.raises(ValueError, match=re.escape(message)):
        fitted().predict(table)


@pytest.mark.parametrize("columns", [4, 6])
def test_other_number_of_columns_without_names(columns):
    model = fitted(X=KINDS["object array"](TABLE))
    with pytest.raises(ValueError, match=f"X has {columns} features, but Regressor is expecting 5"):
        model.predict(np.zeros((2, columns)))


def test_arrays_where_there_were_names():
    model = fitted()
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        predicted = model.predict(KINDS["object array"](TABLE))
    np.testing.assert_array_equal(predicted, model.predict(FRAME))
