"""Predictions as columns of a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    columns = dict(_named("prediction", predicted, notes.outputs))
    if with_probabilities:
        classes = predictor.classes_
        if classes is None:
            raise DataError("--proba is for classifications; this model predicts numbers")
        of_labels = notes.outputs if predicted.ndim == 2 else classes.tolist()
        columns.update(_named("probability", predictor.predict_proba(X), of_labels))
    return columns


def _named(
    name: str, values: NDArray[Any], of_columns: Sequence[Any]
) -> Iterator[tuple[str, NDArray[Any]]]:
    if values.ndim == 1:
        yield name, values
        return
    names = of_columns or range(values.shape[1])
    for column, own in zip(values.T, names, strict=True):
        yield f"{name}_{own}", column
