"""Arrays in a form that the compiled core reads in place."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def engine_array(X: NDArray[Any]) -> NDArray[Any]:
    """X as the core can read it in place; types that it does not know are converted."""
    if X.dtype.kind == "b":
        return X.view(np.uint8)
    known = X.dtype.kind in "iu" or X.dtype in (np.float32, np.float64)
    if not known:
        return X.astype(np.float32 if X.dtype == np.float16 else np.float64)
    if not X.dtype.isnative or not X.flags.aligned:
        return X.astype(X.dtype.newbyteorder("="))
    return X
