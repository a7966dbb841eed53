"""What is learnt from held-out rows: weights of the kinds of networks, calibration, intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fastmlp.ensemble.conformal import Observed, learn_conformal
from fastmlp.ensemble.out_of_fold import OutOfFold, digest_of_targets
from fastmlp.ensemble.residual_shrinkage import shrinkage_of
from fastmlp.ensemble.splits import RowSubset
from fastmlp.ensemble.weighted_ensemble import WeightedEnsemble
from fastmlp.prediction.conformal import Conformal
from fastmlp.prediction.decoders import std_of
from fastmlp.table.rows import rows_without_weight
from fastmlp.tasks import RegressionTask, Task


class LearntFromHeldOut(NamedTuple):
    """The networks with their weights, the calibrated task, and what is known of held-out rows."""

    ensemble: WeightedEnsemble
    task: Task
    out_of_fold: OutOfFold | None = None
    conformal: Conformal | None = None


def learn_from_held_out(
    ensemble: WeightedEnsemble,
    task: Task,
    data: RowSubset,
    validation: Sequence[RowSubset | None],
    shared: RowSubset | None,
    n_threads: int,
    *,
    are_folds: bool = True,
) -> LearntFromHeldOut:
    """Weigh and calibrate networks by their predictions for held-out rows.

    These are the rows of the validation table that all networks share, or those held out from each.
    A single network has one held-out part, which is used only to calibrate it.

    Parameters
    ----------
    data : RowSubset
        All training rows.
    validation : sequence of RowSubset or None
        The validation rows of each network.
    are_folds : bool, default=True
        Whether each network was trained on all rows that it does not hold out.

    Returns
    -------
    LearntFromHeldOut
        With out-of-fold predictions for all training rows, if several networks have them held out.
    """
    if not any(validation):
        return LearntFromHeldOut(ensemble, task)
    is_out_of_fold = shared is None and len(validation) > 1
    calibrates = task.calibrates(by_whole_model=not is_out_of_fold)
    held_out = data if shared is None else shared
    offset = task.raw_offset(held_out.offset, ensemble.dtype)
    targets, weights = held_out.y, held_out.sample_weight
    alone = validation[0] if shared is None and len(validation) == 1 else None
    if alone is not None:
        by_kind, per_row = [ensemble.predict_held_out_alone(alone, n_threads, offset)], [1.0]
        targets, weights = alone.own_targets()
    elif shared is None:
        by_kind, per_row = ensemble.predict_held_out(validation, data.n_rows, n_threads, offset)
    else:
        by_kind = ensemble.predict_by_kind(shared.X, n_threads, offset)
        kinds = [member.recipe.spec.kind for member in ensemble.members]
        per_row = [float(kinds.count(kind)) for kind in ensemble.kinds]
    ensemble, outputs = ensemble.weigh_kinds(by_kind, per_row, task, targets, weights)
    if calibrates:
        known = ~np.isnan(outputs[:, 0])
        task = task.calibrated(
            outputs[known], targets[known], None if weights is None else weights[known]
        )
    if shared is None:
        # Training rows with a weight define the training range: none lies beyond it.
        decoded = task.decode(outputs, np.zeros((len(outputs), 1)))
        others = rows_without_weight(weights)
        if others.size:
            decoded[others] = task.decode(outputs[others])
    else:
        decoded = task.decode(outputs)
    shrinkage = None
    if is_out_of_fold and are_folds and isinstance(task, RegressionTask):
        shrinkage = shrinkage_of(ensemble, task, data, validation, decoded, n_threads, offset)
    std = std_of(task.decoder, outputs)
    observed = Observed.of(task, decoded, targets, weights, std=std).without_class_weights(task)
    conformal = learn_conformal(task, observed, shrinkage)
    if not is_out_of_fold:
        return LearntFromHeldOut(ensemble, task, conformal=conformal)
    out_of_fold = OutOfFold(decoded, std, digest_of_targets(targets))
    return LearntFromHeldOut(ensemble, task, out_of_fold, conformal)
