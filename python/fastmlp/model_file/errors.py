"""ModelFileError: a model file cannot be loaded."""

from __future__ import annotations


class ModelFileError(ValueError):
    """A model file cannot be loaded: it is damaged, not a model file, or newer than this version.

    The message says what was wrong and what was expected.
    """
