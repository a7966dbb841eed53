"""Warnings that point at the user's line, and their classes."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

_PACKAGE = str(Path(__file__).parent) + os.sep


class ExtrapolationWarning(UserWarning):
    """Many rows of a table lie beyond the range of the training rows; see docs/forecasts.md."""


class ValidationWarning(UserWarning):
    """Random validation folds do not fit the training rows; see docs/validation.md."""


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Issue a warning at the nearest line that is not the package's own.

    A fixed `stacklevel` would have to follow every change in how deep the package's calls go.
    """
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
