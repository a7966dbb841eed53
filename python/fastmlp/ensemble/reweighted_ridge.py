"""Ridge regression of raw outputs, robust or with a link, as a series of least-squares problems.

With the identity, residuals are winsorised in each of them, which gives Huber's estimate: no
outlying target has much influence on the slopes or on the strength of the penalty (Oh, Nychka & Lee
2007, https://doi.org/10.1093/biomet/asm064). With other links they are those of a generalised
linear model (McCullagh & Nelder 1989, https://doi.org/10.1007/978-1-4899-3242-6). The strength of
the penalty is chosen each time by generalised cross-validation (Golub, Heath & Wahba 1979,
https://doi.org/10.1080/00401706.1979.10489751).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmlp._one_blas_thread import ONE_BLAS_THREAD
from fastmlp.prediction.link import Link
from fastmlp.tasks.inverse_links import apply_inverse_link

Array = NDArray[np.float64]

_MOST_ITERATIONS = 20
_TOLERANCE = 1e-3  # largest change of a raw output, relative to their standard deviation
_HUBER = 1.345  # standard deviations: 95% efficient if errors are normal
_LEAST_WEIGHT = 0.05  # of rows that are nearly certain; the greatest is 0.25
_PENALTIES = np.append(np.logspace(-7, 3, 31), np.inf)  # in units of the columns' mean variance
# Of logits and logarithms, in rows: slopes of separable classes would be infinite.
_LEAST_PENALTY = 0.01
_MOST_OF_ROWS = 0.5  # as many parameters as rows would fit anything
_LARGEST_LEVERAGE = 0.99


class RidgeFit(NamedTuple):
    """A linear model of raw outputs.

    Attributes
    ----------
    coef : ndarray of shape (n_columns, n_outputs)
    without_own_row : ndarray of shape (n_rows, n_outputs)
        ``Z @ coef`` of each row with slopes that are fitted without it, at the same penalty,
        weights and winsorised residuals, and with the level of all rows.
    """

    coef: Array
    without_own_row: Array


def reweighted_ridge(Z: Array, y: Array, weights: Array | None, link: str) -> RidgeFit:
    """Fit raw outputs ``Z @ coef + intercept`` to targets.

    Parameters
    ----------
    Z : ndarray of shape (n_rows, n_columns)
        Columns of about the same scale, which is what the penalty is relative to.
    y : ndarray of shape (n_rows, n_outputs)
        Numbers; of classes zeros and ones.
    weights : ndarray of shape (n_rows,) or None
        All positive.
    link : str
        The engine's name of the inverse link function.
    """
    own_weights = np.ones(len(Z)) if weights is None else weights / weights.mean()
    raw = _first_outputs(y, own_weights, link)
    least_penalty = 0.0 if link == "identity" else _LEAST_PENALTY * len(Z)
    coef, without_own_row = np.zeros((Z.shape[1], y.shape[1])), np.zeros(y.shape)
    # One thread, so that the bits do not depend on their number. Targets too large for squares
    # make NaN, which is an error where targets are scaled.
    with ONE_BLAS_THREAD, np.errstate(over="ignore", invalid="ignore"):
        design = _Design(Z, own_weights)
        for _ in range(_MOST_ITERATIONS):
            before = raw.copy()
            for k in range(y.shape[1]):  # in turn: the outputs of softmax depend on each other
                factor, response = _working_model(raw, y, k, link)
                if link != "identity":
                    design = _Design(Z, own_weights * factor)
                fit = design.ridge(response, least_penalty)
                coef[:, k], raw[:, k], without_own_row[:, k] = fit
            if np.abs(raw - before).max() <= _TOLERANCE * raw.std():
                break
    return RidgeFit(coef, without_own_row)


def _first_outputs(y: Array, weights: Array, link: str) -> Array:
    """Raw outputs to begin with: safe ones, from which all rows pull about alike."""
    if link == "identity":
        return np.broadcast_to(np.median(y, axis=0), y.shape).copy()
    if link == "exponential":
        mean = np.average(y, axis=0, weights=weights)
        return np.log(np.maximum((y + mean) / 2, 1e-6))
    return np.zeros(y.shape)


def _working_model(raw: Array, y: Array, k: int, link: str) -> tuple[Array | float, Array]:
    """Weights and targets of the least-squares problem that is next for output k."""
    if link == "identity":
        residual = y[:, k] - raw[:, k]
        bound = _HUBER * 1.4826 * np.median(np.abs(residual)) or np.inf
        return 1.0, raw[:, k] + np.clip(residual, -bound, bound)
    predicted = apply_inverse_link(Link(link), raw)[:, k]
    # Greater weights than Newton's where these are small or the target is far away: the solution is
    # the same, and no step is too long.
    if link == "exponential":
        weights = np.maximum(predicted, y[:, k])
    else:
        weights = np.maximum(predicted * (1 - predicted), _LEAST_WEIGHT)
    return weights, raw[:, k] + (y[:, k] - predicted) / weights


class _Design:
    """Weighted rows on the principal axes of their columns, for ridge regressions on them."""

    def __init__(self, Z: Array, weights: Array) -> None:
        self._weights, self._total = weights, weights.sum()
        self._centre = weights @ Z / self._total
        centred = Z - self._centre
        variances, self._axes = np.linalg.eigh((weights[:, None] * centred).T @ centred)
        self._variances = np.maximum(variances, 0.0)
        self._rotated = centred @ self._axes

    def ridge(self, response: Array, least_penalty: float) -> tuple[Array, Array, Array]:
        """Ridge regression with an intercept, the penalty chosen by cross-validation.

        Returns coefficients, fitted values, and ``Z @ coef`` of each row by the coefficients that
        there would be without it.
        """
        n_rows, weights, variances = len(response), self._weights, self._variances
        level = weights @ response / self._total
        deviation = response - level
        projected = self._rotated.T @ (weights * deviation)
        spread = weights @ deviation**2
        unit = variances.mean() if variances.any() else 1.0

        def error(penalty: float) -> float:
            inverse = 1 / (variances + penalty)
            n_parameters = 1 + (variances * inverse).sum()
            if n_parameters > max(1.0, _MOST_OF_ROWS * n_rows):
                return np.inf
            gain = (projected**2 * inverse * (2 - variances * inverse)).sum()
            return float((spread - gain) / (1 - n_parameters / (n_rows + 1)) ** 2)

        inverse = 1 / (variances + min(np.maximum(_PENALTIES * unit, least_penalty), key=error))
        coef = self._axes @ (inverse * projected)
        slopes = self._rotated @ (inverse * projected)
        fitted = level + slopes
        of_slopes = weights * (self._rotated**2 @ inverse)
        leverage = np.minimum(of_slopes + weights / self._total, _LARGEST_LEVERAGE)
        change = of_slopes / (1 - leverage) * (response - fitted)
        return coef, fitted, slopes + self._centre @ coef - change
