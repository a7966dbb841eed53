"""Parameters that both estimators have: what they may be, and their values in one fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from functools import cache
from inspect import signature
from math import inf
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.utils._param_validation import (
    Interval,
    Options,
    StrOptions,
    validate_parameter_constraints,
)

from fastmlp._threads import n_threads
from fastmlp.ensemble.presets import PRESETS
from fastmlp.ensemble.progress import Callback
from fastmlp.ensemble.settings import LARGEST, Settings, is_auto
from fastmlp.networks.layers import ACTIVATIONS
from fastmlp.tasks.metrics import check_metric

_AUTO = StrOptions({"auto"})

CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": [_AUTO, "array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [_AUTO, StrOptions(set(ACTIVATIONS)), "array-like"],
    "preset": [StrOptions(set(PRESETS))],
    "n_estimators": [_AUTO, Interval(Integral, 1, None, closed="left")],
    "categorical_features": ["array-like", StrOptions({"from_dtype"})],
    "numeric_embedding": [_AUTO, StrOptions({"periodic", "piecewise_linear", "both"}), None],
    "solver": [StrOptions({"adam", "sgd", "rmsprop"})],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "l1_ratio": [Interval(Real, 0, 1, closed="both")],
    "weight_decay": [_AUTO, Interval(Real, 0, None, closed="left")],
    "dropout": [_AUTO, Interval(Real, 0, 1, closed="left"), "array-like"],
    "batch_size": [_AUTO, Interval(Integral, 1, None, closed="left")],
    "learning_rate": [
        StrOptions({"auto", "constant", "invscaling", "adaptive", "cosine", "one_cycle", "coslog4"})
    ],
    "learning_rate_init": [_AUTO, Interval(Real, 0, None, closed="neither")],
    "learning_rate_factors": ["array-like", None],
    "power_t": [Interval(Real, 0, None, closed="left")],
    "warmup_fraction": [Interval(Real, 0, 1, closed="left")],
    "max_iter": [_AUTO, Interval(Integral, 1, LARGEST, closed="both")],
    "time_limit": [Interval(Real, 0, None, closed="neither"), None],
    "shuffle": ["boolean"],
    "random_state": ["random_state"],
    "tol": [Interval(Real, 0, None, closed="left")],
    "verbose": [Interval(Integral, 0, None, closed="left"), "boolean"],
    "warm_start": ["boolean"],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [_AUTO, Interval(Real, 0, 1, closed="neither")],
    "eval_metric": [str, callable, None],
    "compute_importances": ["boolean"],
    "beta_1": [Interval(Real, 0, 1, closed="left")],
    "beta_2": [_AUTO, Interval(Real, 0, 1, closed="left")],
    "epsilon": [Interval(Real, 0, None, closed="neither")],
    "n_iter_no_change": [
        _AUTO,
        Interval(Integral, 1, None, closed="left"),
        Options(Real, {np.inf}),
    ],
    "max_grad_norm": [Interval(Real, 0, None, closed="neither"), None],
    "standardize": [StrOptions({"auto", "robust"}), "boolean"],
    "extrapolation": [StrOptions({"clip", "linear"})],
    "dtype": [StrOptions({"float32", "float64"})],
    "n_jobs": [Integral, None],
    "callbacks": [callable, list, tuple, None],
}


@cache
def _defaults(estimator_class: Any) -> dict[str, Any]:
    """Defaults of the parameters, checked once for each class."""
    parameters = signature(estimator_class).parameters.values()
    defaults = {one.name: one.default for one in parameters if one.default is not one.empty}
    constraints = estimator_class._parameter_constraints
    validate_parameter_constraints(constraints, defaults, estimator_class.__name__)
    return defaults


def check_constraints(estimator: Any) -> None:
    """Check the type and range of each parameter: of those that are not the default, for time."""
    kind: Any = type(estimator)
    defaults = _defaults(kind)
    changed = {
        name: value
        for name, value in estimator.get_params(deep=False).items()
        if name not in defaults or value is not defaults[name]
    }
    validate_parameter_constraints(kind._parameter_constraints, changed, kind.__name__)


def checked_settings(estimator: Any) -> Settings:
    """Take the parameters of one fit, and check what several of them together must fulfil.

    Raises
    ------
    ValueError, TypeError
        That name the parameter, what it must be, and what it was.
    """
    check_constraints(estimator)
    check_metric(estimator.eval_metric)
    names = (field.name for field in fields(Settings) if field.name != "classifies")
    settings = Settings(estimator._classifies, *(getattr(estimator, name) for name in names))
    given_sizes = settings.hidden_layer_sizes
    given = settings.of("hidden_layer_sizes")
    sizes = (given,) if isinstance(given, int | np.integer) else tuple(given)
    if any(not isinstance(s, Integral) or isinstance(s, bool) for s in sizes) or not all(
        1 <= s < LARGEST for s in sizes
    ):
        raise ValueError(
            "hidden_layer_sizes must be positive integers below 2^62; got "
            f"{estimator.hidden_layer_sizes!r}"
        )
    if not is_auto(given_sizes):
        for name, kind in (("activation", str), ("dropout", Real)):
            settings.per_hidden_layer(name, kind)  # raises if there is not one for each layer
    for activation in _values(settings.of("activation"), str):
        if activation not in ACTIVATIONS:
            raise ValueError(
                f"activation must be one of {list(ACTIVATIONS)} or a sequence of these, one for "
                f"each hidden layer; got {estimator.activation!r}"
            )
    rates = _values(settings.of("dropout"), Real)
    if not all(isinstance(rate, Real) and 0 <= float(rate) < 1 for rate in rates):
        raise ValueError(f"dropout must be in [0, 1); got {estimator.dropout!r}")
    factors = settings.learning_rate_factors
    if factors is not None and not all(
        isinstance(f, Real) and 0 <= float(f) < inf for f in factors
    ):
        raise ValueError(f"learning_rate_factors must be numbers >= 0; got {factors!r}")
    n_threads(estimator.n_jobs)  # raises if n_jobs is invalid
    callbacks_of(estimator)
    return settings


def _values(given: Any, kind: type) -> tuple[Any, ...]:
    """One value, or a sequence of them, as a tuple."""
    return (given,) if isinstance(given, kind) else tuple(given)


def callbacks_of(estimator: Any) -> Sequence[Callback]:
    """The estimator's callbacks as a sequence."""
    given = estimator.callbacks
    callbacks = () if given is None else (given,) if callable(given) else tuple(given)
    for callback in callbacks:
        if not callable(callback):
            raise TypeError(f"callbacks must be callable; got {callback!r}")
    return callbacks
