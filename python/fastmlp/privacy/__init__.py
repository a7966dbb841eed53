"""Differential privacy: epsilon, the noise that it needs, and the options of a private fit.

`epsilon` is computed from the noise, `noise_multiplier` from epsilon.
"""

from fastmlp.privacy.accounting import epsilon, noise_multiplier
from fastmlp.privacy.options import Privacy, PrivacyGuarantee

__all__ = ["Privacy", "PrivacyGuarantee", "epsilon", "noise_multiplier"]
