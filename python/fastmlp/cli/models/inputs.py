"""The columns that a model reads, taken from tables in files."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Number
from typing import Any

import numpy as np
import pyarrow as pa

from fastmlp.cli.errors import DataError, check_columns
from fastmlp.cli.tables.reading import TableFile, TextFormat
from fastmlp.cli.tables.text_columns import as_kind
from fastmlp.table.column import Column
from fastmlp.table.value_kinds import ValueKind, value_kind

BLOCK_ROWS = 2**14  # of a folder


class ModelInputs:
    """The inputs of a model in an open table.

    Columns are found by name. A model without names of columns reads all columns of the table, in
    their order.

    Parameters
    ----------
    model : Predictor or fitted estimator
    table : TableFile
    how : TextFormat
        How to read the table, if it is text.
    others : sequence of str
        Columns that are not inputs, for a model without column names.

    Raises
    ------
    DataError
        If a column is missing, or if the model's labels cannot be distinguished in text.
    """

    def __init__(
        self, model: Any, table: TableFile, how: TextFormat, others: Sequence[str] = ()
    ) -> None:
        encoder = model._pipeline.encoder
        columns = encoder.columns
        self._table, self._how = table, how
        self._kinds = [value_kind(column) for column in columns]
        if table.is_text:
            _check_labels(columns, self._kinds, table.path)
        self._has_names = encoder.feature_names is not None
        if self._has_names:
            self.names = [column.name for column in columns]
            check_columns(self.names, table.names, table.path)
            return
        self.names = [name for name in table.names if name not in others]
        if len(self.names) != len(columns):
            raise DataError(
                f"{table.path} has {len(self.names)} columns; the model needs {len(columns)} and "
                "was trained without column names"
            )

    def of(self, piece: Any) -> Any:
        """The inputs of some rows of the table, as a pyarrow.Table."""
        if not self._table.is_text:
            return piece.select(self.names)
        columns = {}
        for name, kind in zip(self.names, self._kinds, strict=True):
            where = f"{self._table.path}: the column {name!r}"
            columns[name] = as_kind(piece[name], kind, self._how.decimal, where)
        return pa.table(columns)

    def for_model(self, inputs: Any) -> Any:
        """What `of` returned, as the model takes it."""
        if self._has_names:
            return inputs
        return np.column_stack([column.to_numpy() for column in inputs.columns])


def _check_labels(columns: Sequence[Column], kinds: Sequence[ValueKind], path: str) -> None:
    """Raise if a column has labels beside text, such as numbers, that text would stand for too."""
    for column, kind in zip(columns, kinds, strict=True):
        labels = [label for label in column.categories if label is not None]
        if kind == "label" and not all(isinstance(label, Number | np.bool_) for label in labels):
            raise DataError(
                f"{path}: the column {column.name!r} held values of several types in training, "
                "which text cannot tell apart; convert them to text before training"
            )
