"""Importances of columns, or groups of them, on given rows: repeated, with their spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.utils import Bunch, check_random_state

from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.ensemble.splits import RowSubset
from fastmlp.inspection.explained_columns import column_positions
from fastmlp.inspection.importances import permutation_importances
from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.rows import rows_with_weight
from fastmlp.table.text import quoted


def repeated_importances(
    model: FittedModel,
    rows: RowSubset,
    groups: Mapping[Any, Sequence[Any]] | None,
    *,
    n_repeats: int,
    random_state: Any,
    n_threads: int,
) -> Bunch:
    """Falls of the whole model's score if columns are shuffled; see `permutation_importances`.

    Parameters
    ----------
    model : FittedModel
        A model that was trained on dense rows.
    rows : RowSubset
        An encoded table with its targets. It is not changed.
    groups : mapping or None
        Names and columns that are shuffled together; None: each column by itself.
    n_repeats : int
    random_state : int, RandomState or None
    n_threads : int
    """
    encoder: Any = model.encoder
    names, shuffled = _shuffled_together(encoder, groups)
    weighted = rows._replace(rows=rows_with_weight(None, rows.sample_weight))
    if weighted.n_rows < 2:
        raise ValueError(
            f"X must have at least two rows of positive weight, whose values are shuffled; got "
            f"{weighted.n_rows}"
        )
    # What is shuffled is a copy; rows without weight would lend their values to the others.
    rows = RowSubset(np.array(rows.X[weighted.selection]), *weighted.own_targets())

    def score(some: RowSubset) -> float:
        table, offset, _ = model.pipeline.split(some.X)
        outputs = model.ensemble.predict(table, n_threads, offset)
        return model.task.score(outputs, some.y, some.sample_weight)

    random_state = check_random_state(random_state)
    importances = np.column_stack(
        [
            permutation_importances(rows, shuffled, score, random_state, lambda: None)
            for _ in range(n_repeats)
        ]
    )
    return Bunch(
        names=names,
        importances_mean=importances.mean(axis=1),
        importances_std=importances.std(axis=1),
        importances=importances,
    )


def _shuffled_together(
    encoder: DenseEncoder, groups: Mapping[Any, Sequence[Any]] | None
) -> tuple[list[Any], list[list[int]]]:
    """Names, and the columns of the encoded table that are shuffled together."""
    encoded = encoder.encoded_by_column
    if groups is None:
        return [column.name for column in encoder.columns], encoded
    if not isinstance(groups, Mapping) or not groups:
        raise ValueError(
            f"groups must be a mapping from names to lists of columns; got {quoted(groups)}"
        )
    shuffled = []
    for name, columns in groups.items():
        if isinstance(columns, str) or not hasattr(columns, "__iter__") or not len(columns):
            raise ValueError(
                f"groups[{name!r}] must be a list of columns, at least one; got {quoted(columns)}"
            )
        positions = column_positions(encoder, columns, f"groups[{name!r}]")
        shuffled.append([target for position in positions for target in encoded[position]])
    return [*groups], shuffled
