"""The estimators' parameters: what they may be, and what "auto" stands for."""

from __future__ import annotations

from abc import ABCMeta
from collections.abc import Sequence
from functools import cache
from inspect import signature
from math import inf
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils._param_validation import (
    Interval,
    Options,
    StrOptions,
    validate_parameter_constraints,
)

from fastmlp._metrics import check_metric
from fastmlp._network import ACTIVATIONS
from fastmlp._progress import Callback
from fastmlp._recipe import PRESETS, Place, Recipe, preset_settings
from fastmlp._rows import batch_size_for
from fastmlp._threads import n_threads

LARGEST = 2**62  # of the numbers that the engine counts in 64 bits
_PATIENCE = 40  # epochs without progress at least, where presets leave it to the fit
_AUTO = StrOptions({"auto"})
_ANY = Place()  # for what does not depend on it


class Parameters(BaseEstimator, metaclass=ABCMeta):
    """Parameters of an estimator, checked and with every "auto" settled."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "hidden_layer_sizes": [_AUTO, "array-like", Interval(Integral, 1, None, closed="left")],
        "activation": [_AUTO, StrOptions(set(ACTIVATIONS)), "array-like"],
        "preset": [StrOptions(set(PRESETS))],
        "n_estimators": [_AUTO, Interval(Integral, 1, None, closed="left")],
        "categorical_features": ["array-like", StrOptions({"auto", "from_dtype"}), None],
        "numeric_embedding": [_AUTO, StrOptions({"periodic", "piecewise_linear", "both"}), None],
        "solver": [StrOptions({"adam", "sgd", "rmsprop"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "weight_decay": [_AUTO, Interval(Real, 0, None, closed="left")],
        "dropout": [_AUTO, Interval(Real, 0, 1, closed="left"), "array-like"],
        "batch_size": [_AUTO, Interval(Integral, 1, None, closed="left")],
        "learning_rate": [
            StrOptions(
                {"auto", "constant", "invscaling", "adaptive", "cosine", "one_cycle", "coslog4"}
            )
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
        "dtype": [StrOptions({"float32", "float64"})],
        "n_jobs": [Integral, None],
        "callbacks": [callable, list, tuple, None],
    }

    @classmethod
    @cache
    def _get_param_names(cls) -> list[str]:
        """Names of the parameters, read once: that takes a tenth of a small fit."""
        names: list[str] = super()._get_param_names()
        return names

    @classmethod
    @cache
    def _defaults(cls) -> dict[str, Any]:
        """Defaults of the parameters, checked once for each class."""
        parameters = signature(cls.__init__).parameters.values()
        defaults = {one.name: one.default for one in parameters if one.default is not one.empty}
        validate_parameter_constraints(cls._parameter_constraints, defaults, cls.__name__)
        return defaults

    def _validate_params(self) -> None:
        """Check the type and range of parameters: of those that are not the defaults, for time."""
        defaults = self._defaults()
        given = self.get_params(deep=False)
        changed = {
            name: value
            for name, value in given.items()
            if name not in defaults or value is not defaults[name]
        }
        name = type(self).__name__
        validate_parameter_constraints(self._parameter_constraints, changed, name)

    def _setting(self, name: str, place: Place = _ANY) -> Any:
        """A parameter, or where it is "auto" what the preset sets for that network and table."""
        return self._preset(place)[name] if self._is_auto(name) else getattr(self, name)

    def _is_auto(self, name: str) -> bool:
        value = getattr(self, name)
        return isinstance(value, str) and value == "auto"

    def _preset(self, place: Place) -> dict[str, Any]:
        classifies = isinstance(self, ClassifierMixin)
        return preset_settings(self.preset, self.solver, place, classifies=classifies)

    def _recipe(self, place: Place) -> Recipe:
        """What a network and its training are made of, every "auto" settled."""
        patience = self._setting("n_iter_no_change")
        preset = self._preset(place)
        return Recipe(
            hidden_layer_sizes=self._hidden_layer_sizes(),
            activation=self._activations(place),
            dropout=self._dropouts(place),
            numeric_embedding=self._setting("numeric_embedding", place),
            sigma=preset["sigma"],
            preset=self.preset,
            place=place,
            learning_rate=self._setting("learning_rate"),
            learning_rate_init=float(self._setting("learning_rate_init", place)),
            beta_2=float(self._setting("beta_2")),
            weight_decay=float(self._setting("weight_decay")),
            max_iter=int(self._setting("max_iter", place)),
            # "auto" in a preset: as many epochs as lie before the best, and 40
            n_iter_no_change=_PATIENCE if patience == "auto" else patience,
            patience_growth=1.0 if patience == "auto" else 0.0,
            average_epochs=preset["average_epochs"],
        )

    def _hidden_layer_sizes(self) -> tuple[int, ...]:
        sizes = self._setting("hidden_layer_sizes")
        return tuple(int(s) for s in ((sizes,) if isinstance(sizes, int | np.integer) else sizes))

    def _per_hidden_layer(self, name: str, kind: type, place: Place = _ANY) -> tuple[Any, ...]:
        """One value for each hidden layer from a single value or a sequence of them."""
        value = self._setting(name, place)
        n_hidden = len(self._hidden_layer_sizes())
        if isinstance(value, kind):
            return (value,) * n_hidden
        if len(value) != n_hidden or not all(isinstance(v, kind) for v in value):
            raise ValueError(
                f"{name} must be one value or one for each of the {n_hidden} hidden layers; "
                f"got {value!r}"
            )
        return tuple(value)

    def _activations(self, place: Place = _ANY) -> tuple[str, ...]:
        return self._per_hidden_layer("activation", str, place)

    def _dropouts(self, place: Place) -> tuple[float, ...]:
        return tuple(float(rate) for rate in self._per_hidden_layer("dropout", Real, place))

    def _callbacks(self) -> Sequence[Callback]:
        if self.callbacks is None:
            return ()
        return (self.callbacks,) if callable(self.callbacks) else tuple(self.callbacks)

    def _batch_size(self, recipe: Recipe, n_rows: int) -> int:
        if not self._is_auto("batch_size"):
            return int(min(self.batch_size, n_rows))
        if not recipe.tabular:
            return batch_size_for(n_rows)
        n_batches = max(1, round(n_rows / 256))
        return -(-n_rows // n_batches)  # so that none of them is much smaller than the others

    def _check_parameters(self) -> None:
        """Check what one parameter alone or two together must fulfil."""
        self._validate_params()
        check_metric(self.eval_metric)
        given = self._setting("hidden_layer_sizes")
        sizes = (given,) if isinstance(given, int | np.integer) else tuple(given)
        if any(not isinstance(s, Integral) or isinstance(s, bool) for s in sizes) or not all(
            1 <= s < LARGEST for s in sizes
        ):
            raise ValueError(
                "hidden_layer_sizes must be positive integers below 2^62; got "
                f"{self.hidden_layer_sizes!r}"
            )
        for activation in self._activations():
            if activation not in ACTIVATIONS:
                raise ValueError(
                    f"activation must be one of {list(ACTIVATIONS)} or a sequence of these, one "
                    f"for each hidden layer; got {self.activation!r}"
                )
        if any(not 0 <= rate < 1 for rate in self._per_hidden_layer("dropout", Real)):
            raise ValueError(f"dropout must be in [0, 1); got {self.dropout!r}")
        factors = self.learning_rate_factors
        if factors is not None and len(factors) != len(sizes) + 1:
            raise ValueError(
                f"learning_rate_factors must hold one number for each of the {len(sizes) + 1} "
                f"layers; got {len(factors)}"
            )
        if factors is not None and not all(
            isinstance(f, Real) and 0 <= float(f) < inf for f in factors
        ):
            raise ValueError(f"learning_rate_factors must be numbers >= 0; got {factors!r}")
        n_threads(self.n_jobs)  # refuses what is none
        for callback in self._callbacks():
            if not callable(callback):
                raise TypeError(f"callbacks must be callable; got {callback!r}")
