"""Values of Python in a document, with their types: labels of categories, classes, parameters.

JSON has null, booleans, integers, fractions, text and lists; any other value is an object with its
"type" and "value".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from functools import cache
from json import dumps
from math import inf, isfinite
from typing import Any

import numpy as np

from fastmlp.model_file.draft import Draft, NotStorable
from fastmlp.model_file.fields import (
    WrongKind,
    anything,
    integer,
    list_of,
    number,
    one_of,
    real,
    text,
)
from fastmlp.model_file.pandas_scalars import NAMES, is_pandas, read_scalar, written_scalar
from fastmlp.model_file.tensors import Tensors

_PLAIN = (type(None), bool, int, str)
_MICROSECOND = timedelta(microseconds=1)
_TWISTER = "MT19937"  # the generator of RandomState
_SAME_HASH = 100  # labels that may have the same hash; more would be made to slow down a dictionary
_UNITS = ("Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as", "generic")


# ---- writing


def written_value(value: Any, draft: Draft) -> Any:
    """The value as JSON holds it.

    Numbers of NumPy become Python's, arrays become lists; if the draft takes objects, values that
    would be loaded as another type become objects.

    Raises
    ------
    NotStorable
        If a file cannot hold it, and the draft takes no objects.
    """
    kind = type(value)
    if kind in _PLAIN or (kind is float and isfinite(value)):
        return value
    if kind is list:
        return [written_value(one, draft) for one in value]
    if kind in _writers():
        name, write = _writers()[kind]
        return {"type": name, "value": write(value)}
    if kind is tuple:
        return {"type": "tuple", "value": [written_value(one, draft) for one in value]}
    if kind is set:  # in an order that does not depend on hashes
        return {"type": "set", "value": sorted((written_value(v, draft) for v in value), key=dumps)}
    if kind is dict:
        pairs = [[written_value(one, draft) for one in pair] for pair in value.items()]
        return {"type": "mapping", "value": pairs}
    if isinstance(value, np.datetime64 | np.timedelta64):
        name = "datetime64" if isinstance(value, np.datetime64) else "timedelta64"
        unit, count = np.datetime_data(value.dtype)
        return {"type": name, "value": [int(value.astype(np.int64)), unit, count]}
    if draft.takes_objects:
        return draft.object(value)
    if isinstance(value, range) or (hasattr(value, "tolist") and not isinstance(value, np.generic)):
        return written_value(value.tolist() if hasattr(value, "tolist") else [*value], draft)
    converted = _as_pythons(value)
    if converted is not value:
        return written_value(converted, draft)
    if is_pandas(value):
        return written_scalar(value, lambda end: written_value(end, draft))
    return draft.object(value)


def written_seed(value: Any, draft: Draft) -> Any:
    """A seed of random numbers as JSON holds it: None, an integer, or the state of a generator.

    Raises
    ------
    NotStorable
        If it is a generator of another kind than `numpy.random.RandomState(seed)` makes.
    """
    if not isinstance(value, np.random.RandomState):
        return written_value(value, draft)
    generator = str(value.get_state(legacy=False)["bit_generator"])
    if generator == _TWISTER:
        return {"type": "random_state", "value": _written_state(value, draft)}
    if draft.takes_objects:
        return draft.object(value)
    raise NotStorable(f"a model file cannot hold a RandomState of {generator}, only of {_TWISTER}")


def _as_pythons(value: Any) -> Any:
    """A scalar of NumPy or pandas as Python's, if that is the same value."""
    if isinstance(value, np.generic) and type(converted := value.item()) is not type(value):
        return converted
    for convert, rest in (("to_pydatetime", "nanosecond"), ("to_pytimedelta", "nanoseconds")):
        if hasattr(value, convert) and getattr(value, rest, 1) == 0:
            return getattr(value, convert)()
    return value


def _written_state(generator: np.random.RandomState, draft: Draft) -> list[Any]:
    _, key, position, has_gauss, gauss = generator.get_state(legacy=True)
    return [draft.numbered("random_states", np.array(key)), position, has_gauss, float(gauss)]


@cache
def _writers() -> dict[type, tuple[str, Callable[[Any], Any]]]:
    """The name of a type in files, and what writes its values."""
    # Not with the module, here and below: predictors load without.
    from decimal import Decimal
    from fractions import Fraction
    from uuid import UUID

    return {
        float: ("float", repr),  # those that are not finite
        bytes: ("bytes", bytes.hex),
        Decimal: ("decimal", str),
        Fraction: ("fraction", lambda value: [value.numerator, value.denominator]),
        date: ("date", date.isoformat),
        datetime: ("datetime", datetime.isoformat),
        time: ("time", time.isoformat),
        timedelta: ("timedelta", lambda value: value // _MICROSECOND),
        UUID: ("uuid", str),
    }


# ---- reading


class UnknownType(WrongKind):
    """A value is of a type that this version does not know."""


class Values:
    """Kinds of fields that hold values of Python.

    Parameters
    ----------
    tensors : Tensors
        The tensors of the file.
    objects : tuple, default=()
        Values that stand beside the file, in a pickle.
    """

    def __init__(self, tensors: Tensors, objects: tuple[Any, ...] = ()) -> None:
        self._tensors, self._objects = tensors, objects

    def value(self, found: Any) -> Any:
        """Any value."""
        if isinstance(found, list):
            return [self.value(one) for one in found]
        if isinstance(found, dict):
            return self._typed(found)
        return found if found is None or isinstance(found, bool | str) else number(found)

    def label(self, found: Any) -> Any:
        """A value that can be a label: one that has a hash, and is not missing."""
        value = self.value(found)
        try:
            hash(value)
        except TypeError:
            raise WrongKind("a label") from None
        if value != value:
            raise WrongKind("a label that is not NaN")
        return value

    def labels(self, found: Any) -> list[Any]:
        """A list of labels, few of them with the same hash, so that dictionaries are fast."""
        labels = list_of(self.label)(found)
        if max(Counter(map(hash, labels)).values(), default=0) > _SAME_HASH:
            raise WrongKind(f"a list of labels, of which {_SAME_HASH} have the same hash at most")
        return labels

    def array(self, found: Any) -> Any:
        """An array that stands beside the file."""
        value = self.value(found)
        if not isinstance(value, np.ndarray):
            raise WrongKind("an array of a pickle")
        return value

    def seed(self, found: Any) -> Any:
        """A seed of random numbers, their generator, or None."""
        if isinstance(found, dict) and found.get("type") == "random_state":
            return self._random_state(found.get("value"))
        value = self.value(found)
        is_number = isinstance(value, int | np.integer) and 0 <= value < 2**32
        if not (is_number or value is None or isinstance(value, np.random.RandomState)):
            raise WrongKind("a seed")
        return value

    def _typed(self, found: Mapping[str, Any]) -> Any:
        kind, content = found.get("type"), found.get("value")
        if kind == "tuple":
            return tuple(map(self.value, list_of(anything)(content)))
        if kind == "set":
            return {*self.labels(content)}
        if kind == "mapping":
            pairs = list_of(list_of(anything, 2))(content)
            keys = self.labels([key for key, _ in pairs])
            return dict(zip(keys, [self.value(value) for _, value in pairs], strict=True))
        if kind in NAMES:
            return read_scalar(kind, content, self.label)
        if kind == "object" and isinstance(content, int) and 0 <= content < len(self._objects):
            return self._objects[content]
        if not isinstance(kind, str) or kind not in _readers():
            raise UnknownType("a value of a known type")
        try:
            return _readers()[kind](content)
        except (ValueError, ArithmeticError):
            raise WrongKind(f"a {kind}") from None

    def _random_state(self, content: Any) -> np.random.RandomState:
        name, position, has_gauss, gauss = list_of(anything, 4)(content)
        key = self._tensors.take(text(name), "uint32", (624,))
        generator = np.random.RandomState()
        generator.set_state(
            (_TWISTER, key, integer(0, 624)(position), integer(0, 1)(has_gauss), real()(gauss))
        )
        return generator


def _numpy_time(kind: Any) -> Callable[[Any], Any]:
    def read(content: Any) -> Any:
        value, unit, count = list_of(anything, 3)(content)
        ticks, unit = integer(-(2**63))(value), one_of(_UNITS)(unit)
        if unit == "generic":
            return kind(ticks)
        return kind(ticks, (unit, integer(1, 2**31 - 1)(count)))

    return read


def _of_text(read: Callable[[str], Any]) -> Callable[[Any], Any]:
    return lambda content: read(text(content))


@cache
def _readers() -> dict[str, Callable[[Any], Any]]:
    """What reads values, by the name of their type."""
    from decimal import Decimal
    from fractions import Fraction
    from uuid import UUID

    return {
        "float": number,
        "bytes": _of_text(bytes.fromhex),
        "decimal": _of_text(Decimal),
        "fraction": lambda content: Fraction(*list_of(integer(-inf, inf), 2)(content)),
        "date": _of_text(date.fromisoformat),
        "datetime": _of_text(datetime.fromisoformat),
        "time": _of_text(time.fromisoformat),
        "timedelta": lambda content: integer(-inf, inf)(content) * _MICROSECOND,
        "uuid": _of_text(UUID),
        "datetime64": _numpy_time(np.datetime64),
        "timedelta64": _numpy_time(np.timedelta64),
    }
