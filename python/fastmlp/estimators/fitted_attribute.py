"""Attributes of fitted estimators, which read the fitted model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

import numpy as np
from sklearn.utils.validation import check_is_fitted

from fastmlp.prediction.read_only import read_only

_T = TypeVar("_T")


class FittedAttribute(Generic[_T]):
    """An attribute that reads the fitted model; before `fit` it does not exist.

    Arrays are read-only views, so that nobody changes the model through them.

    Parameters
    ----------
    read : callable
        Takes the FittedModel and returns the value. None means that the attribute does
        not exist, unless `may_be_none`.
    missing : str, default=""
        What to say if the attribute does not exist: how to get it.
    may_be_none : bool, default=False
        Whether None is a value.
    """

    def __init__(
        self, read: Callable[[Any], _T | None], missing: str = "", *, may_be_none: bool = False
    ) -> None:
        self._read, self._missing, self._may_be_none = read, missing, may_be_none

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, estimator: None, owner: type) -> FittedAttribute[_T]: ...

    @overload
    def __get__(self, estimator: object, owner: type) -> _T: ...

    def __get__(self, estimator: Any, owner: type) -> Any:
        if estimator is None:
            return self
        check_is_fitted(estimator)
        value = self._read(estimator._model)
        if value is None and not self._may_be_none:
            raise AttributeError(f"{type(estimator).__name__} has no {self._name}: {self._missing}")
        return read_only(value) if isinstance(value, np.ndarray) else value
