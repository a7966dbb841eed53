"""FittedModel: everything that a fit produces, as one immutable object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastmlp._version import __version__
from fastmlp.ensemble.bar import Bar
from fastmlp.ensemble.constraints import Constraints
from fastmlp.ensemble.evaluation import by_name
from fastmlp.ensemble.history import EvalCurves, History, mean_curve
from fastmlp.ensemble.member import (
    Member,
    check_recipes,
    check_unchanged,
    continued_members,
)
from fastmlp.ensemble.out_of_fold import OutOfFold
from fastmlp.ensemble.settings import Settings
from fastmlp.ensemble.splits import AssignmentSeed, RowSubset
from fastmlp.ensemble.weighted_ensemble import WeightedEnsemble
from fastmlp.networks import Dense
from fastmlp.prediction.conformal import Conformal
from fastmlp.prediction.linear_part import LinearPart
from fastmlp.prediction.pipeline import Pipeline
from fastmlp.privacy import PrivacyGuarantee
from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.rows import Table, slices
from fastmlp.table.scaling import Scaling
from fastmlp.table.sparse_encoder import Encoder
from fastmlp.table.training_range import RangeWatch, TrainingRange
from fastmlp.tasks import Task

if TYPE_CHECKING:
    from fastmlp.ensemble.held_out_learning import LearntFromHeldOut

_ROWS_OF_A_STEP = 2**16  # of the bar of a prediction


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


@dataclass(frozen=True, eq=False)
class FittedModel:
    """The result of a fit: it predicts and is pickled, and further training uses copies of it.

    `fit` builds it and assigns it at its end, so a call that fails changes nothing, and parameters
    that are set later do not reach it.

    Attributes
    ----------
    encoder : Encoder
        From a raw table to numbers.
    scaling : Scaling
        From encoded numbers to those that networks read.
    task : Task
        From y to targets, and from outputs to predictions; with the temperature.
    ensemble : WeightedEnsemble
        Networks with their recipes and histories, and the weight of each.
    linear : LinearPart or None
        What is added to the networks, with ``extrapolation="linear"``.
    watch : RangeWatch
        Holds the training range; warns of tables beyond it, if there is no linear part.
    standardize : bool or str
        The setting that `scaling` was learnt with.
    n_estimators : int
        Requested number of networks. Those that diverged, or that a time limit left out, are not
        among the members.
    assignment : AssignmentSeed or None
        From what rows were assigned to networks; None after `partial_fit` alone.
    fingerprint : bytes or None
        Digest of the rows and of which of them are held out; None unless these were the same in
        all fits. See `fastmlp.ensemble.splits.fingerprint`.
    fit_seconds : float
        Time in training, in the last call.
    out_of_fold : OutOfFold or None
        Predictions for the training rows by the networks that they were held out from.
    feature_importances : ndarray of shape (n_columns,) or None
    conformal : PredictionIntervals, PredictionSets or None
        Makes intervals or sets of classes; see `fastmlp.ensemble.conformal`.
    privacy : PrivacyGuarantee or None
        The guarantee of a private fit; None if training was not private, or continued without
        noise.
    version : str
        Version of fastmlp that fitted it.
    time : str
        When the fit ended, in UTC, as in ISO 8601.
    notes : mapping
        The notes of the file that it was loaded from.
    """

    encoder: Encoder
    scaling: Scaling
    task: Task
    ensemble: WeightedEnsemble
    linear: LinearPart | None
    watch: RangeWatch
    standardize: bool | str
    n_estimators: int
    assignment: AssignmentSeed | None
    fingerprint: bytes | None
    fit_seconds: float
    out_of_fold: OutOfFold | None = None
    feature_importances: NDArray[np.float64] | None = None
    conformal: Conformal | None = None
    privacy: PrivacyGuarantee | None = None
    version: str = __version__
    time: str = field(default_factory=_now)
    notes: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of_rows_elsewhere(
        cls,
        learnt: LearntFromHeldOut,
        encoder: Encoder,
        scaling: Scaling,
        settings: Settings,
        training_range: TrainingRange,
        *,
        n_estimators: int,
        fit_seconds: float,
        assignment: AssignmentSeed | None = None,
        feature_importances: NDArray[np.float64] | None = None,
        privacy: PrivacyGuarantee | None = None,
    ) -> FittedModel:
        """The result of a fit whose rows were on disk, on workers or at sites, or are private.

        It has no fingerprint, since no later fit can know which of them were held out, and no
        linear part.
        """
        return cls(
            encoder=encoder,
            scaling=scaling,
            task=learnt.task,
            ensemble=learnt.ensemble,
            linear=None,
            watch=RangeWatch(training_range),
            standardize=settings.of("standardize"),
            n_estimators=n_estimators,
            assignment=assignment,
            fingerprint=None,
            fit_seconds=fit_seconds,
            feature_importances=feature_importances,
            conformal=learnt.conformal,
            privacy=privacy,
        )

    def predict(
        self, X: Any, n_threads: int, *, estimator: str, verbose: int = 0
    ) -> NDArray[np.float64]:
        """Predict the rows of a raw table: numbers, or calibrated probabilities.

        Parameters
        ----------
        X : array-like or frame of shape (n_rows, n_columns)
        n_threads : int
        estimator : str
            Name of the estimator in messages.
        verbose : int, default=0
            1 shows a bar if there are many rows.
        """
        return self.predict_with_std(X, n_threads, estimator=estimator, verbose=verbose)[0]

    def predict_with_std(
        self, X: Any, n_threads: int, *, estimator: str, verbose: int = 0
    ) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """The same, and the standard deviations of numbers, if these were learnt."""
        self.encoder.check_features(X, estimator)
        table = self.encoder.encode(X)
        if self.linear is None and isinstance(self.encoder, DenseEncoder):
            self.watch.look_at(table, self.encoder)
        outputs = partial(self._outputs, n_threads=n_threads, verbose=verbose)
        return self.pipeline.predict_with_std(table, outputs)

    def _outputs(
        self, table: Table, offset: NDArray[Any] | None, *, n_threads: int, verbose: int
    ) -> NDArray[Any]:
        """Outputs of the ensemble, with a bar if the user wants one and it takes a while."""
        n_rows = table.shape[0]
        if verbose != 1 or n_rows <= _ROWS_OF_A_STEP:
            return self.ensemble.predict(table, n_threads, offset)
        parts = []
        bar = Bar(n_rows, "row")
        try:
            for rows in slices(n_rows, _ROWS_OF_A_STEP):
                own = None if offset is None else offset[rows]
                parts.append(self.ensemble.predict(table[rows], n_threads, own))
                bar.advance(steps=rows.stop - rows.start)
        finally:
            bar.close()
        return np.concatenate(parts)

    def check_continues(self, settings: Settings, *, may_grow: bool) -> None:
        """Raise if the networks cannot be trained further under these settings.

        Parameters
        ----------
        settings : Settings
        may_grow : bool
            Whether these may ask for more networks.
        """
        preset = self.members[0].recipe.preset
        check_unchanged("preset", preset, settings.preset, f". Set preset={preset!r}")
        # Before the recipes: the presets choose other activations with constraints.
        if settings.constraints(self.encoder) != self.constraints:
            raise ValueError(
                "monotonic_cst and interaction_cst cannot change while training goes on: networks "
                "are built for them"
            )
        n_networks = settings.n_networks(self.n_rows)
        if n_networks < self.n_estimators:
            raise ValueError(
                f"n_estimators was {self.n_estimators} and cannot become {n_networks} while "
                "training goes on with the networks; with_fewer_networks(X, n_networks="
                f"{n_networks}) chooses some of them"
            )
        if not (may_grow and self.grows(settings)):
            check_unchanged("n_estimators", self.n_estimators, n_networks)
        else:
            check_recipes(self.members, settings)
        check_unchanged("standardize", self.standardize, settings.of("standardize"))
        extrapolation = "clip" if self.linear is None else "linear"
        check_unchanged("extrapolation", extrapolation, settings.extrapolation)
        check_unchanged("dtype", self.dtype.name, settings.dtype)

    @property
    def constraints(self) -> Constraints | None:
        """The constraints that all networks satisfy."""
        return self.members[0].constraints

    @property
    def n_rows(self) -> int:
        """Rows of the table that the presets were chosen for."""
        return self.members[0].recipe.spec.n_rows

    def grows(self, settings: Settings) -> bool:
        """Whether these settings ask for more networks."""
        return settings.n_networks(self.n_rows) > self.n_estimators

    def continued(
        self, data: RowSubset, settings: Settings, task: Task
    ) -> tuple[Scaling, Task, list[Member]]:
        """Scaling, task and copies of the networks, for further training on these rows."""
        weights, offset = data.sample_weight, data.offset
        task, task_before = task.going_on_with(data.y, weights, offset), task
        members = continued_members(
            self.members, settings=settings, task=task, n_inputs=data.X.shape[1]
        )
        for member in members:
            task.restart_output(member.network, task_before, data.y, weights, offset)
        return self.scaling.going_on_with(data.X, weights), task, members

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type that the networks compute in."""
        return self.ensemble.dtype

    @property
    def members(self) -> tuple[Member, ...]:
        """The networks with their recipes and histories."""
        return self.ensemble.members

    @cached_property
    def pipeline(self) -> Pipeline:
        """What a prediction does, with all networks; its arrays are views of this model's."""
        return Pipeline(
            encoder=self.encoder,
            scaling=self.scaling,
            networks=self.ensemble.networks,
            weights=self.ensemble.weights,
            link=self.task.link,
            decoder=self.task.decoder,
            training_range=self.watch.training_range,
            linear=self.linear,
            conformal=self.conformal,
            target_names=self.task.target_names,
            output_names=self.task.output_names,
        )

    @property
    def nameless(self) -> FittedModel:
        """The model of a table whose columns have no names."""
        return replace(self, encoder=replace(self.encoder, feature_names=None))

    # ---- training, of all networks together

    def with_new_optimizers(self) -> FittedModel:
        """The model with the same networks and new optimisers, without a state."""
        members = [one.with_new_optimizer(one.optimizer_options) for one in self.members]
        weights = self.ensemble.weights
        ensemble = WeightedEnsemble(members, self.scaling, self.task.link, weights)
        return replace(self, ensemble=ensemble)

    @property
    def histories(self) -> list[History]:
        """The course of training of each network."""
        return [member.history for member in self.members]

    def curves(self, of: Callable[[History], list[float]]) -> list[list[float]]:
        """A curve of each network, from the first epoch on that the histories of all still hold."""
        forgotten = [history.n_iter - len(history.loss_curve) for history in self.histories]
        first = max(forgotten)
        return [of(h)[first - own :] for h, own in zip(self.histories, forgotten, strict=True)]

    def _mean_curve(self, of: Callable[[History], list[float]]) -> list[float]:
        return mean_curve(self.curves(of))

    @property
    def loss_curve(self) -> list[float]:
        """Training loss after each epoch, the mean over networks."""
        return self._mean_curve(lambda history: history.loss_curve)

    @property
    def validation_curve(self) -> list[float] | None:
        """Validation loss after each epoch, the mean over networks; None without."""
        return self._mean_curve(lambda history: history.validation_curve) or None

    @property
    def metric_curve(self) -> list[float] | None:
        """The first metric after each epoch, the mean over networks; None without."""
        return self._mean_curve(lambda history: history.metric_curve) or None

    @property
    def evals_result(self) -> EvalCurves:
        """All that was measured after each epoch, the mean over the networks that have it."""
        curves = self.eval_curves
        return by_name(curves, map(mean_curve, curves.values()))

    @property
    def eval_curves(self) -> dict[tuple[str, str], list[list[float]]]:
        """The curves of each network that has one, by the names of rows and measure."""
        names = dict.fromkeys(
            (rows, measure)
            for history in self.histories
            for rows, measures in history.evals_result.items()
            for measure in measures
        )
        return {
            (rows, measure): [
                curve
                for curve in self.curves(partial(History.curve, rows=rows, measure=measure))
                if curve
            ]
            for rows, measure in names
        }

    @property
    def learning_rate_curve(self) -> list[float]:
        """Learning rate at the end of each epoch, of the network that was trained longest."""
        longest = int(np.argmax([history.n_iter for history in self.histories]))
        return self.curves(lambda history: history.learning_rate_curve)[longest]

    @property
    def n_iter(self) -> int:
        """Epochs run, of the network that was trained longest."""
        return max(history.n_iter for history in self.histories)

    @property
    def best_iteration(self) -> int | None:
        """Epoch whose weights were kept, the median over networks; None without validation."""
        best = [h.best_iteration for h in self.histories if h.best_iteration is not None]
        return int(np.median(best)) if best else None

    @property
    def best_loss(self) -> float:
        """The least of what was watched, the mean over networks.

        Networks without the metric, whose validation rows lack a class, do not count.
        """
        with_metric = [history for history in self.histories if history.metric_curve]
        return float(np.mean([history.best_loss for history in with_metric or self.histories]))

    @property
    def last_loss(self) -> float:
        """The last training loss, the mean over networks."""
        curves = [history.loss_curve for history in self.histories]
        return float(np.mean([curve[-1] if curve else np.inf for curve in curves]))

    @property
    def stop_reason(self) -> str:
        """Why training ended, of most networks."""
        reasons = [history.stop_reason for history in self.histories]
        return max(reasons, key=reasons.count)

    @property
    def samples_seen(self) -> int:
        """Training rows seen in all epochs, by the network that saw most."""
        return max(member.samples_seen for member in self.members)

    @property
    def n_layers(self) -> int:
        """Layers of units, input and output included."""
        layers = self.members[0].network.layers
        return sum(isinstance(layer, Dense) for layer in layers) + 1

    def dense_parameters(self, kind: str) -> tuple[NDArray[Any], ...]:
        """The parameters of the dense layers of a single network."""
        if len(self.members) > 1:
            raise AttributeError(
                "coefs_ and intercepts_ exist only for a model of one network; this one has "
                f"{len(self.members)}, in networks_. n_estimators=1 fits one"
            )
        return tuple(self.members[0].network.parameters_of(kind))
