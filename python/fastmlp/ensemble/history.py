"""History: the course of training of one network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from math import inf

from fastmlp import _core
from fastmlp.ensemble.evaluation import VALIDATION
from fastmlp.tasks.metrics import LOSS

_KEPT_EPOCHS = 256  # of earlier calls

# After each epoch, by the name of the rows and of what was measured
EvalCurves = dict[str, dict[str, list[float]]]


@dataclass(frozen=True)
class History:
    """The course of training of one network.

    Attributes
    ----------
    n_iter : int
        Epochs run.
    best_iteration : int or None
        Epoch (from 1) whose weights were kept; None if the last ones were.
    best_loss : float
        The lowest validation loss, or `eval_metric` as a cost; without validation the lowest
        training loss.
    loss_curve, validation_curve, learning_rate_curve : list of float
        After each epoch; without validation rows empty. After a warm start or `partial_fit` they
        begin 256 epochs before that call, so that the model does not grow over thousands of calls.
    stop_reason : str
        'max_iter', 'no_improvement', 'callback', 'time_limit', 'interrupted' or 'diverged'.
    seconds : float
        Time in training.
    eval_curves : dict of str to dict of str to list of float
        Further curves: metrics of the rows "validation", losses and metrics of the sets of
        `eval_set`.

    A network that was trained on all rows, after others were validated, has no validation rows: its
    `validation_curve` and the metrics of "validation" are means over the validated networks of its
    kind, which chose its number of epochs.
    """

    n_iter: int = 0
    best_iteration: int | None = None
    best_loss: float = inf
    loss_curve: list[float] = field(default_factory=list, repr=False)
    validation_curve: list[float] = field(default_factory=list, repr=False)
    learning_rate_curve: list[float] = field(default_factory=list, repr=False)
    stop_reason: str = ""
    seconds: float = 0.0
    eval_curves: EvalCurves = field(default_factory=dict, repr=False)

    @property
    def metric_curve(self) -> list[float]:
        """The first metric of the validation rows after each epoch; empty without one."""
        return next(iter(self.eval_curves.get(VALIDATION, {}).values()), [])

    @property
    def evals_result(self) -> EvalCurves:
        """All that was measured on other rows than those of training, the validation loss first."""
        validation = {LOSS: self.validation_curve} if self.validation_curve else {}
        validation |= self.eval_curves.get(VALIDATION, {})
        return ({VALIDATION: validation} if validation else {}) | {
            rows: curves for rows, curves in self.eval_curves.items() if rows != VALIDATION
        }

    def curve(self, rows: str, measure: str) -> list[float]:
        """One of `evals_result`; empty if it was not measured."""
        return self.evals_result.get(rows, {}).get(measure, [])

    def extended(
        self, result: _core.TrainResult, eval_curves: EvalCurves, seconds: float
    ) -> History:
        """The history with one more call of the engine."""
        best = result["best_epoch"]
        watched = result["watched_curve"] or result["validation_curve"]
        return History(
            n_iter=self.n_iter + result["n_iter"],
            best_iteration=self.n_iter + best if best else None,
            best_loss=min(watched if best else result["loss_curve"], default=inf),
            loss_curve=self.loss_curve[-_KEPT_EPOCHS:] + result["loss_curve"],
            validation_curve=self._kept(self.validation_curve) + result["validation_curve"],
            learning_rate_curve=self.learning_rate_curve[-_KEPT_EPOCHS:] + result["learning_rates"],
            stop_reason=result["reason"],
            seconds=self.seconds + seconds,
            eval_curves=self._extended_evals(eval_curves),
        )

    def _extended_evals(self, after: EvalCurves) -> EvalCurves:
        """Earlier curves, each followed by that of one more call; either may lack some."""
        before = self.eval_curves
        return {
            rows: {
                measure: self._kept(before.get(rows, {}).get(measure, []))
                + after.get(rows, {}).get(measure, [])
                for measure in {**after.get(rows, {}), **before.get(rows, {})}
            }
            for rows in {**after, **before}
        }

    def _kept(self, curve: list[float]) -> list[float]:
        """What later calls keep of a curve: no epochs that other networks were trained for."""
        return curve[: len(self.loss_curve)][-_KEPT_EPOCHS:]

    def validated_by(self, others: Sequence[History]) -> History:
        """The history of a network on all rows, with the curves of those validated before."""
        metrics = dict.fromkeys(
            name for other in others for name in other.eval_curves.get(VALIDATION, {})
        )
        means = {
            name: mean_curve(
                [curve for other in others if (curve := other.curve(VALIDATION, name))]
            )
            for name in metrics
        }
        return replace(
            self,
            validation_curve=mean_curve([other.validation_curve for other in others]),
            eval_curves=({VALIDATION: means} if means else {}) | self.eval_curves,
        )


def mean_curve(curves: Sequence[Sequence[float]]) -> list[float]:
    """Mean over the networks that were still in training, epoch by epoch."""
    if len(curves) == 1:
        return list(curves[0])
    epochs = ([value for value in epoch if value is not None] for epoch in zip_longest(*curves))
    return [sum(values) / len(values) for values in epochs]
