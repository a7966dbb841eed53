"""Arguments of `fit` and `partial_fit`: what they must be, and errors that say so."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import (
    _check_sample_weight,
    _check_y,
    _num_samples,
    check_array,
)

from fastmlp.ensemble.splits import RowSubset
from fastmlp.table.column import ColumnKindError
from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.feature_names import FeatureNamesError
from fastmlp.table.labels import is_missing
from fastmlp.table.sparse_encoder import Encoder
from fastmlp.tasks import Task
from fastmlp.tasks.target_names import check_target_names


def advice_on_pipelines(suffix: str) -> str:
    """What follows messages about X + suffix, which no step of a Pipeline has transformed."""
    if suffix != "_val":
        return (
            "\nIn a Pipeline, eval_set does not pass through the steps before the estimator. Pass "
            "what pipeline[:-1].transform(X) returns once these steps are fitted"
        )
    return (
        "\nIn a Pipeline, X_val does not pass through the steps before the estimator. Pass what "
        "pipeline[:-1].transform(X_val) returns once these steps are fitted, build the Pipeline "
        "with transform_input=['X_val'], or leave X_val out: fit then holds out "
        "validation_fraction of X"
    )


def check_given_targets(y: Any, name: str, *, takes_gaps: bool = False) -> None:
    """Raise for a single value, for dates and for missing targets, before the table is read.

    Parameters
    ----------
    y : object
    name : str
    takes_gaps : bool, default=False
        Whether targets may be missing if there are several for each row.
    """
    _reject_single(y, name)
    _reject_dates(y, name)
    if not (takes_gaps and _has_several(y)):
        _reject_missing(y, name)


def _reject_single(y: Any, name: str) -> None:
    """Raise for what is not one target for each row, such as None or the name of a column."""
    if isinstance(y, list | tuple) or _shape_of(y):
        return
    advice = ""
    if isinstance(y, str):
        advice = (
            f". The name of a column as {name} is for streams (X as a path, a dataset or a lazy "
            f"frame). For a table in memory, use fit(X.drop(columns={y!r}), X[{y!r}])"
        )
    raise TypeError(f"{name} must hold the target of each row; got {y!r}{advice}")


def _has_several(y: Any) -> bool:
    """Whether y has several columns."""
    shape = _shape_of(y)
    return len(shape) == 2 and shape[1] > 1


def _shape_of(y: Any) -> tuple[int, ...]:
    shape: tuple[int, ...] = y.shape if hasattr(y, "shape") else np.asarray(y, dtype=object).shape
    return shape


def _reject_dates(values: Any, name: str) -> None:
    """Raise for dates and durations, which NumPy would turn into integers, NaT included."""
    dtypes = _dtypes(values)
    if dtypes == [None] and isinstance(values, list | tuple):
        dtypes = [np.asarray(values[:1] if np.ndim(values[:1]) == 1 else values[0]).dtype]
    for dtype in dtypes:
        temporal = getattr(dtype, "is_temporal", None)  # polars
        if getattr(dtype, "kind", "") in ("m", "M") or (temporal is not None and temporal()):
            raise TypeError(f"{name} must hold numbers or labels; got dates or durations")


def _dtypes(values: Any) -> list[Any]:
    """The types of an array or column, or of all columns of a frame."""
    dtypes = getattr(values, "dtypes", getattr(values, "dtype", None))
    return list(np.atleast_1d(np.asarray(dtypes, dtype=object)))


def _reject_missing(values: Any, name: str) -> None:
    """Raise for missing targets among objects, which may be text or numbers."""
    array = np.asarray(values) if isinstance(values, list | tuple) else values
    kinds = ("object", "string", "str", "category", "categorical")
    if str(getattr(array, "dtype", "")).lower() not in kinds:
        return
    try:
        values = set(np.asarray(array, dtype=object).ravel().tolist())
    except TypeError:  # they are not labels; a later check says what they are
        return
    for value in filter(is_missing, values):
        raise ValueError(f"Input {name} contains NaN or {value!r}: every row needs a target")


def ordered_categories(y: Any) -> list[Any] | None:
    """The categories of y in their order, if it is a pandas or polars column of ordered ones.

    A frame of one column is as good.
    """
    dtypes = _dtypes(y)
    dtype: Any = dtypes[0] if len(dtypes) == 1 else None
    is_ordered = getattr(dtype, "ordered", False) or type(dtype).__name__ == "Enum"
    return list(dtype.categories) if is_ordered else None


def checked_targets(
    y: Any,
    table: NDArray[Any],
    minimum: int,
    estimator: Any,
    *,
    takes_gaps: bool = False,
    rows: str = "X",
) -> NDArray[Any]:
    """Return y as an array of finite values, as long as the table of at least `minimum` rows.

    With `takes_gaps` those of several columns may be NaN. Messages call the table `rows`.
    """
    if table.shape[0] < minimum:
        raise ValueError(
            f"Found array with {table.shape[0]} sample(s) (shape={table.shape}) while a minimum of "
            f"{minimum} is required by {type(estimator).__name__}."
        )
    return _as_long_as(table, y, estimator, takes_gaps=takes_gaps, rows=rows)


def _as_long_as(
    table: NDArray[Any], y: Any, estimator: Any, *, takes_gaps: bool, rows: str = "X"
) -> NDArray[Any]:
    if takes_gaps and _has_several(y):
        checked = _with_gaps(y, "y")
    else:
        checked = _check_y(y, multi_output=True, estimator=estimator)
    if checked.shape[0] != table.shape[0]:
        raise ValueError(  # begins with scikit-learn's words, which its users search for
            f"Found input variables with inconsistent numbers of samples: {rows} has "
            f"{table.shape[0]} rows and y has {checked.shape[0]}"
        )
    return checked


def _with_gaps(y: Any, name: str) -> NDArray[Any]:
    """Return y as an array whose values may be missing."""
    checked: NDArray[Any] = check_array(
        y, accept_sparse=True, dtype=None, ensure_all_finite="allow-nan", input_name=name
    )
    return checked


def checked_weights(
    sample_weight: Any, table: NDArray[Any], dtype: np.dtype[Any], name: str = "sample_weight"
) -> NDArray[Any] | None:
    """Weights of the rows in the engine's type; None if all are equal."""
    if sample_weight is None:
        return None
    try:
        weights = _check_sample_weight(
            sample_weight, table, dtype=np.float64, ensure_non_negative=True
        )
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    return _in_engine_type(weights, dtype, name)


def weights_by_class(
    task: Task,
    y: NDArray[Any],
    weights: NDArray[Any] | None,
    dtype: np.dtype[Any],
    name: str = "sample_weight",
) -> NDArray[Any] | None:
    """Weights of the rows times those of their classes; None if all are equal."""
    by_class = task.class_weights(y)
    if by_class is None:
        return weights
    if weights is not None:
        by_class *= weights
        name = f"class_weight times {name}"
    return _in_engine_type(by_class, dtype, "class_weight" if weights is None else name)


def _in_engine_type(weights: NDArray[Any], dtype: np.dtype[Any], name: str) -> NDArray[Any]:
    """Convert weights; those that the type cannot hold are an error."""
    if not np.any(weights > 0):
        raise ValueError(f"{name} must have at least one positive weight")
    with np.errstate(over="ignore"):
        converted = weights.astype(dtype)
    tiny = np.finfo(dtype).tiny
    if not np.isfinite(converted).all() or np.any((converted < tiny) & (weights > 0)):
        raise ValueError(f"{name} must hold weights that {dtype} can hold")
    return converted


def encoded_rows(
    X: Any,
    y: Any,
    sample_weight: Any,
    encoder: DenseEncoder,
    task: Task,
    dtype: np.dtype[Any],
    estimator: str,
    *,
    takes_gaps: bool = False,
) -> RowSubset:
    """Encode rows of a table whose columns and targets are known.

    Parameters
    ----------
    estimator : str
        Its name in messages.
    takes_gaps : bool, default=False
        Whether targets may be missing if there are several for each row.
    """
    check_given_targets(y, "y", takes_gaps=takes_gaps)
    check_target_names(task.target_names, y, "y")
    encoder.check_features(X, estimator)
    table = encoder.encode(X)
    y = _as_long_as(table, y, estimator, takes_gaps=takes_gaps)
    weights = weights_by_class(task, y, checked_weights(sample_weight, table, dtype), dtype)
    return RowSubset(table, task.encode(y, dtype), weights)


def checked_validation_targets(y: Any, suffix: str, *, takes_gaps: bool = False) -> Any:
    """Targets as an array of finite values; with `takes_gaps` those of several may be NaN.

    Parameters
    ----------
    y : array-like
    suffix : str
        What follows "X" and "y" in messages.
    takes_gaps : bool, default=False
    """
    name = f"y{suffix}"
    if np.ndim(y) == 0:
        raise ValueError(f"{name} must be 1-D or 2-D; got {y!r}")
    if len(y) == 0:
        raise ValueError(f"X{suffix} and {name} must have at least one row")
    check_given_targets(y, name, takes_gaps=takes_gaps)
    if takes_gaps and _has_several(y):
        return _with_gaps(y, name)
    return check_array(y, ensure_2d=False, dtype=None, accept_sparse=True, input_name=name)


def encoded_validation_table(
    X: Any, y: Any, encoder: Encoder, estimator: str, suffix: str
) -> NDArray[Any]:
    """X encoded, with as many rows as y; messages call them X and y with the suffix."""
    name = f"X{suffix}"
    try:
        encoder.check_features(X, estimator, name)
    except FeatureNamesError as error:
        raise ValueError(f"{error}{advice_on_pipelines(suffix)}") from None
    try:
        table = encoder.encode(X, name)
    except ColumnKindError as error:
        raise ValueError(f"{error}{advice_on_pipelines(suffix)}") from None
    n_targets = _num_samples(y)
    if n_targets != table.shape[0]:
        raise ValueError(
            f"{name} and y{suffix} must have the same number of rows; got {table.shape[0]} and "
            f"{n_targets}"
        )
    return table
