"""After training: weights and calibration from held-out rows, and importances."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmlp._threads import n_threads
from fastmlp._user_warnings import warn
from fastmlp.ensemble.deadline import Deadline
from fastmlp.ensemble.held_out_learning import LearntFromHeldOut, learn_from_held_out
from fastmlp.ensemble.settings import Settings
from fastmlp.ensemble.splits import RowSubset
from fastmlp.inspection.importances import importances_of
from fastmlp.prediction.linear_part import LinearPart
from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.sparse_encoder import Encoder

if TYPE_CHECKING:
    from fastmlp.estimators.base import BaseMLP


class AfterTraining(NamedTuple):
    """The networks with what was learnt about them; not `is_whole` if Ctrl-C came meanwhile."""

    learnt: LearntFromHeldOut
    importances: NDArray[np.float64] | None = None
    is_whole: bool = True


def passes_after_training(settings: Settings, encoder: Encoder) -> int:
    """How many times each validation row is predicted in `learn_after_training`."""
    # Once when networks are weighed, and once for each shuffled column.
    return 1 + (encoder.n_columns if settings.compute_importances else 0)


def learn_after_training(
    estimator: BaseMLP,
    settings: Settings,
    trained: LearntFromHeldOut,
    data: RowSubset,
    validation: Sequence[RowSubset | None],
    encoder: Encoder,
    deadline: Deadline,
    *,
    shared: RowSubset | None = None,
    linear: LinearPart | None = None,
    are_folds: bool = True,
) -> AfterTraining:
    """Weigh and calibrate networks, and compute importances if the settings ask for them.

    Parameters
    ----------
    trained : LearntFromHeldOut
        The networks, with equal weights and no calibration yet.
    data, validation, shared, are_folds
        As for `learn_from_held_out`.
    deadline : Deadline
        If it leaves little time, importances are computed of fewer rows.
    linear : LinearPart or None

    Returns
    -------
    AfterTraining
        Ctrl-C keeps the networks and what is known by then, with a warning.
    """
    threads = n_threads(estimator.n_jobs)
    learnt, importances = trained, None
    try:
        learnt = learn_from_held_out(
            trained.ensemble, trained.task, data, validation, shared, threads, are_folds=are_folds
        )
        if settings.compute_importances and isinstance(encoder, DenseEncoder):
            importances = importances_of(
                learnt.ensemble,
                encoder,
                learnt.task,
                validation,
                linear,
                threads,
                estimator.verbose,
                deadline,
            )
    except KeyboardInterrupt:
        missing = (
            "their weights are equal, and neither probabilities nor intervals are calibrated"
            if learnt is trained
            else "feature_importances_ are missing"
        )
        warn(f"Interrupted by user after training. The networks were kept; {missing}.")
        return AfterTraining(learnt, None, is_whole=False)
    return AfterTraining(learnt, importances)
