"""What Regressor and Classifier share: fitting and prediction."""

from __future__ import annotations

import time
import warnings
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from fastmlp._building import Building
from fastmlp._given import FEWEST_ROWS, Split, Targets
from fastmlp._importance import permutation_importances
from fastmlp._progress import Metric, Progress
from fastmlp._recipe import Recipe
from fastmlp._threads import n_threads
from fastmlp._training import Job, Member, Part, train_all

_FALLING = ("cosine", "one_cycle", "coslog4")  # schedules over all steps, to nearly nothing
_LATER_SHARE = 0.03  # of the largest rate, in partial_fit after such a schedule
_OF_ONE_FIT = ("oof_prediction_", "oof_decision_function_", "feature_importances_")


class BaseMLP(Building):
    """Base of the estimators. Holds no numerics: the engine does those."""

    # ---- what a subclass says about its targets

    @abstractmethod
    def _metric(self, targets: Targets, weights: NDArray[Any] | None) -> Metric | None:
        """`eval_metric` on rows with these targets."""

    def _see_targets(self, targets: NDArray[Any], weights: NDArray[Any] | None) -> None:
        """Take note of the targets of a call, be it the first or one that goes on."""

    def _scaled_targets(self, targets: NDArray[Any]) -> NDArray[Any]:
        """Bring targets to the scale that the network learns in."""
        return targets

    def _need_validation(self) -> list[str]:
        """Parameters in use that are of no use without validation rows."""
        metric = [] if self.eval_metric is None else ["eval_metric"]
        return metric + ["compute_importances"] * bool(self.compute_importances)

    def _calibrates(self, *, as_predicted: bool) -> bool:
        """Whether to learn from outputs for unseen rows.

        With `as_predicted` they are those of the whole model, else of one or two of its networks.
        """
        return False

    def _calibrate(
        self, outputs: NDArray[Any], targets: Targets, weights: NDArray[Any] | None
    ) -> None:
        """Learn from outputs behind the link for rows that no network was trained on."""

    @abstractmethod
    def _loss_of(
        self, outputs: NDArray[Any], targets: Targets, weights: NDArray[Any] | None
    ) -> float:
        """The loss of outputs behind the link, as predictions."""

    @abstractmethod
    def _keep_out_of_fold(self, outputs: NDArray[Any]) -> None:
        """Turn outputs behind the link into an attribute; NaN where a row has none."""

    @abstractmethod
    def _score_of(
        self, outputs: NDArray[Any], targets: Targets, weights: NDArray[Any] | None
    ) -> float:
        """How good outputs behind the link are, the greater the better."""

    # ---- fitting

    def fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Any:
        """Train.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            A raw table: columns of numbers, text, categories and booleans, with missing values
            (None, NaN, NA) anywhere. Arrays of float32, float64 and integers are read in place.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True values, or class labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.
        X_val, y_val : like X and y, default=None
            Validation part of all networks; without it `early_stopping` takes it from the rows. In
            a Pipeline X_val goes through the steps before only with scikit-learn's
            ``Pipeline(..., transform_input=["X_val"])`` and metadata routing.
        sample_weight_val : array-like of shape (n_val_samples,), default=None
            Weights of the validation rows.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ValueError
            Where a parameter, X or y is not what it should be, or training diverged. The
            estimator is then as it was before the call.
        TypeError
            Where X or y holds dates or objects that are neither numbers nor categories.
        """
        self._check_parameters()
        continues = self.warm_start and self._is_trained
        with self._unchanged_on_error(in_place=continues):
            for name in _OF_ONE_FIT if continues else ("_members", *_OF_ONE_FIT):
                self.__dict__.pop(name, None)
            X, y = self._table(X, y, reset=not continues, minimum=2)
            targets = self._encode_targets(y, reset=not continues)
            weights = self._base_weights(y, sample_weight, X)
            n_networks, random_state = self._deal(continues)
            if (X_val is None) != (y_val is None):
                raise ValueError("X_val and y_val must be given together")
            if X_val is None and sample_weight_val is not None:
                raise ValueError("sample_weight_val was given without X_val and y_val")
            given = None
            if X_val is not None:
                given = self._validation_part(X_val, y_val, sample_weight_val)
            splits = self._splits(X, targets, weights, given, n_networks, random_state)
            if splits[0].validation is None:
                for name in self._need_validation():
                    raise ValueError(
                        f"{name} needs validation rows: X_val and y_val, or early_stopping=True "
                        f"and {FEWEST_ROWS} rows, so that some weigh in each part"
                    )
            if continues:
                splits = [splits[member.recipe.place.number] for member in self._members]
            else:
                # One network's own training rows; of several all, since each has others.
                rows = splits[0].train if n_networks == 1 else None
                self._standardise(X, targets.values, rows, weights)
            self._see_targets(targets.values, weights)
            scaled = self._scaled_targets(targets.values)
            if continues:
                self._check_same_network(X.shape[1])
            else:
                self._new_members(X, targets, weights, splits, rows, random_state)
            train = Part(X, scaled, weights)
            jobs = []
            for number, (member, split) in enumerate(zip(self._members, splits, strict=True)):
                validation, metric = split.validation, None
                if validation is not None:
                    own = validation.rows is not None  # rows of the same table
                    metric = self._metric_on(validation, targets)
                    y_scaled = scaled if own else self._scaled_targets(validation.y)
                    validation = validation._replace(y=y_scaled)
                seed = int(random_state.randint(np.iinfo(np.int32).max))
                part = train._replace(rows=split.train)
                jobs.append(
                    Job(
                        member,
                        part,
                        validation,
                        self._options(member.recipe, part.n_rows) | {"seed": seed},
                        metric,
                        number,
                    )
                )
            self._train(jobs, stacklevel=3)
            for member in self._members:
                member.rate_share = _later_share(member)
            self._snapshot()
            validation_of = {job.member: s.validation for job, s in zip(jobs, splits, strict=True)}
            kept = [validation_of[member] for member in self._members]
            # What was held out from training before must be what is held out now.
            dealt = self._fingerprint(targets, given)
            unseen = not continues or dealt == self._trained_on
            self._trained_on = dealt if unseen else None
            if unseen or given is not None:
                self._learn_from_unseen(kept, given, targets, weights)
            if self.compute_importances:
                self.feature_importances_ = self._importances(kept)
        return self

    def _metric_on(self, validation: Part, targets: Targets) -> Metric | None:
        """`eval_metric` on a validation part whose targets are not yet scaled."""
        if self.eval_metric is None:
            return None
        rows = slice(None) if validation.rows is None else validation.rows
        weights = None if validation.sample_weight is None else validation.sample_weight[rows]
        return self._metric(Targets(validation.y[rows], targets.are_classes), weights)

    def _learn_from_unseen(
        self,
        validation: Sequence[Part | None],
        given: Part | None,
        targets: Targets,
        weights: NDArray[Any] | None,
    ) -> None:
        """Weigh and calibrate the networks by what they predict for rows that they have not seen.

        Those are the validation part that was given, or the rows that were held out from each. One
        network has but some of the rows held out: these count for its calibration alone.
        """
        threads = n_threads(self.n_jobs)
        out_of_fold = given is None and len(validation) > 1
        calibrates = self._calibrates(as_predicted=not out_of_fold)
        if not (any(validation) and (calibrates or out_of_fold or len(self._ensemble.kinds) > 1)):
            return
        if given is None:
            unseen = self._ensemble.predict_unseen(validation, targets.values.shape[0], threads)
        else:
            unseen = self._ensemble.predict_by_kind(given.X, threads)
            targets, weights = Targets(given.y, targets.are_classes), given.sample_weight

        def on(rows: NDArray[Any]) -> tuple[Targets, NDArray[Any] | None]:
            some = Targets(targets.values[rows], targets.are_classes)
            return some, None if weights is None else weights[rows]

        outputs = self._ensemble.weigh(
            unseen, lambda outputs, rows: self._loss_of(outputs, *on(rows)), weights
        )
        if calibrates:
            known = ~np.isnan(outputs[:, 0])
            self._calibrate(outputs[known], *on(known))
        if out_of_fold:
            self._keep_out_of_fold(outputs)

    def _importances(self, validation: Sequence[Part | None]) -> NDArray[np.float64]:
        """What shuffling a column costs networks on their validation rows, weighed as they are."""
        groups = self._columns.encoded_by_column
        falls, shares = [], []
        for member, predictor, share, part in zip(
            self._members,
            self._ensemble.predictors,
            self._ensemble.weights,
            validation,
            strict=True,
        ):
            if part is None or share == 0:
                continue
            rows = slice(None) if part.rows is None else part.rows
            targets = Targets(part.y[rows], part.y.dtype.kind == "i")
            weights = None if part.sample_weight is None else part.sample_weight[rows]

            def score(
                X: NDArray[Any],
                predictor: Any = predictor,
                targets: Targets = targets,
                weights: NDArray[Any] | None = weights,
            ) -> float:
                return self._score_of(
                    predictor.predict(X, n_threads(self.n_jobs)), targets, weights
                )

            random_state = np.random.RandomState(member.network._engine.seed)
            falls.append(
                permutation_importances(np.array(part.X[rows]), groups, score, random_state)
            )
            shares.append(share)
        mean: NDArray[np.float64] = np.average(falls, axis=0, weights=shares)
        return mean

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any, classes: Any = None) -> None:
        """One epoch over the given rows; see the subclasses."""
        self._check_parameters()
        first = not self._is_trained
        with self._unchanged_on_error(in_place=not first):
            for name in _OF_ONE_FIT:
                self.__dict__.pop(name, None)
            X, y = self._table(X, y, reset=first, minimum=1)
            if classes is not None:
                self._announce_classes(classes, y, first=first)
            targets = self._encode_targets(y, reset=first and classes is None)
            weights = self._base_weights(y, sample_weight, X)
            if first:
                random_state = check_random_state(self.random_state)
                self._standardise(X, targets.values, None, weights)
                self._warn_of_constants()
                splits = [Split(None, None)] * int(self._setting("n_estimators"))
                self._new_members(X, targets, weights, splits, None, random_state)
            else:
                self._check_same_network(X.shape[1])
            self._see_targets(targets.values, weights)
            part = Part(X, self._scaled_targets(targets.values), weights)
            jobs = [
                Job(
                    member,
                    part,
                    None,
                    self._options(_one_epoch(member.recipe, member.rate_share), part.n_rows)
                    | {
                        "seed": member.network._engine.seed,
                        "samples_seen": float(member.samples_seen),
                    },
                    number=number,
                )
                for number, member in enumerate(self._members)
            ]
            self._train(jobs, stacklevel=4)
            self._trained_on = None  # nothing is held out
            self._snapshot()

    def _warn_of_constants(self) -> None:
        """Tell of columns that the first rows of partial_fit say nothing about."""
        columns = self._columns
        never = np.flatnonzero(self._scaling.scale[: columns.n_numeric] == 0)
        if not (never.size or columns.n_flags):
            return
        numbers = columns.names_of_encoded
        names = [numbers[i] for i in never]
        names += [column.name for column in columns.columns if column.kind == "constant"]
        if names:
            warnings.warn(
                f"the first call of partial_fit tells what columns are like; {len(names)} of them, "
                f"such as {names[0]!r}, have one value only there and count for nothing later",
                UserWarning,
                stacklevel=4,
            )

    @contextmanager
    def _unchanged_on_error(self, *, in_place: bool) -> Iterator[None]:
        """A failed call leaves the estimator as it was.

        With `in_place`, training goes on with the networks and optimisers there are, which are
        then put back from copies.
        """
        before = dict(self.__dict__)
        if in_place:
            before["_members"] = deepcopy(before["_members"])
        try:
            yield
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(before)
            raise

    def _train(self, jobs: Sequence[Job], *, stacklevel: int) -> None:
        """Run the engine's loops and take down what they tell."""
        before = [job.member.history.n_iter for job in jobs]
        epochs = [job.options["max_iter"] for job in jobs]
        progress = Progress(self.verbose, epochs, self._callbacks())
        limit = inf if self.time_limit is None else float(self.time_limit)
        start = time.perf_counter()
        try:
            train_all(jobs, self._scaling.engine, n_threads(self.n_jobs), progress, limit)
        finally:
            progress.close()
        self.fit_seconds_ = time.perf_counter() - start
        self._take_down(jobs, before, stacklevel + 1)

    def _take_down(self, jobs: Sequence[Job], before: Sequence[int], stacklevel: int) -> None:
        """Warn of what went wrong, keep the networks that can be used, and sum them up."""
        ran = [job for job in jobs if job.ran]
        diverged = [job for job in ran if job.member.history.stop_reason == "diverged"]
        lost = [job for job in diverged if job.member.history.best_iteration is None]
        if len(lost) == len(ran):
            raise ValueError(
                "training diverged: the loss or the weights are no longer finite. A smaller "
                f"learning_rate_init (now {jobs[0].options['learning_rate_init']}) or "
                "max_grad_norm=1 helps; so does standardize=True where inputs or targets are large."
            )
        for job in diverged:
            job.member.renew_optimizer()  # its moments are no longer finite
        if diverged:
            best = diverged[0].member.history.best_iteration
            warnings.warn(
                f"training diverged; the weights of epoch {best}, the best before, were kept"
                if len(jobs) == 1
                else f"training of {len(diverged)} of {len(jobs)} networks diverged; of "
                f"{len(diverged) - len(lost)} the best weights before were kept, {len(lost)} were "
                "left out",
                RuntimeWarning,
                stacklevel=stacklevel,
            )
        # Those that this call never came to may have been trained by another.
        kept = [job for job in jobs if job not in lost and job.member.history.n_iter > 0]
        if len(ran) < len(jobs) or any(
            job.member.history.stop_reason == "interrupted" for job in ran
        ):
            epochs = [job.member.history.n_iter for job in jobs]
            self._warn_of_interruption(jobs, kept if epochs != before else [], stacklevel)
        self._members = [job.member for job in kept or [job for job in ran if job not in lost][:1]]
        self._sum_up()

    def _warn_of_interruption(
        self, jobs: Sequence[Job], kept: Sequence[Job], stacklevel: int
    ) -> None:
        if not kept:
            what = "No epoch had ended: the weights are those that training began with."
        elif len(jobs) == 1:
            history = jobs[0].member.history
            what = f"The weights of epoch {history.best_iteration or history.n_iter} were kept."
        else:
            what = f"{len(kept)} of {len(jobs)} networks were kept, as far as they had come."
        warnings.warn(f"Training interrupted by user. {what}", stacklevel=stacklevel + 1)


def _later_share(member: Member) -> float:
    """What partial_fit after this fit takes of the largest rate: that would undo what was learnt.

    Where training was cut short, the rate had not come down.
    """
    schedule, history = member.recipe.learning_rate, member.history
    if schedule == "adaptive" and history.learning_rate_curve:
        return history.learning_rate_curve[-1] / member.recipe.learning_rate_init
    cut = history.stop_reason in ("interrupted", "callback")
    return _LATER_SHARE if schedule in _FALLING and not cut else 1.0


def _one_epoch(recipe: Recipe, rate_share: float) -> Recipe:
    """The recipe of a call of partial_fit.

    A schedule over all steps makes no sense where nobody knows how many there will be.
    """
    if recipe.learning_rate not in (*_FALLING, "adaptive"):
        return replace(recipe, max_iter=1)
    rate = recipe.learning_rate_init * rate_share
    return replace(recipe, max_iter=1, learning_rate="constant", learning_rate_init=rate)
