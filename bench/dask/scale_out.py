"""Measure what training costs on many machines, model its time, and check the model on few.

Measures the processor time of training on a row and of reading and encoding one from Parquet, and
the time of a message to a worker and back. The model adds them up for any number of workers; rounds
of 1 to 8 worker processes on this machine check it, if it does nothing else. docs/scaling.md quotes
the report.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

import dask.array as da
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from distributed import Client, LocalCluster
from workers import made_table, seconds

import fastmlp
from fastmlp import dask as fastmlp_dask
from fastmlp.table.encoder import DenseEncoder

OPTIONS = {"preset": "fast", "n_estimators": 2, "random_state": 0}
EPOCHS = (2, 6)  # whose difference leaves out what a fit costs once
GIGABIT = 125e6  # bytes a second


@dataclass(frozen=True)
class Costs:
    """Seconds, and bytes of one network's weights."""

    row: float  # of the table: to train one network for one epoch, or to validate it, on one thread
    message: float  # of a round, to one worker and back, without the bytes
    byte: float  # of a message, copied between processes
    reading: float  # of a row: read from Parquet, encoded, twice
    weights: int


def cpu_seconds(function: Callable, *args: object) -> float:
    """Of one thread; other programs hardly change it."""
    start = time.process_time()
    function(*args)
    return time.process_time() - start


def measured(client: Client, n_rows: int, folder: str) -> Costs:
    X, y = made_table(n_rows, 0)

    few, many = (fastmlp.Regressor(**OPTIONS, max_iter=epochs, n_jobs=1) for epochs in EPOCHS)
    times = [(cpu_seconds(few.fit, X, y), cpu_seconds(many.fit, X, y)) for _ in range(3)]
    few_seconds, many_seconds = map(min, zip(*times, strict=True))
    networks = many.networks_
    row = (many_seconds - few_seconds) / (EPOCHS[1] - EPOCHS[0]) / len(networks) / n_rows

    def message(data: np.ndarray) -> float:
        return seconds(lambda: client.submit(len, client.scatter(data, hash=False)).result())

    message(np.zeros(10))
    small, large = (median(message(np.zeros(n)) for _ in range(9)) for n in (10, 2**21))
    path = Path(folder) / "rows.parquet"
    frame = pd.DataFrame(X, columns=[f"x{j}" for j in range(X.shape[1])])
    pq.write_table(pa.Table.from_pandas(frame), path)
    encoder, _ = DenseEncoder.learn(frame)
    reading = 2 * min(cpu_seconds(lambda: encoder.encode(pd.read_parquet(path))) for _ in range(3))
    return Costs(
        row=row,
        message=small,
        byte=(large - small) / (8 * 2**21),
        reading=reading / n_rows,
        weights=sum(values.nbytes for values in networks[0].parameters),
    )


def modelled(
    costs: Costs, n_rows: float, n_workers: int, threads: int, n_networks: int, n_rounds: int
) -> tuple[float, float, float]:
    """Seconds of reading, of training, and of averaging.

    The client sends and receives the weights of all networks for each worker, one after the other.
    """
    own = n_rows / n_workers
    reading = own * costs.reading / threads
    training = n_rounds * own * costs.row * n_networks / min(threads, n_networks)
    bytes_of_round = 2 * n_networks * costs.weights * n_workers
    averaging = n_rounds * (n_workers * costs.message + bytes_of_round * costs.byte)
    return reading, training, averaging


def check(n_rows: int, workers: list[int], costs: Costs, rounds: int) -> list[dict]:
    """Times of fits with worker processes of one thread beside what the model says."""
    X, y = made_table(n_rows, 0)
    found = []
    n_cores = os.cpu_count() or 1
    for n in workers:
        with (
            LocalCluster(
                n_workers=n,
                threads_per_worker=1,
                dashboard_address=":0",
                silence_logs=logging.ERROR,
            ) as cluster,
            Client(cluster),
        ):
            lazy = da.from_array(X, chunks=(n_rows // 8, -1)), da.from_array(y, chunks=n_rows // 8)
            few, many = (
                fastmlp_dask.Regressor(**OPTIONS, max_iter=epochs).fit(*lazy, distribute="rows")
                for epochs in (1, 1 + rounds)
            )
        own = (many.fit_seconds_ - few.fit_seconds_) / rounds
        # Workers beyond the number of cores take turns.
        _, training, averaging = modelled(costs, n_rows, n, 1, OPTIONS["n_estimators"], 1)
        expected = training * max(1.0, n / n_cores) + averaging
        found.append({"workers": n, "seconds": own, "modelled": expected})
        print(f"{n} workers: {own:.3f} s a round, modelled {expected:.3f} s")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=40_000)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4, 8])
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as cluster,
        Client(cluster) as client,
    ):
        costs = measured(client, given.rows, folder)
    print(
        f"a row, one network and epoch: {1e6 * costs.row:.2f} us; a message: "
        f"{1e3 * costs.message:.1f} ms and {1e9 * costs.byte:.2f} s per GB; a row read and encoded "
        f"twice: {1e6 * costs.reading:.2f} us; weights of a network: {costs.weights / 1e3:.0f} kB"
    )
    found = check(given.rows, given.workers, costs, given.rounds)
    # 1 TB of Parquet: a row of ten columns takes some 50 bytes there. Sixteen epochs of two
    # networks, with a thread each, as the default preset trains large tables; 10 Gbit/s.
    n_rows, rounds = 1e12 / 50, 16
    network = replace(costs, byte=1 / (10 * GIGABIT))
    print("workers | reading h | training h | averaging h | sum h | GB of weights")
    for n in (2, 8, 32, 128, 512, 1024):
        hours = [one / 3600 for one in modelled(network, n_rows, n, 2, 2, rounds)]
        sent = 2 * 2 * costs.weights * n * rounds / 1e9
        print(
            f"{n} | " + " | ".join(f"{one:.2f}" for one in [*hours, sum(hours)]) + f" | {sent:.2f}"
        )
    if given.json:
        given.json.write_text(json.dumps({"costs": asdict(costs), "check": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
