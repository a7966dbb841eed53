"""Raw tables from fit to prediction: kinds of tables, missing values, odd columns, scikit-learn."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from fastmlp import Classifier, Regressor

ESTIMATORS = [Regressor, Classifier]
SMALL = {"hidden_layer_sizes": 16, "max_iter": 6, "n_estimators": 2, "random_state": 0}


def people(rows=120, seed=0):
    """Columns of every kind as lists, None where a value is missing, and what depends on them."""
    rng = np.random.default_rng(seed)

    def some(labels, missing=0.0):
        picked = rng.choice(labels, rows).tolist()
        return [None if rng.random() < missing else label for label in picked]

    table = {
        "age": rng.integers(18, 90, rows).tolist(),
        "income": [None if v < -1 else float(v) for v in rng.normal(size=rows)],
        "job": some(["cook", "clerk", "nurse"], missing=0.1),
        "city": some([f"city {i:02d}" for i in range(12)]),
        "member": some([False, True], missing=0.1),
    }
    y = np.array(table["age"]) / 20 + np.array([job == "nurse" for job in table["job"]])
    return table, y + 0.1 * rng.normal(size=rows)


TABLE, Y = people()
IS_OLD = np.median(Y) < Y
FRAME = pd.DataFrame(TABLE)
KINDS = {
    "pandas": pd.DataFrame,
    "polars": pl.DataFrame,
    "pyarrow": pa.table,
    "object array": lambda table: np.array(list(table.values()), dtype=object).T,
    "lists": lambda table: [list(row) for row in zip(*table.values(), strict=True)],
}


def made(estimator=Regressor, X=FRAME, y=None, **options):
    if y is None:
        y = target(estimator)
    return estimator(**SMALL | options).fit(X, y)


def target(estimator):
    return Y if estimator is Regressor else IS_OLD


def outputs(model, X):
    return model.predict(X) if isinstance(model, Regressor) else model.predict_proba(X)


def changed(**columns):
    """The first rows with other values in some columns."""
    return FRAME.head(5).assign(**{name: [value] * 5 for name, value in columns.items()})


# ---- kinds of tables


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_every_kind_of_table_gives_the_same_bits(estimator, kind):
    table = KINDS[kind](TABLE)
    expected = outputs(made(estimator), FRAME)
    np.testing.assert_array_equal(outputs(made(estimator, table), table), expected)


@pytest.mark.parametrize("kind", ["polars", "pyarrow"])
def test_fitted_on_one_kind_and_predicted_on_another(kind):
    model, table = made(), KINDS[kind](TABLE)
    np.testing.assert_array_equal(model.predict(table), model.predict(FRAME))
    assert model.feature_names_in_.tolist() == list(TABLE)
    assert model.n_features_in_ == 5


def test_pandas_types():
    types = {"age": "Int16", "income": "Float32", "job": "category", "member": "boolean"}
    model, frame = made(), FRAME.astype(types)
    np.testing.assert_allclose(model.predict(frame), model.predict(FRAME), rtol=1e-5)
    np.testing.assert_allclose(made(X=frame).predict(frame), model.predict(FRAME), rtol=1e-5)


def test_validation_part_is_a_table_too():
    model = Regressor(**SMALL).fit(FRAME, Y, X_val=pl.DataFrame(TABLE), y_val=pl.Series(Y))
    assert len(model.validation_curve_) == 6
    with pytest.raises(ValueError, match="X_val: The feature names should match"):
        Regressor(**SMALL).fit(FRAME, Y, X_val=FRAME.drop(columns="job"), y_val=Y)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_learns_from_every_kind_of_column(estimator):
    table, y = people(400, seed=1)
    y = y if estimator is Regressor else y > 3
    model = made(estimator, pd.DataFrame(table), y, max_iter=40)
    table, y = people(400, seed=2)
    assert model.score(pd.DataFrame(table), y if estimator is Regressor else y > 3) > 0.85


def test_partial_fit_and_warm_start_keep_the_columns():
    model = Regressor(**SMALL).partial_fit(FRAME, Y)
    model.partial_fit(changed(city="elsewhere"), Y[:5])
    assert np.isfinite(model.predict(FRAME)).all()
    again = made(warm_start=True)
    again.fit(FRAME.head(60), Y[:60])
    assert again.predict(FRAME.tail(60)).shape == (60,)


# ---- missing values


@pytest.mark.parametrize("column", TABLE)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_missing_at_prediction(estimator, column):
    """Alone, in all rows and in one row, whether or not some were missing in training."""
    model = made(estimator)
    predicted = outputs(model, changed(**{column: None}))
    assert np.isfinite(predicted).all()
    assert np.isfinite(outputs(model, changed(**{column: None}).head(1))).all()
    assert np.isfinite(outputs(model, changed(**dict.fromkeys(TABLE)))).all()


@pytest.mark.parametrize(
    ("standardize", "stands_for"), [("robust", np.median), (True, np.mean), (False, lambda x: 0.0)]
)
def test_missing_numbers_are_filled(standardize, stands_for):
    """The column had none in training, so there is no indicator."""
    model = made(standardize=standardize, early_stopping=False, dtype="float64")
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
    model = Classifier(**SMALL | {"max_iter": 60}, standardize=standardize).fit(X, gone)
    assert model.score(X, gone) > 0.9


# ---- labels that were not there


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_unseen_category_is_an_unknown_one(estimator):
    model = made(estimator)
    unseen = outputs(model, changed(city="Atlantis"))
    np.testing.assert_array_equal(unseen, outputs(model, changed(city="Lemuria")))
    np.testing.assert_array_equal(unseen, outputs(model, changed(city=None)))
    assert not np.array_equal(unseen, outputs(model, changed(city="city 01")))


def test_rare_category_is_an_unknown_one():
    frame = FRAME.copy()
    frame.loc[0, "city"] = "hamlet"  # one row of many categories
    model = made(X=frame)
    rare = model.predict(changed(city="hamlet"))
    np.testing.assert_array_equal(rare, model.predict(changed(city="Atlantis")))


def test_missing_category_is_one_of_its_own_where_there_were_some():
    model = made()
    gone = model.predict(changed(job=None))
    assert not np.array_equal(gone, model.predict(changed(job="astronaut")))


def test_text_where_there_were_numbers_is_refused():
    with pytest.raises(ValueError, match="X: column 'age' was numeric in training; got 'old'"):
        made().predict(changed(age="old"))


# ---- columns that say nothing, tables of odd shapes


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize(
    ("value", "other"),
    [(7, 8.5), (None, None), (np.nan, 3.5), ("here", "there"), (True, False)],
    ids=["number", "missing", "NaN", "category", "boolean"],
)
def test_column_of_one_value_is_not_used(estimator, value, other):
    model = made(estimator, FRAME.assign(same=[value] * len(FRAME)))
    expected = outputs(model, changed(same=value))
    assert np.isfinite(expected).all()
    np.testing.assert_array_equal(outputs(model, changed(same=other)), expected)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@pytest.mark.parametrize("value", [7, None, "here"])
def test_every_column_constant(estimator, value):
    frame = pd.DataFrame({"a": [value] * 40, "b": [value] * 40})
    model = made(estimator, frame, np.arange(40) % 2)
    predicted = outputs(model, frame)
    assert np.isfinite(predicted).all()
    assert (predicted == predicted[0]).all()


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_one_row_is_predicted_as_among_others(estimator):
    model = made(estimator)
    alone = np.concatenate([outputs(model, FRAME.iloc[[i]]) for i in range(10)])
    np.testing.assert_allclose(alone, outputs(model, FRAME)[:10], rtol=1e-6)


@pytest.mark.parametrize("n_estimators", ["auto", 1])
@pytest.mark.parametrize("rows", [2, 3, 9, 10, 11])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_few_rows(estimator, rows, n_estimators):
    y = [0, 1] * rows
    model = made(estimator, FRAME.head(rows), y[:rows], n_estimators=n_estimators)
    assert (model.validation_curve_ is None) == (rows < 10)
    assert np.isfinite(outputs(model, FRAME)).all()


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_5000_columns(estimator):
    rng = np.random.default_rng(0)
    numbers = pd.DataFrame(rng.normal(size=(30, 4900)).astype("f4")).add_prefix("number ")
    numbers.iloc[::3, ::50] = np.nan
    labels = pd.DataFrame(rng.choice(list("abcd"), size=(30, 100))).add_prefix("label ")
    model = made(estimator, pd.concat([numbers, labels], axis=1), np.arange(30) % 2)
    assert model.n_features_in_ == 5000
    assert np.isfinite(outputs(model, pd.concat([numbers, labels], axis=1))).all()


# ---- classes


@pytest.mark.parametrize("preset", ["default", "plain"])
@pytest.mark.parametrize("rows", [1, 2, 3])
def test_class_of_few_rows(rows, preset):
    y = np.where(IS_OLD, "old", "young").astype(object)
    y[:rows] = "unborn"
    model = Classifier(**SMALL, preset=preset).fit(FRAME, y)
    assert model.classes_.tolist() == ["old", "unborn", "young"]
    probabilities = model.predict_proba(FRAME)
    assert probabilities.shape == (120, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_nineteen_classes():
    y = np.random.default_rng(0).integers(19, size=120)
    model = Classifier(**SMALL | {"n_estimators": 8}).fit(FRAME, y)
    assert model.classes_.size == 19
    assert np.isin(model.predict(FRAME), y).all()


LABELS = {
    "str": np.array(["no", "yes"]),
    "object": np.array(["no", "yes"], dtype=object),
    "bool": np.array([False, True]),
    "int": np.array([-3, 7]),
    "uint8": np.array([0, 1], dtype=np.uint8),
    "float": np.array([0.0, 1.0]),
    "float32": np.array([2.0, 5.0], dtype=np.float32),
    "pandas": pd.Series(["no", "yes"]),
    "categorical": pd.Series(pd.Categorical(["no", "yes"])),
    "categories of numbers": pd.Series(pd.Categorical([20, 30])),
    "nullable": pd.Series([1, 2], dtype="Int64"),
    "polars": pl.Series(["no", "yes"]),
    "polars categorical": pl.Series(["no", "yes"], dtype=pl.Categorical),
    "pyarrow": pa.array(["no", "yes"]),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_any_type(kind):
    labels, rows = LABELS[kind], IS_OLD.astype(int)
    y = labels.take(pa.array(rows)) if kind == "pyarrow" else labels[rows]
    model = Classifier(**SMALL).fit(FRAME, y)
    assert model.classes_.tolist() == np.asarray(labels).tolist()
    assert set(model.predict(FRAME).tolist()) <= set(model.classes_.tolist())
    assert model.predict(FRAME).dtype == model.classes_.dtype


# ---- numbers that are categories


@pytest.mark.parametrize("listed", [["age"], [0], [True, False, False, False, False]])
def test_categorical_features(listed):
    frame = FRAME.assign(age=FRAME["age"] // 10)
    model = made(X=frame, categorical_features=listed)
    np.testing.assert_array_equal(
        model.predict(frame), made(X=frame, categorical_features=["age"]).predict(frame)
    )
    unseen = model.predict(changed(age=1000))
    np.testing.assert_array_equal(unseen, model.predict(changed(age=-1)))


def test_categorical_features_that_do_not_fit():
    with pytest.raises(ValueError, match=r"not among the columns: \['size'\]"):
        made(categorical_features=["age", "size"])
    with pytest.raises(ValueError, match="positions from 0 to 4"):
        made(categorical_features=[5])


# ---- other columns than in training


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
        made().predict(table)


@pytest.mark.parametrize("columns", [4, 6])
def test_other_number_of_columns_without_names(columns):
    model = made(X=KINDS["object array"](TABLE))
    with pytest.raises(ValueError, match=f"X has {columns} features, but Regressor is expecting 5"):
        model.predict(np.zeros((2, columns)))


def test_arrays_where_there_were_names():
    model = made()
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        predicted = model.predict(KINDS["object array"](TABLE))
    np.testing.assert_array_equal(predicted, model.predict(FRAME))


# ---- scikit-learn's tools on frames


@pytest.mark.parametrize("kind", ["pandas", "polars"])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_cross_validation(estimator, kind):
    table, y = KINDS[kind](TABLE), target(estimator)
    model = estimator(**SMALL | {"max_iter": 20})
    assert cross_val_score(model, table, y, cv=3).min() > 0.4
    assert cross_val_predict(model, table, y, cv=3).shape == (120,)


def test_grid_search():
    grid = {"hidden_layer_sizes": [4, 16], "preset": ["fast", "plain"]}
    search = GridSearchCV(Regressor(**SMALL), grid, cv=2).fit(FRAME, Y)
    assert search.predict(FRAME).shape == (120,)
    assert search.best_estimator_.feature_names_in_.tolist() == list(TABLE)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_pipeline():
    scaled = make_column_transformer(
        (MinMaxScaler(), ["age"]), remainder="passthrough", verbose_feature_names_out=False
    ).set_output(transform="pandas")
    model = make_pipeline(scaled, Regressor(**SMALL | {"max_iter": 30})).fit(FRAME, Y)
    assert model.score(FRAME, Y) > 0.8
    assert clone(model)[-1].get_params() == model[-1].get_params()


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_permutation_importance(estimator):
    model = made(estimator, max_iter=30)
    found = permutation_importance(model, FRAME, target(estimator), n_repeats=3, random_state=0)
    assert found.importances_mean.argmax() == 0
    assert found.importances_mean[0] > 0.2


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_partial_dependence(estimator):
    frame = FRAME.astype({"age": float})
    model = made(estimator, frame, max_iter=60)
    ages = partial_dependence(model, frame, ["age"], grid_resolution=5)
    assert ages["average"][0, -1] > ages["average"][0, 0] + 0.3
    jobs = partial_dependence(model, frame.dropna(), ["job"], categorical_features=["job"])
    assert jobs["average"].shape == (1, 3)
    assert jobs["grid_values"][0][jobs["average"][0].argmax()] == "nurse"
