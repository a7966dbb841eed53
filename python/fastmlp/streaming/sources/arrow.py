"""Datasets of pyarrow: files and folders of Parquet, CSV and Arrow, read in little memory."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from fastmlp.streaming.sources.blocks import BeginAgain, Block, Roles, Source, used_columns
from fastmlp.streaming.sources.schemas import (
    FileSchema,
    check_files,
    naming_file,
    unified,
    without_index,
)
from fastmlp.table.value_kinds import TextKind

_FORMATS = {
    **dict.fromkeys((".csv", ".tsv", ".txt"), "csv"),
    **dict.fromkeys((".arrow", ".feather", ".ipc"), "ipc"),
}
_PARQUET = (".parquet", ".pq")  # files of unknown suffixes are tried as Parquet too
_COMPRESSIONS = (".gz", ".bz2", ".zst", ".lz4")  # of CSV
_BUFFER = 2**18  # bytes of each column of a Parquet file that are read at a time
_TYPES = {"number": pa.float64(), "text": pa.string()}
_DELIMITERS = ",;\t|"
_UNCONVERTED = re.compile(r"In CSV column #(\d+): (.*)")


class DatasetSource(Source):
    """A `pyarrow.dataset.Dataset`.

    Parameters
    ----------
    dataset : pyarrow.dataset.Dataset
    roles : Roles
    needed : sequence of str or None
        Columns that are read; None: all but the index that pandas or Dask wrote.
    same_columns : bool, default=False
        Whether files must not have other columns, if all are used.

    Raises
    ------
    ValueError
        If a file does not have the columns of the others.
    """

    def __init__(
        self,
        dataset: Any,
        roles: Roles,
        needed: Sequence[str] | None = None,
        *,
        same_columns: bool = False,
    ) -> None:
        self._dataset, self._roles = dataset, roles
        # Reads the schemas of all files, several at a time.
        self.n_rows = dataset.count_rows() if self._is_of("parquet", "ipc") else None
        own = dataset.schema
        schema = without_index(own, {*roles.names, *(needed or ())})
        schema = _with_fields(schema, used_columns(schema.names, needed))
        self.names = roles.inputs(schema.names)
        self.target_names = tuple(roles.targets) or None
        if not _is_filtered(dataset):
            files = [FileSchema.of(fragment) for fragment in dataset.get_fragments()]
            others = {*own.names, *roles.dropped} if same_columns and needed is None else None
            check_files(files, [name for name in schema.names if name not in roles.dropped], others)
            if isinstance(dataset, ds.FileSystemDataset):
                schema = unified(schema, files)
                self._dataset = ds.FileSystemDataset(
                    list(dataset.get_fragments()), schema, dataset.format, dataset.filesystem
                )
        self._schema = schema
        self.fingerprint = _fingerprint(self._dataset, roles)

    def blocks(self, n_rows: int) -> Iterator[Block]:
        """Read the files in their order."""
        is_plain = self._is_of("parquet") and not _is_filtered(self._dataset)
        batches = self._of_parquet if is_plain else self._of_any
        try:
            for number, (file, batch) in enumerate(batches(n_rows)):
                if batch.num_rows:
                    yield self._roles.block(pa.table(batch), f"{file}, block {number + 1}")
        finally:
            pa.default_memory_pool().release_unused()  # it keeps what it had, for the next time

    def _is_of(self, *formats: str) -> bool:
        return getattr(getattr(self._dataset, "format", None), "default_extname", "") in formats

    def _of_parquet(self, n_rows: int) -> Iterator[tuple[str, Any]]:
        """Read pieces of row groups: pyarrow's scanner holds whole ones, of a million rows each."""
        for fragment in self._dataset.get_fragments():
            known = ds.get_partition_keys(fragment.partition_expression)
            try:
                with fragment.open() as opened:
                    file = pq.ParquetFile(opened, pre_buffer=False, buffer_size=_BUFFER)
                    wanted = [
                        name for name in self._schema.names if name in file.schema_arrow.names
                    ]
                    for batch in file.iter_batches(n_rows, columns=wanted):
                        yield fragment.path, _with_schema(batch, self._schema, known)
            except (ValueError, pa.ArrowException, OSError) as error:
                raise naming_file(fragment.path, error) from error

    def _of_any(self, n_rows: int) -> Iterator[tuple[str, Any]]:
        scanner = self._dataset.scanner(
            columns=self._schema.names, batch_size=n_rows, batch_readahead=1, fragment_readahead=1
        )
        file = "X"
        try:
            for tagged in scanner.scan_batches():
                file = getattr(tagged.fragment, "path", "X")
                yield file, tagged.record_batch
        except (pa.ArrowException, OSError) as error:
            raise naming_file(file, error) from error


class CsvSource(DatasetSource):
    """Files of CSV, whose columns are numbers as long as all values are.

    Parameters
    ----------
    path : Path
    roles : Roles
        Whole numbers among the targets stay whole: they may be classes.
    known : mapping of str to {"number", "text"}
        How some columns are read, whatever their values are.
    needed : sequence of str or None
        As of `DatasetSource`.
    delimiter : str or None
        None: a comma, or a tab in files that end in ``.tsv``.
    """

    def __init__(
        self,
        path: Path,
        roles: Roles,
        known: Mapping[str, TextKind],
        needed: Sequence[str] | None,
        delimiter: str | None,
    ) -> None:
        self.path, self._known = path, known
        if delimiter is None:
            delimiter = "\t" if _first_suffix(path) == ".tsv" else ","
        self._parse = arrow_csv.ParseOptions(delimiter=delimiter)
        opened = self._opened({})
        _check_delimiter(path, opened.schema.names, delimiter)
        # Of the first MB. What is null there may be numbers later.
        self._types = {
            field.name: _TYPES[known[field.name]]
            if field.name in known
            else _read_as(field.type, stays_whole=field.name in roles.targets)
            for field in opened.schema
        }
        super().__init__(self._opened(self._types), roles, needed, same_columns=True)

    def _opened(self, types: dict[str, Any]) -> Any:
        convert = arrow_csv.ConvertOptions(column_types=types, strings_can_be_null=True)
        own = ds.CsvFileFormat(parse_options=self._parse, convert_options=convert)
        return ds.dataset(self.path, format=own)

    def _of_any(self, n_rows: int) -> Iterator[tuple[str, Any]]:
        try:
            yield from super()._of_any(n_rows)
        except ValueError as error:
            found = _UNCONVERTED.search(str(error))
            name = None if found is None else [*self._types][int(found[1])]
            is_fixed = name in self._known or self._types.get(name) in (None, pa.string())
            if found is None or is_fixed:
                raise
            was_whole = self._types[name] == pa.int64()
            self._types[name] = read_as = pa.float64() if was_whole else pa.string()
            self._dataset = self._opened(self._types)
            self._schema = _with_fields(self._dataset.schema, self._schema.names)
            raise BeginAgain(f"column {name!r} is read as {read_as}: {found[2]}") from None


def _check_delimiter(path: Path, names: Sequence[str], delimiter: str) -> None:
    """Raise if a single column is in fact several with another delimiter."""
    found = next((one for one in _DELIMITERS if one != delimiter and one in names[0]), None)
    if len(names) == 1 and found is not None:
        raise ValueError(
            f"X: {os.fspath(path)!r} has a single column, {names[0]!r}, if {delimiter!r} is the "
            f"delimiter. If it is {found!r}, pass pyarrow.dataset.dataset(path, format="
            f"CsvFileFormat(ParseOptions(delimiter={found!r}))), or --delimiter on the command line"
        )


def _read_as(guessed: Any, *, stays_whole: bool) -> Any:
    """How a column of CSV is read at first: dates stay text, which shows how they are written."""
    if pa.types.is_boolean(guessed):
        return guessed
    if stays_whole and pa.types.is_integer(guessed):
        return pa.int64()
    is_number = any(
        is_one(guessed) for is_one in (pa.types.is_integer, pa.types.is_floating, pa.types.is_null)
    )
    return pa.float64() if is_number else pa.string()


def open_path(
    path: str | os.PathLike[str],
    roles: Roles,
    known: Mapping[str, TextKind],
    needed: Sequence[str] | None = None,
    delimiter: str | None = None,
) -> Source:
    """The source of a file or of a folder, by the suffix of its first file; see `CsvSource`."""
    given = Path(path)
    if not given.exists():
        raise FileNotFoundError(f"X: there is no file or folder {os.fspath(path)!r}")
    suffix = _first_suffix(given)
    kind = _FORMATS.get(suffix, "parquet")
    try:
        if kind == "csv":
            return CsvSource(given, roles, known, needed, delimiter)
        dataset = ds.dataset(given, format=kind, partitioning="hive")
        source = DatasetSource(dataset, roles, needed, same_columns=True)
        source.path = given
        return source
    except pa.ArrowInvalid as error:
        if suffix not in (*_FORMATS, *_PARQUET):
            raise ValueError(
                f"X: {os.fspath(path)!r} cannot be read. Names of files must end in "
                f"{', '.join((*_FORMATS, *_PARQUET))}, or those of CSV in "
                f"{', '.join(_COMPRESSIONS)} after that; got {suffix!r}, which is not Parquet "
                "either"
            ) from error
        raise ValueError(f"X: {os.fspath(path)!r} cannot be read as {kind}: {error}") from error


def _first_suffix(path: Path) -> str:
    """The suffix of the file or, of a folder, of the first file in it that is not hidden."""
    if path.is_file():
        suffix = path.suffix.lower()
        return Path(path.stem).suffix.lower() if suffix in _COMPRESSIONS else suffix
    files = (file for file in sorted(path.rglob("*")) if file.is_file())
    shown = (file for file in files if not file.name.startswith((".", "_")))
    first = next(shown, None)
    if first is None:
        raise ValueError(f"X: the folder {os.fspath(path)!r} holds no files")
    return _first_suffix(first)


def _with_fields(schema: Any, names: Sequence[str]) -> Any:
    return pa.schema([field for field in schema if field.name in names])


def _is_filtered(dataset: Any) -> bool:
    try:
        next(dataset.get_fragments(), None)
    except ValueError:  # rows or columns are left out
        return True
    return False


def _with_schema(batch: Any, schema: Any, known: dict[str, Any]) -> Any:
    """A batch with the columns of the dataset, some of them from the names of folders."""
    if batch.schema.equals(schema):
        return batch
    columns = []
    for field in schema:
        if field.name in batch.schema.names:
            try:
                columns.append(batch.column(field.name).cast(field.type))
            except pa.ArrowException as error:
                raise ValueError(
                    f"column {field.name!r} cannot be read as {field.type}, as in other files: "
                    f"{error}"
                ) from error
        elif field.name in known:
            value = pa.scalar(known[field.name]).cast(field.type)
            columns.append(pa.repeat(value, batch.num_rows))
        else:
            columns.append(pa.nulls(batch.num_rows, field.type))
    return pa.record_batch(columns, schema=schema)


def _fingerprint(dataset: Any, roles: Roles) -> str | None:
    """Digest of the files' names, sizes and times, and of what is read; None without files."""
    files = getattr(dataset, "files", None)
    if not files or _is_filtered(dataset):
        return None
    found = dataset.filesystem.get_file_info(files)
    state = [[info.path, info.size, info.mtime_ns] for info in found]
    return sha256(json.dumps([str(dataset.schema), roles, state]).encode()).hexdigest()
