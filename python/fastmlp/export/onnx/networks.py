"""Networks in operators: from encoded rows to the mean of their outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.export.networks import Arrays, layers_with_parameters, shares_of, steps_of
from fastmlp.export.onnx.activations import activate, probability_of
from fastmlp.export.onnx.columns import EncodedRows
from fastmlp.export.onnx.graph import Graph
from fastmlp.networks.layers import (
    PERIODIC,
    PIECEWISE_LINEAR,
    Dense,
    Embedding,
    Scale,
    no_such_layer,
)
from fastmlp.prediction.pipeline import Pipeline, TrainedNetwork

_LEAST_DEVIATION = np.float64(1e-3)  # as in the engine
_MOST_TURNS = 2.0**20  # of a phase, beyond which its type has almost no digits left


def mean_of_outputs(g: Graph, pipeline: Pipeline, rows: EncodedRows, offset: str | None) -> str:
    """The weighted mean over networks of their outputs after the inverse link.

    Of Gaussians it is the mean of means and of mean squares, in double.

    Networks follow one another. One product of all networks of the same shape was not faster in
    onnxruntime, and it would keep the features of all rows for all networks in memory.

    Parameters
    ----------
    g : Graph
    pipeline : Pipeline
    rows : EncodedRows
        With the numbers scaled.
    offset : str or None
        Added to raw outputs, (n_rows, n_outputs).
    """
    mean = ""
    shares = shares_of(pipeline)
    if pipeline.link.name == "gaussian":
        shares = shares.astype(np.float64)
        shares /= shares.sum()
    for network, share in zip(pipeline.networks, shares, strict=True):
        outputs = _raw_outputs(g, network, rows)
        if offset is not None:
            outputs = g("Add", outputs, offset)
        outputs = _after_inverse_link(g, pipeline.link.name, outputs, network)
        if len(pipeline.networks) > 1:
            outputs = g("Mul", outputs, share)
        mean = g("Add", mean, outputs) if mean else outputs
    return mean


def _after_inverse_link(g: Graph, link: str, outputs: str, network: TrainedNetwork) -> str:
    dtype = network.dtype
    if link == "gaussian":
        return _moments(g, g.cast(outputs, np.dtype(np.float64)), network.n_outputs // 2)
    if link == "continuation_ratio":
        return _classes_in_order(g, outputs, network.n_outputs, dtype)
    if link == "exponential":
        return g("Exp", outputs)
    if link == "logistic":
        return probability_of(g, outputs, dtype)
    if link == "softmax":
        return g("Softmax", outputs, axis=1)
    return outputs


def _moments(g: Graph, outputs: str, n: int) -> str:
    """Means and mean squares of n Gaussians, from means and spreads in double."""
    means, spreads = (g("Gather", outputs, np.arange(first, first + n), axis=1) for first in (0, n))
    deviations = g("Add", activate(g, "softplus", spreads, np.dtype(np.float64)), _LEAST_DEVIATION)
    squares = g("Add", g("Mul", deviations, deviations), g("Mul", means, means))
    return g.concat([means, squares], axis=1)


def _classes_in_order(g: Graph, outputs: str, n_steps: int, dtype: np.dtype[Any]) -> str:
    """Probabilities of n_steps + 1 classes from the logits of the steps between them."""
    goes_on, stops = (probability_of(g, z, dtype) for z in (outputs, g("Neg", outputs)))
    reached, probabilities = "", []
    for k in range(n_steps):
        stop, go = (g("Gather", p, np.array([k]), axis=1) for p in (stops, goes_on))
        probabilities.append(g("Mul", reached, stop) if reached else stop)
        reached = g("Mul", reached, go) if reached else go
    return g.concat([*probabilities, reached], axis=1)


def _raw_outputs(g: Graph, network: TrainedNetwork, rows: EncodedRows) -> str:
    """Outputs before the inverse link, (n_rows, n_outputs)."""
    dtype = network.dtype
    numbers = [] if rows.numbers is None else [rows.numbers]
    x = ""
    for layer, arrays in layers_with_parameters(network):
        if isinstance(layer, Embedding):
            x = _embedded(g, layer, arrays, rows, dtype)
            continue
        x = x or g.concat([*numbers, *rows.flags], axis=1)
        if isinstance(layer, Dense):
            x = _dense(g, layer, arrays, x, dtype)
        elif isinstance(layer, Scale):
            x = g("Mul", x, *arrays)
        else:
            no_such_layer(layer)
    return x


def _dense(g: Graph, layer: Dense, arrays: Arrays, x: str, dtype: np.dtype[Any]) -> str:
    weights, bias, *slopes = arrays
    z = g("Add", g("MatMul", x, weights), bias)
    a = activate(g, layer.activation, z, dtype)
    return g("Add", z, g("Mul", g("Sub", a, z), slopes[0])) if layer.parametric else a


def _embedded(
    g: Graph, layer: Embedding, arrays: Arrays, rows: EncodedRows, dtype: np.dtype[Any]
) -> str:
    own = list(arrays)
    parts = []
    if rows.numbers is not None:
        x = g("Unsqueeze", g("Transpose", rows.numbers, perm=[1, 0]), np.array([2]))
        if layer.periodic:
            parts.append(_periodic(g, x, own.pop(0), own.pop(0)))
        if layer.bin_edges:
            parts.append(_piecewise(g, x, layer, own.pop(0)))
        parts.append(rows.numbers)
    parts += rows.flags
    for codes, (size, width) in zip(rows.codes, layer.categories, strict=True):
        if width:
            parts.append(g("Gather", own.pop(0), g("Squeeze", codes, np.array([1])), axis=0))
        else:
            parts.append(g.cast(g("Equal", codes, np.arange(1, size + 1)[None]), dtype))
    return g.concat(parts, axis=1)


def _periodic(g: Graph, x: str, weights: NDArray[Any], bias: NDArray[Any]) -> str:
    """Sums of cosines of each number; x is (n_numbers, n_rows, 1).

    See cpp/kernels/periodic.h for the layout of the parameters.
    """
    number = weights.dtype.type
    n = len(weights) // (1 + PERIODIC)  # cosines of each number
    phase = bias[:n] * number(0.5 / np.pi)
    turns = g("Add", g("Mul", x, weights[:n].T[:, None]), phase.T[:, None])
    turns = g("Max", g("Min", turns, number(_MOST_TURNS)), number(-_MOST_TURNS))
    part = g("Sub", turns, g("Round", turns))
    # cos(2 pi u) = 1 - 2 sin(pi u)^2; not all runtimes have the cosine in double.
    sine = g("Sin", g("Mul", part, number(np.pi)))
    cosines = g("Sub", number(1), g("Mul", g("Mul", sine, sine), number(2)))
    sums = g("Add", _sums(g, cosines, weights[n:], PERIODIC), bias[n:].T[:, None])
    return _by_row(g, sums, bias[n:].size)


def _piecewise(g: Graph, x: str, layer: Embedding, weights: NDArray[Any]) -> str:
    """Sums of the steps of each number; x is (n_numbers, n_rows, 1)."""
    number = weights.dtype.type
    start, slope = (steps[:, None] for steps in steps_of(layer, weights.dtype))
    along = g("Mul", g("Sub", x, start), slope)
    steps = g("Max", g("Min", along, number(1)), number(0))
    return _by_row(g, _sums(g, steps, weights, PIECEWISE_LINEAR), PIECEWISE_LINEAR * len(start))


def _sums(g: Graph, basis: str, weights: NDArray[Any], n_sums: int) -> str:
    """Learnt sums (n_numbers, n_rows, n_sums) of basis functions of each number.

    Parameters
    ----------
    g : Graph
    basis : str
        (n_numbers, n_rows, n_basis)
    weights : ndarray of shape (n_sums * n_basis, n_numbers)
        First those of the first sum.
    n_sums : int
    """
    by_sum = weights.reshape(n_sums, -1, weights.shape[1])
    return g("MatMul", basis, by_sum.transpose(2, 1, 0))


def _by_row(g: Graph, sums: str, n_features: int) -> str:
    """Sums as (n_rows, n_features): the first sum of all numbers, then the second, ..."""
    turned = g("Transpose", sums, perm=[1, 2, 0])
    return g("Reshape", turned, np.array([0, n_features]))  # 0: as many rows as there are
