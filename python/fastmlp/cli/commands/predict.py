"""`fastmlp predict`."""

from __future__ import annotations

from pathlib import Path

import click

from fastmlp.cli.commands.options import model_argument, table_argument, text_options
from fastmlp.cli.outputs import check_outputs
from fastmlp.cli.tables.reading import PIPE, TextFormat


@click.command(
    epilog="""\b
Examples:
  fastmlp predict houses.safetensors new.csv -o prices.csv --id house
  fastmlp predict people.safetensors new.parquet -o out.parquet --keep --proba
  fastmlp predict sales.safetensors new_sales/ -o predicted_sales/ --id day
  zcat log.csv.gz | fastmlp predict m.safetensors - > predictions.csv"""
)
@model_argument
@table_argument
@click.option(
    "-o",
    "--output",
    default=PIPE,
    type=click.Path(allow_dash=True),
    help="Table to write, in the format of its file name. If TABLE is a folder, a new folder of "
    "Parquet files.  [default: CSV to stdout]",
)
@click.option(
    "--id",
    "ids",
    multiple=True,
    metavar="COLUMN",
    help="Column to write beside the prediction; repeatable.",
)
@click.option("--keep", is_flag=True, help="Write all columns of TABLE beside the prediction.")
@click.option(
    "--proba", is_flag=True, help="Add the probability of every class, a column for each."
)
@text_options
def predict(
    model: str,
    table: str,
    output: str,
    ids: tuple[str, ...],
    keep: bool,
    proba: bool,
    how: TextFormat,
) -> None:
    """Predict the rows of TABLE with MODEL.

    TABLE needs the columns that the model was trained on, in any order; others are ignored. The
    output has a row for each row of TABLE, in the same order, with a column "prediction", or one
    "prediction_..." for each of several targets or quantiles. If TABLE and output are text, kept
    columns are written unchanged.

    Rows are read, predicted and written in blocks, so files may be larger than memory. An existing
    file is replaced when all rows are predicted.
    """
    from fastmlp.cli.models.predictions import predict_folder, predict_table

    if Path(table).is_dir():
        if output == PIPE or how != TextFormat(how.delimiter):
            raise click.UsageError(
                "predictions for a folder need -o with a new folder; --encoding and --decimal "
                "cannot be used"
            )
        predict_folder(
            model,
            table,
            output,
            keep=keep,
            ids=ids,
            with_probabilities=proba,
            delimiter=how.delimiter,
        )
        return

    check_outputs([None if output == PIPE else output], [model, table])
    predict_table(model, table, how, output, keep=keep, ids=ids, with_probabilities=proba)
