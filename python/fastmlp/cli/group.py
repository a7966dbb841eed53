"""The command group, and its exit status."""

from __future__ import annotations

import os
import signal
import sys
import warnings
from collections.abc import Sequence
from typing import TextIO

import click

from fastmlp._version import __version__
from fastmlp.cli.commands.compact import compact
from fastmlp.cli.commands.evaluate import evaluate
from fastmlp.cli.commands.export import export
from fastmlp.cli.commands.info import info
from fastmlp.cli.commands.predict import predict
from fastmlp.cli.commands.serve import serve
from fastmlp.cli.commands.train import train

_INTERRUPTED = 128 + signal.SIGINT


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""\b
Start with a table that has a header row:
  fastmlp train houses.csv --target price -o houses.safetensors
  fastmlp predict houses.safetensors new.csv -o prices.csv
  fastmlp COMMAND --help

\b
Tables: .csv, .tsv and .txt, also compressed (.gz, .bz2, .zst, .lz4), .parquet, .arrow, .feather;
"-" is CSV from or to a pipe.
Exit status: 0 done, 1 a table or a model file cannot be used, 2 wrong usage, 130 interrupted.""",
)
@click.version_option(__version__, package_name="fastmlp", message="fastmlp %(version)s")
def group() -> None:
    """Train neural networks on tables, and use them.

    Columns of numbers, text, categories, dates and booleans, with missing values, need no
    preparation.
    """


for command in (train, predict, evaluate, info, compact, export, serve):
    group.add_command(command)


def run(arguments: Sequence[str]) -> int:
    """Run the command; return its exit status. An error is one sentence on stderr."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # those for programmers
        warnings.simplefilter("default", UserWarning)
        warnings.showwarning = _show_warning
        try:
            group.main([*arguments], prog_name="fastmlp", standalone_mode=False)
        except click.ClickException as error:
            error.show()
            return error.exit_code
        except (KeyboardInterrupt, click.Abort):
            click.echo("Interrupted; no output was written.", err=True)
            return _INTERRUPTED
        except BrokenPipeError:  # the reader of the output has ended, as `head` does
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 1
        except (
            *(ValueError, TypeError, OSError, MemoryError, ImportError),
            NotImplementedError,  # of Arrow: a type of column that it cannot work with
        ) as error:
            click.echo(f"Error: {' '.join(str(error).split())}", err=True)
            return 1
    return 0


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """A warning as a sentence."""
    click.echo(f"Warning: {' '.join(str(message).split())}", err=True)
