"""`loss="ordinal"`: classes in order."""

import io
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.special import expit
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning
from tiny_models import tiny
from uniform_table import UNSEEN, X, classifier, uniform

import fastmlp
from fastmlp import Classifier

NAMES = np.array(["poor", "fair", "good", "superb"])  # not in the order of the alphabet
CUTS = (-0.6, 0.0, 0.6)


def grades(table, seed=2):
    noise = np.random.default_rng(seed).logistic(scale=0.15, size=len(table))
    return np.digitize(table[:, 0] + noise, CUTS)


Y = grades(X)
SMALL = X[:120], NAMES[Y[:120]]


@pytest.fixture(scope="module")
def model():
    return classifier(NAMES[Y], loss="ordinal", class_order=NAMES)


@pytest.fixture(scope="module")
def small():
    return tiny(Classifier, loss="ordinal", class_order=NAMES, n_estimators=2).fit(*SMALL)


def by_rank(model, probabilities):
    return probabilities[:, [model.classes_.tolist().index(name) for name in NAMES]]


def test_probabilities_are_those_of_the_order(model):
    """Logistic noise around a line: what is above each cut is known."""
    above = expit((UNSEEN[:, :1] - np.array(CUTS)) / 0.15)
    expected = -np.diff(above, axis=1, prepend=1, append=0)
    found = model.predict_proba(UNSEEN)
    np.testing.assert_allclose(found.sum(axis=1), 1)
    assert np.abs(by_rank(model, found) - expected).mean() < 0.03
    assert model.classes_.tolist() == sorted(NAMES)
    assert model.out_activation_ == "continuation_ratio"
    assert model.networks_[0].layers[-1].outputs == 3


def test_predictions_are_the_most_probable_class_and_of_absolute_costs_the_median(model):
    found = model.predict_proba(UNSEEN)
    np.testing.assert_array_equal(model.predict(UNSEEN), model.classes_[found.argmax(axis=1)])
    of_classes = [NAMES.tolist().index(name) for name in model.classes_]
    costs = np.abs(np.subtract.outer(of_classes, of_classes))
    medians = clone(model).set_params(cost_matrix=costs, max_iter=3).fit(*SMALL)
    reached = by_rank(medians, medians.predict_proba(UNSEEN)).cumsum(axis=1)
    np.testing.assert_array_equal(medians.predict(UNSEEN), NAMES[(reached < 0.5).sum(axis=1)])


def test_the_order_is_that_of_numbers_of_categories_or_of_the_parameter(small):
    X_small, y_small = SMALL
    in_order = pd.Series(pd.Categorical(y_small, categories=[*NAMES, "never"], ordered=True))
    found = tiny(Classifier, loss="ordinal", n_estimators=2).fit(X_small, in_order)
    np.testing.assert_array_equal(found.predict_proba(UNSEEN), small.predict_proba(UNSEEN))
    of_enum = pl.Series(y_small, dtype=pl.Enum(NAMES.tolist()))
    for frame in (in_order.to_frame("grade"), pl.DataFrame({"grade": of_enum})):
        with pytest.warns(DataConversionWarning, match="column-vector"):
            found = tiny(Classifier, loss="ordinal", n_estimators=2).fit(X_small, frame)
        np.testing.assert_array_equal(found.predict_proba(UNSEEN), small.predict_proba(UNSEEN))
    numbers = tiny(Classifier, loss="ordinal").fit(X_small, Y[:120])
    assert numbers._model.task.ranks is None
    with pytest.raises(ValueError, match="order of classes that are not numbers: class_order"):
        tiny(Classifier, loss="ordinal").fit(*SMALL)
    with pytest.raises(
        ValueError, match=r"class_order must hold all classes, including \['superb'\]"
    ):
        tiny(Classifier, loss="ordinal", class_order=NAMES[:3]).fit(*SMALL)
    twice = [*NAMES, NAMES[0]]
    with pytest.raises(ValueError, match="class_order must hold each class once; got"):
        tiny(Classifier, loss="ordinal", class_order=twice).fit(*SMALL)


def test_what_it_does_not_go_with():
    X_small = SMALL[0]
    with pytest.raises(ValueError, match="label_smoothing must be 0 for loss='ordinal'"):
        tiny(Classifier, loss="ordinal", label_smoothing=0.1).fit(X_small, Y[:120])
    with pytest.raises(ValueError, match="'ordinal' is for one label per row"):
        tiny(Classifier, loss="ordinal").fit(X_small, X_small > 0)
    with pytest.raises(ValueError, match="'linear' is not supported for loss='ordinal'"):
        tiny(Classifier, loss="ordinal", extrapolation="linear").fit(X_small, Y[:120])
    with pytest.raises(ValueError, match="distilled is not supported"):
        tiny(Classifier, loss="ordinal").fit(X_small, Y[:120]).distilled(X_small)


def test_two_classes_have_no_order():
    y = X[:120, 0] > 0
    found = tiny(Classifier, loss="ordinal").fit(X[:120], y).predict_proba(UNSEEN)
    expected = tiny(Classifier).fit(X[:120], y).predict_proba(UNSEEN)
    np.testing.assert_array_equal(found, expected)
    names = np.where(y, "high", "low")
    expected = tiny(Classifier).fit(X[:120], names).predict_proba(UNSEEN)
    for order in (["low", "high"], ["high", "low"], None):
        model = tiny(Classifier, loss="ordinal", class_order=order).fit(X[:120], names)
        np.testing.assert_array_equal(model.predict_proba(UNSEEN), expected)
    with_order = tiny(Classifier, loss="ordinal").fit(X[:120], ordered(names, ["low", "high"]))
    np.testing.assert_array_equal(with_order.predict_proba(UNSEEN), expected)
    with pytest.raises(ValueError, match=r"class_order must hold all classes, including \['low'\]"):
        tiny(Classifier, loss="ordinal", class_order=["high"]).fit(X[:120], names)


def test_kept_models(small):
    file = io.BytesIO()
    small.save(file)
    file.seek(0)
    expected = small.predict_proba(UNSEEN)
    loaded = fastmlp.load(file)
    for kept in (loaded, pickle.loads(pickle.dumps(small)), small.predictor()):
        np.testing.assert_array_equal(kept.predict_proba(UNSEEN), expected)
        np.testing.assert_array_equal(kept.predict(UNSEEN), small.predict(UNSEEN))
    predictor = small.predictor()
    np.testing.assert_array_equal(predictor.predict_proba(UNSEEN[0].tolist()), expected[0])
    assert predictor.predict(UNSEEN[0].tolist()) == small.predict(UNSEEN[:1])[0]
    loaded.partial_fit(*SMALL)
    with pytest.raises(ValueError, match="loss and class_order cannot become"):
        loaded.set_params(class_order=NAMES[::-1]).partial_fit(*SMALL)
    with pytest.raises(ValueError, match="loss and class_order cannot become"):
        loaded.set_params(class_order=None, loss="log_loss").partial_fit(*SMALL)


def ordered(y, categories):
    return pd.Series(pd.Categorical(y, categories=categories, ordered=True))


def test_a_warm_start_keeps_the_order_of_the_categories():
    X_small, y_small = SMALL
    model = tiny(Classifier, loss="ordinal", warm_start=True)
    model.fit(X_small, ordered(y_small, NAMES))
    kept = model.predict_proba(UNSEEN)
    with pytest.raises(ValueError, match=r"order, \['superb', .*fitted with, \['poor', 'fair'"):
        model.fit(X_small, ordered(y_small, NAMES[::-1]))
    np.testing.assert_array_equal(model.predict_proba(UNSEEN), kept)
    # without an order, with the same one of some classes, and where the parameter has the word
    model.partial_fit(X_small, y_small)
    model.partial_fit(X_small[:50], ordered(NAMES[[0, 2] * 25], NAMES[[0, 2, 3]]))
    model.set_params(class_order=NAMES).partial_fit(X_small, ordered(y_small, NAMES[::-1]))


def test_an_order_is_nothing_to_other_losses():
    model = tiny(Classifier, class_order=NAMES[::-1], warm_start=True)
    for _ in range(2):
        with pytest.warns(UserWarning, match="class_order is not used: .* got loss='log_loss'"):
            model.fit(*SMALL)


def test_calibration_sets_weights_and_metrics():
    X_small, y_small = SMALL
    options = {"loss": "ordinal", "class_order": NAMES, "n_estimators": 2}
    model = tiny(
        Classifier,
        **options,
        calibrate=True,
        class_weight="balanced",
        eval_metric="neg_log_loss",
        compute_importances=True,
    ).fit(X_small, y_small)
    assert model._model.task.temperature != 1
    sets = model.predict_set(uniform(50, seed=3), coverage=0.9)
    assert sets.shape == (50, 4)
    assert model.feature_importances_.shape == (2,)
