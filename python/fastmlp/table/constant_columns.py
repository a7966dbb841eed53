"""Columns that are constant in the first call of `partial_fit`."""

from __future__ import annotations

from fastmlp._user_warnings import warn
from fastmlp.table.sparse_encoder import Encoder, SparseEncoder


def warn_of_constants(encoder: Encoder) -> None:
    """Warn of columns without two labels, or without a number, in the first rows of partial_fit.

    Numbers that do not vary are scaled by the first call in which they do.
    """
    if isinstance(encoder, SparseEncoder) or not encoder.n_flags:
        return
    names = [column.name for column in encoder.columns if column.kind == "constant"]
    if names:
        warn(
            f"{len(names)} columns, such as {names[0]!r}, are constant in the first call of "
            "partial_fit and are ignored in all later calls. Pass more varied rows first"
        )
