"""ONNX models of pipelines."""

from __future__ import annotations

from typing import Literal

import onnx
from onnx import ModelProto, helper

from fastmlp._version import __version__
from fastmlp.export.onnx.graph import ML_DOMAIN, Graph
from fastmlp.export.onnx.inputs import declared
from fastmlp.export.onnx.predictions import outputs_of, predictions
from fastmlp.prediction.decoders import check_one_column
from fastmlp.prediction.pipeline import Pipeline

OPSETS = {"": 17, ML_DOMAIN: 3}  # of ONNX 1.12
_IR_VERSION = 8  # of the same

InputKind = Literal["auto", "columns", "matrix"]


def onnx_model(pipeline: Pipeline, inputs: InputKind) -> ModelProto:
    """The pipeline as an ONNX model; see `TrainedModel.to_onnx`."""
    if inputs not in ("auto", "columns", "matrix"):
        raise ValueError(f"inputs must be 'auto', 'columns' or 'matrix'; got {inputs!r}")
    check_one_column(pipeline.decoder, "export to ONNX")
    source, declarations = declared(pipeline.encoder, inputs)
    columns = {declaration.name for declaration in declarations}
    outputs = outputs_of(pipeline)
    # A column may have the name of an output.
    names = [f"output_{o.name}" if o.name in columns else o.name for o in outputs]
    g = Graph({*columns, *names})
    for tensor, name in zip(predictions(g, pipeline, source), names, strict=True):
        g.name_output(tensor, name)
    graph = g.proto(
        "fastmlp",
        declarations,
        [
            helper.make_tensor_value_info(
                name, output.kind, [None] if output.width is None else [None, output.width]
            )
            for name, output in zip(names, outputs, strict=True)
        ],
    )
    model = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid(*opset) for opset in OPSETS.items()],
        producer_name="fastmlp",
        producer_version=__version__,
        ir_version=_IR_VERSION,
    )
    onnx.checker.check_model(model)
    return model
