"""Measure fits by two Dask workers against one process: time of networks as tasks, scores of rows.

Workers are processes with a thread each, on this machine. Fits of both kinds take turns; the least
times count. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import time
from pathlib import Path
from statistics import fmean, stdev

import dask.array as da
import numpy as np
from distributed import Client, LocalCluster

import fastmlp
from fastmlp import dask as fastmlp_dask


def made_table(n_rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Friedman's first function of ten columns, with noise that leaves an R2 of about 0.96."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(size=(n_rows, 10))
    y = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2
    return X, y + 10 * X[:, 3] + 5 * X[:, 4] + rng.normal(size=n_rows)


def seconds(function, *args, **options) -> float:
    start = time.perf_counter()
    function(*args, **options)
    return time.perf_counter() - start


def speed(client: Client, n_rows: int, repeats: int, options: dict) -> dict:
    """Time of a fit on one thread, and of the same fit with networks as tasks."""
    X, y = made_table(n_rows, 0)
    alone = fastmlp.Regressor(n_jobs=1, **options)
    on_workers = fastmlp_dask.Regressor(**options)
    on_workers.fit(X[:200], y[:200])  # workers import what they need
    times: dict[str, list[float]] = {"one thread": [], "workers": []}
    for _ in range(repeats):
        times["one thread"].append(seconds(alone.fit, X, y))
        times["workers"].append(seconds(on_workers.fit, X, y))
    same = np.array_equal(alone.predict(X), on_workers.to_local().predict(X))
    least = {name: min(own) for name, own in times.items()}
    ratio = least["one thread"] / least["workers"]
    print(
        f"networks as tasks, {n_rows:,} rows: one thread {least['one thread']:.2f} s, workers "
        f"{least['workers']:.2f} s: {ratio:.2f} times as fast; same bits: {same}"
    )
    return {"times": times, "ratio": ratio, "same_bits": same}


def scores(client: Client, n_rows: int, n_seeds: int, options: dict) -> dict:
    """R2 on new rows of one process, and of workers that have half of the rows each."""
    X, y = made_table(n_rows, 0)
    X_new, y_new = made_table(n_rows, 1)
    lazy = da.from_array(X, chunks=(n_rows // 8, -1)), da.from_array(y, chunks=n_rows // 8)
    found: dict[str, list[float]] = {"one process": [], "workers": []}
    for seed in range(n_seeds):
        own = options | {"random_state": seed}
        local = fastmlp.Regressor(**own).fit(X, y)
        model = fastmlp_dask.Regressor(**own).fit(*lazy, distribute="rows")
        found["one process"].append(local.score(X_new, y_new))
        found["workers"].append(model.to_local().score(X_new, y_new))
    shown = [f"{name} {fmean(own):.5f} +- {stdev(own):.5f}" for name, own in found.items()]
    print(f"rows of their own, {n_rows:,} rows, {n_seeds} seeds: R2 of {', of '.join(shown)}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--preset", default="fast")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    options = {"preset": given.preset, "random_state": 0}
    with (
        LocalCluster(
            n_workers=given.workers,
            threads_per_worker=1,
            dashboard_address=":0",
            silence_logs=logging.ERROR,
        ) as cluster,
        Client(cluster) as client,
    ):
        print(f"{given.workers} workers, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        results = {
            "speed": speed(client, given.rows, given.repeats, options),
            "scores": scores(client, given.rows, given.seeds, options),
            "load": os.getloadavg(),
        }
    if given.json:
        given.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
