"""A pipeline in operators: from its inputs to predictions."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from onnx import TensorProto

from fastmlp.export.onnx.columns import encoded, scaled
from fastmlp.export.onnx.decoding import (
    exported_classes,
    labels_of,
    numbers_of,
    probabilities_of,
    std_of,
)
from fastmlp.export.onnx.graph import TYPES, Graph
from fastmlp.export.onnx.inputs import Inputs
from fastmlp.export.onnx.linear_part import split
from fastmlp.export.onnx.networks import mean_of_outputs
from fastmlp.prediction.decoders import (
    ClassificationDecoder,
    RegressionDecoder,
    n_without_std,
    unit_and_shift,
)
from fastmlp.prediction.pipeline import Pipeline

_DOUBLE = np.dtype(np.float64)


@dataclass(frozen=True)
class Output:
    """An output of a model, named as skl2onnx names it.

    Attributes
    ----------
    name : str
    kind : int
        ONNX's number of its type.
    width : int or None
        Columns; None: it is one-dimensional.
    """

    name: str
    kind: int
    width: int | None


def outputs_of(pipeline: Pipeline) -> list[Output]:
    """The numbers of a regressor and their std, or labels and probabilities of a classifier."""
    decoder = pipeline.decoder
    if isinstance(decoder, RegressionDecoder):
        n = n_without_std(decoder, pipeline.n_outputs)
        names = ("variable", "std") if decoder.has_std else ("variable",)
        return [Output(name, TensorProto.DOUBLE, n) for name in names]
    assert isinstance(decoder, ClassificationDecoder)
    n_classes = decoder.classes.size
    kind = TYPES.get(exported_classes(decoder).dtype, TensorProto.STRING)
    return [
        Output("label", kind, n_classes if decoder.multilabel else None),
        Output("probabilities", TensorProto.DOUBLE, n_classes),
    ]


def predictions(g: Graph, pipeline: Pipeline, inputs: Inputs) -> list[str]:
    """Names of the tensors that are these outputs."""
    dtype = pipeline.networks[0].dtype
    rows = encoded(g, pipeline.encoder, inputs, dtype)
    offset = beyond = None
    if pipeline.linear is not None and pipeline.training_range is not None and rows.numbers:
        parts = split(g, rows.numbers, pipeline.linear, pipeline.training_range)
        rows, beyond = replace(rows, numbers=parts.inside), parts.beyond
        unit, _ = unit_and_shift(pipeline.decoder)
        offset = g.cast(g("Div", parts.offset, unit), dtype)
    if rows.numbers:
        rows = replace(rows, numbers=scaled(g, rows.numbers, pipeline.scaling, dtype))
    mean = g.cast(mean_of_outputs(g, pipeline, rows, offset), _DOUBLE)
    decoder = pipeline.decoder
    if isinstance(decoder, RegressionDecoder):
        std = [std_of(g, decoder, mean)] if decoder.has_std else []
        return [numbers_of(g, decoder, mean, beyond), *std]
    assert isinstance(decoder, ClassificationDecoder)
    probabilities = probabilities_of(g, decoder, mean, pipeline.n_outputs, dtype)
    return [labels_of(g, decoder, probabilities), probabilities]
