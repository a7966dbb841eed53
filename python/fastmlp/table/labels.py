"""Labels of a column: which of them say that a value is missing, and how they are numbered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from itertools import count
from numbers import Number
from typing import Any

import narwhals.stable.v1 as nw
import numpy as np
from numpy.typing import NDArray


def is_missing(label: Any) -> bool:
    """Whether a label stands for a missing value: None, NaN, NaT and NA of any library."""
    return type(label).__name__ in ("NoneType", "NAType", "NaTType") or bool(label != label)


def is_numeric(data: Any) -> bool:
    """Whether these are numbers in a NumPy array."""
    return isinstance(data, np.ndarray) and data.dtype.kind in "biuf"


def reads_as_number(label: Any) -> bool:
    """Whether `float` accepts the label."""
    try:
        float(label)
    except (TypeError, ValueError):
        return False
    return True


def kind_of_label(label: Any) -> str:
    """Name the kind of a label, for comparison with others: numbers of all types are alike."""
    if isinstance(label, str | bytes):
        return type(label).__name__.replace("str", "text")
    return "numbers" if isinstance(label, Number | np.bool_) else type(label).__name__


def sorted_labels(labels: Iterable[Any]) -> list[Any]:
    """Labels in an order that does not depend on that of the rows."""
    try:
        return sorted(labels)
    except TypeError:
        return sorted(labels, key=repr)


def factorize(data: Any) -> tuple[NDArray[Any], list[Any]]:
    """For each row the position of its label, or -1; and the labels, missing ones
    included.
    """
    labels: Any
    if is_numeric(data):
        labels, rows = np.unique(data, return_inverse=True)
        return rows, labels.tolist()
    if isinstance(data, np.ndarray):
        position: defaultdict[Any, int] = defaultdict(count().__next__)
        rows = np.fromiter(map(position.__getitem__, data.tolist()), np.int32, len(data))
        return rows, list(position)
    native = data.to_native()
    if hasattr(native, "factorize"):  # three times as fast with pandas
        rows, labels = native.factorize()
        return rows, labels.tolist()
    labels = data.drop_nulls().unique().to_list()
    if not labels:
        return np.full(len(data), -1), labels
    rows = data.replace_strict(labels, list(range(len(labels))), return_dtype=nw.Int32)
    return rows.fill_null(-1).to_numpy(), labels
