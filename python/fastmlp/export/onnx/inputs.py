"""The inputs of a graph: one matrix of numbers, or one tensor for each column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Number
from typing import Protocol

import numpy as np
from onnx import TensorProto, ValueInfoProto, helper

from fastmlp.export.number_meaning import number_meaning
from fastmlp.export.onnx.graph import Graph
from fastmlp.table.column import Column
from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.sparse_encoder import Encoder
from fastmlp.table.text import quoted

MATRIX = "X"
_DOUBLE = np.dtype(np.float64)
_MISSING_NUMBER = "NaN where missing"


class Inputs(Protocol):
    """Where a graph takes the columns of the raw table from."""

    def numbers(self, g: Graph, positions: Sequence[int]) -> str:
        """Columns of numbers, double (n_rows, n_positions)."""

    def text(self, position: int) -> str:
        """A column of text, (n_rows, 1)."""

    @property
    def any(self) -> str:
        """One that has as many rows as there are."""


@dataclass(frozen=True)
class MatrixInput:
    """A matrix of numbers, (n_rows, n_columns)."""

    name: str
    n_columns: int
    is_double: bool = True

    def numbers(self, g: Graph, positions: Sequence[int]) -> str:
        """The columns at these positions."""
        matrix = self.name if self.is_double else g.cast(self.name, _DOUBLE)
        if list(positions) == list(range(self.n_columns)):
            return matrix
        return g("Gather", matrix, np.array(positions), axis=1)

    def text(self, position: int) -> str:
        """There is none."""
        raise ValueError(f"column {position} of a matrix of numbers holds no text")

    @property
    def any(self) -> str:
        """The matrix."""
        return self.name


@dataclass(frozen=True)
class ColumnInputs:
    """A tensor (n_rows, 1) for each column, by position; numbers that are not double are cast."""

    names: Mapping[int, str]
    are_double: bool = True

    def numbers(self, g: Graph, positions: Sequence[int]) -> str:
        """The columns at these positions, side by side."""
        columns = [self.names[position] for position in positions]
        if not self.are_double:
            columns = [g.cast(column, _DOUBLE) for column in columns]
        return g.concat(columns, axis=1)

    def text(self, position: int) -> str:
        """The column at this position."""
        return self.names[position]

    @property
    def any(self) -> str:
        """The first one."""
        return next(iter(self.names.values()))


def holds_text(column: Column) -> bool:
    """Whether the labels of a column are text; an error if no operator can look them up."""
    labels = [label for label in column.categories if label is not None]
    if labels and all(isinstance(label, str) for label in labels):
        return True
    exact = all(isinstance(label, Number | np.bool_) for label in labels)
    if exact and all(float(label) == label for label in labels):
        return False
    kinds = " and ".join(sorted({type(label).__name__ for label in labels}))
    raise ValueError(
        f"column {column.name!r} cannot be exported to ONNX: its labels, such as "
        f"{quoted(labels[0])}, are of the type {kinds}, but must all be text, or all numbers that "
        "double holds. Convert them to text before fit"
    )


def declared(encoder: Encoder, kind: str) -> tuple[Inputs, list[ValueInfoProto]]:
    """The inputs of a model on its own, and how a graph declares them.

    Parameters
    ----------
    encoder : Encoder
    kind : {"auto", "columns", "matrix"}
        "auto": columns if they have names or some hold text.
    """
    if isinstance(encoder, DenseEncoder):
        used = {p: column for p, column in enumerate(encoder.columns) if column.kind != "constant"}
        if not used:
            raise ValueError("all columns were constant in training: there are no inputs")
        text = [column.name for column in used.values() if column.categories and holds_text(column)]
        named = encoder.feature_names is not None
    else:
        used, text, named = {}, [], False
    if kind == "auto":
        kind = "columns" if named or text else "matrix"
    if kind == "matrix":
        if text:
            raise ValueError(
                f"inputs='matrix' needs columns of numbers; {text[0]!r} holds text: use "
                "inputs='columns'"
            )
        what = f"columns in the order of training, {_MISSING_NUMBER}"
        return MatrixInput(MATRIX, encoder.n_columns), [
            _declaration(MATRIX, TensorProto.DOUBLE, encoder.n_columns, what)
        ]
    if not isinstance(encoder, DenseEncoder):
        raise ValueError("inputs must be 'matrix' or 'auto' for a model of sparse rows")
    names = {p: column.name for p, column in used.items()}
    if "" in names.values():
        raise ValueError("a column whose name is '' cannot be an input: ONNX has no empty names")
    declarations = [
        _declaration(
            column.name,
            TensorProto.STRING if column.name in text else TensorProto.DOUBLE,
            1,
            _description(column, column.name in text),
        )
        for column in used.values()
    ]
    return ColumnInputs(names), declarations


def _description(column: Column, is_text: bool) -> str:
    """What values of the column the graph expects."""
    if is_text:
        return "text" if "" in column.categories else "text, '' where missing"
    if column.categories:
        return f"labels that are numbers, {_MISSING_NUMBER}"
    return f"{number_meaning(column)}, {_MISSING_NUMBER}"


def _declaration(name: str, kind: int, width: int, what: str) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, [None, width], what)
