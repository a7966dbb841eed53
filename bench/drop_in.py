"""Time fastmlp.neural_network against scikit-learn's MLP, with the same arguments.

Used by compare.py --drop-in; see README.md in this folder.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import sklearn.neural_network
from scipy.sparse import random_array

import fastmlp.neural_network

Alternate = Callable[[dict[str, Callable[[], Any]], int, float], dict[str, list[float]]]
MODULES = {"fastmlp": fastmlp.neural_network, "scikit-learn": sklearn.neural_network}


@dataclass(frozen=True)
class DropIn:
    """A table, and the arguments that both classes get in addition to ``random_state=0``.

    Parameters
    ----------
    rows, inputs : int
        Shape of the table.
    dtype : {"float64", "float32"}
    classes : int, default=0
        Number of classes for MLPClassifier; 0 means MLPRegressor.
    density : float, default=1.0
        Share of the table that is not zero; if it is below 1, the table is a CSR matrix.
    arguments : dict
        Of both constructors.
    """

    rows: int
    inputs: int
    dtype: str
    classes: int = 0
    density: float = 1.0
    arguments: dict[str, Any] = field(default_factory=dict)

    def data(self) -> tuple[Any, Any]:
        """Return table and targets, the same at every call."""
        rng = np.random.default_rng(0)
        shape = (self.rows, self.inputs)
        if self.density < 1:
            X: Any = random_array(shape, density=self.density, format="csr", rng=rng)
        else:
            X = rng.standard_normal(shape)
        signal = X @ rng.standard_normal((self.inputs, max(1, self.classes)))
        X = X.astype(self.dtype)
        if self.classes:
            return X, signal.argmax(axis=1)
        noise = 0.1 * rng.standard_normal(self.rows)
        return X, (np.sin(signal[:, 0]) + noise).astype(self.dtype)

    def fit(self, module: Any, X: Any, y: Any) -> Any:
        """Fit the class of that module and return the model."""
        kind = module.MLPClassifier if self.classes else module.MLPRegressor
        return kind(random_state=0, **self.arguments).fit(X, y)


DROP_IN = {
    "default parameters": DropIn(20_640, 8, "float64"),
    "tab": DropIn(
        50_000, 50, "float32", arguments={"hidden_layer_sizes": (256, 256), "max_iter": 3}
    ),
    "sparse": DropIn(60_000, 784, "float64", classes=10, density=0.05, arguments={"max_iter": 3}),
    "sparse float32": DropIn(
        60_000, 784, "float32", classes=10, density=0.05, arguments={"max_iter": 3}
    ),
    "early stopping": DropIn(
        20_640, 8, "float64", arguments={"max_iter": 20, "early_stopping": True}
    ),
    "lbfgs": DropIn(2_000, 20, "float64", arguments={"max_iter": 50, "solver": "lbfgs"}),
}


def measure(name: str, alternate: Alternate, repeats: int, warm_up: float) -> dict[str, Any]:
    """Time both, and compare the loss curves of their last fits."""
    workload = DROP_IN[name]
    X, y = workload.data()
    models: dict[str, Any] = {}

    def train(program: str) -> None:
        models[program] = workload.fit(MODULES[program], X, y)

    times = alternate({key: (lambda key=key: train(key)) for key in MODULES}, repeats, warm_up)
    ours, theirs = models["fastmlp"], models["scikit-learn"]
    curves = [np.array(getattr(m, "loss_curve_", [m.loss_])) for m in (ours, theirs)]
    epochs = min(map(len, curves))
    difference = np.abs(curves[0][:epochs] / curves[1][:epochs] - 1).max()
    pairs = [a / b for a, b in zip(times["scikit-learn"], times["fastmlp"], strict=True)]
    return {
        "workload": name,
        "table": f"{workload.rows} x {workload.inputs} {workload.dtype}",
        "arguments": workload.arguments,
        "seconds": {key: statistics.median(values) for key, values in times.items()},
        "all_seconds": times,
        "ratio": {"median": statistics.median(pairs), "min": min(pairs), "max": max(pairs)},
        "epochs": {"fastmlp": ours.n_iter_, "scikit-learn": theirs.n_iter_},
        "largest_relative_loss_difference": float(difference),
    }


def lines(results: list[dict[str, Any]]) -> list[list[str]]:
    """Table to print: a header, then one line per workload."""
    table = [["workload", "table", "epochs", *(f"{key} s" for key in MODULES), "ratio", "loss"]]
    for result in results:
        table.append(
            [
                result["workload"],
                result["table"],
                "/".join(map(str, dict.fromkeys(result["epochs"].values()))),
                *(f"{result['seconds'][key]:.4f}" for key in MODULES),
                "{median:.1f} ({min:.1f}-{max:.1f})".format(**result["ratio"]),
                f"{result['largest_relative_loss_difference']:.0e}",
            ]
        )
    return table
