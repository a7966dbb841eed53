"""The report of `fastmlp train`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.cli.models.scores import Scores, lines_of
from fastmlp.cli.training.data import TrainingData
from fastmlp.cli.training.roles import Roles

_OPTIMISTIC = "slightly optimistic, as they chose the epoch and the networks' weights"


@dataclass(frozen=True)
class HeldOutPredictions:
    """Held-out rows, and predictions for them by networks that were not trained on them.

    Attributes
    ----------
    y : ndarray of shape (n_rows,) or (n_rows, n_targets)
    outputs : ndarray
        Predicted numbers or probabilities.
    weight : ndarray of shape (n_rows,) or None
    description : str
        Which rows these are, and what their scores are worth.
    """

    y: NDArray[Any]
    outputs: NDArray[np.float64]
    weight: NDArray[np.float64] | None
    description: str


def out_of_fold(model: Any, data: TrainingData, roles: Roles) -> HeldOutPredictions | None:
    """The training rows with their out-of-fold predictions; None if there are none."""
    outputs = getattr(model, "oof_proba_", getattr(model, "oof_prediction_", None))
    if outputs is None:
        return None
    known = ~np.isnan(outputs).reshape(len(outputs), -1).any(axis=1)
    trained = "that were not trained on it"
    if roles.groups is not None:
        trained = f"that were not trained on its {roles.groups!r}"
    elif roles.time is not None:
        trained = f"that were trained on rows before its {roles.time!r}"
    return HeldOutPredictions(
        data.targets.y[known],
        outputs[known],
        None if data.weight is None else data.weight[known],
        f"{known.sum():,} rows, each predicted by networks {trained}; {_OPTIMISTIC}",
    )


def validation_rows(
    y: NDArray[Any], outputs: NDArray[Any], weight: NDArray[Any] | None, which: str
) -> HeldOutPredictions:
    """Rows that were held out from all networks."""
    return HeldOutPredictions(y, outputs, weight, f"{len(y):,} rows, {which}; {_OPTIMISTIC}")


def report(
    table: str,
    data: TrainingData,
    model: Any,
    held_out: HeldOutPredictions | None,
    scores: Mapping[str, Scores],
) -> str:
    """Describe a training in lines to print."""
    return "\n".join(_lines(table, data, model, held_out, scores))


def _lines(
    table: str,
    data: TrainingData,
    model: Any,
    held_out: HeldOutPredictions | None,
    scores: Mapping[str, Scores],
) -> Iterator[str]:
    targets, n_networks = data.targets, len(model.networks_)
    yield f"Table     {table}: {data.X.num_rows:,} rows, {data.X.num_columns} inputs"
    if data.n_without_target:
        yield f"Left out  {data.n_without_target:,} rows without a target"
    yield f"Target    {', '.join(targets.names)}"
    yield f"Task      {targets.task}, {targets.reason}"
    yield training_line(model)
    if held_out is None:
        why = "too few of them" if n_networks > 1 else "a single network was trained"
        yield not_scored_line(model, why)
        return
    yield f"Held out  {held_out.description}"
    yield "Scores of the held-out rows"
    yield from lines_of(scores)


def training_line(model: Any) -> str:
    """The line on training."""
    n_networks = len(model.networks_)
    plural = "s" if n_networks > 1 else ""
    return (
        f"Training  {n_networks} network{plural}, {model.fit_seconds_:.1f} seconds, ended by "
        f"{model.stop_reason_}"
    )


def not_scored_line(model: Any, why: str) -> str:
    """The line that says there are no held-out scores, with the validation loss if there is one."""
    best = "" if model.best_iteration_ is None else f"; validation loss {model.best_loss_:.4g}"
    return f"Held out  no rows to score: {why}{best}"
