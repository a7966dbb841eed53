"""Conformal scores, for intervals and sets of classes, in a model file."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.model_file.draft import Draft
from fastmlp.model_file.fields import Fields, one_of, plain, real, tuple_of
from fastmlp.model_file.tensors import Tensors
from fastmlp.model_file.values import Values, written_value
from fastmlp.prediction.conformal import (
    Conformal,
    ConformalScores,
    Difficulty,
    PredictionIntervals,
    PredictionSets,
)
from fastmlp.prediction.decoders import (
    ClassificationDecoder,
    Decoder,
    RegressionDecoder,
    has_several_labels,
)

_KINDS = ("intervals", "sets")


def written_conformal(conformal: Conformal, draft: Draft) -> dict[str, Any]:
    """The scores of intervals or sets, as an object."""
    scores = conformal.scores
    draft.add("conformal.scores", scores.values)
    if scores.weights is not None:
        draft.add("conformal.weights", scores.weights)
    groups = None
    if scores.group is not None:
        draft.add("conformal.group", scores.group)
        groups = [written_value(label, draft) for label in scores.labels]
    if isinstance(conformal, PredictionSets):
        draft.add("conformal.classes", conformal.classes)
        return {"kind": "sets", "groups": groups}
    draft.add("conformal.shrinkage", conformal.shrinkage)
    if conformal.difficulty is not None:
        draft.add("conformal.difficulty.predicted", conformal.difficulty.predicted)
        draft.add("conformal.difficulty.error", conformal.difficulty.error)
    return {"kind": "intervals", "groups": groups, "quantiles": plain(conformal.quantiles)}


def read_conformal(
    fields: Fields, decoder: Decoder, n_outputs: int, tensors: Tensors, values: Values
) -> Conformal:
    """The intervals or sets of a file, for the decoder's predictions.

    Parameters
    ----------
    n_outputs : int
        Outputs of the networks, without variances.
    """
    is_regression = isinstance(decoder, RegressionDecoder)
    kind = fields.get("kind", one_of(_KINDS))
    if (kind == "intervals") != is_regression or has_several_labels(decoder):
        raise fields.error(f"must not be {kind} of what the decoder predicts")
    scores = _read_scores(fields, n_outputs if is_regression else 1, tensors, values)
    if isinstance(decoder, ClassificationDecoder):
        classes = tensors.take("conformal.classes", "int32", (len(scores.values),))
        _check_below(classes, decoder.classes.size, "classes", fields)
        return PredictionSets(scores, classes)
    assert isinstance(decoder, RegressionDecoder)
    quantiles = fields.get("quantiles", tuple_of(real(0, 1)))
    if len(quantiles) != (n_outputs if decoder.sorts else 0):
        raise fields.error(f"must not have {len(quantiles)} quantiles")
    shrinkage = tensors.floats("conformal.shrinkage", (n_outputs,))
    return PredictionIntervals(
        scores, _read_difficulty(fields, n_outputs, tensors), quantiles, shrinkage, decoder.has_std
    )


def _read_scores(
    fields: Fields, n_columns: int, tensors: Tensors, values: Values
) -> ConformalScores:
    found = tensors.floats("conformal.scores", (None, n_columns))
    n = len(found)
    weights = group = None
    labels: list[Any] = []
    if "conformal.weights" in tensors:
        weights = tensors.floats("conformal.weights", (n,))
        if not (weights > 0).all():
            raise fields.error("must have positive weights")
    if fields.has("groups"):
        labels = fields.get("groups", values.labels)
        if len({*labels}) < len(labels):
            raise fields.error("must have groups that differ")
        group = tensors.take("conformal.group", "int32", (n,))
        _check_below(group, len(labels), "groups", fields)
    return ConformalScores(found, weights, group, tuple(labels))


def _read_difficulty(fields: Fields, n_outputs: int, tensors: Tensors) -> Difficulty | None:
    if "conformal.difficulty.error" not in tensors:
        return None
    error = tensors.floats("conformal.difficulty.error", (n_outputs, None))
    predicted = tensors.floats("conformal.difficulty.predicted", error.shape)
    if not ((error > 0).all() and error.size and (np.diff(predicted) >= 0).all()):
        raise fields.error("must have a positive difficulty, at predictions in ascending order")
    return Difficulty(predicted, error)


def _check_below(numbers: NDArray[Any], n: int, name: str, fields: Fields) -> None:
    if numbers.size and not 0 <= numbers.min() <= numbers.max() < n:
        raise fields.error(f"must have numbers of {name} from 0 to {n - 1}")
