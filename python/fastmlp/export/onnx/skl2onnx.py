"""Converters of skl2onnx for estimators, so that scikit-learn's pipelines convert with them.

skl2onnx has no entry points, and looks up the exact class of a model before it asks the model for
anything. So they are registered when it is imported (`fastmlp._after_import`), and it is imported
here only where it is used.
"""

from __future__ import annotations

from typing import Any

from onnx import TensorProto, ValueInfoProto, helper
from sklearn.base import ClassifierMixin

from fastmlp.export.onnx.graph import ML_DOMAIN, Graph
from fastmlp.export.onnx.inputs import ColumnInputs, Inputs, MatrixInput
from fastmlp.export.onnx.model import OPSETS
from fastmlp.export.onnx.predictions import outputs_of, predictions
from fastmlp.table.sparse_encoder import Encoder

_LEAST_OPSET = 13
# Of classifiers, handled by skl2onnx itself, which asks for "nocl" in any case.
_OPTIONS = {
    "zipmap": [True, False, "columns"],
    "output_class_labels": [False, True],
    "nocl": [False],
}


def register(estimator: type) -> None:
    """Register an estimator's converter, and the calculator of its outputs' shapes."""
    from skl2onnx import update_registered_converter

    update_registered_converter(
        estimator,
        f"{estimator.__module__}.{estimator.__qualname__}",
        _set_types,
        _convert,
        options=_OPTIONS if issubclass(estimator, ClassifierMixin) else None,
    )


def _set_types(operator: Any) -> None:
    """Set types and shapes of an operator's outputs: numbers are double if the first input is."""
    from skl2onnx.common.data_types import Int64TensorType, StringTensorType

    n_rows = operator.inputs[0].get_first_dimension()
    for output, variable in zip(
        outputs_of(operator.raw_operator._pipeline), operator.outputs, strict=True
    ):
        shape = [n_rows] if output.width is None else [n_rows, output.width]
        if output.name == "label":
            is_text = output.kind == TensorProto.STRING
            variable.set_type((StringTensorType if is_text else Int64TensorType)(shape))
        else:
            variable.type.shape = shape


def _convert(scope: Any, operator: Any, container: Any) -> None:
    """Add the operators of an estimator's pipeline to those of the whole."""
    from skl2onnx.helpers import add_onnx_graph

    if container.target_opset < _LEAST_OPSET:
        raise ValueError(f"target_opset must be at least {_LEAST_OPSET} for fastmlp's estimators")
    pipeline = operator.raw_operator._pipeline
    inputs, declarations = _inputs(operator, pipeline.encoder)
    g = Graph(declaration.name for declaration in declarations)
    outputs = []
    for tensor, variable in zip(predictions(g, pipeline, inputs), operator.outputs, strict=True):
        kind = variable.type.to_onnx_type().tensor_type.elem_type
        result = tensor if kind == TensorProto.STRING else g("Cast", tensor, to=kind)
        outputs.append(helper.make_tensor_value_info(result, kind, None))
    read = {name for node in g.nodes for name in node.input}
    for declaration in declarations:
        if declaration.name not in read:  # a constant column, whose name add_onnx_graph must meet
            g("Identity", declaration.name)
    opsets = {"": container.target_opset, ML_DOMAIN: OPSETS[ML_DOMAIN]}
    used = {"", *(node.domain for node in g.nodes)}
    model = helper.make_model(
        g.proto("fastmlp", declarations, outputs),
        opset_imports=[helper.make_opsetid(domain, opsets[domain]) for domain in used],
    )
    add_onnx_graph(scope, operator, container, model)


def _inputs(operator: Any, encoder: Encoder) -> tuple[Inputs, list[ValueInfoProto]]:
    """The operator's inputs: a matrix or, of a frame, a tensor for each column.

    Those that have the names of the columns may have another order.
    """
    n_columns = encoder.n_columns
    kinds = [variable.type.to_onnx_type().tensor_type.elem_type for variable in operator.inputs]
    names = [f"input_{i}" for i in range(len(kinds))]
    declarations = [
        helper.make_tensor_value_info(name, kind, None)
        for name, kind in zip(names, kinds, strict=True)
    ]
    if len(names) == n_columns:
        columns = [*range(n_columns)]
        if encoder.feature_names is not None:
            by_name = {variable.raw_name: i for i, variable in enumerate(operator.inputs)}
            if by_name.keys() == {*encoder.feature_names}:
                columns = [by_name[name] for name in encoder.feature_names]
        by_position = {position: names[i] for position, i in enumerate(columns)}
        return ColumnInputs(by_position, are_double=False), declarations
    if len(names) == 1:
        return MatrixInput(names[0], n_columns, kinds[0] == TensorProto.DOUBLE), declarations
    raise ValueError(
        f"{type(operator.raw_operator).__name__} was fitted on {n_columns} columns; got "
        f"{len(names)} inputs, which are neither one matrix nor one for each column"
    )
