"""Whether a metric that is taken as a cost behaves like a score."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import spearmanr

_LEAST_EPOCHS = 5  # in fewer a rank correlation says little
_OPPOSITE = -0.5  # rank correlation below which the metric goes against the loss


def rises_as_loss_falls(metric: Sequence[float], loss: Sequence[float]) -> bool:
    """Whether a metric of the validation rows rises while their loss falls.

    Only the epochs up to that of the lowest loss count. After it, the log loss of a network that
    overfits rises, though its error rate may still fall.

    Parameters
    ----------
    metric, loss : sequence of float
        After each epoch; the metric may end earlier. Epochs in which either is not finite are left
        out.
    """
    epochs = np.array([*zip(metric, loss, strict=False)]).reshape(-1, 2)
    values, losses = epochs[np.isfinite(epochs).all(axis=1)].T
    n_falling = int(losses.argmin()) + 1 if losses.size else 0
    values, losses = values[:n_falling], losses[:n_falling]
    if n_falling < _LEAST_EPOCHS or np.ptp(values) == 0:
        return False
    return bool(spearmanr(values, losses).statistic < _OPPOSITE)
