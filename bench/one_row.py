"""Time the prediction of one row of a pandas frame, as a service does it, beside LightGBM.

See README.md in this folder.
"""

from __future__ import annotations

import argparse
import importlib.util
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from compare import aligned

from fastmlp import Regressor

TRAINING_ROWS = 1000
TURN = 0.02  # least seconds of a turn

Predict = Callable[[pd.DataFrame], Any]


def numbers(columns: int) -> pd.DataFrame:
    values = np.random.default_rng(0).normal(size=(TRAINING_ROWS, columns))
    return pd.DataFrame(values, columns=[f"number {j}" for j in range(columns)])


def with_categories(columns: int, categories: int, kind: str) -> pd.DataFrame:
    labels = np.random.default_rng(1).choice(list("abcdefgh"), size=(TRAINING_ROWS, categories))
    text = pd.DataFrame(labels, columns=[f"{kind} {j}" for j in range(categories)])
    return pd.concat(
        [numbers(columns), text.astype("category") if kind == "category" else text], axis=1
    )


TABLES = {
    "12 numbers": numbers(12),
    "12 numbers, 4 categories": with_categories(12, 4, "category"),
    "12 numbers, 4 of text": with_categories(12, 4, "text"),
    "1,000 numbers": numbers(1000),
    "1,000 numbers, 1 of text": with_categories(1000, 1, "text"),
    "4,000 numbers, 1 category": with_categories(4000, 1, "category"),
}


def fit_fastmlp(frame: pd.DataFrame, y: Any, threads: int) -> Predict:
    # How long a network was trained does not change how long it predicts.
    return Regressor(random_state=0, max_iter=1, n_jobs=threads).fit(frame, y).predict


def fit_lightgbm(frame: pd.DataFrame, y: Any, threads: int) -> Predict | None:
    from lightgbm import LGBMRegressor

    if any(pd.api.types.is_string_dtype(dtype) for dtype in frame.dtypes):
        return None  # it takes no text
    return LGBMRegressor(n_jobs=threads, verbose=-1).fit(frame, y).predict


def seconds(predict: Predict, frame: pd.DataFrame) -> float:
    """Mean seconds of a call, over a turn of calls with rows that take turns."""
    calls, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < TURN:
        predict(frame[calls % TRAINING_ROWS :][:1])
        calls += 1
    return elapsed / calls


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15, help="turns of each program")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    programs: dict[str, Callable[..., Predict | None]] = {"fastmlp": fit_fastmlp}
    if importlib.util.find_spec("lightgbm"):
        programs["LightGBM"] = fit_lightgbm
    lines = [["microseconds for one row", *programs]]
    for name, frame in TABLES.items():
        y = frame["number 0"] + frame["number 1"] ** 2
        models = {program: fit(frame, y, options.threads) for program, fit in programs.items()}
        times: dict[str, list[float]] = {program: [] for program in programs}
        for _ in range(options.repeats):
            for program, predict in models.items():
                if predict is not None:
                    times[program].append(seconds(predict, frame))
        found = [f"{1e6 * statistics.median(t):.0f}" if t else "-" for t in times.values()]
        lines.append([name, *found])
    print(aligned(lines))


if __name__ == "__main__":
    main()
