"""ONNX models of pipelines."""

from __future__ import annotations

import os
from typing import Literal

import onnx
from onnx import ModelProto, helper

from fastmlp._version import __version__
from fastmlp.export.onnx.graph import ML_DOMAIN, Graph
from fastmlp.export.onnx.inputs import declared
from fastmlp.export.onnx.predictions import predictions
from fastmlp.prediction.pipeline import Pipeline

OPSETS = {"": 17, ML_DOMAIN: 3}  # of ONNX 1.12
_IR_VERSION = 8  # of the same

InputKind = Literal["auto", "columns", "matrix"]


def onnx_model(pipeline: Pipeline, inputs: InputKind = "auto") -> ModelProto:
    """The pipeline as an ONNX model; see `TrainedModel.to_onnx`."""
    if inputs not in ("auto", "columns", "matrix"):
        raise ValueError(f"inputs must be 'auto', 'columns' or 'matrix'; got {inputs!r}")
    source, declarations = declared(pipeline.encoder, inputs)
    names = {declaration.name for declaration in declarations}
    g = Graph({*names, "variable", "label", "probabilities"})
    outputs = []
    for output in predictions(g, pipeline, source):
        # A column may have the name of an output.
        name = f"output_{output.name}" if output.name in names else output.name
        g.rename(output.tensor, name)
        shape = [None] if output.width is None else [None, output.width]
        outputs.append(helper.make_tensor_value_info(name, output.kind, shape))
    model = helper.make_model(
        g.proto("fastmlp", declarations, outputs),
        opset_imports=[helper.make_opsetid(*opset) for opset in OPSETS.items()],
        producer_name="fastmlp",
        producer_version=__version__,
        ir_version=_IR_VERSION,
    )
    onnx.checker.check_model(model)
    return model


def write_onnx_model(
    pipeline: Pipeline, path: str | os.PathLike[str] | None, inputs: InputKind
) -> ModelProto:
    """Make the model, and write it to a file if there is a path."""
    model = onnx_model(pipeline, inputs)
    if path is not None:
        onnx.save_model(model, os.fspath(path))
    return model
