"""Fields: the fields of an object in a document, read with the type that they must have.

A *kind* of value is a function that takes what JSON held and returns it, or raises `WrongKind`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from math import inf, isfinite, nan
from typing import Any, TypeVar

from fastmlp.model_file.errors import ModelFileError
from fastmlp.table.text import shortened

_T = TypeVar("_T")
Kind = Callable[[Any], _T]

LARGEST = 2**63 - 1
_QUOTED = 60  # characters of a value in messages
_NOT_FINITE = {"inf": inf, "-inf": -inf, "nan": nan}  # JSON has no such numbers


class WrongKind(ValueError):
    """A value is not of the kind that it must be; the message says what that kind is."""


class Fields:
    """The fields of one object.

    Parameters
    ----------
    values : object
        As JSON held it.
    path : str
        What errors call it.
    """

    def __init__(self, values: Any, path: str) -> None:
        if not isinstance(values, dict):
            raise ModelFileError(f"{path} must be an object; got {quoted(values)}")
        self._values: dict[str, Any] = values
        self.path = path

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def has(self, name: str) -> bool:
        """Whether the field is there, and not null."""
        return self._values.get(name) is not None

    def get(self, name: str, kind: Kind[_T]) -> _T:
        """The value of a field."""
        if name not in self._values:
            raise ModelFileError(f"{self.path} lacks {name!r}")
        try:
            return kind(self._values[name])
        except WrongKind as error:
            raise ModelFileError(
                f"{self.path}.{name} must be {error}; got {quoted(self._values[name])}"
            ) from None
        except RecursionError:
            raise ModelFileError(f"{self.path}.{name} is nested too deeply") from None

    def get_all(self, kinds: Mapping[str, Kind[Any]]) -> dict[str, Any]:
        """The values of several fields."""
        return {name: self.get(name, kind) for name, kind in kinds.items()}

    def object(self, name: str) -> Fields:
        """A field that is an object."""
        return Fields(self.get(name, anything), f"{self.path}.{name}")

    def objects(self, name: str, *, title: str = "") -> list[Fields]:
        """A field that is a list of objects. Errors add what each has in the field `title`."""
        objects = []
        for i, value in enumerate(self.get(name, list_of(anything))):
            own = Fields(value, f"{self.path}.{name}[{i}]")
            if isinstance(called := own._values.get(title), str):
                own.path += f" ({quoted(called)})"
            objects.append(own)
        return objects

    def error(self, message: str) -> ModelFileError:
        """An error about this object."""
        return ModelFileError(f"{self.path} {message}")


def quoted(value: Any) -> str:
    """The value as messages show it, cut where it is long."""
    if isinstance(value, dict | list):
        return f"an {'object' if isinstance(value, dict) else 'array'} of {len(value)}"
    shown = ascii(value[:_QUOTED]) if isinstance(value, str) else ascii(value)
    return shortened(shown, _QUOTED)


# ---- kinds


def anything(value: Any) -> Any:
    """Any value."""
    return value


def mapping(value: Any) -> dict[str, Any]:
    """An object of anything."""
    if not isinstance(value, dict):
        raise WrongKind("an object")
    return value


def flag(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise WrongKind("true or false")
    return value


def text(value: Any) -> str:
    """Text."""
    if not isinstance(value, str):
        raise WrongKind("text")
    return value


def number(value: Any) -> float:
    """A number, which keeps its type; others than finite ones are written as text."""
    if isinstance(value, str) and value in _NOT_FINITE:
        return _NOT_FINITE[value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongKind("a number")
    if isinstance(value, float) and not isfinite(value):  # such as 1e999
        raise WrongKind("a number that float64 holds")
    return value


def integer(least: float = 0, most: float = LARGEST) -> Kind[int]:
    """An integer in a range."""

    def kind(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise WrongKind(f"an integer from {least} to {most}")
        return value

    return kind


def real(least: float = -inf, below: float = inf) -> Kind[float]:
    """A float in a range, which is finite."""

    def kind(value: Any) -> float:
        try:
            found = float(number(value))
        except OverflowError:
            found = inf
        if not (least <= found < below and isfinite(found)):
            raise WrongKind(f"a number from {least} to {below}")
        return found

    return kind


def one_of(names: Collection[str]) -> Kind[str]:
    """One of some names."""

    def kind(value: Any) -> str:
        if not isinstance(value, str) or value not in names:
            raise WrongKind(f"one of {sorted(names)}")
        return value

    return kind


def list_of(kind: Kind[_T], length: int | None = None) -> Kind[list[_T]]:
    """A list, of so many values if that is known."""

    def of_list(value: Any) -> list[_T]:
        if not isinstance(value, list) or length not in (None, len(value)):
            raise WrongKind("a list" if length is None else f"a list of {length} values")
        return [_element(kind, one, position) for position, one in enumerate(value)]

    return of_list


def _element(kind: Kind[_T], value: Any, position: int) -> _T:
    try:
        return kind(value)
    except WrongKind as error:
        raise WrongKind(
            f"a list, each value of which is {error} (value {position} is {quoted(value)})"
        ) from None


def tuple_of(kind: Kind[_T], length: int | None = None) -> Kind[tuple[_T, ...]]:
    """The same as a tuple."""
    of_list = list_of(kind, length)
    return lambda value: tuple(of_list(value))


def maybe(kind: Kind[_T]) -> Kind[_T | None]:
    """None, or a value of a kind."""
    return lambda value: None if value is None else kind(value)


# ---- the other way


def plain(value: Any) -> Any:
    """A value of these kinds as JSON holds it."""
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    value = value.item() if hasattr(value, "item") else value  # of NumPy
    if isinstance(value, float) and not isfinite(value):
        return repr(value)
    return value


def plain_fields(owner: object, kinds: Mapping[str, Kind[Any]]) -> dict[str, Any]:
    """Attributes of an object as fields."""
    return {name: plain(getattr(owner, name)) for name in kinds}
