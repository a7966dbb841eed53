"""IdentityCache: values kept for objects, for as long as these live."""

from __future__ import annotations

from typing import Any, Generic, TypeVar
from weakref import ref

_T = TypeVar("_T")


class IdentityCache(Generic[_T]):
    """A `WeakKeyDictionary` by identity: its keys need not be hashable."""

    def __init__(self) -> None:
        self._values: dict[int, tuple[ref[Any], _T]] = {}

    def __getitem__(self, owner: object) -> _T | None:
        found = self._values.get(id(owner))
        return found[1] if found is not None and found[0]() is owner else None

    def __setitem__(self, owner: object, value: _T) -> None:
        key = id(owner)
        self._values[key] = ref(owner, lambda _: self._values.pop(key, None)), value

    def pop(self, owner: object) -> _T | None:
        """Remove and return the value; None if there is none."""
        value = self[owner]
        self._values.pop(id(owner), None)
        return value
