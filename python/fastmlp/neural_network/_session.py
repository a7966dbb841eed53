"""A scikit-learn MLP inside the engine: its weights, its optimiser's state, its order of rows."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer
from sklearn.utils import shuffle

from fastmlp import _core
from fastmlp._network import engine_array

_LINKS = {
    "identity": "identity",
    "exp": "exponential",
    "logistic": "logistic",
    "softmax": "softmax",
}
_LOSSES = {  # by the activation of the outputs
    "identity": "half_squared_error",
    "exp": "half_poisson",
    "logistic": "binary_log_loss",
    "softmax": "log_loss",
}


def common_dtype(X: Any, coefs: Sequence[NDArray[Any]]) -> np.dtype[Any]:
    """Type that NumPy would compute in, among those that the engine has."""
    single = np.result_type(X.dtype, *coefs) == np.float32
    return np.dtype(np.float32 if single else np.float64)


def _table(X: Any, dtype: np.dtype[Any]) -> Any:
    """X as the engine reads it: an array, or the parts of a CSR matrix with sorted rows."""
    if not issparse(X):
        return engine_array(X)
    if X.shape[1] > np.iinfo(np.int32).max:
        raise ValueError(f"a sparse X must have fewer than 2^31 columns; got {X.shape[1]}")
    rows = X.tocsr()
    if not rows.has_sorted_indices:
        rows = rows.sorted_indices()
    return tuple(
        np.ascontiguousarray(part, dtype=kind)
        for part, kind in (
            (rows.data, dtype),
            (rows.indices, np.int32),
            (rows.indptr, np.int64),
        )
    )


def _network(
    coefs: Sequence[NDArray[Any]],
    intercepts: Sequence[NDArray[Any]],
    activation: str,
    dtype: np.dtype[Any],
    sparse: bool,
) -> Any:
    """The engine's network with these weights."""
    layers = [
        {
            "kind": "dense",
            "inputs": coef.shape[0],
            "outputs": coef.shape[1],
            "activation": activation if i < len(coefs) - 1 else "identity",
            "sparse": sparse and i == 0,
        }
        for i, coef in enumerate(coefs)
    ]
    made: Any = _core.NetworkF32 if dtype == np.float32 else _core.NetworkF64
    network = made(layers, None)
    for (_, _, values, _), given in zip(
        network.arrays(), _by_layer(coefs, intercepts), strict=True
    ):
        if np.shape(given) != values.shape:
            raise ValueError(
                "coefs_ and intercepts_ do not fit together: expected an array of shape "
                f"{values.shape}; got {np.shape(given)}"
            )
        values[...] = given
    return network


def _by_layer(first: Sequence[Any], second: Sequence[Any]) -> list[Any]:
    """Weights and biases in the engine's order: layer by layer."""
    return [array for pair in zip(first, second, strict=True) for array in pair]


def _by_kind(arrays: Sequence[Any]) -> list[Any]:
    """The same in scikit-learn's order: all weights, then all biases."""
    return [*arrays[::2], *arrays[1::2]]


def predict(
    X: Any,
    coefs: Sequence[NDArray[Any]],
    intercepts: Sequence[NDArray[Any]],
    activation: str,
    out_activation: str,
    n_threads: int,
) -> NDArray[Any]:
    """Outputs of a network, (n_samples, n_outputs)."""
    dtype = common_dtype(X, coefs)
    network = _network(coefs, intercepts, activation, dtype, issparse(X))
    made: Any = _core.PredictorF32 if dtype == np.float32 else _core.PredictorF64
    predictor = made(network, None, None, _LINKS[out_activation])
    outputs: NDArray[Any] = predictor.predict(_table(X, dtype), n_threads)
    return outputs


class RowOrder:
    """The order of the rows as `sklearn.utils.shuffle` changes it from epoch to epoch.

    While the context lasts, the state of `random_state` is held here; it is handed back at the end.
    """

    def __init__(self, n_rows: int, random_state: np.random.RandomState) -> None:
        self.rows = np.arange(n_rows, dtype=np.uint32)
        self._random_state = random_state

    def __enter__(self) -> RowOrder:
        self._state: Any = self._random_state.get_state(legacy=False)
        # A RandomState may be built over another generator.
        self._is_twister = self._state["bit_generator"] == "MT19937"
        return self

    def shuffle(self) -> None:
        if not self._is_twister:
            self.rows = shuffle(self.rows, random_state=self._random_state)
            return
        twister = self._state["state"]
        twister["pos"] = _core.shuffle(self.rows, twister["key"], twister["pos"])

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._is_twister:
            self._random_state.set_state(self._state)


class Session:
    """The engine at work on the weights of `model`, a fitted or initialised scikit-learn MLP.

    Parameters
    ----------
    model : MLPRegressor or MLPClassifier
    X : ndarray or sparse matrix of shape (n_samples, n_features)
    y : ndarray of shape (n_samples, n_outputs)
        Numbers, or label indicators.
    sample_weight : ndarray of shape (n_samples,) or None
    batch_size : int
    dtype : dtype
        Type to compute in.
    n_threads : int
    """

    def __init__(
        self,
        model: Any,
        X: Any,
        y: NDArray[Any],
        sample_weight: NDArray[Any] | None,
        *,
        batch_size: int,
        dtype: np.dtype[Any],
        n_threads: int,
    ) -> None:
        self._model = model
        self._batch_size = batch_size
        self._single = dtype == np.float32
        self._sample_weight = sample_weight
        self._network = _network(
            model.coefs_, model.intercepts_, model.activation, dtype, issparse(X)
        )
        loss = _LOSSES[model.out_activation_]
        if loss == "log_loss":
            targets = y.argmax(axis=1).astype(np.int32)
        else:
            targets = np.ascontiguousarray(y, dtype=dtype)
        made: Any = _core.EpochsF32 if self._single else _core.EpochsF64
        self._epochs = made(
            self._network,
            _table(X, dtype),
            targets,
            None if sample_weight is None else np.ascontiguousarray(sample_weight, dtype=dtype),
            loss,
            float(model.alpha),
            batch_size,
            n_threads,
        )
        self._rows = np.arange(X.shape[0], dtype=np.uint32)

    def _check_weights(self, rows: NDArray[np.uint32]) -> None:
        """Raise what NumPy's average raises in scikit-learn."""
        if self._sample_weight is None:
            return
        batches = np.arange(0, rows.size, self._batch_size)
        if not np.add.reduceat(self._sample_weight[rows], batches).all():
            raise ZeroDivisionError("Weights sum to zero, can't be normalized")

    # ---- minibatches

    def attach(self, optimizer: AdamOptimizer | SGDOptimizer) -> None:
        """Make the engine's optimiser go on from the state of scikit-learn's."""
        made: Any = _core.OptimizerF32 if self._single else _core.OptimizerF64
        is_adam = isinstance(optimizer, AdamOptimizer)
        self._optimizer = made(
            self._network,
            "adam" if is_adam else "sgd",
            momentum=float(getattr(optimizer, "momentum", 0.0)),
            nesterov=bool(getattr(optimizer, "nesterov", False)),
            beta_1=float(getattr(optimizer, "beta_1", 0.0)),
            beta_2=float(getattr(optimizer, "beta_2", 0.0)),
            epsilon=float(getattr(optimizer, "epsilon", 1.0)),
            weight_decay=0.0,
            learning_rate_factors=[],
        )
        self._optimizer.steps = optimizer.t if is_adam else 0
        for name, arrays in self._moments(optimizer):
            for ours, theirs in zip(_by_kind(arrays), getattr(optimizer, name), strict=True):
                ours[...] = theirs

    def _moments(self, optimizer: AdamOptimizer | SGDOptimizer) -> list[tuple[str, list[Any]]]:
        """Where scikit-learn keeps what, and the engine's arrays of the same."""
        names = ("ms", "vs") if isinstance(optimizer, AdamOptimizer) else ("velocities",)
        return list(zip(names, self._optimizer.moment_arrays(), strict=False))

    def run_epoch(self, rows: NDArray[np.uint32], optimizer: AdamOptimizer | SGDOptimizer) -> float:
        """One epoch in the given order; its loss.

        An interrupted one raises KeyboardInterrupt and leaves the weights as they were.
        """
        self._check_weights(rows)
        is_adam = isinstance(optimizer, AdamOptimizer)
        rate = optimizer.learning_rate_init if is_adam else optimizer.learning_rate
        return float(self._epochs.run(rows, self._optimizer, float(rate)))

    def detach(self, optimizer: AdamOptimizer | SGDOptimizer) -> None:
        """Hand the state back to scikit-learn's optimiser."""
        for name, arrays in self._moments(optimizer):
            setattr(optimizer, name, [np.array(array, order="C") for array in _by_kind(arrays)])
        if isinstance(optimizer, AdamOptimizer):
            optimizer.t = self._optimizer.steps
            if optimizer.t:
                optimizer.learning_rate = (
                    optimizer.learning_rate_init
                    * np.sqrt(1 - optimizer.beta_2**optimizer.t)
                    / (1 - optimizer.beta_1**optimizer.t)
                )

    def store_weights(self) -> None:
        """Give the model the engine's weights, as new arrays of the type of the old ones."""
        model = self._model
        arrays = [values for _, _, values, _ in self._network.arrays()]
        for name, values in (("coefs_", arrays[::2]), ("intercepts_", arrays[1::2])):
            olds = getattr(model, name)
            new = [
                value.astype(old.dtype, order="C") for value, old in zip(values, olds, strict=True)
            ]
            setattr(model, name, new)

    # ---- all rows

    def loss_and_gradient(self, packed: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        """Loss and gradient at these parameters, all weights and then all biases in one row."""
        self._check_weights(self._rows)
        arrays = self._network.arrays()
        start = 0
        for values in _by_kind([values for _, _, values, _ in arrays]):
            values[...] = packed[start : start + values.size].reshape(values.shape)
            start += values.size
        loss = float(self._epochs.gradients(self._rows))
        gradients = _by_kind([gradient for _, _, _, gradient in arrays])
        return loss, np.concatenate([gradient.ravel() for gradient in gradients])
