"""A pipeline in operators: from its inputs to predictions."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from onnx import TensorProto

from fastmlp.export.onnx.columns import EncodedRows, encoded, scaled
from fastmlp.export.onnx.decoding import (
    exported_classes,
    labels_of,
    numbers_of,
    probabilities_of,
)
from fastmlp.export.onnx.graph import TYPES, Graph
from fastmlp.export.onnx.inputs import Inputs
from fastmlp.export.onnx.linear_part import split
from fastmlp.export.onnx.networks import mean_of_outputs
from fastmlp.prediction.decoders import RegressionDecoder
from fastmlp.prediction.pipeline import Pipeline

_DOUBLE = np.dtype(np.float64)


@dataclass(frozen=True)
class Output:
    """An output of a model, named as skl2onnx names it.

    Attributes
    ----------
    name, tensor : str
        Names of the output, and of the tensor in the graph.
    kind : int
        ONNX's number of its type.
    width : int or None
        Columns; None: it is one-dimensional.
    """

    name: str
    tensor: str
    kind: int
    width: int | None


def predictions(g: Graph, pipeline: Pipeline, inputs: Inputs) -> list[Output]:
    """Predictions of a regressor, or labels and probabilities of a classifier."""
    dtype = pipeline.networks[0].dtype
    rows = encoded(g, pipeline.encoder, inputs, dtype)
    offset = beyond = None
    if pipeline.linear is not None and rows.numbers is not None:
        assert pipeline.training_range is not None
        parts = split(g, rows.numbers, pipeline.linear, pipeline.training_range)
        rows, beyond = replace(rows, numbers=parts.inside), parts.beyond
        unit = getattr(pipeline.decoder, "unit", np.float64(1))
        offset = g.cast(g("Div", parts.offset, unit), dtype)
    if rows.numbers is not None:
        rows = replace(rows, numbers=scaled(g, rows.numbers, pipeline.scaling, dtype))
    mean = g.cast(mean_of_outputs(g, pipeline, rows, offset), _DOUBLE)
    return _decoded(g, pipeline, mean, beyond)


def _decoded(g: Graph, pipeline: Pipeline, mean: str, beyond: str | None) -> list[Output]:
    decoder = pipeline.decoder
    n_outputs = pipeline.networks[0].parameters[-1].size  # the last biases
    if isinstance(decoder, RegressionDecoder):
        numbers = numbers_of(g, decoder, mean, beyond)
        return [Output("variable", numbers, TensorProto.DOUBLE, n_outputs)]
    dtype = pipeline.networks[0].dtype
    probabilities = probabilities_of(g, decoder, mean, n_outputs, dtype)
    of_classes = exported_classes(decoder).dtype
    kind = TensorProto.INT64 if decoder.multilabel else TYPES.get(of_classes, TensorProto.STRING)
    labels = labels_of(g, decoder, probabilities)
    n_classes = decoder.classes.size
    return [
        Output("label", labels, kind, n_classes if decoder.multilabel else None),
        Output("probabilities", probabilities, TensorProto.DOUBLE, n_classes),
    ]
