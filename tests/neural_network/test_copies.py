"""Copies, files, and tools that take scikit-learn's classes."""

import copy
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
import sklearn.neural_network as theirs
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from theirs_and_ours import LABELS, X, Y, classifier, few_epochs, regressor, same_weights

import fastmlp.neural_network as ours

pytestmark = few_epochs


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_copies_go_on_alike(solver, tmp_path):
    model = classifier(solver=solver, warm_start=True).fit(X, LABELS)
    if solver != "lbfgs":
        model.partial_fit(X, LABELS)
    model.predict(X)
    joblib.dump(model, tmp_path / "model.joblib")
    copies = [
        copy.deepcopy(model),
        pickle.loads(pickle.dumps(model)),
        joblib.load(tmp_path / "model.joblib"),
        joblib.load(tmp_path / "model.joblib", mmap_mode="r"),
    ]
    expected = model.predict_proba(X)
    method = "fit" if solver == "lbfgs" else "partial_fit"
    getattr(model, method)(X, LABELS)
    for other in copies:
        np.testing.assert_array_equal(other.predict_proba(X), expected)
        getattr(other, method)(X, LABELS)
        assert same_weights(other, model)


def test_predict_does_not_change_the_model():
    model = regressor().fit(X, Y)
    before = dict(model.__dict__)
    model.predict(X)
    assert model.__dict__ == before


def test_pipeline_frames_and_display():
    frame = pd.DataFrame(X, columns=list("abcdef"))
    models = [
        make_pipeline(StandardScaler(), classifier(module)).set_output(transform="pandas")
        for module in (theirs, ours)
    ]
    for model in models:
        model.fit(frame, np.array(["low", "mid", "high"])[LABELS])
    a, b = models
    np.testing.assert_array_equal(a.predict(frame), b.predict(frame))
    assert list(b[-1].feature_names_in_) == list(a[-1].feature_names_in_)
    assert "MLPClassifier" in b._repr_html_()
    with pytest.raises(ValueError, match="feature names"):
        b[-1].predict(frame[list("fedcba")])


def test_metadata_routing():
    weights = np.random.RandomState(0).uniform(0.1, 2, size=150)
    with sklearn.config_context(enable_metadata_routing=True):
        search = GridSearchCV(
            regressor().set_fit_request(sample_weight=True).set_score_request(sample_weight=False),
            {"alpha": [1e-4, 1e-2]},
            cv=[(np.arange(100), np.arange(100, 150))],
        )
        search.fit(X, Y, sample_weight=weights)
    scores = [
        regressor(alpha=alpha)
        .fit(X[:100], Y[:100], sample_weight=weights[:100])
        .score(X[100:], Y[100:])
        for alpha in (1e-4, 1e-2)
    ]
    np.testing.assert_array_equal(search.cv_results_["mean_test_score"], scores)


def test_is_scikit_learns_to_tools_that_ask():
    assert isinstance(regressor(), theirs.MLPRegressor)
    assert isinstance(classifier(), theirs.MLPClassifier)
