"""Measure what federated training gains and costs: accuracy, messages, and noise.

See README.md in this folder.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import warnings
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from compare import aligned, origin, positive, write_json
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.metrics import accuracy_score, log_loss, r2_score
from sklearn.model_selection import train_test_split

import fastmlp
from fastmlp import federated, privacy

SHARES = (0.40, 0.25, 0.15, 0.12, 0.08)  # of the rows, by site
LOCAL_EPOCHS = (1, 4, 16)
TABLES = {  # loader, whether it is a classification, and the column that sites differ in
    "breast cancer": (load_breast_cancer, True, 1),
    "digits": (load_digits, True, 21),
    "diabetes": (load_diabetes, False, 2),
}
# Sites, probability of each in a round, rounds
FEDERATIONS = ((5, 1.0, 20), (50, 1.0, 20), (200, 1.0, 20), (1000, 0.1, 30))
EPSILONS = (None, 8.0, 2.0)
ROWS_OF_A_SITE, MAX_UPDATE_NORM, N_COLUMNS = 20, 0.3, 8

Rows = tuple[NDArray[Any], NDArray[Any]]


def split(X: NDArray[Any], y: NDArray[Any], column: int, seed: int) -> list[Rows]:
    """Share out rows to sites, roughly in the order of a column."""
    noise = np.random.default_rng(seed).normal(scale=0.7 * X[:, column].std(), size=len(y))
    ends = np.round(np.cumsum(SHARES) * len(y)).astype(int)[:-1]
    return [(X[rows], y[rows]) for rows in np.split(np.argsort(X[:, column] + noise), ends)]


def score(model: Any, X: NDArray[Any], y: NDArray[Any]) -> float:
    """Log loss, or R2."""
    if not isinstance(model, fastmlp.Classifier):
        return float(r2_score(y, model.predict(X)))
    probabilities = np.full((len(y), y.max() + 1), 1e-15)  # one site may lack a class
    probabilities[:, model.classes_] = model.predict_proba(X)
    return float(log_loss(y, probabilities / probabilities.sum(axis=1, keepdims=True)))


def accuracy_of_sites(name: str, seed: int) -> dict[str, float]:
    """Scores of models of one site, of all sites, and of all rows in one place."""
    load, classifies, column = TABLES[name]
    X, y = load(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.3, random_state=seed)
    sites = split(X, y, column, seed)
    kind = "Classifier" if classifies else "Regressor"
    options: dict[str, Any] = {"preset": "fast", "random_state": seed}
    own, shared = getattr(fastmlp, kind), getattr(federated, kind)
    scores = {
        "largest site alone": score(own(**options).fit(*sites[0]), X_test, y_test),
        "smallest site alone": score(own(**options).fit(*sites[-1]), X_test, y_test),
    }
    for n in LOCAL_EPOCHS:
        model = shared(**options).fit(sites, local_epochs=n)
        scores[f"federated, {n} epochs a round"] = score(model, X_test, y_test)
        scores[f"rounds, {n}"] = model.n_iter_
    n_bytes = sum(p.nbytes for network in model.networks_ for p in network.parameters)
    scores["kB a round"] = 2 * n_bytes / 1000
    scores["in one place"] = score(own(**options).fit(X, y), X_test, y_test)
    return scores


def made(n_rows: int, rng: np.random.Generator) -> Rows:
    """Rows of two classes."""
    X = rng.normal(size=(n_rows, N_COLUMNS))
    logits = 1.5 * X[:, 0] - X[:, 1] + X[:, 2] * X[:, 3] + 0.5 * rng.normal(size=n_rows)
    return X, (logits > 0).astype(int)


def accuracy_with_noise(
    n_sites: int, fraction: float, n_rounds: int, epsilon: float | None, seed: int
) -> dict[str, float]:
    """Accuracy of one small network, and what the accountant says."""
    rng = np.random.default_rng(seed)
    sites = [made(ROWS_OF_A_SITE, rng) for _ in range(n_sites)]
    X_test, y_test = made(10_000, rng)
    schema = rng.normal(size=(200, N_COLUMNS)), rng.integers(0, 2, 200)
    delta, noise = 0.1 / n_sites, 0.0
    if epsilon is not None:
        noise = privacy.noise_multiplier(
            epsilon, delta=delta, n_steps=n_rounds, sampling_rate=fraction
        )
    local_epochs = 4
    model = federated.Classifier(
        preset="plain",
        hidden_layer_sizes=16,
        learning_rate="constant",
        learning_rate_init=0.01,
        max_iter=local_epochs * n_rounds,
        early_stopping=False,
        random_state=seed,
    ).fit(
        sites,
        schema=schema,
        local_epochs=local_epochs,
        site_fraction=fraction,
        max_update_norm=MAX_UPDATE_NORM,
        noise_multiplier=noise,
        delta=delta,
    )
    found = {"noise_multiplier": noise, "epsilon": model.epsilon_}
    return found | {"accuracy": float(accuracy_score(y_test, model.predict(X_test)))}


def means(results: list[dict[str, float]]) -> dict[str, float]:
    """The mean over seeds of each measure."""
    values = defaultdict(list)
    for one in results:
        for what, value in one.items():
            values[what].append(value)
    return {what: statistics.fmean(of) for what, of in values.items()}


def main() -> None:
    """Measure, print two tables, and write all of it to a file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=positive, default=5)
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=[*TABLES])
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    warnings.simplefilter("ignore")

    by_table = {}
    for name in options.tables:
        by_table[name] = [accuracy_of_sites(name, seed) for seed in range(options.seeds)]
        print(name, file=sys.stderr, flush=True)
    columns = {name: means(results) for name, results in by_table.items()}
    lines = [["", *columns]]
    for what in next(iter(columns.values())):
        lines.append([what, *(f"{column[what]:.3f}" for column in columns.values())])
    print(aligned(lines), flush=True)

    noisy: dict[str, list[dict[str, float]]] = {}
    lines = [["sites", "asked", "rounds", *(f"epsilon {epsilon}" for epsilon in EPSILONS)]]
    for n_sites, fraction, n_rounds in FEDERATIONS:
        line = [str(n_sites), f"{fraction:.0%}", str(n_rounds)]
        for epsilon in EPSILONS:
            results = [
                accuracy_with_noise(n_sites, fraction, n_rounds, epsilon, seed)
                for seed in range(options.seeds)
            ]
            noisy[f"{n_sites} sites, {fraction}, epsilon {epsilon}"] = results
            own = means(results)
            line.append(f"{own['accuracy']:.1%} (noise {own['noise_multiplier']:.2f})")
        lines.append(line)
        print(line[0], file=sys.stderr, flush=True)
    print(f"\n{aligned(lines)}")
    if options.json:
        write_json(options.json, {**origin(False), "tables": by_table, "noise": noisy})


if __name__ == "__main__":
    main()
