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
from pathlib import Path

import numpy as np
import pandas as pd
from compare import positive
from markdown_table import print_head, print_line
from tables import DATA, Array, Table, loaded

from fastmlp import Classifier, Regressor

TABLES = "abalone,concrete,energy,housing,credit-g,phoneme"
COVERAGE = 0.9
WIDTHS = ("width: residuals", "quantiles", "ratio")
OF_CLASSES = ("coverage", "least of a class", "classes in a set")
HEADS = {
    False: ("residuals", "quantiles", "raw", "fresh", *WIDTHS),
    True: (*OF_CLASSES, *(f"by class: {name}" for name in OF_CLASSES)),
}
STEPS = 12  # of the search for a level: to 1/4096


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
    for seed, (train, test) in zip(seeds, table.draws(seeds, n_rows), strict=True):
        X, y = table.rows(train)
        X_test, y_test = table.rows(test)
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
    print_line([table.name, str(len(seeds)), str(len(train)), *cells, ratio])


def of_classes(table: Table, seeds: range, n_rows: int, preset: str) -> None:
    """Print a line of the table of sets."""
    measured = []
    for seed, (train, test) in zip(seeds, table.draws(seeds, n_rows), strict=True):
        X_test, y_test = table.rows(test)
        model = Classifier(preset=preset, random_state=seed).fit(*table.rows(train))
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
    print_line([table.name, str(len(seeds)), str(len(train)), *cells])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="folder of real tables")
    parser.add_argument("--tables", default=TABLES, metavar="A,B")
    parser.add_argument("--splits", type=positive, default=50)
    parser.add_argument("--first", type=int, default=0, help="seed of the first split")
    parser.add_argument("--rows", type=positive, default=1000, help="most training rows")
    parser.add_argument("--preset", default="default")
    asked = parser.parse_args()
    tables = loaded(asked.tables.split(","), asked.data)
    for classification in (False, True):
        measure = of_classes if classification else of_numbers
        own = [table for table in tables if table.classification == classification]
        if own:
            print()
            print_head(["table", "splits", "rows", *HEADS[classification]])
        for table in own:
            measure(table, range(asked.first, asked.first + asked.splits), asked.rows, asked.preset)


if __name__ == "__main__":
    main()
