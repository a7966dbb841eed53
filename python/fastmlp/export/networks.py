"""Networks as exports read them: layers with their parameters, and the weight of each network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.networks.layers import Dense, Dropout, Embedding, Scale, no_such_layer
from fastmlp.prediction.pipeline import Pipeline, TrainedNetwork

Arrays = Sequence[NDArray[Any]]


def layers_with_parameters(
    network: TrainedNetwork,
) -> Iterator[tuple[Dense | Scale | Embedding, Arrays]]:
    """Each layer that does anything in predictions, with its parameters among the network's."""
    arrays, first = network.arrays, 0
    for layer in network.layers:
        if isinstance(layer, Dropout):
            continue
        last = first + _n_parameters(layer)
        yield layer, arrays[first:last]
        first = last


def _n_parameters(layer: Dense | Scale | Embedding) -> int:
    """How many arrays of parameters a layer has."""
    if isinstance(layer, Dense):
        return 3 if layer.parametric else 2
    if isinstance(layer, Embedding):
        n_tables = sum(width > 0 for _, width in layer.categories)
        of_numbers = 2 * layer.periodic + bool(layer.bin_edges)
        return n_tables + (of_numbers if layer.n_numbers else 0)
    if isinstance(layer, Scale):
        return 1
    no_such_layer(layer)


def steps_of(
    layer: Embedding, dtype: np.dtype[Any]
) -> tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]]:
    """Starts and slopes (n_numbers, n_steps) of the steps between bin edges, as in the engine.

    A number x is at ``clip((x - start) * slope, 0, 1)`` of each step. Edges that are equal in the
    type count once: their slope is 0.
    """
    largest = np.finfo(dtype).max
    edges = np.clip(np.array(layer.bin_edges), -largest / 16, largest / 16).astype(dtype)
    start, width = edges[:, :-1], np.diff(edges, axis=1)
    empty = width <= 0
    with np.errstate(over="ignore"):
        slope = np.minimum(1 / np.where(empty, 1, width), largest, dtype=dtype)
    return np.where(empty, 0, start), np.where(empty, 0, slope)


def shares_of(pipeline: Pipeline) -> NDArray[np.floating[Any]]:
    """The weight of each network in the mean, in the networks' type; they add up to 1."""
    weights = pipeline.weights.astype(pipeline.networks[0].dtype)
    shares: NDArray[np.floating[Any]] = weights / weights.sum()
    return shares
