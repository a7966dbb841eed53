"""From a table in a file to the arguments of `fit`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fastmlp.cli.errors import DataError, check_columns
from fastmlp.cli.tables.reading import TextFormat, open_table
from fastmlp.cli.tables.text_columns import as_kind, inferred
from fastmlp.cli.training.held_out import groups_of, numbers_of_times
from fastmlp.cli.training.roles import Roles, TaskName
from fastmlp.cli.training.targets import Targets, check_classes, read_targets
from fastmlp.table.value_kinds import ValueKind


@dataclass(frozen=True)
class TrainingData:
    """A table, in the parts that training needs.

    Attributes
    ----------
    X : pyarrow.Table
        The inputs.
    targets : Targets
    weight : ndarray of shape (n_rows,) or None
    groups : ndarray of shape (n_rows,) or None
        Numbers of the groups of rows that belong together.
    time : ndarray of shape (n_rows,) or None
        Times of the rows as numbers.
    n_without_target : int
        Rows that were left out, as they have no target.
    """

    X: Any
    targets: Targets
    weight: NDArray[np.float64] | None
    groups: NDArray[np.int32] | None
    time: NDArray[np.float64] | None
    n_without_target: int

    def part(self, rows: NDArray[np.bool_]) -> tuple[Any, NDArray[Any], NDArray[Any] | None]:
        """Inputs, targets and weights of some rows."""
        weight = None if self.weight is None else self.weight[rows]
        return self.X.filter(pa.array(rows)), self.targets.y[rows], weight


def read_training_data(
    path: str, how: TextFormat, roles: Roles, task: TaskName | None
) -> TrainingData:
    """Read a table to train on.

    Parameters
    ----------
    path : str
    how : TextFormat
    roles : Roles
    task : {"regression", "classification"} or None

    Raises
    ------
    DataError
        If the table cannot be used.
    """
    table = _read(path, how, roles)
    n_rows = table.num_rows
    table = _with_targets(table, roles.targets, path)
    targets = read_targets({name: table[name] for name in roles.targets}, task)
    check_classes(targets)
    return TrainingData(
        X=table.select(roles.inputs(table.column_names)),
        targets=targets,
        weight=weight_of(table, roles.weight),
        groups=None if roles.groups is None else groups_of(table[roles.groups], roles.groups),
        time=None if roles.time is None else numbers_of_times(table, roles.time),
        n_without_target=n_rows - table.num_rows,
    )


def read_validation_data(
    path: str, how: TextFormat, roles: Roles, data: TrainingData
) -> TrainingData:
    """Read a table to validate on, whose columns are those of the training data."""
    names, weight = data.X.column_names, [] if roles.weight is None else [roles.weight]
    wanted = [*names, *roles.targets, *weight]
    with open_table(path, how) as file:
        check_columns(wanted, file.names, path)
        table, is_text = file.whole().select(wanted), file.is_text
    kinds = {name: _kind_of(data.X[name].type) for name in names}
    kinds |= dict.fromkeys(roles.targets, "text" if data.targets.y.dtype.kind == "O" else "label")
    columns = {}
    for name in wanted:
        column = table[name]
        if is_text:
            where = f"{path}: the column {name!r}"
            column = as_kind(column, kinds.get(name, "label"), how.decimal, where)
        columns[name] = column
    read = pa.table(columns)
    read = _with_targets(read, roles.targets, path)
    return TrainingData(
        X=read.select(names),
        targets=read_targets({name: read[name] for name in roles.targets}, data.targets.task),
        weight=weight_of(read, roles.weight),
        groups=None,
        time=None,
        n_without_target=table.num_rows - read.num_rows,
    )


def _read(path: str, how: TextFormat, roles: Roles) -> Any:
    """The whole table, with numbers and booleans where text stands for these."""
    with open_table(path, how) as file:
        roles.check(file.names, path)
        table = file.whole().select(roles.used(file.names))
        if not file.is_text:
            return table
    return pa.table(
        {
            name: as_kind(table[name], "text", how.decimal, name)
            if name in roles.categories
            else inferred(table[name], how.decimal)
            for name in table.column_names
        }
    )


def _kind_of(arrow_type: Any) -> ValueKind:
    """What the values of a column of the training table are, for text that stands for the same."""
    types = pa.types
    if types.is_boolean(arrow_type):
        return "boolean"
    is_number = any(
        is_one(arrow_type) for is_one in (types.is_integer, types.is_floating, types.is_decimal)
    )
    return "number" if is_number else "text"


def have_targets(table: Any, targets: Sequence[str]) -> Any:
    """Which rows of a pyarrow.Table have all targets."""
    known = pa.chunked_array([np.ones(table.num_rows, dtype=bool)])
    for name in targets:
        column = table[name]
        own = pc.is_valid(column)
        if pa.types.is_floating(column.type):
            own = pc.fill_null(pc.is_finite(column), False)
        known = pc.and_(known, own)
    return known


def no_targets(targets: Sequence[str], path: str) -> DataError:
    """The error for a table of which no row has all targets."""
    return DataError(f"{path}: no row has a {' and a '.join(map(repr, targets))}")


def _with_targets(table: Any, targets: Sequence[str], path: str) -> Any:
    """The rows that have all targets; an error if there are none."""
    rows = table.filter(have_targets(table, targets))
    if not rows.num_rows:
        raise no_targets(targets, path)
    return rows


def weight_of(table: Any, name: str | None) -> NDArray[np.float64] | None:
    """The weights of the rows, in a column of this name; None without one."""
    if name is None:
        return None
    column = table[name]
    if _kind_of(column.type) != "number":
        raise DataError(f"--weight: the column {name!r} holds no numbers")
    if column.null_count:
        raise DataError(f"--weight: the column {name!r} is missing in {column.null_count:,} rows")
    weight: NDArray[np.float64] = column.cast(pa.float64(), safe=False).to_numpy()
    return weight
