"""FederationOptions: the checked arguments of `fit` about rounds, clipping and noise."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, sqrt

from fastmlp import privacy
from fastmlp.rounds.options import check_range


@dataclass(frozen=True)
class FederationOptions:
    """How sites are chosen, clipped and noised; see `Regressor.fit`."""

    site_fraction: float
    max_update_norm: float | None
    noise_multiplier: float
    delta: float | None

    def __post_init__(self) -> None:
        fraction, noise, norm = self.site_fraction, self.noise_multiplier, self.max_update_norm
        check_range("site_fraction", fraction, 0 < fraction <= 1, "in (0, 1]")
        check_range("noise_multiplier", noise, 0 <= noise < inf, "finite and >= 0")
        if norm is not None:
            check_range("max_update_norm", norm, 0 < norm < inf, "positive, or None")
        if noise:
            if norm is None:
                raise ValueError(
                    "noise_multiplier needs max_update_norm: the noise is a multiple of this "
                    "largest norm of a site's update"
                )
            if self.delta is None:
                raise ValueError(
                    "noise_multiplier needs delta, for which epsilon_ is computed; choose it well "
                    "below 1 / (number of sites)"
                )

    @property
    def is_private(self) -> bool:
        """Whether updates are noised."""
        return self.noise_multiplier > 0

    def epsilon(self, n_rounds: int, n_networks: int) -> float:
        """Epsilon of the rounds, given the number of networks in each."""
        if not self.is_private or self.delta is None:
            return inf
        # The networks of a round have one sample of sites: one sum of that many times the length.
        return privacy.epsilon(
            self.noise_multiplier / sqrt(n_networks),
            delta=self.delta,
            n_steps=n_rounds,
            sampling_rate=self.site_fraction,
        )
