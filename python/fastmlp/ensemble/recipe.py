"""Recipe: the settings of one network and its training; the layers and rates that follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf, sqrt
from typing import Any

from fastmlp.ensemble.constrained_units import Units, hidden_units, output_units, units_of_columns
from fastmlp.ensemble.constraints import Constraints
from fastmlp.ensemble.presets import MemberSpec
from fastmlp.networks import Dense, Dropout, Embedding, Layer, Scale
from fastmlp.networks.layers import no_such_layer
from fastmlp.table.sparse_encoder import Encoder, SparseEncoder

LEARNING_RATES = ("constant", "invscaling", "adaptive", "cosine", "one_cycle", "coslog4")
NUMERIC_EMBEDDINGS = ("periodic", "piecewise_linear", "both")

# Learning rates relative to that of dense weights, and decays relative to theirs, as in RealMLP
# (Holzmüller et al. 2024, https://arxiv.org/abs/2407.04491).
_BIAS_RATE, _EMBEDDING_RATE, _SCALE_RATE, _SCALE_DECAY = 0.1, 0.1, 6.0, 6.0
# For embeddings that are piecewise-linear only, and for the vectors of categories in them.
_PIECEWISE_LINEAR_RATE = 0.4

SIGMA = 0.3  # for a periodic embedding where the preset sets no sigma
_ONE_HOT = 9  # up to so many categories, a column is one-hot
_VECTOR = 8  # width of the learnt vectors for columns of more categories
_MOST_EMBEDDED = 256  # numeric columns; embeddings of more would be most of the network

# Fields of a recipe that cannot change in further training of the network.
FIXED_FIELDS = ("hidden_layer_sizes", "activation", "dropout", "numeric_embedding", "preset")


@dataclass(frozen=True)
class Recipe:
    """The settings of one network and its training by which presets differ; none is "auto"."""

    hidden_layer_sizes: tuple[int, ...]
    activation: tuple[str, ...]
    dropout: tuple[float, ...]
    numeric_embedding: str | None
    sigma: float  # standard deviation of the periodic embedding's first frequencies
    preset: str
    spec: MemberSpec  # the network that this is the recipe of
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
        """Whether the network has a scale layer, parametric activations and rates by layer."""
        return self.preset != "plain" and self.spec.kind not in ("sparse", "private")

    def for_epochs(self, n_epochs: int) -> Recipe:
        """The recipe of a network that is trained for so many epochs without validation rows."""
        if self.learning_rate == "adaptive":  # patience lowers the rate
            return replace(self, max_iter=n_epochs)
        return replace(self, max_iter=n_epochs, n_iter_no_change=inf, patience_growth=0.0)

    def embeds(self, how: str, n_numeric: int) -> bool:
        """Whether so many numeric columns get the "periodic" or "piecewise_linear" embedding."""
        return self.numeric_embedding in (how, "both") and 0 < n_numeric <= _MOST_EMBEDDED


def category_widths(sizes: Sequence[int]) -> tuple[tuple[int, int], ...]:
    """The number of codes of each column, and the width of their vectors; 0 is one-hot."""
    return tuple((size, 0 if size <= _ONE_HOT else _VECTOR) for size in sizes)


def network_layers(
    recipe: Recipe,
    encoder: Encoder,
    bin_edges: Sequence[Sequence[float]],
    n_outputs: int,
    constraints: Constraints | None = None,
) -> list[Layer]:
    """Layers from the encoded table to the outputs; `bin_edges` are those of `learn_bin_edges`."""
    layers: list[Layer] = []
    n_numeric, n_flags = encoder.n_numeric, encoder.n_flags
    periodic = recipe.embeds("periodic", n_numeric)
    if not recipe.embeds("piecewise_linear", n_numeric):
        bin_edges = ()
    width, sparse = n_numeric + n_flags, encoder.is_sparse
    if periodic or bin_edges or encoder.category_sizes:
        categories = category_widths(encoder.category_sizes)
        sigma = recipe.sigma or SIGMA
        embedding = Embedding(n_numeric, n_flags, periodic, sigma, bin_edges, categories)
        layers.append(embedding)
        width = embedding.outputs
    if recipe.tabular:
        layers.append(Scale(width))
    for units, activation, rate in zip(
        recipe.hidden_layer_sizes, recipe.activation, recipe.dropout, strict=True
    ):
        parametric = recipe.tabular and activation != "identity"
        layers.append(Dense(width, units, activation, parametric, sparse=sparse and not layers))
        if rate > 0:
            layers.append(Dropout(rate))
        width = units
    layers.append(Dense(width, n_outputs, sparse=sparse and not layers))
    if constraints is None or isinstance(encoder, SparseEncoder):
        return layers
    return _constrained(
        layers, constraints, units_of_columns(constraints, encoder.encoded_by_column)
    )


def _constrained(layers: Sequence[Layer], constraints: Constraints, units: Units) -> list[Layer]:
    """The layers with signs of weights that keep constraints, and as wide as that takes.

    With slopes only rectifiers are monotone to the last bit.
    """
    constrained: list[Layer] = []
    for layer in layers:
        if isinstance(layer, Embedding):
            layer = replace(layer, signs=units.signs_of(layer.n_numbers) if layer.bin_edges else "")
            units = units.embedded(layer)
        elif isinstance(layer, Scale):
            layer = replace(layer, signs=units.signs_of(units.size))
        elif isinstance(layer, Dense):
            made = output_units if layer is layers[-1] else hidden_units
            above = made(constraints, layer.outputs)
            layer = replace(
                layer,
                inputs=units.size,
                outputs=above.size,
                parametric=layer.parametric
                and (layer.activation == "relu" or not constraints.is_monotonic),
                signs=units.signs_to(above),
            )
            units = above
        elif not isinstance(layer, Dropout):
            no_such_layer(layer)
        constrained.append(layer)
    return constrained


def rate_factors(
    recipe: Recipe, layers: Sequence[Layer], given: Sequence[float] | None, solver: str
) -> dict[str, Any]:
    """Factors on learning rate and weight decay for each layer with parameters.

    In a tabular recipe for Adam, dense weights follow the neural tangent parametrisation: as if
    they were multiplied by 1 / sqrt(inputs), without its effect on the decay.

    Parameters
    ----------
    given : sequence of float or None
        The user's factors on the rates of dense layers.
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
        elif isinstance(layer, Embedding):
            if layer.has_parameters:
                piecewise_only = layer.bin_edges and not layer.periodic
                own_rate = _PIECEWISE_LINEAR_RATE if piecewise_only else _EMBEDDING_RATE
                factor = own_rate if by_layer else 1.0
                rates.append((factor, factor))
                decays.append(_EMBEDDING_RATE)
        elif not isinstance(layer, Dropout):
            no_such_layer(layer)
    return {"learning_rate_factors": rates, "weight_decay_factors": decays}
