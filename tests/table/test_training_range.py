"""Tables that lie beyond the training range: a warning, once for a column, and never by chance."""

import pickle
import warnings
from copy import deepcopy
from threading import Barrier, Thread

import numpy as np
import pandas as pd
import pytest
from tiny_models import SEVERAL, TINY, both, outputs, target

from fastmlp import ExtrapolationWarning, Regressor
from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.training_range import RangeWatch, TrainingRange

OPTIONS = TINY | SEVERAL
N = 200
RNG = np.random.default_rng(0)
FRAME = pd.DataFrame({"day": np.arange(N), "load": RNG.uniform(-1, 1, N), "town": [*"abcd"] * 50})
LATER = FRAME.assign(day=FRAME["day"] + N)


@pytest.fixture
def model():
    return Regressor(**OPTIONS).fit(FRAME, FRAME["load"])


def said(call):
    """The messages of the warnings of a call."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    assert all(one.category is ExtrapolationWarning for one in caught)
    return [str(one.message) for one in caught]


def n_columns_named(training, table):
    """How many columns of a table lie far beyond the range of the training rows."""
    known = TrainingRange.of_no_rows(training.shape[1]).widened(training, None)
    return len(known.far_beyond(table))


@both
def test_the_column_its_range_the_share_and_what_to_do(estimator):
    model = estimator(**OPTIONS).fit(FRAME, target(estimator, FRAME["load"]))
    [message] = said(lambda: outputs(model, LATER))
    for part in ("'day'", "100% of the rows", "0 to 199 in training", "now 200 to 399", "'linear'"):
        assert part in message
    assert "load" not in message


def test_once_for_a_model_and_column(model):
    before = model.predict(FRAME)
    assert len(said(lambda: model.predict(LATER))) == 1
    assert said(lambda: model.predict(LATER)) == []
    [message] = said(lambda: model.predict(LATER.assign(load=3.0)))
    assert "'load'" in message
    assert "'day'" not in message
    np.testing.assert_array_equal(model.predict(FRAME), before)


def test_several_columns_in_one_warning():
    X = RNG.normal(size=(N, 5))
    model = Regressor(**OPTIONS).fit(X, X[:, 0])
    [message] = said(lambda: model.predict(X + 100))
    assert "'x0'" in message
    assert "'x2'" in message
    assert "'x3'" not in message
    assert "and 2 more" in message


def test_as_an_error_it_is_raised_each_time(model):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(2):
            with pytest.raises(ExtrapolationWarning):
                model.predict(LATER)


def test_many_threads_warn_once(model):
    barrier = Barrier(8)

    def predict():
        barrier.wait()
        model.predict(LATER)

    def side_by_side():
        threads = [Thread(target=predict) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(said(side_by_side)) == 1


def test_copies_warn_anew_and_pickles_stay_the_same(model):
    pickled = pickle.dumps(model)
    said(lambda: model.predict(LATER))
    assert pickle.dumps(model) == pickled
    for copy in (pickle.loads(pickled), deepcopy(model)):
        assert len(said(lambda copy=copy: copy.predict(LATER))) == 1


def test_partial_fit_widens_the_range(model):
    said(lambda: model.predict(LATER))
    model.partial_fit(LATER, FRAME["load"])
    assert said(lambda: model.predict(LATER)) == []
    assert said(lambda: model.predict(LATER.assign(day=1000))) == []  # it was said of this column
    assert len(said(lambda: model.predict(LATER.assign(load=9.0)))) == 1


# ---- nothing is said


@pytest.mark.parametrize(
    "table",
    [
        LATER[:19],
        FRAME.assign(day=np.where(np.arange(N) % 20 == 0, 10**6, FRAME["day"])),
        FRAME.assign(day=FRAME["day"] + 9),
        FRAME.assign(day=np.where(np.arange(N) % 2, np.nan, FRAME["day"])),
        FRAME.assign(town="unknown"),
    ],
    ids=["few rows", "single outliers", "hardly beyond", "missing values", "new category"],
)
def test_silence(model, table):
    assert said(lambda: model.predict(table)) == []


@pytest.mark.parametrize("n_train", [10, 30, 300])
def test_rows_of_the_same_distribution(n_train):
    """However heavy its tails, and however few the training rows."""
    rng = np.random.default_rng(0)
    for n_rows in (20, 100, 3000):
        X = rng.standard_cauchy(size=(n_train + n_rows, 200))
        assert n_columns_named(X[:n_train], X[n_train:]) == 0


# ---- what the range is


def test_rows_of_weight_zero_do_not_count():
    weights = np.repeat([1.0, 0.0], N)
    both_parts = pd.concat([FRAME, LATER])
    model = Regressor(**OPTIONS).fit(both_parts, both_parts["load"], weights)
    assert len(said(lambda: model.predict(LATER))) == 1


def test_missing_values_have_no_part_in_the_range():
    training = np.column_stack([np.where(np.arange(N) % 3, np.arange(N), np.nan), [np.nan] * N])
    assert n_columns_named(training, training) == 0
    assert n_columns_named(training, training + 5 * N) == 1
    assert n_columns_named(training, np.zeros((N, 2))) == 0


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "float64"])
def test_every_type_of_numbers(dtype):
    training = np.arange(N).astype(dtype)[:, None]
    assert n_columns_named(training, (training // 2).astype(dtype)) == 0
    assert n_columns_named(training // 4, training) == 1


def test_clip():
    training = np.array([[0.0, 5.0], [1.0, np.nan]])
    known = TrainingRange.of_no_rows(2).widened(training, None)
    assert known.clip(training) is training
    given = np.array([[-3.0, 9.0, 7.0], [0.5, np.nan, 7.0]])
    np.testing.assert_array_equal(known.clip(given), [[0.0, 5.0, 7.0], [0.5, np.nan, 7.0]])
    assert given[0, 0] == -3
    np.testing.assert_array_equal(known.clip(np.array([[-3, 5]])), [[0, 5]])


def test_validation_rows_that_lie_beyond():
    """Such as those of a Pipeline that do not pass through its first steps."""
    model = Regressor(preset="plain", hidden_layer_sizes=2, max_iter=1)
    X, y = FRAME[["load"]], FRAME["load"]
    [message] = said(lambda: model.fit(X, y, X_val=X * 50 + 1000, y_val=y))
    assert "X_val lies beyond the training range in 'load' (100% of the rows" in message
    assert "transform_input=['X_val']" in message
    assert said(lambda: model.fit(X, y, X_val=X, y_val=y)) == []


def test_ranges_of_dates_are_dates():
    when = pd.Series(pd.date_range("2024-01-01", periods=120))
    model = Regressor(preset="plain", hidden_layer_sizes=2, max_iter=1, early_stopping=False)
    model.fit(pd.DataFrame({"when": when[:60], "other": np.arange(60)}), np.arange(60))
    [message] = said(lambda: model.predict(pd.DataFrame({"when": when[60:], "other": 1})))
    assert "2024-01-01 to 2024-02-29 in training, now 2024-03-01 to 2024-04-29" in message


def test_no_columns_of_numbers():
    watch = RangeWatch(TrainingRange.of_no_rows(0).widened(np.zeros((50, 1)), None))
    assert said(lambda: watch.look_at(np.ones((50, 1)), DenseEncoder(None, 1, 1))) == []


@pytest.mark.parametrize("layout", ["rows", "part of wider rows", "columns"])
@pytest.mark.parametrize("shape", [(3000, 7), (70_000, 3), (65_537, 1), (40, 200)])
def test_the_range_of_many_rows(layout, shape):
    n_rows, n_columns = shape
    wide = np.random.default_rng(0).normal(size=(n_rows, n_columns + 2))
    X = wide[:, :n_columns]
    X[::3, 0] = np.nan
    X[n_rows - 1, -1], X[0, -1] = 50, -50
    if layout != "part of wider rows":
        X = np.array(X, order="C" if layout == "rows" else "F")
    learnt = TrainingRange.of_no_rows(n_columns).widened(X, None)
    np.testing.assert_array_equal(learnt.low, np.nanmin(X, axis=0))
    np.testing.assert_array_equal(learnt.high, np.nanmax(X, axis=0))
