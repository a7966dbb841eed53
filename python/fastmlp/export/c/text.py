"""Numbers, arrays and comments as C has them, the same in every locale."""

from __future__ import annotations

import re
import textwrap
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

_WIDTH = 100
# Digits that distinguish all numbers of a type, and the suffix of its constants.
_DIGITS = {np.dtype(np.float32): (9, "f"), np.dtype(np.float64): (17, "")}
_TYPES = {
    np.dtype(np.float32): "float",
    np.dtype(np.float64): "double",
    np.dtype(np.float16): "uint16_t",
    np.dtype(np.int32): "int",
}


def number(value: Any, dtype: DTypeLike = np.float64) -> str:
    """A constant that is this number of the type, to the last bit."""
    digits, suffix = _DIGITS[np.dtype(dtype)]
    if not np.isfinite(value):
        return "NAN" if np.isnan(value) else "INFINITY" if value > 0 else "-INFINITY"
    text = f"{float(value):.{digits}g}"
    return f"{text}{'' if {'.', 'e'} & {*text} else '.'}{suffix}"


def array(name: str, values: NDArray[Any]) -> str:
    """The definition of a constant array; numbers of half precision are written as their bits."""
    flat = np.ascontiguousarray(values).ravel()
    if flat.dtype == np.float16:
        flat = flat.view(np.uint16)
    if flat.dtype.kind in "iu":
        constants = [*map(str, flat.tolist())]
    else:
        constants = [number(value, flat.dtype) for value in flat.tolist()]
    lines = textwrap.fill(", ".join(constants), _WIDTH, break_long_words=False)
    return f"static const {_TYPES[values.dtype]} {name}[{values.size}] = {{\n{lines}}};\n"


def comment(text: str) -> str:
    """Text that can stand in a comment: it neither ends it, nor begins another, nor a trigraph."""
    return re.sub(r"(?<=\*)(?=/)|(?<=/)(?=\*)|(?<=\?)(?=\?)", " ", text)
