"""Tuning: a search space for several tuners, and a callback that prunes trials of Optuna."""

from fastmlp.tuning.optuna_pruning import OptunaPruning
from fastmlp.tuning.spaces import space

__all__ = ["OptunaPruning", "space"]
