"""Scores of a model on a table in a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.base import is_classifier

from fastmlp.cli.errors import check_columns
from fastmlp.cli.models.files import load_model
from fastmlp.cli.models.inputs import BLOCK_ROWS, ModelInputs
from fastmlp.cli.models.scores import Scores, outputs_of, scores_of
from fastmlp.cli.tables.reading import TextFormat, open_table
from fastmlp.cli.tables.text_columns import as_kind, inferred
from fastmlp.cli.training.data import have_targets, no_targets, weight_of
from fastmlp.cli.training.targets import numbers_of, values_of
from fastmlp.streaming.sources.opening import check_extra
from fastmlp.table.text import quoted_few
from fastmlp.table.value_kinds import kinds_in_text


def evaluate_model(
    model: str, table: str, how: TextFormat, targets: Sequence[str], weight: str | None
) -> tuple[int, dict[str, Scores]]:
    """Score a model.

    Parameters
    ----------
    model, table : str
        Files. The table may be a folder of them, which is read in blocks.
    how : TextFormat
        For a folder only the delimiter is used.
    targets : sequence of str
        Columns of true values; none: those that the model file names.
    weight : str or None
        Column of weights.

    Returns
    -------
    n_rows : int
        Rows that have a target.
    scores : dict
        By target.

    Raises
    ------
    click.UsageError
        If it is not known which columns are the targets, or if they are too few or too many.
    DataError, ValueError, TypeError
        If the table cannot be used.
    """
    estimator, notes = load_model(model)
    targets = targets or notes.targets
    if not targets:
        raise click.UsageError(f"{model} does not name its target: use --target")
    n_targets = _n_targets(estimator)
    if len(targets) != n_targets:
        raise click.UsageError(
            f"{model} predicts {n_targets} target{'s' if n_targets > 1 else ''}; got "
            f"{len(targets)}: {quoted_few(targets)}"
        )
    pieces = _of_folder if Path(table).is_dir() else _of_file
    true, outputs = [], []
    weights: list[Any] = []
    for answers, X in pieces(estimator, table, how, targets, weight):
        if answers.num_rows:
            columns = [_true(estimator, name, answers[name]) for name in targets]
            true.append(np.column_stack(columns) if n_targets > 1 else columns[0])
            outputs.append(outputs_of(estimator, X))
            weights.append(weight_of(answers, weight))
    if not true:
        raise no_targets(targets, table)
    y, of_rows = np.concatenate(true), None if weight is None else np.concatenate(weights)
    return len(y), scores_of(estimator, targets, y, np.concatenate(outputs), of_rows)


# Both yield the rows that have targets: these with the weights, and the inputs as the model takes
# them.


def _of_file(
    estimator: Any, table: str, how: TextFormat, targets: Sequence[str], weight: str | None
) -> Iterator[tuple[Any, Any]]:
    """All rows of a file at once: the meaning of text depends on the whole column."""
    named = [*targets, *([] if weight is None else [weight])]
    with open_table(table, how) as file:
        check_columns(named, file.names, table)
        inputs = ModelInputs(estimator, file, how, named)
        rows = file.whole()
    answers = rows.select(named)
    if file.is_text:
        are_text = _predicts_text(estimator)
        answers = pa.table(
            {
                name: as_kind(column, "text", how.decimal, name)
                if are_text and name != weight
                else inferred(column, how.decimal)
                for name, column in zip(named, answers.columns, strict=True)
            }
        )
    known = have_targets(answers, targets)
    yield answers.filter(known), inputs.for_model(inputs.of(rows.filter(known)))


def _of_folder(
    estimator: Any, table: str, how: TextFormat, targets: Sequence[str], weight: str | None
) -> Iterator[tuple[Any, Any]]:
    """The rows of a folder of files, block by block."""
    check_extra()
    from fastmlp.streaming.sources.arrow import open_path
    from fastmlp.streaming.sources.blocks import Roles

    named = [*targets, *([] if weight is None else [weight])]
    encoder = estimator._pipeline.encoder
    names = None if encoder.feature_names is None else encoder.feature_names.tolist()
    known = kinds_in_text(encoder, targets if _predicts_text(estimator) else ())
    needed = None if names is None else [*names, *named]
    source = open_path(table, Roles(), known, needed, how.delimiter)
    check_columns(named, source.names, table)
    others = [name for name in source.names if name not in named]
    for block in source.blocks(BLOCK_ROWS):
        rows = block.X.filter(have_targets(block.X, targets))
        X = rows.select(names or others)
        yield rows.select(named), X if names else np.column_stack(X.columns)


def _predicts_text(model: Any) -> bool:
    return np.asarray(getattr(model, "classes_", np.empty(0))).dtype.kind in "OU"


def _n_targets(model: Any) -> int:
    """How many columns a model was trained to predict."""
    pipeline = model._pipeline
    if is_classifier(model):
        return len(model.classes_) if pipeline.decoder.multilabel else 1
    return int(pipeline.decoder.unit.size)  # several quantiles are of one target


def _true(model: Any, name: str, column: Any) -> NDArray[Any]:
    values = values_of(name, column)
    return values if is_classifier(model) else numbers_of(name, values)
