"""A predictor's answers are those of its model, to the last bit, for one row and for many."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pandas as pd
import polars as pl
import pytest
from predicted_rows import FRAME, NUMBER, N, X, rows_of
from scipy.sparse import csr_array
from tiny_models import tiny

from fastmlp import (
    Classifier,
    ExtrapolationWarning,
    Predictor,
    Regressor,
    _core,
    load_predictor,
)
from fastmlp.neural_network import MLPClassifier, MLPRegressor
from fastmlp.prediction.compiled import compiled_rows
from fastmlp.table.row_reader import row_reader

CLASSES = np.array(["few", "more", "many"])[np.digitize(NUMBER, [-0.5, 0.5])]
MANY_CLASSES = np.arange(N) % 9
LABELS = (X > 0).astype(int)


def test_rows_by_name_in_their_order_or_many_at_once(model, predictor):
    expected = model.predict(FRAME)
    one_by_one = [predictor.predict(row) for row in rows_of(FRAME)]
    assert [type(number) for number in one_by_one] == [float] * N
    assert one_by_one == expected.tolist()
    shuffled = [dict(reversed(row.items())) for row in rows_of(FRAME)]
    assert [predictor.predict(row) for row in shuffled] == one_by_one
    assert [predictor.predict(list(row.values())) for row in rows_of(FRAME)] == one_by_one
    assert [predictor.predict(tuple(row.values())) for row in rows_of(FRAME)] == one_by_one
    assert [predictor.predict(row) for row in FRAME.to_numpy(dtype=object)] == one_by_one
    assert [predictor.predict(row) for _, row in FRAME.iterrows()] == one_by_one
    assert [predictor.predict(row[::-1]) for _, row in FRAME.iterrows()] == one_by_one
    assert predictor.predict(MappingProxyType(rows_of(FRAME)[0])) == one_by_one[0]
    for many in (FRAME, pl.from_pandas(FRAME), rows_of(FRAME), FRAME.to_numpy(dtype=object)):
        np.testing.assert_array_equal(predictor.predict(many), expected)
    lists = FRAME.to_numpy(dtype=object).tolist()
    np.testing.assert_array_equal(predictor.predict(lists), expected)


@pytest.mark.parametrize("y", [CLASSES, MANY_CLASSES, NUMBER > 0, LABELS, LABELS[:, :2]])
@pytest.mark.parametrize("calibrate", [False, True])
def test_labels_and_probabilities(y, calibrate):
    model = tiny(Classifier, calibrate=calibrate).fit(FRAME, y)
    predictor = model.predictor()
    labels, probabilities = model.predict(FRAME), model.predict_proba(FRAME)
    np.testing.assert_array_equal(predictor.predict(FRAME), labels)
    np.testing.assert_array_equal(predictor.predict_proba(FRAME), probabilities)
    for row, label, own in zip(rows_of(FRAME), labels, probabilities, strict=True):
        found = predictor.predict(row)
        assert (found == label).all() if labels.ndim == 2 else found == label
        assert isinstance(found, str | bool | int | np.ndarray)
        np.testing.assert_array_equal(predictor.predict_proba(row), own)
    np.testing.assert_array_equal(predictor.classes_, predictor._pipeline.decoder.classes)


@pytest.mark.parametrize(
    ("options", "y"),
    [
        ({"loss": "quantile", "quantile": [0.1, 0.5, 0.9]}, NUMBER),
        ({"loss": "poisson"}, np.abs(NUMBER)),
        ({"extrapolation": "linear"}, NUMBER),
        ({"extrapolation": "linear"}, X[:, :2]),
        ({"dtype": "float64"}, X[:, :2]),
        ({"preset": "plain"}, NUMBER),
    ],
)
def test_numbers_of_every_kind(options, y):
    model = tiny(Regressor, **options).fit(FRAME, y)
    predictor, expected = model.predictor(), model.predict(FRAME)
    np.testing.assert_array_equal([predictor.predict(row) for row in rows_of(FRAME)], expected)
    np.testing.assert_array_equal(predictor.predict(FRAME), expected)
    with pytest.raises(AttributeError, match="for classifiers"):
        predictor.predict_proba(FRAME)
    assert predictor.classes_ is None


def test_close_labels_are_those_of_many_rows():
    """Labels of one row are decided by the probabilities, where the last bits decide too."""
    for outputs, bias in ((2, 0.0), (3, 0.0), (9, 1e-17)):
        y = np.arange(N) % outputs
        for calibrate in (False, True):
            model = tiny(Classifier, dtype="float64", calibrate=calibrate).fit(X, y)
            for parameter in model.networks_[0].parameters:
                parameter[...] = 0
            model.networks_[0].parameters[-1][-1] = bias
            predictor, expected = model.predictor(), model.predict(X)
            assert [predictor.predict(row) for row in X] == expected.tolist()
            assert [predictor.predict(row.tolist()) for row in X] == expected.tolist()


@pytest.mark.parametrize(
    "decoding",
    [
        _core.NumberDecoding([1.0] * 3, [0.0] * 3, [], [], False, True),
        _core.NumberDecoding([1.0, 2.0], [0.0], [], [], False, False),
        _core.NumberDecoding([], [], [], [], False, False),
        _core.NumberDecoding([1.0], [0.0], [1.0], [], False, False),
        _core.ClassDecoding((1,), False),
        _core.ClassDecoding((0, 1), True),
    ],
)
def test_decodings_fit_the_outputs(decoding):
    predictor = tiny(Regressor).fit(X, X).predictor()
    reader = row_reader(predictor._pipeline.encoder)
    with pytest.raises(ValueError, match="decoding must be made for 3 outputs"):
        _core.RowPredictorF32(predictor._networks, reader, decoding)


def test_limits_that_move_are_unknown_without_a_linear_part():
    predictor = tiny(Regressor).fit(X, NUMBER).predictor()
    pipeline = predictor._pipeline
    decoder = replace(pipeline.decoder, moves=True, lowest=np.zeros(1), highest=np.zeros(1))
    rows = compiled_rows(predictor._networks, row_reader(pipeline.encoder), decoder)
    assert rows.predict(X[0]) == decoder.decode(predictor._networks.predict(X[:1], 1))[0] != 0


def test_any_number_of_threads_gives_the_same_bits(model):
    many = pd.concat([FRAME] * 50)
    expected = model.predict(many)
    for n_jobs in (1, 2, 3):
        found = pickle.loads(pickle.dumps(model.predictor(n_jobs=n_jobs))).predict(many)
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(ValueError, match="n_jobs must be a number of threads"):
        model.predictor(n_jobs=0)


def test_it_knows_its_columns(predictor):
    assert predictor.n_features_in_ == 6
    assert predictor.feature_names_in_.tolist() == FRAME.columns.tolist()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_scikit_learns_models_too():
    regressor = MLPRegressor(hidden_layer_sizes=5, max_iter=3, random_state=0).fit(X, NUMBER)
    predictor = regressor.predictor()
    np.testing.assert_allclose(predictor.predict(X), regressor.predict(X), 1e-12, 1e-15)
    assert predictor.predict(X[0]) == predictor.predict(X)[0]
    for gap in ([np.nan, 0.0, 0.0], [None, 0.0, 0.0], np.full(3, np.nan), X * np.nan):
        with pytest.raises(ValueError, match="NaN"):
            predictor.predict(gap)
    classifier = MLPClassifier(hidden_layer_sizes=5, max_iter=3, random_state=0).fit(X, CLASSES)
    predictor = classifier.predictor()
    np.testing.assert_allclose(predictor.predict_proba(X), classifier.predict_proba(X), 1e-12)
    assert predictor.predict(X[0]) == classifier.predict(X[:1])[0]


def test_sparse_rows():
    rows = csr_array(np.where(np.abs(X) > 1, X, 0))
    model = tiny(Regressor).fit(rows, NUMBER)
    predictor, expected = model.predictor(), model.predict(rows)
    np.testing.assert_array_equal(predictor.predict(rows), expected)
    np.testing.assert_array_equal(predictor.predict(rows.toarray()), expected)
    assert predictor.predict(rows.toarray()[3]) == expected[3]


def test_many_rows_beyond_the_training_range_are_warned_of_once(predictor):
    beyond = FRAME.assign(rooms=1000)
    with pytest.warns(ExtrapolationWarning, match="'rooms'"):
        predictor.predict(beyond)
    predictor.predict(beyond)
    predictor.predict(rows_of(beyond)[0])


def test_a_predictor_does_not_follow_its_model():
    model = MLPRegressor(hidden_layer_sizes=5, solver="sgd", random_state=0).partial_fit(X, NUMBER)
    predictor = model.predictor()
    before = predictor.predict(X)
    model.coefs_[0][...] = 0
    model.partial_fit(X, NUMBER)
    np.testing.assert_array_equal(predictor.predict(X), before)


def test_predictors_are_loaded_from_model_files(model, predictor, tmp_path):
    model.save(tmp_path / "model.safetensors")
    loaded = load_predictor(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(loaded.predict(FRAME), predictor.predict(FRAME))
    assert loaded.predict(rows_of(FRAME)[0]) == predictor.predict(rows_of(FRAME)[0])


def test_predictors_can_be_pickled(predictor):
    copy = pickle.loads(pickle.dumps(predictor))
    assert isinstance(copy, Predictor)
    np.testing.assert_array_equal(copy.predict(FRAME), predictor.predict(FRAME))


def test_sixteen_threads_get_the_answers_of_one(predictor):
    rows = rows_of(FRAME)
    expected, of_frame = [predictor.predict(row) for row in rows], predictor.predict(FRAME)

    def answers(_: int) -> bool:
        same = all([predictor.predict(row) for row in rows] == expected for _ in range(20))
        return same and np.array_equal(predictor.predict(FRAME), of_frame)

    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(answers, range(32)))


def test_predictors_of_different_sizes_take_turns_in_a_thread(predictor):
    other = tiny(Regressor, hidden_layer_sizes=(300, 7)).fit(X, NUMBER).predictor()
    row, expected = rows_of(FRAME)[0], other.predict(X[0])
    alone = predictor.predict(row)
    for _ in range(3):
        assert np.isfinite(other.predict([np.nan] * 3))
        assert predictor.predict(row) == alone
        assert other.predict(X[0]) == expected
