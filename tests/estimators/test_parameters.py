"""Every kind of table that should be taken, and a clear error for every other."""

import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning

from fastmlp import Classifier, Regressor

ROWS = 60
both = pytest.mark.parametrize("estimator", [Regressor, Classifier])
SEVERAL = {"preset": "default", "n_estimators": 2}
presets = pytest.mark.parametrize("more", [{}, SEVERAL], ids=["plain", "default"])


def quick(estimator=Regressor, **options):
    defaults = {"preset": "plain", "hidden_layer_sizes": 8, "max_iter": 3, "random_state": 0}
    return estimator(**defaults | options)


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).integers(0, 5, size=(ROWS, 4)).astype(np.float64)


@pytest.fixture(scope="module")
def y(X):
    return X[:, 0] - 2 * X[:, 1] + np.random.default_rng(1).normal(size=ROWS)


def target(estimator, y):
    return y if estimator is Regressor else (y > np.median(y)).astype(int)


def assert_same_weights(one, other):
    for own, others in zip(one.networks_, other.networks_, strict=True):
        for a, b in zip(own.parameters, others.parameters, strict=True):
            np.testing.assert_array_equal(a, b)


# ---- types and memory

# Float networks standardise types that float32 holds exactly in float32, the others in float64.
IN_SINGLE = ["int8", "uint8", "int16", "uint16", "float16", "float32"]
IN_DOUBLE = ["int32", "uint32", "int64", "uint64", "float64", "longdouble", "object"]


@pytest.mark.parametrize("dtype", IN_SINGLE + IN_DOUBLE)
@presets
@both
def test_dtypes(estimator, more, dtype, X, y):
    y = target(estimator, y)
    plain = X.astype("float32" if dtype in IN_SINGLE else "float64")
    expected = quick(estimator, **more).fit(plain, y)
    model = quick(estimator, **more).fit(X.astype(dtype), y)
    np.testing.assert_array_equal(model.predict(X.astype(dtype)), expected.predict(plain))
    assert_same_weights(model, expected)


@presets
def test_bool_is_zero_and_one(more, X, y):
    expected = quick(**more).fit((X > 2).astype(np.float32), y)
    model = quick(**more).fit(X > 2, y)
    np.testing.assert_array_equal(model.predict(X > 2), expected.predict((X > 2).astype("f4")))


@pytest.mark.parametrize("narrow", ["float32", "int16"])
@presets
def test_double_networks_standardise_in_double(more, narrow, X, y):
    table = (100 * X + 20_000).astype(narrow)  # where float32 has five digits left
    wide = table.astype("float64")
    one, other = (quick(dtype="float64", **more).fit(table_, y) for table_ in (table, wide))
    assert_same_weights(one, other)
    np.testing.assert_array_equal(one.predict(table), other.predict(wide))


def memmap(X, path):
    mapped = np.memmap(path / "X", dtype=X.dtype, mode="w+", shape=X.shape)
    mapped[...] = X
    mapped.flush()
    return np.memmap(path / "X", dtype=X.dtype, mode="r", shape=X.shape)


def strided(X, path):
    wide = np.full((3 * X.shape[0], 2 * X.shape[1]), 99, dtype=X.dtype)
    wide[::3, 1::2] = X
    return wide[::3, 1::2]


def unaligned(X, path):
    memory = np.zeros(X.nbytes + 1, dtype=np.uint8)
    view = memory[1:].view(X.dtype).reshape(X.shape)
    view[...] = X
    assert not view.flags.aligned
    return view


def read_only(X, path):
    X = X.copy()
    X.flags.writeable = False
    return X


LAYOUTS = {
    "fortran": lambda X, path: np.asfortranarray(X),
    "strided": strided,
    "negative rows": lambda X, path: X[::-1].copy()[::-1],
    "negative columns": lambda X, path: X[:, ::-1].copy()[:, ::-1],
    "read-only": read_only,
    "other byte order": lambda X, path: X.astype(X.dtype.newbyteorder("S")),
    "unaligned": unaligned,
    "memmap": memmap,
    "field of records": lambda X, path: np.rec.fromarrays([X, X + 1], names="a,b")["a"],
    "list": lambda X, path: X.tolist(),
    "tuple": lambda X, path: tuple(map(tuple, X.tolist())),
}


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "int16"])
@pytest.mark.parametrize("layout", LAYOUTS)
@presets
def test_layouts(more, layout, dtype, X, y, tmp_path):
    if layout in ("list", "tuple"):
        X = X.astype(np.int64 if dtype.startswith("int") else np.float64)  # what lists become
    else:
        X = X.astype(dtype)
    expected = quick(**more).fit(X, y)
    given = LAYOUTS[layout](X, tmp_path)
    if layout == "other byte order" and dtype == "float32":
        X = X.astype(np.float64)  # converted, and then standardised in float64
        expected = quick(**more).fit(X, y)
    model = quick(**more).fit(given, y, X_val=given[:20], y_val=y[:20])
    own = quick(**more).fit(X, y, X_val=X[:20], y_val=y[:20])
    assert_same_weights(model, own)
    assert model.validation_curve_ == own.validation_curve_
    np.testing.assert_array_equal(expected.predict(given), expected.predict(X))


@pytest.mark.parametrize("missing", [False, True])
@presets
def test_input_is_not_written_to(more, missing, X, y):
    X, y, weights = np.where(missing & (X == 4), np.nan, X), y.copy(), np.ones(ROWS)
    copies = X.copy(), y.copy(), weights.copy()
    quick(**more).fit(X, y, weights, X_val=X, y_val=y, sample_weight_val=weights).predict(X)
    quick(**more, compute_importances=True).fit(X, y, weights)
    for own, other in zip((X, y, weights), copies, strict=True):
        np.testing.assert_array_equal(own, other)


FRAMES = {
    "pandas": lambda X: pd.DataFrame(X, columns=list("abcd")),
    "pandas mixed": lambda X: pd.DataFrame(X, columns=list("abcd")).astype(
        {"a": "int8", "b": "float32", "c": "Int64", "d": "Float64"}
    ),
    "polars": lambda X: pl.DataFrame(X, schema=list("abcd")),
    "polars mixed": lambda X: pl.DataFrame(X, schema=list("abcd")).cast({"a": pl.Int8}),
}


@pytest.mark.parametrize("kind", FRAMES)
@presets
@both
def test_frames(estimator, more, kind, X, y):
    y = target(estimator, y)
    frame = FRAMES[kind](X)
    expected = quick(estimator, **more).fit(X, y, X_val=X[:9], y_val=y[:9])
    model = quick(estimator, **more).fit(frame, y, X_val=frame[:9], y_val=y[:9])
    assert model.validation_curve_ == expected.validation_curve_
    np.testing.assert_array_equal(model.predict(frame), expected.predict(X))


# ---- targets

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
    expected = quick(estimator, **more).fit(X, y)
    model = quick(estimator, **more).fit(X, TARGETS[kind](y))
    np.testing.assert_array_equal(model.predict(X), expected.predict(X))


@pytest.mark.parametrize("dtype", ["i1", "u1", "i8", "u8", "f2", "f4", "g", ">f8", "?", "O"])
@presets
def test_dtypes_of_regression_targets(more, dtype, X, y):
    y = np.abs(y).astype(dtype)
    expected = quick(**more).fit(X, y.astype("f8")).predict(X)
    np.testing.assert_allclose(quick(**more).fit(X, y).predict(X), expected, rtol=1e-6)


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
    expected = quick(Classifier, **more).fit(X, codes)
    model = quick(Classifier, **more).fit(X, labels[codes])
    np.testing.assert_array_equal(model.classes_, labels)
    np.testing.assert_array_equal(model.predict(X), labels[expected.predict(X)])
    np.testing.assert_array_equal(model.predict_proba(X), expected.predict_proba(X))


def test_categorical_labels(X, y):
    codes = target(Classifier, y)
    labels = pd.Series(pd.Categorical.from_codes(codes, ["no", "yes"]))
    model = quick(Classifier).fit(X, labels)
    assert model.classes_.tolist() == ["no", "yes"]


@both
def test_column_vector_warns_as_scikit_learn(estimator, X, y):
    y = target(estimator, y)
    with pytest.warns(DataConversionWarning, match="column-vector y was passed"):
        model = quick(estimator).fit(X, y[:, None])
    np.testing.assert_array_equal(model.predict(X), quick(estimator).fit(X, y).predict(X))


def test_own_validation_part(X, y):
    model = quick().fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:])
    assert len(model.validation_curve_) == 3
    scale, shift = np.std(y[:40]), np.mean(y[:40])
    prediction = model.predict(X[40:])
    loss = np.mean(((prediction - y[40:]) / scale) ** 2)
    assert shift != 0
    np.testing.assert_allclose(min(model.validation_curve_), loss, rtol=1e-5)
    weights = np.random.default_rng(0).uniform(size=20)
    model = quick().fit(X[:40], y[:40], X_val=X[40:], y_val=y[40:], sample_weight_val=weights)
    errors = ((model.predict(X[40:]) - y[40:]) / scale) ** 2
    np.testing.assert_allclose(
        min(model.validation_curve_), np.average(errors, weights=weights), rtol=1e-5
    )


@pytest.mark.parametrize("rows", [2, 3, 9, 10, 11])
@pytest.mark.parametrize(
    "more", [{}, SEVERAL, {"preset": "default"}], ids=["plain", "two networks", "default"]
)
@both
def test_few_rows(estimator, more, rows, X, y):
    labels = np.arange(rows) % 2 if estimator is Classifier else y[:rows]
    model = quick(estimator, **more).fit(X[:rows], labels)
    assert (model.validation_curve_ is not None) == (rows >= 10)
    assert model.predict(X[:1]).shape == (1,)


@presets
def test_single_column_and_constant_column(more, X, y):
    assert np.isfinite(quick(**more).fit(X[:, :1], y).predict(X[:, :1])).all()
    table = np.column_stack([X, np.full(ROWS, 1e9)])
    assert np.isfinite(quick(**more).fit(table, y).predict(table)).all()
    constant = table[:, -1:]
    assert np.isfinite(quick(**more).fit(constant, y).predict(constant)).all()


@presets
def test_constant_target(more, X):
    model = quick(max_iter=50, **more).fit(X, np.full(ROWS, 1e6))
    np.testing.assert_allclose(model.predict(X), 1e6, atol=1)


# ---- missing values and text: tests/test_columns.py has what becomes of them


@presets
@both
def test_missing_values(estimator, more, X, y):
    y = target(estimator, y)
    table = np.where(X == 4, np.nan, X)
    model = quick(estimator, **more).fit(table, y, X_val=table[:9], y_val=y[:9])
    assert np.isfinite(model.predict(table).astype(float)).all()
    assert np.isfinite(model.validation_curve_).all()
    model.partial_fit(table, y)
    frame = pd.DataFrame(table).convert_dtypes()
    assert frame.isna().any(axis=None)
    np.testing.assert_array_equal(
        quick(estimator, **more).fit(frame, y).predict(frame),
        quick(estimator, **more).fit(table, y).predict(table),
    )


@presets
@both
def test_values_that_were_never_missing_in_training(estimator, more, X, y):
    model = quick(estimator, **more).fit(X, target(estimator, y))
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
    model = quick(estimator, **more).fit(frame, y, X_val=frame[:9], y_val=y[:9])
    model.partial_fit(frame, y)
    prediction = model.predict(frame)
    assert prediction.shape == (ROWS,)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(frame), prediction)
    unknown = frame.assign(b="blue")
    assert model.predict(unknown).shape == (ROWS,)


@both
def test_text_where_there_were_numbers(estimator, X, y):
    y = target(estimator, y)
    model = quick(estimator).fit(X, y)
    before = model.predict(X)
    text = X.astype(object)
    text[5, 2] = "many"
    for use in (
        lambda: model.predict(text),
        lambda: model.partial_fit(text, y),
        lambda: quick(estimator).fit(X, y, X_val=text, y_val=y),
    ):
        with pytest.raises(ValueError, match="column 'x2' was numeric in training; got 'many'"):
            use()
    np.testing.assert_array_equal(model.predict(X), before)


# ---- errors: what was wrong, by name


def with_entry(X, value, row=3):
    X = np.array(X)
    X[row, 1] = value
    return X


BAD_TABLES = {
    "inf": (lambda X: with_entry(X, np.inf), "X contains infinity"),
    "float16 inf": (lambda X: with_entry(X, np.inf).astype("f2"), "X contains infinity"),
    "1-D": (lambda X: X[:, 0], "Expected 2D array, got 1D array"),
    "3-D": (lambda X: X[:, :, None], "dim 3|expected <= 2"),
    "scalar": (lambda X: 5.0, "Expected 2D array, got scalar"),
    "no rows": (lambda X: X[:0], "0 sample|at least one row"),
    "inf beside nan": (
        lambda X: with_entry(with_entry(X, np.inf), np.nan, row=5),
        "X contains infinity",
    ),
    "inf beside text": (
        lambda X: np.where(np.arange(4) == 3, "a", with_entry(X.astype(object), np.inf)),
        "X contains infinity",
    ),
    "no columns": (lambda X: X[:, :0], r"0 feature(s|\(s\))"),
    "sparse": (scipy.sparse.csr_array, "[Ss]parse"),
    "complex": (lambda X: X.astype(complex), "[Cc]omplex data not supported"),
    "ragged": (lambda X: [[1, 2], [3]], "inhomogeneous"),
    "datetime": (lambda X: X.astype("M8[D]"), "datetime64|X"),
    "NaT": (lambda X: np.where(X > 3, np.datetime64("NaT"), X.astype("M8[D]")), "datetime64|X"),
    "timedelta": (lambda X: X.astype("m8[s]"), "timedelta64|X"),
    "None": (lambda X: None, "X|NoneType|array"),
}


@pytest.mark.parametrize("kind", BAD_TABLES)
@presets
@both
def test_bad_tables(estimator, more, kind, X, y):
    make, message = BAD_TABLES[kind]
    y = target(estimator, y)
    n = len(make(X)) if kind == "no rows" else ROWS
    with pytest.raises((ValueError, TypeError), match=message):
        quick(estimator, **more).fit(make(X), y[:n])
    model = quick(estimator, **more).fit(X, y)
    prediction = model.predict(X)
    with pytest.raises((ValueError, TypeError), match=message):
        model.predict(make(X))
    with pytest.raises((ValueError, TypeError), match=message):
        model.fit(X, y, X_val=make(X), y_val=y[:n])
    with pytest.raises((ValueError, TypeError), match=message):
        model.partial_fit(make(X), y[:n])
    np.testing.assert_array_equal(model.predict(X), prediction)


@both
def test_one_row_is_too_few_to_fit(estimator, X, y):
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        quick(estimator).fit(X[:1], target(estimator, y)[:1])


BAD_TARGETS = {
    "missing": (lambda y: None, "requires y to be passed"),
    "too long": (lambda y: np.append(y, y[0]), "inconsistent numbers of samples"),
    "too short": (lambda y: y[:-1], "inconsistent numbers of samples"),
    "nan": (lambda y: np.append(y[:-1].astype(float), np.nan), "y contains NaN"),
    "None": (lambda y: np.append(y[:-1].astype(object), None), "y contains NaN or None"),
    "None in a list": (lambda y: [None, *y[1:].tolist()], "y contains NaN or None"),
    "NA": (lambda y: pd.Series([pd.NA, *y[1:].tolist()]), "y contains NaN or <NA>"),
    "missing text": (
        lambda y: pd.Series([None, *"ab" * 30], dtype="string")[: y.size],
        "y contains",
    ),
    "inf": (lambda y: np.append(y[:-1].astype(float), np.inf), "y contains infinity"),
    "3-D": (lambda y: np.tile(y[:, None, None], (1, 2, 2)), "dim 3|Unknown label|3"),
    "scalar": (lambda y: 5.0, "y|Expected|scalar|Singleton"),
}


@pytest.mark.parametrize("kind", BAD_TARGETS)
@presets
@both
def test_bad_targets(estimator, more, kind, X, y):
    make, message = BAD_TARGETS[kind]
    with pytest.raises((ValueError, TypeError), match=message):
        quick(estimator, **more).fit(X, make(target(estimator, y)))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.array(["a", "b"] * 30), "strings|could not convert"),
        (np.ones(ROWS, dtype=complex), "[Cc]omplex"),
        (np.arange(ROWS).astype("M8[D]"), "datetime64|y"),
    ],
    ids=["text", "complex", "datetime"],
)
def test_bad_regression_targets(bad, message, X):
    with pytest.raises((ValueError, TypeError), match=message):
        quick().fit(X, bad)


def test_bad_class_targets(X, y):
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        quick(Classifier).fit(X, y)
    with pytest.raises(ValueError, match=r"at least two classes.* 1"):
        quick(Classifier).fit(X, np.zeros(ROWS, dtype=int))
    with pytest.raises(ValueError, match="multiclass-multioutput"):
        quick(Classifier).fit(X, np.tile(np.arange(ROWS)[:, None] % 3, (1, 2)))


def test_negative_counts_for_poisson(X, y):
    with pytest.raises(ValueError, match="y must not be negative for loss='poisson'"):
        quick(loss="poisson").fit(X, y)


@both
def test_validation_part_that_does_not_fit(estimator, X, y):
    y = target(estimator, y)
    fit = quick(estimator).fit
    with pytest.raises(ValueError, match="X_val and y_val must be given together"):
        fit(X, y, X_val=X)
    with pytest.raises(ValueError, match="X_val and y_val must be given together"):
        fit(X, y, y_val=y)
    with pytest.raises(ValueError, match="sample_weight_val"):
        fit(X, y, sample_weight_val=np.ones(ROWS))
    with pytest.raises(ValueError, match="X_val and y_val must have the same number of rows"):
        fit(X, y, X_val=X, y_val=y[:-1])
    with pytest.raises((ValueError, TypeError), match="y_val"):
        fit(X, y, X_val=X, y_val=5)
    with pytest.raises(ValueError, match="y_val"):
        fit(X, y, X_val=X, y_val=np.append(y[:-1].astype(float), np.nan))
    with pytest.raises(ValueError, match="y_val"):
        fit(X, y, X_val=X, y_val=np.column_stack([y, y]))
    for bad in (-np.ones(ROWS), np.zeros(ROWS), np.ones(ROWS - 1), np.full(ROWS, np.nan)):
        with pytest.raises(ValueError, match="sample_weight_val"):
            fit(X, y, X_val=X, y_val=y, sample_weight_val=bad)
    if estimator is Classifier:
        with pytest.raises(ValueError, match="y_val must only have the labels"):
            fit(X, y, X_val=X, y_val=y + 5)


@pytest.mark.parametrize(
    "bad",
    [
        -np.ones(ROWS),
        np.zeros(ROWS),
        np.ones(ROWS - 1),
        np.ones((ROWS, 2)),
        np.full(ROWS, np.nan),
        np.full(ROWS, np.inf),
        np.array(["a"] * ROWS),
    ],
    ids=["negative", "zero", "short", "2-D", "nan", "inf", "text"],
)
@pytest.mark.parametrize("standardize", [True, False])
@both
def test_bad_weights(estimator, standardize, bad, X, y):
    y = target(estimator, y)
    model = quick(estimator, standardize=standardize)
    with pytest.raises(ValueError, match=r"[Ss]ample.?weight|could not convert string"):
        model.fit(X, y, bad)


@pytest.mark.parametrize("factor", [2.0**-100, 2.0**50, 2.0**100])
@pytest.mark.parametrize("standardize", [True, False])
@both
def test_scale_of_the_weights_is_free(estimator, standardize, factor, X, y):
    """Weights are relative, so that their unit does not matter."""
    y = target(estimator, y)
    weights = np.random.default_rng(0).uniform(0.5, 1.5, size=ROWS)
    one, other = (
        quick(estimator, standardize=standardize, solver="sgd").fit(X, y, weights * f)
        for f in (1.0, factor)
    )
    for a, b in zip(one.coefs_, other.coefs_, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("factor", [2.0**-100, 2.0**100])
@both
def test_scale_of_the_weights_is_free_for_several_networks(estimator, factor, X, y):
    y = target(estimator, y)
    weights = np.random.default_rng(0).uniform(0.5, 1.5, size=ROWS)
    one, other = (
        quick(estimator, solver="sgd", **SEVERAL).fit(X, y, weights * f) for f in (1.0, factor)
    )
    for own, others in zip(one.networks_, other.networks_, strict=True):
        for a, b in zip(own.parameters, others.parameters, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    predict = "predict" if estimator is Regressor else "predict_proba"
    np.testing.assert_allclose(getattr(one, predict)(X), getattr(other, predict)(X), rtol=1e-4)


@pytest.mark.parametrize("value", [1e-60, 1e60])
@pytest.mark.parametrize("standardize", [True, False])
@both
def test_weights_that_float32_cannot_hold(estimator, standardize, value, X, y):
    """Never a silent fit to nothing: the same as with weights of one, or an error."""
    y = target(estimator, y)
    model = quick(estimator, standardize=standardize, solver="sgd")
    expected = model.fit(X, y, np.ones(ROWS)).predict(X)
    try:
        prediction = clone(model).fit(X, y, np.full(ROWS, value)).predict(X)
    except ValueError as error:
        assert "sample_weight" in str(error)  # noqa: PT017
    else:
        np.testing.assert_allclose(prediction, expected, rtol=1e-4)


@pytest.mark.parametrize(
    "bad",
    [{0: -1.0, 1: 1.0}, {0: 0.0, 1: 0.0}, {0: np.nan, 1: 1.0}, {0: np.inf, 1: 1.0}],
    ids=["negative", "zero", "nan", "inf"],
)
@pytest.mark.parametrize("standardize", [True, False])
def test_bad_class_weights(bad, standardize, X, y):
    model = quick(Classifier, class_weight=bad, standardize=standardize)
    with pytest.raises(ValueError, match="class_weight"):
        model.fit(X, target(Classifier, y))


@pytest.mark.parametrize("bad", [{"a": 1.0, "b": 1.0}, {0: "a"}, [1.0, 2.0], "heavy", 3])
def test_class_weights_of_the_wrong_kind(bad, X, y):
    with pytest.raises((ValueError, TypeError), match="class_weight"):
        quick(Classifier, class_weight=bad).fit(X, target(Classifier, y))


# ---- parameters

BAD_PARAMETERS = [
    ("hidden_layer_sizes", [0, -1, 2.5, (8, 0), (8, 2.5), (8, "8"), "8", None, True, [[8]], 2**70]),
    ("activation", ["swish", 3, None, ["relu", "relu"], [], ["swish"], [3]]),
    ("preset", ["quick", "auto", None, 3]),
    ("n_estimators", [0, -1, 2.5, "all", None]),
    ("categorical_features", ["all", 3, [9], [-1], [1.5], ["a"], [True], [[0]], {"a": 1}]),
    ("numeric_embedding", ["linear", 3, True]),
    ("solver", ["lbfgs", None, 3]),
    ("alpha", [-1.0, np.nan, np.inf, "1", None]),
    ("l1_ratio", [-0.1, 1.1, np.nan, None]),
    ("weight_decay", [-1.0, np.nan, np.inf, None]),
    ("dropout", [-0.1, 1.0, np.nan, "a", None, [0.1, 0.1], [1.0], ["a"], []]),
    ("batch_size", [0, -1, 2.5, "all", None]),
    ("learning_rate", ["linear", None, 0.1]),
    ("learning_rate_init", [0.0, -1.0, np.nan, np.inf, "1", None]),
    ("learning_rate_factors", [1.0, [1.0], [1.0, -1.0], [1.0, np.nan], [1.0, np.inf], ["a", "b"]]),
    ("power_t", [-1.0, np.nan, None]),
    ("warmup_fraction", [-0.1, 1.0, np.nan, None]),
    ("max_iter", [0, -1, 2.5, None, 2**70]),
    ("time_limit", [0, 0.0, -1.0, np.nan, np.inf, "1", "auto"]),
    ("shuffle", ["yes", None]),
    ("random_state", ["a", -1, 2.5]),
    ("tol", [-1.0, np.nan, None]),
    ("verbose", [-1, "a", None]),
    ("warm_start", ["yes", None]),
    ("momentum", [-0.1, 1.1, np.nan, None]),
    ("nesterovs_momentum", ["yes", None]),
    ("early_stopping", ["yes", None]),
    ("validation_fraction", [0.0, 1.0, -0.1, np.nan, None]),
    ("eval_metric", ["nonsense", "auto", 3, ["r2"]]),
    ("compute_importances", ["yes", "auto", None]),
    ("beta_1", [-0.1, 1.0, np.nan, None]),
    ("beta_2", [-0.1, 1.0, np.nan, None]),
    ("epsilon", [0.0, -1.0, np.nan, np.inf, None]),
    ("n_iter_no_change", [0, -1, 2.5, np.nan, None]),
    ("max_grad_norm", [0.0, -1.0, np.nan, "1"]),
    ("standardize", ["yes", None]),
    ("dtype", ["float16", np.float32, None]),
    ("n_jobs", [0, 1.5, "all"]),
    ("callbacks", [3, [3], "print"]),
]
BAD_REGRESSOR = [
    ("loss", ["l2", None]),
    ("delta", [0.0, -1.0, np.nan, np.inf, None]),
    ("quantile", [0.0, 1.0, np.nan, None]),
]
BAD_CLASSIFIER = [
    ("label_smoothing", [-0.1, 1.0, np.nan, None]),
    ("class_weight", ["heavy", 3]),
    ("calibrate", ["yes", 2, None]),
]
BAD = [
    pytest.param(estimator, name, value, id=f"{estimator.__name__}-{name}-{value!r}")
    for estimator, own in ((Regressor, BAD_REGRESSOR), (Classifier, BAD_CLASSIFIER))
    for name, values in BAD_PARAMETERS + own
    for value in values
]


@pytest.mark.parametrize(("estimator", "name", "value"), BAD)
@presets
def test_bad_parameters(more, estimator, name, value, X, y):
    y = target(estimator, y)
    with pytest.raises((ValueError, TypeError), match=name):
        quick(estimator, **more | {name: value}).fit(X, y)


@pytest.mark.parametrize("n_jobs", [0, 1.5, "all"])
def test_bad_n_jobs_of_predict(n_jobs, X, y):
    model = quick(Regressor).fit(X, y).set_params(n_jobs=n_jobs)
    with pytest.raises(ValueError, match=f"n_jobs must be a number of threads.*got {n_jobs!r}"):
        model.predict(X)


def test_every_parameter_is_tested():
    for estimator, own in ((Regressor, BAD_REGRESSOR), (Classifier, BAD_CLASSIFIER)):
        assert {name for name, _ in BAD_PARAMETERS + own} == set(estimator().get_params())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch_size", 2**70),
        ("n_iter_no_change", 2**70),
        ("n_jobs", 2**40),
        ("n_jobs", -(2**40)),
        ("random_state", 2**32 - 1),
    ],
)
def test_huge_but_meaningful_parameters(name, value, X, y):
    model = quick(**{name: value}).fit(X, y)
    assert np.isfinite(model.predict(X)).all()


def share_of_errors(y_true, y_pred):
    return np.mean(y_true != y_pred)


GOOD = [
    {"hidden_layer_sizes": ()},
    {"hidden_layer_sizes": np.array([5, 3])},
    {"hidden_layer_sizes": np.int64(5)},
    {"hidden_layer_sizes": [5, 3], "activation": ["relu", "tanh"], "dropout": [0.1, 0.2]},
    {"dropout": np.array([0.1])},
    {"learning_rate_factors": np.array([1.0, 0.5])},
    {"learning_rate_init": np.float32(0.01), "max_iter": np.int32(2)},
    {"n_iter_no_change": np.inf},
    {"callbacks": []},
    {"n_estimators": np.int64(3)},
    {"preset": "fast"},
    {"preset": "best", "n_estimators": 3},
    {"categorical_features": [1, np.int64(2)]},
    {"categorical_features": np.array([True, False, False, True])},
    {"categorical_features": []},
    {"categorical_features": None},
    {"categorical_features": "from_dtype"},
    {"numeric_embedding": "periodic"},
    {"numeric_embedding": "piecewise_linear", "dtype": "float64"},
    {"numeric_embedding": "both"},
    {"numeric_embedding": None},
    {"standardize": "robust"},
    {"standardize": True},
    {"standardize": False},
    {"time_limit": 100},
    {"compute_importances": True},
    {"eval_metric": share_of_errors},
    # What presets set, whoever asks for it
    {"learning_rate": "coslog4"},
    {"n_iter_no_change": "auto", "validation_fraction": "auto", "beta_2": "auto"},
    {"activation": "auto", "dropout": "auto", "weight_decay": "auto", "batch_size": "auto"},
]


@pytest.mark.parametrize("options", GOOD, ids=str)
@presets
@both
def test_good_parameters(estimator, more, options, X, y):
    model = quick(estimator, **more | options).fit(X, target(estimator, y))
    for network in model.networks_:
        assert all(np.isfinite(values).all() for values in network.parameters)
    model.set_params(warm_start=True).fit(X, target(estimator, y))
    assert np.isfinite(model.predict(X)).all()
    assert pickle.loads(pickle.dumps(model)).predict(X).shape == (ROWS,)


@pytest.mark.parametrize(
    ("size", "error"),
    [(2**62, ValueError), ((2**31, 2**31), (ValueError, MemoryError)), (2**63, ValueError)],
)
@presets
@both
def test_sizes_that_overflow(estimator, more, size, error, X, y):
    with pytest.raises(error, match="layer"):
        quick(estimator, **more, hidden_layer_sizes=size).fit(X, target(estimator, y))


# ---- a failed call leaves the estimator as it was


def state(model, X):
    fitted = {
        name: value
        for name, value in vars(model).items()
        if name.endswith("_") and not name.startswith("_")
    }
    weights = [values for network in model.networks_ for values in network.parameters]
    # Pickling makes the predictor anew from the network, so that both must be as they were.
    return pickle.dumps(
        (fitted, weights, model.predict(X), pickle.loads(pickle.dumps(model)).predict(X))
    )


def never(record):
    raise KeyError("never")


FAILURES = {
    "inf": lambda m, X, y: m.fit(with_entry(X, np.inf), y),
    "dates": lambda m, X, y: m.fit(X.astype("M8[D]"), y),
    "other width": lambda m, X, y: m.fit(X[:, :2], y[:-1]),
    "bad y_val": lambda m, X, y: m.fit(X, y, X_val=X, y_val=y[:3]),
    "bad weights": lambda m, X, y: m.fit(X, y, -np.ones(ROWS)),
    "bad parameter": lambda m, X, y: m.set_params(alpha=-1).fit(X, y),
    "too large": lambda m, X, y: m.set_params(hidden_layer_sizes=2**62, warm_start=False).fit(X, y),
    "diverging": lambda m, X, y: m.set_params(learning_rate_init=1e30).fit(X, y),
    "callback": lambda m, X, y: m.set_params(callbacks=never).fit(X, y),
    "partial_fit inf": lambda m, X, y: m.partial_fit(with_entry(X, np.inf), y),
    "partial_fit dates": lambda m, X, y: m.partial_fit(X.astype("M8[D]"), y),
    "partial_fit other width": lambda m, X, y: m.partial_fit(X[:, :2], y),
    "partial_fit bad weights": lambda m, X, y: m.partial_fit(X, y, -np.ones(ROWS)),
    "partial_fit diverging": lambda m, X, y: m.set_params(
        learning_rate_init=1e30, learning_rate="constant"
    ).partial_fit(X, y),
    "partial_fit callback": lambda m, X, y: m.set_params(callbacks=never).partial_fit(X, y),
}


# Several steps per epoch, so that one that leaps is followed by one that sees it.
FRAGILE = {
    "solver": "sgd",
    "activation": "relu",
    "hidden_layer_sizes": (8, 8),
    "batch_size": 10,
}


@pytest.mark.parametrize("warm_start", [False, True])
@pytest.mark.parametrize("how", FAILURES)
@presets
@both
def test_failed_call_leaves_a_fitted_model_alone(estimator, more, how, warm_start, X, y):
    y = target(estimator, y)
    model = quick(estimator, warm_start=warm_start, **FRAGILE, **more).fit(X, y)
    before = state(model, X)
    with pytest.raises((ValueError, TypeError, KeyError)):
        FAILURES[how](model, X, y)
    assert state(model, X) == before


@pytest.mark.parametrize("how", sorted(FAILURES.keys() - {"partial_fit other width"}))
@presets
@both
def test_failed_call_leaves_an_unfitted_estimator_unfitted(estimator, more, how, X, y):
    model = quick(estimator, **FRAGILE, **more)
    with pytest.raises((ValueError, TypeError, KeyError)):
        FAILURES[how](model, X, target(estimator, y))
    assert set(vars(model)) == set(model.get_params())


def test_divergence_says_what_helps(X, y):
    model = quick(solver="sgd", learning_rate_init=1e30)
    with pytest.raises(ValueError, match=r"diverged.*learning_rate_init \(now 1e\+30\)"):
        model.fit(X, y)


@pytest.mark.parametrize("standardize", [True, False, "robust"])
@pytest.mark.parametrize("factor", [1e200, 1e300])
@presets
def test_values_near_the_end_of_the_range(more, factor, standardize, X, y):
    """Either a model with finite predictions or a clear error: no stray warning, no NaN."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for table, values in ((X * factor, y), (X, y * factor)):
            try:
                model = quick(standardize=standardize, **more).fit(table, values)
                prediction = model.predict(table)
            except ValueError as error:
                assert "diverged" in str(error) or "too large" in str(error)  # noqa: PT017
            else:
                assert np.isfinite(prediction).all()


# ---- mended: each of these failed once


def test_validation_on_the_same_table_with_other_targets(X, y):
    model = quick(max_iter=5)
    same = model.fit(X, y, X_val=X, y_val=y + 100).validation_curve_
    copied = model.fit(X, y, X_val=X.copy(), y_val=y + 100).validation_curve_
    assert same == copied


def test_dates_in_frames_and_lists(X, y):
    polars = pytest.importorskip("polars")
    days = np.arange(ROWS).astype("M8[D]")
    tables = [
        polars.DataFrame({"a": X[:, 0], "b": days}),
        polars.DataFrame({"b": days}),
        [[day] for day in days],
    ]
    for table in tables:
        with pytest.raises(TypeError, match="X must hold numbers; got dates"):
            quick().fit(table, y)
    for target_ in (list(days), polars.Series(days), list(days - days[0])):
        with pytest.raises(TypeError, match="y must hold numbers or labels; got dates"):
            quick().fit(X, target_)


def test_long_run_of_zero_weights():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(70_000, 40)).astype("float32")
    weights = np.ones(len(X))
    weights[:66_000] = 0
    model = quick(max_iter=1, early_stopping=False).fit(X, X[:, 0], weights)
    only = quick(max_iter=1, early_stopping=False).fit(X[66_000:], X[66_000:, 0])
    np.testing.assert_allclose(model._scaling.shift, only._scaling.shift, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("values", [(-1, 1), (1, 2)])
def test_several_labels_are_zeros_and_ones(values, X):
    labels = np.random.default_rng(0).choice(values, size=(ROWS, 3))
    with pytest.raises(ValueError, match=r"0 and 1 only|multiclass-multioutput"):
        quick(Classifier).fit(X, labels)


def test_sparse_targets(X, y):
    sparse = pytest.importorskip("scipy.sparse")
    with pytest.raises(TypeError, match="y must be a dense array"):
        quick().fit(X, sparse.csr_array(y[:, None]))


def test_beta_2_whose_complement_float32_cannot_hold(X, y):
    model = quick(beta_2=0.99999999, max_iter=5).fit(X, y)
    assert np.isfinite(model.predict(X)).all()


def test_denormal_weights_are_refused(X, y):
    with pytest.raises(ValueError, match="sample_weight must hold weights that float32"):
        quick(standardize=False).fit(X, y, np.full(ROWS, 1e-40))


def test_tiny_float32_inputs(X, y):
    model = quick().fit((X * 1e-39).astype("float32"), y)
    assert np.isfinite(model.predict((X * 1e-39).astype("float32"))).all()
