"""Draft: a model file that is being written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.prediction.rounded_weights import SmallDtype


class NotStorable(TypeError):
    """A value that a model file cannot hold, such as a function."""


@dataclass
class Draft:
    """Collects what a file holds besides its document, from functions that each write a part.

    Parameters
    ----------
    takes_objects : bool, default=False
        Whether objects that a file cannot hold may be stored beside it, as in a pickle.
    stored : {"float16", "bfloat16", "int8"} or None, default=None
        Type that weights are stored in; None: that which networks compute in.
    """

    takes_objects: bool = False
    stored: SmallDtype | None = None
    tensors: dict[str, NDArray[Any]] = field(default_factory=dict)
    features: list[str] = field(default_factory=list)  # that a reader must know
    objects: list[Any] = field(default_factory=list)

    def add(self, name: str, array: NDArray[Any]) -> None:
        """Add a tensor."""
        self.tensors[name] = array

    def require(self, feature: str) -> None:
        """Name a feature that a reader must know."""
        if feature not in self.features:
            self.features.append(feature)

    def numbered(self, kind: str, array: NDArray[Any]) -> str:
        """Add a tensor named by its kind and a number, or find an equal one; returns its name."""
        for number in range(len(self.tensors) + 1):
            name = f"{kind}.{number}"
            if name not in self.tensors or _same(self.tensors[name], array):
                break
        self.tensors[name] = array
        return name

    def object(self, value: Any) -> dict[str, Any]:
        """Refer to an object that is stored beside the file.

        Raises
        ------
        NotStorable
            If objects cannot be stored beside it.
        """
        if not self.takes_objects:
            raise NotStorable(f"a model file cannot hold {type(value).__name__}, {value!r}")
        self.objects.append(value)
        return {"type": "object", "value": len(self.objects) - 1}


def _same(one: NDArray[Any], other: NDArray[Any]) -> bool:
    return one.dtype == other.dtype and np.array_equal(one, other)
