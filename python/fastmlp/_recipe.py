"""What a fit is made of: presets, and the layers and rates of each network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from fastmlp._network import Dense, Dropout, Embedding, Layer, Scale

PRESETS = ("default", "fast", "best", "plain")

# Learning rates relative to the dense weights', and decays relative to theirs, as in RealMLP
# (Holzmüller et al. 2024).
_BIAS_RATE, _EMBEDDING_RATE, _SCALE_RATE, _SCALE_DECAY = 0.1, 0.1, 6.0, 6.0

_PLAIN_RATE = 4e-3  # learning rate where layers have none of their own
_SIGMA = 0.3  # where waves are asked for and the preset has none
_ONE_HOT = 9  # categories up to which a column is one-hot
_VECTOR = 8  # width of the learnt vectors of columns with more
_MOST_WAVES = 256  # numeric columns; of more, waves would be most of the network


# What the networks of an ensemble differ in, one after the other and then again from the start:
# members that err in other places are worth more together than the best of them many times.
# Rates and decays are relative to the preset's; sigma, the deviation of the embedding's first
# frequencies (0: no waves), is that for few rows and for many. docs/tabular.md has what was tried.
_VARIATIONS: tuple[dict[str, Any], ...] = (
    {"activation": "silu", "rate": 1.0, "dropout": 0.25, "decay": 1.0, "sigma": (0.3, 0.5)},
    {"activation": "mish", "rate": 1.4, "dropout": 0.15, "decay": 1.0, "sigma": (0.5, 1.0)},
    {"activation": "selu", "rate": 0.7, "dropout": 0.35, "decay": 1.0, "sigma": (0.3, 1.0)},
    {"activation": "silu", "rate": 1.0, "dropout": 0.2, "decay": 1.0, "sigma": (0.0, 0.5)},
    {"activation": "mish", "rate": 1.0, "dropout": 0.25, "decay": 3.0, "sigma": (1.0, 1.0)},
)
_MANY_ROWS = 2500  # that bear finer waves
# Epochs of tables of up to so many rows: larger ones have fewer by the root of the ratio, which is
# between as many epochs for all and as many steps for all.
_EPOCHS, _FULL_ROWS = {"fast": 64, "default": 256, "best": 256}, 4096
_FEWEST_EPOCHS = 16


# Fields of a recipe that cannot change while training goes on with the network
MADE_OF = ("hidden_layer_sizes", "activation", "dropout", "numeric_embedding", "preset")


@dataclass(frozen=True)
class Recipe:
    """The settings of one network and its training that presets differ in; none is "auto"."""

    hidden_layer_sizes: tuple[int, ...]
    activation: tuple[str, ...]
    dropout: tuple[float, ...]
    numeric_embedding: str | None
    sigma: float  # deviation of the embedding's first frequencies
    preset: str
    n_rows: int  # of the table that it was settled for
    learning_rate: str
    learning_rate_init: float
    beta_2: float
    weight_decay: float
    max_iter: int
    n_iter_no_change: float
    patience_growth: float

    @property
    def tabular(self) -> bool:
        """Whether there are a scale layer, parametric activations, rates by layer and so on."""
        return self.preset != "plain"


def preset_settings(
    preset: str, solver: str, *, classifies: bool, number: int = 0, n_rows: int = 0
) -> dict[str, Any]:
    """What a preset sets for its `number`-th network: parameters of the estimator, and sigma.

    Of the parameters `max_iter` and `numeric_embedding` depend on the number of rows.
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
            "beta_2": 0.999,
            "weight_decay": 0.05,
            "max_iter": 100,
            "n_iter_no_change": 20,
            "validation_fraction": 0.1,
        }
    variation = _VARIATIONS[number % len(_VARIATIONS)]
    rate = variation["rate"] * (0.02 if classifies else 0.1)
    sigma = variation["sigma"][n_rows > _MANY_ROWS]
    length = min(1.0, sqrt(_FULL_ROWS / max(n_rows, 1)))
    return {
        "n_estimators": {"fast": 1, "default": 5, "best": 20}[preset],
        "hidden_layer_sizes": (256, 256, 256),
        "activation": variation["activation"],
        "dropout": variation["dropout"],
        "numeric_embedding": "periodic" if sigma > 0 else None,
        "sigma": sigma,
        "standardize": "robust",
        "learning_rate": "coslog4",
        "learning_rate_init": rate if solver == "adam" else _PLAIN_RATE,
        "beta_2": 0.95,
        "weight_decay": 0.02 * variation["decay"],
        "max_iter": max(round(_EPOCHS[preset] * length), _FEWEST_EPOCHS),
        "n_iter_no_change": "auto",
        "validation_fraction": 0.2,
    }


def network_layers(
    recipe: Recipe,
    n_numeric: int,
    n_flags: int,
    category_sizes: Sequence[int],
    n_outputs: int,
) -> list[Layer]:
    """Layers between the encoded table and the outputs."""
    layers: list[Layer] = []
    periodic = recipe.numeric_embedding == "periodic" and 0 < n_numeric <= _MOST_WAVES
    width = n_numeric + n_flags
    if periodic or category_sizes:
        categories = tuple((size, 0 if size <= _ONE_HOT else _VECTOR) for size in category_sizes)
        sigma = recipe.sigma or _SIGMA
        layers.append(Embedding(n_numeric, n_flags, periodic, sigma, categories))
        width += 3 * n_numeric * periodic + sum(vector or size for size, vector in categories)
    if recipe.tabular:
        layers.append(Scale(width))
    for units, activation, rate in zip(
        recipe.hidden_layer_sizes, recipe.activation, recipe.dropout, strict=True
    ):
        parametric = recipe.tabular and activation != "identity"
        layers.append(Dense(width, units, activation, parametric))
        if rate > 0:
            layers.append(Dropout(rate))
        width = units
    layers.append(Dense(width, n_outputs))
    return layers


def rate_factors(
    recipe: Recipe, layers: Sequence[Layer], given: Sequence[float] | None, solver: str
) -> dict[str, Any]:
    """Factors on learning rate and weight decay for every layer with parameters.

    In a tabular recipe for Adam dense weights follow the neural tangent parametrisation: as if
    they were multiplied by 1 / sqrt(inputs), without what that does to the decay.

    Parameters
    ----------
    given : sequence of float or None
        Factors of the user's for the dense layers.
    """
    by_layer = recipe.tabular and solver == "adam"
    rates: list[tuple[float, float]] = []
    decays: list[float] = []
    own = iter(() if given is None else map(float, given))
    for layer in layers:
        if isinstance(layer, Dense):
            factor = next(own, 1.0)
            weights = 1 / sqrt(layer.inputs) if by_layer else 1.0
            rates.append((factor * weights, factor * (_BIAS_RATE if by_layer else 1.0)))
            decays.append(1 / weights)
        elif isinstance(layer, Scale):
            factor = _SCALE_RATE if by_layer else 1.0
            rates.append((factor, factor))
            decays.append(_SCALE_DECAY)
        elif isinstance(layer, Embedding) and layer.has_parameters:
            factor = _EMBEDDING_RATE if by_layer else 1.0
            rates.append((factor, factor))
            decays.append(_EMBEDDING_RATE)
    return {"learning_rate_factors": rates, "weight_decay_factors": decays}
