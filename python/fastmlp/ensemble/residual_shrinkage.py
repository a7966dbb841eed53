"""How much smaller errors of an ensemble are than its out-of-fold residuals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.ensemble.splits import RowSubset
from fastmlp.ensemble.weighted_ensemble import WeightedEnsemble
from fastmlp.table.engine_array import engine_table
from fastmlp.table.rows import every_kth
from fastmlp.tasks import RegressionTask

_MOST_ROWS = 2000  # that networks are compared on: every k-th
_LEAST = 0.5
_MOST_DRAWN = 0.95  # of the way to a target that networks have seen


def shrinkage_of(
    ensemble: WeightedEnsemble,
    task: RegressionTask,
    data: RowSubset,
    validation: Sequence[RowSubset | None],
    out_of_fold: NDArray[np.float64],
    n_threads: int,
    offset: NDArray[Any] | None,
) -> NDArray[np.float64]:
    """How much smaller errors of all networks are than out-of-fold residuals, for each output.

    A row is held out from few networks, and the mean of all networks cancels more of their errors:
    the more, the farther networks disagree about new rows. Their disagreement about rows that they
    were trained on is less than that. The estimate for new rows (`_disagreement_about_new_rows`)
    was found to be more than that, since residuals of rows that chose the best epoch are a little
    too small. The mean of both is taken.

    Parameters
    ----------
    out_of_fold : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        NaN for rows that no network has held out.
    offset : ndarray of shape (n_rows, n_outputs) or None
        Offset of the raw outputs.
    """
    if task.training_loss.several_quantiles:  # their errors do not shrink so
        return np.ones(task.n_network_outputs)
    out_of_fold = out_of_fold.reshape(-1, task.n_outputs)
    counted = np.ones(data.n_rows, dtype=bool)
    if data.sample_weight is not None:
        counted = data.sample_weight > 0
    known = counted & ~np.isnan(out_of_fold[:, 0])
    errors = data.y[known] - out_of_fold[known]
    given = ~np.isnan(errors)
    mean_square = np.square(errors).sum(axis=0, where=given) / np.maximum(given.sum(axis=0), 1)
    rows = np.flatnonzero(counted)
    rows = rows[every_kth(rows.size, most=_MOST_ROWS)]
    table = engine_table(data.X[rows], ensemble.dtype)
    own = None if offset is None else offset[rows]
    kinds = np.array([member.recipe.spec.kind for member in ensemble.members])
    gain = np.zeros(task.n_outputs)
    for kind in ensemble.kinds:
        members = np.flatnonzero((kinds == kind) & (ensemble.weights > 0))
        if members.size < 2:
            continue
        outputs = np.array(
            [ensemble.predictors[i].predict(table, n_threads, own) for i in members.tolist()]
        )
        unseen = np.array([_holds(validation[i], rows) for i in members.tolist()])
        n_unseen = unseen.sum(axis=0)
        outputs = outputs[..., : task.n_outputs].astype(np.float64)
        disagreement = _variance(outputs, ~unseen)
        if not n_unseen.any() or disagreement is None:
            continue
        targets = (data.y[rows] - task.shift) / task.unit
        about_new = _disagreement_about_new_rows(outputs, unseen, targets, disagreement)
        disagreement = (disagreement + about_new) / 2
        averaged = 1 / n_unseen[n_unseen > 0].mean() - 1 / members.size
        gain += ensemble.weights[members].sum() ** 2 * disagreement * averaged
    share = np.divide(gain * task.unit**2, mean_square, where=mean_square > 0, out=0 * gain)
    shrinkage: NDArray[np.float64] = np.sqrt(np.maximum(1 - share, _LEAST**2))
    return shrinkage


def _holds(subset: RowSubset | None, rows: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether each of the rows is in the subset."""
    if subset is None or subset.rows is None:
        return np.zeros(rows.size, dtype=bool)
    return np.isin(rows, subset.rows)


def _variance(outputs: NDArray[Any], seen: NDArray[np.bool_]) -> NDArray[np.float64] | None:
    """Mean over rows of the variance of networks that have seen them; None without two of them.

    Parameters
    ----------
    outputs : ndarray of shape (n_networks, n_rows, n_outputs)
    seen : ndarray of shape (n_networks, n_rows)
    """
    enough = seen.sum(axis=0) >= 2
    if not enough.any():
        return None
    where = np.broadcast_to(seen[:, enough, None], outputs[:, enough].shape)
    variances = outputs[:, enough].var(axis=0, ddof=1, where=where)
    mean: NDArray[np.float64] = variances.mean(axis=0)
    return mean


def _disagreement_about_new_rows(
    outputs: NDArray[np.float64],
    unseen: NDArray[np.bool_],
    targets: NDArray[np.float64],
    about_seen: NDArray[np.float64],
) -> NDArray[np.float64]:
    """The variance of networks of a kind about rows that they have not seen, for each output.

    Let networks that have not seen a row expect t of it on average, with the variance v between
    them. Those that have seen it are drawn to its target y: they expect t + a (y - t). Three
    moments of the mean u of the former and the mean s of the latter are known, and the three
    unknowns a, v and E (y - t)^2 follow from them::

        E (u - s)^2      = v / n_u + a^2 E (y - t)^2 + about_seen / n_s
        E (u - s)(u - y) = v / n_u + a E (y - t)^2
        E (y - u)^2      = v / n_u + E (y - t)^2

    Parameters
    ----------
    outputs : ndarray of shape (n_networks, n_rows, n_outputs)
    unseen : ndarray of shape (n_networks, n_rows)
    targets : ndarray of shape (n_rows, n_outputs)
        On the scale of the outputs; NaN where they are missing.
    about_seen : ndarray of shape (n_outputs,)
        Their variance about rows that they have seen; the least that is returned.
    """
    counted = unseen.any(axis=0) & ~unseen.all(axis=0)
    if not counted.any():  # all networks have the same rows held out
        return about_seen
    outputs, unseen, targets = outputs[:, counted], unseen[:, counted], targets[counted]
    n_unseen, n_seen = unseen.sum(axis=0), (~unseen).sum(axis=0)
    u = np.einsum("nrk,nr->rk", outputs, unseen) / n_unseen[:, None]
    s = np.einsum("nrk,nr->rk", outputs, ~unseen) / n_seen[:, None]
    known = ~np.isnan(targets)

    def mean(values: NDArray[np.float64]) -> NDArray[np.float64]:
        total: NDArray[np.float64] = values.sum(axis=0, where=known)
        means: NDArray[np.float64] = total / known.sum(axis=0)
        return means

    with np.errstate(invalid="ignore", divide="ignore"):
        drawn = mean((u - s) ** 2) - about_seen * np.mean(1 / n_seen)
        together = mean((u - s) * (u - targets))
        errors = mean((targets - u) ** 2)
        share = np.clip((together - drawn) / (errors - together), 0, _MOST_DRAWN)
        rest = (errors - together) / (1 - share)
        variance = (errors - rest) / np.mean(1 / n_unseen)
    disagreement: NDArray[np.float64] = np.fmax(variance, about_seen)
    return disagreement
