"""`predict_dataset`: predictions of a table that is read in blocks."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.prediction.decoders import (
    Decoder,
    MultioutputDecoder,
    RegressionDecoder,
    n_columns_of_predictions,
)
from fastmlp.streaming.memory import MemoryPlan, size_in_bytes
from fastmlp.streaming.predictions import named_predictions, write_predictions
from fastmlp.streaming.sources.opening import open_source
from fastmlp.streaming.sources.recognition import is_stream
from fastmlp.table.value_kinds import kinds_in_text

if TYPE_CHECKING:
    from fastmlp.estimators.base import BaseMLP


def predict_stream(
    estimator: BaseMLP,
    X: Any,
    folder: str | PathLike[str],
    *,
    keep: str | Sequence[str],
    max_memory: int | str,
) -> int:
    """Write predictions of a stream; see `BaseMLP.predict_dataset`."""
    if not is_stream(X):
        raise TypeError(
            "X must be a path, a dataset, a lazy frame or a function; `predict` takes tables in "
            f"memory; got {type(X).__name__}"
        )
    kept = [keep] if isinstance(keep, str) else keep
    model: Any = estimator
    encoder, task = model._fitted.encoder, model._fitted.task
    n_outputs = n_columns_of_predictions(task.decoder, model._fitted.ensemble.n_outputs)
    outputs = task.output_names or range(n_outputs)
    classes = _names_of_probabilities(task.decoder, outputs)

    def predict(block: Any) -> dict[str, NDArray[Any]]:
        probabilities = model.predict_proba(block) if classes else None
        if isinstance(probabilities, list):
            probabilities = np.hstack(probabilities)
        return named_predictions(model.predict(block), probabilities, outputs, classes)

    names = None if encoder.feature_names is None else encoder.feature_names.tolist()
    needed = None if names is None else [*names, *kept]
    memory = MemoryPlan(size_in_bytes(max_memory))
    return write_predictions(
        open_source(X, None, has_targets=False, known=kinds_in_text(encoder, kept), needed=needed),
        folder,
        predict,
        columns=names,
        keep=kept,
        block_rows=memory.block_rows(encoder.n_columns),
    )


def _names_of_probabilities(decoder: Decoder, outputs: Sequence[Any]) -> list[str]:
    """A name for each probability of a row: its class, label, or output and class."""
    if isinstance(decoder, RegressionDecoder):
        return []
    if isinstance(decoder, MultioutputDecoder):
        names = _names_of_pairs(outputs, decoder.classes)
        if len({*names}) < len(names):  # "a" and "b_c", "a_b" and "c"
            names = _names_of_pairs(range(len(outputs)), decoder.classes)
        return names
    return [*map(str, outputs if decoder.multilabel else decoder.classes)]


def _names_of_pairs(outputs: Sequence[Any], classes: Sequence[NDArray[Any]]) -> list[str]:
    by_output = zip(outputs, classes, strict=True)
    return [f"{output}_{label}" for output, own in by_output for label in own.tolist()]
