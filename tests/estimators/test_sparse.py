"""Sparse rows: every form of them, the same results as from dense ones, and what is refused."""

import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sparse_tables import COLUMNS, FORMS, ROWS, documents, sparse_table
from tiny_models import ESTIMATORS, TINY, both, outputs, presets, target

from fastmlp import Classifier, Regressor

TABLE = sparse_table()
NUMBERS = np.asarray(TABLE.sum(axis=1)) + np.sin(np.arange(ROWS))


def fitted(estimator, X=TABLE, **options):
    n_estimators = {} if options.get("preset") == "plain" else {"n_estimators": 2}
    return estimator(**TINY | n_estimators | options).fit(X, target(estimator, NUMBERS))


def parts(table):
    return [table.data.copy(), table.indices.copy(), table.indptr.copy()]


@pytest.mark.parametrize("form", FORMS)
@both
def test_every_form_gives_the_same_model(estimator, form):
    model, other = fitted(estimator), fitted(estimator, FORMS[form](TABLE))
    assert_array_equal(outputs(model, TABLE), outputs(other, TABLE))
    assert_array_equal(outputs(model, TABLE), outputs(model, FORMS[form](TABLE)))


@pytest.mark.parametrize("form", ["unsorted", "duplicates", "int64 indices"])
@both
def test_the_callers_table_stays_as_it_is(estimator, form):
    table = FORMS[form](TABLE)
    before = parts(table)
    outputs(fitted(estimator, table), table)
    for own, kept in zip(parts(table), before, strict=True):
        assert own.dtype == kept.dtype
        assert_array_equal(own, kept)


@both
def test_a_table_that_was_marked_as_sorted_is_looked_at_again(estimator):
    table = FORMS["unsorted"](TABLE)
    table.has_sorted_indices = table.has_canonical_format = True
    assert_array_equal(outputs(fitted(estimator, table), TABLE), outputs(fitted(estimator), TABLE))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("values", [np.int64, np.bool_, np.float32, np.uint8])
def test_types_of_values(dtype, values):
    table = (TABLE > 0).astype(values)
    model = fitted(Regressor, table, dtype=dtype)
    assert_array_equal(
        model.predict(TABLE > 0), fitted(Regressor, table.astype(float), dtype=dtype).predict(table)
    )


@presets
@both
def test_dense_rows_are_predicted_like_sparse_ones(estimator, more):
    model = fitted(estimator, **more)
    assert_array_equal(outputs(model, TABLE), outputs(model, TABLE.toarray()))
    assert_array_equal(outputs(model, TABLE)[:1], outputs(model, TABLE[:1]))


@both
def test_nothing_is_made_dense(estimator):
    """A dense copy of the rows would take 256 MiB."""
    rng = np.random.RandomState(0)
    n_rows, n_columns = 2**11, 2**15
    entries = rng.randint(n_columns, size=10 * n_rows)
    X = scipy.sparse.csr_array(
        (np.ones(entries.size), (np.repeat(np.arange(n_rows), 10), entries)), (n_rows, n_columns)
    )
    tracemalloc.start()
    try:
        model = estimator(2, n_estimators=2, max_iter=1, random_state=0).fit(
            X, np.arange(n_rows) % 2
        )
        outputs(model, X)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 2**25


@both
def test_threads_change_no_bit(estimator):
    predictions = [outputs(fitted(estimator, n_jobs=n), TABLE) for n in (1, 2, 5)]
    assert_array_equal(predictions[0], predictions[1])
    assert_array_equal(predictions[0], predictions[2])


@both
def test_sparse_frames(estimator):
    frame = pd.DataFrame.sparse.from_spmatrix(TABLE, columns=[f"w{i}" for i in range(COLUMNS)])
    model = fitted(estimator, frame)
    assert_array_equal(outputs(model, frame), outputs(fitted(estimator), TABLE))
    assert list(model.feature_names_in_) == list(frame.columns)
    with pytest.raises(ValueError, match="must be in the same order"):
        model.predict(frame[frame.columns[::-1]])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(TABLE)


def test_indicators_in_a_frame():
    labels = pd.Series(list("abcd") * (ROWS // 4))
    frame = pd.get_dummies(labels, sparse=True)
    model = fitted(Regressor, frame)
    assert list(model.feature_names_in_) == list("abcd")
    assert model.summary().splitlines()[2] == "  4 sparse columns of numbers, scaled, not centred"
    dense = frame.astype(bool)
    assert_array_equal(model.predict(frame), model.predict(dense.astype(float)))


def test_frames_whose_gaps_are_not_zeros_are_read_as_dense():
    frame = pd.DataFrame({"a": pd.arrays.SparseArray(np.arange(20.0) % 3, fill_value=2.0)})
    model = Regressor(**TINY, preset="plain").fit(frame, np.arange(20.0))
    assert_array_equal(model.predict(frame), model.predict(frame.sparse.to_dense()))


def test_a_dense_column_may_be_called_sparse():
    frame = pd.DataFrame({"sparse": np.arange(20.0), "other": np.arange(20.0) % 3})
    model = Regressor(**TINY, preset="plain").fit(frame, np.arange(20.0))
    assert "sparse  number" in model.summary()


@both
def test_pipelines_of_text_and_categories(estimator):
    frame = pd.DataFrame(
        {
            "text": ["cheap wine", "old red wine", "fast car", "red car old"] * 25,
            "kind": ["a", "b", "a", "c"] * 25,
            "price": np.tile([1e5, 3e5, 2e5, 4e5], 25),
        }
    )
    columns = make_column_transformer(
        (TfidfVectorizer(), "text"), (OneHotEncoder(), ["kind"]), ("passthrough", ["price"])
    )
    columns.set_params(sparse_threshold=1.0)
    model = make_pipeline(columns, estimator(**TINY | {"max_iter": 40, "hidden_layer_sizes": 32}))
    y = np.tile([0, 0, 1, 1], 25)
    assert model.fit(frame, y).score(frame, y) > 0.9


@both
def test_training_goes_on(estimator):
    y = target(estimator, NUMBERS)
    model = fitted(estimator, warm_start=True)
    before = outputs(model, TABLE)
    assert not np.array_equal(outputs(model.fit(TABLE, y), TABLE), before)
    model.partial_fit(TABLE[:50], y[:50]).partial_fit(TABLE[50:].toarray(), y[50:])
    assert model.n_iter_ == 8
    with pytest.raises(ValueError, match="31 features"):
        model.partial_fit(scipy.sparse.csr_array((3, 31)), y[:3])


@both
def test_partial_fit_alone_learns(estimator):
    X, y = documents()
    model = estimator(n_estimators=1, random_state=0, hidden_layer_sizes=16, dropout=0.0)
    for _ in range(20):
        model.partial_fit(X, y)
    assert model.score(X, y) > 0.8


@both
def test_hashed_words(estimator):
    X, y = documents()
    hashed = scipy.sparse.csr_array((X.data, X.indices * 13_000, X.indptr), shape=(len(y), 2**20))
    model = estimator(n_estimators=2, max_iter=2, random_state=0).fit(hashed, y)
    assert model.n_features_in_ == 2**20
    assert model.networks_[0].layers[0].inputs == X.shape[1]
    others = scipy.sparse.csr_array((X.data, X.indices * 13_000 + 1, X.indptr), hashed.shape)
    nothing = scipy.sparse.csr_array(hashed.shape)
    assert_array_equal(outputs(model, others), outputs(model, nothing))
    assert "1,048,496 of them without entries, not used" in model.summary()


@both
def test_words_that_the_first_part_lacks_are_learnt_later(estimator):
    X, y = documents()
    seen = X.copy()
    seen.data[seen.indices < 20] = 0
    seen.eliminate_zeros()
    model = estimator(n_estimators=1, random_state=0, hidden_layer_sizes=16, dropout=0.0)
    model.partial_fit(seen, y)
    for _ in range(20):
        model.partial_fit(X, y)
    assert model.score(X, y) > 0.5


@both
def test_pickles_and_clones(estimator):
    model = fitted(estimator)
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(outputs(model, TABLE), outputs(again, TABLE))
    y = target(estimator, NUMBERS)
    assert_array_equal(outputs(clone(model).fit(TABLE, y), TABLE), outputs(model, TABLE))


@both
def test_validation_rows_out_of_fold_rows_and_metric(estimator):
    y = target(estimator, NUMBERS)
    metric = "neg_root_mean_squared_error" if estimator is Regressor else "accuracy"
    model = estimator(**TINY, n_estimators=2, eval_metric=metric)
    model.fit(TABLE, y, X_val=TABLE.tocsc(), y_val=y)
    assert len(model.metric_curve_) == model.n_iter_
    model = fitted(estimator, validation_fraction=0.5)
    predictions = model.oof_prediction_ if estimator is Regressor else model.oof_proba_
    assert predictions.shape[0] == ROWS
    assert np.isfinite(predictions).all()


def test_weights_of_zero_are_rows_left_out():
    y = NUMBERS.copy()
    weights = np.ones(ROWS)
    weights[::3] = 0
    wild = TABLE.copy()
    wild.data[np.repeat(weights == 0, np.diff(wild.indptr))] *= 1e6
    model, other = (
        Regressor(**TINY, preset="plain", early_stopping=False).fit(X, y, weights)
        for X in (TABLE, wild)
    )
    assert_allclose(model.predict(TABLE), other.predict(TABLE), rtol=1e-5)


def test_time_limit_and_verbose(capsys):
    X, y = documents()
    model = Classifier(random_state=0, time_limit=20, verbose=2, max_iter=2, n_estimators=2)
    model.fit(X, y)
    assert capsys.readouterr().out.count("Epoch [2/2]") == 2


def test_text_by_default():
    X, y = documents(600, 300)
    train, test = slice(400), slice(400, None)
    linear = LogisticRegression().fit(X[train], y[train]).score(X[test], y[test])
    model = Classifier(random_state=0).fit(X[train], y[train])
    assert model.score(X[test], y[test]) >= linear - 0.03
    assert "sparse -> 64, relu" in model.summary()


@presets
@both
def test_presets(estimator, more):
    model = fitted(estimator, **more)
    assert np.isfinite(outputs(model, TABLE)).all()
    assert model.n_features_in_ == COLUMNS
    assert model.networks_[0].layers[0].sparse


@both
def test_amounts_beside_indicators_do_not_drown_them(estimator):
    rng = np.random.RandomState(0)
    y = np.arange(200) % 2
    amounts = scipy.sparse.csr_array(rng.uniform(1e5, 1e6, size=(200, 1)))
    X = scipy.sparse.hstack([amounts, scipy.sparse.csr_array(np.eye(2)[y])], format="csr")
    options = {"hidden_layer_sizes": 32, "n_estimators": 2, "random_state": 0}
    assert estimator(**options).fit(X, y).score(X, y) > 0.9
    with_zeros = scipy.sparse.csr_array((200, 3))
    assert np.isfinite(outputs(estimator(**options).fit(with_zeros, y), X)).all()


# ---- errors


BAD = {
    "NaN": (lambda: scipy.sparse.csr_array([[np.nan, 1], [0, 2]]), "contains NaN. Sparse tables"),
    "infinity": (lambda: scipy.sparse.coo_array([[np.inf, 1], [0, 2]]), "contains infinity"),
    "complex": (lambda: scipy.sparse.csr_array([[1j, 1], [0, 2]]), "Complex data not supported"),
    "1-D": (lambda: scipy.sparse.coo_array([1.0, 2.0]), "Expected 2D array, got 1D"),
    "no columns": (lambda: scipy.sparse.csr_array((2, 0)), "0 feature"),
    "too large": (lambda: scipy.sparse.csr_array([[1e300, 1], [0, 2]]), "float32 cannot hold"),
}


@pytest.mark.parametrize("kind", BAD)
@both
def test_bad_tables(estimator, kind):
    make, message = BAD[kind]
    with pytest.raises(ValueError, match=message):
        estimator(**TINY).fit(make(), [0, 1])
    if kind in ("NaN", "infinity", "complex", "too large"):
        model = estimator(**TINY, early_stopping=False).fit(scipy.sparse.eye_array(2), [0, 1])
        with pytest.raises(ValueError, match=message):
            model.predict(make())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"categorical_features": [0]}, "categorical_features must be 'from_dtype' if X is sparse"),
        ({"numeric_embedding": "both"}, "numeric_embedding must be None or 'auto' if X is sparse"),
        ({"compute_importances": True}, "compute_importances must be False if X is sparse"),
    ],
)
@both
def test_parameters_for_dense_tables_only(estimator, options, message):
    model = fitted(estimator)
    before = outputs(model, TABLE)
    with pytest.raises(ValueError, match=message):
        model.set_params(**options).fit(TABLE, target(estimator, NUMBERS))
    assert_array_equal(outputs(model, TABLE), before)


@both
def test_a_model_of_dense_rows_takes_no_sparse_ones(estimator):
    model = fitted(estimator, TABLE.toarray())
    with pytest.raises(TypeError, match="Sparse data was passed for X, but dense data is required"):
        model.predict(TABLE)


@both
def test_dense_text_for_a_model_of_sparse_rows(estimator):
    model = fitted(estimator)
    with pytest.raises(ValueError, match="X: column 'x0' was numeric in training; got 'word'"):
        model.predict(np.full((3, COLUMNS), "word", dtype=object))


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_tag(estimator):
    assert estimator().__sklearn_tags__().input_tags.sparse
