"""Columns of text as values: numbers, booleans, text, missing values."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from fastmlp.cli.errors import DataError
from fastmlp.table.text import quoted
from fastmlp.table.value_kinds import ValueKind

# As pandas and pyarrow write and read them.
_MISSING = pa.array(
    ["", "NA", "N/A", "n/a", "<NA>", "#N/A", "NaN", "nan", "NaT", "NULL", "null", "None"]
)
_NO_NUMBER = "\0"


def inferred(text: Any, decimal: str) -> Any:
    """Integers, other numbers or booleans if all values are such; else the text.

    Dates, times and numbers with units stay text, which the estimators read.

    Parameters
    ----------
    text : pyarrow.ChunkedArray of str
    decimal : str
        Character before decimals.
    """
    known = _without_missing(text)
    if known.null_count == len(known):
        return known.cast(pa.float64())
    plain = _plain(known, decimal)
    for kind in (pa.int64(), pa.float64(), pa.bool_()):
        with suppress(pa.ArrowInvalid):
            return plain.cast(kind)
    return known


def as_kind(text: Any, kind: ValueKind, decimal: str, where: str) -> Any:
    """The values of a column whose kind is known.

    Parameters
    ----------
    text : pyarrow.ChunkedArray of str
    kind : ValueKind
    decimal : str
        Character before decimals.
    where : str
        What errors call the column.

    Raises
    ------
    DataError
        If a value is not a number or boolean and the column's values are.
    """
    if kind == "label":
        labels = inferred(text, decimal)
        if pa.types.is_integer(labels.type):
            with suppress(pa.ArrowInvalid):  # of integers that double does not hold
                return labels.cast(pa.float64())  # as other pieces of the table may have decimals
        return labels
    known = _without_missing(text)
    if kind not in ("number", "boolean"):
        return known
    plain = _plain(known, decimal)
    wanted = pa.float64() if kind == "number" else pa.bool_()
    try:
        return plain.cast(wanted)
    except pa.ArrowInvalid as error:
        both = zip(known.to_pylist(), plain.to_pylist(), strict=True)
        wrong = next(value for value, read in both if not _casts(read, wanted))
        raise DataError(f"{where} holds {quoted(wrong)}, which is not a {kind}") from error


def _without_missing(text: Any) -> Any:
    return pc.if_else(pc.is_in(text, value_set=_MISSING), None, text)


def _plain(known: Any, decimal: str) -> Any:
    """Text that Arrow reads as numbers."""
    trimmed = pc.utf8_trim_whitespace(known)
    if decimal == ".":
        return trimmed
    # A point separates thousands there: it must not be read as a decimal.
    without_points = pc.replace_substring(trimmed, ".", _NO_NUMBER)
    return pc.replace_substring(without_points, decimal, ".")


def _casts(value: str | None, wanted: Any) -> bool:
    try:
        pa.scalar(value, pa.string()).cast(wanted)
    except pa.ArrowInvalid:
        return False
    return True
