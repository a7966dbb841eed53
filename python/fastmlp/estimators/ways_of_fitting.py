"""Ways of fitting other than on a table in memory, and the options that each does not support."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fastmlp.estimators.fit_arguments import FitArguments

_VALIDATION = ("X_val", "y_val", "sample_weight_val", "groups", "time", "cv")
_HOLDS_OUT = "early_stopping=True holds out rows"


@dataclass(frozen=True)
class WayOfFitting:
    """The options that a way of fitting does not support.

    Attributes
    ----------
    where : str
        When it is used, for the end of messages.
    arguments : mapping of str to str
        Arguments of `fit` that must be None, and what to do instead; "" if there is nothing.
    parameters : mapping of str to object
        Parameters of the estimator that may have one value only.
    excluded : mapping of str to object
        Parameters that may have all values but this one.
    advice : mapping of str to str
        What follows messages about some of the parameters.
    """

    where: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    excluded: Mapping[str, Any] = field(default_factory=dict)
    advice: Mapping[str, str] = field(default_factory=dict)

    def check_arguments(self, given: FitArguments) -> None:
        """Raise if one of the arguments is given."""
        for name, instead in self.arguments.items():
            given.check_none((name,), f"{self.where}: {instead}" if instead else self.where)

    def check_parameters(self, estimator: Any) -> None:
        """Raise if a parameter has another value than it may have."""
        for name, supported in self.parameters.items():
            value = getattr(estimator, name)
            if np.ndim(value) > 0 or value != supported:
                raise ValueError(
                    f"{name} must be {supported!r} {self.where}; got {value!r}"
                    f"{self.advice.get(name, '')}"
                )
        for name, excluded in self.excluded.items():
            if getattr(estimator, name) == excluded:
                raise ValueError(
                    f"{name} must not be {excluded!r} {self.where}{self.advice.get(name, '')}"
                )


_ADAPTIVE = {"learning_rate": "adaptive"}
_NEW_MODEL = {"warm_start": False, "init_model": None, "extrapolation": "clip"}
# Outer momentum, or noise on the mean, could change signs of weights that constraints rely on.
_ROUNDS = {**_NEW_MODEL, "time_limit": None, "monotonic_cst": None, "interaction_cst": None}

STREAM = WayOfFitting(
    "if X is a stream",
    arguments=dict.fromkeys(_VALIDATION, _HOLDS_OUT),
    parameters=_NEW_MODEL,
)
PRIVATE = WayOfFitting(
    "with dp",
    arguments=dict.fromkeys((*_VALIDATION, "eval_set", "cache", "checkpoint"), ""),
    parameters={
        **_NEW_MODEL,
        "time_limit": None,
        "max_grad_norm": None,
        "mixup": 0.0,
        "input_noise": 0.0,
        "swap_noise": 0.0,
    },
    excluded=_ADAPTIVE,
    advice={
        "max_grad_norm": "; Privacy(max_grad_norm=...) limits each row",
        "learning_rate": ": it looks at the loss",
    },
)
BY_ROWS = WayOfFitting(  # on a Dask cluster
    "if fit is distributed by rows",
    arguments=dict.fromkeys(_VALIDATION, _HOLDS_OUT)
    | {"eval_set": "distribute='networks' takes it, if one machine can hold X"},
    parameters={**_ROUNDS, "compute_importances": False, "eval_metric": None},
    excluded=_ADAPTIVE,
)
FEDERATED = WayOfFitting("in federated training", parameters=_ROUNDS, excluded=_ADAPTIVE)
