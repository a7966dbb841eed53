"""Temperature scaling: one number that calibrates a classifier's probabilities.

Guo et al. 2017, "On calibration of modern neural networks", https://arxiv.org/abs/1706.04599
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from fastmlp.prediction.decoders import apply_temperature
from fastmlp.table.rows import every_kth
from fastmlp.tasks.losses import ClassificationLoss, log_loss, negative_log

_LARGEST = 4.0  # temperature; its inverse is the smallest
_MOST_ROWS = 2**18  # that a temperature is learnt from; it is then exact to 1 in 1,000


def fit_temperature(
    probabilities: NDArray[Any],
    y: NDArray[Any],
    sample_weight: NDArray[Any] | None,
) -> float:
    """Find the temperature with the least log loss, with half a pseudo-row added.

    The pseudo-row is spread evenly over the classes. Without it, a few rows that are all classified
    correctly would give a temperature of 0, and the loss of new rows would be large.

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows, n_outputs)
        Predictions for held-out rows.
    y, sample_weight
        As for `log_loss`.
    """
    rows = np.arange(len(y)) if sample_weight is None else np.flatnonzero(sample_weight)
    rows = rows[every_kth(rows.size, most=_MOST_ROWS)]
    p, y = probabilities[rows].astype(np.float64), y[rows]
    sample_weight = None if sample_weight is None else sample_weight[rows]

    exclusive = y.ndim == 1
    share = 0.5 / (rows.size + 0.5)

    def loss(log_temperature: float) -> float:
        calibrated = apply_temperature(p, float(np.exp(log_temperature)), exclusive=exclusive)
        answers = calibrated if exclusive else np.stack([calibrated, 1 - calibrated])
        of_half_row = float(negative_log(answers).mean())
        return (1 - share) * log_loss(calibrated, y, sample_weight) + share * of_half_row

    found = minimize_scalar(loss, bounds=(-np.log(_LARGEST), np.log(_LARGEST)), method="bounded")
    return float(np.exp(found.x)) if found.fun < loss(0.0) else 1.0


def calibrates(
    calibrate: bool | Literal["auto"], loss: ClassificationLoss, *, by_whole_model: bool
) -> bool:
    """Whether to learn temperatures from held-out rows; see `Task.calibrates`."""
    if calibrate == "auto":
        # Probabilities learnt with the focal loss are underconfident.
        return by_whole_model or loss.is_focal
    return calibrate
