"""Fit a table of Parquet files that is larger than memory may be, and compare with a fit in memory.

    python bench/streaming.py --gb 2 --max-memory 500MB --folder /tmp/streaming

makes the files, unless the folder has them; then fits in a process of its own and prints its peak
memory, the time of the pass over the files, the time of training, and how busy it kept the cores.
The last lines compare errors of fits on a part of the rows, from files and in memory.
"""

from __future__ import annotations

import argparse
import json
import logging
import multiprocessing
import os
import resource
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FILE_ROWS = 500_000
BYTES_PER_ROW = 343  # of the files that `table` makes
TEST_ROWS = 100_000


def table(n_rows: int, seed: int) -> pa.Table:
    """40 numbers, two texts, booleans, dates as text and as dates, and a target."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 40))
    X[:, 5] = np.exp(X[:, 5])
    X[:, 6] = np.round(10 * X[:, 6])
    city, code = rng.integers(0, 30, n_rows), rng.integers(0, 2000, n_rows)
    flag = rng.random(n_rows) < 0.3
    days = np.datetime64("2015-01-01") + rng.integers(0, 3000, n_rows).astype("m8[D]")
    y = 2 * X[:, 0] + np.sin(2 * X[:, 1]) + X[:, 2] * X[:, 3] + 0.1 * city + flag
    y += 0.3 * rng.normal(size=n_rows)
    X[rng.random(n_rows) < 0.1, 7] = np.nan
    columns = {f"x{j}": X[:, j] for j in range(40)}
    columns |= {
        "city": np.array([f"city {k}" for k in range(30)])[city],
        "code": np.array([f"code {k}" for k in range(2000)])[code],
        "flag": flag,
        "day": days.astype(str),
        "time": days.astype("M8[us]") + rng.integers(0, 86_400, n_rows).astype("m8[s]"),
        "y": y,
    }
    return pa.table(columns)


def make_files(folder: Path, n_rows: int) -> None:
    """Write the files that are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, start in enumerate(range(0, n_rows, FILE_ROWS)):
        path = folder / f"part-{number:05d}.parquet"
        if not path.exists():
            pq.write_table(table(min(FILE_ROWS, n_rows - start), number), path)


class PassEnd(logging.Handler):
    """Notes wall time and processor time when the pass over the files has ended.

    A fit that finds its rows in a cache has no pass: it has ended when this is made.
    """

    def __init__(self) -> None:
        super().__init__()
        self._take_times()

    def emit(self, record: logging.LogRecord) -> None:
        """Take the time at the pass's last message."""
        if "rows into a cache" in record.getMessage():
            self._take_times()

    def _take_times(self) -> None:
        self.wall, self.processor, self.idle = time.time(), processor_seconds(), idle_seconds()


def processor_seconds() -> float:
    """Of this process, all threads."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def peak_megabytes() -> float:
    """Of this process since it began; the system's ru_maxrss counts its parent's too."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1e3


def idle_seconds() -> float:
    """Of all cores of the machine."""
    with open("/proc/stat") as file:
        fields = file.readline().split()
    return (int(fields[4]) + int(fields[5])) / os.sysconf("SC_CLK_TCK")


def fit_stream(folder: str, max_memory: str, caches: str, options: dict[str, object]) -> None:
    """Fit on the files, and print a line of JSON; runs in a process of its own."""
    from fastmlp import Regressor

    n_cores = len(os.sched_getaffinity(0))
    end = PassEnd()
    log = logging.getLogger("fastmlp")
    log.addHandler(end)
    log.setLevel(logging.INFO)
    before = peak_megabytes()
    start = time.time()
    model = Regressor(random_state=0, **options)
    model.fit(folder, "y", cache=caches, max_memory=max_memory)
    wall = time.time() - end.wall
    found = {
        "memory before, MB": before,
        "peak memory, MB": peak_megabytes(),
        "pass, s": end.wall - start,
        "rest, s": wall,
        "training, s": model.fit_seconds_,
        "this process used of the cores": (processor_seconds() - end.processor) / wall / n_cores,
        "cores busy": 1 - (idle_seconds() - end.idle) / wall / n_cores,
        "epochs": model.n_iter_,
        "RMSE of new rows": rmse(model),
    }
    print(json.dumps(found), flush=True)


def rmse(model: object) -> float:
    """Root mean squared error for rows that no fit has seen; noise alone has 0.3."""
    new = table(TEST_ROWS, 10**6)
    errors = model.predict(new.drop_columns("y")) - new["y"].to_numpy()  # type: ignore[attr-defined]
    return float(np.sqrt(np.mean(errors**2)))


def compare(folder: Path, n_rows: int, max_memory: str, options: dict[str, object]) -> None:
    """Errors of fits on the first file's rows, from the file and in memory, for two seeds."""
    from fastmlp import Regressor

    part = pq.read_table(folder / "part-00000.parquet").slice(0, n_rows)
    (folder / "part").mkdir(exist_ok=True)
    pq.write_table(part, folder / "part" / "part.parquet")
    y = part["y"].to_numpy()
    for seed in (0, 1):
        model = Regressor(random_state=seed, **options)
        streamed = rmse(model.fit(folder / "part", "y", max_memory=max_memory))
        in_memory = rmse(model.fit(part.drop_columns("y"), y))
        print(
            f"seed {seed}: RMSE {streamed:.4f} from a file, {in_memory:.4f} in memory", flush=True
        )
    shutil.rmtree(folder / "part")


def main() -> None:
    """Read the arguments, and do it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--gb", type=float, default=2.0, help="size of the files")
    parser.add_argument("--max-memory", default="1GB")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--preset", default="default")
    parser.add_argument("--time-limit", type=float, help="of the large fit, in seconds")
    parser.add_argument("--compare-rows", type=int, default=200_000, help="0: no comparison")
    given = parser.parse_args()
    n_rows = round(given.gb * 1e9 / BYTES_PER_ROW)
    files = given.folder / "files"
    make_files(files, n_rows)
    size = sum(path.stat().st_size for path in files.glob("*.parquet"))
    print(f"{n_rows:,} rows, {size / 1e9:.2f} GB of Parquet", flush=True)
    options: dict[str, object] = {"preset": given.preset}
    caches = given.folder / "caches"
    shutil.rmtree(caches, ignore_errors=True)
    limited = options | {"time_limit": given.time_limit}
    process = multiprocessing.get_context("spawn").Process(
        target=fit_stream, args=(str(files), given.max_memory, str(caches), limited)
    )
    process.start()
    process.join()
    if process.exitcode:
        sys.exit(process.exitcode)
    cached = sum(path.stat().st_size for path in caches.rglob("rows.bin"))
    print(f"{cached / 1e9:.2f} GB of row cache", flush=True)
    if given.compare_rows:
        compare(files, given.compare_rows, given.max_memory, options)


if __name__ == "__main__":
    main()
