"""Arguments and options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

from fastmlp.cli.tables.reading import TextFormat

Command = Callable[..., None]


def _character(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """A single character; a tab may be written as backslash t."""
    value = "\t" if value == "\\t" else value
    if value is not None and len(value.encode()) != 1:
        raise click.BadParameter("must be a single character")
    return value


model_argument = click.argument("model", type=click.Path(dir_okay=False))
# A folder is a table of many files, which is read in blocks.
table_argument = click.argument("table", type=click.Path(allow_dash=True))
model_output_option = click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False),
    help="Model file to write (safetensors).",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


def text_options(command: Command) -> Command:
    """Add the options of tables that are text. The command gets them as `how`, a TextFormat."""

    @click.option(
        "--delimiter",
        callback=_character,
        metavar="CHAR",
        help="Field separator of text.  [default: the most frequent of , ; tab | in the header]",
    )
    @click.option(
        "--encoding",
        default="utf-8",
        metavar="NAME",
        show_default=True,
        help="Encoding of text, such as cp1252.",
    )
    @click.option(
        "--decimal",
        default=".",
        callback=_character,
        metavar="CHAR",
        show_default=True,
        help="Decimal separator in text, such as a comma.",
    )
    @wraps(command)
    def with_format(
        *arguments: Any, delimiter: str | None, encoding: str, decimal: str, **options: Any
    ) -> None:
        command(*arguments, how=TextFormat(delimiter, encoding, decimal), **options)

    return with_format
