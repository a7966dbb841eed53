"""From the columns to predict to the task and y."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fastmlp.cli.errors import DataError
from fastmlp.cli.training.roles import TaskName
from fastmlp.table.labels import reads_as_number
from fastmlp.table.text import quoted

_FEW = 20  # whole numbers of so many values are classes,
_ROWS_OF_VALUE = 5  # if each has so many rows on average
_MOST_DISTINCT = 0.5  # text with more values than this share of rows is not a class


@dataclass(frozen=True)
class Targets:
    """The columns to predict.

    Attributes
    ----------
    names : tuple of str
        The columns.
    task : {"regression", "classification"}
    reason : str
        Why it is this task.
    y : ndarray of shape (n_rows,) or (n_rows, n_targets)
        Numbers, or labels; of several columns of labels zeros and ones.
    """

    names: tuple[str, ...]
    task: TaskName
    reason: str
    y: NDArray[Any]


def read_targets(columns: Mapping[str, Any], task: TaskName | None) -> Targets:
    """Read the targets, and decide on the task.

    Parameters
    ----------
    columns : mapping of str to pyarrow.ChunkedArray
        The targets by name, without missing values.
    task : {"regression", "classification"} or None
        None: decided by the values.

    Raises
    ------
    DataError
        If the values do not suit the task.
    """
    values = {name: values_of(name, column) for name, column in columns.items()}
    found, reason = _task_of(values)
    if task is not None:
        found, reason = task, "as asked for"
    several = len(values) > 1
    read = numbers_of if found == "regression" else _flags if several else _labels
    arrays = [read(name, own) for name, own in values.items()]
    return Targets(tuple(values), found, reason, np.column_stack(arrays) if several else arrays[0])


def named(y: NDArray[Any], names: Sequence[str]) -> Any:
    """Several targets as a table, from which a model learns their names."""
    return y if y.ndim == 1 else pa.table(dict(zip(names, y.T, strict=True)))


def check_classes(targets: Targets) -> None:
    """Raise if one target to train on does not have classes but one value, or one for each row."""
    if targets.task == "regression" or targets.y.ndim == 2:
        return
    [name], labels = targets.names, targets.y.tolist()
    n_distinct = len({*labels})
    if n_distinct == 1:
        raise DataError(f"the target {name!r} is {quoted(labels[0])} in every row")
    if n_distinct > _MOST_DISTINCT * len(labels):
        raise DataError(
            f"the target {name!r} has {n_distinct:,} different values, such as "
            f"{quoted(labels[0])}, in {len(labels):,} rows: these are not classes"
        )


def values_of(name: str, column: Any) -> NDArray[Any]:
    """The values of a target: numbers or booleans, or an array of objects that are text."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column = column.cast(kind.value_type)
        kind = kind.value_type
    if pa.types.is_decimal(kind):
        column = column.cast(pa.float64())
    values: NDArray[Any] = column.to_numpy()
    if values.dtype.kind in "biuf" or isinstance(values[0], str):
        return values
    raise DataError(f"the target {name!r} holds {kind}, which is neither numbers nor classes")


def _task_of(values: Mapping[str, NDArray[Any]]) -> tuple[TaskName, str]:
    if len(values) > 1:
        if all(_is_flag(own) for own in values.values()):
            return "classification", "as all targets are booleans or 0 and 1"
        return "regression", "as there are several targets"
    [own] = values.values()
    if own.dtype.kind == "O":
        return "classification", "as the target is text"
    if own.dtype.kind == "b":
        return "classification", "as the target is boolean"
    distinct = np.unique(own)
    if not _are_whole(distinct):
        return "regression", "as the target is a number"
    if distinct.size <= _FEW and distinct.size * _ROWS_OF_VALUE <= own.size:
        return (
            "classification",
            f"as the target is a whole number of {distinct.size} values; else use --task",
        )
    return "regression", "as the target is a number"


def _are_whole(numbers: NDArray[Any]) -> bool:
    return numbers.dtype.kind in "iu" or bool(np.all(numbers == np.rint(numbers)))


def _is_flag(values: NDArray[Any]) -> bool:
    return values.dtype.kind != "O" and bool(np.isin(values, (0, 1)).all())


def numbers_of(name: str, values: NDArray[Any]) -> NDArray[Any]:
    """The values of a target as numbers."""
    if values.dtype.kind == "O":
        wrong = next((value for value in values if not reads_as_number(value)), values[0])
        raise DataError(f"the target {name!r} holds {quoted(wrong)}, which is not a number")
    return values.astype(np.float64)


def _flags(name: str, values: NDArray[Any]) -> NDArray[Any]:
    if not _is_flag(values):
        raise DataError(
            f"the target {name!r} is not boolean or 0 and 1, as each of several targets of a "
            "classification must be"
        )
    return values.astype(np.int64)


def _labels(name: str, values: NDArray[Any]) -> NDArray[Any]:
    is_whole = values.dtype.kind == "f" and _are_whole(values)  # beside missing ones
    return values.astype(np.int64) if is_whole else values
