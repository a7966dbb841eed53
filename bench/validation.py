"""Out-of-fold errors against errors on unseen groups and on later rows; what the checks cost.

Grouped rows: 1,000 rows of 50 groups, which have an intercept and two columns of their own; errors
are those of rows of 500 other groups. The intercept's standard deviation is that of the noise, or
twice as large. Rows in time: the coefficients of 1,500 rows drift; errors are those of the 300 rows
that follow.

    python bench/validation.py [--repeats 20] [--preset default]
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp import Regressor, ValidationWarning
from fastmlp.ensemble.leakage.warning import warn_of_leakage
from fastmlp.ensemble.splits import RowSubset

Array = NDArray[Any]

N_GROUPS, N_ROWS, N_NEW = 50, 1000, 500
NOISE = 0.5
N_TIMES, N_LATER = 1500, 300


def grouped(
    rng: np.random.Generator, intercept: float
) -> tuple[tuple[Array, Array, Array], tuple[Array, Array]]:
    """Rows of 50 groups with the groups' labels, and rows of others."""
    own = rng.normal(size=(N_GROUPS + N_NEW, 2))
    intercepts = intercept * rng.normal(size=N_GROUPS + N_NEW)

    def rows(groups: Array) -> tuple[Array, Array]:
        x = rng.normal(size=(groups.size, 2))
        y = np.sin(2 * x[:, 0]) + x[:, 1] + 0.5 * own[groups, 0] + intercepts[groups]
        return np.column_stack([x, own[groups]]), y + NOISE * rng.normal(size=groups.size)

    groups = rng.integers(N_GROUPS, size=N_ROWS)
    others = N_GROUPS + np.repeat(np.arange(N_NEW), 4)
    return (*rows(groups), groups), rows(others)


def drifting(rng: np.random.Generator) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Rows in the order of time, and those that follow."""
    n = N_TIMES + N_LATER
    X = rng.normal(size=(n, 5))
    drift = np.cumsum(rng.normal(size=(n, 2)), axis=0) / np.sqrt(n)
    y = (1 + drift[:, 0]) * X[:, 0] + np.sin(2 * X[:, 1]) + drift[:, 1] * X[:, 2]
    y += 0.3 * rng.normal(size=n)
    return (X[:N_TIMES], y[:N_TIMES]), (X[N_TIMES:], y[N_TIMES:])


def rmse(predicted: Array, y: Array) -> float:
    """Over the rows that are predicted."""
    known = ~np.isnan(predicted)
    return float(np.sqrt(np.mean(np.square(predicted[known] - y[known]))))


def fitted(preset: str, X: Array, y: Array, **arguments: Any) -> tuple[Regressor, float, bool]:
    """A model, the seconds that it took, and whether it warned of random folds."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        start = time.perf_counter()
        model = Regressor(preset=preset, random_state=0).fit(X, y, **arguments)
        seconds = time.perf_counter() - start
    return model, seconds, any(one.category is ValidationWarning for one in seen)


def seconds_of_checks(model: Regressor, X: Array, y: Array) -> float:
    """What looking for signs of groups takes, the least of five times."""
    task, targets = model._new_task(y, model._settings(X, None))
    data = RowSubset(X, targets, None)
    taken = []
    for _ in range(5):
        start = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warn_of_leakage(model._model.encoder, task, data)
        taken.append(time.perf_counter() - start)
    return min(taken)


def shown(name: str, rows: list[tuple[float, ...]], columns: tuple[str, ...]) -> None:
    """Print the means of the columns, the first four of which are errors."""
    print(name)
    means, errors = np.mean(rows, axis=0), np.std(rows, axis=0, ddof=1) / np.sqrt(len(rows))
    for column, mean, error in zip(columns, means, errors, strict=True):
        print(f"  {column:34} {mean:8.4f} +- {error:.4f}")
    print(f"  out of fold / unseen {means[0] / means[1]:.3f}, random {means[2] / means[3]:.3f}")


def errors_of(models: tuple[Regressor, Regressor], y: Array, X_new: Array, y_new: Array) -> Any:
    """Out of fold and on unseen rows, of each model."""
    pairs = [(rmse(one.oof_prediction_, y), rmse(one.predict(X_new), y_new)) for one in models]
    return *pairs[0], *pairs[1]


ERRORS = ("out of fold", "unseen", "out of fold, random folds", "unseen, random folds")


def compare_groups(preset: str, n_repeats: int, intercept: float) -> None:
    """Folds of groups, and random ones."""
    rows = []
    for seed in range(n_repeats):
        (X, y, groups), new = grouped(np.random.default_rng(seed), intercept)
        model, _, warned = fitted(preset, X, y, groups=groups)
        random, seconds, random_warned = fitted(preset, X, y)
        checks = seconds_of_checks(random, X, y) / seconds
        rows.append((*errors_of((model, random), y, *new), warned, random_warned, checks))
    columns = (*ERRORS, "warned", "warned, random folds", "checks / fit time")
    shown(f"groups, intercept {intercept:g}, noise {NOISE:g}", rows, columns)


def compare_times(preset: str, n_repeats: int) -> None:
    """Windows of time, and random folds."""
    rows = []
    for seed in range(n_repeats):
        (X, y), new = drifting(np.random.default_rng(seed))
        model, seconds, _ = fitted(preset, X, y, time=np.arange(len(y)))
        random, random_seconds, _ = fitted(preset, X, y)
        rows.append((*errors_of((model, random), y, *new), seconds / random_seconds))
    shown("time", rows, (*ERRORS, "fit time / that of random folds"))


def main() -> None:
    """Run all, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--preset", default="default")
    given = parser.parse_args()
    for intercept in (NOISE, 2 * NOISE):
        compare_groups(given.preset, given.repeats, intercept)
    compare_times(given.preset, given.repeats)


if __name__ == "__main__":
    main()
