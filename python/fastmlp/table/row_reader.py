"""Single rows as the core reads them, from a mapping, a sequence or an array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from fastmlp import _core

if TYPE_CHECKING:
    from fastmlp.table.encoder import DenseEncoder

# See _core.pyi.
_Column = tuple[int, int, dict[Any, float] | None, float, bool]
# NumPy's numbers and text that are not Python's as well; numbers that encoders read as float64 in
# any case.
_WIDE = (np.int64, np.int32)
_INTEGERS: set[type] = {np.dtype(code).type for code in np.typecodes["AllInteger"]}
_ALL = (*_WIDE, *_INTEGERS.difference(_WIDE), np.float32, np.float16, np.bool_, np.str_)
# Comparing labels of other types may run foreign code.
_LABELS = (str, int, float, bool, type(None), *_ALL)


def row_reader(
    encoder: DenseEncoder, *, wide: bool = False, takes_missing: bool = True
) -> _core.RowReader | None:
    """What reads a row of numbers and labels in the core.

    None if a column needs a `Reader` or has labels of classes of others. Rows that it leaves to
    the encoder are those with other values: text in a column of numbers, labels of other types,
    infinity; if `wide`, also numbers that a frame's columns may hold as float32, on which the last
    bits depend; unless it `takes_missing`, missing numbers.
    """
    layout = encoder.layout
    if layout.read:
        return None
    unused: _Column = (-1, -1, None, 0.0, False)
    columns = [unused] * encoder.n_columns
    flags = {p: encoder.n_numeric + k for k, p in enumerate(layout.flagged)}
    for position, target in zip(layout.plain.tolist(), layout.plain_targets.tolist(), strict=True):
        columns[position] = (target, flags.get(position, -1), None, 0.0, False)
    for target, position in enumerate(layout.labelled, encoder.n_numeric + len(flags)):
        column = encoder.columns[position]
        if column.categories:
            if any(type(label) not in _LABELS for label in column.categories):
                return None
            has_text = "text" in column.kinds_of_labels
            columns[position] = (target, -1, column.codes, column.codes.get(None, 0.0), has_text)
    names = None if encoder.feature_names is None else tuple(encoder.feature_names.tolist())
    width = encoder.n_numeric + encoder.n_flags + len(encoder.category_sizes)
    return _core.RowReader(names, columns, width, _WIDE if wide else _ALL, takes_missing)
