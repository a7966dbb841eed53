"""Tables that are written block by block; the file is complete or absent."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv as arrow_csv

from fastmlp.cli.outputs import check_writable
from fastmlp.cli.tables.reading import COMPRESSIONS, PIPE, kind_of_file
from fastmlp.model_file.atomic import replacing


@contextmanager
def table_writer(path: str) -> Iterator[Callable[[Any], None]]:
    """A function that appends a pyarrow.Table to a file, in the format of its name.

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
