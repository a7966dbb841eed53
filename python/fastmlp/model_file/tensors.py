"""Tensors: the arrays of a model file, read with the type and the shape that they must have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.model_file.container import UNKNOWN
from fastmlp.model_file.errors import ModelFileError


class Tensors:
    """The arrays of a file by their names."""

    def __init__(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        self._arrays = arrays

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    def any(self, name: str, shape: Sequence[int | None]) -> NDArray[Any]:
        """An array of any type; None stands for any size."""
        if name not in self._arrays:
            raise ModelFileError(f"the model file lacks the tensor {name!r}")
        array = self._arrays[name]
        if array.dtype == UNKNOWN:
            raise ModelFileError(f"the tensor {name!r} is of a type that this version cannot read")
        fits = len(shape) == array.ndim and all(
            expected in (None, size) for expected, size in zip(shape, array.shape, strict=True)
        )
        if not fits:
            sizes = ", ".join("any" if size is None else str(size) for size in shape)
            raise ModelFileError(
                f"the tensor {name!r} must have the shape ({sizes}); it has {array.shape}"
            )
        return array

    def take(self, name: str, dtype: str, shape: Sequence[int | None]) -> NDArray[Any]:
        """An array of one type."""
        array = self.any(name, shape)
        if array.dtype != dtype:
            raise ModelFileError(
                f"the tensor {name!r} must be of type {dtype}; it is of {array.dtype}"
            )
        return array

    def floats(
        self, name: str, shape: Sequence[int | None], *, finite: bool = True
    ) -> NDArray[np.float64]:
        """An array of float64."""
        array = self.take(name, "float64", shape)
        if finite and not np.isfinite(array).all():
            raise ModelFileError(f"the tensor {name!r} must hold finite numbers")
        return array

    def numbers(self, name: str) -> NDArray[np.float64]:
        """An array of float64 of any shape."""
        array = self._arrays[name]
        return self.floats(name, array.shape, finite=False)
