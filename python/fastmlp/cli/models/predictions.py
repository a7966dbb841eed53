"""Predictions for a table in a file, as columns of another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from numpy.typing import NDArray

from fastmlp import Predictor
from fastmlp.cli.errors import DataError, check_columns
from fastmlp.cli.models.files import load_predictor
from fastmlp.cli.models.inputs import BLOCK_ROWS, ModelInputs
from fastmlp.cli.tables.reading import PIPE, TextFormat, kind_of_file, open_table
from fastmlp.cli.tables.writing import table_writer
from fastmlp.model_file.notes import Notes
from fastmlp.table.value_kinds import kinds_in_text


def predict_table(
    model: str,
    table: str,
    how: TextFormat,
    output: str,
    *,
    keep: bool,
    ids: Sequence[str],
    with_probabilities: bool,
) -> None:
    """Predict the rows of a table, piece by piece, and write a table of them.

    Parameters
    ----------
    model, table : str
        Files.
    how : TextFormat
    output : str
        File to write; "-" is the standard output stream.
    keep : bool
        Whether all columns of the table are written beside the predictions.
    ids : sequence of str
        Else those that are.
    with_probabilities : bool

    Raises
    ------
    DataError, ValueError, TypeError
        If a file cannot be used.
    """
    predictor, notes = load_predictor(model)
    with open_table(table, how) as file, table_writer(output) as write:
        check_columns(ids, file.names, table)
        inputs = ModelInputs(predictor, file, how, ids)
        kept = file.names if keep else ids
        verbatim = output == PIPE or kind_of_file(output) == "text"
        n_rows = 0
        for piece in file.pieces:
            X = inputs.of(piece)
            predicted = _predicted_columns(
                predictor, notes, inputs.for_model(X), with_probabilities=with_probabilities
            )
            twice = next((name for name in predicted if name in kept), None)
            if twice is not None:
                raise DataError(
                    f"{table} already has a column {twice!r}, the name of a prediction: it cannot "
                    "be kept"
                )
            columns = {
                name: _plain((piece if verbatim or name not in inputs.names else X)[name])
                for name in kept
            }
            write(pa.table(columns | predicted))
            n_rows += piece.num_rows
        if not n_rows:
            raise DataError(f"{table} has columns but no rows")


def predict_folder(
    model: str,
    table: str,
    output: str,
    *,
    keep: bool,
    ids: Sequence[str],
    with_probabilities: bool,
    delimiter: str | None,
) -> None:
    """Predict the rows of the files in a folder, block by block, and write a folder of Parquet.

    Parameters
    ----------
    model, table, output : str
        A file and two folders; the last one must not exist.
    keep, ids, with_probabilities
        As for `predict_table`.
    delimiter : str or None
        Delimiter of CSV; None: a comma, or a tab in files that end in ``.tsv``.
    """
    from fastmlp.streaming.sources.opening import check_extra

    check_extra()
    from fastmlp.streaming.predictions import write_predictions
    from fastmlp.streaming.sources.arrow import open_path
    from fastmlp.streaming.sources.blocks import Roles

    predictor, notes = load_predictor(model)
    inputs = predictor.feature_names_in_
    names = None if inputs is None else inputs.tolist()
    kept = open_path(table, Roles(), {}, delimiter=delimiter).names if keep else ids
    known = kinds_in_text(predictor._pipeline.encoder, kept)
    needed = None if names is None else [*names, *kept]
    source = open_path(table, Roles(), known, needed, delimiter)

    def predicted(X: Any) -> dict[str, NDArray[Any]]:
        return _predicted_columns(predictor, notes, X, with_probabilities=with_probabilities)

    write_predictions(
        source,
        output,
        predicted,
        columns=names,
        keep=kept,
        block_rows=BLOCK_ROWS,
    )


def _predicted_columns(
    predictor: Predictor, notes: Notes, X: Any, *, with_probabilities: bool
) -> dict[str, NDArray[Any]]:
    """Predict rows; the columns by name.

    A single column is called "prediction"; for several, the name or number of each follows.
    Probabilities are called "probability_" and the class or target.
    """
    predicted = predictor.predict(X)
    several = notes.names_of(predicted.shape[1]) if predicted.ndim == 2 else None
    columns = _named("prediction", predicted, several)
    if with_probabilities:
        classes = predictor.classes_
        if classes is None:
            raise DataError("--proba needs a classifier; this model predicts numbers")
        columns |= _named("probability", predictor.predict_proba(X), several or classes.tolist())
    return columns


def _named(
    name: str, values: NDArray[Any], of_columns: Sequence[Any] | None
) -> dict[str, NDArray[Any]]:
    if of_columns is None:
        return {name: values}
    return {f"{name}_{own}": column for own, column in zip(of_columns, values.T, strict=True)}


def _plain(column: Any) -> Any:
    """Categories as their labels: pieces may number them differently."""
    is_category = pa.types.is_dictionary(column.type)
    return column.cast(column.type.value_type) if is_category else column
