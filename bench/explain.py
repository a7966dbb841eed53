"""Measure explanations: attributions beside their definition, and times beside shap and LightGBM.

"accuracy": for real tables, the default Regressor or Classifier explains held-out rows with a
background of training rows. Exact values are those of all coalitions, which are compared with the
definition for some rows: predictions for raw rows of mixed columns. "times": 1,000 rows of 20
columns; shap's explainers, which call the same model's `predict`, explain few rows, from which the
time for 1,000 follows. LightGBM's TreeSHAP explains another model, and is there for orientation.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Callable, Iterator
from itertools import combinations
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from compare import positive
from markdown_table import print_head, print_line
from scipy.stats import spearmanr
from sklearn.inspection import partial_dependence, permutation_importance
from tables import DATA, Array, Table, loaded

from fastmlp import Classifier, Regressor

TABLES = "kin8nm,concrete,energy,abalone,autoMpg,diabetes,phoneme"
MOST_COLUMNS = 10  # whose coalitions are all predicted
TRAINING_ROWS = 2000
BACKGROUND, EXPLAINED, DEFINED = 100, 50, 3  # rows
ROWS, COLUMNS = 1000, 20
TIMED_BACKGROUND = 50  # rows: the most by default of so many columns
ROWS_OF_SHAP = 2
REPEATS, LONG = 5, 10.0  # timed calls of each, and seconds after which no other is made


def by_definition(predict: Callable[[pd.DataFrame], Array], X: Any, background: Any) -> Array:
    """Shapley values (n_rows, n_columns) as their definition computes them."""
    n_rows, names = len(X), list(X.columns)
    n = len(names)
    explained = X.iloc[np.repeat(np.arange(n_rows), len(background))].reset_index(drop=True)
    others = pd.concat([background] * n_rows, ignore_index=True)

    def value(coalition: frozenset[str]) -> Array:
        columns = {name: (explained if name in coalition else others)[name] for name in names}
        return predict(pd.DataFrame(columns)).reshape(n_rows, -1).mean(axis=1)

    every = [frozenset(some) for k in range(n + 1) for some in combinations(names, k)]
    known = {coalition: value(coalition) for coalition in every}
    values = np.zeros((n_rows, n))
    for coalition in every:
        for column, name in enumerate(names):
            if name not in coalition:
                share = 1 / (n * comb(n - 1, len(coalition)))
                values[:, column] += share * (known[coalition | {name}] - known[coalition])
    return values


def accuracy(table: Table, preset: str) -> None:
    """Print a line of the table of accuracies."""
    if table.X.shape[1] > MOST_COLUMNS:
        return
    train, test = next(table.draws(range(1), TRAINING_ROWS, share=0.8))
    X, background = table.X.iloc[test[:EXPLAINED]], table.X.iloc[train[:BACKGROUND]]
    kind = Classifier if table.classification else Regressor
    model = kind(preset=preset, random_state=0).fit(*table.rows(train))
    found = {
        n: model.attributions(X, background, n_permutations=n).values for n in (1, 2, 8, 10**4)
    }
    exact = found.pop(10**4)
    predict = (lambda rows: model.predict_proba(rows)[:, 1]) if table.classification else None
    definition = by_definition(predict or model.predict, X[:DEFINED], background)
    size = np.abs(exact).mean()
    cells = [f"{np.abs(exact[:DEFINED] - definition).max() / size:.0e}"]
    whole = model.attributions(X, background)
    sums = whole.base_value + whole.values.sum(axis=1)
    cells.append(f"{np.max(np.abs(sums - whole.predictions) / np.abs(whole.predictions)):.0e}")
    for values in found.values():
        ranks = [spearmanr(*pair).statistic for pair in zip(values, exact, strict=True)]
        error = np.abs(values - exact).mean() / size
        cells.append(f"{np.mean(ranks):.4f} ({np.min(ranks):.3f}), {error:.1%}")
    print_line([table.name, str(X.shape[1]), *cells])


def seconds(call: Callable[[], Any]) -> float:
    """The least time of a few calls, or of one that takes long, after a call that warms up."""
    call()  # shap compiles functions when they are first called
    taken: list[float] = []
    while len(taken) < REPEATS and sum(taken) < LONG:
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return min(taken)


def made(n_rows: int) -> tuple[Array, Array]:
    """A table of 20 columns with interactions."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, COLUMNS))
    y = X[:, 0] * X[:, 1] + np.sin(2 * X[:, 2]) + X[:, 3] * (X[:, 4] > 0) * X[:, 5] + X[:, 6]
    return X, y + 0.1 * rng.normal(size=n_rows)


def calls(model: Regressor, X: Array, y: Array) -> Iterator[tuple[str, Callable[[], Any], float]]:
    """What is timed: its name, the call, and how many times as long the whole would take."""
    rows, few, background = X[:ROWS], X[:ROWS_OF_SHAP], X[-TIMED_BACKGROUND:]
    share = ROWS / ROWS_OF_SHAP
    for n in (1, 2):
        model.set_params(n_jobs=n)
        yield f"attributions, n_jobs={n}", lambda: model.attributions(rows, background), 1
    if importlib.util.find_spec("shap"):
        import shap

        kernel = shap.KernelExplainer(model.predict, background)
        permutation = shap.PermutationExplainer(model.predict, background)
        yield "shap.KernelExplainer", lambda: kernel.shap_values(few, silent=True), share
        yield "shap.PermutationExplainer", lambda: permutation(few, silent=True), share
    if importlib.util.find_spec("lightgbm"):
        import lightgbm

        trees = lightgbm.LGBMRegressor(verbose=-1).fit(X, y)
        yield "LightGBM's TreeSHAP, 100 trees", lambda: trees.predict(rows, pred_contrib=True), 1
    y = y[:ROWS]
    yield "importances, 5 repeats", lambda: model.importances(rows, y), 1
    yield "scikit-learn's permutation_importance", lambda: permutation_importance(model, rows, y), 1
    yield "partial_dependence of a column", lambda: model.partial_dependence(rows, 0), 1
    yield "scikit-learn's partial_dependence", lambda: partial_dependence(model, rows, [0]), 1


def times(n_train: int, preset: str) -> None:
    """Print the table of times."""
    X, y = made(n_train)
    model = Regressor(preset=preset, random_state=0).fit(X, y)
    print(f"\n{n_train} training rows:\n")
    print_head(["1,000 rows of 20 columns", "seconds"])
    for name, call, share in calls(model, X, y):
        print_line([name, f"{share * seconds(call):.3g}"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("accuracy", "times"), nargs="?", help="default: both")
    parser.add_argument("--data", type=Path, default=DATA, help="folder of real tables")
    parser.add_argument("--tables", default=TABLES, metavar="A,B")
    parser.add_argument("--rows", type=positive, nargs="+", default=[2000, 8000])
    parser.add_argument("--preset", default="default")
    asked = parser.parse_args()
    if asked.what != "times":
        heads = ["table", "columns", "exact - definition", "sum - prediction"]
        heads += [f"n_permutations={n}" for n in (1, 2, 8)]
        print_head(heads)
        for table in loaded(asked.tables.split(","), asked.data):
            accuracy(table, asked.preset)
    if asked.what != "accuracy":
        for n_train in asked.rows:
            times(n_train, asked.preset)


if __name__ == "__main__":
    main()
