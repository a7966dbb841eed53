"""Time fastmlp against scikit-learn and PyTorch: the same work, in turns, in one run.

See README.md in this folder for what is measured and how to read the table.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import drop_in
import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, r2_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from threadpoolctl import threadpool_limits
from workloads import DEFAULT, DEFAULT_PREDICTION, WORKLOADS, Workload

import fastmlp
from fastmlp import _core

PREDICTED_ROWS = 100_000
LEARNING_RATE = 1e-3
TURN = 0.1  # least seconds of a turn, so that short runs are timed warm
PAUSE = 0.1  # seconds before a run, in which spinning threads of the previous one fall asleep

Key = TypeVar("Key")
Array = NDArray[Any]
Predict = Callable[[Array], Array]
Fit = Callable[[Workload, Array, Array], Predict]


# ---- the programs: each trains a new network and returns its predict function


def estimator_parameters(workload: Workload) -> dict[str, Any]:
    """Parameters of both fastmlp and scikit-learn: all epochs are run, nothing decays."""
    return {
        "hidden_layer_sizes": workload.hidden,
        "activation": workload.activation,
        "solver": "adam",
        "alpha": 0.0,
        "batch_size": workload.batch,
        "learning_rate": "constant",
        "learning_rate_init": LEARNING_RATE,
        "max_iter": workload.epochs,
        "shuffle": not workload.full_batch,
        "tol": 0.0,
        "n_iter_no_change": np.inf,
        "early_stopping": False,
        "random_state": 0,
    }


def fit_fastmlp(workload: Workload, X: Array, y: Array, *, threads: int) -> Predict:
    kind: Any = fastmlp.Classifier if workload.classifier else fastmlp.Regressor
    model = kind(
        **estimator_parameters(workload),
        preset="plain",
        weight_decay=0.0,
        standardize=False,
        dtype=X.dtype.name,
        n_jobs=threads,
    ).fit(X, y)
    assert model.n_iter_ == workload.epochs
    return model.predict


def fit_sklearn(workload: Workload, X: Array, y: Array) -> Predict:
    kind = MLPClassifier if workload.classifier else MLPRegressor
    model = kind(**estimator_parameters(workload)).fit(X, y)
    assert model.n_iter_ == workload.epochs
    return model.predict


def fit_torch(workload: Workload, X: Array, y: Array) -> Predict:
    import torch
    from torch import nn

    torch.manual_seed(0)
    activation = {"relu": nn.ReLU, "tanh": nn.Tanh}[workload.activation]
    layers: list[nn.Module] = []
    for inputs, outputs in zip(workload.sizes[:-1], workload.sizes[1:], strict=True):
        layers += [nn.Linear(inputs, outputs), activation()]
    model = nn.Sequential(*layers[:-1]).to(getattr(torch, X.dtype.name))
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE, fused=True)
    loss = nn.CrossEntropyLoss() if workload.classifier else nn.MSELoss()

    def step(X: torch.Tensor, y: torch.Tensor) -> None:
        optimizer.zero_grad()
        loss(model(X), y).backward()
        optimizer.step()

    table = torch.from_numpy(X)
    targets = torch.from_numpy(y if workload.classifier else y.reshape(-1, workload.outputs))
    for _ in range(workload.epochs):
        if workload.full_batch:
            step(table, targets)
            continue
        for rows in torch.randperm(len(X)).split(workload.batch):
            step(table.index_select(0, rows), targets.index_select(0, rows))

    def predict(X: Array) -> Array:
        with torch.inference_mode():
            outputs = model(torch.from_numpy(X))
        return (outputs.argmax(1) if workload.classifier else outputs.squeeze(1)).numpy()

    return predict


def programs(threads: int, peers: list[str]) -> dict[str, Fit]:
    """Return fastmlp and its peers. scikit-learn uses BLAS threads, which the caller limits."""
    found: dict[str, Fit] = {"fastmlp": partial(fit_fastmlp, threads=threads)}
    if "scikit-learn" in peers:
        found["scikit-learn"] = fit_sklearn
    if "torch" in peers and importlib.util.find_spec("torch"):
        import torch

        torch.set_num_threads(threads)
        found["torch"] = fit_torch
    return found


# ---- measuring


def seconds(run: Callable[[], Any], in_a_row: int = 1) -> float:
    """Return the wall time of one call, as the mean of several in a row."""
    start = time.perf_counter()
    for _ in range(in_a_row):
        run()
    return (time.perf_counter() - start) / in_a_row


def alternate(
    runs: Mapping[Key, Callable[[], Any]], repeats: int, warm_up: float
) -> dict[Key, list[float]]:
    """Time the runs in turns, for `repeats` rounds.

    Each first runs at least once, and until `warm_up` seconds have passed. A turn of a short run is
    as many runs in a row as fill `TURN` seconds; its time is their mean.
    """
    in_a_row = {}
    for name, run in runs.items():
        start = time.perf_counter()
        count = 0
        while count == 0 or time.perf_counter() - start < warm_up:
            run()
            count += 1
        in_a_row[name] = max(1, round(TURN * count / (time.perf_counter() - start)))
    times: dict[Key, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            time.sleep(PAUSE)
            times[name].append(seconds(run, in_a_row[name]))
    return times


def measure_fit(
    workload: Workload, fits: dict[str, Fit], dtype: str, repeats: int, warm_up: float
) -> dict[str, Any]:
    """Time training, and score the last network of each program on the training rows."""
    X, y = workload.data(dtype)
    models: dict[str, Predict] = {}

    def train(name: str) -> None:
        models[name] = fits[name](workload, X, y)

    times = alternate({name: partial(train, name) for name in fits}, repeats, warm_up)
    score = accuracy_score if workload.classifier else r2_score
    scores = {name: float(score(y, predict(X))) for name, predict in models.items()}
    return {**summary(workload, times, workload.training_flops()), "scores": scores}


def measure_predict(
    workload: Workload, fits: dict[str, Fit], dtype: str, repeats: int, warm_up: float
) -> dict[str, Any]:
    """Time the prediction of many rows at once, by networks trained on a few rows."""
    X, y = workload.data(dtype, PREDICTED_ROWS)
    few = slice(2 * workload.batch)
    runs = {name: partial(fit(workload, X[few], y[few]), X) for name, fit in fits.items()}
    times = alternate(runs, repeats, warm_up)
    return summary(workload, times, workload.prediction_flops(PREDICTED_ROWS))


def summary(workload: Workload, times: dict[str, list[float]], flops: int) -> dict[str, Any]:
    """Medians, the rate of fastmlp, and the ratios of each peer to fastmlp, round by round."""
    medians = {name: statistics.median(values) for name, values in times.items()}
    ratios = {}
    for peer in list(times)[1:]:
        pairs = [a / b for a, b in zip(times[peer], times["fastmlp"], strict=True)]
        ratios[peer] = {"median": statistics.median(pairs), "min": min(pairs), "max": max(pairs)}
    return {
        "workload": workload.name,
        "rows": workload.rows,
        "epochs": workload.epochs,
        "full_batch": workload.full_batch,
        "flops": flops,
        "seconds": medians,
        "all_seconds": times,
        "gflops": flops / medians["fastmlp"] * 1e-9,
        "ratios": ratios,
    }


def peak_gflops(threads: int, dtype: str, size: int = 2048, repeats: int = 10) -> float:
    """Best rate of NumPy's matrix product, a lower bound of what the machine can do."""
    a = np.random.default_rng(0).random((size, size)).astype(dtype)
    out = np.empty_like(a)
    with threadpool_limits(threads, user_api="blas"):
        best = min(seconds(lambda: np.matmul(a, a, out=out)) for _ in range(repeats))
    return 2 * size**3 / best * 1e-9


# ---- reporting


def machine() -> dict[str, Any]:
    """Describe the machine that was measured."""
    cpu = platform.processor() or platform.machine()
    if (cpuinfo := Path("/proc/cpuinfo")).exists():
        names = [line for line in cpuinfo.read_text().splitlines() if "model name" in line]
        cpu = names[0].partition(":")[2].strip() if names else cpu
    return {"cpu": cpu, "cores": joblib.cpu_count(), "system": platform.system()}


def versions(with_torch: bool) -> dict[str, str]:
    names = ["fastmlp", "numpy", "scikit-learn", *(["torch"] if with_torch else [])]
    return {"python": platform.python_version()} | {name: version(name) for name in names}


def origin(with_torch: bool) -> dict[str, Any]:
    """Head of every report: date, machine, build and versions."""
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": machine(),
        "build": _core.build_info(),
        "versions": versions(with_torch),
    }


def aligned(lines: list[list[str]]) -> str:
    """Align cells in columns: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])])
        for line in lines
    )


def write_json(path: Path, report: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=2, default=str) + "\n")


def table(results: list[dict[str, Any]], threads: int, peak: float) -> str:
    """Table to print, one line per workload."""
    names = list(results[0]["seconds"])
    header = ["workload", "threads", *(f"{name} s" for name in names), "GFLOP/s", "of peak"]
    header += [f"{name} / fastmlp" for name in names[1:]]
    lines = [header]
    for result in results:
        line = [result["workload"], str(threads)]
        line += [f"{result['seconds'][name]:.4f}" for name in names]
        line += [f"{result['gflops']:.1f}", f"{result['gflops'] / peak:.1%}"]
        for ratio in result["ratios"].values():
            line.append("{median:.1f} ({min:.1f}-{max:.1f})".format(**ratio))
        lines.append(line)
    return aligned(lines)


def epoch_times(results: list[dict[str, Any]]) -> str:
    """Microseconds per epoch of workloads in which an epoch is one step."""
    lines = []
    for result in results:
        if result["full_batch"]:
            times = {name: 1e6 * s / result["epochs"] for name, s in result["seconds"].items()}
            lines.append(
                f"{result['workload']}, microseconds per epoch: "
                + ", ".join(f"{name} {value:.0f}" for name, value in times.items())
            )
    return "\n".join(lines)


# ---- command line


def names_of(text: str) -> list[str]:
    names = list(WORKLOADS) if text == "all" else text.split(",")
    if unknown := [name for name in names if name not in WORKLOADS]:
        raise argparse.ArgumentTypeError(
            f"unknown workloads {unknown}; choose from {', '.join(WORKLOADS)}, or 'all'"
        )
    return names


def positive(text: str) -> int:
    if (value := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1; got {value}")
    return value


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--workloads",
        type=names_of,
        metavar="A,B",
        help=f"from {', '.join(WORKLOADS)}, or all; default {','.join(DEFAULT)}, "
        f"with --predict {','.join(DEFAULT_PREDICTION)}",
    )
    parser.add_argument("--threads", type=positive, default=joblib.cpu_count(), metavar="N")
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    parser.add_argument("--repeats", type=positive, metavar="N", help="default 5; 3 with --quick")
    parser.add_argument(
        "--quick", action="store_true", help="a quarter of the rows; about a minute"
    )
    parser.add_argument(
        "--predict",
        action="store_true",
        help=f"time the prediction of {PREDICTED_ROWS:,} rows instead of training",
    )
    parser.add_argument(
        "--drop-in",
        action="store_true",
        help="instead, time fastmlp.neural_network against scikit-learn's MLP, on these workloads: "
        f"{', '.join(drop_in.DROP_IN)}",
    )
    parser.add_argument(
        "--peers",
        type=lambda text: text.split(","),
        default=["scikit-learn", "torch"],
        metavar="A,B",
        help="from scikit-learn and torch, or none; default: both, torch if it is installed",
    )
    parser.add_argument("--json", type=Path, metavar="PATH", help="write everything measured")
    return parser.parse_args()


def compare_drop_in(threads: int, repeats: int, warm_up: float, path: Path | None) -> None:
    """Run everything that --drop-in measures."""
    results = []
    with threadpool_limits(threads):
        for name in drop_in.DROP_IN:
            print(f"{name} ...", end=" ", file=sys.stderr, flush=True)
            results.append(drop_in.measure(name, alternate, repeats, warm_up))
    print(file=sys.stderr)
    print(aligned(drop_in.lines(results)))
    if path:
        settings = {"threads": threads, "repeats": repeats, "what": "drop-in"}
        write_json(path, {**origin(False), "settings": settings, "results": results})


def main() -> None:
    options = arguments()
    warnings.simplefilter("ignore", ConvergenceWarning)  # all epochs are run on purpose
    threads, dtype = options.threads, options.dtype
    repeats = options.repeats or (3 if options.quick else 5)
    warm_up = 0.5 if options.quick else 2.0
    if options.drop_in:
        return compare_drop_in(threads, repeats, warm_up, options.json)
    chosen = options.workloads or (DEFAULT_PREDICTION if options.predict else DEFAULT)

    fits = programs(threads, options.peers)
    report: dict[str, Any] = {
        **origin("torch" in fits),
        "settings": {
            "threads": threads,
            "dtype": dtype,
            "repeats": repeats,
            "warm_up_seconds": warm_up,
            "quick": options.quick,
            "what": "predict" if options.predict else "fit",
            "predicted_rows": PREDICTED_ROWS if options.predict else None,
        },
    }

    measure = measure_predict if options.predict else measure_fit
    counts = sorted({1, threads})
    peaks = [{n: peak_gflops(n, dtype) for n in counts}]
    results = []
    with threadpool_limits(threads, user_api="blas"):
        for name in chosen:
            print(f"{name} ...", end=" ", file=sys.stderr, flush=True)
            workload = WORKLOADS[name].smaller() if options.quick else WORKLOADS[name]
            results.append(measure(workload, fits, dtype, repeats, warm_up))
    print(file=sys.stderr)
    peaks.append({n: peak_gflops(n, dtype) for n in counts})
    peak = {n: max(measured[n] for measured in peaks) for n in counts}

    for result in results:
        result["fraction_of_peak"] = result["gflops"] / peak[threads]
    report |= {"peak_gflops": peak, "peaks_before_and_after": peaks, "results": results}

    print(", ".join(" ".join(item) for item in report["versions"].items()))
    print(f"{report['machine']['cpu']}, {report['build']['instruction_set']}, {dtype}")
    print(
        "peak GFLOP/s: "
        + ", ".join(f"{rate:.0f} ({n} thread{'s' * (n > 1)})" for n, rate in peak.items())
    )
    print("\n" + table(results, threads, peak[threads]))
    if not options.predict and (lines := epoch_times(results)):
        print("\n" + lines)
    if options.json:
        write_json(options.json, report)


if __name__ == "__main__":
    main()
