"""The linear part of a model in operators: what it adds inside and beyond the training range."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fastmlp.export.onnx.columns import zero_where_nan
from fastmlp.export.onnx.graph import Graph
from fastmlp.prediction.linear_part import LinearPart
from fastmlp.table.training_range import TrainingRange

_DOUBLE = np.dtype(np.float64)


@dataclass(frozen=True)
class Split:
    """Names of the tensors that `LinearPart.split` returns, all double.

    Attributes
    ----------
    inside : str
        Numbers, moved into the training range.
    offset, beyond : str
        What is added, and the part of it that is due to numbers beyond the range.
    """

    inside: str
    offset: str
    beyond: str


def split(g: Graph, numbers: str, linear: LinearPart, training_range: TrainingRange) -> Split:
    """Split numbers into what networks read and what is added to it."""
    known = training_range.low <= training_range.high
    low = np.where(known, training_range.low, -np.inf)
    high = np.where(known, training_range.high, np.inf)
    inside = _clipped(g, numbers, low, high)
    values = _values(g, inside, linear)
    beyond = g("Sub", _values(g, numbers, linear), values)
    offset = g("Add", g("Mul", values, np.float64(linear.share)), beyond)
    return Split(inside, offset, beyond)


def _clipped(g: Graph, x: str, low: NDArray[np.float64], high: NDArray[np.float64]) -> str:
    """Each column in its limits; NaN stays NaN, which Min and Max do not promise."""
    x = g("Where", g("Less", x, low), low, x)
    return g("Where", g("Less", high, x), high, x)


def _values(g: Graph, numbers: str, linear: LinearPart) -> str:
    z = g("Mul", g("Sub", numbers, linear.scaling.shift), linear.scaling.scale)
    z = _clipped(g, zero_where_nan(g, z, _DOUBLE), linear.low, linear.high)
    return g("MatMul", z, linear.coef)
