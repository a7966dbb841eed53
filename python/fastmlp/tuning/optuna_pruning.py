"""OptunaPruning: a callback that reports each epoch to a trial of Optuna, which may end the fit."""

from __future__ import annotations

from typing import Any

from fastmlp.ensemble.evaluation import VALIDATION
from fastmlp.ensemble.progress import EpochRecord
from fastmlp.tasks.metrics import LOSS


class OptunaPruning:
    """Callback of `fit` that prunes a trial of Optuna.

    After each epoch of the first network it reports a value to the trial. If the study's pruner
    says that the trial is not promising, ``optuna.TrialPruned`` ends the fit, of all its networks,
    and the estimator is as it was before. Use it with one fit per trial, not with cross-validation:
    the networks of an ensemble have folds held out already.

    Parameters
    ----------
    trial : optuna.trial.Trial
    metric : str or None, default=None
        What to report: a name of `eval_metric`, or "loss". None: the first metric, without one the
        loss. Greater must be better if the study maximises, and smaller must be better if it
        minimises.
    rows : str, default="validation"
        Rows of which it is reported: the validation rows, or a set of `eval_set` by its name.

    Raises
    ------
    TypeError
        If `trial` is not a trial.
    ValueError
        If its study has several objectives.

    Examples
    --------
    With Optuna (``pip install optuna``), for a table X, y: ::

        import optuna
        from fastmlp import Regressor
        from fastmlp.tuning import OptunaPruning, space

        suggest = space("optuna")

        def objective(trial):
            model = Regressor(preset="fast", random_state=0, **suggest(trial))
            model.fit(X, y, callbacks=OptunaPruning(trial))
            return ((y - model.oof_prediction_) ** 2).mean()

        study = optuna.create_study(pruner=optuna.pruners.MedianPruner(n_warmup_steps=20))
        study.optimize(objective, n_trials=50)
        model = Regressor(random_state=0, **suggest(study.best_trial)).fit(X, y)
    """

    def __init__(self, trial: Any, metric: str | None = None, rows: str = VALIDATION) -> None:
        if not (hasattr(trial, "report") and hasattr(trial, "should_prune")):
            raise TypeError(
                "trial must be a trial of Optuna, which the study passes to the objective; got "
                f"{trial!r}"
            )
        study = getattr(trial, "study", None)  # a FixedTrial has none, and is never pruned
        directions = [] if study is None else [one.name.lower() for one in study.directions]
        if len(directions) > 1:
            raise ValueError(
                "OptunaPruning needs a study with one objective, as Optuna does not prune others; "
                f"this one has {len(directions)}"
            )
        self.trial = trial
        self.metric = metric
        self.rows = rows
        self._direction = directions[0] if directions else None

    def __call__(self, record: EpochRecord) -> bool:
        """Report an epoch of the first network.

        Raises
        ------
        optuna.TrialPruned
            If the pruner decides so.
        ValueError
            If nothing of that name is measured, or the study has the other direction.
        """
        if record.network != 0:
            return False
        metric, value = self._measured(record)
        if record.epoch == 1:
            self._check_direction(metric, is_score=metric in record.scores)
        self.trial.report(value, step=record.epoch)
        if self.trial.should_prune():
            from optuna import TrialPruned

            raise TrialPruned(f"pruned after {record.epoch} epochs of the first network")
        return False

    def _measured(self, record: EpochRecord) -> tuple[str, float]:
        """The name and the value of what is reported."""
        values = record.evals.get(self.rows, {})
        metric = self.metric
        if metric is None:
            metric = next((name for name in values if name != LOSS), LOSS)
        if metric not in values:
            measured = {rows: list(own) for rows, own in record.evals.items()}
            raise ValueError(
                f"OptunaPruning needs the metric {metric!r} on the rows {self.rows!r}; the fit "
                f"measures {measured}"
            )
        return metric, values[metric]

    def _check_direction(self, metric: str, *, is_score: bool) -> None:
        """Raise if the pruner would end the best trials."""
        direction, kind, other = (
            ("maximize", "greater", "metric='loss'")
            if is_score
            else ("minimize", "smaller", "a score of eval_metric as metric, such as 'r2'")
        )
        if self._direction not in (None, direction):
            raise ValueError(
                f"OptunaPruning cannot report {metric!r}, of which {kind} is better, in a study "
                f"whose direction is {self._direction!r}. Pass {other}, or make a study with "
                f"direction={direction!r} and an objective of the same direction"
            )
