"""init_model: a fit that begins with a fitted model, an estimator's or that of a file."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from small_tables import X_VAL, Y_VAL, X, Y
from tiny_models import FOLDS, SEVERAL, TINY, assert_same_weights, both, same_weights, target, tiny

import fastmlp
from fastmlp import Classifier, ModelFileError, Regressor
from fastmlp.neural_network import MLPRegressor

OPTIONS = TINY | SEVERAL | {"learning_rate": "constant"}
LATER = {"learning_rate_init": 1e-3, "max_iter": 2}


@pytest.fixture(scope="module")
def trained():
    return Regressor(**OPTIONS).fit(X, Y)


@pytest.fixture(scope="module")
def path(trained, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "trained.safetensors"
    trained.save(path)
    return path


def test_it_is_a_warm_start_of_another_estimator(trained, path):
    own = fastmlp.load(path)  # without the state of optimisers
    own.set_params(warm_start=True, **LATER).fit(X_VAL, Y_VAL)
    tuned = clone(trained).set_params(init_model=trained, **LATER)
    before = trained.predict(X)
    tuned.fit(X_VAL, Y_VAL)
    assert_same_weights(tuned, own)
    assert [history.n_iter for history in tuned.histories_] == [5, 5]
    np.testing.assert_array_equal(trained.predict(X), before)  # it was not trained on itself
    again = clone(tuned).fit(X_VAL, Y_VAL)  # each fit begins with the same model
    assert_same_weights(again.fit(X_VAL, Y_VAL), tuned)


def test_a_file_and_its_estimator_lead_to_the_same_model(path, trained, tmp_path):
    trained.save(tmp_path / "whole", include_optimizer=True)
    of_estimator = Regressor(**OPTIONS | LATER, init_model=trained).fit(X_VAL, Y_VAL)
    assert not same_weights(of_estimator, trained)
    for given in (path, str(path), tmp_path / "whole", fastmlp.load(path)):
        tuned = Regressor(**OPTIONS | LATER, init_model=given).fit(X_VAL, Y_VAL)
        assert tuned.n_iter_ == 5
        assert_same_weights(tuned, of_estimator)


def test_the_optimisers_of_the_other_estimator_stay(path):
    model, same = fastmlp.load(path).fit(X, Y), fastmlp.load(path).fit(X, Y)
    Regressor(**OPTIONS | LATER, init_model=model).fit(X_VAL, Y_VAL)
    for one in (model, same):
        one.set_params(warm_start=True).fit(X, Y)
    assert_same_weights(model, same)


def test_an_estimator_does_not_begin_with_itself(trained):
    model = fastmlp.Regressor(**OPTIONS).fit(X, Y)
    model.set_params(init_model=model)
    assert model.get_params()["init_model"] is model  # and none of its parameters
    before = model.predict(X)
    for warm_start in (False, True):
        with pytest.raises(ValueError, match="init_model must be another estimator; got this one"):
            model.set_params(warm_start=warm_start).fit(X, Y)
    np.testing.assert_array_equal(model.predict(X), before)


def test_a_small_rate_stays_near(trained):
    options = OPTIONS | {"max_iter": 1, "learning_rate_init": 1e-9}
    tuned = Regressor(**options, init_model=trained).fit(X_VAL, Y_VAL)
    np.testing.assert_allclose(tuned.predict(X), trained.predict(X), atol=1e-4)
    np.testing.assert_array_equal(tuned.estimator_weights_, trained.estimator_weights_)


def test_weights_are_learnt_from_validation_rows(trained):
    tuned = Regressor(**OPTIONS | LATER, init_model=trained)
    tuned.fit(X, Y + 1, X_val=X_VAL, y_val=Y_VAL + 1)
    assert tuned.predict_interval(X_VAL).shape == (100, 2)  # calibrated on them
    tuned.fit(X_VAL, Y_VAL)
    with pytest.raises(ValueError, match="trained further on other rows"):
        tuned.predict_interval(X_VAL)


def test_networks_join_those_of_another_estimator(trained):
    more = clone(trained).set_params(init_model=trained, n_estimators=3).fit(X, Y)
    assert len(more.networks_) == 3
    for own, others in zip(more.networks_, trained.networks_, strict=False):
        for one, other in zip(own.parameters, others.parameters, strict=True):
            np.testing.assert_array_equal(one, other)


def test_partial_fit_begins_with_it(trained):
    tuned = clone(trained).set_params(init_model=trained).partial_fit(X, Y)
    assert [history.n_iter for history in tuned.histories_] == [4, 4]
    tuned.partial_fit(X, Y)  # now it goes on with its own
    assert [history.n_iter for history in tuned.histories_] == [5, 5]


def test_copies_keep_what_is_fitted(trained):
    tuned = Regressor(**OPTIONS, init_model=trained)
    assert clone(tuned).init_model is trained
    nested = clone(make_pipeline(FunctionTransformer(), tuned))
    assert nested[-1].init_model is trained
    search = GridSearchCV(tuned, {"max_iter": [1, 2]}, cv=2, n_jobs=1).fit(X, Y)
    assert search.best_estimator_.n_iter_ == 3 + search.best_params_["max_iter"]


def test_a_file_of_it_has_no_other_model_in_it(trained, tmp_path):
    tuned = Regressor(**OPTIONS | LATER, init_model=trained).fit(X_VAL, Y_VAL)
    with pytest.warns(UserWarning, match="does not hold init_model"):
        tuned.save(tmp_path / "tuned.safetensors")


@both
def test_new_columns_and_labels_are_errors(estimator, y):
    frame = pd.DataFrame({"a": y, "b": np.where(y > 0, "x", "z")})
    model = tiny(estimator).fit(frame, target(estimator, y))
    tuned = tiny(estimator, init_model=model)
    with pytest.raises(ValueError, match="feature names"):
        tuned.fit(frame[["b", "a"]], target(estimator, y))
    if estimator is Classifier:
        with pytest.raises(ValueError, match=r"classes|labels"):
            tuned.fit(frame, target(estimator, y) + 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_estimators": 1}, r"n_estimators was 2 and cannot become 1"),
        ({"n_estimators": 3}, "networks can be added only on the rows that these were trained on"),
        ({"hidden_layer_sizes": 9}, r"hidden_layer_sizes was .* cannot become"),
        ({"preset": "fast"}, r"preset was default .* cannot become fast .*\. Set preset='default'"),
        ({"dtype": "float64"}, "dtype was"),
    ],
)
def test_networks_must_be_those_of_the_parameters(options, message, trained):
    with pytest.raises(ValueError, match=message):
        Regressor(**OPTIONS | options, init_model=trained).fit(X_VAL, Y_VAL)


@pytest.mark.parametrize(
    ("init_model", "error", "message"),
    [
        (Regressor(), NotFittedError, "init_model must be fitted; this Regressor is not"),
        (3, TypeError, "init_model must be a fitted estimator .*; got 3"),
        (MLPRegressor(), TypeError, "init_model must be a fitted estimator of this kind"),
        ("nowhere.safetensors", FileNotFoundError, "init_model: No such.*nowhere"),
        (__file__, ModelFileError, "file"),
    ],
)
def test_other_things(init_model, error, message):
    with pytest.raises(error, match=message):
        Regressor(**OPTIONS, init_model=init_model).fit(X, Y)


def test_the_output_has_the_name_of_the_last_target(trained):
    tuned = tiny(init_model=tiny().fit(X, pd.Series(Y, name="rent")), max_iter=1)
    assert tuned.fit(X, pd.Series(Y, name="price")).output_names_ == ["price"]
    assert tuned.fit(X, Y).output_names_ == ["rent"]


def test_a_model_of_the_other_kind(trained, path, tmp_path):
    for init_model in (trained, path):
        with pytest.raises(ValueError, match="init_model must be a Classifier; got a Regressor"):
            Classifier(**OPTIONS, init_model=init_model).fit(X, Y > 0)
    MLPRegressor(hidden_layer_sizes=3).partial_fit(X, Y).save(tmp_path / "mlp")
    with pytest.raises(ValueError, match="init_model must be a Regressor or Classifier; got MLPRe"):
        Regressor(**OPTIONS, init_model=tmp_path / "mlp").fit(X, Y)


def test_where_there_is_none(trained, tmp_path):
    tuned = Regressor(**OPTIONS, init_model=trained)
    with pytest.raises(ValueError, match="init_model must be None if X is a stream"):
        tuned.fit(lambda: iter(()))
    with pytest.raises(ValueError, match="init_model must be None with dp"):
        tuned.fit(X, Y, dp=(1.0, 1e-5))
    with pytest.raises(ValueError, match="checkpoint must be None if fit continues"):
        tuned.fit(X, Y, checkpoint=tmp_path / "fit")


def test_a_fit_on_new_rows_gets_nearer_to_them():
    """What was learnt of the old rows is kept, and what is new is learnt."""
    rng = np.random.default_rng(0)
    table, new = rng.normal(size=(400, 3)), rng.normal(size=(60, 3))
    options = FOLDS | {"max_iter": 40, "hidden_layer_sizes": 16}
    old = Regressor(**options).fit(table, table[:, 0] - table[:, 1] * table[:, 2])
    y, shift = new[:, 0] - new[:, 1] * new[:, 2] + 1.0, 1.0
    tuned = Regressor(**options | {"max_iter": 20}, init_model=old).fit(new, y)
    rows = rng.normal(size=(200, 3))
    truth = rows[:, 0] - rows[:, 1] * rows[:, 2] + shift
    errors = {
        name: np.mean((model.predict(rows) - truth) ** 2)
        for name, model in {
            "old": old,
            "new": Regressor(**options).fit(new, y),
            "tuned": tuned,
        }.items()
    }
    assert errors["tuned"] < 0.7 * min(errors["old"], errors["new"])
