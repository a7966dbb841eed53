"""Models of every kind to export, and rows to predict with them: raw, unseen, missing."""

import warnings
from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
from sparse_tables import sparse_table

from fastmlp import Classifier, Regressor
from fastmlp.networks.layers import ACTIVATIONS
from fastmlp.neural_network import MLPClassifier, MLPRegressor

ROWS = 80
RNG = np.random.default_rng(0)
PLAIN = RNG.normal(size=(ROWS, 3))
NUMBER = 10 + PLAIN[:, 0] - PLAIN[:, 1] * PLAIN[:, 2]
THREE = np.digitize(NUMBER, [9, 11])
CITIES = [f"city {i}" for i in range(12)]


def _raw_table() -> pd.DataFrame:
    gaps = np.where(RNG.random(ROWS) < 0.2, np.nan, PLAIN[:, 1])
    days = RNG.uniform(0, 1500, ROWS)
    return pd.DataFrame(
        {
            "number": PLAIN[:, 0],
            "far": 1e6 + PLAIN[:, 2],  # an offset that costs float32 all digits
            "gaps": gaps,
            "job": RNG.choice(["cook", "clerk", "nurse"], ROWS),
            "city": pd.Series(RNG.choice([*CITIES, None], ROWS), dtype=object),
            "old": RNG.choice(["no", "yes"], ROWS),
            "member": PLAIN[:, 1] > 0,
            "grade": RNG.choice([1, 2, 5], ROWS),
            "date": pd.Timestamp("2019-11-05 06:00") + pd.to_timedelta(days, unit="D"),
            "waited": pd.to_timedelta(RNG.uniform(0, 1e4, ROWS), unit="s"),
            "price": [f"${1000 * value:,.2f}" for value in RNG.uniform(1, 9, ROWS)],
            "country": "here",
        }
    )


RAW = _raw_table()


def _later_rows() -> pd.DataFrame:
    """Rows with labels that training did not have, missing values, and numbers beyond."""
    table = RAW.iloc[:40].copy()
    table.loc[1, "number"] = 40.0
    table.loc[2, ["number", "far"]] = np.nan
    table.loc[3, ["job", "old", "city"]] = "never"
    table.loc[4, ["job", "old", "city"]] = None
    table.loc[5, "date"] = pd.NaT
    table.loc[6, "date"] = pd.Timestamp("2000-02-29 12:00")
    table.loc[7, "date"] = pd.Timestamp("2100-12-31 23:59:59")
    table.loc[8, "date"] = pd.Timestamp("2024-12-31")
    table.loc[9, "waited"] = pd.NaT
    table.loc[10, "price"] = "n/a"
    table.loc[11, "grade"] = 3
    return table


LATER = _later_rows()
DAYS = pd.DataFrame({"day": RAW["date"].dt.floor("D"), "number": PLAIN[:, 0]})
RAW_OPTIONS = {"categorical_features": ["grade"]}
ONE = {"preset": "plain", "hidden_layer_sizes": 8, "max_iter": 3, "random_state": 0}
FEW = {"hidden_layer_sizes": (8, 6), "max_iter": 3, "n_estimators": 3, "random_state": 0}
MLP = {"hidden_layer_sizes": 5, "max_iter": 3, "random_state": 0}
SPARSE = sparse_table(ROWS, 12)
# What makes a model, the rows that it is fitted on, its targets, and rows to predict.
CASES: dict[str, tuple[Callable, object, np.ndarray, object]] = {
    "raw table": (lambda: Regressor(**FEW | RAW_OPTIONS), RAW, NUMBER, LATER),
    "raw table, one network": (lambda: Regressor(**ONE | RAW_OPTIONS), RAW, NUMBER, LATER),
    "raw table, float64": (
        lambda: Regressor(**FEW | RAW_OPTIONS, dtype="float64"),
        *(RAW, NUMBER, LATER),
    ),
    "raw table, linear": (
        lambda: Regressor(**FEW | RAW_OPTIONS, extrapolation="linear"),
        *(RAW, NUMBER, LATER),
    ),
    "whole days": (lambda: Regressor(**FEW), DAYS, NUMBER, DAYS[:40]),
    "linear, two outputs": (
        lambda: Regressor(**ONE, extrapolation="linear"),
        *(PLAIN, np.column_stack([NUMBER, 1 - NUMBER]), 3 * PLAIN),
    ),
    "linear, counts": (
        lambda: Regressor(**ONE, extrapolation="linear", loss="poisson"),
        *(PLAIN, np.abs(NUMBER), 2 * PLAIN),
    ),
    "linear, classes": (
        lambda: Classifier(**ONE, extrapolation="linear"),
        *(PLAIN, THREE, 3 * PLAIN),
    ),
    "two classes": (lambda: Classifier(**FEW | RAW_OPTIONS), RAW, NUMBER > 10, LATER),
    "two classes, calibrated": (
        lambda: Classifier(**ONE, calibrate=True),
        *(PLAIN, np.where(NUMBER > 10, "high", "low"), PLAIN),
    ),
    "three classes, calibrated": (
        lambda: Classifier(**FEW, calibrate=True, dtype="float64"),
        *(PLAIN, np.array(["a", "b", "c"])[THREE], PLAIN),
    ),
    "costs": (
        lambda: Classifier(**ONE, loss="focal", cost_matrix=[[0, 1, 9], [1, 0, 1], [9, 1, 0]]),
        *(PLAIN, np.array(["a", "b", "c"])[THREE], PLAIN),
    ),
    "classes in order, calibrated": (
        lambda: Classifier(
            **FEW, loss="ordinal", class_order=["low", "mid", "high"], calibrate=True
        ),
        *(PLAIN, np.array(["low", "mid", "high"])[THREE], 3 * PLAIN),
    ),
    "doubles as classes": (lambda: Classifier(**ONE), PLAIN, 2.0 * THREE, PLAIN),
    "several labels, calibrated": (
        lambda: Classifier(**ONE, calibrate=True),
        *(PLAIN, (PLAIN > 0).astype(int), PLAIN),
    ),
    "constraints": (
        lambda: Classifier(
            **FEW | RAW_OPTIONS,
            monotonic_cst={"number": 1, "gaps": -1},
            interaction_cst=[["number", "gaps", "job"], ["gaps", "far"]],
        ),
        *(RAW, NUMBER > 10, LATER),
    ),
    "several labels": (lambda: Classifier(**FEW), PLAIN, (PLAIN > 0).astype(int), PLAIN),
    "several quantiles": (
        lambda: Regressor(**FEW, loss="quantile", quantile=[0.1, 0.5, 0.9]),
        *(PLAIN, NUMBER, PLAIN),
    ),
    "quantiles, linear": (
        lambda: Regressor(**ONE, loss="quantile", quantile=[0.1, 0.9], extrapolation="linear"),
        *(PLAIN, NUMBER, 2 * PLAIN),
    ),
    "sparse": (lambda: Regressor(max_iter=2, random_state=0), SPARSE, NUMBER, SPARSE.toarray()),
    "MLPRegressor": (lambda: MLPRegressor(**MLP), PLAIN, NUMBER, PLAIN),
    "MLPRegressor, float32": (
        lambda: MLPRegressor(**MLP),
        *(PLAIN.astype(np.float32), np.column_stack([NUMBER, NUMBER]), PLAIN.astype(np.float32)),
    ),
    "MLPClassifier": (lambda: MLPClassifier(**MLP), PLAIN, THREE, PLAIN),
    "MLPClassifier, two classes": (lambda: MLPClassifier(**MLP), PLAIN, NUMBER > 10, PLAIN),
    "MLPClassifier, labels": (
        lambda: MLPClassifier(**MLP),
        *(PLAIN, (PLAIN > 0).astype(int), PLAIN),
    ),
}
for _loss in ("absolute_error", "huber", "quantile", "poisson", "tweedie"):
    CASES[_loss] = (lambda loss=_loss: Regressor(**ONE, loss=loss), PLAIN, NUMBER, PLAIN)
for _features in ("periodic", "piecewise_linear", "both", None):
    CASES[f"embedding: {_features}"] = (
        lambda features=_features: Regressor(**FEW, numeric_embedding=features),
        *(PLAIN, NUMBER, PLAIN),
    )
for _standardize in (True, False, "robust"):
    CASES[f"standardize: {_standardize}"] = (
        lambda standardize=_standardize: Regressor(**ONE, standardize=standardize),
        *(RAW[["number", "gaps", "city"]], NUMBER, LATER[["number", "gaps", "city"]]),
    )
for _activation in ACTIVATIONS:
    for _dtype in ("float32", "float64"):
        CASES[f"{_activation}, {_dtype}"] = (
            lambda activation=_activation, dtype=_dtype: Regressor(
                **ONE, activation=activation, dtype=dtype
            ),
            *(PLAIN, NUMBER, 3 * PLAIN),
        )


@cache
def exported(name: str) -> tuple[object, object]:
    """A fitted model, and rows to predict with it."""
    make, X, y, later = CASES[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # few epochs
        return make().fit(X, y), later


def expected(model, rows):
    """The numbers or probabilities that the model predicts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # beyond the training range
        return getattr(model, "predict_proba", model.predict)(rows)


def number_for(values: pd.Series) -> np.ndarray:
    """The numbers that stand for dates, durations and text in exports."""
    if values.dtype.kind == "M":
        return (values.to_numpy() - np.datetime64(0, "D")) / np.timedelta64(1, "D")
    if values.dtype.kind == "m":
        return values.to_numpy() / np.timedelta64(1, "s")
    if not pd.api.types.is_numeric_dtype(values):
        values = pd.to_numeric(values.str.replace("[$,]", "", regex=True), errors="coerce")
    return values.to_numpy(dtype=np.float64)


def assert_close(found, predicted, dtype="float32"):
    """1e-5 of the values, 1e-9 of those of float64 networks."""
    tolerance = 1e-5 if dtype == "float32" else 1e-9
    np.testing.assert_allclose(found, predicted, rtol=tolerance, atol=0.1 * tolerance)
