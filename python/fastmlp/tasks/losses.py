"""Losses of predictions, as the engine defines them: means over weighted rows and over outputs.

The engine computes losses and their derivatives in training (cpp/nn/loss.cpp). Here they are
computed of predictions for held-out rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, huber, xlogy

from fastmlp.prediction.link import Link
from fastmlp.tasks.own_loss import OwnLoss

ORDINAL = "ordinal"
CLASSIFICATION_LOSSES = ("log_loss", "focal", ORDINAL)
OWN = "own"  # stands for the name of a pair of functions


def _mean(losses: NDArray[Any], sample_weight: NDArray[Any] | None) -> float:
    """Mean over outputs, then weighted mean over rows."""
    return float(np.average(losses.mean(axis=1), weights=sample_weight))


def _mean_of_known(
    losses: NDArray[Any], targets: NDArray[Any], sample_weight: NDArray[Any] | None
) -> float:
    """The same, or the weighted mean of those whose target is known if some are not."""
    known = ~np.isnan(targets)
    if known.all():
        return _mean(losses, sample_weight)
    weights = known if sample_weight is None else known * sample_weight[:, None]
    return float(np.average(np.where(known, losses, 0), weights=weights))


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
    return _mean(negative_log(_of_what_is_true(probabilities, y)), sample_weight)


def focal_loss(
    probabilities: NDArray[Any], y: NDArray[Any], sample_weight: NDArray[Any] | None, gamma: float
) -> float:
    """Mean of -(1 - p)^gamma log p, p the probability of what is true; see `log_loss`."""
    right = _of_what_is_true(probabilities, y)
    return _mean((1 - right) ** gamma * negative_log(right), sample_weight)


def _of_what_is_true(probabilities: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    """The probabilities of the classes of the rows, or of independent labels as they are."""
    right: NDArray[Any]
    if y.ndim == 1:
        right = probabilities[np.arange(len(y)), y][:, None]
    else:
        right = np.where(y > 0, probabilities, 1 - probabilities)
    return right


@dataclass(frozen=True)
class ClassificationLoss:
    """A loss of classes with its parameters.

    Parameters
    ----------
    name : str, default="log_loss"
        One of CLASSIFICATION_LOSSES.
    focal_gamma : float, default=2.0
        Parameter of 'focal'.
    label_smoothing : float, default=0.0
        Share of each label that is spread evenly over the classes in training.
    """

    name: str = "log_loss"
    focal_gamma: float = 2.0
    label_smoothing: float = 0.0

    @property
    def is_focal(self) -> bool:
        """Whether rows count less that are classified correctly already."""
        return self.name == "focal"

    @property
    def is_ordinal(self) -> bool:
        """Whether classes are learnt in their order."""
        return self.name == ORDINAL

    def for_engine(self, *, binary: bool) -> dict[str, Any]:
        """The engine's options; `binary` if each output is a probability of its own."""
        name = "focal" if self.is_focal else "cross_entropy"
        return {
            "loss": f"binary_{name}" if binary else name,
            "focal_gamma": self.focal_gamma,
            "label_smoothing": self.label_smoothing,
        }

    def error_of(self, loss: float) -> tuple[str, float]:
        """Name and value of the error that stands for a loss: that itself."""
        return {"log_loss": "log-loss"}.get(self.name, f"{self.name} loss"), loss

    def mean(
        self, probabilities: NDArray[Any], y: NDArray[Any], sample_weight: NDArray[Any] | None
    ) -> float:
        """Mean loss of probabilities, without label smoothing; see `log_loss`."""
        if self.is_focal:
            return focal_loss(probabilities, y, sample_weight, self.focal_gamma)
        return log_loss(probabilities, y, sample_weight)


def gaussian_loss(
    outputs: NDArray[Any], targets: NDArray[Any], sample_weight: NDArray[Any] | None
) -> float:
    """Mean continuous ranked probability score of Gaussians.

    As in Gneiting et al. 2005, https://doi.org/10.1175/MWR2904.1.

    Parameters
    ----------
    outputs : ndarray of shape (n_rows, 2 * n_outputs)
        Means, then variances.
    targets : ndarray of shape (n_rows, n_outputs)
        Those that are NaN count nothing.
    sample_weight : ndarray of shape (n_rows,) or None
    """
    means, variances = np.split(outputs, 2, axis=1)
    errors, deviations = means - targets, np.sqrt(variances)
    ratios = errors / deviations
    density = np.sqrt(2 / np.pi) * np.exp(-0.5 * ratios**2)
    losses = errors * erf(ratios / np.sqrt(2)) + deviations * (density - 1 / np.sqrt(np.pi))
    return _mean_of_known(losses, targets, sample_weight)


_Terms = Callable[["RegressionLoss", NDArray[Any], NDArray[Any], NDArray[Any]], NDArray[Any]]


def _quantile(
    loss: RegressionLoss, error: NDArray[Any], predicted: NDArray[Any], targets: NDArray[Any]
) -> NDArray[Any]:
    quantiles = np.array(loss.quantiles)
    losses: NDArray[Any] = np.maximum(-quantiles * error, (1 - quantiles) * error)
    return losses


def _gamma(
    loss: RegressionLoss, error: NDArray[Any], predicted: NDArray[Any], targets: NDArray[Any]
) -> NDArray[Any]:
    mean = _positive(predicted)
    losses: NDArray[Any] = targets / mean + np.log(mean)
    return losses


def _tweedie(
    loss: RegressionLoss, error: NDArray[Any], predicted: NDArray[Any], targets: NDArray[Any]
) -> NDArray[Any]:
    mean, p = _positive(predicted), loss.tweedie_power
    return targets * mean ** (1 - p) / (p - 1) + mean ** (2 - p) / (2 - p)


def _positive(predicted: NDArray[Any]) -> NDArray[Any]:
    """Means, which float32 may have rounded to 0."""
    means: NDArray[Any] = np.maximum(predicted, np.finfo(np.float32).tiny)
    return means


# Of each loss, the losses of predictions from their errors (in units of the target's scale), the
# predictions and the targets; what depends on the targets alone may be left out.
_TERMS: dict[str, _Terms] = {
    "squared_error": lambda loss, error, predicted, targets: error**2,
    "absolute_error": lambda loss, error, predicted, targets: np.abs(error),
    "huber": lambda loss, error, predicted, targets: huber(loss.delta, error),
    "quantile": _quantile,
    "expectile": lambda loss, error, predicted, targets: (
        np.where(error < 0, loss.expectile, 1 - loss.expectile) * error**2
    ),
    "log_cosh": lambda loss, error, predicted, targets: np.logaddexp(error, -error) - np.log(2),
    "poisson": lambda loss, error, predicted, targets: predicted - xlogy(targets, predicted),
    "gamma": _gamma,
    "tweedie": _tweedie,
}
GAUSSIAN = "gaussian"
REGRESSION_LOSSES = (*_TERMS, GAUSSIAN)
# Their networks give the logarithm of the mean.
_OF_LOGARITHMS = ("poisson", "gamma", "tweedie")


@dataclass(frozen=True)
class RegressionLoss:
    """A loss of numbers with its parameters.

    Parameters
    ----------
    name : str
        One of REGRESSION_LOSSES, or OWN.
    delta : float, default=1.0
        Parameter of 'huber'.
    quantile : float or tuple of float, default=0.5
        Parameter of 'quantile'; a tuple asks for a prediction of each.
    tweedie_power, expectile : float, default=1.5 and 0.5
        Parameters of 'tweedie' and 'expectile'.
    own : OwnLoss or None, default=None
        What OWN stands for; None if it is not known any more: a model file holds no functions.
    """

    name: str
    delta: float = 1.0
    quantile: float | tuple[float, ...] = 0.5
    tweedie_power: float = 1.5
    expectile: float = 0.5
    own: OwnLoss | None = None

    @property
    def is_own(self) -> bool:
        """Whether it is a pair of functions."""
        return self.name == OWN

    @property
    def several_quantiles(self) -> bool:
        """Whether predictions have a column for each quantile."""
        return self.name == "quantile" and isinstance(self.quantile, tuple)

    @property
    def quantiles(self) -> tuple[float, ...]:
        """The quantiles: one, or one for each output of the network."""
        return self.quantile if isinstance(self.quantile, tuple) else (self.quantile,)

    @property
    def names_of_quantiles(self) -> tuple[str, ...]:
        """The quantiles as text, such as "0.9", in as few digits as distinguish them."""
        short = tuple(f"{quantile:g}" for quantile in self.quantiles)
        return short if len({*short}) == len(short) else tuple(map(repr, self.quantiles))

    @property
    def is_gaussian(self) -> bool:
        """Whether networks learn a mean and a spread of each target."""
        return self.name == GAUSSIAN

    @property
    def link(self) -> Link:
        """The inverse link that outputs are trained for."""
        if self.is_gaussian:
            return Link("gaussian")
        return Link("exponential" if self.name in _OF_LOGARITHMS else "identity")

    @property
    def penalty_factor(self) -> float:
        """The engine's loss divided by scikit-learn's, which takes half the squared error."""
        return 2.0 if self.name == "squared_error" else 1.0

    def error_of(self, loss: float) -> tuple[str, float]:
        """Name and value of an error that has the target's unit where the loss allows it."""
        if self.name == "squared_error":
            return "RMSE", float(np.sqrt(loss))
        if self.name == "expectile":
            return "root expectile loss", float(np.sqrt(loss))
        names = {"absolute_error": "MAE", "quantile": "pinball loss", GAUSSIAN: "CRPS"}
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
            Those that are NaN count nothing.
        sample_weight : ndarray of shape (n_rows,) or None
        unit : ndarray of shape (n_outputs,) or (1,)
            Errors are divided by it, as in training.
        """
        if self.own is not None:
            return self.own.mean(predicted, targets, sample_weight)
        if self.is_own:
            raise ValueError(
                "the model has no functions for its loss: files do not hold them. Pass them with "
                "set_params(loss=...)"
            )
        losses = _TERMS[self.name](self, (predicted - targets) / unit, predicted, targets)
        return _mean_of_known(losses, targets, sample_weight)
