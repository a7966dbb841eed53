"""`fastmlp predict`."""

from __future__ import annotations

from typing import Any

import click
import pyarrow as pa

from fastmlp.cli.errors import DataError, check_columns
from fastmlp.cli.options import model_argument, table_argument, text_options
from fastmlp.cli.outputs import check_outputs, table_writer
from fastmlp.cli.tables import PIPE, TextFormat, kind_of_file, open_table


@click.command(
    epilog="""\b
Examples:
  fastmlp predict houses.safetensors new.csv -o prices.csv --id house
  fastmlp predict people.safetensors new.parquet -o out.parquet --keep --proba
  zcat log.csv.gz | fastmlp predict m.safetensors - > predictions.csv"""
)
@model_argument
@table_argument
@click.option(
    "-o",
    "--output",
    default=PIPE,
    type=click.Path(dir_okay=False, allow_dash=True),
    help="Table to write; its name tells the format.  [default: CSV to stdout]",
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
    "prediction_..." for each of several targets or quantiles. From text to text, columns that are
    kept are written as they are.

    Rows are read, predicted and written in pieces, so files may be larger than memory. An existing
    file is replaced when all rows are predicted.
    """
    from fastmlp.cli.inputs import ModelInputs
    from fastmlp.cli.models import load_predictor
    from fastmlp.cli.prediction import predicted_columns

    check_outputs([None if output == PIPE else output], [model, table])
    predictor, notes = load_predictor(model)
    with open_table(table, how) as file, table_writer(output) as write:
        check_columns(ids, file.names, table)
        inputs = ModelInputs(predictor, file, how, ids)
        kept = file.names if keep else ids
        verbatim = output == PIPE or kind_of_file(output) == "text"
        n_rows = 0
        for piece in file.pieces:
            X = inputs.of(piece)
            predicted = predicted_columns(
                predictor, notes, inputs.for_model(X), with_probabilities=proba
            )
            twice = next((name for name in predicted if name in kept), None)
            if twice is not None:
                raise DataError(f"{table} has a column {twice!r} already: it cannot be kept")
            columns = {
                name: _plain((piece if verbatim or name not in inputs.names else X)[name])
                for name in kept
            }
            write(pa.table(columns | predicted))
            n_rows += piece.num_rows
        if not n_rows:
            raise DataError(f"{table} has columns but no rows")


def _plain(column: Any) -> Any:
    """Categories as their labels: pieces may number them differently."""
    is_category = pa.types.is_dictionary(column.type)
    return column.cast(column.type.value_type) if is_category else column
