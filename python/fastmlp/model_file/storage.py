"""Weights in fewer bytes: float16, bfloat16, or int8 with a scale for each output.

They are rounded when a model is saved. A loaded model computes with what they were rounded to, in
the type of its networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.model_file.draft import Draft
from fastmlp.model_file.errors import ModelFileError
from fastmlp.model_file.tensors import Tensors

STORED = ("float16", "bfloat16", "int8")
_LARGEST_INT8 = 127
_BITS = 16  # of float32 that bfloat16 drops


def add_weights(draft: Draft, name: str, array: NDArray[Any]) -> None:
    """Add parameters of a network, matrices in the type that the draft stores them in.

    Biases, slopes and scales, one number for each unit, stay as they are; so do, instead of int8,
    the frequencies of periodic embeddings.
    """
    stored = draft.stored
    if stored is None or array.ndim < 2 or (stored == "int8" and "periodic" in name):
        draft.add(name, np.ascontiguousarray(array))
    elif stored == "int8":
        values, scale = _as_int8(array)
        draft.add(name, values)
        draft.add(f"{name}.scale", scale)
    elif stored == "bfloat16":
        draft.add(name, _as_bfloat16(array))
    else:
        draft.add(name, _as_float16(array))


def read_weights(
    tensors: Tensors, name: str, shape: Sequence[int], dtype: np.dtype[Any]
) -> NDArray[Any]:
    """Parameters of a network in the type that it computes in."""
    array = tensors.any(name, shape)
    if array.dtype == dtype:
        return array
    if array.dtype == np.int8:
        scale = tensors.take(f"{name}.scale", "float32", shape[1:])
        product: NDArray[Any] = array.astype(dtype) * scale.astype(dtype)
        return product
    if array.dtype == np.uint16:
        bits = array.astype(np.uint32) << _BITS
        return bits.view(np.float32).astype(dtype)
    if array.dtype == np.float16:
        return array.astype(dtype)
    raise ModelFileError(f"the tensor {name!r} must be of type {dtype}; it is of {array.dtype}")


def _as_int8(array: NDArray[Any]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Integers, and a factor for each column."""
    largest = np.abs(array.astype(np.float64)).max(axis=0, initial=0.0)
    scale = (largest / _LARGEST_INT8).astype(np.float32)
    divisor = np.where(scale > 0, scale, 1).astype(np.float64)
    values = np.clip(np.rint(array / divisor), -_LARGEST_INT8, _LARGEST_INT8)
    return values.astype(np.int8), scale


def _as_bfloat16(array: NDArray[Any]) -> NDArray[np.uint16]:
    """The bits of the nearest bfloat16, of two equally near ones the even."""
    bits = np.ascontiguousarray(array, dtype=np.float32).view(np.uint32)
    half = np.uint32(0x7FFF) + ((bits >> _BITS) & 1)
    rounded: NDArray[np.uint16] = ((bits + half) >> _BITS).astype(np.uint16)
    return rounded


def _as_float16(array: NDArray[Any]) -> NDArray[np.float16]:
    with np.errstate(over="ignore"):
        rounded = array.astype(np.float16)
    if not np.isfinite(rounded).all():
        raise ValueError(
            f"dtype='float16' cannot hold weights of up to {np.abs(array).max():g}; 'bfloat16' can"
        )
    return rounded
