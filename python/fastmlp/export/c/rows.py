"""Rows of numbers and codes as the parts that networks read: the encoder and scaling in C."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fastmlp.export.c import functions
from fastmlp.export.c.program import Program
from fastmlp.export.c.text import number
from fastmlp.prediction.decoders import unit_and_shift
from fastmlp.prediction.pipeline import Pipeline
from fastmlp.table.column import Column
from fastmlp.table.dates import Dates
from fastmlp.table.layout import Layout
from fastmlp.table.sparse_encoder import SparseEncoder

_PHASES = {"year": functions.YEAR, "week": functions.WEEK, "day": functions.DAY}


@dataclass(frozen=True)
class Parts:
    """How many numbers, flags and codes an encoded row has."""

    n_numbers: int
    n_flags: int
    n_codes: int

    @property
    def _arrays(self) -> list[tuple[str, str, int]]:
        """Type, name and size of the array of each part that there is."""
        arrays = [
            ("real", "numbers", self.n_numbers),
            ("real", "flags", self.n_flags),
            ("int", "codes", self.n_codes),
        ]
        return [array for array in arrays if array[2]]

    @property
    def parameters(self) -> str:
        """What functions declare that read the parts."""
        return ", ".join(f"const {kind} *{name}" for kind, name, _ in self._arrays)

    @property
    def arguments(self) -> str:
        """What callers of these functions pass."""
        return ", ".join(name for _, name, _ in self._arrays)

    @property
    def declarations(self) -> list[str]:
        """Arrays for the parts."""
        return [f"{kind} {name}[{size}];" for kind, name, size in self._arrays]


def parts_of(pipeline: Pipeline) -> Parts:
    """The parts of an encoded row."""
    encoder = pipeline.encoder
    return Parts(encoder.n_numeric, encoder.n_flags, len(encoder.category_sizes))


def raw_numbers(program: Program, pipeline: Pipeline) -> list[str]:
    """Statements that read the array `raw` of encoded numbers, NaN where missing, from `row`."""
    encoder = pipeline.encoder
    if isinstance(encoder, SparseEncoder):
        return _entries(program, encoder)
    columns = encoder.columns
    layout = Layout.of(columns) if encoder.learnt else Layout.of_numbers(encoder.n_columns)
    if not layout.numeric:
        return []
    if layout.plain.size == encoder.n_numeric:
        return _picked(program, layout.plain)
    statements, at = [], 0
    for position in layout.numeric:
        statements.append(f"raw[{at}] = row[{position}];")
        at += 1
        reader = columns[position].reader
        for period in reader.periods if isinstance(reader, Dates) else ():
            program.needs(_PHASES[period])
            turn = f"{number(2 * np.pi)} * part_of_{period}(row[{position}])"
            statements += [f"raw[{at}] = sin({turn});", f"raw[{at + 1}] = cos({turn});"]
            at += 2
    return statements


def _entries(program: Program, encoder: SparseEncoder) -> list[str]:
    kept = np.arange(encoder.n_columns)
    if encoder.position is not None:
        kept = np.flatnonzero(encoder.position >= 0)
    statements = _picked(program, kept)
    if encoder.scale is not None:
        scale = program.array("entry_scale", encoder.scale.astype(np.float64))
        statements.append(f"for (int j = 0; j < {kept.size}; ++j) raw[j] *= {scale}[j];")
    return statements


def _picked(program: Program, positions: np.ndarray) -> list[str]:
    """Copy columns at these positions."""
    n = positions.size
    if np.array_equal(positions, np.arange(n)):
        return [f"for (int j = 0; j < {n}; ++j) raw[j] = row[j];"]
    where = program.integers("columns_of_numbers", positions)
    return [f"for (int j = 0; j < {n}; ++j) raw[j] = row[{where}[j]];"]


def flags_and_codes(program: Program, pipeline: Pipeline) -> list[str]:
    """Statements that read the arrays `flags` and `codes` from `raw` and `row`."""
    encoder = pipeline.encoder
    if isinstance(encoder, SparseEncoder) or encoder.learnt is None:
        return []
    columns, layout = encoder.columns, Layout.of(encoder.columns)
    statements = []
    n_flags = len(layout.flagged)
    if n_flags:
        sources = program.integers("columns_with_gaps", layout.flag_sources)
        is_missing = f"raw[{sources}[j]] != raw[{sources}[j]]"
        statements.append(f"for (int j = 0; j < {n_flags}; ++j) flags[j] = {is_missing};")
    n_codes = 0
    for position in layout.labelled:
        column = columns[position]
        if column.kind == "category":
            statements.append(f"codes[{n_codes}] = {_code(program, column, position)};")
            n_codes += 1
        else:
            label = _label(program, column, position) if column.categories else "0"
            statements.append(f"flags[{n_flags}] = {label};")
            n_flags += 1
    return statements


def _code(program: Program, column: Column, position: int) -> str:
    program.needs(functions.CODE)
    missing = int(column.codes.get(None, 0))
    return f"code_of(row[{position}], {len(column.categories)}, {missing})"


def _label(program: Program, column: Column, position: int) -> str:
    program.needs(functions.LABEL)
    return f"label_of(row[{position}], {int(column.codes.get(None, 0))})"


def scaled_numbers(program: Program, pipeline: Pipeline) -> list[str]:
    """Statements that scale the array `raw`, in double, to the array `numbers`."""
    scaling, n = pipeline.scaling, pipeline.encoder.n_numeric
    if not n:
        return []
    if scaling is None:
        return [f"for (int j = 0; j < {n}; ++j) numbers[j] = (real)raw[j];"]
    value = "raw[j]"
    if scaling.shift.size:
        shift = program.array("shift", scaling.shift[:n])
        scale = program.array("scale", scaling.scale[:n])
        value = f"(raw[j] - {shift}[j]) * {scale}[j]"
    shaped = "x == x ? x : 0"
    if scaling.clips:
        program.needs(functions.CLIP)
        shaped = "x == x ? clip(x) : 0"
    return [
        f"for (int j = 0; j < {n}; ++j) {{",
        f"  const real x = (real)({value});",
        f"  numbers[j] = {shaped};",
        "}",
    ]


def linear_part(program: Program, pipeline: Pipeline) -> list[str]:
    """Statements that move `raw` into the training range, and what a linear part adds.

    They write the arrays `offset`, of the networks' type, and `beyond`.
    """
    linear, training_range = pipeline.linear, pipeline.training_range
    if linear is None or training_range is None:
        return []
    known = training_range.low <= training_range.high
    n, n_outputs = linear.coef.shape
    arrays = {
        "linear_shift": linear.scaling.shift,
        "linear_scale": linear.scaling.scale,
        "linear_low": linear.low,
        "linear_high": linear.high,
        "linear_coef": linear.coef,
        "range_low": np.where(known, training_range.low, -np.inf),
        "range_high": np.where(known, training_range.high, np.inf),
    }
    for name, values in arrays.items():
        program.array(name, values)
    unit, _ = unit_and_shift(pipeline.decoder)
    n_raw = pipeline.n_outputs
    program.array("linear_unit", np.broadcast_to(unit, n_outputs))
    program.needs(functions.WITHIN)
    program.needs(functions.ADD_LINEAR)
    share = number(linear.share)
    # Several quantiles have one column of slopes.
    return [
        f"double values[{n_outputs}] = {{0}}, beyond[{n_outputs}] = {{0}};",
        f"add_linear(raw, {n}, {n_outputs}, beyond);",
        f"for (int j = 0; j < {n}; ++j) raw[j] = within(raw[j], range_low[j], range_high[j]);",
        f"add_linear(raw, {n}, {n_outputs}, values);",
        f"real offset[{n_raw}];",
        f"for (int k = 0; k < {n_outputs}; ++k) beyond[k] -= values[k];",
        f"for (int k = 0; k < {n_raw}; ++k) {{",
        f"  const int of = {'k' if n_raw == n_outputs else '0'};",
        f"  offset[k] = (real)(({share} * values[of] + beyond[of]) / linear_unit[of]);",
        "}",
    ]
