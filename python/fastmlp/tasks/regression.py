"""Regression: targets are numbers, standardised inside; predictions are in their unit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import d2_pinball_score, r2_score

from fastmlp._user_warnings import warn
from fastmlp.networks import Network
from fastmlp.prediction.decoders import RegressionDecoder
from fastmlp.prediction.link import Link
from fastmlp.table.rows import pieces
from fastmlp.tasks.inverse_links import apply_inverse_link
from fastmlp.tasks.losses import RegressionLoss, gaussian_loss
from fastmlp.tasks.metrics import Metric, metric_of
from fastmlp.tasks.numeric_targets import lacking, mean_of, numbers_of
from fastmlp.tasks.task import Task

_VANISHING = 1e-140  # numbers whose squares do
_FAR = 100  # standard deviations from the mean


@dataclass(frozen=True, eq=False)
class RegressionTask(Task):
    """Targets that are numbers. Build it with :meth:`learn`.

    Parameters
    ----------
    training_loss : RegressionLoss
        What is minimised.
    n_outputs : int
        Columns of y.
    one_dimensional : bool
        Whether y has shape (n_rows,).
    standardizes, clips, extrapolates : bool
        Whether networks learn standardised targets, whether predictions stay in the range of the
        training targets, and whether a linear part may move that range.
    shift, unit : ndarray of shape (n_outputs,)
        Networks learn ``(y - shift) / unit``.
    varied : ndarray of shape (n_outputs,)
        Whether the targets of an output have varied so far (counts: whether any was above 0). While
        they have not, its unit, or the logarithm that it began with, is provisional.
    lowest, highest : ndarray of shape (n_outputs,)
        The range of the training targets, if predictions stay in it.
    target_names : tuple of str or None, default=None
        Names of the columns of y.
    """

    training_loss: RegressionLoss
    n_outputs: int
    one_dimensional: bool
    standardizes: bool
    clips: bool
    extrapolates: bool
    shift: NDArray[np.float64]
    unit: NDArray[np.float64]
    varied: NDArray[np.bool_]
    lowest: Any = np.inf
    highest: Any = -np.inf
    target_names: tuple[str, ...] | None = None

    @classmethod
    def learn(
        cls,
        y: NDArray[Any],
        loss: RegressionLoss,
        *,
        standardize: bool,
        clip: bool,
        extrapolate: bool,
    ) -> tuple[RegressionTask, NDArray[Any]]:
        """Learn the shape of y; returns the task and the targets of y's rows."""
        logarithms = loss.link.name == "exponential"
        if extrapolate and loss.is_own:
            raise ValueError(
                "extrapolation='linear' needs one of the named losses: a function's predictions "
                "need not follow y"
            )
        values = numbers_of(y, loss, "y")
        n_outputs = 1 if values.ndim == 1 else values.shape[1]
        if values.ndim == 2 and (unknown := np.flatnonzero(np.isnan(values).all(axis=0))).size:
            raise ValueError(f"y must have a number in each column; column {unknown[0]} has none")
        task = cls(
            training_loss=loss,
            n_outputs=n_outputs,
            one_dimensional=values.ndim == 1,
            standardizes=standardize and not logarithms,
            clips=clip and not logarithms and not loss.is_own,
            extrapolates=extrapolate,
            shift=np.zeros(n_outputs),
            unit=np.ones(n_outputs),
            varied=np.zeros(n_outputs, dtype=bool),
        )
        return task, values.reshape(values.shape[0], n_outputs)

    @property
    def output_names(self) -> tuple[str, ...] | None:
        """Several quantiles, such as "0.1" and "0.9", else the names of y's columns."""
        loss = self.training_loss
        return loss.names_of_quantiles if loss.several_quantiles else self.target_names

    # ---- what the networks learn

    @property
    def link(self) -> Link:
        """What lies between raw outputs and outputs."""
        return self.training_loss.link

    @property
    def _learns_logarithms(self) -> bool:
        return self.link.name == "exponential"

    @property
    def n_network_outputs(self) -> int:
        """Units of the output layer: one for each column of y, or quantile; or two, for spreads."""
        loss = self.training_loss
        if loss.is_gaussian:
            return 2 * self.n_outputs
        return len(loss.quantiles) if loss.several_quantiles else self.n_outputs

    @property
    def loss_options(self) -> dict[str, Any]:
        """The engine's options of the loss."""
        loss = self.training_loss
        if loss.own is not None:
            return {"loss": loss.own.for_engine(self.shift, self.unit)}
        return {
            "loss": loss.name,
            "delta": loss.delta,
            "quantiles": list(loss.quantiles),
            "tweedie_power": loss.tweedie_power,
            "expectile": loss.expectile,
        }

    @property
    def penalty_factor(self) -> float:
        """The engine's loss divided by scikit-learn's."""
        return self.training_loss.penalty_factor

    def initialise_output(
        self,
        network: Network,
        targets: NDArray[Any],
        weights: NDArray[Any] | None,
        offset: NDArray[np.float64] | None,
    ) -> None:
        """Start logarithms at that of the mean target, and spreads at that of all targets."""
        if self._learns_logarithms:
            every = np.ones(self.n_outputs, dtype=bool)
            self._start_at_mean(network, targets, weights, offset, every)
        if self.training_loss.is_gaussian:
            network.parameters[-2][:, self.n_outputs :] *= 0.1
            network.parameters[-1][self.n_outputs :] = np.log(np.e - 1)  # a spread of 1

    def restart_output(
        self,
        network: Network,
        before: Task,
        targets: NDArray[Any],
        weights: NDArray[Any] | None,
        offset: NDArray[np.float64] | None,
    ) -> None:
        """Start outputs at the logarithm of the mean if all counts before were 0."""
        if self._learns_logarithms:
            first = self.varied & ~cast(RegressionTask, before).varied
            self._start_at_mean(network, targets, weights, offset, first)

    def _start_at_mean(
        self,
        network: Network,
        targets: NDArray[Any],
        weights: NDArray[Any] | None,
        offset: NDArray[np.float64] | None,
        outputs: NDArray[np.bool_],
    ) -> None:
        mean = mean_of(lambda y: y, targets, None, weights)
        if offset is not None:
            mean = mean / mean_of(np.exp, offset, None, weights)
        network.parameters[-2][:, outputs] *= 0.1
        # Counts of which all are 0 begin somewhere; means of amounts may be of any size.
        least = 1e-6 if self.training_loss.name == "poisson" else 0.0
        start = np.where(mean > least, mean, 1e-6)
        network.parameters[-1][outputs] = np.log(start)[outputs]

    # ---- targets

    def encode(self, y: NDArray[Any], dtype: np.dtype[Any], name: str = "y") -> NDArray[Any]:
        """Check y and turn it into targets (n_rows, n_outputs)."""
        values = numbers_of(y, self.training_loss, name)
        n_outputs = 1 if values.ndim == 1 else values.shape[1]
        if (n_outputs, values.ndim == 1) != (self.n_outputs, self.one_dimensional):
            raise ValueError(
                f"{name} must have {self.n_outputs} output(s), as the model was fitted; got shape "
                f"{values.shape}"
            )
        return values.reshape(values.shape[0], n_outputs)

    def scaled_to(
        self,
        targets: NDArray[Any],
        rows: NDArray[Any] | None,
        weights: NDArray[Any] | None,
        offset: NDArray[np.float64] | None,
    ) -> RegressionTask:
        """Learn the mean and standard deviation of the targets of some rows (None: all)."""
        if self._learns_logarithms:
            return replace(self, varied=mean_of(lambda y: y, targets, rows, weights) > 0)
        if not self.standardizes:
            return self
        if offset is not None:
            targets = targets - offset
        with np.errstate(over="ignore", invalid="ignore"):
            shift = mean_of(lambda y: y, targets, rows, weights)
            standard_deviation = np.sqrt(
                mean_of(lambda y: (y - shift) ** 2, targets, rows, weights)
            )
        if not np.isfinite(standard_deviation[~lacking(targets, rows)]).all():
            raise ValueError("y holds values too large to be standardised")
        # By rounding, the standard deviation of a constant is of the size of its last digit.
        varied = standard_deviation > 10 * np.finfo(np.float64).eps * np.abs(shift)
        self._check_vanishing(targets, standard_deviation)
        unit = np.where(varied, standard_deviation, 1.0)
        shift = np.where(np.isnan(shift), 0.0, shift)  # of a column of which these rows lack all
        return replace(self, shift=shift, unit=unit, varied=varied)

    def _check_vanishing(
        self, targets: NDArray[Any], standard_deviation: NDArray[np.float64]
    ) -> None:
        """Raise if a standard deviation is 0 because squares of small numbers are."""
        for column in np.flatnonzero(standard_deviation < _VANISHING):
            values = targets[:, column]
            values = values[~np.isnan(values)]
            if 0 < np.max(np.abs(values)) < _VANISHING and np.ptp(values) > 0:
                raise ValueError(
                    f"y holds values too small to be standardised, of less than {_VANISHING:.0e}. "
                    "Multiply them by a large number"
                )

    def going_on_with(
        self,
        targets: NDArray[Any],
        weights: NDArray[Any] | None,
        offset: NDArray[np.float64] | None,
    ) -> RegressionTask:
        """Learn the scale of outputs that vary for the first time, and widen the range.

        Warns if the targets are far from those that the scale of all others was learnt from.
        """
        task = self
        if self._learns_logarithms and not self.varied.all():
            learnt = self.scaled_to(targets, None, weights, None)
            task = replace(self, varied=self.varied | learnt.varied)
        if self.standardizes:
            learnt_of = targets if offset is None else targets - offset
            if not self.varied.all():
                task = self._scaled_later(learnt_of, weights)
            distance = np.abs(mean_of(lambda y: y, learnt_of, None, weights) - task.shift)
            far = float(np.fmax.reduce(np.where(task.varied, distance / task.unit, 0)))
            if far > _FAR:
                warn(
                    f"the mean of y is {far:.0f} standard deviations from that of the rows that "
                    "its scale was learnt from, so training takes many epochs. Fit a new model, or "
                    "begin with rows that represent all"
                )
        return task.with_range_of(targets, weights)

    def _scaled_later(self, targets: NDArray[Any], weights: NDArray[Any] | None) -> RegressionTask:
        """Scale outputs that were constant so far. That value counts as one more row."""
        if weights is not None:
            weights = np.append(weights[weights > 0].mean(), weights)
        learnt = self.scaled_to(np.vstack([self.shift, targets]), None, weights, None)
        varies = learnt.varied & ~self.varied
        return replace(
            self,
            shift=np.where(varies, learnt.shift, self.shift),
            unit=np.where(varies, learnt.unit, self.unit),
            varied=self.varied | varies,
        )

    def with_range_of(self, targets: NDArray[Any], weights: NDArray[Any] | None) -> RegressionTask:
        """Widen the range of predictions to that of the targets with positive weight."""
        if not self.clips:
            return self
        known = targets if weights is None else targets[weights > 0]
        return replace(
            self,
            lowest=np.fmin(self.lowest, np.fmin.reduce(known, axis=0)),
            highest=np.fmax(self.highest, np.fmax.reduce(known, axis=0)),
        )

    def scale(self, targets: NDArray[Any], dtype: np.dtype[Any], name: str = "y") -> NDArray[Any]:
        """Targets as networks learn them: (n_rows, n_outputs), or a column for each quantile.

        Those for a function of the user's are not changed: it may ask whether they are 0.
        """
        scales = not self.training_loss.is_own
        n_columns = self.n_outputs if self.training_loss.is_gaussian else self.n_network_outputs
        scaled = np.empty((targets.shape[0], n_columns), dtype=dtype)
        largest = 0.0
        with np.errstate(over="ignore"):
            for rows in pieces(targets):
                exact = (targets[rows] - self.shift) / self.unit if scales else targets[rows]
                largest = max(largest, float(np.fmax.reduce(np.abs(exact), axis=None)))
                scaled[rows] = exact
        if np.isinf(scaled).any():
            raise ValueError(f"{name} holds values too large for {dtype}")
        if 0 < largest < np.finfo(dtype).tiny:
            raise ValueError(f"{name} holds values too small for {dtype}")
        return scaled

    def shown_error(self, loss: float) -> tuple[str, float]:
        """The error in the unit of the target, if there is one unit."""
        if self.training_loss.is_own:
            return "loss", loss
        name, error = self.training_loss.error_of(loss)
        if self.n_outputs > 1 and self.standardizes:
            return f"standardised {name}", error
        return name, error * float(self.unit[0])

    # ---- the linear part

    @property
    def linear_share(self) -> float:
        """Half: networks neither have to undo all of a wrong line nor to learn all of a trend."""
        return 0.5

    def linear_targets(self, targets: NDArray[Any]) -> NDArray[np.float64]:
        """The targets: several quantiles have the same slopes."""
        if self.training_loss.is_gaussian:
            raise ValueError("extrapolation='linear' is not supported for loss='gaussian'")
        if np.isnan(targets).any():
            raise ValueError("extrapolation='linear' needs all targets; y has missing ones")
        return targets.astype(np.float64)

    # ---- predictions

    @property
    def decoder(self) -> RegressionDecoder:
        """What makes predictions of outputs."""
        return RegressionDecoder(
            self.unit,
            self.shift,
            lowest=self.lowest if self.clips else None,
            highest=self.highest if self.clips else None,
            moves=self.extrapolates,
            sorts=self.training_loss.several_quantiles,
            one_dimensional=self.one_dimensional,
            has_std=self.training_loss.is_gaussian,
        )

    def loss(
        self, outputs: NDArray[Any], targets: NDArray[Any], weights: NDArray[Any] | None
    ) -> float:
        """The mean training loss of outputs."""
        if self.training_loss.is_gaussian:
            scaled = (targets - self.shift) / self.unit
            return gaussian_loss(outputs.astype(np.float64), scaled, weights)
        predicted = self.decode(outputs).reshape(outputs.shape)
        return self.training_loss.mean(predicted, targets, weights, self.unit)

    def score(
        self, outputs: NDArray[Any], targets: NDArray[Any], weights: NDArray[Any] | None
    ) -> float:
        """The score of outputs; see `score_of`."""
        return self.score_of(targets, self.decode(outputs), weights)

    def score_of(self, y: Any, predicted: NDArray[Any], weights: Any) -> float:
        """R2; of several quantiles the mean fraction of pinball loss explained."""
        if not self.training_loss.several_quantiles:
            if self.n_outputs > 1 and np.isnan(numbers := np.asarray(y, dtype=float)).any():
                return _r2_of_known(numbers, predicted, weights)
            return float(r2_score(y, predicted, sample_weight=weights))
        scores = [
            d2_pinball_score(y, predicted[:, k], sample_weight=weights, alpha=quantile)
            for k, quantile in enumerate(self.training_loss.quantiles)
        ]
        return float(np.mean(scores))

    def metric(
        self, eval_metric: Any, targets: NDArray[Any], weights: NDArray[Any] | None
    ) -> Metric:
        """Build a function of raw outputs for these validation rows from `eval_metric`."""
        if np.isnan(targets).any():
            raise ValueError(
                "eval_metric must be None where validation rows lack some of their targets"
            )
        y_true = targets[:, 0] if self.one_dimensional else targets

        def predict(outputs: NDArray[np.float64]) -> NDArray[Any]:
            return self.decode(apply_inverse_link(self.link, outputs))

        return metric_of(eval_metric, y_true, weights, predict, None, None)


def _r2_of_known(y: NDArray[Any], predicted: NDArray[Any], weights: Any) -> float:
    """The mean over outputs of R2 on the rows whose target is known."""
    scores = []
    for k, rows in enumerate(~np.isnan(y.T)):
        own = None if weights is None else np.asarray(weights)[rows]
        if rows.any():
            scores.append(r2_score(y[rows, k], predicted[rows, k], sample_weight=own))
    return float(np.mean(scores))
