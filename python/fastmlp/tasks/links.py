"""Inverse link functions: from a network's raw outputs to predictions.

The engine applies them in its predictors. These are for raw outputs that it reports in training.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax


def apply_inverse_link(link: str, outputs: NDArray[Any]) -> NDArray[Any]:
    """Raw outputs (n_rows, n_outputs) as predictions.

    Parameters
    ----------
    link : {"identity", "exponential", "logistic", "softmax"}
        The engine's name of the inverse link function.
    outputs : ndarray of shape (n_rows, n_outputs)
    """
    if link == "identity":
        return outputs
    if link == "exponential":
        exponentials: NDArray[Any] = np.exp(outputs)
        return exponentials
    if link == "logistic":
        probabilities: NDArray[Any] = expit(outputs)
        return probabilities
    if link == "softmax":
        distribution: NDArray[Any] = softmax(outputs, axis=1)
        return distribution
    raise AssertionError(f"the inverse link {link!r} has no formula here")
