"""Importances on rows of the user's."""

import numpy as np
import pandas as pd
import pytest
from ranked_columns import FRAME, ROWS, Y, fitted
from sklearn.inspection import permutation_importance

from fastmlp import Classifier


@pytest.fixture(scope="module")
def model():
    return fitted()


def test_means_and_spreads_are_those_of_scikit_learn(model):
    ours = model.importances(FRAME, Y, n_repeats=20, random_state=0)
    theirs = permutation_importance(model, FRAME, Y, n_repeats=20, random_state=0)
    assert ours.importances.shape == (4, 20)
    assert ours.names == list(FRAME.columns)
    np.testing.assert_allclose(ours.importances_mean, theirs.importances_mean, rtol=0.1, atol=0.01)
    np.testing.assert_allclose(ours.importances_std, ours.importances.std(axis=1))
    np.testing.assert_allclose(ours.importances_std, theirs.importances_std, rtol=0.6, atol=0.01)


def test_columns_of_a_group_are_shuffled_together():
    """Two copies of a column stand in for each other, so that each alone is worth less."""
    frame = FRAME.assign(copy=FRAME["most"])
    model = fitted(X=frame)
    groups = {"both": ["most", "copy"], "one": ["copy"], "by position": [1, 2]}
    found = model.importances(frame, Y, groups=groups, random_state=0)
    assert found.names == [*groups]
    assert found.importances_mean[0] > 1.5 * found.importances_mean[1]
    alone = model.importances(frame, Y, random_state=0).importances_mean
    assert found.importances_mean[2] > alone[1]


def test_score_of_classes_is_the_log_loss():
    model = fitted(Classifier)
    found = model.importances(FRAME, Y > 0, random_state=0)
    theirs = permutation_importance(
        model, FRAME, Y > 0, scoring="neg_log_loss", n_repeats=5, random_state=0
    )
    np.testing.assert_allclose(found.importances_mean, theirs.importances_mean, rtol=0.2, atol=0.05)


def test_weights_count(model):
    half = np.arange(ROWS) % 2
    weighted = model.importances(FRAME, np.where(half, Y, 1e3), half, random_state=0)
    halved = model.importances(FRAME[half > 0], Y[half > 0], random_state=0)
    np.testing.assert_array_equal(weighted.importances, halved.importances)


def test_linear_part_and_missing_values_are_shuffled_too():
    frame = FRAME.assign(text=[*"abc"] * 100)
    frame.loc[::7, "much"] = np.nan
    model = fitted(X=frame, y=Y, extrapolation="linear")
    found = model.importances(frame, Y, random_state=0)
    assert found.importances_mean.argmax() == 0
    assert found.importances_mean[1] > found.importances_mean[2]


def test_nothing_is_changed(model):
    table, y = FRAME.to_numpy().copy(), Y.to_numpy().copy()
    with pytest.warns(UserWarning, match="feature names"):
        one, other = (model.importances(table, y, random_state=1) for _ in range(2))
    np.testing.assert_array_equal(table, FRAME)
    np.testing.assert_array_equal(one.importances, other.importances)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_repeats": 0}, "n_repeats == 0, must be >= 1"),
        ({"groups": {}}, "groups must be a mapping"),
        ({"groups": ["most"]}, "groups must be a mapping"),
        ({"groups": {"a": "most"}}, r"groups\['a'\] must be a list of columns"),
        ({"groups": {"a": []}}, r"groups\['a'\] must be a list of columns"),
        ({"groups": {"a": ["moist"]}}, r"groups\['a'\] must hold names of columns or positions"),
        ({"groups": {"a": [4]}}, "from 0 to 3; got 4"),
        ({"groups": {"a": ["most", 0]}}, "each column once"),
        ({"X": pd.DataFrame(FRAME[["most"]])}, "yet now missing"),
    ],
)
def test_errors(model, options, message):
    with pytest.raises(ValueError, match=message):
        model.importances(**{"X": FRAME, "y": Y} | options)


@pytest.mark.parametrize("weights", [None, np.eye(1, 5)[0]], ids=["one row", "one with a weight"])
def test_one_row_cannot_be_shuffled(model, weights):
    n_rows = 1 if weights is None else 5
    with pytest.raises(ValueError, match=r"at least two rows of positive weight.*; got 1"):
        model.importances(FRAME[:n_rows], Y[:n_rows], weights)
