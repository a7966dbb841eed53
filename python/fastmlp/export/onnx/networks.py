"""Networks in operators. Networks with the same layers are computed together.

Tensors of a group of several networks have a leading axis: (n_networks, n_rows, n_features). What
all networks share, and what a single one computes, has none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.export.networks import Arrays, layers_with_parameters, shares_of, steps_of
from fastmlp.export.onnx.activations import activate
from fastmlp.export.onnx.columns import EncodedRows
from fastmlp.export.onnx.graph import Graph
from fastmlp.networks.layers import PERIODIC, PIECEWISE_LINEAR, Dense, Dropout, Embedding, Layer
from fastmlp.prediction.pipeline import Pipeline

_LINKS = {"exponential": "Exp", "logistic": "Sigmoid", "softmax": "Softmax"}
_MOST_TURNS = 2.0**20  # of a phase, beyond which its type has hardly a digit left


def mean_of_outputs(g: Graph, pipeline: Pipeline, rows: EncodedRows, offset: str | None) -> str:
    """The weighted mean over networks of their outputs after the inverse link.

    Parameters
    ----------
    g : Graph
    pipeline : Pipeline
    rows : EncodedRows
        With the numbers scaled.
    offset : str or None
        Added to raw outputs, (n_rows, n_outputs).
    """
    groups: defaultdict[tuple[Layer, ...], list[int]] = defaultdict(list)
    for i, network in enumerate(pipeline.networks):
        does = tuple(layer for layer in network.layers if not isinstance(layer, Dropout))
        groups[does].append(i)
    shares = shares_of(pipeline)
    sums = []
    for layers, members in groups.items():
        arrays = [pipeline.networks[i].parameters for i in members]
        outputs = _Group(g, layers, arrays).raw_outputs(rows)
        if offset is not None:
            outputs = g("Add", outputs, offset)
        if pipeline.link != "identity":
            outputs = g(_LINKS[pipeline.link], outputs)  # softmax: of the last axis
        if len(pipeline.networks) > 1:
            outputs = g("Mul", outputs, shares[members].reshape(-1, 1, 1))
            outputs = g("ReduceSum", outputs, np.array([0]), keepdims=0)
        sums.append(outputs)
    mean = sums[0]
    for other in sums[1:]:
        mean = g("Add", mean, other)
    return mean


class _Group:
    """Networks with the same layers.

    Parameters
    ----------
    g : Graph
    layers : sequence of Layer
    arrays : list of sequences of ndarray
        The parameters of each network.
    """

    def __init__(self, g: Graph, layers: Sequence[Layer], arrays: list[Arrays]) -> None:
        self.g = g
        self.layers = layers
        self.n_networks = len(arrays)
        together = [np.stack(of_all) for of_all in zip(*arrays, strict=True)]
        self.arrays = together if self.n_networks > 1 else [of_all[0] for of_all in together]
        self.dtype = together[0].dtype

    def raw_outputs(self, rows: EncodedRows) -> str:
        """Outputs before the inverse link."""
        x = None
        for layer, arrays in layers_with_parameters(self.layers, self.arrays):
            if isinstance(layer, Embedding):
                x = self._embedded(layer, arrays, rows)
                continue
            if x is None:
                numbers = [] if rows.numbers is None else [rows.numbers]
                x = self.g.concat([*numbers, *rows.flags], axis=1)
            if isinstance(layer, Dense):
                x = self._dense(layer, arrays, x)
            else:
                x = self.g("Mul", x, self._of_units(arrays[0]))
        assert x is not None
        return x

    def _of_units(self, parameters: NDArray[Any]) -> NDArray[Any]:
        """One parameter for each unit, in the shape that all rows share them."""
        return parameters if self.n_networks == 1 else parameters[:, None, :]

    def _dense(self, layer: Dense, arrays: Arrays, x: str) -> str:
        z = self.g("Add", self.g("MatMul", x, arrays[0]), self._of_units(arrays[1]))
        a = activate(self.g, layer.activation, z, self.dtype)
        if not layer.parametric:
            return a
        bend = self.g("Mul", self.g("Sub", a, z), self._of_units(arrays[2]))
        return self.g("Add", z, bend)

    # ---- the embedding of the columns

    def _embedded(self, layer: Embedding, arrays: Arrays, rows: EncodedRows) -> str:
        g, own = self.g, list(arrays)
        parts: list[tuple[bool, str]] = []  # whether all networks share it, and its name
        if rows.numbers is not None:
            x = g("Unsqueeze", g("Transpose", rows.numbers, perm=[1, 0]), np.array([2]))
            if layer.periodic:
                parts.append((False, self._periodic(x, own.pop(0), own.pop(0))))
            if layer.bin_edges:
                parts.append((False, self._piecewise(x, layer, own.pop(0))))
            parts.append((True, rows.numbers))
        parts += [(True, flags) for flags in rows.flags]
        for codes, (size, width) in zip(rows.codes, layer.categories, strict=True):
            if width:
                of_rows = g("Squeeze", codes, np.array([1]))
                axis = own[0].ndim - 2
                parts.append((False, g("Gather", own.pop(0), of_rows, axis=axis)))
            else:
                is_label = g("Equal", codes, np.arange(1, size + 1)[None])
                parts.append((True, g.cast(is_label, self.dtype)))
        joined = []
        for is_shared, some in groupby(parts, lambda part: part[0]):
            names = [name for _, name in some]
            joined += [self._for_each_network(g.concat(names, axis=1))] if is_shared else names
        return g.concat(joined, axis=-1)

    def _for_each_network(self, shared: str) -> str:
        if self.n_networks == 1:
            return shared
        return self.g("Expand", shared, np.array([self.n_networks, 1, 1]))

    def _periodic(self, x: str, weights: NDArray[Any], bias: NDArray[Any]) -> str:
        """Sums of cosines of each number; x is (n_numbers, n_rows, 1).

        See cpp/kernels/periodic.h for the layout of the parameters.
        """
        g, number = self.g, self.dtype.type
        n = weights.shape[-2] // (1 + PERIODIC)  # cosines of each number
        first = np.swapaxes(weights[..., :n, :], -1, -2)[..., None, :]
        phase = np.swapaxes(bias[..., :n, :], -1, -2)[..., None, :] * number(0.5 / np.pi)
        turns = g("Add", g("Mul", x, first), phase)
        turns = g("Max", g("Min", turns, number(_MOST_TURNS)), number(-_MOST_TURNS))
        part = g("Sub", turns, g("Round", turns))
        cosines = g("Cos", g("Mul", part, number(2 * np.pi)))
        return self._sums(cosines, weights[..., n:, :], bias[..., n:, :])

    def _piecewise(self, x: str, layer: Embedding, weights: NDArray[Any]) -> str:
        """Sums of the steps of each number; x is (n_numbers, n_rows, 1)."""
        g, number = self.g, self.dtype.type
        start, slope = (steps[:, None, :] for steps in steps_of(layer, self.dtype))
        along = g("Mul", g("Sub", x, start), slope)
        return self._sums(g("Max", g("Min", along, number(1)), number(0)), weights, None)

    def _sums(self, basis: str, weights: NDArray[Any], bias: NDArray[Any] | None) -> str:
        """Learnt sums of the basis functions of each number, in the order of the embedding.

        Parameters
        ----------
        basis : str
            (n_networks, n_numbers, n_rows, n_basis) or, if networks share it, without the first.
        weights : ndarray of shape (n_networks, n_sums * n_basis, n_numbers)
            First those of the first sum.
        bias : ndarray of shape (n_networks, n_sums, n_numbers) or None
        """
        g = self.g
        n_sums = PIECEWISE_LINEAR if bias is None else PERIODIC
        n = weights.shape[-1]
        by_sum = weights.reshape(*weights.shape[:-2], n_sums, -1, n)
        sums = g("MatMul", basis, np.moveaxis(by_sum, -1, -3).swapaxes(-1, -2))
        if bias is not None:
            sums = g("Add", sums, np.swapaxes(bias, -1, -2)[..., None, :])
        # (n_numbers, n_rows, n_sums) becomes (n_rows, n_sums * n_numbers); a 0 keeps the length.
        if self.n_networks == 1:
            turned, shape = g("Transpose", sums, perm=[1, 2, 0]), [0, n_sums * n]
        else:
            turned, shape = g("Transpose", sums, perm=[0, 2, 3, 1]), [0, 0, n_sums * n]
        return g("Reshape", turned, np.array(shape))
