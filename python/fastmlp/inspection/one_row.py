"""A row in any form: encoded, and its raw values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.prediction.row_forms import by_name, encode_any_form, is_series
from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.raw_values import raw_values


def one_row(encoder: DenseEncoder, row: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """The encoded table of one row, (1, n_encoded), and its values, (1, n_columns).

    Parameters
    ----------
    encoder : DenseEncoder
    row : mapping, sequence, 1-D array or Series; or a table of one row
    """
    names = encoder.feature_names
    if is_series(row):
        row = row.to_numpy() if names is None else by_name(row)
    table, _ = encode_any_form(encoder, row)
    if len(table) != 1:
        raise ValueError(f"row must be a single row; got a table of {len(table)}")
    if isinstance(row, Mapping):  # which has names, or it was not encoded
        values = np.empty((1, encoder.n_columns), dtype=object)
        values[0] = [row[name] for name in names.tolist()]  # type: ignore[union-attr]
        return table, values
    return table, raw_values(row).reshape(1, -1)
