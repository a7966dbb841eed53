"""Which rows of a table in memory each network is trained on: as before, if training goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fastmlp.checkpoints.checkpointed_fit import CheckpointedFit
from fastmlp.ensemble.encoded_table import EncodedTable
from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.ensemble.more_networks import Growth
from fastmlp.ensemble.settings import Settings
from fastmlp.ensemble.splits import (
    AssignedRows,
    AssignmentSeed,
    digest_of_rows,
    fingerprint,
    split_rows,
    warn_of_lacking_classes,
)
from fastmlp.ensemble.splitters import RANDOM, Splitter
from fastmlp.prediction.linear_part import LinearPart

if TYPE_CHECKING:
    from fastmlp.estimators.base import BaseMLP


def assigned_rows(
    estimator: BaseMLP,
    settings: Settings,
    table: EncodedTable,
    splitter: Splitter,
    before: FittedModel | None,
    growth: Growth | None,
    checkpointed: CheckpointedFit | None,
) -> AssignedRows:
    """Assign the rows of a table to networks; existing networks keep their folds.

    Raises
    ------
    ValueError
        If nothing can be held out and a parameter needs it, or what is held out does not fit
        the existing networks.
    """
    data = table.data
    assignment, random_state = _assignment(
        estimator, settings, before, growth, data.n_rows, checkpointed
    )
    splits = split_rows(
        data,
        table.task.strata(data.y),
        table.shared,
        settings.held_out_fraction,
        assignment.n_networks,
        random_state,
        splitter,
    )
    estimator._check_held_out(splits.each, table.eval_sets)
    if splitter is not RANDOM:
        warn_of_lacking_classes(table.task, data, splits)
    if not splits.are_folds:
        _check_final(before, table.linear)
    # Rows that are held out now must have been held out in earlier fits too.
    digest, are_unseen = None, before is None
    if estimator.warm_start or assignment.n_networks > 1:
        rows = digest_of_rows(data)
        digest = fingerprint(rows, splits.each)
        if growth is not None:
            growth.check_rows(table, rows, splits)
            are_unseen = True
        elif before is not None:
            are_unseen = digest == before.fingerprint and table.is_cross_fitted
    return AssignedRows(splits, assignment, random_state, digest, are_unseen)


def _assignment(
    estimator: BaseMLP,
    settings: Settings,
    before: FittedModel | None,
    growth: Growth | None,
    n_rows: int,
    checkpointed: CheckpointedFit | None,
) -> tuple[AssignmentSeed, np.random.RandomState]:
    if growth is not None:
        return growth.assignment, growth.assignment.generator()
    if before is None:
        n_networks = settings.n_networks(n_rows)
        if checkpointed is None:
            return AssignmentSeed.new(n_networks, estimator.random_state)
        return checkpointed.assignment(n_networks, estimator.random_state)
    if before.assignment is None:  # after partial_fit alone
        return AssignmentSeed.new(before.n_estimators, estimator.random_state)
    return before.assignment, before.assignment.generator()


def _check_final(before: FittedModel | None, linear: LinearPart | None) -> None:
    """Raise for what is not supported if the final networks are trained on all rows."""
    if before is not None:
        raise ValueError(
            "time, and cv whose splits leave rows out, cannot be used with warm_start or "
            "init_model: the existing networks were trained on all rows"
        )
    if linear is not None:
        raise ValueError(
            "extrapolation must be 'clip' with time, and with cv whose splits leave rows out: the "
            "linear part is learnt from all rows and would reveal later ones. To judge a forecast, "
            "pass the last rows as X_val, then fit on all rows (docs/forecasts.md)"
        )
