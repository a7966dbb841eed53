"""The mean of participants' parameters, and the step of the coordinator towards it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.rounds.messages import Parameters, Update

# From the parameters that a round began with, and the updates in the order of the participants.
Average = Callable[[Parameters, Sequence[Update]], list[NDArray[np.float64]]]


def weighted_mean(before: Parameters, updates: Sequence[Update]) -> list[NDArray[np.float64]]:
    """The mean of the participants' parameters by their weights, as in FedAvg.

    McMahan et al. 2017, "Communication-efficient learning of deep networks from decentralized
    data", https://arxiv.org/abs/1602.05629. Participants that diverged are left out, unless all
    did. Without updates the parameters stay.
    """
    updates = [update for update in updates if update.is_finite] or updates
    total = sum(update.weight for update in updates)
    if not total:
        return [values.astype(np.float64) for values in before]
    means = [np.zeros(values.shape) for values in before]
    for update in updates:
        share = update.weight / total
        for mean, values in zip(means, update.parameters, strict=True):
            mean += np.multiply(values, share, dtype=np.float64)
    return means


class OuterOptimizer:
    """Steps from the parameters of a round towards the mean, by SGD with Nesterov momentum.

    As in DiLoCo: the change of the mean is used as a gradient (Douillard et al. 2023, "DiLoCo:
    distributed low-communication training of language models", https://arxiv.org/abs/2311.08105).
    Rate 1 without momentum takes the mean itself, bit for bit.

    Parameters
    ----------
    rate : float, default=1.0
        Learning rate of the outer steps.
    momentum : float, default=0.0
        In [0, 1).
    """

    def __init__(self, rate: float = 1.0, momentum: float = 0.0) -> None:
        if not 0 < rate < np.inf:
            raise ValueError(f"the outer rate must be positive and finite; got {rate}")
        if not 0 <= momentum < 1:
            raise ValueError(f"the outer momentum must be in [0, 1); got {momentum}")
        self.rate = rate
        self.momentum = momentum
        self._velocity: list[NDArray[np.float64]] = []

    def step(self, before: Parameters, means: Sequence[NDArray[np.float64]]) -> list[NDArray[Any]]:
        """The next parameters, in the type of those before.

        Parameters
        ----------
        before : sequence of ndarray
            Parameters that the round began with.
        means : sequence of ndarray
            Means of the participants' parameters.
        """
        if not self._velocity:
            self._velocity = [np.zeros(values.shape) for values in before]
        after = []
        for values, mean, velocity in zip(before, means, self._velocity, strict=True):
            gradient = values - mean
            velocity *= self.momentum
            velocity += gradient
            # values - rate * (gradient + momentum * velocity), from the mean on
            step = (1 - self.rate) * gradient - self.rate * self.momentum * velocity
            after.append((mean + step).astype(values.dtype))
        return after
