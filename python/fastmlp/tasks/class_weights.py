"""Weights of classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

ClassWeight = Mapping[Any, float] | Literal["balanced"] | Sequence[Mapping[Any, float]] | None


def balanced_weights(labels: NDArray[Any], sample_weight: NDArray[Any] | None) -> dict[Any, float]:
    """Weights with which each label weighs as much as the others in all rows together.

    scikit-learn's compute_class_weight, without the 40 bytes per row that it takes.
    """
    if sample_weight is None:
        present, counts = np.unique(labels, return_counts=True)
    else:
        counted = sample_weight > 0
        present, codes = np.unique(labels[counted], return_inverse=True)
        counts = np.bincount(codes, weights=sample_weight[counted])
    balanced = counts.sum() / (present.size * counts)
    return dict(zip(present.tolist(), balanced.tolist(), strict=True))
