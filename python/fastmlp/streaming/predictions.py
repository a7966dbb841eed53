"""Predictions of a stream as a dataset of Parquet files, which is complete or absent."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import narwhals.stable.v1 as nw
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from fastmlp.streaming.block_reader import naming
from fastmlp.streaming.sources.blocks import BeginAgain, Block, Source
from fastmlp.table.frames import as_frame

_FILE_ROWS = 2**20
_PREDICTION, _PROBABILITY = "prediction", "probability"

_log = logging.getLogger("fastmlp")


def write_predictions(
    source: Source,
    folder: str | os.PathLike[str],
    predict: Callable[[Any], Mapping[str, NDArray[Any]]],
    *,
    columns: Sequence[str] | None,
    keep: Sequence[str],
    block_rows: int,
) -> int:
    """Predict all rows of a source in their order; returns how many there are.

    Parameters
    ----------
    source : Source
    folder : path-like
        Must not exist. It appears when all files in it are written.
    predict : callable
        From a block to columns by name.
    columns : sequence of str or None
        Columns that the model reads, if they have names.
    keep : sequence of str
        Columns of the source that are written too.
    block_rows : int

    Raises
    ------
    FileExistsError
        If the folder exists.
    ValueError, TypeError
        If a block cannot be predicted; they say which one. If the folder is in the source's.
    OSError
        If the source cannot be read, or the files cannot be written.
    """
    target = Path(folder)
    if target.exists():
        raise FileExistsError(f"{os.fspath(folder)!r} exists; predictions need a new folder")
    if source.path is not None and target.resolve().is_relative_to(source.path.resolve()):
        raise ValueError(
            "folder must be outside X, as predictions must not mix with its files; got "
            f"{os.fspath(folder)!r}, which is in {os.fspath(source.path)!r}"
        )
    while True:
        unfinished = target.with_name(f".{target.name}.{secrets.token_hex(8)}.unfinished")
        unfinished.mkdir(parents=True)
        try:
            n_rows = 0
            for number, tables in enumerate(
                _files(_tables(source, predict, columns, keep, block_rows))
            ):
                n_rows += _write(tables, unfinished / f"part-{number:05d}.parquet")
            if n_rows == 0:
                raise ValueError("X has no rows")
            os.rename(unfinished, target)
            return n_rows
        except BeginAgain as reason:
            _log.warning("reading the table from the start again: %s", reason)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)


def named_predictions(
    predicted: NDArray[Any],
    probabilities: NDArray[Any] | None,
    outputs: Sequence[Any],
    classes: Sequence[Any],
) -> dict[str, NDArray[Any]]:
    """Predictions as columns: "prediction" and, of classes, "probability_" and the class.

    Parameters
    ----------
    predicted : ndarray of shape (n_rows,) or (n_rows, n_outputs)
    probabilities : ndarray of shape (n_rows, n_classes) or None
    outputs, classes : sequence
        What follows the names if there are several.
    """
    if predicted.ndim == 1:
        named = {_PREDICTION: predicted}
    else:
        named = dict(zip((f"{_PREDICTION}_{o}" for o in outputs), predicted.T, strict=True))
    if probabilities is not None:
        names = (f"{_PROBABILITY}_{label}" for label in classes)
        named |= dict(zip(names, probabilities.T, strict=True))
    return named


def _tables(
    source: Source,
    predict: Callable[[Any], Mapping[str, NDArray[Any]]],
    columns: Sequence[str] | None,
    keep: Sequence[str],
    block_rows: int,
) -> Iterator[pa.Table]:
    for block in source.blocks(block_rows):
        X, kept = _taken_apart(block, columns, keep)
        with naming(block.where):
            predicted = predict(X)
        twice = next((name for name in predicted if name in kept), None)
        if twice is not None:
            raise ValueError(
                f"X already has a column {twice!r}, the name of a prediction: it cannot be kept"
            )
        yield pa.table({**kept, **predicted})


def _taken_apart(
    block: Block, columns: Sequence[str] | None, keep: Sequence[str]
) -> tuple[Any, dict[str, Any]]:
    """The columns of the model, and those to keep."""
    frame = as_frame(block.X)
    if not isinstance(frame, nw.DataFrame):
        if keep:
            raise ValueError("keep needs columns that have names")
        return block.X, {}
    lacking = [name for name in (*(columns or ()), *keep) if name not in frame.columns]
    if lacking:
        raise ValueError(f"X ({block.where}) has no column {lacking[0]!r}")
    kept = {name: frame[name].to_arrow() for name in keep}
    return block.X if columns is None else frame.select(columns).to_native(), kept


def _files(tables: Iterator[pa.Table]) -> Iterator[Iterator[pa.Table]]:
    """The tables of one file after the other; each must be read to its end."""
    for first in tables:

        def rest(table: pa.Table) -> Iterator[pa.Table]:
            n_rows = 0
            while True:
                yield table
                n_rows += table.num_rows
                if n_rows >= _FILE_ROWS:
                    return
                following = next(tables, None)
                if following is None:
                    return
                table = following

        yield rest(first)


def _write(tables: Iterator[pa.Table], path: Path) -> int:
    """Write tables to a file, and wait until the disk has it; returns the number of rows."""
    first = next(tables)
    n_rows = int(first.num_rows)
    with open(path, "wb") as file:
        with pq.ParquetWriter(file, first.schema) as writer:
            writer.write_table(first)
            for table in tables:
                writer.write_table(table.cast(first.schema))
                n_rows += table.num_rows
        file.flush()
        os.fsync(file.fileno())
    return n_rows
