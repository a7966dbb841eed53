"""Training of a scikit-learn MLP by the engine: order of rows, epochs, the optimiser's state."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer

from fastmlp import _core
from fastmlp.neural_network.engine import LINKS, Engine, by_kind
from fastmlp.table.engine_array import engine_table, engine_values


def shuffle(rows: NDArray[np.uint32], random_state: np.random.RandomState) -> None:
    """`sklearn.utils.shuffle` of uint32 numbers, in place and from the same random numbers."""
    generator = random_state._bit_generator
    with generator.lock:
        _core.shuffle(rows, generator.capsule)


class Session:
    """Training of `model`, a fitted or initialised scikit-learn MLP, by the engine.

    Parameters
    ----------
    model : MLPRegressor or MLPClassifier
    engine : Engine
        With the model's weights.
    X : ndarray or sparse matrix of shape (n_samples, n_features)
    y : ndarray of shape (n_samples, n_outputs)
        Numbers, or label indicators.
    sample_weight : ndarray of shape (n_samples,) or None
    batch_size : int
    n_threads : int

    Attributes
    ----------
    rows : ndarray of shape (n_samples,)
        The order of the rows, which the caller may change.
    """

    def __init__(
        self,
        model: Any,
        engine: Engine,
        X: Any,
        y: NDArray[Any],
        sample_weight: NDArray[Any] | None,
        *,
        batch_size: int,
        n_threads: int,
    ) -> None:
        self._model = model
        self._engine = engine
        self._batch_size = batch_size
        self._sample_weight = sample_weight
        n_outputs = model.coefs_[-1].shape[1]
        if y.shape[1] != n_outputs:
            raise ValueError(
                f"y has {y.shape[1]} outputs, but the existing network has {n_outputs}"
            )
        if y.dtype.kind not in "biuf":
            raise TypeError(f"y must hold numbers; got dtype {y.dtype}")
        if model.out_activation_ == "exp" and (y < 0).any():
            raise ValueError("loss='poisson' requires y >= 0")
        if model.out_activation_ == "softmax":
            targets = y.argmax(axis=1).astype(np.int32)
        else:
            targets = engine_values(y, engine.dtype)
        if sample_weight is not None:
            sample_weight = engine_values(sample_weight, engine.dtype)
        self._epochs = engine.make(
            "Epochs",
            engine.network,
            engine_table(X, engine.dtype),
            targets,
            sample_weight,
            LINKS[model.out_activation_],
            float(model.alpha),
            batch_size,
            n_threads,
        )
        self.rows = np.arange(X.shape[0], dtype=np.uint32)

    def _check_weights(self) -> None:
        """Raise what NumPy's average raises in scikit-learn."""
        if self._sample_weight is None:
            return
        batches = np.arange(0, self.rows.size, self._batch_size)
        if not np.add.reduceat(self._sample_weight[self.rows], batches).all():
            raise ZeroDivisionError("Weights sum to zero, can't be normalized")

    def run_epoch(self, optimizer: EngineOptimizer, learning_rate: float) -> float:
        """One epoch in the order of `rows`; its loss.

        An interrupted one raises KeyboardInterrupt and leaves the weights as they were.
        """
        self._check_weights()
        return float(self._epochs.run(self.rows, optimizer.compiled, learning_rate))

    def loss_and_gradient(self, packed: NDArray[Any]) -> tuple[float, NDArray[Any]]:
        """Loss and gradient at these parameters, all weights and then all biases in one row."""
        self._check_weights()
        start = 0
        for values in by_kind(self._engine.weights()):
            values[...] = packed[start : start + values.size].reshape(values.shape)
            start += values.size
        loss = np.float64(self._epochs.gradients(self.rows))
        gradients = by_kind(self._engine.gradients())
        return loss, np.concatenate([gradient.ravel() for gradient in gradients])

    def store_weights(self) -> None:
        """Give the model the engine's weights, as new arrays of the type of the old ones."""
        model, weights = self._model, self._engine.weights()
        for name, values in (("coefs_", weights[::2]), ("intercepts_", weights[1::2])):
            olds = getattr(model, name)
            setattr(
                model,
                name,
                [new.astype(old.dtype, order="C") for new, old in zip(values, olds, strict=True)],
            )


class EngineOptimizer:
    """The engine's optimiser, which continues from the state of scikit-learn's optimiser.

    Parameters
    ----------
    engine : Engine
    optimizer : AdamOptimizer or SGDOptimizer
    """

    def __init__(self, engine: Engine, optimizer: AdamOptimizer | SGDOptimizer) -> None:
        self._options = self._options_of(optimizer)
        self.compiled = engine.make("Optimizer", engine.network, **self._options)
        self._kept: list[Any] = [None] * len(self._names)
        self.load(optimizer)

    @staticmethod
    def _options_of(optimizer: AdamOptimizer | SGDOptimizer) -> dict[str, Any]:
        return {
            "solver": "adam" if isinstance(optimizer, AdamOptimizer) else "sgd",
            "momentum": float(getattr(optimizer, "momentum", 0)),
            "nesterov": bool(getattr(optimizer, "nesterov", False)),
            "beta_1": float(getattr(optimizer, "beta_1", 0)),
            "beta_2": float(getattr(optimizer, "beta_2", 0)),
            "epsilon": float(getattr(optimizer, "epsilon", 1)),
            "weight_decay": 0.0,
            "learning_rate_factors": [],
            "weight_decay_factors": [],
        }

    @property
    def _names(self) -> tuple[str, ...]:
        """Where scikit-learn keeps the running means."""
        return ("ms", "vs") if self._options["solver"] == "adam" else ("velocities",)

    def is_of(self, optimizer: AdamOptimizer | SGDOptimizer) -> bool:
        """Whether it has the options of this scikit-learn optimiser."""
        return self._options == self._options_of(optimizer)

    def load(self, optimizer: AdamOptimizer | SGDOptimizer) -> None:
        """Copy the running means, unless they are those last stored."""
        for i, name in enumerate(self._names):
            theirs = getattr(optimizer, name)
            if theirs is not self._kept[i]:
                for our, their in zip(self._means(i), theirs, strict=True):
                    our[...] = their
                self._kept[i] = None
        if self._options["solver"] == "adam":
            self.compiled.steps = optimizer.t

    @staticmethod
    def learning_rate_of(optimizer: AdamOptimizer | SGDOptimizer) -> float:
        """The rate of the next epoch, without Adam's bias correction."""
        is_adam = isinstance(optimizer, AdamOptimizer)
        return float(optimizer.learning_rate_init if is_adam else optimizer.learning_rate)

    def store(self, optimizer: AdamOptimizer | SGDOptimizer) -> None:
        """Copy the state to scikit-learn's optimiser."""
        for i, name in enumerate(self._names):
            if self._kept[i] is None:
                self._kept[i] = [np.array(mean, order="C") for mean in self._means(i)]
            else:
                for their, our in zip(self._kept[i], self._means(i), strict=True):
                    their[...] = our
            setattr(optimizer, name, self._kept[i])
        if self._options["solver"] == "adam" and self.compiled.steps:
            optimizer.t = t = self.compiled.steps
            correction = np.sqrt(1 - optimizer.beta_2**t) / (1 - optimizer.beta_1**t)
            optimizer.learning_rate = optimizer.learning_rate_init * correction

    def _means(self, i: int) -> list[NDArray[Any]]:
        """The engine's running means in scikit-learn's order: of gradients, or of squares."""
        return by_kind(self.compiled.moment_arrays()[i])
