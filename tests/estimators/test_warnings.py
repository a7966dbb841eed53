"""Warnings point at the line of the caller, wherever in the package they are issued."""

import warnings

import numpy as np
import pandas as pd
import pytest
from tiny_models import SEVERAL, TINY

from fastmlp import Classifier, Regressor

OPTIONS = TINY | SEVERAL
N = 40
X = np.random.default_rng(0).normal(size=(N, 2))
FRAME = pd.DataFrame(X, columns=["a", "b"])


def numbers_as_text():
    Regressor(**OPTIONS).fit(FRAME.assign(c=[str(1000 + i) for i in range(N)]), X[:, 0])


def unique_labels():
    Regressor(**OPTIONS).fit(FRAME.assign(c=[f"row {i}" for i in range(N)]), X[:, 0])


def column_vector():
    Regressor(**OPTIONS).fit(X, X[:, :1])


def column_vector_of_labels():
    Classifier(**OPTIONS).fit(X, X[:, :1] > 0)


def constant_column():
    Regressor(**OPTIONS).partial_fit(np.c_[X.astype(object), ["here"] * N], X[:, 0])


def metric_is_nan():
    Regressor(eval_metric=lambda y, z: np.nan, **OPTIONS).fit(X, X[:, 0])


def metric_is_nan_on_threads():
    Regressor(eval_metric=lambda y, z: np.nan, n_jobs=2, **OPTIONS).fit(X, X[:, 0])


def names_are_missing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = Regressor(**OPTIONS).fit(FRAME, X[:, 0])
    model.predict(X)


def interrupted():
    def stop(record):
        raise KeyboardInterrupt

    Regressor(callbacks=stop, n_jobs=1, **OPTIONS).fit(X, X[:, 0])


def too_little_time():
    Regressor(time_limit=1e-9, **OPTIONS).fit(X, X[:, 0])


def beyond_the_range():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = Regressor(**OPTIONS).fit(FRAME, X[:, 0])
    model.predict(FRAME + 100)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (numbers_as_text, "holds numbers written as text"),
        (unique_labels, "is not used"),
        (column_vector, "column-vector y"),
        (column_vector_of_labels, "column-vector y"),
        (constant_column, "first call of partial_fit"),
        (metric_is_nan, "eval_metric was NaN"),
        (metric_is_nan_on_threads, "eval_metric was NaN"),
        (names_are_missing, "valid feature names"),
        (interrupted, "interrupted by user"),
        (beyond_the_range, "beyond the training range"),
        (too_little_time, "left time for 1 of 2 networks"),
    ],
)
def test_warning_points_here(call, message):
    with pytest.warns(match=message) as record:
        call()
    [warning] = [one for one in record if message in str(one.message)]
    assert warning.filename == __file__
