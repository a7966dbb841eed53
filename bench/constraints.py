"""Measure what `monotonic_cst` costs where it is true, and search for predictions that break it.

Each split draws training rows and up to 2,000 test rows of a table anew. "error" is that of the
constrained model divided by that of the free one, the geometric mean over splits: RMSE, or the log
loss of classifiers. Then, with the model of the first split: pairs of rows that differ in one
constrained column. The rows are drawn from the table, the two values from its range and beyond, a
third of them far apart, a third close to each other, a third neighbouring floats.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from compare import positive
from markdown_table import print_head, print_line
from tables import DATA, Array, Table, loaded
from tabular import error_of

from fastmlp import Classifier, ExtrapolationWarning, Regressor

# What everybody who knows the subject would say before looking at the data.
CONSTRAINTS = {
    "concrete": {"c0": 1, "c7": 1},  # cement, age: strength
    "autoMpg": {"weight": -1, "horsepower": -1},  # range
    "diabetes": {"bmi": 1, "bp": 1, "s5": 1},  # progression
    "abalone": {"c7": 1},  # weight of the shell: age
    "credit-g": {"duration": -1, "installment_commitment": -1},  # paid back
    "housing": {"median_income": 1},  # price
    "adult": {"c4": 1, "c10": 1, "c12": 1},  # education, capital gain, hours: income
}
BLOCK = 100_000  # pairs at a time


def compared(table: Table, seeds: range, n_rows: int, preset: str) -> tuple[list[str], Regressor]:
    """Cells of the table of errors, and the constrained model of the first split."""
    estimator = Classifier if table.classification else Regressor
    ratios, seconds, models = [], [], []
    for seed, (train, test) in zip(seeds, table.draws(seeds, n_rows, share=0.75), strict=True):
        errors, times = [], []
        for constraints in (CONSTRAINTS[table.name], None):
            start = time.perf_counter()
            model = estimator(preset=preset, monotonic_cst=constraints, random_state=seed)
            model.fit(*table.rows(train))
            times.append(time.perf_counter() - start)
            errors.append(error_of(model, table, test))
            models.append(model)
        ratios.append(np.log(errors[0] / errors[1]))
        seconds.append(times[0] / times[1])
    ratio, spread = np.exp(np.mean(ratios)), np.std(ratios, ddof=1) / np.sqrt(len(ratios))
    cells = [f"{len(train)}", f"{ratio:.3f} ± {spread:.3f}", f"{np.median(seconds):.2f}"]
    return cells, models[0]


def pairs_of(values: Array, n: int, random: np.random.Generator) -> tuple[Array, Array]:
    """Pairs of numbers, the smaller one first."""
    known = values[~np.isnan(values)].astype(float)
    low, high = known.min(), known.max()
    span = high - low
    first = random.uniform(low - span / 4, high + span / 4, n)
    first[::2] = random.choice(known, first[::2].size)
    second = random.uniform(low - span / 4, high + span / 4, n)
    second[1::3] = first[1::3] + span * 10.0 ** random.uniform(-9, -2, second[1::3].size)
    first, second = np.minimum(first, second), np.maximum(first, second)
    first[2::3] = first[2::3].astype(np.float32)
    second[2::3] = np.nextafter(first[2::3].astype(np.float32), np.float32(np.inf))
    return first, second


def search(table: Table, model: Regressor | Classifier, n_pairs: int) -> tuple[int, int, float]:
    """Pairs, violations, and the share of pairs whose predictions differ."""
    random = np.random.default_rng(0)
    found = differing = total = 0

    def outputs(X: pd.DataFrame) -> Array:
        return model.predict_proba(X)[:, 1] if table.classification else model.predict(X)

    for column, direction in CONSTRAINTS[table.name].items():
        for start in range(0, n_pairs, BLOCK):
            n = min(BLOCK, n_pairs - start)
            rows = table.X.iloc[random.integers(len(table.y), size=n)]
            first, second = pairs_of(table.X[column].to_numpy(), n, random)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ExtrapolationWarning)
                low, high = (outputs(rows.assign(**{column: own})) for own in (first, second))
            found += int(np.sum(direction * (high - low) < 0))
            differing += int(np.sum(high != low))
            total += n
    return total, found, differing / total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="folder of real tables")
    parser.add_argument("--tables", default=",".join(CONSTRAINTS), metavar="A,B")
    parser.add_argument("--splits", type=positive, default=10)
    parser.add_argument("--rows", type=positive, default=2000, help="most training rows")
    parser.add_argument("--pairs", type=positive, default=1_000_000, help="for each column")
    parser.add_argument("--preset", default="default")
    asked = parser.parse_args()
    names = asked.tables.split(",")
    if missing := [name for name in names if name not in CONSTRAINTS]:
        sys.exit(f"there are no constraints for {', '.join(missing)}")
    heads = ["table", "columns", "splits", "rows", "error", "time", "pairs", "violations", "differ"]
    print_head(heads)
    for table in loaded(names, asked.data):
        cells, model = compared(table, range(asked.splits), asked.rows, asked.preset)
        pairs, violations, differing = search(table, model, asked.pairs)
        constraints = CONSTRAINTS[table.name].items()
        columns = ", ".join(f"{one} {'-+'[way > 0]}" for one, way in constraints)
        found = [f"{pairs:,}", f"{violations}", f"{differing:.0%}"]
        print_line([table.name, columns, str(asked.splits), *cells, *found])


if __name__ == "__main__":
    main()
