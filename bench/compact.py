"""Measure what smaller models lose: weights in fewer bytes, distillation, fewer networks.

See README.md in this folder.
"""

from __future__ import annotations

import argparse
import io
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from compare import aligned, origin, positive, write_json
from tables import DATA, Split, Table, loaded
from tabular import scores

import fastmlp
from fastmlp import Classifier, Regressor

SMALL_DTYPES = ("float16", "bfloat16", "int8")
TABLES = [
    *("concrete", "kin8nm", "abalone", "housing"),
    *("credit-g", "segment", "hypothyroid", "phoneme", "digits", "adult"),
]
MANY_ROWS = 20_000  # from which on there is one split
TURN, TURNS = 0.01, 15  # least seconds of a turn of predictions, and how many of them

Measures = dict[str, dict[str, float]]  # by model


def in_file(model: Any, dtype: Any = None) -> bytes:
    """The model's file."""
    file = io.BytesIO()
    model.save(file, dtype=dtype)
    return file.getvalue()


def row_us(predictor: fastmlp.Predictor, row: dict[str, Any]) -> float:
    """Microseconds of the prediction of one row, the median over turns of their means."""
    predict, times = predictor.predict, []
    for _ in range(TURNS):
        calls, start = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - start) < TURN:
            predict(row)
            calls += 1
        times.append(elapsed / calls)
    return 1e6 * statistics.median(times)


def measure(table: Table, split: Split, seed: int) -> Measures:
    """Fit a model, make smaller ones of it, and measure them on the test part."""
    train, test = split
    X, y = table.X.iloc[train].reset_index(drop=True), table.y[train]
    X_test = table.X.iloc[test].reset_index(drop=True)
    estimator: Any = Classifier if table.classification else Regressor
    measures: Measures = {}

    def add(name: str, make: Callable[[], Any], dtype: Any = None) -> Any:
        start = time.perf_counter()
        model = make()
        seconds = time.perf_counter() - start
        file = in_file(model, dtype)
        model, predictor = fastmlp.load(file), fastmlp.load_predictor(file)
        predicted = (
            (model.predict_proba(X_test), model.classes_)
            if table.classification
            else model.predict(X_test)
        )
        measures[name] = {
            **scores(table, test, predicted),
            "seconds": seconds,
            "bytes": len(file),
            "memory": predictor.nbytes,
            "row_us": row_us(predictor, X_test.iloc[0].to_dict()),
        }
        return model

    model = add("ensemble", lambda: estimator(random_state=seed).fit(X, y))
    for dtype in SMALL_DTYPES:
        add(dtype, lambda: model, dtype)
    for n in (5, 2, 1):
        add(f"{n} kept", partial(model.with_fewer_networks, X, n_networks=n))
    add("distilled", lambda: model.distilled(X))
    add("n_estimators=1", lambda: estimator(random_state=seed, n_estimators=1).fit(X, y))
    return measures


def mean_of(results: list[dict[str, Any]], table: str, model: str, measure: str) -> float:
    """Mean over splits."""
    own = [r["models"][model] for r in results if r["table"] == table]
    return statistics.fmean(one[measure] for one in own)


def report(results: list[dict[str, Any]]) -> str:
    """Errors of all models beside the ensemble's; times and sizes of some."""
    names = list(dict.fromkeys(r["table"] for r in results))
    models = list(results[0]["models"])
    errors = [["error", "", *models], ["mean", ""]]
    sizes = [["one row, us; file, kB; predictor, kB", *models]]
    by_model: dict[str, list[float]] = {model: [] for model in models[1:]}
    for name in names:
        first = next(r for r in results if r["table"] == name)["models"]["ensemble"]
        what = "rmse" if "rmse" in first else "log_loss"
        whole = mean_of(results, name, "ensemble", what)
        line = [name, what, f"{whole:.4g}"]
        for model in models[1:]:
            change = mean_of(results, name, model, what) / whole - 1
            by_model[model].append(change)
            line.append(f"{change:+.1%}")
        errors.insert(-1, line)
        us, file, memory = (
            [mean_of(results, name, m, measure) for m in models]
            for measure in ("row_us", "bytes", "memory")
        )
        own = zip(us, file, memory, strict=True)
        sizes.append([name, *(f"{a:.1f}; {b / 1e3:.0f}; {c / 1e3:.0f}" for a, b, c in own)])
    errors[-1] += ["", *(f"{statistics.fmean(by_model[model]):+.1%}" for model in models[1:])]
    return f"{aligned(errors)}\n\n{aligned(sizes)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", default=TABLES, metavar="NAME")
    parser.add_argument("--splits", type=positive, default=3, help="of tables that are not large")
    parser.add_argument("--data", type=Path, default=DATA, metavar="DIR", help="the real tables")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    results: list[dict[str, Any]] = []
    for table in loaded(options.tables, options.data):
        n_splits = options.splits if len(table.y) < MANY_ROWS else 1
        for index, split in enumerate(table.splits(n_splits)):
            measures = measure(table, split, index)
            results.append({"table": table.name, "split": index, "models": measures})
            if options.json:
                write_json(options.json, {**origin(with_torch=False), "results": results})
            print(table.name, index, file=sys.stderr, flush=True)
    print(report(results))


if __name__ == "__main__":
    main()
