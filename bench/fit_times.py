"""Time fits of more and more rows, beside LightGBM and CatBoost, each with its default settings.

See README.md in this folder for what is measured.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import joblib
import numpy as np
import pandas as pd
from compare import PAUSE, origin, positive
from sklearn.metrics import r2_score
from tabular import PROGRAMS, Setting, installed, save, warm_up
from threadpoolctl import threadpool_limits

NAMES = ["fastmlp-fast", "fastmlp", "fastmlp-best", "lightgbm", "catboost"]
ROWS = [1e3, 1e4, 1e5, 1e6, 1e7]
COLUMNS = 20
TEST_ROWS = 100_000
NOISE = 0.4
LONGEST = 1800.0
SHORT = 5.0  # seconds; shorter fits are repeated,
REPEATS = 3  # and the median is taken


def data(n_rows: int, seed: int) -> tuple[pd.DataFrame, Any]:
    """Normal columns, and a target of smooth parts, kinks, a product and noise."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_rows, COLUMNS), dtype=np.float32)
    steps = np.maximum(X[:, 4], X[:, 5]) * (X[:, 6] > 0)
    y = np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2] + np.abs(X[:, 3]) + steps
    noise = NOISE * rng.standard_normal(n_rows, dtype=np.float32)
    return pd.DataFrame(X, columns=[f"x{i}" for i in range(COLUMNS)]), y + noise


def expected(results: list[dict[str, Any]], program: str, rows: int) -> float:
    """Seconds that a fit takes if time grows with the rows of the largest fit so far."""
    largest = max((r["rows"] for r in results if r["model"] == program), default=0)
    seconds = {r["rows"]: r["fit_seconds"] for r in results if r["model"] == program}
    return seconds[largest] * rows / largest if largest else 0.0


def timed(
    program: str, X: pd.DataFrame, y: Any, X_test: pd.DataFrame, y_test: Any, threads: int
) -> dict[str, Any]:
    """Time a fit, of short ones the median of several, and score it."""
    _, fit = PROGRAMS[program]
    seconds: list[float] = []
    while not seconds or (seconds[0] < SHORT and len(seconds) < REPEATS):
        time.sleep(PAUSE)
        start = time.perf_counter()
        predict = fit(X, y, Setting(False, 0, threads))
        seconds.append(time.perf_counter() - start)
    r2 = float(r2_score(y_test, predict(X_test)))
    return {"model": program, "rows": len(X), "fit_seconds": median(seconds), "r2": r2}


def measure(report: dict[str, Any], options: argparse.Namespace) -> None:
    """Measure what the report lacks; all programs take a size before the next one comes."""
    results = report["results"]
    X_test, y_test = data(TEST_ROWS, seed=1)
    for rows in sorted(options.rows):
        done = {r["model"] for r in results if r["rows"] == rows}
        X, y = data(rows, seed=0)
        for program in options.programs:
            if program in done:
                continue
            if expected(results, program, rows) > options.longest:
                print(f"{rows:,} rows: {program} left out, it takes too long", file=sys.stderr)
                continue
            warm_up(program, False, options.threads)
            result = timed(program, X, y, X_test, y_test, options.threads)
            results.append(result)
            if options.out:
                save(options.out, report)
            print(result, file=sys.stderr, flush=True)


def markdown(report: dict[str, Any]) -> str:
    """Tables of seconds and of R²: a row for each program, a column for each size."""
    frame = pd.DataFrame(report["results"])
    machine = report["origins"][-1]["machine"]
    parts = [f"{machine['cpu']}, {report['origins'][-1]['threads']} threads, {COLUMNS} columns"]
    for measure, title, form in (("fit_seconds", "seconds", "{:,.1f}"), ("r2", "R²", "{:.3f}")):
        wide = frame.pivot(index="model", columns="rows", values=measure)
        wide = wide.reindex([name for name in NAMES if name in wide.index])
        lines = [f"| {title} | " + " | ".join(f"{rows:,}" for rows in wide) + " |"]
        lines.append("|---" * (wide.columns.size + 1) + "|")
        for name, values in wide.iterrows():
            cells = ["" if np.isnan(value) else form.format(value) for value in values]
            lines.append(f"| {name} | " + " | ".join(cells) + " |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=float, nargs="+", default=ROWS, metavar="N")
    parser.add_argument("--programs", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--threads", type=positive, default=joblib.cpu_count())
    parser.add_argument(
        "--longest",
        type=float,
        default=LONGEST,
        metavar="SECONDS",
        help="leave out fits that would take longer; default %(default)s",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="JSON to write and to resume")
    parser.add_argument("--report", type=Path, metavar="FILE", help="only print the tables of it")
    options = parser.parse_args()
    options.rows = [int(rows) for rows in options.rows]
    return options


def main() -> None:
    options = arguments()
    if options.report:
        print(markdown(json.loads(options.report.read_text())))
        return
    options.programs = list(installed(options.programs))
    report: dict[str, Any] = {"origins": [], "results": []}
    if options.out and options.out.exists():
        report = json.loads(options.out.read_text())
    head = origin(with_torch=False)
    packages = {PROGRAMS[name][0] for name in options.programs} - {"fastmlp"}
    head["versions"] |= {name: version(name) for name in sorted(packages)}
    report["origins"].append({**head, "threads": options.threads})
    with threadpool_limits(options.threads):
        measure(report, options)
    print(markdown(report))


if __name__ == "__main__":
    main()
