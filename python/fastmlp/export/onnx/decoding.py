"""Decoders in operators: from outputs after the inverse link to predictions, all in double."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.export.onnx.activations import probability_of
from fastmlp.export.onnx.graph import Graph
from fastmlp.prediction.decoders import ClassificationDecoder, RegressionDecoder
from fastmlp.table.text import quoted_few

_DOUBLE = np.dtype(np.float64)
_INTEGER = np.dtype(np.int64)


def std_of(g: Graph, decoder: RegressionDecoder, moments: str) -> str:
    """Standard deviations from means and mean squares; see `mean_of_outputs`."""
    n = decoder.unit.size
    means, squares = (g("Gather", moments, np.arange(first, first + n), axis=1) for first in (0, n))
    variances = g("Sub", squares, g("Mul", means, means))
    return g("Mul", g("Sqrt", g("Max", variances, np.float64(0))), decoder.unit)


def numbers_of(g: Graph, decoder: RegressionDecoder, outputs: str, beyond: str | None) -> str:
    """Predictions, (n_rows, n_predictions).

    `beyond` is what a linear part adds beyond the training range.
    """
    if decoder.has_std:
        outputs = g("Gather", outputs, np.arange(decoder.unit.size), axis=1)
    predicted = g("Add", g("Mul", outputs, decoder.unit), decoder.shift)
    lowest, highest = decoder.lowest, decoder.highest
    if lowest is not None and highest is not None:
        if not decoder.moves:
            predicted = g("Min", g("Max", predicted, lowest), highest)
        elif beyond is not None:
            zero = np.float64(0)
            predicted = g("Max", predicted, g("Add", g("Min", beyond, zero), lowest))
            predicted = g("Min", predicted, g("Add", g("Max", beyond, zero), highest))
    if decoder.sorts:
        n_columns = g("Gather", g("Shape", predicted), np.array([1]))
        predicted = g("TopK", predicted, n_columns, n_outputs=2, axis=1, largest=0)
    return predicted


def probabilities_of(
    g: Graph, decoder: ClassificationDecoder, outputs: str, n_outputs: int, dtype: np.dtype[Any]
) -> str:
    """Calibrated probabilities, (n_rows, n_classes or n_labels); see `apply_temperature`.

    `dtype` is the networks' type, whose numbers next to 0 and 1 stand for these.
    """
    limits = np.finfo(dtype)
    temperature = np.float64(decoder.temperature)
    is_calibrated = bool(np.any(temperature != 1.0))
    if decoder.multilabel:
        if not is_calibrated:
            return outputs
        p = g("Max", g("Min", outputs, 1.0 - np.float64(limits.epsneg)), np.float64(limits.tiny))
        logits = g("Sub", g("Log", p), g("Log", g("Sub", np.float64(1), p)))
        return probability_of(g, g("Div", logits, temperature), _DOUBLE)
    if n_outputs == 1:
        p = g.concat([g("Sub", np.float64(1), outputs), outputs], axis=1)
    else:
        p = g("Div", outputs, g("ReduceSum", outputs, np.array([1]), keepdims=1))
        if decoder.ranks is not None:
            p = g("Gather", p, decoder.ranks.astype(np.int64), axis=1)
    if not is_calibrated:
        return p
    logits = g("Log", g("Max", p, np.float64(limits.tiny)))
    return g("Softmax", g("Div", logits, temperature), axis=1)


def labels_of(g: Graph, decoder: ClassificationDecoder, probabilities: str) -> str:
    """The predicted class of each row (n_rows,), or zeros and ones (n_rows, n_labels)."""
    if decoder.multilabel:
        return g.cast(g("Greater", probabilities, np.float64(0.5)), _INTEGER)
    if decoder.cost_matrix is None:
        best = g("ArgMax", probabilities, axis=1, keepdims=0)
    else:
        best = g("ArgMin", g("MatMul", probabilities, decoder.cost_matrix), axis=1, keepdims=0)
    return g("Gather", exported_classes(decoder), best)


def exported_classes(decoder: ClassificationDecoder) -> NDArray[Any]:
    """The classes in a type that tensors have: text, integers (also for booleans) or double.

    Raises
    ------
    ValueError
        If they are of another type or of several.
    """
    classes = decoder.classes
    if classes.dtype.kind in "biu":
        return classes.astype(np.int64)
    if classes.dtype.kind == "f":
        return classes.astype(np.float64)
    labels = classes.tolist()
    if all(isinstance(label, str) for label in labels):
        return np.array(labels, dtype=object)
    raise ValueError(
        "the classes cannot be exported to ONNX, as they are neither text nor numbers: "
        f"{quoted_few(labels)}. Convert them to text before fit"
    )
