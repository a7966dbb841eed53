"""Measure coverage and width of intervals, beside networks of quantiles, and of sets of classes.

Each split draws training rows and up to 2,000 test rows of a table anew. Tables of numbers:
"residuals" is the default Regressor, "quantiles" one with loss="quantile" for both ends, both with
their `predict_interval`; "raw" are the predicted quantiles as they are. "fresh" are intervals of
the default Regressor after `conformalize` with half of the test rows, measured on the others.
Widths are in standard deviations of the target, and those of the level whose intervals hold 90% of
each split's test rows: they do not depend on calibration.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from compare import positive
from tables import Array, Table, catalogue

from fastmlp import Classifier, Regressor

DATA = Path(__file__).resolve().parents[1] / ".." / "shared" / "data"
TABLES = "abalone,concrete,energy,housing,credit-g,phoneme"
COVERAGE = 0.9
MOST_TEST_ROWS = 2000
WIDTHS = ("width: residuals", "quantiles", "ratio")
OF_CLASSES = ("coverage", "least of a class", "classes in a set")
HEADS = {
    False: ("residuals", "quantiles", "raw", "fresh", *WIDTHS),
    True: (*OF_CLASSES, *(f"by class: {name}" for name in OF_CLASSES)),
}
STEPS = 12  # of the search for a level: to 1/4096


def splits(table: Table, seeds: range, n_rows: int) -> Iterator[tuple[int, Array, Array]]:
    """Seeds, training rows and test rows."""
    for seed in seeds:
        rows = np.random.default_rng(seed).permutation(len(table.y))
        n_train = min(n_rows, int(0.7 * rows.size))
        yield seed, rows[:n_train], rows[n_train : n_train + MOST_TEST_ROWS]


def rows_of(table: Table, rows: Array) -> tuple[pd.DataFrame, Array]:
    return table.X.iloc[rows], table.y[rows]


def held(intervals: Array, y: Array) -> float:
    """Share of true values in their intervals."""
    return float(np.mean((intervals[:, 0] <= y) & (y <= intervals[:, 1])))


def equal_width(model: Regressor, X: pd.DataFrame, y: Array) -> float:
    """Mean width of the intervals of the least level that hold 90% of these values."""
    low, high = 0.5, 1.0
    for _ in range(STEPS):
        level = (low + high) / 2
        enough = held(model.predict_interval(X, level), y) >= COVERAGE
        low, high = (low, level) if enough else (level, high)
    return float(np.ptp(model.predict_interval(X, high), axis=1).mean())


def of_numbers(table: Table, seeds: range, n_rows: int, preset: str) -> None:
    """Print a line of the table of intervals."""
    measured = []
    for seed, train, test in splits(table, seeds, n_rows):
        X, y = rows_of(table, train)
        X_test, y_test = rows_of(table, test)
        options = {"preset": preset, "random_state": seed}
        model = Regressor(**options).fit(X, y)
        ends = ((1 - COVERAGE) / 2, (1 + COVERAGE) / 2)
        quantiles = Regressor(**options, loss="quantile", quantile=ends).fit(X, y)
        found = [one.predict_interval(X_test, COVERAGE) for one in (model, quantiles)]
        raw = quantiles.predict(X_test)
        widths = [equal_width(one, X_test, y_test) for one in (model, quantiles)]
        half = len(test) // 2
        fresh = model.conformalize(X_test[:half], y_test[:half]).predict_interval(X_test[half:])
        coverages = [held(one, y_test) for one in (*found, raw)]
        measured.append([*coverages, held(fresh, y_test[half:]), *np.array(widths) / y.std()])
    mean, error = np.mean(measured, axis=0), np.std(measured, axis=0) / np.sqrt(len(seeds))
    cells = [f"{100 * m:.1f}% ±{100 * e:.1f}" for m, e in zip(mean[:4], error, strict=False)]
    ratio = f"{mean[4] / mean[5]:.3f}"
    cells += [f"{width:.3f}" for width in mean[4:]]
    print(
        "|",
        " | ".join([table.name, str(len(seeds)), str(len(train)), *cells, ratio]),
        "|",
        flush=True,
    )


def of_classes(table: Table, seeds: range, n_rows: int, preset: str) -> None:
    """Print a line of the table of sets."""
    measured = []
    for seed, train, test in splits(table, seeds, n_rows):
        X_test, y_test = rows_of(table, test)
        model = Classifier(preset=preset, random_state=seed).fit(*rows_of(table, train))
        codes = np.searchsorted(model.classes_, y_test)
        line = []
        for conditional in (False, True):
            sets = model.predict_set(X_test, COVERAGE, class_conditional=conditional)
            holds = sets[np.arange(len(test)), codes]
            least = min(holds[codes == code].mean() for code in np.unique(codes))
            line += [holds.mean(), least, sets.sum(axis=1).mean()]
        measured.append(line)
    mean, error = np.mean(measured, axis=0), np.std(measured, axis=0) / np.sqrt(len(seeds))
    cells = [
        f"{m:.2f}" if k in (2, 5) else f"{100 * m:.1f}% ±{100 * e:.1f}"
        for k, (m, e) in enumerate(zip(mean, error, strict=True))
    ]
    print("|", " | ".join([table.name, str(len(seeds)), str(len(train)), *cells]), "|", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="folder of real tables")
    parser.add_argument("--tables", default=TABLES, metavar="A,B")
    parser.add_argument("--splits", type=positive, default=50)
    parser.add_argument("--first", type=int, default=0, help="seed of the first split")
    parser.add_argument("--rows", type=positive, default=1000, help="most training rows")
    parser.add_argument("--preset", default="default")
    asked = parser.parse_args()
    known = catalogue(asked.data, None)
    names = asked.tables.split(",")
    if missing := [name for name in names if name not in known]:
        sys.exit(f"there is no table {', '.join(missing)}; known are {', '.join(known)}")
    tables = [known[name]() for name in names]
    for classification in (False, True):
        measure = of_classes if classification else of_numbers
        own = [table for table in tables if table.classification == classification]
        if own:
            heads = ["table", "splits", "rows", *HEADS[classification]]
            print(f"\n| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
        for table in own:
            measure(table, range(asked.first, asked.first + asked.splits), asked.rows, asked.preset)


if __name__ == "__main__":
    main()
