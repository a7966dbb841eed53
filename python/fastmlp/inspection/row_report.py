"""What a model predicts for a row and why, in a few sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.inspection.attributions import Attributions
from fastmlp.inspection.shown_value import shown_value
from fastmlp.prediction.decoders import ClassificationDecoder, Decoder, RegressionDecoder


def row_report(attributions: Attributions, decoder: Decoder, max_columns: int) -> str:
    """Describe the attributions of a single row.

    Parameters
    ----------
    attributions : Attributions
        Attributions of one row; for a classifier, of its probabilities.
    decoder : Decoder
        Decoder of the model.
    max_columns : int
        Columns that are named, those of the largest attributions.
    """
    if isinstance(decoder, ClassificationDecoder) and not decoder.multilabel:
        return " ".join(_of_class(attributions, decoder, max_columns))
    is_share = isinstance(decoder, ClassificationDecoder)
    if attributions.values.ndim == 2:
        return " ".join(_of_output(attributions, "The prediction", max_columns, is_share=is_share))
    names = attributions.output_names or range(attributions.values.shape[2])
    what = "The prediction of output"
    if is_share:
        what = "The probability of label"
    elif isinstance(decoder, RegressionDecoder) and decoder.sorts:
        what = "The prediction of quantile"
    return "\n".join(
        " ".join(
            _of_output(
                attributions.of_output(name), f"{what} {name}", max_columns, is_share=is_share
            )
        )
        for name in names
    )


def _of_class(
    attributions: Attributions, decoder: ClassificationDecoder, max_columns: int
) -> Iterator[str]:
    """Sentences on the predicted class."""
    probabilities = attributions.predictions[:1].reshape(1, -1)
    is_binary = probabilities.shape[1] == 1
    if is_binary:
        probabilities = np.hstack([1 - probabilities, probabilities])
    label = decoder.labels(probabilities)[0]
    k = int(np.flatnonzero(decoder.classes == label)[0])
    if is_binary:
        values, base = attributions.values[0], attributions.base_value
        if k == 0:
            values, base = -values, 1 - base
    else:
        of_class = attributions.of_output(attributions.output_names[k])  # type: ignore[index]
        values, base = of_class.values[0], of_class.base_value
    label = label.item() if isinstance(label, np.generic) else label
    yield (
        f"The predicted class is {label!r}. "
        + _compared("Its probability", float(probabilities[0, k]), float(base), is_share=True)
    )
    yield from _moves(attributions, values, max_columns, is_share=True)


def _of_output(
    attributions: Attributions, what: str, max_columns: int, *, is_share: bool
) -> Iterator[str]:
    """Sentences on a number or a probability."""
    prediction, base = float(attributions.predictions[0]), attributions.base_value
    yield _compared(what, prediction, float(base), is_share=is_share)
    yield from _moves(attributions, attributions.values[0], max_columns, is_share=is_share)


def _compared(what: str, prediction: float, base: float, *, is_share: bool) -> str:
    change = prediction - base
    side = "above" if change >= 0 else "below"
    if is_share:
        amounts = f"{prediction:.1%}, {abs(100 * change):.1f} points {side} {base:.1%}"
    else:
        amounts = f"{prediction:.4g}, {abs(change):.3g} {side} {base:.4g}"
    return f"{what} is {amounts}, the mean for the background."


def _moves(
    attributions: Attributions, values: NDArray[np.float64], max_columns: int, *, is_share: bool
) -> Iterator[str]:
    """Which columns raise it, which lower it, and what the others do."""
    order = np.argsort(-np.abs(values), kind="stable")
    named = [column for column in order[:max_columns].tolist() if values[column] != 0]
    data, names = attributions.data[0], attributions.feature_names

    def amount(value: float) -> str:
        return f"{100 * value:+.1f}" if is_share else f"{value:+.3g}"

    for verb, sign in (("raised", 1), ("lowered", -1)):
        parts = [
            f"{names[column]} = {shown_value(data[column])} ({amount(values[column])})"
            for column in named
            if sign * values[column] > 0
        ]
        if parts:
            yield f"It is {verb} by {_listed(parts)}."
    n_others = values.size - len(named)
    if n_others:
        rest = float(np.delete(values, named).sum())
        columns = "other column adds" if n_others == 1 else f"{n_others} other columns add"
        yield f"The {columns} {amount(rest)}."


def _listed(parts: Sequence[Any]) -> str:
    """Parts of a sentence, with "and" before the last one."""
    *others, last = parts
    return f"{', '.join(others)} and {last}" if others else str(last)
