"""Predictions as columns of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from fastmlp import Predictor
from fastmlp.cli.errors import DataError
from fastmlp.model_file.notes import Notes


def predicted_columns(
    predictor: Predictor, notes: Notes, X: Any, *, with_probabilities: bool
) -> dict[str, NDArray[Any]]:
    """Predict rows; the columns by name.

    One column is called "prediction"; of several each has its name or number behind it.
    Probabilities are called "probability_" and the class or target.

    Parameters
    ----------
    predictor : Predictor
    notes : Notes
        With the names of the columns, if they are known.
    X : table of the model's columns
    with_probabilities : bool

    Raises
    ------
    DataError
        If there are no probabilities.
    """
    predicted = predictor.predict(X)
    several = notes.names_of(predicted.shape[1]) if predicted.ndim == 2 else None
    columns = _named("prediction", predicted, several)
    if with_probabilities:
        classes = predictor.classes_
        if classes is None:
            raise DataError("--proba is for classifications; this model predicts numbers")
        columns |= _named("probability", predictor.predict_proba(X), several or classes.tolist())
    return columns


def _named(
    name: str, values: NDArray[Any], of_columns: Sequence[Any] | None
) -> dict[str, NDArray[Any]]:
    if of_columns is None:
        return {name: values}
    return {f"{name}_{own}": column for own, column in zip(of_columns, values.T, strict=True)}
