"""`fastmlp evaluate`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from fastmlp.cli.commands.options import json_option, model_argument, table_argument, text_options
from fastmlp.cli.tables.reading import TextFormat


@click.command(
    epilog="""\b
Examples:
  fastmlp evaluate houses.safetensors sold_last_month.csv
  fastmlp evaluate people.safetensors test.parquet --json > scores.json
  fastmlp evaluate sales.safetensors sales_of_may/"""
)
@model_argument
@table_argument
@click.option(
    "--target",
    "targets",
    multiple=True,
    metavar="COLUMN",
    help="Column of true values; repeatable.  [default: as in training]",
)
@click.option("--weight", metavar="COLUMN", help="Weights of the rows.")
@json_option
@text_options
def evaluate(
    model: str,
    table: str,
    targets: tuple[str, ...],
    weight: str | None,
    as_json: bool,
    how: TextFormat,
) -> None:
    """Score the predictions of MODEL for the rows of TABLE, whose target is known.

    Use rows that the model was not trained on. Rows without a target are left out. TABLE may be a
    folder of files, which is read in blocks.
    """
    if Path(table).is_dir() and how != TextFormat(how.delimiter):
        raise click.UsageError("--encoding and --decimal cannot be used with a folder")
    from fastmlp.cli.models.evaluation import evaluate_model
    from fastmlp.cli.models.scores import lines_of

    n_rows, scores = evaluate_model(model, table, how, targets, weight)
    if as_json:
        click.echo(json.dumps({"rows": n_rows, "scores": scores}, indent=2))
    else:
        click.echo(f"{n_rows:,} rows of {table}")
        click.echo("\n".join(lines_of(scores)))
