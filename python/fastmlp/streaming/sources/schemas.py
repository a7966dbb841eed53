"""The schema that all files of a dataset are read with."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.dataset as ds


class FileSchema(NamedTuple):
    """The columns of a file, those in the names of its folders, and which are a frame's index."""

    path: str
    types: Mapping[str, Any]
    index_columns: Collection[str]

    @classmethod
    def of(cls, fragment: Any) -> FileSchema:
        """Read the schema of a file."""
        path = getattr(fragment, "path", "X")
        try:
            schema = fragment.physical_schema
        except (pa.ArrowException, OSError) as error:
            raise naming_file(path, error) from error
        types = {field.name: field.type for field in schema}
        known = dict.fromkeys(ds.get_partition_keys(fragment.partition_expression), pa.null())
        return cls(path, types | known, _index_of(schema))


def without_index(schema: Any, asked: Collection[str]) -> Any:
    """Leave out the index that pandas or Dask wrote, unless its columns are requested."""
    index = _index_of(schema) - {*asked}
    return pa.schema([field for field in schema if field.name not in index])


def _index_of(schema: Any) -> set[str]:
    """Columns that pandas' reader makes the index."""
    described = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))
    return {name for name in described.get("index_columns", ()) if isinstance(name, str)}


def check_files(
    files: Sequence[FileSchema], needed: Collection[str], ignored: Collection[str] | None
) -> None:
    """Raise if the columns of files differ.

    Parameters
    ----------
    files : sequence of FileSchema
    needed : collection of str
        Columns that all must have.
    ignored : collection of str or None
        Columns that only some may have, beside their index; None: all others.
    """
    for path, types, index in files:
        lacking = next((name for name in needed if name not in types), None)
        if lacking is not None:
            raise ValueError(f"X: {path} has no column {lacking!r}, which all files need")
        if ignored is None:
            continue
        expected = {*needed, *ignored, *index}
        other = next((name for name in types if name not in expected), None)
        if other is not None:
            raise ValueError(
                f"X: {path} has a column {other!r}, which {files[0].path} does not have; "
                "pyarrow.dataset.dataset(path, schema=...) says which columns are read"
            )


def unified(schema: Any, files: Sequence[FileSchema]) -> Any:
    """The schema with types that hold the values of all files.

    Types that no file has stay: someone has chosen them.
    """
    fields = []
    for field in schema:
        types = dict.fromkeys(file.types[field.name] for file in files if field.name in file.types)
        if len(types) > 1 and field.type in types:
            field = field.with_type(_common(types))
        fields.append(field)
    return pa.schema(fields)


def _common(types: Collection[Any]) -> Any:
    """The type of numbers, dates or such that holds those of all types; else text."""
    schemas = [pa.schema([("", one)]) for one in types]
    try:
        return pa.unify_schemas(schemas, promote_options="permissive").field(0).type
    except pa.ArrowException:
        return pa.string()


def naming_file(file: str, error: Exception) -> Exception:
    """The error with the name of the file."""
    kind = OSError if isinstance(error, OSError) else ValueError
    return kind(f"{file}: {error}")
