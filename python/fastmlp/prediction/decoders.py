"""Decoders: from the outputs of networks to predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


@dataclass(frozen=True, eq=False)
class RegressionDecoder:
    """Outputs as numbers in the unit of the target. Immutable.

    Parameters
    ----------
    unit, shift : ndarray of shape (n_outputs,)
        A prediction is ``outputs * unit + shift``.
    lowest, highest : ndarray of shape (n_outputs,) or None
        Limits of predictions; None: there are none.
    moves : bool
        Whether the limits move by what a linear part adds beyond the training range.
    sorts : bool
        Whether the outputs are quantiles, which must not cross.
    one_dimensional : bool
        Whether predictions have the shape (n_rows,).
    has_std : bool, default=False
        Whether the outputs are means, which are the predictions, and then as many variances.
    """

    unit: NDArray[np.float64]
    shift: NDArray[np.float64]
    lowest: NDArray[np.float64] | None
    highest: NDArray[np.float64] | None
    moves: bool
    sorts: bool
    one_dimensional: bool
    has_std: bool = False

    def raw_offset(
        self, offset: NDArray[np.float64], n_outputs: int, dtype: DTypeLike
    ) -> NDArray[Any]:
        """What to add to the networks' `n_outputs` raw outputs for an offset of predictions."""
        scaled = offset / self.unit
        shape = (offset.shape[0], n_outputs)
        return np.ascontiguousarray(np.broadcast_to(scaled, shape), dtype=dtype)

    def decode(
        self, outputs: NDArray[Any], beyond: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Outputs as predictions.

        Parameters
        ----------
        outputs : ndarray of shape (n_rows, n_outputs or n_quantiles)
        beyond : ndarray of shape (n_rows, n_outputs) or None
            What the linear part adds beyond the training range. If limits move and this is not
            known, there are none.
        """
        if self.has_std:
            outputs = outputs[:, : self.unit.size]
        predicted: NDArray[np.float64] = outputs.astype(np.float64)
        predicted *= self.unit
        predicted += self.shift
        if self.lowest is not None and self.highest is not None:
            if not self.moves:
                predicted.clip(self.lowest, self.highest, out=predicted)
            elif beyond is not None:
                lowest = self.lowest + np.minimum(beyond, 0)
                np.clip(predicted, lowest, self.highest + np.maximum(beyond, 0), out=predicted)
        if self.sorts:
            # Quantiles may cross where there are few rows; sorted ones are closer to the truth
            # (Chernozhukov, Fernández-Val & Galichon 2010, https://doi.org/10.3982/ECTA7880).
            predicted.sort(axis=1)
            return predicted
        return predicted[:, 0] if self.one_dimensional else predicted

    def std(self, outputs: NDArray[Any]) -> NDArray[np.float64] | None:
        """The standard deviation of each prediction, in its shape; None if none was learnt."""
        if not self.has_std:
            return None
        std: NDArray[np.float64] = np.sqrt(outputs[:, self.unit.size :].astype(np.float64))
        std *= self.unit
        return std[:, 0] if self.one_dimensional else std


@dataclass(frozen=True, eq=False)
class ClassificationDecoder:
    """Outputs as calibrated probabilities, and these as labels. Immutable.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The labels; of several labels per row the numbers of the columns of y.
    multilabel : bool
        Whether each output is an independent label.
    temperature : float or ndarray of shape (n_labels,)
        Divides the logits; with `multilabel` one for each label.
    cost_matrix : ndarray of shape (n_classes, n_classes) or None
        Cost of each prediction (column) where a class (row) is true; None: all errors cost alike.
    ranks : ndarray of shape (n_classes,) or None
        Place of each class in the outputs; None: they are in the order of the classes.
    """

    classes: NDArray[Any]
    multilabel: bool
    temperature: float | NDArray[np.float64] = 1.0
    cost_matrix: NDArray[np.float64] | None = None
    ranks: NDArray[np.intp] | None = None

    @property
    def ranked_classes(self) -> NDArray[Any]:
        """The classes in the order of the outputs."""
        ranked: NDArray[Any] = (
            self.classes if self.ranks is None else self.classes[np.argsort(self.ranks)]
        )
        return ranked

    def raw_offset(
        self, offset: NDArray[np.float64], n_outputs: int, dtype: DTypeLike
    ) -> NDArray[Any]:
        """What to add to the networks' raw outputs: an offset of logits as it is."""
        return np.ascontiguousarray(offset, dtype=dtype)

    def probabilities(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Outputs as probabilities before calibration, a column for each class or label.

        A single output of two classes is the probability of the second.
        """
        if self.ranks is not None:
            return outputs[:, self.ranks]
        if self.multilabel or outputs.shape[1] > 1:
            return outputs
        return np.hstack([1 - outputs, outputs])

    def decode(
        self, outputs: NDArray[Any], beyond: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Outputs as calibrated probabilities, (n_rows, n_classes or n_labels)."""
        probabilities = self.probabilities(outputs.astype(np.float64))
        if outputs.shape[1] > 1 and not self.multilabel:
            # they add up to 1 up to the rounding of the networks' type
            probabilities /= probabilities.sum(axis=1, keepdims=True)
        return apply_temperature(
            probabilities,
            self.temperature,
            exclusive=not self.multilabel,
            precision=outputs.dtype,
        )

    def labels(self, probabilities: NDArray[Any]) -> NDArray[Any]:
        """The class of least expected cost of each row, or zeros and ones of several labels."""
        if self.multilabel:
            return (probabilities > 0.5).astype(np.int64)
        if self.cost_matrix is None:
            best = probabilities.argmax(axis=1)
        else:
            best = (probabilities @ self.cost_matrix).argmin(axis=1)
        labels: NDArray[Any] = self.classes[best]
        return labels

    def by_output(self, probabilities: NDArray[Any]) -> NDArray[Any]:
        """Probabilities as `predict_proba` returns them."""
        return probabilities


@dataclass(frozen=True, eq=False)
class MultioutputDecoder:
    """Outputs as calibrated probabilities of several classifications of a row. Immutable.

    Parameters
    ----------
    classes : tuple of ndarray
        The labels of each classification, whose probabilities follow one another in the outputs.
    temperatures : tuple of float
        What divides the logits of each.
    """

    classes: tuple[NDArray[Any], ...]
    temperatures: tuple[float, ...]

    def raw_offset(
        self, offset: NDArray[np.float64], n_outputs: int, dtype: DTypeLike
    ) -> NDArray[Any]:
        """What to add to the networks' raw outputs: an offset of logits as it is."""
        return np.ascontiguousarray(offset, dtype=dtype)

    def decode(
        self, outputs: NDArray[Any], beyond: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Outputs as calibrated probabilities side by side, (n_rows, number of all classes)."""
        decoded = []
        for own, temperature in zip(self.by_output(outputs), self.temperatures, strict=True):
            probabilities = own.astype(np.float64)
            probabilities /= probabilities.sum(axis=1, keepdims=True)
            decoded.append(
                apply_temperature(
                    probabilities, temperature, exclusive=True, precision=outputs.dtype
                )
            )
        return np.hstack(decoded)

    def by_output(self, probabilities: NDArray[Any]) -> list[NDArray[Any]]:
        """Probabilities of each classification, as `predict_proba` returns them."""
        ends = np.cumsum([own.size for own in self.classes])
        return np.split(probabilities, ends[:-1], axis=1)

    def labels(self, probabilities: NDArray[Any]) -> NDArray[Any]:
        """The most probable class of each classification, (n_rows, n_outputs)."""
        by_output = self.by_output(probabilities)
        best = [
            classes[own.argmax(axis=1)]
            for classes, own in zip(self.classes, by_output, strict=True)
        ]
        return joined(best)


def joined(labels: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Columns of labels as one array, in which numbers beside text or booleans stay numbers."""
    kinds = {"number" if own.dtype.kind in "iuf" else own.dtype.kind for own in labels}
    return np.column_stack(labels if len(kinds) == 1 else [own.astype(object) for own in labels])


Decoder = RegressionDecoder | ClassificationDecoder | MultioutputDecoder


def std_of(decoder: Decoder, outputs: NDArray[Any]) -> NDArray[np.float64] | None:
    """The standard deviations of predictions, if these are numbers of which it was learnt."""
    return decoder.std(outputs) if isinstance(decoder, RegressionDecoder) else None


def n_without_std(decoder: Decoder, n_outputs: int) -> int:
    """How many of `n_outputs` outputs of a network are not variances."""
    return n_outputs // 2 if _has_std(decoder) else n_outputs


def _has_std(decoder: Decoder) -> bool:
    return isinstance(decoder, RegressionDecoder) and decoder.has_std


def unit_and_shift(
    decoder: Decoder,
) -> tuple[NDArray[np.float64] | np.float64, NDArray[np.float64] | np.float64]:
    """What outputs are multiplied by and what is added to them, to be predictions."""
    if isinstance(decoder, RegressionDecoder):
        return decoder.unit, decoder.shift
    return np.float64(1), np.float64(0)


def n_columns_of_predictions(decoder: Decoder, n_outputs: int) -> int:
    """How many numbers or labels are predicted for a row by networks of `n_outputs` outputs."""
    if isinstance(decoder, MultioutputDecoder):
        return len(decoder.classes)
    if isinstance(decoder, ClassificationDecoder):
        return decoder.classes.size if decoder.multilabel else 1
    return n_without_std(decoder, n_outputs)


def has_several_labels(decoder: Decoder) -> bool:
    """Whether rows have several labels each."""
    return not isinstance(decoder, RegressionDecoder) and (
        isinstance(decoder, MultioutputDecoder) or decoder.multilabel
    )


def check_one_column(decoder: Decoder, what: str) -> None:
    """Raise if the decoder predicts several columns of labels, which `what` does not support."""
    if isinstance(decoder, MultioutputDecoder):
        raise ValueError(
            f"{what} is not supported for several columns of labels; fit a Classifier for each"
        )


def check_has_std(decoder: Decoder) -> None:
    """Raise if no standard deviations were learnt."""
    if not _has_std(decoder):
        raise ValueError("return_std=True needs a model that was fitted with loss='gaussian'")


def apply_temperature(
    probabilities: NDArray[np.float64],
    temperature: float | NDArray[np.float64],
    *,
    exclusive: bool,
    precision: DTypeLike = np.float64,
) -> NDArray[np.float64]:
    """Divide the logits of the probabilities by the temperature.

    Parameters
    ----------
    probabilities : ndarray of shape (n_rows, n_outputs)
    temperature : float or ndarray of shape (n_outputs,)
        Above 1 it makes probabilities less extreme, below 1 more.
    exclusive : bool
        Whether the outputs of a row are classes whose probabilities add up to 1; else each output
        is an independent label.
    precision : dtype, default=float64
        Type that the probabilities were computed in. Those that it rounded to 0 or 1 have no logit:
        they are replaced by its numbers next to 0 and 1.
    """
    if np.all(temperature == 1.0):
        return probabilities
    limits = np.finfo(precision)
    if not exclusive:
        clipped = np.clip(probabilities, limits.tiny, 1.0 - limits.epsneg)
        logits = (np.log(clipped) - np.log1p(-clipped)) / temperature
        small = np.exp(-np.abs(logits))  # does not overflow
        of_labels: NDArray[np.float64] = np.where(logits < 0, small, 1.0) / (1 + small)
        return of_labels
    logits = np.log(np.maximum(probabilities, limits.tiny)) / temperature
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    of_classes: NDArray[np.float64] = exponentials / exponentials.sum(axis=1, keepdims=True)
    return of_classes
