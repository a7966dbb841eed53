"""The C file of a pipeline: its head, its constants and functions, and `predict`."""

from __future__ import annotations

import re
from typing import Literal

from fastmlp._version import __version__
from fastmlp.export.c import functions
from fastmlp.export.c.decoding import decoded, n_predictions
from fastmlp.export.c.head import head
from fastmlp.export.c.networks import network_function
from fastmlp.export.c.program import Program
from fastmlp.export.c.rows import (
    flags_and_codes,
    linear_part,
    parts_of,
    raw_numbers,
    scaled_numbers,
)
from fastmlp.export.c.text import number
from fastmlp.export.networks import shares_of
from fastmlp.prediction.decoders import check_one_column
from fastmlp.prediction.pipeline import Pipeline


def c_source(pipeline: Pipeline, dtype: Literal["float16"] | None, prefix: str) -> str:
    """The text of the file; see `TrainedModel.to_c`."""
    if dtype not in (None, "float16"):
        raise ValueError(f"dtype must be None or 'float16'; got {dtype!r}")
    if not re.fullmatch(r"(?:[A-Za-z]\w*)?", prefix, re.ASCII):
        raise ValueError(f"prefix must be able to begin a name in C; got {prefix!r}")
    check_one_column(pipeline.decoder, "export to C")
    program = Program(pipeline.networks[0].dtype, dtype is not None)
    if program.halves:
        program.needs(functions.HALF)
    n_outputs = pipeline.n_outputs
    parts = parts_of(pipeline)
    networks = [
        network_function(program, f"network_{i}", network, parts)
        for i, network in enumerate(pipeline.networks)
    ]
    body = [
        *([f"double raw[{parts.n_numbers}];"] if parts.n_numbers else []),
        *parts.declarations,
        *raw_numbers(program, pipeline),
        *flags_and_codes(program, pipeline),
        *linear_part(program, pipeline),
        *scaled_numbers(program, pipeline),
        *_mean(program, pipeline, parts.arguments, n_outputs),
        *decoded(program, pipeline.decoder, n_outputs),
    ]
    n_out = n_predictions(pipeline.decoder, n_outputs)
    return "\n".join(
        [
            head(pipeline, prefix, __version__),
            "#include <math.h>",
            *(["#include <stdint.h>"] if program.halves else []),
            "",
            f"#define {prefix.upper()}N_COLUMNS {pipeline.encoder.n_columns}",
            f"#define {prefix.upper()}N_OUTPUTS {n_out}",
            "",
            f"typedef {program.real} real;",
            "",
            program.definitions,
            *networks,
            f"void {prefix}predict(const double *row, double *out);",
            "",
            f"void {prefix}predict(const double *row, double *out) {{",
            *(f"  {statement}" for statement in body),
            "}\n",
        ]
    )


def _mean(program: Program, pipeline: Pipeline, parts: str, n_outputs: int) -> list[str]:
    """Statements that write the weighted mean of all networks' outputs to the array `mean`."""
    if pipeline.link.name == "gaussian":
        return _gaussians(program, pipeline, parts, n_outputs)
    program.needs(functions.ADD)
    n_mean = n_outputs + (pipeline.link.name == "continuation_ratio")
    statements = [f"real z[{n_mean}], mean[{n_mean}] = {{0}};"]
    for i, share in enumerate(shares_of(pipeline)):
        statements.append(f"network_{i}({parts}, z);")
        if pipeline.linear is not None:
            statements.append(f"add(offset, {n_outputs}, 1, z);")
        if pipeline.link.name != "identity":
            program.needs(functions.LINKS[pipeline.link.name])
            statements.append(f"inverse_link(z, {n_outputs});")
        statements.append(f"add(z, {n_mean}, {number(share, program.dtype)}, mean);")
    return statements


def _gaussians(program: Program, pipeline: Pipeline, parts: str, n_outputs: int) -> list[str]:
    """Statements that write the weighted mean of means and mean squares to the array `mean`."""
    program.needs(functions.ADD_GAUSSIANS)
    weights = pipeline.weights / pipeline.weights.sum()
    statements = [f"real z[{n_outputs}];", f"double mean[{n_outputs}] = {{0}};"]
    for i, share in enumerate(weights):
        statements.append(f"network_{i}({parts}, z);")
        statements.append(f"add_gaussians(z, {n_outputs // 2}, {number(share)}, mean);")
    return statements
