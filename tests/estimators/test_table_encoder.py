"""TableEncoder: a transformer whose numbers are those that the estimators' networks read."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from raw_table import FRAME, KINDS, QUICK, TABLE, Y
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator
from sklearn_checks import name_of, run

from fastmlp import Dense, Network, Regressor, TableEncoder

CHECKS = [
    pytest.param(encoder, check, id=f"{name_of(check)}-{number}")
    for number, (encoder, check) in enumerate(estimator_checks_generator(TableEncoder()))
]
DATED = FRAME.assign(
    sold=pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(120) % 50, unit="D"),
    took=pd.to_timedelta(np.arange(120) % 13, unit="h"),
)


@pytest.mark.parametrize(("encoder", "check"), CHECKS)
def test_scikit_learn_check(encoder, check):
    run(check, encoder)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_are_numbers_flags_and_codes(kind):
    table = KINDS[kind](TABLE)
    encoder = TableEncoder()
    encoded = encoder.fit_transform(table)
    assert encoded.dtype == np.float32
    assert (encoder.n_numbers_, encoder.n_flags_, encoder.category_sizes_) == (2, 2, (4, 12))
    assert encoder.n_features_in_ == 5
    np.testing.assert_array_equal(encoder.transform(table), encoded)
    income = FRAME["income"]
    np.testing.assert_array_equal(encoded[:, 2], income.isna())
    assert not encoded[income.isna(), 1].any()
    np.testing.assert_allclose(np.median(encoded[income.notna(), 1]), 0, atol=1e-6)
    assert np.abs(encoded[:, :2]).max() <= 3


def test_without_standardisation_numbers_stay_as_they_are():
    encoder = TableEncoder(standardize=False).fit(FRAME)
    encoded = encoder.transform(FRAME)
    assert encoded.dtype == np.float64
    np.testing.assert_array_equal(encoded[:, :2], FRAME[["age", "income"]])
    with pytest.raises(ValueError, match="set standardize=True"):
        encoder.embedding()
    X = np.arange(12.0).reshape(4, 3)
    encoder.fit_transform(X)[:] = 0
    encoder.transform(X)[:] = 0
    assert X[3, 2] == 11


def test_networks_of_the_estimators_read_the_same_numbers():
    y = (Y - Y.mean()) / Y.std()
    options = {"n_estimators": 1, "early_stopping": False, "extrapolation": "clip"}
    model = Regressor(**QUICK | options).fit(DATED, y)
    network = model.networks_[0]
    encoder = TableEncoder().fit(DATED)
    outputs = network.forward(encoder.transform(DATED))[:, 0]
    np.testing.assert_allclose(outputs.clip(y.min(), y.max()), model.predict(DATED), atol=1e-5)
    theirs = network.layers[0]
    assert encoder.embedding(sigma=theirs.sigma) == theirs


@pytest.mark.parametrize("how", ["periodic", "piecewise_linear", "both", None])
def test_an_embedding_fits_the_rows(how):
    encoder = TableEncoder()
    X = encoder.fit_transform(DATED)
    embedding = encoder.embedding(how)
    assert [width for _, width in embedding.categories] == [0, 8]
    network = Network([embedding, Dense(embedding.outputs, 1)], random_state=0)
    assert network.forward(X).shape == (120, 1)


def test_an_unknown_embedding():
    with pytest.raises(ValueError, match=r"one of \('periodic', .* or None; got 'fourier'"):
        TableEncoder().fit(FRAME).embedding("fourier")


def test_names():
    encoder = TableEncoder().fit(DATED)
    assert encoder.feature_names_in_.tolist() == list(DATED)
    names = encoder.get_feature_names_out()
    assert names.tolist() == [
        *("age", "income", "sold", "sold (sine of week)", "sold (cosine of week)", "took"),
        *("income (missing)", "member", "job", "city"),
    ]
    assert len(names) == encoder.transform(DATED).shape[1]
    array = TableEncoder().fit(KINDS["lists"](TABLE))
    assert array.get_feature_names_out()[0] == "x0"
    assert array.get_feature_names_out(list(FRAME)).tolist()[:3] == [
        *("age", "income", "income (missing)"),
    ]
    with pytest.raises(AttributeError, match="no column names that are all strings"):
        array.feature_names_in_  # noqa: B018


def test_set_output():
    pandas = TableEncoder().set_output(transform="pandas").fit_transform(FRAME)
    assert pandas.columns.tolist() == ["age", "income", "income (missing)", "member", "job", "city"]
    polars = TableEncoder().set_output(transform="polars")
    assert isinstance(
        polars.fit(pl.from_pandas(FRAME)).transform(pl.from_pandas(FRAME)), pl.DataFrame
    )


def test_copies():
    encoder = TableEncoder(["age"]).fit(FRAME)
    other = pickle.loads(pickle.dumps(encoder))
    np.testing.assert_array_equal(other.transform(FRAME), encoder.transform(FRAME))
    assert other.embedding() == encoder.embedding()
    with pytest.raises(NotFittedError):
        clone(encoder).transform(FRAME)
    assert clone(encoder).categorical_features == ["age"]


def test_in_a_pipeline_and_a_search():
    pipeline = make_pipeline(TableEncoder(), Ridge())
    search = GridSearchCV(pipeline, {"tableencoder__categorical_features": ["from_dtype", ["age"]]})
    assert search.fit(FRAME, Y).best_score_ > 0.5


def test_a_failed_fit_changes_nothing():
    encoder = TableEncoder().fit(FRAME)
    before = encoder.transform(FRAME)
    bad = [
        (FRAME.assign(age=np.inf), {}, "infinity"),
        (FRAME, {"standardize": "yes"}, "'standardize' parameter of TableEncoder must be"),
        (FRAME, {"categorical_features": ["years"]}, "not among the columns"),
    ]
    for table, parameters, message in bad:
        with pytest.raises(ValueError, match=message):
            encoder.set_params(**parameters).fit(table)
        encoder.set_params(standardize=True, categorical_features="from_dtype")
        np.testing.assert_array_equal(encoder.transform(FRAME), before)


def test_other_tables_later():
    encoder = TableEncoder().fit(FRAME)
    with pytest.raises(ValueError, match="Feature names unseen at fit time"):
        encoder.transform(FRAME.rename(columns={"age": "years"}))
    with (
        pytest.warns(UserWarning, match="does not have valid feature names"),
        pytest.raises(ValueError, match="X has 3 features, but TableEncoder is expecting 5"),
    ):
        encoder.transform(FRAME.to_numpy()[:, :3])
    assert encoder.transform(FRAME.assign(job="baker"))[:, 4].tolist() == [0] * 120


def test_columns_that_are_not_used_are_left_out():
    frame = FRAME.assign(id=[f"row {i:03}" for i in range(120)], same="same", empty=None)
    encoder = TableEncoder()
    with pytest.warns(UserWarning, match="column 'id' is not used") as caught:
        encoded = encoder.fit_transform(frame)
    assert {one.filename for one in caught} == {__file__}  # not a file of scikit-learn
    known = TableEncoder().fit(FRAME)
    np.testing.assert_array_equal(encoded, known.transform(FRAME))
    np.testing.assert_array_equal(encoder.transform(frame), encoded)
    assert encoder.get_feature_names_out().tolist() == known.get_feature_names_out().tolist()
    assert encoder.n_flags_ == known.n_flags_ == 2
    assert encoder.embedding() == known.embedding()
    with pytest.warns(UserWarning, match="column 'id' is not used") as caught:
        make_pipeline(TableEncoder(), Ridge()).fit(frame, Y)
    assert {one.filename for one in caught} == {__file__}
