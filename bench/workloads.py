"""The workloads that are compared: shapes of tables and networks, and synthetic data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Workload:
    """A table, a network and how it is trained.

    Parameters
    ----------
    name : str
    rows, inputs, outputs : int
        Shape of the table and of its targets. For a classifier, `outputs` is the number of classes.
    hidden : tuple of int
        Units of the hidden layers.
    batch : int
        Rows of a minibatch. If it is all rows, they are not shuffled.
    epochs : int
    activation : {"relu", "tanh"}, default="relu"
    classifier : bool, default=False
    """

    name: str
    rows: int
    inputs: int
    hidden: tuple[int, ...]
    batch: int
    epochs: int
    outputs: int = 1
    activation: str = "relu"
    classifier: bool = False

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units of all layers, including input and output."""
        return (self.inputs, *self.hidden, self.outputs)

    @property
    def full_batch(self) -> bool:
        """Whether every step takes all rows."""
        return self.batch == self.rows

    def training_flops(self) -> int:
        """Count the floating-point operations of the matrix products of a fit.

        Forward pass, backward pass and weight gradient take the same number of multiply-adds each,
        but no program computes the backward pass to the inputs of the first layer.
        """
        madds = self._madds()
        return 2 * (3 * sum(madds) - madds[0]) * self.rows * self.epochs

    def prediction_flops(self, rows: int) -> int:
        """Count the floating-point operations of the matrix products that predict `rows` rows."""
        return 2 * sum(self._madds()) * rows

    def _madds(self) -> list[int]:
        """Multiply-adds of each layer in the forward pass of one row."""
        return [a * b for a, b in zip(self.sizes[:-1], self.sizes[1:], strict=True)]

    def smaller(self) -> Workload:
        """Return the same with a quarter of the rows, but at least one whole minibatch."""
        return replace(self, rows=max(self.batch, self.rows // 4))

    def data(self, dtype: str, rows: int | None = None) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return normal inputs and a noisy function of them, the same at every call.

        Returns
        -------
        X : ndarray of shape (rows, inputs)
        y : ndarray of shape (rows,) or (rows, outputs)
            Numbers of type `dtype`, or int64 class labels.
        """
        rng = np.random.default_rng(0)
        weights = rng.standard_normal((self.inputs, self.outputs)) / np.sqrt(self.inputs)
        X = rng.standard_normal((rows or self.rows, self.inputs)).astype(dtype)
        y = X @ weights + 0.1 * rng.standard_normal((X.shape[0], self.outputs))
        if self.classifier:
            return X, y.argmax(axis=1)
        y = np.sin(2 * y).astype(dtype)
        return X, y[:, 0] if self.outputs == 1 else y


WORKLOADS = {
    workload.name: workload
    for workload in (
        Workload("seed", 100, 1, (10,), batch=100, epochs=300),
        Workload("house", 20_640, 8, (100,), batch=200, epochs=10),
        Workload("tiny", 10_000, 16, (64, 64, 64), batch=64, epochs=5),
        Workload("tab", 50_000, 50, (256, 256), batch=256, epochs=3),
        Workload(
            "mnist", 60_000, 784, (512, 256), batch=128, epochs=1, outputs=10, classifier=True
        ),
        Workload("wide", 16_384, 1024, (2048, 2048), batch=1024, epochs=1),
        # The example of SimpleChains.jl.
        Workload(
            "simplechains",
            10_000,
            4,
            (32, 16),
            batch=10_000,
            epochs=200,
            outputs=4,
            activation="tanh",
        ),
    )
}
DEFAULT = ("seed", "house", "tiny", "tab", "mnist", "wide")
DEFAULT_PREDICTION = ("house", "tab")
