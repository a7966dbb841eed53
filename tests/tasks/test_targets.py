"""Targets of every type, and those that are refused."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.exceptions import DataConversionWarning
from tiny_models import both, presets, target, tiny

from fastmlp import Classifier

ROWS = 60
TARGETS = {
    "list": lambda y: y.tolist(),
    "pandas": pd.Series,
    "pandas, own index": lambda y: pd.Series(y, index=np.arange(len(y))[::-1]),
    "polars": pl.Series,
    "strided": lambda y: np.repeat(y, 2)[::2],
}


@pytest.mark.parametrize("kind", TARGETS)
@presets
@both
def test_targets(estimator, more, kind, X, y):
    y = target(estimator, y)
    expected = tiny(estimator, **more).fit(X, y)
    model = tiny(estimator, **more).fit(X, TARGETS[kind](y))
    np.testing.assert_array_equal(model.predict(X), expected.predict(X))


@pytest.mark.parametrize("dtype", ["i1", "u1", "i8", "u8", "f2", "f4", "g", ">f8", "?", "O"])
@presets
def test_dtypes_of_regression_targets(more, dtype, X, y):
    y = np.abs(y).astype(dtype)
    expected = tiny(**more).fit(X, y.astype("f8")).predict(X)
    np.testing.assert_allclose(tiny(**more).fit(X, y).predict(X), expected, rtol=1e-6)


@pytest.mark.parametrize(
    "labels",
    [
        np.array(["no", "yes"]),
        np.array(["no", "yes"], dtype=object),
        np.array([False, True]),
        np.array([-7, 3]),
        np.array([0.0, 1.0]),
        np.array([200, 255], dtype=np.uint8),
    ],
    ids=["text", "object", "bool", "int", "float", "uint8"],
)
@presets
def test_kinds_of_labels(more, labels, X, y):
    codes = target(Classifier, y)
    expected = tiny(Classifier, **more).fit(X, codes)
    model = tiny(Classifier, **more).fit(X, labels[codes])
    np.testing.assert_array_equal(model.classes_, labels)
    np.testing.assert_array_equal(model.predict(X), labels[expected.predict(X)])
    np.testing.assert_array_equal(model.predict_proba(X), expected.predict_proba(X))


def test_categorical_labels(X, y):
    codes = target(Classifier, y)
    labels = pd.Series(pd.Categorical.from_codes(codes, ["no", "yes"]))
    model = tiny(Classifier).fit(X, labels)
    assert model.classes_.tolist() == ["no", "yes"]


@both
def test_column_vector_warns_as_scikit_learn(estimator, X, y):
    y = target(estimator, y)
    with pytest.warns(DataConversionWarning, match="column-vector y was passed"):
        model = tiny(estimator).fit(X, y[:, None])
    np.testing.assert_array_equal(model.predict(X), tiny(estimator).fit(X, y).predict(X))


@presets
def test_constant_target(more, X):
    model = tiny(max_iter=50, **more).fit(X, np.full(ROWS, 1e6))
    np.testing.assert_allclose(model.predict(X), 1e6, atol=1)


BAD_TARGETS = {
    "missing": (lambda y: None, "requires y to be passed"),
    "too long": (lambda y: np.append(y, y[0]), "inconsistent.*: X has 60 rows and y has 61"),
    "too short": (lambda y: y[:-1], "inconsistent.*: X has 60 rows and y has 59"),
    "nan": (lambda y: np.append(y[:-1].astype(float), np.nan), "y contains NaN"),
    "None": (lambda y: np.append(y[:-1].astype(object), None), "y contains NaN or None"),
    "None in a list": (lambda y: [None, *y[1:].tolist()], "y contains NaN or None"),
    "NA": (lambda y: pd.Series([pd.NA, *y[1:].tolist()]), "y contains NaN or <NA>"),
    "missing text": (
        lambda y: pd.Series([None, *"ab" * 30], dtype="string")[: y.size],
        "y contains NaN or <NA>",
    ),
    "inf": (lambda y: np.append(y[:-1].astype(float), np.inf), "y contains infinity"),
    "3-D": (lambda y: np.tile(y[:, None, None], (1, 2, 2)), "Found array with dim 3"),
    "scalar": (lambda y: 5.0, r"y must hold the target of each row; got 5\.0$"),
    "name": (lambda y: "t", r"^y must .* streams .* fit\(X.drop\(columns='t'\), X\['t'\]\)"),
}


@pytest.mark.parametrize("kind", BAD_TARGETS)
@presets
@both
def test_bad_targets(estimator, more, kind, X, y):
    make, message = BAD_TARGETS[kind]
    with pytest.raises(TypeError if kind in ("scalar", "name") else ValueError, match=message):
        tiny(estimator, **more).fit(X, make(target(estimator, y)))


@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (np.array(["a", "b"] * 30), ValueError, "y must hold numbers"),
        (np.ones(ROWS, dtype=complex), ValueError, "Complex data not supported"),
        (np.arange(ROWS).astype("M8[D]"), TypeError, "y must hold numbers or labels; got dates"),
    ],
    ids=["text", "complex", "datetime"],
)
def test_bad_regression_targets(bad, error, message, X):
    with pytest.raises(error, match=message):
        tiny().fit(X, bad)


def test_bad_class_targets(X, y):
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        tiny(Classifier).fit(X, y)
    with pytest.raises(ValueError, match=r"at least two classes.* 1"):
        tiny(Classifier).fit(X, np.zeros(ROWS, dtype=int))
    with pytest.raises(ValueError, match="Unknown label type: continuous-multioutput"):
        tiny(Classifier).fit(X, np.column_stack([y, y]))


def test_negative_counts_for_poisson(X, y):
    with pytest.raises(ValueError, match="y must not be negative for loss='poisson'"):
        tiny(loss="poisson").fit(X, y)


BAD_CLASS_WEIGHTS = [
    ({0: -1.0, 1: 1.0}, ValueError, "class_weight must hold finite numbers >= 0"),
    ({0: np.nan, 1: 1.0}, ValueError, "class_weight must hold finite numbers >= 0"),
    ({0: np.inf, 1: 1.0}, ValueError, "class_weight must hold finite numbers >= 0"),
    ({0: 0.0, 1: 0.0}, ValueError, "class_weight.* must have at least one positive weight"),
    ({"a": 1.0, "b": 1.0}, ValueError, r"class_weight names classes .*: \['a', 'b'\]"),
    ({0: "a"}, TypeError, "class_weight must hold numbers; got {0: 'a'}"),
    ([1.0, 2.0], ValueError, "class_weight can be a list only where there are several labels"),
]


@pytest.mark.parametrize(("bad", "error", "message"), BAD_CLASS_WEIGHTS)
@pytest.mark.parametrize("standardize", [True, False])
def test_bad_class_weights(bad, error, message, standardize, X, y):
    model = tiny(Classifier, class_weight=bad, standardize=standardize)
    with pytest.raises(error, match=message):
        model.fit(X, target(Classifier, y))


@pytest.mark.parametrize("values", [(-1, 1), (1, 2)])
def test_several_labels_are_zeros_and_ones(values, X):
    labels = np.random.default_rng(0).choice(values, size=(ROWS, 3))
    with pytest.raises(ValueError, match="must hold 0 and 1 only"):
        tiny(Classifier).fit(X, labels)


def test_sparse_targets(X, y):
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match="y must be a dense array"):
        tiny().fit(X, sparse.csr_array(y[:, None]))
