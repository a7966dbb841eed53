"""The programs that fastmlp is compared with, and the measures."""

from __future__ import annotations

import importlib.util
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from csv_table import Split
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    log_loss,
    mean_absolute_error,
    r2_score,
    root_mean_squared_error,
)
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

MLP = "scikit-learn's MLP"
MLP_ROWS = 100_000  # it takes minutes beyond
MAX_CATEGORIES = 50  # rarer ones share a column


def measured_peers(split: Split, is_classification: bool, seed: int) -> dict[str, dict[str, float]]:
    """Fit each of the others; return its measures on the test rows and the seconds of its fit."""
    n_rows = len(split.y_train)
    lines = {}
    for name, make in PEERS.items():
        if name == "LightGBM" and not importlib.util.find_spec("lightgbm"):
            print("LightGBM is not installed; pip install lightgbm adds it to the comparison.")
            continue
        if name == MLP and n_rows > MLP_ROWS:
            print(f"{MLP} is left out: it would take minutes for {n_rows:,} rows.")
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            lines[name] = measured(make(split.X_train, is_classification, seed), split)
    return lines


def measured(model: Any, split: Split) -> dict[str, float]:
    """Fit a model; return its measures on the test rows and the seconds of the fit."""
    start = time.perf_counter()
    model.fit(split.X_train, split.y_train)
    seconds = time.perf_counter() - start
    return {**scores(split.y_test, model, split.X_test), "fit": seconds}


def scores(y: pd.Series, model: Any, X: pd.DataFrame) -> dict[str, float]:
    """Measure a fitted model on rows that it has not been trained on."""
    predicted = model.predict(X)
    if not hasattr(model, "classes_"):
        return {
            "RMSE": root_mean_squared_error(y, predicted),
            "MAE": mean_absolute_error(y, predicted),
            "R2": r2_score(y, predicted),
        }
    return {
        "log-loss": log_loss(y, model.predict_proba(X), labels=model.classes_),
        "accuracy": accuracy_score(y, predicted),
        "F1": f1_score(y, predicted, average="macro"),
    }


# ---- The programs: each is unfitted, with the preparation that it needs


def texts(X: pd.DataFrame) -> list[str]:
    """Name the columns of text."""
    return [name for name in X.columns if not pd.api.types.is_numeric_dtype(X[name])]


def scaled(X: pd.DataFrame) -> ColumnTransformer:
    """Scale numbers, whose gaps become the median, and give each category a column of 0 and 1."""
    numbers = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True), StandardScaler()
    )
    text = OneHotEncoder(
        handle_unknown="infrequent_if_exist", max_categories=MAX_CATEGORIES, sparse_output=False
    )
    return ColumnTransformer([("text", text, texts(X))], remainder=numbers)


def linear(X: pd.DataFrame, is_classification: bool, seed: int) -> Any:
    """Ridge regression, whose penalty is chosen by cross-validation, or logistic regression."""
    if is_classification:
        return make_pipeline(scaled(X), LogisticRegression(max_iter=1000))
    return make_pipeline(scaled(X), RidgeCV(np.logspace(-3, 3, 7)))


def mlp(X: pd.DataFrame, is_classification: bool, seed: int) -> Any:
    """scikit-learn's network."""
    if is_classification:
        return make_pipeline(scaled(X), MLPClassifier(random_state=seed))
    network = make_pipeline(scaled(X), MLPRegressor(random_state=seed))
    return TransformedTargetRegressor(network, transformer=StandardScaler())


def lightgbm(X: pd.DataFrame, is_classification: bool, seed: int) -> Any:
    """Gradient-boosted trees, which take categories as such."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    categories = {name: pd.Index(X[name].dropna().unique()) for name in texts(X)}

    def prepare(X: pd.DataFrame) -> pd.DataFrame:
        columns = {
            name: pd.Categorical.from_codes(known.get_indexer(X[name]), known)
            for name, known in categories.items()
        }
        # It takes few characters in names, so columns are numbered.
        return X.assign(**columns).set_axis(range(X.columns.size), axis="columns")

    kind = LGBMClassifier if is_classification else LGBMRegressor
    return make_pipeline(FunctionTransformer(prepare), kind(random_state=seed, verbose=-1))


PEERS: dict[str, Callable[[pd.DataFrame, bool, int], Any]] = {
    "linear model": linear,
    MLP: mlp,
    "LightGBM": lightgbm,
}
