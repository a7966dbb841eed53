"""Predictions as columns of a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier

from fastmlp.cli.errors import DataError


def predicted_columns(
    model: Any, targets: Sequence[str], X: Any, *, with_probabilities: bool
) -> dict[str, NDArray[Any]]:
    """Predict rows; the columns by name.

    One target is called "prediction"; of several, and of several quantiles, each has its name or
    number behind it. Probabilities are called "probability_" and the class or target.

    Parameters
    ----------
    model : estimator
        Fitted.
    targets : sequence of str
        Their names, if they are known.
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
        return dict(_named("prediction", model.predict(X), _outputs(model, targets)))
    probabilities = model.predict_proba(X)
    labels = model._pipeline.decoder.labels(probabilities)
    columns = dict(_named("prediction", labels, targets))
    if with_probabilities:
        of_labels = targets if labels.ndim == 2 else model.classes_.tolist()
        columns.update(_named("probability", probabilities, of_labels))
    return columns


def _outputs(model: Any, targets: Sequence[str]) -> Sequence[str]:
    """Names of the columns of a regressor's predictions."""
    if getattr(model, "loss", None) == "quantile" and np.ndim(model.quantile):
        return [f"{quantile:g}" for quantile in model.quantile]
    return targets


def _named(
    name: str, values: NDArray[Any], of_columns: Sequence[Any]
) -> Iterator[tuple[str, NDArray[Any]]]:
    if values.ndim == 1:
        yield name, values
        return
    names = of_columns or range(values.shape[1])
    for column, own in zip(values.T, names, strict=True):
        yield f"{name}_{own}", column
