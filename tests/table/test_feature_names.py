"""Names of columns: known of every frame library, compared in later calls as scikit-learn does."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.feature_names import check_feature_names, feature_names_of

VALUES = {"b": [1.0, 2.0], "a": [3.0, 4.0]}
LIBRARIES = [pd.DataFrame, pl.DataFrame, pa.table]


@pytest.mark.parametrize("frame", LIBRARIES)
def test_names_of_frames(frame):
    names = feature_names_of(frame(VALUES))
    assert names.dtype == object
    assert names.tolist() == ["b", "a"]


@pytest.mark.parametrize(
    "table", [np.zeros((2, 2)), [[1, 2]], pd.DataFrame(np.zeros((2, 2))), pl.Series([1.0])]
)
def test_no_names(table):
    assert feature_names_of(table) is None


def test_mixed_names_are_an_error():
    with pytest.raises(TypeError, match=r"\['int', 'str'\] as feature name"):
        feature_names_of(pd.DataFrame([[1, 2]], columns=["a", 0]))


@pytest.mark.parametrize("frame", LIBRARIES)
@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (("a", "b"), "must be in the same order"),
        (("b", "c"), "unseen at fit time:\n- c\n.*yet now missing:\n- a\n"),
        (("b",), "yet now missing:\n- a\n"),
        (("b", "a", "c"), "unseen at fit time:\n- c\n"),
    ],
)
def test_other_names(frame, columns, message):
    known = feature_names_of(frame(VALUES))
    check_feature_names(known, frame(VALUES), "Model")
    with pytest.raises(ValueError, match=rf"(?s)^The feature names should match.*{message}"):
        check_feature_names(known, frame({name: [0.0] for name in columns}), "Model")


def test_at_most_five_names_are_listed():
    known = feature_names_of(pd.DataFrame(np.zeros((1, 9)), columns=[f"c{i}" for i in range(9)]))
    with pytest.raises(ValueError, match=r"- c4\n- \.\.\.\n$"):
        check_feature_names(known, pd.DataFrame({"c8": [0.0]}), "Model")


def test_names_on_one_side_only():
    known = feature_names_of(pd.DataFrame(VALUES))
    with pytest.warns(UserWarning, match="X does not have valid feature names, but Model was"):
        check_feature_names(known, np.zeros((1, 2)), "Model")
    with pytest.warns(UserWarning, match="X has feature names, but Model was fitted without"):
        check_feature_names(None, pd.DataFrame(VALUES), "Model")


def test_two_columns_of_one_name():
    twice = pd.DataFrame([[1.0, 2.0]], columns=["b", "b"])
    for names in (None, feature_names_of(pd.DataFrame(VALUES))):
        with pytest.raises(ValueError, match=r"^X_val: Expected unique column names"):
            check_feature_names(names, twice, "Model", "X_val")
    with pytest.raises(ValueError, match=r"^table: Expected unique column names"):
        DenseEncoder.learn(twice, name="table")
