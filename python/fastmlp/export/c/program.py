"""Program: the parts of a C file, collected as they are needed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.export.c.text import array


class Program:
    """Constants and functions of a C file.

    Parameters
    ----------
    dtype : dtype
        Type that networks compute in.
    halves : bool
        Whether weights are stored in half precision.
    """

    def __init__(self, dtype: np.dtype[Any], halves: bool) -> None:
        self.dtype = dtype
        self.halves = halves
        self.real = "float" if dtype == np.float32 else "double"
        self._texts = {
            "{f}": "f" if dtype == np.float32 else "",
            "{weight}": "uint16_t" if halves else "real",
            "{load}": "half(" if halves else "",
            "{loaded}": ")" if halves else "",
        }
        self._functions: dict[str, None] = {}
        self._arrays: list[str] = []
        self._reals: dict[bytes, str] = {}

    def needs(self, function: str, **texts: str) -> None:
        """Put a function of `functions` into the file, once."""
        for key, text in ({f"{{{k}}}": v for k, v in texts.items()} | self._texts).items():
            function = function.replace(key, text)
        self._functions.setdefault(function)

    def array(self, name: str, values: NDArray[Any]) -> str:
        """Define a constant array; returns its name."""
        self._arrays.append(array(name, values))
        return name

    def reals(self, name: str, values: NDArray[Any]) -> str:
        """Define a constant array of the networks' type, or find the same one: bin edges are."""
        values = values.astype(self.dtype, copy=False)
        content = values.tobytes()
        if content not in self._reals:
            self._reals[content] = self.array(name, values)
        return self._reals[content]

    def weights(self, name: str, values: NDArray[Any]) -> str:
        """Define a matrix of weights, in the type that these are stored in.

        Raises
        ------
        ValueError
            If half precision cannot hold them.
        """
        if not self.halves:
            return self.reals(name, values)
        with np.errstate(over="ignore"):
            stored = values.astype(np.float16)
        if not np.isfinite(stored).all():
            raise ValueError(
                "dtype='float16' holds weights up to 65,504; the largest of the model is "
                f"{np.abs(values).max():g}"
            )
        return self.array(name, stored)

    def integers(self, name: str, values: NDArray[Any]) -> str:
        """Define a constant array of integers."""
        return self.array(name, values.astype(np.int32))

    @property
    def definitions(self) -> str:
        """All arrays, then all functions."""
        return "\n".join([*self._arrays, *self._functions])
