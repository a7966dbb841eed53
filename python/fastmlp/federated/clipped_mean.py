"""ClippedMean: the mean of sites' updates, clipped to a norm, with noise."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from fastmlp.privacy.noise import normal_noise
from fastmlp.rounds.messages import Parameters, Update


class ClippedMean:
    """Clips each site's change of the parameters in its L2 norm, averages, and adds noise.

    It is the Gaussian mechanism of DP-FedAvg (McMahan et al. 2018, "Learning differentially private
    recurrent language models", https://arxiv.org/abs/1710.06963). The coordinator clips, so that no
    site, faulty or hostile, can move the mean further. A site that diverged counts as unchanged.

    With noise every site counts alike, and the sum is divided by the number of sites that was
    expected, whoever answered: weights and answers reveal something about the rows.

    Parameters
    ----------
    max_update_norm : float
        Largest norm of the change of all parameters of a network together.
    noise_multiplier : float
        Standard deviation of the noise on the sum of the changes, divided by `max_update_norm`.
        0: no noise; sites count by their weights.
    n_expected : float
        Number of sites, times the probability of each to be asked.
    generator : Generator or None, default=None
        See `normal_noise`.
    """

    def __init__(
        self,
        max_update_norm: float,
        noise_multiplier: float,
        n_expected: float,
        generator: np.random.Generator | None = None,
    ) -> None:
        self._max_norm = max_update_norm
        self._noise_multiplier = noise_multiplier
        self._n_expected = n_expected
        self._generator = generator

    def __call__(self, before: Parameters, updates: Sequence[Update]) -> list[NDArray[np.float64]]:
        """The parameters that the round began with, plus the noisy mean of the changes."""
        shares = self._shares(updates)
        changes = [self._clipped_change(before, update) for update in updates]
        noise = self._noise_multiplier * self._max_norm / self._n_expected
        means = []
        for k, values in enumerate(before):
            mean = values.astype(np.float64)
            for share, change in zip(shares, changes, strict=True):
                mean += share * change[k]
            if noise:
                mean += noise * normal_noise(mean.shape, self._generator)
            means.append(mean)
        return means

    def _shares(self, updates: Sequence[Update]) -> list[float]:
        """How much each update counts."""
        if self._noise_multiplier:
            return [1 / self._n_expected] * len(updates)
        total = sum(update.weight for update in updates)
        return [update.weight / total if total else 0.0 for update in updates]

    def _clipped_change(self, before: Parameters, update: Update) -> list[NDArray[np.float64]]:
        change = [
            np.subtract(new, old, dtype=np.float64)
            for new, old in zip(update.parameters, before, strict=True)
        ]
        norm = float(np.sqrt(sum(np.vdot(values, values) for values in change)))
        if not isfinite(norm):
            return [np.zeros(values.shape) for values in change]
        factor = min(1.0, self._max_norm / norm) if norm else 1.0
        return [factor * values for values in change]
