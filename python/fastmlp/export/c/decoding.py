"""Decoders in C: from the mean of the networks' outputs to predictions, in double."""

from __future__ import annotations

import numpy as np

from fastmlp.export.c import functions
from fastmlp.export.c.program import Program
from fastmlp.export.c.text import number
from fastmlp.prediction.decoders import ClassificationDecoder, Decoder, RegressionDecoder


def n_predictions(decoder: Decoder, n_outputs: int) -> int:
    """How many numbers a prediction is, of networks of `n_outputs` outputs."""
    if isinstance(decoder, ClassificationDecoder):
        return decoder.classes.size
    return n_outputs


def decoded(program: Program, decoder: Decoder, n_outputs: int) -> list[str]:
    """Statements that write the array `out` from the array `mean`."""
    if isinstance(decoder, RegressionDecoder):
        if not decoder.has_std:
            return _numbers(program, decoder, n_outputs)
        n = n_outputs // 2
        variance = f"mean[{n} + k] - mean[k] * mean[k]"
        std = f"out[{n} + k] = sqrt(fmax({variance}, 0)) * unit[k];"
        return [*_numbers(program, decoder, n), f"for (int k = 0; k < {n}; ++k) {std}"]
    assert isinstance(decoder, ClassificationDecoder)
    if decoder.multilabel:
        return _labels(program, decoder, n_outputs)
    return _classes(program, decoder)


def _numbers(program: Program, decoder: RegressionDecoder, n: int) -> list[str]:
    n_units = decoder.unit.size  # 1 for several quantiles
    of = "k" if n_units == n else "0"
    program.array("unit", decoder.unit)
    program.array("target_shift", decoder.shift)
    value = f"mean[k] * unit[{of}] + target_shift[{of}]"
    if decoder.lowest is not None and decoder.highest is not None:
        program.needs(functions.WITHIN)
        program.array("lowest", np.broadcast_to(decoder.lowest, n_units))
        program.array("highest", np.broadcast_to(decoder.highest, n_units))
        low, high = f"lowest[{of}]", f"highest[{of}]"
        if decoder.moves:
            low, high = f"{low} + fmin(beyond[{of}], 0)", f"{high} + fmax(beyond[{of}], 0)"
        value = f"within({value}, {low}, {high})"
    statements = [f"for (int k = 0; k < {n}; ++k) out[k] = {value};"]
    if decoder.sorts:
        program.needs(functions.SORT)
        statements.append(f"sort(out, {n});")
    return statements


def _labels(program: Program, decoder: ClassificationDecoder, n: int) -> list[str]:
    statements = [f"for (int k = 0; k < {n}; ++k) out[k] = mean[k];"]
    if np.any(decoder.temperature != 1.0):
        program.needs(functions.CALIBRATE_LABELS)
        program.array("temperatures", np.broadcast_to(decoder.temperature, n).astype(np.float64))
        limits = np.finfo(program.dtype)
        least, most = number(limits.tiny), number(1.0 - float(limits.epsneg))
        statements.append(f"calibrate(out, {n}, temperatures, {least}, {most});")
    return statements


def _classes(program: Program, decoder: ClassificationDecoder) -> list[str]:
    n = decoder.classes.size
    place = "k"
    if decoder.ranks is not None:
        program.integers("ranks", decoder.ranks)
        place = "ranks[k]"
    if n == 2:
        statements = ["out[0] = 1 - (double)mean[0];", "out[1] = mean[0];"]
    else:
        statements = [
            "double total = 0;",
            f"for (int k = 0; k < {n}; ++k) total += mean[k];",
            f"for (int k = 0; k < {n}; ++k) out[k] = mean[{place}] / total;",
        ]
    if np.any(decoder.temperature != 1.0):
        program.needs(functions.CALIBRATE_CLASSES)
        temperature = number(decoder.temperature)
        least = number(np.finfo(program.dtype).tiny)
        statements.append(f"calibrate(out, {n}, {temperature}, {least});")
    return statements
