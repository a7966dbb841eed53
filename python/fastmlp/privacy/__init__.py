"""Differential privacy: what noise costs and protects.

`epsilon` says what so much noise protects, `noise_multiplier` how much noise protects so much.
"""

from fastmlp.privacy.accounting import epsilon, noise_multiplier

__all__ = ["epsilon", "noise_multiplier"]
