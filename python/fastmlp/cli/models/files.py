"""Model files, whose errors name the file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import fastmlp
from fastmlp.cli.errors import DataError
from fastmlp.model_file.description import Description, read_description
from fastmlp.model_file.notes import Notes

_T = TypeVar("_T")


def load_model(path: str) -> tuple[Any, Notes]:
    """The estimator of a model file, and what is noted beside it."""
    model = _read(fastmlp.load, path)
    _check_one_column(model, path)
    return model, Notes.of(describe(path), model._pipeline)


def load_predictor(path: str) -> tuple[fastmlp.Predictor, Notes]:
    """The predictor of a model file, which loads faster, and what is noted beside the model."""
    predictor = _read(fastmlp.load_predictor, path)
    _check_one_column(predictor, path)
    return predictor, Notes.of(describe(path), predictor._pipeline)


def describe(path: str) -> Description:
    """The description of a model file."""
    return _read(read_description, path)


def _check_one_column(model: Any, path: str) -> None:
    if isinstance(getattr(model, "classes_", None), list):
        raise DataError(
            f"{path} predicts several columns of labels; the command line does not support such "
            "models"
        )


def _read(how: Callable[[str], _T], path: str) -> _T:
    try:
        return how(path)
    except FileNotFoundError as error:
        raise DataError(f"no such file: {path}") from error
    except (OSError, fastmlp.ModelFileError) as error:
        raise DataError(f"cannot load {path}: {error}") from error
