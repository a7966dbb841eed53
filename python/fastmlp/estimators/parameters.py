"""Parameters that both estimators have: what they may be, and their values in one fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from functools import cache
from inspect import signature
from itertools import chain
from math import inf
from numbers import Integral, Real
from os import PathLike
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import (
    Interval,
    InvalidParameterError,
    Options,
    StrOptions,
    validate_parameter_constraints,
)

from fastmlp._other_names import advice_on_value
from fastmlp._threads import n_threads
from fastmlp.ensemble.presets import MONOTONE_ACTIVATIONS, PRESETS
from fastmlp.ensemble.progress import Callback
from fastmlp.ensemble.recipe import LEARNING_RATES, NUMERIC_EMBEDDINGS
from fastmlp.ensemble.settings import LARGEST, Settings, is_auto
from fastmlp.networks.layers import ACTIVATIONS
from fastmlp.networks.optimizer import SOLVERS
from fastmlp.tasks.metrics import check_metrics


class NameAmong(StrOptions):
    """One of several names, which errors list in this order; that of a set changes."""

    def __init__(self, *names: str) -> None:
        super().__init__(set(names))
        self.names = names

    def __str__(self) -> str:
        return f"a str among {{{', '.join(map(repr, self.names))}}}"


_AUTO = NameAmong("auto")

CONSTRAINTS: dict[str, list[Any]] = {
    "hidden_layer_sizes": [_AUTO, "array-like", Interval(Integral, 1, None, closed="left")],
    "activation": [_AUTO, NameAmong(*ACTIVATIONS), "array-like"],
    "preset": [NameAmong(*PRESETS)],
    "n_estimators": [_AUTO, Interval(Integral, 1, None, closed="left")],
    "categorical_features": ["array-like", str],
    "monotonic_cst": ["array-like", dict, None],
    "interaction_cst": [list, tuple, NameAmong("pairwise", "no_interactions"), None],
    "numeric_embedding": [_AUTO, NameAmong(*NUMERIC_EMBEDDINGS), None],
    "solver": [NameAmong(*SOLVERS)],
    "alpha": [Interval(Real, 0, None, closed="left")],
    "l1_ratio": [Interval(Real, 0, 1, closed="both")],
    "weight_decay": [_AUTO, Interval(Real, 0, None, closed="left")],
    "dropout": [_AUTO, Interval(Real, 0, 1, closed="left"), "array-like"],
    "mixup": [Interval(Real, 0, None, closed="left")],
    "input_noise": [Interval(Real, 0, None, closed="left")],
    "swap_noise": [Interval(Real, 0, 1, closed="left")],
    "batch_size": [_AUTO, Interval(Integral, 1, None, closed="left")],
    "learning_rate": [NameAmong("auto", *LEARNING_RATES)],
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
    "init_model": [str, PathLike, BaseEstimator, None],
    "momentum": [Interval(Real, 0, 1, closed="both")],
    "nesterovs_momentum": ["boolean"],
    "early_stopping": ["boolean"],
    "validation_fraction": [_AUTO, Interval(Real, 0, 1, closed="neither")],
    "eval_metric": [str, callable, list, tuple, dict, None],
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
    "standardize": [NameAmong("auto", "robust"), "boolean"],
    "extrapolation": [NameAmong("clip", "linear")],
    "dtype": [NameAmong("float32", "float64")],
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
    constraints = kind._parameter_constraints
    for name, value in changed.items():
        try:
            validate_parameter_constraints(constraints, {name: value}, kind.__name__)
        except InvalidParameterError as error:
            listed = (one.names for one in constraints[name] if isinstance(one, NameAmong))
            advice = advice_on_value(name, value, [*chain.from_iterable(listed)])
            raise InvalidParameterError(f"{error}{advice}") from None


def checked_settings(estimator: Any, *, sparse: bool = False) -> Settings:
    """Take the parameters of one fit, and check what several of them together must fulfil.

    Parameters
    ----------
    estimator : Regressor or Classifier
    sparse : bool, default=False
        Whether the table is.

    Raises
    ------
    ValueError, TypeError
        With the name of the parameter, what it must be, and what it was.
    """
    check_constraints(estimator)
    check_metrics(estimator.eval_metric, classifies=estimator._classifies)
    known = {"classifies": estimator._classifies, "sparse": sparse}
    names = (field.name for field in fields(Settings) if field.name not in known)
    settings = Settings(**known, **{name: getattr(estimator, name) for name in names})
    if sparse:
        _check_for_sparse(settings)
    if settings.monotonic_cst is not None and settings.extrapolation != "clip":
        raise ValueError(
            "extrapolation must be 'clip' with monotonic_cst: a linear part would not respect the "
            f"constraints; got {settings.extrapolation!r}"
        )
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
                f"each hidden layer; got {estimator.activation!r}."
                f"{advice_on_value('activation', activation, ACTIVATIONS)}"
            )
        if settings.monotonic_cst is not None and activation not in MONOTONE_ACTIVATIONS:
            raise ValueError(
                f"activation must be 'auto' or of {list(MONOTONE_ACTIVATIONS)} with monotonic_cst; "
                f"got {estimator.activation!r}"
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
    checked_callbacks(estimator.callbacks)
    return settings


def _check_for_sparse(settings: Settings) -> None:
    """Raise for what exists for dense tables only."""
    embedding = settings.numeric_embedding
    if not (embedding is None or is_auto(embedding)):
        raise ValueError(
            f"numeric_embedding must be None or 'auto' if X is sparse; got {embedding!r}"
        )
    if settings.extrapolation != "clip":
        raise ValueError(
            f"extrapolation must be 'clip' if X is sparse; got {settings.extrapolation!r}"
        )
    for name in ("monotonic_cst", "interaction_cst"):
        if getattr(settings, name) is not None:
            raise ValueError(f"{name} must be None if X is sparse")
    for name in ("mixup", "input_noise", "swap_noise"):
        value = getattr(settings, name)
        if value:
            raise ValueError(f"{name} must be 0 if X is sparse; got {value!r}")
    if settings.compute_importances:
        raise ValueError(
            "compute_importances must be False if X is sparse: it would predict all validation "
            "rows again for each of many columns"
        )


def _values(given: Any, kind: type) -> tuple[Any, ...]:
    """One value, or a sequence of them, as a tuple."""
    return (given,) if isinstance(given, kind) else tuple(given)


def checked_callbacks(given: Callback | Sequence[Callback] | None) -> Sequence[Callback]:
    """Callbacks as a sequence."""
    if given is None or callable(given):
        return () if given is None else (given,)
    if not isinstance(given, list | tuple) or not all(map(callable, given)):
        raise TypeError(f"callbacks must be callable, or a sequence of callables; got {given!r}")
    return given
