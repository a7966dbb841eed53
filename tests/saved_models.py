"""A tiny trained model of every kind that a model file can hold, and rows for it."""

import io
import warnings
from decimal import Decimal
from functools import cache

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sparse_tables import sparse_table
from tiny_models import TINY

from fastmlp import Classifier, Regressor
from fastmlp.model_file.container import packed, unpacked
from fastmlp.neural_network import MLPClassifier, MLPRegressor

ROWS = 40
RNG = np.random.default_rng(0)
X = RNG.normal(size=(ROWS, 3))
NUMBER = X[:, 0] - X[:, 1]
THREE = np.digitize(NUMBER, [-0.5, 0.5])
WORDS = np.array(["low", "mid", "höher"])[THREE]
LABELS = (X > 0).astype(int)
TWO_LABELS = np.column_stack([WORDS, np.where(X[:, 2] > 0, "above", "below")])


def every_column():
    """A frame with a column of every kind, some with missing values."""
    shuffled = 7 * np.arange(ROWS) % ROWS  # dates in order would call for time=
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(37 * shuffled, unit="D")
    ids = [Decimal(i % 4) / 3 for i in range(ROWS)]
    frame = pd.DataFrame(
        {
            "number": np.where(X[:, 0] > 1, np.nan, X[:, 0]),
            "integer": np.arange(ROWS) % 7,
            "binary": np.where(X[:, 1] > 0, "yes", "no"),
            "maybe": pd.Series(np.where(X[:, 2] > 1, None, "there"), dtype=object),
            "color ü": [["red", "green", "blue", None][i % 4] for i in range(ROWS)],
            "city": [f"city {i % 12}" for i in range(ROWS)],
            "flag": pd.Series([[True, False, None][i % 3] for i in range(ROWS)], dtype=object),
            "mixed": pd.Series([[1, "1", b"1", 2**70][i % 4] for i in range(ROWS)], dtype=object),
            "decimal": pd.Series(ids, dtype=object),
            "interval": pd.cut(X[:, 2], 4),
            "period": pd.Series([day.date() for day in days[:4]] * (ROWS // 4), dtype=object),
            "day": days,
            "written": days.strftime("%d.%m.%Y"),
            "lasted": pd.to_timedelta(np.arange(ROWS), unit="h"),
            "price": [f"${1000 + 17 * i:,}" for i in range(ROWS)],
            "same": "same",
        }
    )
    return frame


EVERY_COLUMN = every_column()
CATEGORIES = {"categorical_features": ["integer", "period", "decimal"]}
FEW = ["number", "maybe", "city", "color ü"]
ENSEMBLE = {"n_estimators": 3, "hidden_layer_sizes": 4, "max_iter": 3}
PLAIN = TINY | {"preset": "plain", "hidden_layer_sizes": 3}
MLP = {"hidden_layer_sizes": (4, 3), "max_iter": 4, "random_state": 0}


def _regressor(X, y, **options):
    return Regressor(**PLAIN | options).fit(X, y), X, y


def _classifier(X, y, **options):
    return Classifier(**PLAIN | options).fit(X, y), X, y


def _with_eval_set(X, y):
    metrics = ["r2", "neg_mean_absolute_error"]
    model = Regressor(**PLAIN, eval_metric=metrics).fit(X, y, eval_set=[("again", X, y)])
    return model, X, y


def _mlp(kind, X, y, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return kind(**MLP | options).fit(X, y), X, y


def _with_partial_fit(X, y):
    model, X, y = _mlp(MLPRegressor, X.astype(np.float32), y, solver="sgd", momentum=0.7)
    return model.partial_fit(X, y), X, y


TABULAR = TINY | {"preset": "fast"}
MAKERS = {
    "numbers": lambda: _regressor(X, NUMBER),
    "ensemble": lambda: _regressor(X, NUMBER, **TABULAR | ENSEMBLE),
    "columns": lambda: _regressor(EVERY_COLUMN, NUMBER, **CATEGORIES),
    "two outputs": lambda: _regressor(
        X, np.column_stack([NUMBER, 100 * X[:, 2]]), extrapolation="linear", **TABULAR
    ),
    "quantiles": lambda: _regressor(X, NUMBER, loss="quantile", quantile=[0.1, 0.9]),
    "huber": lambda: _regressor(
        X, NUMBER, loss="huber", delta=0.5, solver="sgd", standardize=False
    ),
    "counts": lambda: _regressor(X, np.round(np.exp(NUMBER)), loss="poisson", dtype="float64"),
    "gaussian": lambda: _regressor(
        X, np.column_stack([NUMBER, 100 * X[:, 2]]), loss="gaussian", **TABULAR | ENSEMBLE
    ),
    "eval set": lambda: _with_eval_set(X, NUMBER),
    "constraints": lambda: _regressor(
        EVERY_COLUMN[["number", "flag", "city"]],
        NUMBER,
        monotonic_cst={"number": -1},
        interaction_cst=[{"number", "flag"}, [2]],
        **TABULAR | ENSEMBLE,
    ),
    "sparse": lambda: _regressor(
        sparse_table(ROWS, 12), NUMBER, **TABULAR | {"random_state": None}
    ),
    "two classes": lambda: _classifier(X, NUMBER > 0, calibrate=True, random_state=np.int64(3)),
    "classes": lambda: _classifier(
        EVERY_COLUMN[FEW], WORDS, class_weight="balanced", **TABULAR | ENSEMBLE
    ),
    "object classes": lambda: _classifier(
        X, WORDS.astype(object), extrapolation="linear", class_weight={"low": 2}
    ),
    "ordinal": lambda: _classifier(
        X, WORDS, loss="ordinal", class_order=["low", "mid", "höher"], calibrate=True
    ),
    "costs": lambda: _classifier(X, WORDS, cost_matrix=[[0, 1, 9], [1, 0, 1], [2, 1, 0]]),
    "two labels": lambda: _classifier(X, TWO_LABELS, calibrate=True),
    "labels": lambda: _classifier(X, LABELS, calibrate=True, class_weight=[{0: 1, 1: 2}] * 3),
    "MLP": lambda: _mlp(MLPRegressor, X, NUMBER, early_stopping=True),
    "MLP sgd": lambda: _with_partial_fit(X, np.column_stack([NUMBER, X[:, 2]])),
    "MLP lbfgs": lambda: _mlp(
        MLPClassifier, pd.DataFrame(X, columns=["a", "b", "c"]), WORDS, solver="lbfgs"
    ),
    "MLP classes": lambda: _mlp(MLPClassifier, X, WORDS),
    "MLP labels": lambda: _mlp(MLPClassifier, X, LABELS, activation="tanh"),
}


@cache
def saved_model(name):
    """The model of that name, and the table and the targets that it was fitted to."""
    return MAKERS[name]()


def saved(model, **options) -> bytes:
    """What `save` writes."""
    file = io.BytesIO()
    model.save(file, **options)
    return file.getvalue()


def edited(data, edit) -> bytes:
    """The file with an edited document and arrays, and a checksum that fits."""
    document, arrays = unpacked(data)
    document.pop("sha256")
    edit(document, arrays)
    return packed(document, arrays)


def outputs(model, rows):
    """All that a model predicts: numbers, or the probability of every class."""
    found = getattr(model, "predict_proba", model.predict)(rows)
    return np.hstack(found) if isinstance(found, list) else found
