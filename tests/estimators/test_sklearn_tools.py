"""scikit-learn's searches, cross-validation, pipelines and metadata routing with our estimators."""

import numpy as np
import pytest
import sklearn
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score, cross_validate
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.fixes import parse_version
from tiny_models import DATA, SEVERAL, both, presets, same_weights, tiny

from fastmlp import Classifier, Regressor

before_1_8 = pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.8"),
    reason="scikit-learn 1.7 wants a request for score too and cannot read polars 2's names",
)


def test_grid_search_in_a_pipeline():
    X, y = DATA[Classifier]
    pipeline = make_pipeline(
        StandardScaler(), tiny(Classifier, max_iter=40, learning_rate_init=0.02)
    )
    grid = {"classifier__hidden_layer_sizes": [(2,), (16, 16)], "classifier__dropout": [0.0, 0.2]}
    search = GridSearchCV(pipeline, grid, cv=3).fit(X, y)
    assert search.best_params_["classifier__hidden_layer_sizes"] == (16, 16)
    assert search.best_score_ > 0.8
    assert search.predict(X).shape == (150,)


@presets
def test_grid_search_in_worker_processes(more):
    X, y = DATA[Regressor]
    grid = {"hidden_layer_sizes": [(4,), (8,)]}
    results = [
        GridSearchCV(tiny(Regressor, **more), grid, cv=2, n_jobs=n)
        .fit(X, y)
        .cv_results_["mean_test_score"]
        for n in (1, 2)
    ]
    np.testing.assert_array_equal(*results)


@pytest.mark.parametrize("more", [{"learning_rate_init": 0.03}, SEVERAL], ids=["plain", "default"])
@both
def test_cross_val_score_is_repeatable(estimator, more):
    X, y = DATA[estimator]
    model = tiny(estimator, max_iter=30, **more)
    scores = [cross_val_score(model, X, y, cv=3) for _ in range(2)]
    np.testing.assert_array_equal(*scores)
    assert scores[0].min() > 0.2


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


@before_1_8
@pytest.mark.usefixtures("routing")
def test_sample_weight_is_routed_through_cross_validate():
    X, y = DATA[Regressor]
    weights = np.random.default_rng(0).uniform(size=len(y))
    scaler = StandardScaler().set_fit_request(sample_weight=False)
    asks, does_not = (
        tiny(Regressor).set_fit_request(sample_weight=wanted).set_score_request(sample_weight=True)
        for wanted in (True, False)
    )
    fitted = []
    for model in (asks, does_not):
        result = cross_validate(
            make_pipeline(scaler, model),
            X,
            y,
            cv=[(np.arange(300), np.arange(300, len(y)))],
            params={"sample_weight": weights},
            return_estimator=True,
        )
        fitted.append(result["estimator"][0][-1])
    scaled = StandardScaler().fit_transform(X[:300])
    assert same_weights(fitted[0], tiny(Regressor).fit(scaled, y[:300], weights[:300]))
    assert same_weights(fitted[1], tiny(Regressor).fit(scaled, y[:300]))
    assert not same_weights(*fitted)


@pytest.mark.usefixtures("routing")
@presets
@both
def test_validation_part_is_routed_through_a_pipeline(estimator, more):
    X, y = DATA[estimator]
    order = np.random.default_rng(0).permutation(len(y))
    train, val = order[:100], order[100:140]
    model = tiny(estimator, **more).set_fit_request(X_val=True, y_val=True)
    pipeline = Pipeline([("scale", StandardScaler()), ("mlp", model)], transform_input=["X_val"])
    pipeline.fit(X[train], y[train], X_val=X[val], y_val=y[val])
    scaler = StandardScaler().fit(X[train])
    direct = tiny(estimator, **more).fit(
        scaler.transform(X[train]), y[train], X_val=scaler.transform(X[val]), y_val=y[val]
    )
    assert pipeline[-1].validation_curve_ == direct.validation_curve_
    assert same_weights(pipeline[-1], direct)


GROUPS = np.arange(442) // 17


@pytest.mark.usefixtures("routing")
def test_groups_and_weights_are_routed_through_a_pipeline():
    X, y = DATA[Regressor]
    weights = np.random.default_rng(0).uniform(size=len(y))
    model = tiny(Regressor).set_fit_request(groups=True, sample_weight=True)
    scaler = StandardScaler().set_fit_request(sample_weight=False)
    pipeline = make_pipeline(scaler, model).fit(X, y, groups=GROUPS, sample_weight=weights)
    scaled = StandardScaler().fit_transform(X)
    assert same_weights(pipeline[-1], tiny(Regressor).fit(scaled, y, weights, groups=GROUPS))


@pytest.mark.usefixtures("routing")
def test_groups_are_routed_through_a_search_to_splitter_and_estimator():
    X, y = DATA[Regressor]
    model = tiny(Regressor).set_fit_request(groups=True)
    search = GridSearchCV(model, {"dropout": [0.1]}, cv=GroupKFold(2)).fit(X, y, groups=GROUPS)
    expected = tiny(Regressor, dropout=0.1).fit(X, y, groups=GROUPS)
    assert same_weights(search.best_estimator_, expected)


@pytest.mark.usefixtures("routing")
def test_groups_are_routed_through_cross_validate():
    X, y = DATA[Regressor]
    (train, test), *_ = GroupKFold(2).split(X, y, GROUPS)
    result = cross_validate(
        tiny(Regressor).set_fit_request(groups=True),
        X,
        y,
        cv=[(train, test)],
        params={"groups": GROUPS},
        return_estimator=True,
    )
    expected = tiny(Regressor).fit(X[train], y[train], groups=GROUPS[train])
    assert same_weights(result["estimator"][0], expected)


@pytest.mark.usefixtures("routing")
def test_arguments_of_fit_can_be_requested():
    for name in ("groups", "time", "cv", "sample_weight"):
        assert tiny(Regressor).set_fit_request(**{name: True}).get_metadata_routing()
