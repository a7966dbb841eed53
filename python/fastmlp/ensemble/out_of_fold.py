"""OutOfFold: predictions for the training rows, and the targets that they belong to."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmlp.table.rows import pieces


class OutOfFold(NamedTuple):
    """Predictions for the training rows, by the networks that they were held out from.

    Attributes
    ----------
    predicted : ndarray of shape (n_rows,) or (n_rows, n_columns)
        NaN for rows that no network held out.
    std : ndarray of the same shape, or None
        The standard deviations of these, if they were learnt.
    targets_digest : bytes or None
        See `digest_of_targets`; None if an older version of fastmlp wrote the model.
    """

    predicted: NDArray[np.float64]
    std: NDArray[np.float64] | None
    targets_digest: bytes | None

    def check_targets(self, targets: NDArray[Any]) -> None:
        """Raise unless these are the targets of the training rows, in their order.

        Parameters
        ----------
        targets : ndarray of shape (n_rows,) or (n_rows, n_outputs)
            As the task encodes them.
        """
        if self.targets_digest not in (None, digest_of_targets(targets)):
            raise ValueError(
                "y must hold the targets that fit was given, in the same order: X=None stands for "
                "the training rows. It differs from these targets, if only by rounding or in the "
                "order. To calibrate on other rows pass them as X, with their own y"
            )


def digest_of_targets(targets: NDArray[Any]) -> bytes:
    """Digest of encoded targets as numbers, of whatever type they are; model files hold it."""
    digest = sha256(str(targets.shape).encode())
    for rows in pieces(targets):
        numbers = targets[rows].astype(np.float64, order="C") + 0.0  # -0 is 0
        numbers[np.isnan(numbers)] = np.nan  # which has several forms
        digest.update(numbers.data)
    return digest.digest()
