"""Presets: what "auto" stands for, by preset, kind of network and table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import sqrt
from typing import Any, NamedTuple

import numpy as np

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


# Settings for regression and for classification (docs/tabular.md has the measurements).
#
# Periodic embeddings suit smooth functions best, piecewise-linear ones suit thresholds, such as
# those between classes. An ensemble that is large enough has networks with both and networks with
# the second alone, and held-out rows decide how much each kind counts.
KINDS = {
    "periodic": (Kind(0.0, "both", 1.5), Kind(0.1, "both", 1.5)),
    "piecewise": (Kind(0.1, "piecewise_linear", 0.0), Kind(0.1, "piecewise_linear", 0.0)),
    # The first kind again with more epochs, instead of the second where that pays.
    "long": (Kind(0.0, "both", 1.5), Kind(0.1, "piecewise_linear", 0.0)),
    # A single network has no others to average its errors with. The second one is for regressions
    # of more than FEW_ROWS rows too.
    "balanced": (Kind(0.25, "both", 0.3), Kind(0.25, "piecewise_linear", 0.0)),
    # With many rows networks are nearly alike, so a few of one kind are enough, and dropout costs.
    "large": (Kind(0.0, "both", 0.5), Kind(0.1, "piecewise_linear", 0.0)),
}
# Kinds of the rounds over the folds, for regression and for classification.
_ROUNDS = (("periodic", "piecewise"), ("piecewise", "periodic"))

FEW_ROWS = 2500  # up to which two hidden layers are as good as three, and longer training is quick
_SMALL_BATCH_ROWS = 4096  # up to which minibatches are small
_LARGE_ROWS = 100_000  # beyond which networks are large

# Epochs for tables of up to so many rows, for regression and for classification. For larger ones
# they fall with the cube root of the rows: a compromise between as many epochs and as many steps.
_EPOCHS = {"fast": (64, 96), "default": (64, 128), "best": (128, 256)}
_FULL_ROWS = (8000, 2500)
_LONG = (4, 2)  # times as many
_LARGE_EPOCHS = {"fast": 52, "default": 64, "best": 96}
_LARGE_FULL_ROWS = 8000
_MOST_ROWS_SEEN = {"fast": 5e6, "default": 7e6, "best": 1e7}  # by a network, over all its epochs
_BALANCED_EPOCHS = {"fast": 64, "default": 256, "best": 256}  # fall with the square root
_BALANCED_FULL_ROWS = 4096
_FEWEST_EPOCHS, _FEWEST_LARGE_EPOCHS, _FEWEST_BALANCED_EPOCHS = 8, 2, 16
_AVERAGE_EPOCHS = 3.0  # over which the weights that are validated and kept are averaged

# Networks on sparse rows have few epochs: with so many columns they soon fit every row.
_SPARSE_NETWORKS = {"fast": 1, "default": 5, "best": 10}
_LARGE_SPARSE_NETWORKS = {"fast": 1, "default": 2, "best": 5}
_SPARSE_RATE = 7e-3
_SPARSE_EPOCHS, _SPARSE_FULL_ROWS = 10, 4000  # fall with the square root
_SPARSE_BATCHES = ((2000, 32), (8000, 64), (32_000, 128))  # for up to so many rows
_FEWEST_SPARSE_EPOCHS, _MOST_SPARSE_EPOCHS = 6, 100

# Allowed with `monotonic_cst`. All others fall somewhere, or may do so by rounding.
MONOTONE_ACTIVATIONS = ("relu", "leaky_relu", "identity")

# Private training has noise for every parameter and every step: few of both, and large minibatches.
_PRIVATE_RATE = 0.03
_PRIVATE_EPOCHS = 40
_PRIVATE_MINIBATCHES = 10  # of an epoch


def kind_of(index: int, n_networks: int, n_folds: int, n_rows: int, *, classifies: bool) -> str:
    """Choose the kind of a network of an ensemble on so many folds (0: none).

    The first round of folds is for one kind, the next one for the other, and so on. A single
    network is balanced, and so are all if no rows are held out: then it is unknown which kind is
    better. All networks of a large table are large.
    """
    if n_rows > _LARGE_ROWS:
        return "large"
    if n_folds == 0 or n_networks == 1:
        return "balanced"
    return _ROUNDS[classifies][index // n_folds % 2]


def longer_spec(spec: MemberSpec, *, classifies: bool) -> MemberSpec:
    """Return the network to train if more epochs pay: a long one for one of the second kind."""
    return replace(spec, kind="long") if spec.kind == _ROUNDS[classifies][1] else spec


def shrinks_vectors(spec: MemberSpec, *, classifies: bool) -> bool:
    """Whether the vectors of many labels start at 0: in the second round over the folds.

    Held-out rows then decide whether that is better than the random vectors of the first round.
    """
    return spec.kind in (_ROUNDS[classifies][1], "long")


def n_networks(preset: str, n_rows: int) -> int:
    """Return what `n_estimators="auto"` stands for."""
    if preset == "plain":
        return 1
    if n_rows > _LARGE_ROWS:
        return {"fast": 1, "default": 2, "best": 10}[preset]
    return {"fast": 5, "default": 10, "best": 40}[preset]


def preset_settings(
    preset: str,
    solver: str,
    spec: MemberSpec,
    *,
    classifies: bool,
    sparse: bool,
    monotone: bool = False,
) -> dict[str, Any]:
    """Return what a preset sets for a network: parameters of the estimator, and two more.

    These are "sigma" (see `Kind`) and "average_epochs".
    """
    if spec.kind == "private":
        return _private_settings(solver)
    if preset == "plain":
        return {
            "n_estimators": 1,
            "hidden_layer_sizes": (256, 256),
            "activation": "relu" if monotone else "mish",
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
    if sparse:
        return _sparse_settings(preset, solver, spec, classifies=classifies)
    few = spec.n_rows <= FEW_ROWS
    dropout, embedding, sigma = KINDS[spec.kind][
        classifies or (spec.kind == "balanced" and not few)
    ]
    activation, factor = _VARIATIONS[spec.index % len(_VARIATIONS)]
    rates = {"adam": factor * (0.02 if classifies else 0.1), "sgd": _SGD_RATE}
    wide = spec.kind in ("balanced", "large")
    return {
        "n_estimators": n_networks(preset, spec.n_rows),
        "hidden_layer_sizes": (128,) * 3 if wide else (64,) * (2 if few else 3),
        "activation": "relu" if monotone else activation,
        "dropout": dropout,
        "numeric_embedding": embedding,
        "sigma": sigma,
        "standardize": "robust",
        "learning_rate": "one_cycle" if spec.kind == "large" else "coslog4",
        "learning_rate_init": rates.get(solver, _PLAIN_RATE),
        "beta_2": 0.95,
        "weight_decay": 0.02,
        "max_iter": _epochs(preset, spec, classifies=classifies),
        "n_iter_no_change": "auto",
        "validation_fraction": 0.2,
        "average_epochs": _AVERAGE_EPOCHS,
    }


def _sparse_settings(
    preset: str, solver: str, spec: MemberSpec, *, classifies: bool
) -> dict[str, Any]:
    """What a preset sets for a network on sparse rows, and why: docs/sparse.md."""
    networks = _LARGE_SPARSE_NETWORKS if spec.n_rows > _LARGE_ROWS else _SPARSE_NETWORKS
    share = sqrt(_SPARSE_FULL_ROWS / max(spec.n_rows, 1))
    epochs = min(max(round(_SPARSE_EPOCHS * share), _FEWEST_SPARSE_EPOCHS), _MOST_SPARSE_EPOCHS)
    return {
        "n_estimators": networks[preset],
        "hidden_layer_sizes": (64,),
        "activation": "relu",
        "dropout": 0.7 if classifies else 0.5,
        "numeric_embedding": None,
        "sigma": 0.0,
        "standardize": True,
        "learning_rate": "cosine",
        "learning_rate_init": _SPARSE_RATE if solver == "adam" else _PLAIN_RATE,
        "beta_2": 0.99 if solver == "rmsprop" else 0.999,
        "weight_decay": 0.0,
        "max_iter": epochs,
        "n_iter_no_change": max(3, epochs // 5),
        "validation_fraction": 0.2,
        "average_epochs": 0.0,
    }


def _private_settings(solver: str) -> dict[str, Any]:
    """What is set for a differentially private fit, by any preset, and why: docs/privacy.md."""
    return {
        "n_estimators": 1,
        "hidden_layer_sizes": (32,),
        "activation": "relu",
        "dropout": 0.0,
        "numeric_embedding": None,
        "sigma": 0.0,
        "standardize": "robust",
        "learning_rate": "cosine",
        "learning_rate_init": _PRIVATE_RATE if solver == "adam" else _PLAIN_RATE,
        "beta_2": 0.99 if solver == "rmsprop" else 0.999,
        "weight_decay": 0.0,
        "max_iter": _PRIVATE_EPOCHS,
        "n_iter_no_change": _PRIVATE_EPOCHS,  # no loss is looked at
        "validation_fraction": 0.2,
        "average_epochs": _AVERAGE_EPOCHS,
    }


def _epochs(preset: str, spec: MemberSpec, *, classifies: bool) -> int:
    """Epochs of a network: larger tables get fewer epochs, but more steps."""
    if spec.kind == "balanced":
        share = sqrt(_share_of(_BALANCED_FULL_ROWS, spec))
        return max(round(_BALANCED_EPOCHS[preset] * share), _FEWEST_BALANCED_EPOCHS)
    if spec.kind == "large":
        share = float(np.cbrt(_share_of(_LARGE_FULL_ROWS, spec)))
        epochs = min(_LARGE_EPOCHS[preset] * share, _MOST_ROWS_SEEN[preset] / spec.n_rows)
        return max(round(epochs), _FEWEST_LARGE_EPOCHS)
    share = float(np.cbrt(_share_of(_FULL_ROWS[classifies], spec)))
    epochs = max(round(_EPOCHS[preset][classifies] * share), _FEWEST_EPOCHS)
    return epochs * (_LONG[classifies] if spec.kind == "long" else 1)


def _share_of(full_rows: int, spec: MemberSpec) -> float:
    """What share of the table's rows `full_rows` are, at most 1."""
    return min(1.0, full_rows / max(spec.n_rows, 1))


def preset_batch_size(preset: str, spec: MemberSpec, n_rows: int) -> int:
    """Return the rows of a minibatch if training is on so many rows."""
    if spec.kind == "private":
        return -(-n_rows // _PRIVATE_MINIBATCHES)
    if preset == "plain":
        # RealMLP's rule: larger tables bear larger minibatches.
        for limit, size in ((1024, 64), (8192, 128), (30_000, 256), (100_000, 512)):
            if n_rows <= limit:
                return size
        return 1024
    if spec.kind == "large":
        return 1024
    if spec.kind == "sparse":
        # Each step updates the weights of all columns: a large table cannot afford many.
        return next((size for limit, size in _SPARSE_BATCHES if spec.n_rows <= limit), 256)
    # Smaller ones make more steps of an epoch, which few rows need.
    return 256 if spec.kind == "balanced" or spec.n_rows > _SMALL_BATCH_ROWS else 128
