"""Labels of a column: which of them say that a value is missing, and how they are numbered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from itertools import count
from math import inf
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import NDArray


def is_missing(label: Any) -> bool:
    """Whether a label stands for a missing value: None, NaN, NaT and NA of any library."""
    return type(label).__name__ in ("NoneType", "NAType", "NaTType") or bool(label != label)


# Kinds of labels: types of several libraries may hold the same ones.
_KINDS: tuple[tuple[str, Any], ...] = (
    ("text", str),
    ("bytes", bytes),
    ("dates", date | np.datetime64),
    ("durations", timedelta | np.timedelta64),  # before numbers, which NumPy's durations are
    ("numbers", Number | np.bool_),
)


def kind_of_label(label: Any) -> str:
    """Name the kind of a label, for comparison with others: numbers of all types are alike."""
    kinds = (kind for kind, types in _KINDS if isinstance(label, types))
    return next(kinds, type(label).__name__)


def reads_as_number(label: Any) -> bool:
    """Whether `float` accepts the label."""
    try:
        as_float(label)
    except (TypeError, ValueError):
        return False
    return True


def as_float(label: Any) -> float:
    """What `float` reads; infinity for a number that is too large."""
    try:
        return float(label)
    except OverflowError:
        return inf


def sorted_labels(labels: Iterable[Any]) -> list[Any]:
    """Labels in an order that does not depend on that of the rows."""
    try:
        return sorted(labels)
    except TypeError:
        return sorted(labels, key=repr)


def exact(labels: NDArray[Any]) -> list[Any]:
    """Labels of an array of numbers as Python's, which compare alike whatever their type was.

    Fractions are the shortest decimals that are the number in its own type: 0.1 is the same in
    float32 and float64.
    """
    if labels.dtype.kind != "f" or labels.dtype == np.float64:
        return list(labels.tolist())
    fractions = labels != np.rint(labels)
    numbers = labels.astype(np.float64)
    numbers[fractions] = labels[fractions].astype(str).astype(np.float64)
    return list(numbers.tolist())


def exact_objects(labels: Iterable[Any]) -> list[Any]:
    """Labels, numbers among them as Python's int or float if one of these is the same number."""
    from decimal import Decimal  # imported only for labels: predictors load without it

    def exact_object(label: Any) -> Any:
        if isinstance(label, np.floating):
            return exact(np.asarray(label)[None])[0]
        if isinstance(label, Decimal) and label.is_finite():
            number = float(label)
            return number if Decimal(repr(number)) == label else label
        return label

    labels = list(labels)
    if not any(issubclass(kind, np.floating | Decimal) for kind in {*map(type, labels)}):
        return labels
    return [*map(exact_object, labels)]


def factorize(data: NDArray[Any]) -> tuple[NDArray[Any], list[Any]]:
    """For each row the position of its label; and the labels, missing ones included.

    Parameters
    ----------
    data : ndarray of shape (n_rows,)
    """
    if data.dtype.kind in "biuf":
        labels, rows = np.unique(data, return_inverse=True)
        return rows, exact(labels)
    if data.dtype.kind in "mM":
        data = data.astype(f"{data.dtype.kind}8[us]")  # Python has no nanoseconds
    position: defaultdict[Any, int] = defaultdict(count().__next__)
    rows = np.fromiter(map(position.__getitem__, data.tolist()), np.int32, len(data))
    return rows, exact_objects(position)
