"""Tables that cannot be read are refused with a clear error."""

import re

import numpy as np
import pytest
from changed_entries import with_entry
from tiny_models import both, presets, target, tiny

ROWS = 60


BAD_TABLES = {
    "inf": (lambda X: with_entry(X, np.inf), "X contains infinity"),
    "float16 inf": (lambda X: with_entry(X, np.inf).astype("f2"), "X contains infinity"),
    "1-D": (lambda X: X[:, 0], "Expected 2D array, got 1D array"),
    "3-D": (lambda X: X[:, :, None], "Found array with dim 3"),
    "scalar": (lambda X: 5.0, "Expected 2D array, got scalar"),
    "no rows": (lambda X: X[:0], r"0 sample\(s\)|at least one row"),
    "inf beside nan": (
        lambda X: with_entry(with_entry(X, np.inf), np.nan, row=5),
        "X contains infinity",
    ),
    "inf beside text": (
        lambda X: np.where(np.arange(4) == 3, "a", with_entry(X.astype(object), np.inf)),
        "X contains infinity",
    ),
    "no columns": (lambda X: X[:, :0], r"0 feature(s|\(s\))"),
    "complex": (lambda X: X.astype(complex), "Complex data not supported"),
    "ragged": (lambda X: [[1, 2], [3]], "inhomogeneous"),
    "None": (lambda X: None, "Expected 2D array, got scalar|must be given together"),
}


@pytest.mark.parametrize("kind", BAD_TABLES)
@presets
@both
def test_bad_tables(estimator, more, kind, X, y):
    make, message = BAD_TABLES[kind]
    y = target(estimator, y)
    n = len(make(X)) if kind == "no rows" else ROWS
    with pytest.raises(ValueError, match=message):
        tiny(estimator, **more).fit(make(X), y[:n])
    model = tiny(estimator, **more).fit(X, y)
    prediction = model.predict(X)
    with pytest.raises(ValueError, match=message):
        model.predict(make(X))
    with pytest.raises(ValueError, match=re.sub(r"\bX\b", "X_val", message)):
        model.fit(X, y, X_val=make(X), y_val=y[:n])
    with pytest.raises(ValueError, match=message):
        model.partial_fit(make(X), y[:n])
    np.testing.assert_array_equal(model.predict(X), prediction)


@both
def test_one_row_is_too_few_to_fit(estimator, X, y):
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        tiny(estimator).fit(X[:1], target(estimator, y)[:1])


def test_dates_where_there_were_numbers(X, y):
    model = tiny().fit(X, y)
    prediction = model.predict(X)
    dates = X.astype("M8[D]")
    for use in (model.predict, lambda table: model.fit(X, y, X_val=table, y_val=y)):
        with pytest.raises(TypeError, match=r"must hold numbers in column 'x0', .*; got dates"):
            use(dates)
    np.testing.assert_array_equal(model.predict(X), prediction)


def test_targets_that_are_dates(X, y):
    polars = pytest.importorskip("polars")
    days = np.arange(ROWS).astype("M8[D]")
    for target_ in (list(days), polars.Series(days), list(days - days[0])):
        with pytest.raises(TypeError, match="y must hold numbers or labels; got dates"):
            tiny().fit(X, target_)


def test_a_mapping_is_no_table(X, y):
    model = tiny().fit(X, y)
    for row in ({"a": 1.0}, {"a": [1.0, 2.0]}):
        with pytest.raises(ValueError, match=r"got a mapping.*model\.predictor"):
            model.predict(row)
