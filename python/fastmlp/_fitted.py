"""What a fitted estimator holds and tells: columns, networks, predictions, attributes."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from itertools import zip_longest
from typing import Any

import numpy as np
from narwhals.exceptions import DuplicateError
from numpy.typing import NDArray
from sklearn.utils.validation import _check_feature_names, _check_n_features, check_is_fitted

from fastmlp._columns import Columns
from fastmlp._ensemble import Ensemble
from fastmlp._network import Dense, Network, engine_array
from fastmlp._parameters import Parameters
from fastmlp._scaling import Scaling
from fastmlp._summary import summarise
from fastmlp._threads import n_threads
from fastmlp._training import History, Member


class Fitted(Parameters):
    """An estimator as `fit` leaves it: a table's columns, their scaling, networks."""

    _columns: Columns
    _scaling: Scaling
    _members: list[Member]
    _ensemble: Ensemble
    _standardized: bool | str  # what `standardize` was

    @property
    def _dtype(self) -> np.dtype[Any]:
        """Type to compute in: the networks' own once there are some."""
        return self._members[0].network.dtype if self._is_trained else np.dtype(self.dtype)

    @property
    def _is_trained(self) -> bool:
        return hasattr(self, "_members")

    # ---- prediction

    def _encoded(self, X: Any, *, reset: bool) -> NDArray[Any]:
        """The table as numbers: with `reset` its columns are learnt, else they are those learnt."""
        try:
            _check_feature_names(self, X, reset=reset)
        except DuplicateError as error:
            raise ValueError(f"X: {error}") from error
        if reset:
            self._columns = Columns(self.categorical_features)
            table = self._columns.fit_encode(X)
            self.n_features_in_ = self._columns.n_columns
            return engine_array(table)
        if len(getattr(X, "shape", ())) == 2:  # else `encode` says what is wrong, or counts itself
            _check_n_features(self, X, reset=False)
        return engine_array(self._columns.encode(X))

    def _snapshot(self) -> None:
        """Make immutable predictors of the networks as they are now."""
        self._ensemble = Ensemble(self._members, self._scaling.engine, self.out_activation_)

    def _predict_outputs(self, X: Any) -> NDArray[Any]:
        """Outputs behind the link function, the mean over the networks: (n_samples, outputs)."""
        check_is_fitted(self, "_ensemble")
        return self._ensemble.predict(self._encoded(X, reset=False), n_threads(self.n_jobs))

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("_ensemble", None)  # made anew from the networks
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        if "_members" in self.__dict__:
            self._snapshot()

    def summary(self) -> str:
        """Tell what was fitted: columns and how each is treated, layers, parameters, training.

        Returns
        -------
        str
            Lines to print.
        """
        check_is_fitted(self, "_members")
        scaled = {"robust": "by median and quartiles", True: "by mean and deviation"}
        return summarise(
            f"{type(self).__name__}(preset={self._members[0].recipe.preset!r})",
            self._columns,
            self._members,
            list(self._ensemble.weights),
            scaled.get(self._standardized, "as it is"),
            self.fit_seconds_,
        )

    # ---- attributes

    def _sum_up(self) -> None:
        """Set the attributes that tell what training was like, of all networks together."""
        histories = [member.history for member in self._members]
        self.histories_: list[History] = histories
        self.n_iter_ = max(history.n_iter for history in histories)
        self.loss_curve_ = _mean_curve([history.loss_curve for history in histories])
        validation = _mean_curve([history.validation_curve for history in histories])
        self.validation_curve_ = validation or None
        self.metric_curve_ = _mean_curve([history.metric_curve for history in histories]) or None
        longest = max(histories, key=lambda history: history.n_iter)
        self.learning_rate_curve_ = longest.learning_rate_curve
        best = [h.best_iteration for h in histories if h.best_iteration is not None]
        self.best_iteration_ = int(np.median(best)) if best else None
        self.best_loss_ = float(np.mean([history.best_loss for history in histories]))
        self.loss_ = float(
            np.mean([h.loss_curve[-1] if h.loss_curve else np.inf for h in histories])
        )
        reasons = [history.stop_reason for history in histories]
        self.stop_reason_ = max(reasons, key=reasons.count)
        self.t_ = max(member.optimizer._engine.steps for member in self._members)

    @property
    def networks_(self) -> list[Network]:
        """Copies of the networks: layers, parameters, forward passes."""
        check_is_fitted(self, "_members")
        return [deepcopy(member.network) for member in self._members]

    @property
    def estimator_weights_(self) -> NDArray[np.float64]:
        """What each network weighs in the mean, together 1."""
        check_is_fitted(self, "_ensemble")
        return self._ensemble.weights

    def _dense_parameters(self, kind: str) -> list[NDArray[Any]]:
        check_is_fitted(self, "_members")
        if len(self._members) > 1:
            raise AttributeError(
                f"coefs_ and intercepts_ are of one network, and here are {len(self._members)}; "
                "networks_ holds them, and n_estimators=1 fits one"
            )
        views = [values.view() for values in self._members[0].network.parameters_of(kind)]
        for view in views:
            view.flags.writeable = False  # the predictor holds copies
        return views

    @property
    def coefs_(self) -> list[NDArray[Any]]:
        """Weights of each dense layer, (inputs, outputs), of a single network."""
        return self._dense_parameters("weights")

    @property
    def intercepts_(self) -> list[NDArray[Any]]:
        """Bias of each dense layer, (outputs,), of a single network."""
        return self._dense_parameters("bias")

    @property
    def n_layers_(self) -> int:
        """Number of layers of units, input and output included."""
        check_is_fitted(self, "_members")
        layers = self._members[0].network.layers
        return sum(isinstance(layer, Dense) for layer in layers) + 1

    # ---- what scikit-learn asks for

    def __sklearn_is_fitted__(self) -> bool:
        return self._is_trained

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags


def _mean_curve(curves: Sequence[Sequence[float]]) -> list[float]:
    """Mean over the networks that were still in training, epoch by epoch."""
    if len(curves) == 1:
        return list(curves[0])
    epochs = ([value for value in epoch if value is not None] for epoch in zip_longest(*curves))
    return [sum(values) / len(values) for values in epochs]
