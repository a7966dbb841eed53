"""Graph: the nodes and constants of an ONNX graph, collected as they are made."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper

ML_DOMAIN = "ai.onnx.ml"
TYPES = {
    np.dtype(np.float32): TensorProto.FLOAT,
    np.dtype(np.float64): TensorProto.DOUBLE,
    np.dtype(np.int64): TensorProto.INT64,
}

Value = str | NDArray[Any] | np.generic  # the name of a tensor, or a constant


class Graph:
    """Collects nodes. Tensors are known by their names.

    Parameters
    ----------
    taken : iterable of str
        Names that no tensor may get.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self.nodes: list[NodeProto] = []
        self.constants: dict[tuple[str, tuple[int, ...], bytes], TensorProto] = {}
        self._names = set(taken)
        self._made: dict[tuple[str, ...], str] = {}

    def __call__(
        self,
        operator: str,
        *inputs: Value,
        domain: str = "",
        n_outputs: int = 1,
        **attributes: Any,
    ) -> str:
        """Add a node, unless there is the same one; returns the name of its first output.

        Parameters
        ----------
        operator : str
            Name of an operator.
        *inputs : str, ndarray or scalar of NumPy
        domain : str, default=""
            Domain of the operator.
        n_outputs : int, default=1
            How many outputs the operator has.
        **attributes
            Attributes of the node.
        """
        names = [value if isinstance(value, str) else self._constant(value) for value in inputs]
        key = (operator, domain, *names, *map(repr, attributes.items()))
        if key not in self._made:
            outputs = [self._unused(operator.lower()) for _ in range(n_outputs)]
            self._add(operator, names, outputs, domain=domain, **attributes)
            self._made[key] = outputs[0]
        return self._made[key]

    def name_output(self, tensor: str, name: str) -> None:
        """Make the tensor an output of the graph under this name."""
        self._add("Identity", [tensor], [name])

    def cast(self, value: Value, dtype: np.dtype[Any]) -> str:
        """Convert to another type."""
        return self("Cast", value, to=TYPES[dtype])

    def concat(self, values: list[str], axis: int) -> str:
        """Join tensors along an axis."""
        return values[0] if len(values) == 1 else self("Concat", *values, axis=axis)

    def proto(
        self, name: str, inputs: list[ValueInfoProto], outputs: list[ValueInfoProto]
    ) -> GraphProto:
        """The graph of all nodes."""
        return helper.make_graph(self.nodes, name, inputs, outputs, [*self.constants.values()])

    def _add(self, operator: str, inputs: list[str], outputs: list[str], **options: Any) -> None:
        node = helper.make_node(operator, inputs, outputs, name=f"{outputs[0]}_node", **options)
        self.nodes.append(node)

    def _constant(self, value: NDArray[Any] | np.generic) -> str:
        array = np.ascontiguousarray(value) if np.ndim(value) else np.asarray(value)
        content = repr(array.tolist()).encode() if array.dtype == object else array.tobytes()
        key = (array.dtype.str, array.shape, content)
        if key not in self.constants:
            self.constants[key] = numpy_helper.from_array(array, self._unused("constant"))
        name: str = self.constants[key].name
        return name

    def _unused(self, stem: str) -> str:
        name = next(n for n in (f"{stem}_{i}" for i in count(1)) if n not in self._names)
        self._names.add(name)
        return name
