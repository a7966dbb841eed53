"""Functions that return blocks of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from fastmlp.streaming.sources.blocks import Block, Source
from fastmlp.table.rows import slices


class FunctionSource(Source):
    """A function without arguments that returns an iterator of (X, y) or (X, y, weight)."""

    def __init__(self, function: Callable[[], Any], *, has_targets: bool) -> None:
        self._function, self._has_targets = function, has_targets
        self._before: Iterator[Any] | None = None

    def blocks(self, n_rows: int) -> Iterator[Block]:
        """Call the function, and take what it yields."""
        for number, given in enumerate(self._iterator()):
            where = f"block {number + 1}"
            X, y, weight = self._parts(given, where)
            length = len(X)
            for some in slices(length, n_rows):
                yield Block(
                    X if length <= n_rows else _rows(X, some),
                    None if y is None else y[some],
                    None if weight is None else weight[some],
                    where,
                )

    def _iterator(self) -> Iterator[Any]:
        """What the function returns; an error if a call before has read a part of it."""
        returned = self._function()
        if not isinstance(returned, Iterable):
            raise TypeError(
                f"X: the function must return an iterator of blocks; got {type(returned).__name__}"
            )
        iterator = iter(returned)
        if iterator is self._before:
            raise ValueError(
                "X: the function returned the same iterator as in its last call; each call must "
                "return a new one, which starts with the first row"
            )
        self._before = iterator
        return iterator

    def _parts(self, given: Any, where: str) -> tuple[Any, Any, Any]:
        if not self._has_targets and not isinstance(given, tuple):
            return given, None, None
        if not isinstance(given, tuple) or not 2 <= len(given) <= 3:
            raise TypeError(
                f"X ({where}): the function must yield (X, y) or (X, y, weight); got "
                f"{type(given).__name__}"
            )
        X, *others = given
        if not hasattr(X, "shape") or len(X.shape) != 2:
            raise TypeError(
                f"X ({where}): X must be a table of two dimensions; got {type(X).__name__}"
            )
        arrays = [np.asarray(one) for one in others]
        for name, array in zip(("y", "weight"), arrays, strict=False):
            if array.ndim == 0 or len(array) != len(X):
                raise ValueError(
                    f"X ({where}): {name} must have {len(X)} rows, as X has; got {array.shape}"
                )
        return X, arrays[0], arrays[1] if len(arrays) > 1 else None


def _rows(X: Any, rows: slice) -> Any:
    """Some rows of an array or a frame."""
    if hasattr(X, "iloc"):
        return X.iloc[rows]
    return X.slice(rows.start, rows.stop - rows.start) if hasattr(X, "slice") else X[rows]
