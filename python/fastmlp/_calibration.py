"""Temperature scaling: one number that makes probabilities as sure as they are right."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit, softmax

_LARGEST = 4.0  # temperature; and its inverse the smallest
_ROWS = 2**18  # that a temperature is learnt from: it is good to 1 in 1,000


def sharpen(
    probabilities: NDArray[Any], temperature: float | NDArray[np.float64], *, exclusive: bool
) -> NDArray[Any]:
    """Divide the logits behind the probabilities by the temperature.

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows, n_outputs)
    temperature : float or ndarray of shape (n_outputs,)
        Above 1 they move towards each other, below 1 apart.
    exclusive : bool
        Whether the outputs of a row are classes that add up to one; else each is of its own.
    """
    if np.all(temperature == 1.0):
        return probabilities
    tiny = np.finfo(probabilities.dtype).tiny
    temperature = np.asarray(temperature, dtype=probabilities.dtype)
    if not exclusive:
        clipped = np.clip(probabilities, tiny, 1 - np.finfo(probabilities.dtype).epsneg)
        moved: NDArray[Any] = expit(logit(clipped) / temperature)
        return moved
    logs = np.log(np.maximum(probabilities, tiny))
    scaled: NDArray[Any] = softmax(logs / temperature, axis=1)
    return scaled


def log_loss_of(
    probabilities: NDArray[Any], y: NDArray[Any], sample_weight: NDArray[Any] | None
) -> float:
    """Mean of -log(probability of what is true).

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows, n_outputs)
    y : ndarray
        Class numbers (n_rows,), or zeros and ones (n_rows, n_outputs) where every output is a
        question of its own.
    sample_weight : ndarray of shape (n_rows,) or None
    """
    if y.ndim == 1:
        right = probabilities[np.arange(len(y)), y][:, None]
    else:
        right = np.where(y > 0, probabilities, 1 - probabilities)
    losses = -np.log(np.maximum(right, np.finfo(right.dtype).tiny)).mean(axis=1)
    return float(np.average(losses, weights=sample_weight))


def fit_temperature(
    probabilities: NDArray[Any],
    y: NDArray[Any],
    sample_weight: NDArray[Any] | None,
) -> float:
    """The temperature with the least log loss (Guo et al. 2017), given half a row more.

    That row is of every class to the same part. Without it no temperature would be low enough for
    a few rows whose classes are all told apart, and new rows would pay for that.

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows, n_outputs)
        Of rows that the network has not been trained on.
    y, sample_weight
        As for `log_loss_of`.
    """
    rows = np.arange(len(y)) if sample_weight is None else np.flatnonzero(sample_weight)
    rows = rows[:: -(-rows.size // _ROWS)]
    p, y = probabilities[rows].astype(np.float64), y[rows]
    sample_weight = None if sample_weight is None else sample_weight[rows]

    exclusive = y.ndim == 1
    share = 0.5 / (rows.size + 0.5)

    def log_loss(log_temperature: float) -> float:
        sharpened = sharpen(p, float(np.exp(log_temperature)), exclusive=exclusive)
        answers = sharpened if exclusive else np.stack([sharpened, 1 - sharpened])
        of_any = -np.log(np.maximum(answers, np.finfo(np.float64).tiny)).mean()
        return (1 - share) * log_loss_of(sharpened, y, sample_weight) + share * float(of_any)

    found = minimize_scalar(
        log_loss, bounds=(-np.log(_LARGEST), np.log(_LARGEST)), method="bounded"
    )
    return float(np.exp(found.x)) if found.fun < log_loss(0.0) else 1.0
