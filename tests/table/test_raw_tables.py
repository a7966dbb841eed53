"""Raw tables from fit to prediction: kinds of tables, missing values, odd columns."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from raw_table import FRAME, KINDS, QUICK, TABLE, Y, fitted, people
from tiny_models import both, outputs

from fastmlp import Classifier, Regressor


def changed(**columns):
    """The first rows with other values in some columns."""
    return FRAME.head(5).assign(**{name: [value] * 5 for name, value in columns.items()})


@pytest.mark.parametrize("kind", KINDS)
@both
def test_every_kind_of_table_gives_the_same_bits(estimator, kind):
    table = KINDS[kind](TABLE)
    expected = outputs(fitted(estimator), FRAME)
    np.testing.assert_array_equal(outputs(fitted(estimator, table), table), expected)


@pytest.mark.parametrize("kind", ["polars", "pyarrow"])
def test_fitted_on_one_kind_and_predicted_on_another(kind):
    model, table = fitted(), KINDS[kind](TABLE)
    np.testing.assert_array_equal(model.predict(table), model.predict(FRAME))
    assert model.feature_names_in_.tolist() == list(TABLE)
    assert model.n_features_in_ == 5


def test_pandas_types():
    types = {"age": "Int16", "income": "Float32", "job": "category", "member": "boolean"}
    model, frame = fitted(), FRAME.astype(types)
    np.testing.assert_allclose(model.predict(frame), model.predict(FRAME), rtol=1e-5)
    np.testing.assert_allclose(fitted(X=frame).predict(frame), model.predict(FRAME), rtol=1e-5)


def test_validation_part_is_a_table_too():
    model = Regressor(**QUICK).fit(FRAME, Y, X_val=pl.DataFrame(TABLE), y_val=pl.Series(Y))
    assert len(model.validation_curve_) == 6
    with pytest.raises(ValueError, match="X_val: The feature names should match"):
        Regressor(**QUICK).fit(FRAME, Y, X_val=FRAME.drop(columns="job"), y_val=Y)


@both
def test_learns_from_every_kind_of_column(estimator):
    table, y = people(400, seed=1)
    y = y if estimator is Regressor else y > 3
    model = fitted(estimator, pd.DataFrame(table), y, max_iter=40)
    table, y = people(400, seed=2)
    assert model.score(pd.DataFrame(table), y if estimator is Regressor else y > 3) > 0.85


def test_partial_fit_and_warm_start_keep_the_columns():
    model = Regressor(**QUICK).partial_fit(FRAME, Y)
    model.partial_fit(changed(city="elsewhere"), Y[:5])
    assert np.isfinite(model.predict(FRAME)).all()
    again = fitted(warm_start=True)
    again.fit(FRAME.head(60).assign(city="city 01"), Y[:60])
    seen_before, never = again.predict(changed(city="city 02")), again.predict(changed(city="x"))
    assert not np.array_equal(seen_before, never)


@pytest.mark.parametrize("column", TABLE)
@both
def test_missing_at_prediction(estimator, column):
    """Alone, in all rows and in one row, whether or not some were missing in training."""
    model = fitted(estimator)
    predicted = outputs(model, changed(**{column: None}))
    assert np.isfinite(predicted).all()
    assert np.isfinite(outputs(model, changed(**{column: None}).head(1))).all()
    assert np.isfinite(outputs(model, changed(**dict.fromkeys(TABLE)))).all()


@pytest.mark.parametrize(
    ("standardize", "stands_for"), [("robust", np.median), (True, np.mean), (False, lambda x: 0.0)]
)
def test_missing_numbers_are_filled(standardize, stands_for):
    """The column had none in training, so there is no indicator."""
    model = fitted(standardize=standardize, early_stopping=False, dtype="float64")
    filled = changed(age=stands_for(FRAME["age"]))
    expected = model.predict(filled)
    np.testing.assert_allclose(model.predict(changed(age=None)), expected, rtol=1e-9)
    assert not np.allclose(model.predict(FRAME.head(5)), expected)


@pytest.mark.parametrize("standardize", ["robust", True, False])
def test_that_a_number_is_missing_is_learnt(standardize):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2))
    gone = rng.random(300) < 0.4
    X[gone, 1] = np.nan
    model = Classifier(**QUICK | {"max_iter": 60}, standardize=standardize).fit(X, gone)
    assert model.score(X, gone) > 0.9


@both
def test_unseen_category_is_an_unknown_one(estimator):
    model = fitted(estimator)
    unseen = outputs(model, changed(city="Atlantis"))
    np.testing.assert_array_equal(unseen, outputs(model, changed(city="Lemuria")))
    np.testing.assert_array_equal(unseen, outputs(model, changed(city=None)))
    assert not np.array_equal(unseen, outputs(model, changed(city="city 01")))


def test_rare_category_is_an_unknown_one():
    frame = FRAME.copy()
    frame.loc[0, "city"] = "hamlet"  # one row of many categories
    model = fitted(X=frame)
    rare = model.predict(changed(city="hamlet"))
    np.testing.assert_array_equal(rare, model.predict(changed(city="Atlantis")))


def test_missing_category_is_one_of_its_own_where_there_were_some():
    model = fitted()
    gone = model.predict(changed(job=None))
    assert not np.array_equal(gone, model.predict(changed(job="astronaut")))


def test_text_where_there_were_numbers_is_refused():
    with pytest.raises(ValueError, match="X: column 'age' was numeric in training; got 'old'"):
        fitted().predict(changed(age="old"))


@both
@pytest.mark.parametrize(
    ("value", "other"),
    [(7, 8.5), (None, None), (np.nan, 3.5), ("here", "there"), (True, False)],
    ids=["number", "missing", "NaN", "category", "boolean"],
)
def test_column_of_one_value_is_not_used(estimator, value, other):
    model = fitted(estimator, FRAME.assign(same=[value] * len(FRAME)))
    expected = outputs(model, changed(same=value))
    assert np.isfinite(expected).all()
    np.testing.assert_array_equal(outputs(model, changed(same=other)), expected)


@both
@pytest.mark.parametrize("value", [7, None, "here"])
def test_every_column_constant(estimator, value):
    frame = pd.DataFrame({"a": [value] * 40, "b": [value] * 40})
    model = fitted(estimator, frame, np.arange(40) % 2)
    predicted = outputs(model, frame)
    assert np.isfinite(predicted).all()
    assert (predicted == predicted[0]).all()


@both
def test_one_row_is_predicted_as_among_others(estimator):
    model = fitted(estimator)
    alone = np.concatenate([outputs(model, FRAME.iloc[[i]]) for i in range(10)])
    np.testing.assert_allclose(alone, outputs(model, FRAME)[:10], rtol=1e-6)


@pytest.mark.parametrize("n_estimators", ["auto", 1])
@pytest.mark.parametrize("rows", [2, 3, 9, 10, 11])
@both
def test_few_rows(estimator, rows, n_estimators):
    y = [0, 1] * rows
    model = fitted(estimator, FRAME.head(rows), y[:rows], n_estimators=n_estimators)
    assert (model.validation_curve_ is None) == (rows < 10)
    assert np.isfinite(outputs(model, FRAME)).all()


@both
def test_5000_columns(estimator):
    rng = np.random.default_rng(0)
    numbers = pd.DataFrame(rng.normal(size=(30, 4900)).astype("f4")).add_prefix("number ")
    numbers.iloc[::3, ::50] = np.nan
    labels = pd.DataFrame(rng.choice(list("abcd"), size=(30, 100))).add_prefix("label ")
    model = fitted(estimator, pd.concat([numbers, labels], axis=1), np.arange(30) % 2)
    assert model.n_features_in_ == 5000
    assert np.isfinite(outputs(model, pd.concat([numbers, labels], axis=1))).all()


@pytest.mark.parametrize("listed", [["age"], [0], [True, False, False, False, False]])
def test_categorical_features(listed):
    frame = FRAME.assign(age=FRAME["age"] // 10)
    model = fitted(X=frame, categorical_features=listed)
    np.testing.assert_array_equal(
        model.predict(frame), fitted(X=frame, categorical_features=["age"]).predict(frame)
    )
    unseen = model.predict(changed(age=1000))
    np.testing.assert_array_equal(unseen, model.predict(changed(age=-1)))


def test_categorical_features_that_do_not_fit():
    with pytest.raises(ValueError, match=r"not among the columns: \['size'\]"):
        fitted(categorical_features=["age", "size"])
    with pytest.raises(ValueError, match="positions from 0 to 4"):
        fitted(categorical_features=[5])
