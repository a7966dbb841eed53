"""Columns of a raw table as what networks read: the encoder and the scaling in operators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fastmlp.export.onnx.dates import read_dates
from fastmlp.export.onnx.graph import ML_DOMAIN, Graph
from fastmlp.export.onnx.inputs import Inputs, holds_text
from fastmlp.table.column import Column
from fastmlp.table.dates import Dates
from fastmlp.table.layout import Layout
from fastmlp.table.scaling import Scaling
from fastmlp.table.sparse_encoder import Encoder, SparseEncoder

_FAR = 1e9  # the engine limits |x| to this before it clips
_INTEGER = np.dtype(np.int64)


@dataclass(frozen=True)
class EncodedRows:
    """Names of the tensors that an encoded table is made of.

    Attributes
    ----------
    numbers : str or None
        Double (n_rows, n_numeric), NaN where missing; None: there are no columns of numbers.
    flags : tuple of str
        In the networks' type, (n_rows, some).
    codes : tuple of str
        The codes of each category, int64 (n_rows, 1).
    """

    numbers: str | None
    flags: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


def encoded(g: Graph, encoder: Encoder, inputs: Inputs, dtype: np.dtype[Any]) -> EncodedRows:
    """The encoded rows of raw ones; `dtype` is the networks' type."""
    if isinstance(encoder, SparseEncoder):
        return EncodedRows(_entries(g, encoder, inputs))
    columns, layout = encoder.columns, encoder.layout
    numbers = _numbers(g, columns, layout, inputs)
    flags = []
    if layout.flagged:
        assert numbers is not None
        flagged = g("Gather", numbers, np.array(layout.flag_sources), axis=1)
        flags.append(g.cast(g("IsNaN", flagged), dtype))
    codes = []
    for position in layout.labelled:
        column = columns[position]
        if column.kind == "category":
            codes.append(_looked_up(g, column, position, inputs, _INTEGER))
        elif column.categories:
            flags.append(_looked_up(g, column, position, inputs, dtype))
        else:
            flags.append(_zeros(g, inputs, dtype))
    return EncodedRows(numbers, tuple(flags), tuple(codes))


def scaled(g: Graph, numbers: str, scaling: Scaling | None, dtype: np.dtype[Any]) -> str:
    """Numbers as networks read them, in their type; the subtraction is done in double."""
    if scaling is None:
        return g.cast(numbers, dtype)
    if scaling.shift.size:
        n = scaling.n_numeric
        numbers = g("Mul", g("Sub", numbers, scaling.shift[:n]), scaling.scale[:n])
    x = zero_where_nan(g, g.cast(numbers, dtype), dtype)
    if not scaling.clips:
        return x
    number = dtype.type
    x = g("Max", g("Min", x, number(_FAR)), number(-_FAR))
    third = g("Mul", x, number(1 / 3))
    return g("Div", x, g("Sqrt", g("Add", g("Mul", third, third), number(1))))


def zero_where_nan(g: Graph, x: str, dtype: np.dtype[Any]) -> str:
    """The tensor with zeros for NaN."""
    return g("Where", g("IsNaN", x), dtype.type(0), x)


def _entries(g: Graph, encoder: SparseEncoder, inputs: Inputs) -> str:
    """Columns that a sparse encoder keeps, scaled."""
    entries = inputs.numbers(g, encoder.kept.tolist())
    return entries if encoder.scale is None else g("Mul", entries, np.float64(encoder.scale))


def _numbers(g: Graph, columns: tuple[Column, ...], layout: Layout, inputs: Inputs) -> str | None:
    """Columns of numbers, side by side; a column of dates becomes several."""
    if not layout.numeric:
        return None
    if not any(isinstance(columns[p].reader, Dates) for p in layout.numeric):
        return inputs.numbers(g, layout.numeric)
    parts = []
    for position in layout.numeric:
        number, reader = inputs.numbers(g, [position]), columns[position].reader
        parts += read_dates(g, number, reader) if isinstance(reader, Dates) else [number]
    return g.concat(parts, axis=1)


def _looked_up(
    g: Graph, column: Column, position: int, inputs: Inputs, dtype: np.dtype[Any]
) -> str:
    """The code of each label, (n_rows, 1); 0 for those that have none."""
    codes = {label: code for label, code in column.codes.items() if label is not None}
    missing = column.codes.get(None, 0.0)
    if holds_text(column):
        codes.setdefault("", missing)
        kind: dict[str, Any] = {"values_floats": [*codes.values()], "default_float": 0.0}
        if dtype == _INTEGER:
            kind = {"values_int64s": [*map(int, codes.values())], "default_int64": 0}
        text = inputs.text(position)
        found = g("LabelEncoder", text, domain=ML_DOMAIN, keys_strings=[*codes], **kind)
        return g.cast(found, dtype) if dtype == np.float64 else found
    # LabelEncoder has no keys of type double before opset 4.
    numbers = inputs.numbers(g, [position])
    is_label = g("Equal", numbers, np.array([[*map(float, codes)]]))
    is_label = g.cast(is_label, np.dtype(np.float64))
    found = g("MatMul", is_label, np.array([*codes.values()])[:, None])
    if missing:
        found = g("Where", g("IsNaN", numbers), np.float64(missing), found)
    return g.cast(found, dtype)


def _zeros(g: Graph, inputs: Inputs, dtype: np.dtype[Any]) -> str:
    """A column of zeros."""
    n_rows = g("Gather", g("Shape", inputs.any), np.array([0]))
    shape = g("Concat", n_rows, np.array([1]), axis=0)
    return g("Expand", dtype.type(0).reshape(1, 1), shape)
