"""The type of a row in a request: pydantic checks rows against the model's columns."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, TypeAdapter
from typing_extensions import TypedDict

from fastmlp.table.column import Column, Reader
from fastmlp.table.text import says_missing
from fastmlp.table.value_kinds import value_kind

_TYPES: dict[str, Any] = {
    "number": float,
    "number as text": str | float,
    "date": str,
    "duration": str,
    "text": str,
    "boolean": bool,
    "label": str | int | float | bool,
    "unused": Any,
}
_STRICT = ConfigDict(extra="forbid", strict=True)


def row_type(columns: Sequence[Column], *, have_names: bool) -> Any:
    """The type of a row: an object with a field for each column, or an array without names.

    Every column must be there, and no other. Null, and NaN for numbers, is a missing value.

    Parameters
    ----------
    columns : sequence of Column
    have_names : bool
    """
    types = {column.name: _type_of(column) | None for column in columns}
    if not have_names:
        return tuple[tuple(types.values())]  # type: ignore[misc]
    make: Any = TypedDict  # of fields that are known only now
    row = make("Row", types)
    row.__pydantic_config__ = _STRICT
    return row


def adapter_of(kind: Any) -> TypeAdapter[Any]:
    """What reads JSON as values of a type, without turning text into numbers."""
    has_own = hasattr(kind, "__pydantic_config__")
    return TypeAdapter(kind) if has_own else TypeAdapter(kind, config=_STRICT)


def _type_of(column: Column) -> Any:
    kind = _TYPES[value_kind(column)]
    if column.reader is None:
        return kind
    return Annotated[kind, AfterValidator(partial(_checked, column.reader))]


def _checked(reader: Reader, value: str | float) -> str | float:
    """The value, unless it is text that the model cannot read and that does not mean "missing".

    Other text counts as missing in Python, with a warning, which an answer has no place for.
    """
    if isinstance(value, str) and not (says_missing(value) or reader.reads(value)):
        raise ValueError(f"must be a {reader.description}")
    return value
