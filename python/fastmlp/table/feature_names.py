"""Names of a table's columns: learnt in `fit`, compared in later calls, for any frame library.

The rules and messages are scikit-learn's, whose own function knows fewer libraries in its older
versions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp._user_warnings import warn
from fastmlp.table.reading import check_no_path, is_array_like

_MOST_LISTED = 5


class FeatureNamesError(ValueError):
    """A table has other columns than the training table."""


def feature_names_of(X: Any, table: str = "X") -> NDArray[Any] | None:
    """Return the names of a frame's columns; None for arrays and for names that are not strings.

    Parameters
    ----------
    X : array-like or frame
    table : str, default="X"
        Name of X in messages.

    Raises
    ------
    TypeError
        If some names are strings and some are not.
    ValueError
        If two columns have the same name.
    """
    if is_array_like(X):
        return None
    from fastmlp.table.frames import columns_of  # and, with it, narwhals

    columns = columns_of(X, table)
    if columns is None:
        return None
    names = np.asarray(columns, dtype=object)
    types = sorted({type(name).__qualname__ for name in names})
    if types == ["str"]:
        return names
    if "str" in types:
        raise TypeError(
            "Feature names are only supported if all input features have string names, but your "
            f"input has {types} as feature name / column name types. If you want feature names to "
            "be stored and validated, you must convert them all to strings, by using X.columns = "
            "X.columns.astype(str) for example. Otherwise you can remove feature / column names "
            "from your input data, or convert them all to a non-string data type."
        )
    return None


def check_feature_names(
    known: NDArray[Any] | None, X: Any, estimator: str, table: str = "X"
) -> None:
    """Compare the names of X's columns with those of the training table.

    Parameters
    ----------
    known : ndarray of shape (n_columns,) or None
        What `feature_names_of` returned for the training table.
    X : array-like or frame
    estimator, table : str
        Names of the estimator and of X in messages.

    Raises
    ------
    FeatureNamesError
        If names differ, or their order does. If only one of both tables has names, that is a
        warning.
    """
    names = feature_names_of(X, table)
    if known is None and names is None:
        return
    if known is None:
        warn(f"{table} has feature names, but {estimator} was fitted without feature names")
        return
    if names is None:
        warn(
            f"{table} does not have valid feature names, but {estimator} was fitted with feature "
            "names"
        )
        return
    if known.size == names.size and np.all(known == names):
        return
    raise FeatureNamesError(_other_names(known, names, table))


def check_keys(known: Sequence[str], row: Mapping[Any, Any], table: str) -> None:
    """Raise if a row that is given by name lacks a column, or has another one.

    Raises
    ------
    FeatureNamesError
        With the message of `check_feature_names`.
    """
    if len(row) == len(known) and all(name in row for name in known):
        return
    raise FeatureNamesError(_other_names(known, row, table))


def check_features(
    known: NDArray[Any] | None, n_columns: int, X: Any, estimator: str, table: str = "X"
) -> None:
    """Raise if X does not have the training table's columns, by name and number.

    Parameters
    ----------
    known : ndarray of shape (n_columns,) or None
        Their names.
    n_columns : int
    X : array-like or frame
    estimator, table : str
        Names of the estimator and of X in messages, which are scikit-learn's.
    """
    check_no_path(X, table)
    check_feature_names(known, X, estimator, table)
    shape: Any = getattr(X, "shape", ())
    if len(shape) == 2 and shape[1] != n_columns:
        raise FeatureNamesError(
            f"{table} has {shape[1]} features, but {estimator} is expecting {n_columns} features "
            "as input."
        )


def _other_names(known: Iterable[Any], names: Iterable[Any], table: str) -> str:
    """What to say of names that differ."""
    prefix = "" if table == "X" else f"{table}: "
    message = f"{prefix}The feature names should match those that were passed during fit.\n"
    unseen = sorted({*names} - {*known}, key=str)
    lacking = sorted({*known} - {*names})
    if unseen:
        message += "Feature names unseen at fit time:\n" + _listed(unseen)
    if lacking:
        message += "Feature names seen at fit time, yet now missing:\n" + _listed(lacking)
    if not (unseen or lacking):
        message += "Feature names must be in the same order as they were in fit.\n"
    return message


def _listed(names: Iterable[str]) -> str:
    lines = [f"- {name}\n" for name in names]
    return "".join(lines[:_MOST_LISTED]) + ("- ...\n" if len(lines) > _MOST_LISTED else "")
