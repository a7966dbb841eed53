"""Pickling of estimators: fitted models as model files, and functions that cannot be pickled."""

from __future__ import annotations

import pickle
from copy import deepcopy
from dataclasses import replace
from typing import Any

from joblib.externals.loky.backend.reduction import register

from fastmlp._user_warnings import warn
from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.model_file.envelope import opened
from fastmlp.model_file.fitted_model import packed_fitted_model, read_fitted_model
from fastmlp.table.training_range import RangeWatch


class FittedModelState:
    """A fitted model in the state of an estimator.

    A pickle holds the bytes of a model file, and beside them what a file cannot hold as it is,
    such as labels of other classes. Copies share what nothing changes.

    Parameters
    ----------
    value : FittedModel
    """

    def __init__(self, value: FittedModel) -> None:
        self.value = value

    def __deepcopy__(self, memo: dict[int, Any]) -> FittedModelState:
        watch = RangeWatch(self.value.watch.training_range)  # which has warned of nothing yet
        return FittedModelState(replace(self.value, watch=watch))

    def __reduce__(self) -> tuple[Any, ...]:
        return _unpickled, packed_fitted_model(self.value)


def _unpickled(data: bytes, objects: tuple[Any, ...]) -> FittedModelState:
    return FittedModelState(read_fitted_model(opened(data, objects)))


class FunctionParameter:
    """A parameter that holds functions, in the state of an estimator.

    A lambda, or a function that is defined inside another one, cannot be pickled. The pickle then
    holds the parameter without it, so that the fitted model is not lost. Copies, and joblib's
    processes (`GridSearchCV` with `n_jobs`), which pickle such functions by value, keep it.

    Parameters
    ----------
    name : str
        Name of the parameter.
    value : callable, sequence of callables, str or None
        A pair of functions of 'loss' is one value: half of it is of no use.
    """

    def __init__(self, name: str, value: Any) -> None:
        self.name, self.value = name, value

    def __deepcopy__(self, memo: dict[int, Any]) -> FunctionParameter:
        return FunctionParameter(self.name, deepcopy(self.value, memo))

    def __reduce__(self) -> tuple[Any, ...]:
        several = isinstance(self.value, list | tuple) and self.name != "loss"
        functions = list(self.value) if several else [self.value]
        kept = [function for function in functions if _can_be_pickled(function)]
        if len(kept) == len(functions):
            return FunctionParameter, (self.name, self.value)
        lost = len(functions) - len(kept)
        warn(
            f"the pickle holds the model without {lost} of its {len(functions)} {self.name}, which "
            "cannot be pickled. A function that is defined by `def` at the top of a module can be"
            if several
            else f"the pickle holds the model without its {self.name}, {self.value!r}, which "
            "cannot be pickled. A function that is defined by `def` at the top of a module can be"
        )
        return FunctionParameter, (self.name, kept or None)


def _can_be_pickled(function: Any) -> bool:
    try:
        pickle.dumps(function)
    except Exception:  # of any kind: what it holds has its own ways of failing
        return False
    return True


register(FunctionParameter, lambda one: (FunctionParameter, (one.name, one.value)))
