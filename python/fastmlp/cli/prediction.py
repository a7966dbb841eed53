"""Predictions as columns of a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from numpy.typing import NDArray
from sklearn.base import is_classifier

from fastmlp.cli.errors import DataError
from fastmlp.model_file.notes import Notes


def predicted_columns(
    model: Any, notes: Notes, X: Any, *, with_probabilities: bool
) -> dict[str, NDArray[Any]]:
    """Predict rows; the columns by name.

    One column is called "prediction"; of several each has its name or number behind it.
    Probabilities are called "probability_" and the class or target.

    Parameters
    ----------
    model : estimator
        Fitted.
    notes : Notes
        With the names of the columns, if they are known.
    X : table of the model's columns
    with_probabilities : bool

    Raises
    ------
    DataError
        If there are no probabilities.
    """
    if not is_classifier(model):
        if with_probabilities:
            raise DataError("--proba is for classifications; this model predicts numbers")
        return dict(_named("prediction", model.predict(X), notes.outputs))
    probabilities = model.predict_proba(X)
    labels = model._pipeline.decoder.labels(probabilities)
    columns = dict(_named("prediction", labels, notes.outputs))
    if with_probabilities:
        of_labels = notes.outputs if labels.ndim == 2 else model.classes_.tolist()
        columns.update(_named("probability", probabilities, of_labels))
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
