"""`fastmlp train`."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from fastmlp.cli.commands.options import model_output_option, table_argument, text_options
from fastmlp.cli.errors import DataError
from fastmlp.cli.outputs import check_outputs
from fastmlp.cli.tables.reading import TextFormat
from fastmlp.cli.training.roles import Roles, TaskName
from fastmlp.model_file.atomic import replacing
from fastmlp.streaming.memory import size_in_bytes

_LOSSES = (
    "squared_error",
    "absolute_error",
    "huber",
    "log_cosh",
    "poisson",
    "gamma",
    "tweedie",
    "quantile",
)
_PICTURES = (".png", ".pdf", ".svg", ".jpg")


def _size(context: click.Context, parameter: click.Parameter, value: str | None) -> int | None:
    """Bytes from an option's text."""
    try:
        return None if value is None else size_in_bytes(value, "SIZE")
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


@click.command(
    epilog="""\b
Examples:
  fastmlp train houses.csv --target price -o houses.safetensors
  fastmlp train people.parquet --target income --preset best -o m.safetensors --report m.txt
  fastmlp train sales.csv.gz --target sold --time date --extrapolation linear -o m.safetensors
  fastmlp train visits.csv --target cost --groups patient --drop visit_id -o m.safetensors
  fastmlp train rents.csv --target rent --quantile 0.1 --quantile 0.9 -o m.safetensors
  fastmlp train sales/ --target sold --max-memory 4GB -o m.safetensors"""
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
@model_output_option
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
    help="How much to train; plain is a single network of dense layers.",
)
@click.option(
    "--time-limit",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Limit of the training time.",
)
@click.option(
    "--estimators",
    type=click.IntRange(1),
    metavar="N",
    help="Networks to train and average.  [default: 10, for more than 100,000 rows 2]",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    metavar="N",
    default=0,
    show_default="0",
    help="The same seed gives the same model.",
)
@click.option(
    "--jobs",
    type=int,
    metavar="N",
    help="Threads; -1: all cores.  [default: those available]",
)
@click.option(
    "--loss",
    type=click.Choice(_LOSSES),
    help="Loss of a regression.  [default: squared_error]",
)
@click.option(
    "--quantile",
    "quantiles",
    multiple=True,
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    metavar="SHARE",
    help="Predict this quantile of the target; repeat it for several.",
)
@click.option(
    "--extrapolation",
    type=click.Choice(["clip", "linear"]),
    default="clip",
    show_default=True,
    help="linear: continue linear trends beyond the range of the table.",
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
    help="Rows for early stopping and scores, instead of rows held out from TABLE.",
)
@click.option(
    "--groups",
    metavar="COLUMN",
    help="Hold out whole groups, so that scores are those of new groups. Not an input.",
)
@click.option(
    "--time",
    metavar="COLUMN",
    help="Validate networks on later rows than they are trained on, so that scores are those of "
    "the future; then train on all rows. With --extrapolation linear the latest fifth is held out "
    "from the model. An input, unless --drop names it.",
)
@click.option(
    "--max-memory",
    metavar="SIZE",
    callback=_size,
    help="Read TABLE in blocks, with at most this many bytes of its rows in memory, such as 500MB. "
    "A folder is always read in blocks.  [default: 1GB]",
)
@click.option(
    "--cache",
    type=click.Path(file_okay=False),
    help="Folder that keeps the encoded rows of a TABLE that is read in blocks, for later training "
    "on the same files.",
)
@click.option(
    "--checkpoint",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    help="Save the state of training to FILE once a minute. After training was stopped or killed, "
    "the same command continues from FILE, which is removed when training ends.",
)
@click.option(
    "--report",
    "report_file",
    type=click.Path(dir_okay=False),
    help="Text file to write the report to.",
)
@click.option(
    "--plot",
    type=click.Path(dir_okay=False),
    help="Picture to write: loss curves, and held-out predictions (.png, .pdf, .svg, .jpg).",
)
@click.option("--quiet", is_flag=True, help="Show no progress.")
@text_options
def train(
    table: str,
    targets: tuple[str, ...],
    output: str,
    task: TaskName | None,
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
    max_memory: int | None,
    cache: str | None,
    checkpoint: str | None,
    report_file: str | None,
    plot: str | None,
    quiet: bool,
    how: TextFormat,
) -> None:
    """Train a model on TABLE, report held-out scores, and write the model.

    TABLE is a file, or a folder of Parquet, CSV or Arrow files, which may be larger than memory.
    Every column that no option names is an input. By default each row is held out from some of the
    networks, and scores are computed on these rows. (For tables that are read in blocks the
    validation loss is reported.)

    Ctrl-C ends training and writes no model; use --time-limit to get a model after some time, and
    --checkpoint to continue later.
    """
    if sum(value is not None for value in (validation, groups, time)) > 1:
        raise click.UsageError("--validation, --groups and --time cannot be used together")
    if quantiles and loss not in (None, "quantile"):
        raise click.UsageError(f"--quantile cannot be used with --loss {loss}")
    if (loss or quantiles) and task == "classification":
        raise click.UsageError("--loss and --quantile need --task regression")
    check_outputs((output, checkpoint, report_file, plot), (table, validation))
    if plot is not None:
        _check_plot(plot)

    parameters: dict[str, Any] = {
        "preset": preset,
        "time_limit": time_limit,
        "n_estimators": estimators or "auto",
        "random_state": seed,
        "n_jobs": jobs,
        "extrapolation": extrapolation,
        "verbose": 0 if quiet else 1,
    }
    if loss or quantiles:
        task = "regression"
        parameters["loss"] = loss or "quantile"
    if quantiles:
        parameters["quantile"] = sorted({*quantiles}) if len(quantiles) > 1 else quantiles[0]
    roles = Roles(targets, dropped, categories, weight, groups, time)
    in_blocks = Path(table).is_dir() or max_memory is not None or cache is not None
    if in_blocks and (validation or groups or time or how != TextFormat(how.delimiter)):
        raise click.UsageError(
            "--validation, --groups, --time, --encoding and --decimal cannot be used with a table "
            "that is read in blocks"
        )
    try:
        if in_blocks:  # what does the work takes a while to import, which --help need not
            from fastmlp.cli.training.from_stream import train_on_stream

            result = train_on_stream(
                table,
                roles,
                task,
                parameters,
                max_memory or "1GB",
                cache,
                checkpoint,
                how.delimiter,
            )
        else:
            from fastmlp.cli.training.from_table import train_model

            result = train_model(table, how, roles, task, parameters, validation, checkpoint)
    except KeyboardInterrupt:
        if checkpoint is not None and Path(checkpoint).exists():
            click.echo(f"The same command continues from {checkpoint}.", err=True)
        raise
    result.save(output)
    size = Path(output).stat().st_size
    click.echo(f"{result.report}\nModel     {output}, {size / 1e6:,.2f} MB")
    if report_file is not None:
        with replacing(report_file) as written:
            written.write_text(f"{result.report}\n\n{result.summary}\n", encoding="utf-8")
    if plot is not None:
        with replacing(plot) as written:
            result.picture().savefig(written, format=Path(plot).suffix[1:].lower(), dpi=150)


def _check_plot(path: str) -> None:
    if Path(path).suffix.lower() not in _PICTURES:
        raise click.UsageError(f"--plot must end in one of {', '.join(_PICTURES)}; got {path}")
    if find_spec("matplotlib") is None:
        raise DataError('--plot needs matplotlib: pip install "fastmlp[plot]"')
