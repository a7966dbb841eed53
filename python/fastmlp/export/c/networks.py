"""Networks as C functions, from the parts of an encoded row to outputs before the inverse link."""

from __future__ import annotations

import numpy as np

from fastmlp.export.c import functions
from fastmlp.export.c.program import Program
from fastmlp.export.c.rows import Parts
from fastmlp.export.networks import Arrays, layers_with_parameters, steps_of
from fastmlp.networks.layers import (
    PERIODIC,
    PIECEWISE_LINEAR,
    Dense,
    Embedding,
    Scale,
    no_such_layer,
)
from fastmlp.prediction.pipeline import TrainedNetwork


def network_function(program: Program, name: str, network: TrainedNetwork, parts: Parts) -> str:
    """The text of the C function of a network; its constants go to the program."""
    layers = [*layers_with_parameters(network)]
    body = _Body(program, name, parts)
    if not isinstance(layers[0][0], Embedding):
        body.read_plain()
    for i, (layer, arrays) in enumerate(layers):
        body.prefix = f"{name}_{i}"
        if isinstance(layer, Embedding):
            body.embed(layer, arrays)
        elif isinstance(layer, Dense):
            body.dense(layer, arrays, is_last=i == len(layers) - 1)
        elif isinstance(layer, Scale):
            body.multiply(arrays)
        else:
            no_such_layer(layer)
    return "\n".join(
        [
            f"static void {name}({parts.parameters}, real *z) {{",
            f"  real a[{body.widest}], b[{body.widest}];",
            *(f"  {statement}" for statement in body.statements),
            "}\n",
        ]
    )


class _Body:
    """Statements of a network's function. Features are in the arrays a and b in turn."""

    def __init__(self, program: Program, name: str, parts: Parts) -> None:
        self.program = program
        self.prefix = name
        self.parts = parts
        self.statements: list[str] = []
        self.features = "a"
        self.width = 0
        self.widest = 1

    def read_plain(self) -> None:
        """Begin with the numbers and flags, unchanged."""
        self._append("numbers", self.parts.n_numbers)
        self._append("flags", self.parts.n_flags)

    def embed(self, layer: Embedding, arrays: Arrays) -> None:
        """Begin with the features of an embedding."""
        own, n = [*arrays], layer.n_numbers
        if n and layer.periodic:
            self.program.needs(functions.PERIODIC)
            weights = self._reals("frequencies_and_weights", own.pop(0))
            bias = self._reals("phases_and_bias", own.pop(0))
            self._write(f"periodic(numbers, {n}, {weights}, {bias}", PERIODIC * n)
        if n and layer.bin_edges:
            self.program.needs(functions.PIECEWISE)
            start, slope = steps_of(layer, self.program.dtype)
            names = [self._reals("starts", start), self._reals("slopes", slope)]
            names.append(self._reals("steps", own.pop(0)))
            call = f"piecewise(numbers, {n}, {start.shape[1]}, {', '.join(names)}"
            self._write(call, PIECEWISE_LINEAR * n)
        self.read_plain()
        for c, (size, width) in enumerate(layer.categories):
            if width:
                self.program.needs(functions.VECTOR)
                table = self.program.weights(f"{self.prefix}_vectors_{c}", own.pop(0))
                self._write(f"vector(codes[{c}], {width}, {table}", width)
            else:
                self.program.needs(functions.ONE_HOT)
                self._write(f"one_hot(codes[{c}], {size}", size)

    def dense(self, layer: Dense, arrays: Arrays, *, is_last: bool) -> None:
        """Continue with a dense layer."""
        self.program.needs(functions.DENSE)
        weights = self.program.weights(f"{self.prefix}_weights", arrays[0])
        bias = self._reals("bias", arrays[1])
        to = "z" if is_last else "b" if self.features == "a" else "a"
        self.statements.append(
            f"dense({self.features}, {layer.inputs}, {weights}, {bias}, {layer.outputs}, {to});"
        )
        self.features = to
        if not is_last:
            self.widest = max(self.widest, layer.outputs)
        name = layer.activation
        if name == "identity":
            return
        self.program.needs(functions.ACTIVATION, name=name, body=functions.ACTIVATIONS[name])
        if layer.parametric:
            self.program.needs(functions.BEND, name=name)
            slopes = self._reals("slopes", arrays[2])
            self.statements.append(f"bend_{name}({slopes}, {layer.outputs}, {to});")
        else:
            self.program.needs(functions.ACTIVATE, name=name)
            self.statements.append(f"activate_{name}({layer.outputs}, {to});")

    def multiply(self, arrays: Arrays) -> None:
        """Continue with a factor on each feature."""
        self.program.needs(functions.MULTIPLY)
        factors = self._reals("factors", arrays[0])
        self.statements.append(f"multiply({factors}, {arrays[0].size}, {self.features});")

    def _reals(self, what: str, values: np.ndarray) -> str:
        return self.program.reals(f"{self.prefix}_{what}", values)

    def _append(self, part: str, n: int) -> None:
        if n:
            self.program.needs(functions.COPY)
            self._write(f"copy({part}, {n}", n)

    def _write(self, call: str, n: int) -> None:
        """Call a function that writes the next n features."""
        self.statements.append(f"{call}, a + {self.width});")
        self.width += n
        self.widest = max(self.widest, self.width)
