"""Attributions: Shapley values of predictions, for the columns of raw tables."""

import _thread
import pickle
import threading
from itertools import product
from math import factorial

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from sparse_tables import sparse_table
from tiny_models import LEARNING, TINY

import fastmlp
from fastmlp import Classifier, Regressor
from fastmlp.inspection.shapley.explained_model import ExplainedModel

ROWS = 200
rng = np.random.default_rng(0)
X = rng.normal(size=(ROWS, 5))
Y = X[:, 0] * X[:, 1] + 2 * X[:, 2] - np.maximum(X[:, 3], 0) * X[:, 0]
SHARED = TINY | {"preset": "default", "n_estimators": 2}
ALL = {"n_permutations": 10**3}  # all coalitions of a few columns


def brute_force(predict, X, background):
    """Shapley values by their definition, from predictions for raw frames."""
    n_rows, n_columns = X.shape
    explained = X.iloc[np.repeat(np.arange(n_rows), len(background))].reset_index(drop=True)
    others = pd.concat([background] * n_rows, ignore_index=True)
    coalitions = list(product([False, True], repeat=n_columns))
    frames = [
        pd.DataFrame(
            {
                name: (explained if inside else others)[name]
                for name, inside in zip(X.columns, coalition, strict=True)
            }
        )
        for coalition in coalitions
    ]
    predicted = np.asarray(predict(pd.concat(frames, ignore_index=True)))
    predicted = predicted.reshape(len(coalitions), n_rows, len(background), -1).mean(axis=2)
    value_of = dict(zip(coalitions, predicted, strict=True))
    values = np.zeros((n_rows, n_columns, predicted.shape[-1]))
    for coalition in coalitions:
        for column in np.flatnonzero(np.logical_not(coalition)):
            joined = (*coalition[:column], True, *coalition[column + 1 :])
            size = sum(coalition)
            share = factorial(size) * factorial(n_columns - 1 - size) / factorial(n_columns)
            values[:, column] += share * (value_of[joined] - value_of[coalition])
    return values


@pytest.fixture(scope="module")
def regressor():
    return Regressor(**LEARNING).fit(X, Y)


@pytest.fixture(scope="module")
def of_people(frame):
    y = frame["age"] + 10 * (frame["job"] == "cook") + frame["day"].dt.month
    return Regressor(**SHARED).fit(frame, y)


@pytest.fixture(scope="module")
def three_classes():
    return Classifier(**LEARNING).fit(X, np.digitize(Y, [-1, 1]))


def test_all_coalitions_give_the_values_of_the_definition(frame, of_people):
    found = of_people.attributions(frame[:3], frame[50:54], **ALL)
    expected = brute_force(of_people.predict, frame[:3], frame[50:54])[..., 0]
    np.testing.assert_allclose(found.values, expected, rtol=1e-3, atol=1e-4)
    assert found.feature_names == list(frame.columns)
    assert found.data[0, 1] == frame["job"][0]


def test_classes_have_values_each(three_classes):
    rows, others = pd.DataFrame(X[:2]), pd.DataFrame(X[50:54])
    found = three_classes.attributions(X[:2], X[50:54], **ALL)
    expected = brute_force(lambda t: three_classes.predict_proba(t.to_numpy()), rows, others)
    np.testing.assert_allclose(found.values, expected, atol=1e-5)
    assert found.output_names == [0, 1, 2]
    np.testing.assert_allclose(found.values.sum(axis=2), 0, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "y"),
    [
        ({}, Y),
        ({"preset": "plain"}, Y),
        ({"preset": "plain", "hidden_layer_sizes": ()}, Y),
        ({"extrapolation": "linear"}, Y),
        ({"dtype": "float64", "standardize": False}, Y),
        ({"loss": "poisson"}, np.exp(Y / 3)),
        ({"loss": "gaussian"}, Y),
        ({"loss": "quantile", "quantile": [0.1, 0.9]}, Y),
        ({}, np.column_stack([Y, 100 * X[:, 0]])),
        ({"activation": "relu", "hidden_layer_sizes": (7, 5, 3)}, Y),
    ],
)
def test_values_add_up_to_predictions_of_numbers(options, y):
    model = Regressor(**SHARED | options).fit(X, y)
    found = model.attributions(3 * X[:9], X[100:120])  # beyond the training range too
    np.testing.assert_array_equal(found.predictions, model.predict(3 * X[:9]))
    np.testing.assert_allclose(
        found.base_value + found.values.sum(axis=1), found.predictions, rtol=1e-9, atol=1e-9
    )
    np.testing.assert_allclose(found.base_value, model.predict(X[100:120]).mean(axis=0))


@pytest.mark.parametrize("log_odds", [False, True])
@pytest.mark.parametrize("labels", [Y > 0, np.digitize(Y, [-1, 1]), np.c_[Y > 0, Y > 1] * 1])
def test_values_add_up_to_probabilities(labels, log_odds):
    model = Classifier(**SHARED).fit(X, labels)
    found = model.attributions(X[:9], X[100:120], log_odds=log_odds)
    probabilities = model.predict_proba(X[:9])
    if labels.dtype == bool:
        probabilities = probabilities[:, 1]
    expected = np.log(probabilities / (1 - probabilities)) if log_odds else probabilities
    np.testing.assert_allclose(found.predictions, expected, rtol=1e-5)
    sums = found.base_value + found.values.sum(axis=1)
    np.testing.assert_allclose(sums, found.predictions, atol=1e-9)


def test_ordered_classes():
    model = Classifier(**SHARED, loss="ordinal").fit(X, np.digitize(Y, [-1, 1]))
    found = model.attributions(X[:9], X[100:120])
    np.testing.assert_array_equal(found.predictions, model.predict_proba(X[:9]))
    sums = found.base_value + found.values.sum(axis=1)
    np.testing.assert_allclose(sums, found.predictions, atol=1e-9)


def test_calibration_is_explained_too():
    labels = Y + rng.normal(size=ROWS) > 0
    model = Classifier(**LEARNING | {"n_estimators": 1}, calibrate=True).fit(X, labels)
    assert model._model.task.temperature != 1
    rows, others = pd.DataFrame(X[:2]), pd.DataFrame(X[50:53])
    expected = brute_force(lambda t: model.predict_proba(t.to_numpy())[:, 1], rows, others)
    found = model.attributions(X[:2], X[50:53], **ALL)
    np.testing.assert_allclose(found.values, expected[..., 0], atol=1e-5)


def test_ranks_are_those_of_all_coalitions():
    """One order of eight columns and its reverse, for each row of the background."""
    table = np.random.default_rng(1).normal(size=(ROWS, 8))
    y = table[:, 0] * table[:, 1] * table[:, 2] + table[:, 3] - 2 * np.abs(table[:, 4])
    model = Regressor(**LEARNING).fit(table, y)
    some, all_of_them = (
        model.attributions(table[:20], table[100:], **options).values for options in ({}, ALL)
    )
    assert not np.array_equal(some, all_of_them)
    assert min(spearmanr(*pair).statistic for pair in zip(some, all_of_them, strict=True)) > 0.95


def test_networks_that_are_cut_predict_as_whole_ones(frame, of_people, monkeypatch):
    cut = of_people.attributions(frame[:5], frame[100:])
    monkeypatch.setattr(ExplainedModel, "_split", None)
    whole = of_people.attributions(frame[:5], frame[100:])
    np.testing.assert_allclose(cut.values, whole.values, rtol=1e-3, atol=1e-4)


def test_types_of_tables_may_differ(regressor):
    whole = np.round(X).astype(int)
    found = regressor.attributions(X[:5], whole[100:])
    same = regressor.attributions(X[:5], whole[100:].astype(float))
    np.testing.assert_array_equal(found.values, same.values)


def test_any_number_of_threads_gives_the_same_bits(regressor):
    other = pickle.loads(pickle.dumps(regressor)).set_params(n_jobs=3)
    one, several = (model.attributions(X, X) for model in (regressor.set_params(n_jobs=1), other))
    np.testing.assert_array_equal(one.values, several.values)


def test_a_row_is_explained_alike_beside_others(regressor):
    both = regressor.attributions(X[:20], X[100:])
    one = regressor.attributions(X[7:8], X[100:])
    np.testing.assert_array_equal(both.values[7], one.values[0])


def test_the_sample_and_the_orders_follow_the_seed(regressor):
    options = {"background": X, "max_background": 10}
    values = [
        regressor.attributions(X[:5], **options, random_state=seed).values for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(*values[:2])
    assert not np.array_equal(values[0], values[2])


def test_without_a_background_the_rows_are_their_own(regressor):
    found = regressor.attributions(X[:20])
    np.testing.assert_array_equal(found.values, regressor.attributions(X[:20], X[:20]).values)
    with pytest.raises(ValueError, match=r"to explain fewer than 10 rows \(got 3\)"):
        regressor.attributions(X[:3])


def test_a_single_column():
    model = Regressor(**TINY, preset="plain").fit(X[:, :1], Y)
    found = model.attributions(X[:4, :1], X[50:, :1])
    np.testing.assert_allclose(found.values[:, 0], found.predictions - found.base_value)


def test_a_loaded_model_explains_alike(regressor, tmp_path):
    regressor.save(tmp_path / "model.safetensors")
    loaded = fastmlp.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(
        loaded.attributions(X[:3], X[100:]).values, regressor.attributions(X[:3], X[100:]).values
    )


def test_attributions_are_immutable_and_pickle(regressor):
    found = regressor.attributions(X[:20])
    for array in (found.values, found.predictions, found.data):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    again = pickle.loads(pickle.dumps(found))
    np.testing.assert_array_equal(again.values, found.values)
    np.testing.assert_allclose(found.importances(), np.abs(found.values).mean(axis=0))
    X[0] = X[0]  # the caller's table stays writable


def test_one_of_several_outputs(three_classes):
    found = three_classes.attributions(X[:20])
    one = found.of_output(2)
    np.testing.assert_array_equal(one.values, found.values[:, :, 2])
    assert one.base_value == found.base_value[2]
    with pytest.raises(ValueError, match=r"output must be one of \[0, 1, 2\]; got None"):
        found.of_output()
    assert one.of_output(2) is one.of_output() is one
    with pytest.raises(ValueError, match=r"output must be one of \[2\]; got 1"):
        one.of_output(1)


def test_explanations_of_shap(three_classes, regressor):
    pytest.importorskip("shap")
    for model in (three_classes, regressor):
        found = model.attributions(X[:20])
        theirs = found.to_shap()
        np.testing.assert_array_equal(theirs.values, found.values)
        sums = theirs.base_values + theirs.values.sum(axis=1)
        np.testing.assert_allclose(sums, found.predictions, atol=1e-9)
        assert theirs.feature_names == found.feature_names


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"log_odds": True}, "log_odds is for classifiers"),
        ({"n_permutations": 0}, "n_permutations == 0, must be >= 1"),
        ({"max_background": 0}, "max_background == 0, must be >= 1"),
        ({"background": X[:, :2]}, "background has 2 features"),
        ({"background": X[0]}, "background must be a table .*; got one row as ndarray"),
        ({"background": X[:0]}, "background must have at least one row"),
    ],
)
def test_errors(regressor, options, message):
    with pytest.raises(ValueError, match=message):
        regressor.attributions(X[:20], **options)


def test_sparse_rows_are_refused():
    table = sparse_table()
    model = Regressor(**TINY, preset="plain").fit(table, np.arange(table.shape[0]))
    for explain in (
        lambda: model.attributions(table),
        lambda: model.importances(table, np.arange(table.shape[0])),
        lambda: model.partial_dependence(table, 0),
        lambda: model.explain_row(table[:1], table),
    ):
        with pytest.raises(ValueError, match="X must be dense"):
            explain()


def test_several_columns_of_labels_are_refused():
    labels = np.column_stack([np.digitize(Y, [-1, 1]), Y > 0])
    model = Classifier(**SHARED).fit(X, labels)
    with pytest.raises(ValueError, match="an explanation is not supported for several columns"):
        model.attributions(X)


def test_ctrl_c(regressor):
    timer = threading.Timer(0.2, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        regressor.attributions(np.tile(X, (100, 1)), X, n_permutations=14)
    timer.cancel()
