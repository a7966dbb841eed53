"""FederationOptions: the arguments of `fit` that are about sites, checked."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf, sqrt
from typing import Any

from fastmlp import privacy
from fastmlp.ensemble.recipe import Recipe
from fastmlp.ensemble.settings import Settings
from fastmlp.rounds.coordinator import RoundOptions


@dataclass(frozen=True)
class FederationOptions:
    """How sites train together; see `Regressor.fit`."""

    local_epochs: float
    outer_rate: float
    outer_momentum: float
    site_fraction: float
    max_update_norm: float | None
    noise_multiplier: float
    delta: float | None

    def __post_init__(self) -> None:
        _check("local_epochs", self.local_epochs, 0 < self.local_epochs < inf, "positive")
        _check("outer_rate", self.outer_rate, 0 < self.outer_rate < inf, "positive")
        _check("outer_momentum", self.outer_momentum, 0 <= self.outer_momentum < 1, "in [0, 1)")
        _check("site_fraction", self.site_fraction, 0 < self.site_fraction <= 1, "in (0, 1]")
        noise, norm = self.noise_multiplier, self.max_update_norm
        _check("noise_multiplier", noise, 0 <= noise < inf, "finite and >= 0")
        if norm is not None:
            _check("max_update_norm", norm, 0 < norm < inf, "positive, or None")
        if noise:
            if norm is None:
                raise ValueError(
                    "noise_multiplier needs max_update_norm: the noise is a multiple of what a "
                    "site's update can be at most"
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

    def n_rounds(self, recipe: Recipe) -> int:
        """Rounds of a network, which together are the recipe's epochs."""
        return ceil(recipe.max_iter / self.local_epochs)

    def rounds(self, recipe: Recipe, settings: Settings) -> RoundOptions:
        """What the coordinator of a network does."""
        return RoundOptions(
            self.n_rounds(recipe),
            self.outer_rate,
            self.outer_momentum,
            early_stopping=settings.early_stopping and not self.is_private,
            tol=float(settings.tol),
            n_iter_no_change=recipe.n_iter_no_change / self.local_epochs,
            patience_growth=recipe.patience_growth,
        )

    def epsilon(self, n_rounds: int, n_networks: int) -> float:
        """Epsilon of so many rounds, in each of which so many networks were asked for."""
        if not self.is_private or self.delta is None:
            return inf
        # The networks of a round have one sample of sites: one sum of that many times the length.
        return privacy.epsilon(
            self.noise_multiplier / sqrt(n_networks),
            delta=self.delta,
            n_steps=max(n_rounds, 1),
            sampling_rate=self.site_fraction,
        )


def _check(name: str, value: Any, is_right: bool, expected: str) -> None:
    if not is_right:
        raise ValueError(f"{name} must be {expected}; got {value!r}")
