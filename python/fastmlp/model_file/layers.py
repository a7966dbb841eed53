"""Layers of networks in a model file, and the shapes of their parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from fastmlp.model_file.draft import Draft
from fastmlp.model_file.envelope import CONSTRAINTS
from fastmlp.model_file.fields import (
    Fields,
    Kind,
    flag,
    integer,
    maybe,
    one_of,
    plain_fields,
    real,
    text,
    tuple_of,
)
from fastmlp.model_file.tensors import Tensors
from fastmlp.networks.layers import (
    ACTIVATIONS,
    Dense,
    Dropout,
    Embedding,
    Layer,
    Scale,
    no_such_layer,
)

# Rows of the weights and of the biases of a periodic embedding, for 16 cosines and 3 features
_PERIODIC_WEIGHTS, _PERIODIC_BIAS = 16 * (1 + 3), 16 + 3
_PIECEWISE_LINEAR = 4
_MOST_CODES = 2**24

_FIELDS: Mapping[str, tuple[type[Any], dict[str, Kind[Any]]]] = {
    "dense": (
        Dense,
        {
            "inputs": integer(1),
            "outputs": integer(1),
            "activation": one_of(ACTIVATIONS),
            "parametric": flag,
            "sparse": flag,
        },
    ),
    "dropout": (Dropout, {"rate": real(0, 1)}),
    "scale": (Scale, {"width": integer(1)}),
    "embedding": (
        Embedding,
        {
            "n_numbers": integer(),
            "n_flags": integer(),
            "periodic": flag,
            "sigma": real(0),
            "categories": tuple_of(tuple_of(integer(0, _MOST_CODES), 2)),
        },
    ),
}

_N_SIGNS: Mapping[type[Any], Callable[[dict[str, Any]], int]] = {
    Dense: lambda own: own["inputs"] * own["outputs"],
    Scale: lambda own: own["width"],
    Embedding: lambda own: own["n_numbers"],
}


def written_layer(layer: Layer, draft: Draft) -> dict[str, Any]:
    """The layer as an object."""
    kind = type(layer).__name__.lower()
    own = {"kind": kind, **plain_fields(layer, _FIELDS[kind][1])}
    if isinstance(layer, Dense | Scale | Embedding) and layer.signs:
        signs = np.frombuffer(layer.signs.encode(), dtype=np.int8)
        own["signs"] = draft.numbered("signs", signs)
        draft.require(CONSTRAINTS)
    if isinstance(layer, Embedding):
        # Networks of an ensemble have the same ones.
        edges = np.array(layer.bin_edges, dtype=np.float64)
        own["bin_edges"] = draft.numbered("bin_edges", edges) if layer.bin_edges else None
    return own


def read_layer(fields: Fields, tensors: Tensors) -> Layer:
    """A layer of a file."""
    layer, kinds = _FIELDS[fields.get("kind", one_of(_FIELDS))]
    own = fields.get_all(kinds)
    if layer is Embedding:
        own["bin_edges"] = _read_edges(fields, own["n_numbers"], tensors)
    if "signs" in fields and layer in _N_SIGNS:
        own["signs"] = _read_signs(fields, _N_SIGNS[layer](own), tensors)
    made: Layer = layer(**own)
    return made


def _read_signs(fields: Fields, n_signs: int, tensors: Tensors) -> str:
    signs = tensors.take(fields.get("signs", text), "int8", (n_signs,)).tobytes()
    if not set(signs) <= set(b"*+-0"):
        raise fields.error("must have signs that are '*', '+', '-' or '0'")
    return signs.decode()


def _read_edges(fields: Fields, n_numbers: int, tensors: Tensors) -> Any:
    name = fields.get("bin_edges", maybe(text))
    if name is None:
        return ()
    edges = tensors.floats(name, (n_numbers, None))
    if edges.shape[1] < 2 or (np.diff(edges, axis=1) < 0).any():
        raise fields.error("must have bin edges that ascend, at least two for each number")
    return edges


def parameter_shapes(layer: Layer) -> list[tuple[str, tuple[int, ...]]]:
    """Names and shapes of the parameters of a layer, in the engine's order."""
    if isinstance(layer, Dense):
        shapes: list[tuple[str, tuple[int, ...]]] = [
            ("weights", (layer.inputs, layer.outputs)),
            ("bias", (layer.outputs,)),
        ]
        return [*shapes, ("slopes", (layer.outputs,))] if layer.parametric else shapes
    if isinstance(layer, Scale):
        return [("scale", (layer.width,))]
    if isinstance(layer, Dropout):
        return []
    if not isinstance(layer, Embedding):
        no_such_layer(layer)
    n, shapes = layer.n_numbers, []
    if n and layer.periodic:
        shapes = [
            ("periodic_weights", (_PERIODIC_WEIGHTS, n)),
            ("periodic_bias", (_PERIODIC_BIAS, n)),
        ]
    if n and layer.bin_edges:
        n_bins = len(layer.bin_edges[0]) - 1
        shapes.append(("piecewise_linear_weights", (_PIECEWISE_LINEAR * n_bins, n)))
    vectors = [(i, size, width) for i, (size, width) in enumerate(layer.categories) if width]
    return [*shapes, *((f"vectors.{i}", (size + 1, width)) for i, size, width in vectors)]


def check_chain(
    layers: Sequence[Layer], fields: Fields, n_inputs: int, n_outputs: int | None
) -> None:
    """Raise if layers do not fit each other, what networks read, or what they predict."""
    width = n_inputs
    for i, layer in enumerate(layers):
        if isinstance(layer, Dropout):
            continue
        reads, gives = _sizes(layer)
        if reads != width or (isinstance(layer, Embedding) and i > 0):
            raise fields.error(f"has a layer {i} that reads {reads} numbers of {width}")
        width = gives
    last = layers[-1] if layers else None
    if not isinstance(last, Dense) or isinstance(layers[0], Dropout):
        raise fields.error("must begin with a layer that reads the table, and end with a dense one")
    if n_outputs not in (None, width):
        raise fields.error(f"has {width} outputs; predictions need {n_outputs}")


def _sizes(layer: Dense | Scale | Embedding) -> tuple[int, int]:
    """Numbers of a row that a layer reads, and that it gives."""
    if isinstance(layer, Scale):
        return layer.width, layer.width
    if isinstance(layer, Dense):
        return layer.inputs, layer.outputs
    if isinstance(layer, Embedding):
        return layer.n_numbers + layer.n_flags + len(layer.categories), layer.outputs
    no_such_layer(layer)
