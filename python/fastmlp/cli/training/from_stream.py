"""Training from a folder of files, or a file that is read in blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from fastmlp.cli.errors import DataError, check_columns
from fastmlp.cli.training.from_table import ESTIMATORS, TrainingResult
from fastmlp.cli.training.interrupts import raising_late
from fastmlp.cli.training.report import not_scored_line, training_line
from fastmlp.cli.training.roles import Roles, TaskName
from fastmlp.cli.training.targets import Targets, read_targets
from fastmlp.streaming.sources.arrow import open_path
from fastmlp.streaming.sources.blocks import Roles as StreamRoles
from fastmlp.streaming.sources.blocks import Source
from fastmlp.streaming.sources.opening import check_extra

_FIRST_ROWS = 10_000  # that decide the task


def train_on_stream(
    table: str,
    roles: Roles,
    task: TaskName | None,
    parameters: Mapping[str, Any],
    max_memory: int | str,
    cache: str | None,
    checkpoint: str | None,
    delimiter: str | None,
) -> TrainingResult:
    """Train on a table that is read in blocks.

    Parameters
    ----------
    table : str
        A file or a folder.
    roles : Roles
    task : {"regression", "classification"} or None
        None: found out from the first rows.
    parameters : mapping
        Parameters of the estimator.
    max_memory : int or str
    cache : str or None
        Folder that keeps what is read.
    checkpoint : str or None
        File that keeps the training.
    delimiter : str or None
        Delimiter of CSV; None: a comma, or a tab in files that end in ``.tsv``.

    Raises
    ------
    DataError, ValueError, TypeError, OSError
        If the table cannot be used.
    KeyboardInterrupt
        After Ctrl-C.
    """
    check_extra()
    own = StreamRoles(roles.targets, roles.weight, roles.dropped)
    source = open_path(table, own, {}, delimiter=delimiter)
    check_columns(roles.categories, source.names, table)
    targets = _first_targets(source, roles.targets, task)
    categories = list(roles.categories) or "from_dtype"
    model = ESTIMATORS[targets.task](**parameters, categorical_features=categories)
    with raising_late():
        model.fit(source, cache=cache, max_memory=max_memory, checkpoint=checkpoint)
    text = "\n".join(_lines(table, source, targets, model))
    return TrainingResult(model, targets.names, None, {}, text)


def _first_targets(source: Source, names: tuple[str, ...], task: TaskName | None) -> Targets:
    """The task, and the targets of the first rows."""
    first = next(source.blocks(_FIRST_ROWS), None)
    if first is None:
        raise DataError("the table has no rows")
    columns = first.y.reshape(len(first.y), -1).T
    return read_targets(
        {name: pa.chunked_array([pa.array(y)]) for name, y in zip(names, columns, strict=True)},
        task,
    )


def _lines(table: str, source: Source, targets: Targets, model: Any) -> Iterator[str]:
    n_rows = model._fitted.watch.training_range.n_rows
    yield f"Table     {table}: {n_rows:,} rows, {source.n_columns} inputs"
    yield f"Target    {', '.join(targets.names)}"
    yield f"Task      {targets.task}, {targets.reason}"
    yield training_line(model)
    yield not_scored_line(model, "the table was read in blocks")
