"""Scores of a model on a table in a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sklearn.base import is_classifier

from fastmlp.cli.errors import check_columns
from fastmlp.cli.models.files import load_model
from fastmlp.cli.models.inputs import ModelInputs
from fastmlp.cli.models.scores import Scores, outputs_of, scores_of
from fastmlp.cli.tables.reading import TextFormat, open_table
from fastmlp.cli.tables.text_columns import as_kind, inferred
from fastmlp.cli.training.data import have_targets, weight_of
from fastmlp.cli.training.targets import numbers_of, values_of
from fastmlp.table.text import quoted_few


def evaluate_model(
    model: str, table: str, how: TextFormat, targets: Sequence[str], weight: str | None
) -> tuple[int, dict[str, Scores]]:
    """Score a model.

    Parameters
    ----------
    model, table : str
        Files.
    how : TextFormat
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
    named = [*targets, *([] if weight is None else [weight])]
    with open_table(table, how) as file:
        check_columns(named, file.names, table)
        inputs = ModelInputs(estimator, file, how, named)
        rows = file.whole()
    answers = rows.select(named)
    if file.is_text:
        labels = getattr(estimator, "classes_", np.empty(0))
        are_text = np.asarray(labels).dtype.kind in "OU"
        answers = pa.table(
            {
                name: as_kind(column, "text", how.decimal, name)
                if are_text and name != weight
                else inferred(column, how.decimal)
                for name, column in zip(named, answers.columns, strict=True)
            }
        )
    known = have_targets(answers, targets, table)
    answers = answers.filter(known)
    y = np.column_stack([_true(estimator, name, answers[name]) for name in targets])
    if len(targets) == 1:
        y = y[:, 0]
    outputs = outputs_of(estimator, inputs.for_model(inputs.of(rows.filter(known))))
    return len(y), scores_of(estimator, targets, y, outputs, weight_of(answers, weight))


def _n_targets(model: Any) -> int:
    """How many columns a model was trained to predict."""
    pipeline = model._pipeline
    if is_classifier(model):
        return len(model.classes_) if pipeline.decoder.multilabel else 1
    # Several quantiles are of one target.
    return 1 if pipeline.decoder.sorts else int(pipeline.n_outputs)


def _true(model: Any, name: str, column: Any) -> NDArray[Any]:
    values = values_of(name, column)
    return values if is_classifier(model) else numbers_of(name, values)
