"""Inverse link functions: from a network's raw outputs to predictions.

The engine applies them in its predictors. These are for raw outputs that it reports in training.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from fastmlp.prediction.link import Link


def apply_inverse_link(link: Link, outputs: NDArray[Any]) -> NDArray[Any]:
    """Raw outputs (n_rows, n_outputs) as predictions."""
    predictions: NDArray[Any] = _FUNCTIONS[link.name](outputs, link)
    return predictions


def _softmax(outputs: NDArray[Any], link: Link) -> NDArray[Any]:
    heads = np.split(outputs, np.cumsum(link.heads)[:-1], axis=1) if link.heads else [outputs]
    return np.hstack([softmax(head, axis=1) for head in heads])


def _gaussian(outputs: NDArray[Any], link: Link) -> NDArray[Any]:
    means, spreads = np.split(outputs, 2, axis=1)
    return np.hstack([means, (np.logaddexp(0, spreads) + 1e-3) ** 2])


def _continuation_ratio(outputs: NDArray[Any], link: Link) -> NDArray[Any]:
    reached = np.cumprod(expit(outputs), axis=1)
    before = np.hstack([np.ones((len(outputs), 1)), reached[:, :-1]])
    return np.hstack([before * expit(-outputs), reached[:, -1:]])


_FUNCTIONS = {
    "identity": lambda outputs, link: outputs,
    "exponential": lambda outputs, link: np.exp(outputs),
    "logistic": lambda outputs, link: expit(outputs),
    "softmax": _softmax,
    "gaussian": _gaussian,
    "continuation_ratio": _continuation_ratio,
}
