"""The engine's network and predictor for a scikit-learn MLP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse

from fastmlp import _core
from fastmlp.table.engine_array import engine_table

LINKS = {  # scikit-learn's activation of the outputs, and the engine's name
    "identity": "identity",
    "exp": "exponential",
    "logistic": "logistic",
    "softmax": "softmax",
}


class _Held:
    """A part of the compiled core that holds a model's weights."""

    _options: tuple[Any, ...]
    _holder: Any

    @staticmethod
    def options_for(model: Any, X: Any) -> tuple[Any, ...]:
        """Type to compute in, whether X is sparse, activations of hidden layers and outputs."""
        # The type that NumPy would compute in, among those that there are.
        single = np.result_type(X.dtype, *model.coefs_) == np.float32
        dtype = np.dtype(np.float32 if single else np.float64)
        return dtype, issparse(X), model.activation, model.out_activation_

    def is_of(self, model: Any, X: Any) -> bool:
        """Whether it still has the model's weights, which may be replaced or changed in place."""
        same: bool = self._options == self.options_for(model, X) and self._holder.holds(
            by_layer(model.coefs_, model.intercepts_)
        )
        return same


class Engine(_Held):
    """The engine's network with a model's weights; call `network.prepare()` before training.

    Parameters
    ----------
    model : MLPRegressor or MLPClassifier
    X : ndarray or sparse matrix of shape (n_samples, n_features)
        What it will read; decides the type to compute in.
    """

    def __init__(self, model: Any, X: Any) -> None:
        self._options = self.options_for(model, X)
        self.dtype, sparse, activation, _ = self._options
        layers = [
            {
                "kind": "dense",
                "inputs": coef.shape[0],
                "outputs": coef.shape[1],
                "activation": activation if i < len(model.coefs_) - 1 else "identity",
                "sparse": sparse and i == 0,
            }
            for i, coef in enumerate(model.coefs_)
        ]
        self.network = self._holder = self.make("Network", layers, None)
        weights = by_layer(model.coefs_, model.intercepts_)
        for ours, theirs in zip(self.weights(), weights, strict=True):
            if np.shape(theirs) != ours.shape:
                raise ValueError(
                    "coefs_ and intercepts_ do not fit together: expected an array of shape "
                    f"{ours.shape}; got {np.shape(theirs)}"
                )
            ours[...] = theirs

    def make(self, kind: str, *args: Any, **options: Any) -> Any:
        """An object of the compiled core, in the version for this type."""
        return getattr(_core, kind + ("F32" if self.dtype == np.float32 else "F64"))(
            *args, **options
        )

    def weights(self) -> list[NDArray[Any]]:
        """Views of the weights, layer by layer."""
        return [values for _, _, values, _ in self.network.arrays()]

    def is_finite(self) -> bool:
        """Whether all weights are numbers."""
        return all(np.isfinite(values).all() for values in self.weights())

    def gradients(self) -> list[NDArray[Any]]:
        """Views of their gradients."""
        return [gradient for _, _, _, gradient in self.network.arrays()]


def by_layer(first: Sequence[Any], second: Sequence[Any]) -> list[Any]:
    """Weights and biases in the engine's order: layer by layer."""
    return [array for pair in zip(first, second, strict=True) for array in pair]


def by_kind(arrays: Sequence[Any]) -> list[Any]:
    """The same in scikit-learn's order: all weights, then all biases."""
    return [*arrays[::2], *arrays[1::2]]


class Snapshot(_Held):
    """A predictor with a model's weights as they are now.

    Parameters
    ----------
    model : MLPRegressor or MLPClassifier
    X : ndarray or sparse matrix of shape (n_samples, n_features)
        What it will read; decides the type to compute in.
    """

    def __init__(self, model: Any, X: Any) -> None:
        engine = Engine(model, X)
        self._options = engine._options
        self._holder = engine.make("Predictor", engine.network, None, LINKS[model.out_activation_])

    def predict(self, X: Any, n_threads: int) -> NDArray[Any]:
        """Outputs, (n_samples, n_outputs)."""
        outputs: NDArray[Any] = self._holder.predict(engine_table(X, self._options[0]), n_threads)
        return outputs
