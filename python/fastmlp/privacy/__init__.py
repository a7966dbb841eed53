"""Differential privacy: what noise costs and protects, and what a private fit is asked for.

`epsilon` says what so much noise protects, `noise_multiplier` how much noise protects so much.
"""

from fastmlp.privacy.accounting import epsilon, noise_multiplier
from fastmlp.privacy.options import Privacy, PrivacyGuarantee

__all__ = ["Privacy", "PrivacyGuarantee", "epsilon", "noise_multiplier"]
