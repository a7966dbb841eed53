"""AveragingOptions: how often participants are averaged, and how."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf
from typing import Any

from fastmlp.ensemble.recipe import Recipe
from fastmlp.ensemble.settings import Settings
from fastmlp.rounds.coordinator import RoundOptions


@dataclass(frozen=True)
class AveragingOptions:
    """Options of training in rounds that users set; the recipe has the others.

    Parameters
    ----------
    local_epochs : float, default=1.0
        Epochs of a round at each participant.
    outer_rate, outer_momentum : float, default=1.0 and 0.0
        Rate and momentum of the outer steps. The defaults are plain averaging.
    """

    local_epochs: float = 1.0
    outer_rate: float = 1.0
    outer_momentum: float = 0.0

    def __post_init__(self) -> None:
        check_range("local_epochs", self.local_epochs, 0 < self.local_epochs < inf, "positive")
        check_range("outer_rate", self.outer_rate, 0 < self.outer_rate < inf, "positive")
        momentum = self.outer_momentum
        check_range("outer_momentum", momentum, 0 <= momentum < 1, "in [0, 1)")

    def n_rounds(self, recipe: Recipe) -> int:
        """Rounds of a network, which together are the recipe's epochs."""
        return ceil(recipe.max_iter / self.local_epochs)

    def rounds(self, recipe: Recipe, settings: Settings, *, validates: bool) -> RoundOptions:
        """What the coordinator of a network does; patience is counted in rounds."""
        return RoundOptions(
            self.n_rounds(recipe),
            self.outer_rate,
            self.outer_momentum,
            early_stopping=settings.early_stopping and validates,
            tol=float(settings.tol),
            n_iter_no_change=recipe.n_iter_no_change / self.local_epochs,
            patience_growth=recipe.patience_growth,
        )


def check_range(name: str, value: Any, is_right: bool, expected: str) -> None:
    """Raise if a parameter is out of its range."""
    if not is_right:
        raise ValueError(f"{name} must be {expected}; got {value!r}")
