"""Losses of predictions, as the engine defines them: means over weighted rows and over outputs.

The engine computes losses and their derivatives in training (cpp/nn/loss.cpp). Here they are
computed of predictions for held-out rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import huber, xlogy

REGRESSION_LOSSES = ("squared_error", "absolute_error", "huber", "quantile", "poisson")


def _mean(losses: NDArray[Any], sample_weight: NDArray[Any] | None) -> float:
    """Mean over outputs, then weighted mean over rows."""
    return float(np.average(losses.mean(axis=1), weights=sample_weight))


def negative_log(probabilities: NDArray[Any]) -> NDArray[Any]:
    """-log(p), where p is at least the smallest normal number of its type."""
    logarithms: NDArray[Any] = np.log(np.maximum(probabilities, np.finfo(probabilities.dtype).tiny))
    return -logarithms


def log_loss(
    probabilities: NDArray[Any], y: NDArray[Any], sample_weight: NDArray[Any] | None
) -> float:
    """Mean of -log(probability of what is true).

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows, n_outputs)
    y : ndarray
        Class numbers (n_rows,), or zeros and ones (n_rows, n_outputs) of independent labels.
    sample_weight : ndarray of shape (n_rows,) or None
    """
    if y.ndim == 1:
        right = probabilities[np.arange(len(y)), y][:, None]
    else:
        right = np.where(y > 0, probabilities, 1 - probabilities)
    return _mean(negative_log(right), sample_weight)


@dataclass(frozen=True)
class RegressionLoss:
    """A loss of numbers with its parameters.

    Parameters
    ----------
    name : str
        One of REGRESSION_LOSSES.
    delta : float, default=1.0
        Parameter of 'huber'.
    quantile : float or tuple of float, default=0.5
        Parameter of 'quantile'; a tuple asks for a prediction of each.
    """

    name: str
    delta: float = 1.0
    quantile: float | tuple[float, ...] = 0.5

    @property
    def several_quantiles(self) -> bool:
        """Whether predictions have a column for each quantile."""
        return self.name == "quantile" and isinstance(self.quantile, tuple)

    @property
    def quantiles(self) -> tuple[float, ...]:
        """The quantiles: one, or one for each output of the network."""
        return self.quantile if isinstance(self.quantile, tuple) else (self.quantile,)

    @property
    def link(self) -> str:
        """The engine's name of the inverse link that outputs are trained for."""
        return "exponential" if self.name == "poisson" else "identity"

    @property
    def penalty_factor(self) -> float:
        """The engine's loss divided by scikit-learn's, which takes half the squared error."""
        return 2.0 if self.name == "squared_error" else 1.0

    def error_of(self, loss: float) -> tuple[str, float]:
        """Name and value of an error that has the target's unit where the loss allows it."""
        if self.name == "squared_error":
            return "RMSE", float(np.sqrt(loss))
        names = {"absolute_error": "MAE", "quantile": "pinball loss"}
        return names.get(self.name, f"{self.name} loss"), loss

    def mean(
        self,
        predicted: NDArray[np.float64],
        targets: NDArray[Any],
        sample_weight: NDArray[Any] | None,
        unit: NDArray[np.float64],
    ) -> float:
        """Mean loss of predictions in the unit of the target.

        Parameters
        ----------
        predicted : ndarray of shape (n_rows, n_outputs)
        targets : ndarray of shape (n_rows, n_outputs) or (n_rows, 1)
        sample_weight : ndarray of shape (n_rows,) or None
        unit : ndarray of shape (n_outputs,) or (1,)
            Errors are divided by it, as in training.
        """
        error = (predicted - targets) / unit
        if self.name == "squared_error":
            losses = error**2
        elif self.name == "absolute_error":
            losses = np.abs(error)
        elif self.name == "huber":
            losses = huber(self.delta, error)
        elif self.name == "quantile":
            quantiles = np.array(self.quantiles)
            losses = np.maximum(-quantiles * error, (1 - quantiles) * error)
        elif self.name == "poisson":
            losses = predicted - xlogy(targets, predicted)
        else:
            raise AssertionError(f"the loss {self.name!r} has no formula here")
        return _mean(losses, sample_weight)
