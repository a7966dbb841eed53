"""Targets that are labels: checks of y, and the order of classes."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_array

from fastmlp.table.text import quoted_few
from fastmlp.tasks.task import as_1d


def labels_of(y: NDArray[Any], name: str) -> tuple[NDArray[Any], NDArray[Any], bool]:
    """Labels of y (n_rows,) or (n_rows, n_labels), the different ones, and whether several."""
    if not issparse(y) and y.dtype.kind == "f" and np.isnan(y).any():
        raise ValueError(
            f"Input {name} contains NaN: a 0/1 matrix of labels must be complete. Labels may be "
            "missing where each column holds classes, such as the text 'no' and 'yes' instead of 0 "
            "and 1"
        )
    kind = type_of_target(y, input_name=name)
    if kind.startswith("continuous"):
        raise ValueError(
            f"Unknown label type: {kind}. {name} must hold classes; Regressor predicts such "
            "numbers. Numbers that stand for classes can be converted to text"
        )
    check_classification_targets(y)
    if kind == "multiclass-multioutput":
        raise ValueError(
            f"{name} must be 1-D labels or a 0/1 matrix of several labels per row, as the model "
            "was fitted; got several columns of labels"
        )
    if kind != "multilabel-indicator":
        labels = as_1d(y, name)
        return labels, np.unique(labels), False
    matrix = check_array(y, accept_sparse=True, input_name=name)
    matrix = matrix if isinstance(matrix, np.ndarray) else matrix.toarray()
    if not np.all((matrix == 0) | (matrix == 1)):
        raise ValueError(f"{name} with several labels per row must hold 0 and 1 only")
    return matrix, np.arange(matrix.shape[1]), True


def ranks_of(classes: NDArray[Any], order: ArrayLike | None) -> NDArray[np.intp] | None:
    """The place of each class in an order; None if it is that of the classes, or they are two.

    Raises
    ------
    ValueError
        If it lacks classes or has one twice, or is missing for more than two classes that are not
        numbers.
    """
    labels = classes.tolist()
    if order is None:
        if len(labels) == 2 or all(isinstance(label, Number) for label in labels):
            return None
        raise ValueError(
            "loss='ordinal' needs the order of classes that are not numbers: class_order, a list "
            "from the lowest to the highest, or y as an ordered categorical; the classes are "
            f"{quoted_few(labels)}"
        )
    ordered = as_1d(np.asarray(order), "class_order").tolist()
    place_of = {label: place for place, label in enumerate(ordered)}
    if len(place_of) < len(ordered):
        raise ValueError(f"class_order must hold each class once; got {quoted_few(ordered)}")
    if missing := [label for label in labels if label not in place_of]:
        raise ValueError(
            f"class_order must hold all classes, including {quoted_few(missing)}; got "
            f"{quoted_few([*place_of])}"
        )
    ranks = np.argsort(np.argsort([place_of[label] for label in labels]))
    return None if len(labels) == 2 or (np.diff(ranks) > 0).all() else ranks


def check_same_order(
    order: Sequence[Any], classes: NDArray[Any], ranks: NDArray[np.intp] | None
) -> None:
    """Raise if the categories of y are in another order than the classes of a fitted model."""
    fitted = (classes if ranks is None else classes[np.argsort(ranks)]).tolist()
    place_of = {label: place for place, label in enumerate(order)}
    places = [place_of[label] for label in fitted if label in place_of]
    if places != sorted(places):
        raise ValueError(
            f"y is an ordered categorical whose order, {quoted_few([*order])}, is not the one that "
            f"the model was fitted with, {quoted_few(fitted)}. Give y its categories in that "
            "order, or fit a new model"
        )
