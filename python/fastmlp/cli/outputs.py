"""Tables that are written piece by piece, as a whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pyarrow as pa
from pyarrow import csv as arrow_csv

from fastmlp.cli.errors import DataError
from fastmlp.cli.tables import COMPRESSIONS, PIPE, kind_of_file
from fastmlp.model_file.atomic import replacing


def check_writable(path: str) -> None:
    """Raise, before any work is done, if a file cannot be written.

    Raises
    ------
    DataError
        If its folder does not exist or cannot be written to, or if it is no regular file.
    """
    target = Path(path)
    folder = target.parent
    if not folder.is_dir():
        raise DataError(f"cannot write {path}: there is no folder {folder}")
    if target.exists() and not target.is_file():
        raise DataError(f"cannot write {path}: it is no regular file")
    if not os.access(folder, os.W_OK):
        raise DataError(f"cannot write {path}: the folder {folder} is read-only")


def check_outputs(outputs: Iterable[str | None], inputs: Iterable[str | None]) -> None:
    """Raise, before any work is done, if a file cannot be written or would replace another one.

    Parameters
    ----------
    outputs, inputs : iterable of str or None
        Files that a command writes, and those that it reads; None stands for none.

    Raises
    ------
    DataError
        As `check_writable`.
    click.UsageError
        If an output is an input or another output.
    """
    taken = {os.path.realpath(path) for path in inputs if path is not None and path != PIPE}
    for path in outputs:
        if path is None:
            continue
        check_writable(path)
        if (target := os.path.realpath(path)) in taken:
            raise click.UsageError(f"{path} is named twice: it would be overwritten")
        taken.add(target)


@contextmanager
def table_writer(path: str) -> Iterator[Callable[[Any], None]]:
    """A function that appends a pyarrow.Table to a file whose name tells the format.

    Parameters
    ----------
    path : str
        "-" writes CSV to the standard output stream.
    """
    if path == PIPE:
        with _Writer(sys.stdout.buffer, "text") as writer:
            yield writer.append
        sys.stdout.buffer.flush()
        return
    check_writable(path)
    kind = kind_of_file(path)
    compression = COMPRESSIONS.get(Path(path).suffix.lower())
    with (
        replacing(path) as written,
        pa.output_stream(written, compression=compression) as sink,
        _Writer(sink, kind) as writer,
    ):
        yield writer.append


class _Writer:
    """Writes tables one after the other; the first one has the columns and types of all."""

    def __init__(self, sink: Any, kind: str) -> None:
        self._sink, self._kind = sink, kind
        self._writer: Any = None

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *failure: object) -> None:
        if self._writer is not None:
            self._writer.close()

    def append(self, table: Any) -> None:
        if self._writer is None:
            self._writer = self._open(table.schema)
        self._writer.write_table(table)

    def _open(self, schema: Any) -> Any:
        if self._kind == "text":
            return arrow_csv.CSVWriter(self._sink, schema)
        if self._kind == "arrow":
            return pa.ipc.new_file(self._sink, schema)
        from pyarrow import parquet

        return parquet.ParquetWriter(self._sink, schema)
