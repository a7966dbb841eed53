"""What a fit is made of: presets, and the layers and rates of each network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, NamedTuple

from fastmlp._network import Dense, Dropout, Embedding, Layer, Scale

PRESETS = ("default", "fast", "best", "plain")

# Learning rates relative to the dense weights', and decays relative to theirs, as in RealMLP
# (Holzmüller et al. 2024).
_BIAS_RATE, _EMBEDDING_RATE, _SCALE_RATE, _SCALE_DECAY = 0.1, 0.1, 6.0, 6.0
_PIECES_RATE = 0.4  # of embeddings with pieces but no waves, vectors of categories among them

_PLAIN_RATE = 4e-3  # learning rate where layers have none of their own
_SGD_RATE = 2e-3  # in presets with many inputs for each number: twice that diverges on 10 rows
_SIGMA = 0.3  # where waves are asked for and the preset has none
_ONE_HOT = 9  # categories up to which a column is one-hot
_VECTOR = 8  # width of the learnt vectors of columns with more
_MOST_EMBEDDED = 256  # numeric columns; of more, embeddings would be most of the network


# What the networks of an ensemble differ in, one after the other and then again from the start:
# activation, and learning rate relative to the preset's.
_VARIATIONS = (("silu", 1.0), ("mish", 1.4), ("selu", 0.7), ("silu", 1.4), ("mish", 1.0))


class _Kind(NamedTuple):
    dropout: float
    embedding: str
    sigma: float  # deviation of the embedding's first frequencies


# Kinds of networks. Where there are enough of them one half is made for tables with little noise
# and the other for noisy ones; what each predicts for rows that it has not seen decides how much it
# counts. docs/tabular.md has what that brings.
# Waves follow smooth functions best, pieces thresholds, as those between classes are.
KINDS = {  # for few rows, for many; and but for smooth networks the second for all classifications
    "balanced": (_Kind(0.25, "both", 0.3), _Kind(0.25, "piecewise_linear", 0.5)),
    "smooth": (_Kind(0.4, "periodic", 0.15), _Kind(0.3, "periodic", 0.5)),
    "fine": (_Kind(0.0, "both", 1.5), _Kind(0.1, "piecewise_linear", 2.0)),
}
_MANY_ROWS = 2500
# Epochs of tables of up to so many rows: larger ones have fewer by the root of the ratio, which is
# between as many epochs for all and as many steps for all.
_EPOCHS, _FULL_ROWS = {"fast": 64, "default": 256, "best": 256}, 4096
_FEWEST_EPOCHS = 16
_AVERAGE_EPOCHS = 3.0  # over which the weights that are validated and kept are averaged


# Fields of a recipe that cannot change while training goes on with the network
MADE_OF = ("hidden_layer_sizes", "activation", "dropout", "numeric_embedding", "preset")


class Place(NamedTuple):
    """Which network a recipe is for, and of how many rows the table is."""

    number: int = 0
    kind: str = "balanced"
    n_rows: int = 0


def kind_of(number: int, n_networks: int, n_folds: int) -> str:
    """Deal the kinds to networks on so many folds (0: none), each kind to all folds in turn.

    Networks too few for that are balanced, and so are those that nothing is held out from: without
    it nobody knows which kind is the better one.
    """
    if n_folds == 0 or n_networks < 2 * n_folds:
        return "balanced"
    return ("fine", "smooth")[number // n_folds % 2]


@dataclass(frozen=True)
class Recipe:
    """The settings of one network and its training that presets differ in; none is "auto"."""

    hidden_layer_sizes: tuple[int, ...]
    activation: tuple[str, ...]
    dropout: tuple[float, ...]
    numeric_embedding: str | None
    sigma: float  # deviation of the embedding's first frequencies
    preset: str
    place: Place  # that it was settled for
    learning_rate: str
    learning_rate_init: float
    beta_2: float
    weight_decay: float
    max_iter: int
    n_iter_no_change: float
    patience_growth: float
    average_epochs: float

    @property
    def tabular(self) -> bool:
        """Whether there are a scale layer, parametric activations, rates by layer and so on."""
        return self.preset != "plain"

    def embeds(self, how: str, n_numeric: int) -> bool:
        """Whether so many numeric columns are embedded "periodic" or "piecewise_linear"."""
        return self.numeric_embedding in (how, "both") and 0 < n_numeric <= _MOST_EMBEDDED


def preset_settings(preset: str, solver: str, place: Place, *, classifies: bool) -> dict[str, Any]:
    """What a preset sets for a network: parameters of the estimator, sigma and average_epochs."""
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
            "beta_2": 0.99
            if solver == "rmsprop"
            else 0.999,  # the first is not corrected for its start
            "weight_decay": 0.05,
            "max_iter": 100,
            "n_iter_no_change": 20,
            "validation_fraction": 0.1,
            "average_epochs": 0.0,
        }
    many = place.n_rows > _MANY_ROWS
    fine = place.kind == "fine"
    dropout, embedding, sigma = KINDS[place.kind][many or (classifies and place.kind != "smooth")]
    activation, factor = _VARIATIONS[place.number % len(_VARIATIONS)]
    rates = {"adam": factor * (0.02 if classifies else 0.1), "sgd": _SGD_RATE}
    epochs = _EPOCHS[preset] * min(1.0, sqrt(_FULL_ROWS / max(place.n_rows, 1)))
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


def network_layers(
    recipe: Recipe,
    knots: Sequence[Sequence[float]],
    n_numeric: int,
    n_flags: int,
    category_sizes: Sequence[int],
    n_outputs: int,
) -> list[Layer]:
    """Layers between the encoded table and the outputs; knots are those of `learn_knots`."""
    layers: list[Layer] = []
    periodic = recipe.embeds("periodic", n_numeric)
    if not recipe.embeds("piecewise_linear", n_numeric):
        knots = ()
    width = n_numeric + n_flags
    if periodic or knots or category_sizes:
        categories = tuple((size, 0 if size <= _ONE_HOT else _VECTOR) for size in category_sizes)
        sigma = recipe.sigma or _SIGMA
        embedding = Embedding(n_numeric, n_flags, periodic, sigma, knots, categories)
        layers.append(embedding)
        width = embedding.outputs
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
            only_pieces = layer.knots and not layer.periodic
            own_rate = _PIECES_RATE if only_pieces else _EMBEDDING_RATE
            factor = own_rate if by_layer else 1.0
            rates.append((factor, factor))
            decays.append(_EMBEDDING_RATE)
    return {"learning_rate_factors": rates, "weight_decay_factors": decays}
