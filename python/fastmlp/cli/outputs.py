"""Files to write: checked before any work is done."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import click

from fastmlp.cli.errors import DataError
from fastmlp.cli.tables.reading import PIPE


def check_writable(path: str) -> None:
    """Raise, before any work is done, if a file cannot be written.

    Raises
    ------
    DataError
        If its folder does not exist or cannot be written to, or if it is not a regular file.
    """
    target = Path(path)
    folder = target.parent
    if not folder.is_dir():
        raise DataError(f"cannot write {path}: there is no folder {folder}")
    if target.exists() and not target.is_file():
        raise DataError(f"cannot write {path}: it is not a regular file")
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
    read = {os.path.realpath(path) for path in inputs if path is not None and path != PIPE}
    written: set[str] = set()
    for path in outputs:
        if path is None:
            continue
        check_writable(path)
        target = os.path.realpath(path)
        if target in read:
            raise click.UsageError(f"{path} is an input and would be overwritten by an output")
        if target in written:
            raise click.UsageError(f"{path} is named twice as an output")
        written.add(target)
