"""Arrays of every type and layout, and frames of numbers, give the same fit."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from tiny_models import assert_same_weights, both, presets, target, tiny
from unaligned import unaligned

ROWS = 60


# Float networks standardise types that float32 holds exactly in float32, the others in float64.
IN_SINGLE = ["int8", "uint8", "int16", "uint16", "float16", "float32"]
IN_DOUBLE = ["int32", "uint32", "int64", "uint64", "float64", "longdouble", "object"]


@pytest.mark.parametrize("dtype", IN_SINGLE + IN_DOUBLE)
@presets
@both
def test_dtypes(estimator, more, dtype, X, y):
    y = target(estimator, y)
    plain = X.astype("float32" if dtype in IN_SINGLE else "float64")
    expected = tiny(estimator, **more).fit(plain, y)
    model = tiny(estimator, **more).fit(X.astype(dtype), y)
    np.testing.assert_array_equal(model.predict(X.astype(dtype)), expected.predict(plain))
    assert_same_weights(model, expected)


@presets
def test_bool_is_zero_and_one(more, X, y):
    expected = tiny(**more).fit((X > 2).astype(np.float32), y)
    model = tiny(**more).fit(X > 2, y)
    np.testing.assert_array_equal(model.predict(X > 2), expected.predict((X > 2).astype("f4")))


@pytest.mark.parametrize("narrow", ["float32", "int16"])
@presets
def test_double_networks_standardise_in_double(more, narrow, X, y):
    table = (100 * X + 20_000).astype(narrow)  # where float32 has five digits left
    wide = table.astype("float64")
    one, other = (tiny(dtype="float64", **more).fit(table_, y) for table_ in (table, wide))
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
    "unaligned": lambda X, path: unaligned(X),
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
    expected = tiny(**more).fit(X, y)
    given = LAYOUTS[layout](X, tmp_path)
    if layout == "other byte order" and dtype == "float32":
        X = X.astype(np.float64)  # converted, and then standardised in float64
        expected = tiny(**more).fit(X, y)
    model = tiny(**more).fit(given, y, X_val=given[:20], y_val=y[:20])
    own = tiny(**more).fit(X, y, X_val=X[:20], y_val=y[:20])
    assert_same_weights(model, own)
    assert model.validation_curve_ == own.validation_curve_
    np.testing.assert_array_equal(expected.predict(given), expected.predict(X))


@pytest.mark.parametrize("missing", [False, True])
@presets
def test_input_is_not_written_to(more, missing, X, y):
    X, y, weights = np.where(missing & (X == 4), np.nan, X), y.copy(), np.ones(ROWS)
    copies = X.copy(), y.copy(), weights.copy()
    tiny(**more).fit(X, y, weights, X_val=X, y_val=y, sample_weight_val=weights).predict(X)
    tiny(**more, compute_importances=True).fit(X, y, weights)
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
    expected = tiny(estimator, **more).fit(X, y, X_val=X[:9], y_val=y[:9])
    model = tiny(estimator, **more).fit(frame, y, X_val=frame[:9], y_val=y[:9])
    assert model.validation_curve_ == expected.validation_curve_
    np.testing.assert_array_equal(model.predict(frame), expected.predict(X))


@pytest.mark.parametrize("factor", [1e200, 1e300])
@pytest.mark.parametrize(
    ("standardize", "message"),
    [
        (True, "X holds values too large to be standardised"),
        (False, "training diverged"),
        ("robust", None),
    ],
)
@presets
def test_inputs_near_the_end_of_the_range(more, standardize, message, factor, X, y):
    model = tiny(standardize=standardize, **more)
    if message is None:
        assert np.isfinite(model.fit(X * factor, y).predict(X * factor)).all()
        return
    with pytest.raises(ValueError, match=message):
        model.fit(X * factor, y)


@pytest.mark.parametrize("factor", [1e200, 1e300])
@pytest.mark.parametrize("standardize", [True, False, "robust"])
@presets
def test_targets_near_the_end_of_the_range(more, standardize, factor, X, y):
    message = "to be standardised" if standardize else "for float32"
    with pytest.raises(ValueError, match=f"y holds values too large {message}"):
        tiny(standardize=standardize, **more).fit(X, y * factor)


@pytest.mark.parametrize("factor", [1e-40, 1e-45, 1e-200, 1e-300])
@pytest.mark.parametrize("standardize", [True, "robust"])
@presets
def test_inputs_near_zero(more, standardize, factor, X, y):
    """Where what is small vanishes, a column would not count, and nobody would know."""
    X = X * factor if factor < 1e-100 else (X * factor).astype("float32")
    with pytest.raises(ValueError, match="X holds values too small to be standardised"):
        tiny(standardize=standardize, **more).fit(X, y)


@pytest.mark.parametrize("factor", [1e-200, 1e-300])
@presets
def test_targets_near_zero(more, factor, X, y):
    with pytest.raises(ValueError, match="y holds values too small to be standardised"):
        tiny(**more).fit(X, y * factor)
    with pytest.raises(ValueError, match="y holds values too small for float32"):
        tiny(standardize=False, **more).fit(X, y * factor)


@presets
def test_small_numbers_that_can_be_scaled_are(more, X, y):
    expected = tiny(**more).fit(X, y).predict(X)
    found = tiny(**more).fit(X * 2.0**-100, y * 2.0**-400).predict(X * 2.0**-100)
    np.testing.assert_allclose(found * 2.0**400, expected, rtol=1e-5)
    one_large = np.append(X[:-1] * 1e-300, X[-1:] + 10, axis=0)
    model = tiny(early_stopping=False, **more).fit(one_large, y)
    assert np.isfinite(model.predict(one_large)).all()
