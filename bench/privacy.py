"""Measure what private training protects and costs: a membership attack, scores, and time.

See README.md in this folder.
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from compare import origin, write_json
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_digits, make_classification
from sklearn.metrics import roc_auc_score, roc_curve
from sklearn.model_selection import train_test_split

from fastmlp import Classifier, Dense, Network, Optimizer, Privacy, _core

Rows = tuple[NDArray[Any], NDArray[Any]]

DELTA = 1e-5
EPSILONS = (8.0, 2.0, 1.0)
N_REPEATS, FIRST_REPEATS = 7, 2
# Layers and rows of a minibatch, of steps that are timed
STEPS = (
    ((20, 32, 1), 100),
    ((20, 32, 1), 1000),
    ((30, 128, 128, 1), 1000),
    ((60, 512, 512, 1), 1000),
)


def coin_flips() -> Rows:
    """Labels that nothing predicts: a model that does has memory of single rows."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(400, 20)), rng.integers(0, 2, 400)


def wrong_digits() -> Rows:
    """Digits, a fifth of which have a label drawn by chance."""
    X, y = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    return X, np.where(rng.random(len(y)) < 0.2, rng.integers(0, 10, len(y)), y)


def many_rows() -> Rows:
    """Ten thousand rows of two classes."""
    X, y = make_classification(10_000, 20, n_informative=8, flip_y=0.05, random_state=0)
    return X, y


# Loader, and the least and the greatest value that columns are known to have
TABLES = {
    "coin flips": (coin_flips, (-2.0, 2.0)),
    "breast cancer": (lambda: load_breast_cancer(return_X_y=True), None),
    "digits, a fifth wrong": (wrong_digits, (0.0, 16.0)),
    "10,000 rows": (many_rows, (-4.0, 4.0)),
}


def schema(X: NDArray[Any], y: NDArray[Any], bounds: tuple[float, float] | None) -> Rows:
    """Rows with the bounds of the columns and all classes.

    Of breast cancer the bounds are the tables' own, to two digits: in earnest they would come from
    elsewhere.
    """
    low, high = bounds or (X.min(axis=0), np.array([float(f"{x:.1e}") for x in X.max(axis=0)]))
    classes = np.unique(y)
    rows = np.empty((max(2, 2 * (len(classes) // 2 + 1)), X.shape[1]))
    rows[::2], rows[1::2] = low, high
    return rows, np.resize(classes, len(rows))


def attack(model: Any, members: Rows, others: Rows) -> dict[str, float]:
    """Tell members from other rows by their losses (Yeom et al. 2018, arXiv:1709.01604)."""
    confidence = [
        model.predict_proba(X)[np.arange(len(y)), np.searchsorted(model.classes_, y)]
        for X, y in (members, others)
    ]
    is_member = np.repeat([1, 0], [len(one) for one in confidence])
    false, true, _ = roc_curve(is_member, np.concatenate(confidence))
    return {
        "auc": float(roc_auc_score(is_member, np.concatenate(confidence))),
        "advantage": float((true - false).max()),
        "accuracy": float(model.score(*others)),
    }


def attacks(name: str, seed: int) -> dict[str, dict[str, float]]:
    """The attack on models without and with privacy."""
    load, bounds = TABLES[name]
    X, y = load()
    X, X_other, y, y_other = train_test_split(X, y, test_size=0.5, random_state=seed)
    members, others = (X, y), (X_other, y_other)
    models = {
        "one network, no early stopping": Classifier(
            n_estimators=1, early_stopping=False, random_state=seed
        ).fit(X, y),
        "default": Classifier(random_state=seed).fit(X, y),
    }
    for epsilon in EPSILONS:
        dp = Privacy(epsilon, DELTA, schema=schema(X, y, bounds))
        models[f"epsilon {epsilon:g}"] = Classifier(random_state=seed).fit(X, y, dp=dp)
    return {kind: attack(model, members, others) for kind, model in models.items()}


def seconds_of_a_step(sizes: tuple[int, ...], batch: int, *, private: bool) -> float:
    """Time of a training step on one thread."""
    n_rows, n_steps = 10 * batch, 50
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n_rows, sizes[0])).astype(np.float32)
    y = X[:, :1].copy()
    layers = [Dense(*shape, "relu") for shape in pairwise(sizes[:-1])]
    network = Network([*layers, Dense(*sizes[-2:])], random_state=0)
    optimizer = Optimizer(network, solver="adam")
    options = {
        **{"loss": "squared_error", "delta": 1.0, "quantiles": [0.5], "label_smoothing": 0.0},
        **{"l1": 0.0, "l2": 0.0, "learning_rate": "constant", "learning_rate_init": 1e-3},
        **{"power_t": 0.5, "warmup_fraction": 0.0, "max_grad_norm": 0.0, "max_iter": n_steps // 10},
        **{"batch_size": batch, "shuffle": True, "tol": 0.0, "n_iter_no_change": 10**9},
        **{"patience_growth": 0.0, "early_stopping": False, "average_epochs": 0.0, "seed": 0},
        **{"reports_outputs": False, "anneals": False, "time_limit": np.inf, "samples_seen": 0.0},
        **{"n_steps": n_steps, "sampling_rate": 0.1, "max_row_norm": 1.0, "average_steps": 0.0},
        "noise_multiplier": 1.0,
    }
    part = (X, y, None, None, None)
    engines = (network._engine, optimizer._engine)
    if private:
        training = _core.PrivateTraining(*engines, None, part, options, bytes(32), 1)
        start = time.perf_counter()
        training.run(n_steps)
    else:
        start = time.perf_counter()
        threads = _core.ThreadBudget(1, 1)
        _core.train(*engines, None, part, None, options, threads, None, None)
    return (time.perf_counter() - start) / n_steps


def costs() -> dict[str, dict[str, float]]:
    """The least of several times of plain and private steps, taken in turns."""
    found = {}
    for sizes, batch in STEPS:
        times = [
            [seconds_of_a_step(sizes, batch, private=private) for private in (False, True)]
            for _ in range(N_REPEATS)
        ]
        plain, private = np.min(times, axis=0)
        name = f"{'-'.join(map(str, sizes))}, {batch} rows"
        found[name] = {"plain": float(plain), "private": float(private)}
        print(
            f"{name:26} {1e3 * plain:8.3f} ms {1e3 * private:8.3f} ms  {private / plain:.2f} times",
            flush=True,
        )
    return found


def main() -> int:
    """Print tables of the attack and of the cost of steps."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=list(TABLES))
    parser.add_argument("--seeds", type=int, default=FIRST_REPEATS)
    parser.add_argument("--json", type=Path, help="file to write the numbers to")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    found: dict[str, Any] = {"attacks": {}}
    for name in arguments.tables:
        runs = [attacks(name, seed) for seed in range(arguments.seeds)]
        print(f"{name}: mean of {len(runs)} halves of the rows; chance is AUC 0.5, advantage 0")
        found["attacks"][name] = {}
        for kind in runs[0]:
            means = {key: float(np.mean([run[kind][key] for run in runs])) for key in runs[0][kind]}
            found["attacks"][name][kind] = means
            shown = ", ".join(f"{key} {value:.3f}" for key, value in means.items())
            print(f"  {kind:32} {shown}", flush=True)
    print("Time of a step on one thread, plain and private")
    found["steps"] = costs()
    if arguments.json:
        write_json(arguments.json, origin(False) | found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
