"""`fastmlp train`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_args

import click

from fastmlp.cli.errors import DataError
from fastmlp.cli.options import table_argument, text_options
from fastmlp.cli.outputs import check_writable, replacing
from fastmlp.cli.tables import PIPE, TextFormat

_LOSSES = ("squared_error", "absolute_error", "huber", "poisson", "quantile")
_PICTURES = (".png", ".pdf", ".svg", ".jpg")


@click.command(
    epilog="""\b
Examples:
  fastmlp train houses.csv --target price -o houses.safetensors
  fastmlp train people.parquet --target income --preset best -o m.safetensors --report m.txt
  fastmlp train sales.csv.gz --target sold --time date --extrapolation linear -o m.safetensors
  fastmlp train visits.csv --target cost --groups patient --drop visit_id -o m.safetensors
  fastmlp train rents.csv --target rent --quantile 0.1 --quantile 0.9 -o m.safetensors"""
)
@table_argument
@click.option(
    "--target",
    "targets",
    multiple=True,
    required=True,
    metavar="COLUMN",
    help="Column to predict; repeat it for several.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(dir_okay=False),
    help="Model file to write (safetensors).",
)
@click.option(
    "--task",
    type=click.Choice(["regression", "classification"]),
    help="[default: classification for text, booleans and few whole numbers]",
)
@click.option(
    "--preset",
    type=click.Choice(["fast", "default", "best", "plain"]),
    default="default",
    show_default=True,
    help="How much to train; plain is one network of the textbook.",
)
@click.option("--time-limit", type=click.FloatRange(0, min_open=True), help="Seconds at most.")
@click.option("--estimators", type=click.IntRange(1), help="Networks to train and average.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@click.option("--jobs", type=int, help="Threads; -1: all cores.  [default: those available]")
@click.option(
    "--loss",
    type=click.Choice(_LOSSES),
    help="Of a regression.  [default: squared_error]",
)
@click.option(
    "--quantile",
    "quantiles",
    multiple=True,
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Predict this quantile of the target; repeat it for several.",
)
@click.option(
    "--extrapolation",
    type=click.Choice(["clip", "linear"]),
    default="clip",
    show_default=True,
    help="linear: trends go on beyond the range of the table.",
)
@click.option(
    "--drop", "dropped", multiple=True, metavar="COLUMN", help="Not an input; repeatable."
)
@click.option(
    "--category",
    "categories",
    multiple=True,
    metavar="COLUMN",
    help="Its numbers are categories, such as postal codes; repeatable.",
)
@click.option("--weight", metavar="COLUMN", help="Weights of the rows; not an input.")
@click.option(
    "--validation",
    type=click.Path(dir_okay=False),
    metavar="TABLE",
    help="Rows to stop on and to score, in place of rows held out by turns.",
)
@click.option(
    "--groups",
    metavar="COLUMN",
    help="Hold out a fifth of the groups whole, for all networks, so that scores are those of new "
    "groups. The model is not trained on these rows. Not an input.",
)
@click.option(
    "--time",
    metavar="COLUMN",
    help="Hold out the latest fifth of the rows, for all networks, so that scores are those of the "
    "future. The model is not trained on these rows. An input, unless --drop names it.",
)
@click.option("--report", "report_file", type=click.Path(dir_okay=False), help="Text to write.")
@click.option(
    "--plot",
    type=click.Path(dir_okay=False),
    help="Picture to write: loss curves, and held-out predictions (.png, .pdf, .svg, .jpg).",
)
@click.option("--quiet", is_flag=True, help="No progress.")
@text_options
def train(
    table: str,
    targets: tuple[str, ...],
    output: str,
    task: Literal["regression", "classification"] | None,
    preset: str,
    time_limit: float | None,
    estimators: int | None,
    seed: int,
    jobs: int | None,
    loss: str | None,
    quantiles: tuple[float, ...],
    extrapolation: str,
    dropped: tuple[str, ...],
    categories: tuple[str, ...],
    weight: str | None,
    validation: str | None,
    groups: str | None,
    time: str | None,
    report_file: str | None,
    plot: str | None,
    quiet: bool,
    how: TextFormat,
) -> None:
    """Train a model on TABLE, report held-out scores, and write the model.

    Every column that no option names is an input. By default each row is held out from some of the
    networks in turn, and the scores are those of these rows.

    Ctrl-C ends training and writes nothing; use --time-limit for a model after some time.
    """
