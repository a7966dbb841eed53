"""Measure what tuning gains: test errors of the defaults and of the best of so many trials.

Each draw takes training rows and up to 2,000 test rows of a table anew. A study is that of
docs/tuning.md: trials of `fastmlp.tuning.space` for Optuna's default sampler and median pruner, the
best of which has the least out-of-fold error; while none has less than the defaults, these are
taken. Test rows choose nothing. Errors are RMSE or log-loss; changes are geometric means over
draws with their standard errors, and "time" is that of the study in fits with the defaults.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from changes import percent
from compare import positive
from markdown_table import print_head, print_line
from tables import DATA, Array, Split, Table, loaded
from tabular import error_of, main_error

from fastmlp import Classifier, Regressor
from fastmlp.tuning import OptunaPruning, space

TABLES = "concrete,strike,credit-g,phoneme"
Errors = tuple[float, float]  # out of fold, and on the test rows


class Study:
    """The defaults and trials on one draw of a table."""

    def __init__(self, table: Table, split: Split, preset: str, seed: int) -> None:
        self.table, self.split = table, split
        self.estimator: Any = Classifier if table.classification else Regressor
        self.preset, self.seed = preset, seed
        self.suggest = space("optuna")
        start = time.perf_counter()
        self.default = self.errors()
        self.default_seconds = time.perf_counter() - start

    def errors(self, callbacks: Any = None, **parameters: Any) -> Errors:
        """Fit once."""
        train, test = self.split
        model = self.estimator(preset=self.preset, random_state=self.seed, **parameters)
        model.fit(*self.table.rows(train), callbacks=callbacks)
        out_of_fold = (
            (model.oof_proba_, model.classes_)
            if self.table.classification
            else model.oof_prediction_
        )
        return main_error(self.table, train, out_of_fold), error_of(model, self.table, test)

    def objective(self, trial: optuna.Trial) -> float:
        """Fit a trial's model; the study sees its out-of-fold error."""
        errors = self.errors(OptunaPruning(trial), **self.suggest(trial))
        trial.set_user_attr("errors", errors)
        return errors[0]

    def chosen(self, n_trials: int) -> list[Errors]:
        """Errors of what is best after each trial."""
        study = optuna.create_study(
            sampler=optuna.samplers.TPESampler(seed=self.seed),
            pruner=optuna.pruners.MedianPruner(n_warmup_steps=20),
        )
        study.optimize(self.objective, n_trials)
        best, after = self.default, []
        for trial in study.trials:
            if "errors" in trial.user_attrs:  # else it was pruned
                best = min(best, tuple(trial.user_attrs["errors"]))
            after.append(best)
        return after


def change(chosen: Array, default: Array) -> str:
    """Mean change of an error, with its standard error over two draws or more."""
    ratios = np.log(chosen / default)
    mean = percent(ratios.mean())
    if len(ratios) == 1:
        return mean
    return f"{mean} ± {100 * np.std(ratios, ddof=1) / np.sqrt(len(ratios)):.1f}"


def compare(table: Table, asked: argparse.Namespace) -> None:
    """Print a line of the report."""
    seeds = range(asked.first, asked.first + asked.draws)
    default, chosen, times = [], [], []
    for seed, split in zip(seeds, table.draws(seeds, asked.rows), strict=True):
        study = Study(table, split, asked.preset, seed)
        start = time.perf_counter()
        chosen.append(study.chosen(max(asked.trials)))
        times.append((time.perf_counter() - start) / study.default_seconds)
        default.append(study.default)
    defaults, best = np.array(default), np.array(chosen)  # (draws, 2), (draws, trials, 2)
    cells = [f"{defaults[:, 1].mean():.4g}"]
    cells += [change(best[:, n - 1, 1], defaults[:, 1]) for n in asked.trials]
    cells += [change(best[:, -1, 0], defaults[:, 0]), f"{np.median(times):.0f}"]
    print_line([table.name, str(asked.draws), str(len(split[0])), *cells])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="folder of real tables")
    parser.add_argument("--tables", default=TABLES, metavar="A,B")
    parser.add_argument("--draws", type=positive, default=3, help="of training and test rows")
    parser.add_argument("--first", type=int, default=0, help="seed of the first draw")
    parser.add_argument("--rows", type=positive, default=1000, help="most training rows")
    parser.add_argument(
        "--trials", type=positive, nargs="+", default=[5, 10, 20], help="after which to report"
    )
    parser.add_argument("--preset", default="fast")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    heads = ["table", "draws", "rows", "defaults", *(f"{n} trials" for n in asked.trials)]
    print_head([*heads, "out of fold", "time"])
    for table in loaded(asked.tables.split(","), asked.data):
        compare(table, asked)


if __name__ == "__main__":
    main()
