"""One row or many, in any form, as rows of the encoded table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.feature_names import check_keys
from fastmlp.table.reading import ObjectTable
from fastmlp.table.sparse_encoder import Encoder


def encode_any_form(encoder: Encoder, rows: Any) -> tuple[Any, bool]:
    """Encode one row or many; also returns whether it was a single row."""
    if isinstance(rows, np.ndarray):
        is_row = rows.ndim == 1
        return encoder.encode(rows[None] if is_row else rows, "rows"), is_row
    if isinstance(rows, Mapping):
        return _of_mappings(encoder, [rows]), True
    if isinstance(rows, list | tuple):
        named = encoder.feature_names is not None
        if rows and (isinstance(rows[0], Mapping) or (named and is_series(rows[0]))):
            return _of_mappings(encoder, [by_name(row) for row in rows]), False
        if rows and _is_value(rows[0]):
            return encoder.encode([rows], "rows"), True
        return encoder.encode(rows, "rows"), False
    if getattr(rows, "ndim", 2) == 1:
        return encoder.encode(rows[None], "rows"), True
    encoder.check_features(rows, "the predictor", "rows")
    return encoder.encode(rows, "rows"), False


def is_single_row(rows: Any) -> bool:
    """Whether these are one row and not a table: a mapping, a Series or a list of values."""
    if isinstance(rows, Mapping) or getattr(rows, "ndim", None) == 1:
        return True
    return isinstance(rows, list | tuple) and len(rows) > 0 and _is_value(rows[0])


def _of_mappings(encoder: Encoder, rows: Sequence[Mapping[Any, Any]]) -> Any:
    """The encoded table of rows that are given by name."""
    if encoder.feature_names is None:
        raise ValueError(
            "rows must be in the order of the columns: the model was trained on a table "
            "without names of columns"
        )
    names = encoder.feature_names.tolist()
    objects = np.empty((len(rows), len(names)), dtype=object)
    for i, row in enumerate(rows):
        check_keys(names, row, "rows")
        objects[i] = [row[name] for name in names]
    if not isinstance(encoder, DenseEncoder):
        return encoder.encode(objects, "rows")
    return encoder.encode_read(ObjectTable(objects, "rows", names, reads_text=False))


def is_series(row: Any) -> bool:
    """Whether a row has values and an index, like a Series of pandas."""
    return getattr(row, "ndim", 2) == 1 and hasattr(row, "index") and hasattr(row, "to_numpy")


def by_name(row: Any) -> Any:
    """A Series as a dict; anything else as it is."""
    return dict(zip(row.index.tolist(), row.tolist(), strict=True)) if is_series(row) else row


def _is_value(item: Any) -> bool:
    """Whether an item is a value of a row, and not a row of values."""
    is_row = hasattr(item, "__len__") and getattr(item, "ndim", 1) > 0
    return isinstance(item, str | bytes) or not is_row
