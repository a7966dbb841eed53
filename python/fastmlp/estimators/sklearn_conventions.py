"""SklearnConventions: the methods that scikit-learn, pickle and copies need from an estimator."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator

from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.estimators.pickling import FittedModelState, FunctionParameter
from fastmlp.estimators.unknown_names import check_parameter_names, missing_attribute

if TYPE_CHECKING:
    from typing import Self

_FUNCTIONS = ("callbacks", "eval_metric", "loss")  # parameters that may hold what cannot be pickled


class SklearnConventions(BaseEstimator):
    """Parameters, copies, pickles and tags of both estimators."""

    _model: FittedModel
    init_model: Any

    @property
    def _is_fitted(self) -> bool:
        return "_model" in self.__dict__

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters.

        Parameters
        ----------
        deep : bool, default=True
            Makes no difference: those of `init_model`, a fitted model that is not fitted again, are
            not this estimator's.

        Returns
        -------
        dict
            Parameters by name.
        """
        params: dict[str, Any] = super().get_params(deep=False)
        return params

    def set_params(self, **params: Any) -> Self:
        """Set parameters.

        Parameters
        ----------
        **params : dict
            Parameters by name.

        Returns
        -------
        self
            The estimator.

        Raises
        ------
        ValueError
            If one of them does not exist; then none is set.
        """
        check_parameter_names(self, params)
        super().set_params(**params)
        return self

    if not TYPE_CHECKING:  # so that misspelt attributes are found

        def __getattr__(self, name: str) -> Any:
            if hasattr(type(self), name):  # it exists, and failed with an error of its own
                return object.__getattribute__(self, name)
            raise missing_attribute(self, name)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        for name in _FUNCTIONS:
            if state.get(name) is not None:
                state[name] = FunctionParameter(name, state[name])
        if self._is_fitted:
            state["_model"] = FittedModelState(self._model)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(
            {
                name: value.value
                if isinstance(value, FunctionParameter | FittedModelState)
                else value
                for name, value in state.items()
            }
        )

    def __sklearn_clone__(self) -> Self:
        copy: Self = super().__sklearn_clone__()
        copy.init_model = self.init_model  # `clone` would take away what is fitted
        return copy

    def __sklearn_is_fitted__(self) -> bool:
        return self._is_fitted

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.sparse = True
        return tags

    @classmethod
    @cache
    def _get_param_names(cls) -> list[str]:
        """Names of the parameters, read once: reading them takes a tenth of a small fit."""
        names: list[str] = super()._get_param_names()
        return names
