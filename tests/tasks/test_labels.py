"""Classes: labels of any type, rare ones, many."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from raw_table import FRAME, IS_OLD, QUICK

from fastmlp import Classifier, Regressor


@pytest.mark.parametrize("preset", ["default", "plain"])
@pytest.mark.parametrize("rows", [1, 2, 3])
def test_class_of_few_rows(rows, preset):
    y = np.where(IS_OLD, "old", "young").astype(object)
    y[:rows] = "unborn"
    model = Classifier(**QUICK, preset=preset).fit(FRAME, y)
    assert model.classes_.tolist() == ["old", "unborn", "young"]
    probabilities = model.predict_proba(FRAME)
    assert probabilities.shape == (120, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_nineteen_classes():
    y = np.random.default_rng(0).integers(19, size=120)
    model = Classifier(**QUICK | {"n_estimators": 8}).fit(FRAME, y)
    assert model.classes_.size == 19
    probabilities = model.predict_proba(FRAME)
    assert probabilities.shape == (120, 19)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(model.predict(FRAME), probabilities.argmax(axis=1))


LABELS = {
    "str": np.array(["no", "yes"]),
    "object": np.array(["no", "yes"], dtype=object),
    "bool": np.array([False, True]),
    "int": np.array([-3, 7]),
    "uint8": np.array([0, 1], dtype=np.uint8),
    "float": np.array([0.0, 1.0]),
    "float32": np.array([2.0, 5.0], dtype=np.float32),
    "pandas": pd.Series(["no", "yes"]),
    "categorical": pd.Series(pd.Categorical(["no", "yes"])),
    "categories of numbers": pd.Series(pd.Categorical([20, 30])),
    "nullable": pd.Series([1, 2], dtype="Int64"),
    "polars": pl.Series(["no", "yes"]),
    "polars categorical": pl.Series(["no", "yes"], dtype=pl.Categorical),
    "pyarrow": pa.array(["no", "yes"]),
}


@pytest.mark.parametrize("kind", LABELS)
def test_labels_of_any_type(kind):
    labels, rows = LABELS[kind], IS_OLD.astype(int)
    y = labels.take(pa.array(rows)) if kind == "pyarrow" else labels[rows]
    model = Classifier(**QUICK).fit(FRAME, y)
    assert model.classes_.tolist() == np.asarray(labels).tolist()
    likeliest = model.predict_proba(FRAME).argmax(axis=1)
    assert set(likeliest) == {0, 1}
    np.testing.assert_array_equal(model.predict(FRAME), model.classes_[likeliest])
    assert model.predict(FRAME).dtype == model.classes_.dtype


def fit_with_classes(y, y_val):
    Classifier(**QUICK, class_weight=dict.fromkeys(y_val, 1.0)).fit(FRAME, y)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda y, _: Regressor(**QUICK).fit(FRAME, y), "y must hold numbers; Classifier is for"),
        (
            lambda y, y_val: Classifier(**QUICK).fit(FRAME, y, X_val=FRAME, y_val=y_val),
            "y_val must only have the labels",
        ),
        (
            lambda y, y_val: Classifier(**QUICK).partial_fit(FRAME, y, classes=np.unique(y_val)),
            "classes must hold all labels of y",
        ),
        (lambda y, _: Classifier(**QUICK).fit(FRAME, y[:1].repeat(120)), "at least two classes"),
        (fit_with_classes, "class_weight names classes that do not exist"),
        (
            lambda y, _: Classifier(**QUICK, categorical_features=y[:2].tolist()).fit(FRAME, y),
            "categorical_features that are not among the columns",
        ),
    ],
)
def test_messages_quote_a_few_labels_and_little_of_each(call, message):
    documents = np.array([f"{'word ' * 50}{n}" for n in range(120)], dtype=object)
    y, y_val = documents[np.arange(120) % 40], documents[np.arange(120) % 60 + 40]
    with pytest.raises(ValueError, match=message) as raised:
        call(y, y_val)
    assert "word word" in str(raised.value)
    assert len(str(raised.value)) < 1000
    assert raised.value.__cause__ is None
