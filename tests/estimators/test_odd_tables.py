"""Missing values, text and few rows or columns in every preset."""

import pickle

import numpy as np
import pandas as pd
import pytest
from changed_entries import with_entry
from tiny_models import SEVERAL, both, outputs, presets, target, tiny

from fastmlp import Classifier

ROWS = 60


@pytest.mark.parametrize("rows", [2, 3, 9, 10, 11])
@pytest.mark.parametrize(
    "more", [{}, SEVERAL, {"preset": "default"}], ids=["plain", "two networks", "default"]
)
@both
def test_few_rows(estimator, more, rows, X, y):
    labels = np.arange(rows) % 2 if estimator is Classifier else y[:rows]
    model = tiny(estimator, **more).fit(X[:rows], labels)
    assert (model.validation_curve_ is not None) == (rows >= 10)
    assert model.predict(X[:1]).shape == (1,)


@presets
def test_single_column_and_constant_column(more, X, y):
    assert np.isfinite(tiny(**more).fit(X[:, :1], y).predict(X[:, :1])).all()
    table = np.column_stack([X, np.full(ROWS, 1e9)])
    assert np.isfinite(tiny(**more).fit(table, y).predict(table)).all()
    constant = table[:, -1:]
    assert np.isfinite(tiny(**more).fit(constant, y).predict(constant)).all()


@presets
@both
def test_missing_values(estimator, more, X, y):
    y = target(estimator, y)
    table = np.where(X == 4, np.nan, X)
    model = tiny(estimator, **more).fit(table, y, X_val=table[:9], y_val=y[:9])
    assert np.isfinite(model.predict(table).astype(float)).all()
    assert np.isfinite(model.validation_curve_).all()
    model.partial_fit(table, y)
    frame = pd.DataFrame(table).convert_dtypes()
    assert frame.isna().any(axis=None)
    np.testing.assert_array_equal(
        tiny(estimator, **more).fit(frame, y).predict(frame),
        tiny(estimator, **more).fit(table, y).predict(table),
    )


@presets
@both
def test_values_that_were_never_missing_in_training(estimator, more, X, y):
    model = tiny(estimator, **more).fit(X, target(estimator, y))
    table = with_entry(X, np.nan)
    everywhere = np.full((1, 4), np.nan)
    assert np.isfinite(model.predict(table).astype(float)).all()
    assert np.isfinite(model.predict(everywhere).astype(float)).all()
    np.testing.assert_array_equal(
        np.delete(model.predict(table), 3), np.delete(model.predict(X), 3)
    )


@presets
@both
def test_text(estimator, more, X, y):
    y = target(estimator, y)
    frame = pd.DataFrame(X, columns=list("abcd"))
    frame["b"] = frame["b"].map({0: "red", 1: "green", 2: None}.get)
    model = tiny(estimator, **more).fit(frame, y, X_val=frame[:9], y_val=y[:9])
    model.partial_fit(frame, y)
    prediction = model.predict(frame)
    assert prediction.shape == (ROWS,)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(frame), prediction)
    blue, purple = (outputs(model, frame.assign(b=unknown)) for unknown in ("blue", "purple"))
    np.testing.assert_array_equal(blue, purple)
    assert not np.array_equal(blue, outputs(model, frame.assign(b="red")))


@both
def test_text_where_there_were_numbers(estimator, X, y):
    y = target(estimator, y)
    model = tiny(estimator).fit(X, y)
    before = model.predict(X)
    text = X.astype(object)
    text[5, 2] = "many"
    for use in (
        lambda: model.predict(text),
        lambda: model.partial_fit(text, y),
        lambda: tiny(estimator).fit(X, y, X_val=text, y_val=y),
    ):
        with pytest.raises(ValueError, match="column 'x2' was numeric in training; got 'many'"):
            use()
    np.testing.assert_array_equal(model.predict(X), before)
