"""Presets: what "auto" stands for, by preset, kind of network and table."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any, NamedTuple

PRESETS = ("default", "fast", "best", "plain")

_PLAIN_RATE = 4e-3  # learning rate where layers have none of their own
# Of SGD: embeddings give each number many inputs; 4e-3 diverges on 10 rows.
_SGD_RATE = 2e-3

# Activation and factor on the learning rate of the networks of an ensemble, in turn.
_VARIATIONS = (("silu", 1.0), ("mish", 1.4), ("selu", 0.7), ("silu", 1.4), ("mish", 1.0))


@dataclass(frozen=True)
class MemberSpec:
    """Which network of an ensemble, and for a table of how many rows."""

    index: int = 0
    kind: str = "balanced"
    n_rows: int = 0


class Kind(NamedTuple):
    """Settings by which kinds of networks differ."""

    dropout: float
    numeric_embedding: str
    sigma: float  # standard deviation of the periodic embedding's first frequencies


# Settings for tables of up to _MANY_ROWS rows, and for larger ones. Classification always uses the
# second, except for smooth networks.
#
# Periodic embeddings suit smooth functions best, piecewise-linear ones suit thresholds, such as
# those between classes. Fine networks suit tables with little noise, smooth ones noisy tables; an
# ensemble that is large enough has both, and held-out rows decide how much each counts
# (docs/tabular.md has the measurements).
KINDS = {
    "balanced": (Kind(0.25, "both", 0.3), Kind(0.25, "piecewise_linear", 0.5)),
    "smooth": (Kind(0.4, "periodic", 0.15), Kind(0.3, "periodic", 0.5)),
    "fine": (Kind(0.0, "both", 1.5), Kind(0.1, "piecewise_linear", 2.0)),
}
_MANY_ROWS = 2500
# Epochs for tables of up to _FULL_ROWS rows. For larger ones they fall with the root of the rows:
# a compromise between equally many epochs and equally many steps.
_EPOCHS, _FULL_ROWS = {"fast": 64, "default": 256, "best": 256}, 4096
_FEWEST_EPOCHS = 16
_AVERAGE_EPOCHS = 3.0  # over which the weights that are validated and kept are averaged


def kind_of(index: int, n_estimators: int, n_folds: int) -> str:
    """Choose the kind of a network of an ensemble on so many folds (0: none).

    The first round of folds is for fine networks, the next one for smooth networks, and so on.
    Networks are balanced if there are too few for two rounds. They also are if no rows are held
    out, since then nothing tells which kind is better.
    """
    if n_folds == 0 or n_estimators < 2 * n_folds:
        return "balanced"
    return ("fine", "smooth")[index // n_folds % 2]


def preset_settings(
    preset: str, solver: str, spec: MemberSpec, *, classifies: bool
) -> dict[str, Any]:
    """Return what a preset sets for a network: parameters of the estimator, and two more.

    These are "sigma" (see `Kind`) and "average_epochs".
    """
    if preset == "plain":
        return {
            "n_estimators": 1,
            "hidden_layer_sizes": (256, 256),
            "activation": "mish",
            "dropout": 0.0,
            "numeric_embedding": None,
            "sigma": 0.0,
            "standardize": True,
            "learning_rate": "cosine",
            "learning_rate_init": _PLAIN_RATE,
            # RMSprop has no correction for its first steps.
            "beta_2": 0.99 if solver == "rmsprop" else 0.999,
            "weight_decay": 0.05,
            "max_iter": 100,
            "n_iter_no_change": 20,
            "validation_fraction": 0.1,
            "average_epochs": 0.0,
        }
    many = spec.n_rows > _MANY_ROWS
    fine = spec.kind == "fine"
    dropout, embedding, sigma = KINDS[spec.kind][many or (classifies and spec.kind != "smooth")]
    activation, factor = _VARIATIONS[spec.index % len(_VARIATIONS)]
    rates = {"adam": factor * (0.02 if classifies else 0.1), "sgd": _SGD_RATE}
    epochs = _EPOCHS[preset] * min(1.0, sqrt(_FULL_ROWS / max(spec.n_rows, 1)))
    if fine and not (classifies or many):
        epochs *= 2  # tables with little noise gain from every epoch
    return {
        "n_estimators": {"fast": 1, "default": 10, "best": 40}[preset],
        "hidden_layer_sizes": (128, 128, 128),
        "activation": activation,
        "dropout": dropout,
        "numeric_embedding": embedding,
        "sigma": sigma,
        "standardize": "robust",
        "learning_rate": "coslog4",
        "learning_rate_init": rates.get(solver, _PLAIN_RATE),
        "beta_2": 0.95,
        "weight_decay": 0.02,
        "max_iter": max(round(epochs), _FEWEST_EPOCHS),
        "n_iter_no_change": "auto",
        "validation_fraction": 0.2,
        "average_epochs": _AVERAGE_EPOCHS,
    }
