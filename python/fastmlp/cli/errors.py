"""DataError: a table or a model file cannot be used; and how a wrong column name is reported."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

import click

from fastmlp.table.text import quoted_few


class DataError(click.ClickException):
    """The contents of a file cannot be used. The message is one sentence that says why."""

    exit_code = 1


def check_columns(wanted: Iterable[str], names: Sequence[str], file: str) -> None:
    """Raise if a requested column is not in the file.

    Parameters
    ----------
    wanted : iterable of str
        Requested columns.
    names : sequence of str
        Columns of the file.
    file : str
        Name of the file.
    """
    for name in wanted:
        if name not in names:
            by_lower = {known.lower(): known for known in names}
            close = [by_lower[one] for one in get_close_matches(name.lower(), by_lower)]
            meant = f"did you mean {' or '.join(map(repr, close))}? It" if close else "it"
            raise DataError(f"{file} has no column {name!r}; {meant} has {quoted_few(names)}")
