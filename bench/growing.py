"""Measure what going on from a fitted model brings: fine-tuning for other rows, and more networks.

"tuned": a model of up to 3,000 rows of a table meets few rows of a kind that it does not know:
houses in San Francisco's bay area, the self-employed. The columns that tell them apart are left
out. Errors (RMSE in $100,000, log-loss) are those of further rows of this kind and, after the
largest number of new rows, of further rows of the others; seconds are those of this fit. "more":
networks that join a model by a warm start, beside as many in a new fit, on draws of the tables of
--tables. "measured": what metrics of each epoch cost, on 400 rows of scikit-learn's table of breast
cancer, in processor time, the least of several fits. All others are means over draws.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from compare import positive
from markdown_table import print_head, print_line
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from tables import DATA, Array, Table, loaded
from tabular import error_of

from fastmlp import Classifier, Regressor

TABLES = "concrete,abalone,credit-g"
OLD_ROWS, TEST_ROWS = 3000, 2000
SHARES = {"cosine": (0.3, 0.1, 0.03), "constant": (0.1,)}  # of the preset's rate, by schedule
PRESET_RATES = {False: 0.1, True: 0.02}  # by whether it is a classification
EPOCHS = 40
N_NETWORKS = 10, 20
MEASURED_ROWS = 400
METRICS = (None, "accuracy", "neg_log_loss", "roc_auc", ["roc_auc", "accuracy"], "f1")
FITS = 5


class Drift(NamedTuple):
    """A table, the columns that are left out, and which values of the first mark new rows."""

    table: str
    dropped: tuple[str, ...]
    new: tuple[str, ...]
    unit: float | None  # of the target


DRIFTS = (
    Drift("housing", ("ocean_proximity", "longitude", "latitude"), ("NEAR BAY",), 1e5),
    Drift("adult", ("c1",), ("Self-emp-inc", "Self-emp-not-inc"), None),
)


def moved(drift: Drift, table: Table, seed: int) -> tuple[Table, Array, Array]:
    """The table without what tells old from new, and the rows of both in random order."""
    is_new = table.X[drift.dropped[0]].isin(drift.new).to_numpy()
    random = np.random.default_rng(seed)
    old, new = (random.permutation(np.flatnonzero(some)) for some in (~is_new, is_new))
    y = table.y if drift.unit is None else table.y / drift.unit
    return replace(table, X=table.X.drop(columns=list(drift.dropped)), y=y), old, new


def estimator(table: Table, **parameters: Any) -> Any:
    kind = Classifier if table.classification else Regressor
    return kind(**parameters)


def seconds(model: Any, table: Table, rows: Array) -> float:
    """Fit, and say how long it took."""
    start = time.perf_counter()
    model.fit(*table.rows(rows))
    return time.perf_counter() - start


def tuned_ways(new: Any, old: Any, preset_rate: float) -> Iterator[tuple[str, Any]]:
    """Names of what can be made of a fitted model, and its estimators."""
    tuned = clone(new).set_params(init_model=old)
    yield "fine-tuned, rate and schedule of the preset", tuned
    for schedule, shares in SHARES.items():
        for share in shares:
            rate = share * preset_rate
            options = {"learning_rate": schedule, "learning_rate_init": rate, "max_iter": EPOCHS}
            name = f"fine-tuned, '{schedule}', {rate:g}, {EPOCHS} epochs"
            yield name, clone(tuned).set_params(**options)


def compare_tuned(drift: Drift, whole: Table, asked: argparse.Namespace) -> None:
    """Print the table of a drift."""
    found = defaultdict(list)  # by what was fitted: the figures of each draw
    for seed in range(asked.draws):
        table, old, new = moved(drift, whole, seed)
        train, others = old[:OLD_ROWS], old[OLD_ROWS : OLD_ROWS + TEST_ROWS]
        test = new[max(asked.new) :][:TEST_ROWS]
        anew = estimator(table, preset=asked.preset, random_state=seed)
        model = clone(anew)
        taken = seconds(model, table, train)
        errors = [error_of(model, table, test)] * len(asked.new)
        found["the old model"].append([*errors, error_of(model, table, others), taken])
        rate = PRESET_RATES[table.classification]
        ways = [("a new model of the new rows", anew), *tuned_ways(anew, model, rate)]
        for name, one in [*ways, ("a new model of all rows", anew)]:
            before = train if name.endswith("all rows") else train[:0]
            errors = []
            for n_new in asked.new:
                taken = seconds(one, table, np.concatenate([before, new[:n_new]]))
                errors.append(error_of(one, table, test))
            found[name].append([*errors, error_of(one, table, others), taken])
    heads = [f"{n} new rows" for n in asked.new]
    print()
    print_head([drift.table, *heads, f"others, after {max(asked.new)}", "seconds"])
    for name, figures in found.items():
        *means, taken = np.mean(figures, axis=0)
        print_line([name, *(f"{mean:.3f}" for mean in means), f"{taken:.2f}"])


def compare_more(table: Table, asked: argparse.Namespace) -> None:
    """Print a line of the table of more networks."""
    found = []
    seeds = range(asked.draws)
    few, many = N_NETWORKS
    for seed, (train, test) in zip(seeds, table.draws(seeds, asked.rows), strict=True):
        model = estimator(table, preset=asked.preset, random_state=seed, n_estimators=few)
        anew = clone(model).set_params(n_estimators=many)
        times = [seconds(model, table, train)]
        errors = [error_of(model, table, test)]
        model.set_params(n_estimators=many, warm_start=True)
        for one in (model, anew):
            times.append(seconds(one, table, train))
            errors.append(error_of(one, table, test))
        found.append([*errors, *times])
    means = np.mean(found, axis=0)
    cells = [f"{mean:.4g}" for mean in means[:3]] + [f"{mean:.2f}" for mean in means[3:]]
    print_line([table.name, str(len(train)), *cells])


def compare_measured(preset: str) -> None:
    """Print the table of metrics."""
    X, y = load_breast_cancer(return_X_y=True)
    train = X[:MEASURED_ROWS], y[:MEASURED_ROWS]
    rest = [(X[half], y[half]) for half in np.array_split(np.arange(MEASURED_ROWS, len(y)), 2)]
    shared = {"preset": preset, "max_iter": EPOCHS, "random_state": 0}
    times = defaultdict(list)  # by the metric's place and whether there are sets: of each fit
    for _ in range(FITS):  # in turns, so that other work on the machine meets all alike
        for place, has_sets in product(range(len(METRICS)), (False, True)):
            model = Classifier(eval_metric=METRICS[place], **shared)
            start = time.process_time()
            model.fit(*train, eval_set=rest if has_sets else None)
            times[place, has_sets].append(time.process_time() - start)
    print()
    print_head(["eval_metric", "fit, s", "with two sets, s"])
    for place, metric in enumerate(METRICS):
        print_line([str(metric), *(f"{min(times[place, has_sets]):.2f}" for has_sets in (0, 1))])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "what", choices=("tuned", "more", "measured"), nargs="?", help="default: all"
    )
    parser.add_argument("--data", type=Path, default=DATA, help="folder of real tables")
    parser.add_argument("--tables", default=TABLES, metavar="A,B", help="of more networks")
    parser.add_argument("--draws", type=positive, default=3)
    parser.add_argument("--new", type=positive, nargs="+", default=[50, 200], help="new rows")
    parser.add_argument("--rows", type=positive, default=1000, help="most rows of more networks")
    parser.add_argument("--preset", default="fast")
    asked = parser.parse_args()
    asked.new.sort()
    warnings.simplefilter("ignore")
    if asked.what in (None, "tuned"):
        for drift, table in zip(DRIFTS, loaded([d.table for d in DRIFTS], asked.data), strict=True):
            compare_tuned(drift, table, asked)
    if asked.what in (None, "more"):
        few, many = N_NETWORKS
        counts = (f"{few} networks", f"{many} by warm start", f"{many} anew")
        print()
        print_head(["table", "rows", *counts, *(f"{one}, s" for one in counts)])
        for table in loaded(asked.tables.split(","), asked.data):
            compare_more(table, asked)
    if asked.what in (None, "measured"):
        compare_measured(asked.preset)


if __name__ == "__main__":
    main()
