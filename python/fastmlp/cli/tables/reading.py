"""Tables in files: CSV and similar text, Parquet and Arrow, read in blocks.

pyarrow reads and writes all of these piece by piece, which polars does not; the estimators take its
tables as they are.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv as arrow_csv

from fastmlp.cli.errors import DataError
from fastmlp.table.text import quoted_few

PIPE = "-"  # the standard input or output stream, as CSV
COMPRESSIONS = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd", ".lz4": "lz4"}
_TEXT = (".csv", ".tsv", ".txt")
_PARQUET = (".parquet", ".pq")
_ARROW = (".arrow", ".feather", ".ipc")
_DELIMITERS = ",;\t|"
_TEXT_BLOCK = 2**20  # bytes of text of a piece; pyarrow reads up to 32 of them ahead
_PIECE_ROWS = 2**16  # of other files
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")


@dataclass(frozen=True)
class TextFormat:
    """How a table is written as text.

    Parameters
    ----------
    delimiter : str or None, default=None
        Between fields; None: the one of ``, ; tab |`` that the header has most of.
    encoding : str, default="utf-8"
    decimal : str, default="."
        Character before decimals.
    """

    delimiter: str | None = None
    encoding: str = "utf-8"
    decimal: str = "."


@dataclass(frozen=True)
class TableFile:
    """An open table.

    Attributes
    ----------
    path : str
    names : list of str
        Of its columns. Columns of text files without a name, and the row numbers that pandas adds
        to Parquet files, are left out.
    is_text : bool
        Whether all columns hold text, verbatim.
    pieces : iterator of pyarrow.Table
        The rows, in order.
    """

    path: str
    names: list[str]
    is_text: bool
    pieces: Iterator[Any]

    def whole(self) -> Any:
        """All rows as one pyarrow.Table."""
        pieces = [*self.pieces]
        if not pieces:
            raise DataError(f"{self.path} has columns but no rows")
        return pa.concat_tables(pieces)


def kind_of_file(path: str, *, text: bool = False) -> str:
    """Find "text", "parquet" or "arrow" from a file's name; `text` for names without a known
    ending.

    Raises
    ------
    DataError
        If the name has no known ending.
    """
    name = Path(path)
    suffix = (Path(name.stem) if name.suffix.lower() in COMPRESSIONS else name).suffix.lower()
    if path == PIPE or suffix in _TEXT:
        return "text"
    if name.suffix.lower() in _PARQUET:
        return "parquet"
    if name.suffix.lower() in _ARROW:
        return "arrow"
    if text:
        return "text"
    known = ", ".join([*_TEXT, *_PARQUET, *_ARROW])
    raise DataError(
        f"cannot tell the format of {path} from its name: it must end in one of {known}; text may "
        f"be compressed ({', '.join(COMPRESSIONS)})"
    )


@contextmanager
def open_table(path: str, how: TextFormat) -> Iterator[TableFile]:
    """Open a table to read it piece by piece.

    Parameters
    ----------
    path : str
        "-" reads CSV from the standard input stream.
    how : TextFormat
        How to read files of text.

    Raises
    ------
    DataError
        If there is no such file or it cannot be read as its name says, also while pieces are read.
    """
    openers = {"text": _open_text, "parquet": _open_parquet, "arrow": _open_arrow}
    opener = openers[kind_of_file(path, text=how.delimiter is not None)]
    with ExitStack() as stack:
        with _reading(path, how.encoding):
            table = opener(path, how, stack)
        if not table.names:
            raise DataError(f"{path} has no columns")
        twice = sorted({name for name in table.names if table.names.count(name) > 1})
        if twice:
            raise DataError(f"{path} has several columns of the same name: {quoted_few(twice)}")
        yield replace(table, pieces=_read(table.pieces, path, how.encoding))


def _read(pieces: Iterator[Any], path: str, encoding: str) -> Iterator[Any]:
    with _reading(path, encoding):
        yield from pieces


@contextmanager
def _reading(path: str, encoding: str) -> Iterator[None]:
    """Say in a sentence what is wrong with a file."""
    try:
        yield
    except FileNotFoundError as error:
        raise DataError(f"no such file: {path}") from error
    except (pa.ArrowException, OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        reason = " ".join(str(error).split()).rstrip(".")
        if isinstance(error, UnicodeDecodeError) or "invalid UTF8" in reason:
            reason = f"it is not {encoding} text; name its encoding, such as --encoding cp1252"
        elif "Empty CSV file" in reason:
            reason = "it has a header but no rows"
        raise DataError(f"cannot read {path}: {reason}") from error


# ---- text


def _open_text(path: str, how: TextFormat, stack: ExitStack) -> TableFile:
    stream = stack.enter_context(_text_stream(path, how.encoding))
    header = stream.readline().removeprefix(codecs.BOM_UTF8)
    while header.count(b'"') % 2 and (more := stream.readline()):
        header += more  # a line break in quotes
    text = header.decode()
    if not text.strip():
        raise DataError(f"{path} is empty: its first line must name the columns")
    delimiter = how.delimiter or _delimiter_of(text)
    names = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    named = [name for name in names if name]
    reader = arrow_csv.open_csv(
        stream,
        read_options=arrow_csv.ReadOptions(
            column_names=[name or f"\0{i}" for i, name in enumerate(names)],
            block_size=_TEXT_BLOCK,
        ),
        parse_options=arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(named, pa.string()), include_columns=named
        ),
    )
    stack.enter_context(reader)
    # Blocks are small, and are not cut: `if_else` of pyarrow 17 misreads text in slices.
    return TableFile(path, named, True, (pa.Table.from_batches([one]) for one in reader))


def _text_stream(path: str, encoding: str) -> Any:
    """The bytes of a file or of the standard input, decompressed, as UTF-8."""
    try:
        "".encode(encoding)  # an error for codecs of other things than text
        is_utf8 = codecs.lookup(encoding).name == "utf-8"
    except LookupError as error:
        raise DataError(f"--encoding: {error}") from error
    if path == PIPE:
        stream: Any = sys.stdin.buffer
    else:
        compression = COMPRESSIONS.get(Path(path).suffix.lower())
        stream = pa.input_stream(path, compression=compression)
    if not is_utf8:
        stream = pa.transcoding_input_stream(stream, encoding, "utf-8")
    return stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(stream)


def _delimiter_of(header: str) -> str:
    """The delimiter that the header has most of, outside of quotes; else a comma."""
    plain = re.sub(r'"[^"]*"', "", header)
    return max(_DELIMITERS, key=plain.count)


# ---- Parquet and Arrow


def _open_parquet(path: str, how: TextFormat, stack: ExitStack) -> TableFile:
    from pyarrow import parquet

    file = stack.enter_context(parquet.ParquetFile(path))
    names = [name for name in file.schema_arrow.names if not _PANDAS_INDEX.fullmatch(name)]
    return TableFile(path, names, False, _tables(file.iter_batches(_PIECE_ROWS, columns=names)))


def _open_arrow(path: str, how: TextFormat, stack: ExitStack) -> TableFile:
    """A file of Arrow's (Feather) or a stream of Arrow's, which differ in their first bytes."""
    source = stack.enter_context(pa.memory_map(path))
    is_file = source.read(6) == b"ARROW1"
    source.seek(0)
    if is_file:
        file = stack.enter_context(pa.ipc.open_file(source))
        batches = (file.get_batch(i) for i in range(file.num_record_batches))
        return TableFile(path, file.schema.names, False, _tables(batches))
    stream = stack.enter_context(pa.ipc.open_stream(source))
    return TableFile(path, stream.schema.names, False, _tables(stream))


def _tables(batches: Iterable[Any]) -> Iterator[Any]:
    """Batches of rows as tables that are not too large."""
    for batch in batches:
        for start in range(0, batch.num_rows, _PIECE_ROWS):
            yield pa.Table.from_batches([batch.slice(start, _PIECE_ROWS)])
