"""Warnings that point at the user's line, and their classes."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from types import FrameType

_PACKAGE = str(Path(__file__).parent) + os.sep
_CALLERS = ("sklearn", "joblib", "functools")


class ExtrapolationWarning(UserWarning):
    """Many rows of a table lie beyond the range of the training rows; see docs/forecasts.md."""


class ValidationWarning(UserWarning):
    """Random validation folds may be wrong for the training rows; see docs/validation.md."""


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Issue a warning at the nearest line that is neither the package's own nor scikit-learn's.

    scikit-learn and its joblib call methods in pipelines, and `transform` in any case; functools
    calls cached properties. A fixed `stacklevel` would have to follow every change in how deep the
    calls go.
    """
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and _is_inside(frame):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def _is_inside(frame: FrameType) -> bool:
    is_own = frame.f_code.co_filename.startswith(_PACKAGE)
    package, _, _ = frame.f_globals.get("__name__", "").partition(".")
    return is_own or package in _CALLERS
