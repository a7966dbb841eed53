"""`cost_matrix`: predictions of least expected cost."""

import io
import pickle

import numpy as np
import pytest
from tiny_models import tiny
from uniform_table import UNSEEN, X

import fastmlp
from fastmlp import Classifier

TABLE = X[:90]
THREE = np.array(["a", "b", "c"])[np.digitize(TABLE[:, 0], [-0.3, 0.3])]
COSTS = [[0, 1, 5], [2, 0, 1], [20, 3, 0]]


@pytest.fixture(scope="module")
def model():
    return tiny(Classifier, cost_matrix=COSTS).fit(TABLE, THREE)


def least_cost(model, costs):
    return model.classes_[(model.predict_proba(UNSEEN) @ np.array(costs)).argmin(axis=1)]


def test_predictions_are_those_of_least_expected_cost(model):
    np.testing.assert_array_equal(model.predict(UNSEEN), least_cost(model, COSTS))
    plain = tiny(Classifier).fit(TABLE, THREE)
    np.testing.assert_array_equal(plain.predict_proba(UNSEEN), model.predict_proba(UNSEEN))
    assert np.mean(model.predict(UNSEEN) == plain.predict(UNSEEN)) < 0.9


def test_costs_that_are_alike_change_nothing():
    model = tiny(Classifier, cost_matrix=1 - np.eye(3)).fit(TABLE, THREE)
    probabilities = model.predict_proba(UNSEEN)
    np.testing.assert_array_equal(
        model.predict(UNSEEN), model.classes_[probabilities.argmax(axis=1)]
    )


def test_two_classes_have_a_threshold():
    model = tiny(Classifier, cost_matrix=[[0, 1], [9, 0]]).fit(TABLE, TABLE[:, 0] > 0)
    np.testing.assert_array_equal(model.predict(UNSEEN), model.predict_proba(UNSEEN)[:, 1] > 0.1)


def test_kept_models(model):
    file = io.BytesIO()
    model.save(file)
    file.seek(0)
    expected = model.predict(UNSEEN)
    for kept in (fastmlp.load(file), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(kept.predict(UNSEEN), expected)
    predictor = model.predictor()
    np.testing.assert_array_equal(predictor.predict(UNSEEN), expected)
    assert [predictor.predict(row) for row in UNSEEN[:20]] == expected[:20].tolist()


def test_metrics_are_of_these_predictions():
    model = tiny(Classifier, cost_matrix=COSTS, eval_metric="accuracy")
    model.fit(TABLE, THREE, X_val=TABLE, y_val=THREE)
    best = model.metric_curve_[model.best_iteration_ - 1]
    assert best == pytest.approx(model.score(TABLE, THREE))


def test_costs_can_change_while_training_goes_on(model):
    other = pickle.loads(pickle.dumps(model)).set_params(cost_matrix=np.array(COSTS).T)
    other.partial_fit(TABLE, THREE)
    np.testing.assert_array_equal(other.predict(UNSEEN), least_cost(other, np.array(COSTS).T))
    with pytest.raises(ValueError, match="cost_matrix must hold 3 x 3 finite numbers"):
        other.set_params(cost_matrix=[[0, 1], [1, 0]]).partial_fit(TABLE, THREE)


def test_labels_have_no_cost_matrix():
    with pytest.raises(ValueError, match="cost_matrix must be None where there are several"):
        tiny(Classifier, cost_matrix=[[0, 1], [1, 0]]).fit(TABLE, (TABLE > 0).astype(int))
