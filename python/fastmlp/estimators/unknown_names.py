"""Errors about unknown parameters, arguments and attributes, which suggest the right name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from inspect import signature
from typing import Any, Concatenate, ParamSpec, TypeVar

from fastmlp._other_names import advice_on_attribute, advice_on_keyword

_P = ParamSpec("_P")
_Self = TypeVar("_Self")
_R = TypeVar("_R")


def explains_keywords(
    method: Callable[Concatenate[_Self, _P], _R],
) -> Callable[Concatenate[_Self, _P], _R]:
    """Make a method's error about an unknown keyword say what it is called here."""
    _, *arguments = signature(method).parameters
    known = frozenset(arguments)

    @wraps(method)
    def checked(self: _Self, /, *args: _P.args, **keywords: _P.kwargs) -> _R:
        if not keywords.keys() <= known:
            unknown = next(keyword for keyword in keywords if keyword not in known)
            raise _unknown_keyword(type(self), method.__name__, arguments, unknown)
        return method(self, *args, **keywords)

    return checked


def _unknown_keyword(
    estimator: Any, method: str, arguments: Sequence[str], keyword: str
) -> TypeError:
    """Error about a keyword, which may be one of the constructor instead of `fit`, or of `fit`."""
    if method == "__init__":
        _, *others = signature(estimator.fit).parameters
        where = f"of {estimator.__name__}.fit"
    else:
        others, where = estimator._get_param_names(), f"of {estimator.__name__}"
    advice = advice_on_keyword(keyword, arguments, others, where)
    return TypeError(
        f"{estimator.__name__}.{method} got an unexpected keyword argument {keyword!r}.{advice}"
    )


def check_parameter_names(estimator: Any, names: Iterable[str]) -> None:
    """Raise if an estimator has no parameters of these names, before any of them is set."""
    known = estimator._get_param_names()
    for name in names:
        if name not in known:
            raise ValueError(
                f"Invalid parameter {name!r} for estimator {estimator}. Valid parameters are: "
                f"{known!r}.{advice_on_keyword(name, known)}"
            )


def missing_attribute(estimator: Any, name: str) -> AttributeError:
    """Error about an attribute that no estimator has, or only the other one."""
    kind = type(estimator).__name__
    return AttributeError(
        f"{kind!r} object has no attribute {name!r}.{advice_on_attribute(name)}",
        name=name,
        obj=estimator,
    )
