"""Five hospitals train one model together, and none of them shows a row to another.

    python examples/federated_hospitals.py

Rows of scikit-learn's breast cancer table are shared out among five hospitals of different sizes,
whose patients differ: the later ones see tumours of coarser texture. The program compares a model
of each hospital alone, the federated one, and one of all rows in one place.
"""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import train_test_split

from fastmlp import Classifier, ExtrapolationWarning, federated

SHARES = (0.40, 0.25, 0.15, 0.12, 0.08)  # of the training rows, by hospital
PARAMETERS: dict[str, Any] = {"preset": "fast", "n_estimators": 2, "random_state": 0}

Rows = tuple[NDArray[np.float64], NDArray[np.int64]]


def hospitals(X: NDArray[np.float64], y: NDArray[np.int64], seed: int = 0) -> list[Rows]:
    """Share out the rows, roughly in the order of the tumours' mean texture."""
    texture = X[:, 1]
    noise = np.random.default_rng(seed).normal(scale=0.7 * texture.std(), size=len(y))
    ends = np.round(np.cumsum(SHARES) * len(y)).astype(int)[:-1]
    return [(X[rows], y[rows]) for rows in np.split(np.argsort(texture + noise), ends)]


def show(name: str, n_rows: int, model: Classifier, test: Rows, seconds: float) -> None:
    """Print a line of the table."""
    probabilities = model.predict_proba(test[0])
    accuracy = accuracy_score(test[1], probabilities.argmax(axis=1))
    loss = log_loss(test[1], probabilities)
    print(f"{name:<16}{n_rows:>6}{accuracy:>10.1%}{loss:>10.3f}{seconds:>8.1f} s")


def main() -> None:
    """Train all models, and print how good they are."""
    # Other patients than one hospital has are what this is about.
    warnings.simplefilter("ignore", ExtrapolationWarning)
    X, y = load_breast_cancer(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=0)
    test, sites = (X_test, y_test), hospitals(X, y)

    print(f"{'model':<16}{'rows':>6}{'accuracy':>10}{'log loss':>10}{'time':>10}")
    for number, rows in enumerate(sites, 1):
        start = time.perf_counter()
        alone = Classifier(**PARAMETERS).fit(*rows)
        show(f"hospital {number}", len(rows[1]), alone, test, time.perf_counter() - start)

    start = time.perf_counter()
    # In place of a tuple of arrays, a site may be any object with the methods of federated.Site,
    # which trains where the rows are.
    together = federated.Classifier(**PARAMETERS).fit(sites, local_epochs=2)
    show("federated", len(y), together, test, time.perf_counter() - start)

    start = time.perf_counter()
    in_one_place = Classifier(**PARAMETERS).fit(X, y)
    show("in one place", len(y), in_one_place, test, time.perf_counter() - start)


if __name__ == "__main__":
    main()
