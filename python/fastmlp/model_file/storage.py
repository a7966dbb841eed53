"""Parameters of networks as tensors, rounded ones in fewer bytes.

A loaded model computes with what the weights were rounded to, in the type of its networks; a
loaded predictor also holds them as they are in the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.model_file.draft import Draft
from fastmlp.model_file.errors import ModelFileError
from fastmlp.model_file.tensors import Tensors
from fastmlp.prediction.rounded_weights import RoundedWeights, SmallDtype

# Running means of an optimiser: what is appended to the names of the parameters
MOMENTS = ("first_moment", "second_moment")

# Types of tensors, and of what they hold
_ROUNDED: dict[np.dtype[Any], SmallDtype] = {
    np.dtype(np.float16): "float16",
    np.dtype(np.uint16): "bfloat16",
    np.dtype(np.int8): "int8",
}


def add_parameter(draft: Draft, name: str, values: NDArray[Any] | RoundedWeights) -> None:
    """Add a parameter of a network."""
    if not isinstance(values, RoundedWeights):
        draft.add(name, values)
        return
    draft.add(name, values.values)
    if values.scale is not None:
        draft.add(f"{name}.scale", values.scale)


def read_parameter(
    tensors: Tensors, name: str, shape: Sequence[int], dtype: np.dtype[Any], *, may_be_rounded: bool
) -> NDArray[Any] | RoundedWeights:
    """A parameter of a network that computes in this type."""
    values = tensors.any(name, shape)
    if values.dtype == dtype:
        return values
    if values.dtype not in _ROUNDED or not may_be_rounded:
        raise ModelFileError(
            f"the tensor {name!r} must be of type {dtype}; it is of {values.dtype}"
        )
    kind = _ROUNDED[values.dtype]
    scale = tensors.take(f"{name}.scale", "float32", shape[1:]) if kind == "int8" else None
    rounded = RoundedWeights(kind, values, scale)
    if not np.isfinite(rounded.as_floats()).all():  # instruction sets read others differently
        raise ModelFileError(f"the tensor {name!r} must hold finite numbers")
    return rounded
