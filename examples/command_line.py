"""The options that examples share, and how they end."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from csv_table import InputError


def parser(description: str, plot: str) -> argparse.ArgumentParser:
    """Return a parser of the options that all examples have; `plot` is the default of --plot."""
    result = argparse.ArgumentParser(description=description.splitlines()[0])
    result.add_argument(
        "--plot", type=Path, default=Path(plot), help="picture to write; default %(default)s"
    )
    result.add_argument("--seed", type=int, default=0, help="seed of everything random")
    return result


def table_parser(description: str, plot: str) -> argparse.ArgumentParser:
    """Return a parser that has the options of a table of one's own too."""
    result = parser(description, plot)
    result.add_argument("--csv", type=Path, help="table with a header row, plain or gzipped")
    result.add_argument("--target", help="column to predict")
    result.add_argument("--encoding", default="utf-8", help="of the file; default %(default)s")
    return result


def run(story: Callable[[argparse.Namespace], None], options: argparse.Namespace) -> int:
    """Run an example; return 0, or 2 after a sentence on stderr if the input is wrong."""
    try:
        if not 0 <= options.seed < 2**32:
            raise InputError(f"--seed must be in [0, 2**32); got {options.seed}")
        story(options)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0
