"""What Regressor and Classifier share: `fit` and `partial_fit` as one story, and attributes."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from contextlib import nullcontext
from copy import deepcopy
from functools import cache, partial
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from fastmlp._threads import n_threads
from fastmlp._user_warnings import warn
from fastmlp.checkpoints import Checkpoint
from fastmlp.checkpoints.identity import FitIdentity, digest_of_names, digests_of
from fastmlp.checkpoints.kept_fit import KeptFit
from fastmlp.ensemble.deadline import Deadline
from fastmlp.ensemble.executor import Executor, LocalThreads
from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.ensemble.held_out import learn_from_held_out, warn_of_late_interruption
from fastmlp.ensemble.linear_part import with_linear_part
from fastmlp.ensemble.longer import longer_runs
from fastmlp.ensemble.member import Member, continued_members
from fastmlp.ensemble.new_networks import NewNetworks
from fastmlp.ensemble.progress import Callback, Progress
from fastmlp.ensemble.settings import Settings
from fastmlp.ensemble.splits import (
    FEWEST_ROWS,
    RowAssignment,
    RowSubset,
    Split,
    fingerprint,
    split_rows,
)
from fastmlp.ensemble.state_keeper import StateKeeper
from fastmlp.ensemble.training import EnsembleTrainer, Training
from fastmlp.ensemble.training_run import TrainingRun, runs_of_fit, runs_of_partial_fit
from fastmlp.ensemble.weighted_ensemble import WeightedEnsemble, weights_of_rest
from fastmlp.estimators.arguments import (
    ADVICE_ON_PIPELINES,
    check_no_dates_or_gaps,
    checked_targets,
    checked_validation_targets,
    checked_weights,
    encoded_validation_table,
    ordered_categories,
    weights_by_class,
)
from fastmlp.estimators.conformal_calibration import ConformalCalibration
from fastmlp.estimators.fitted_attribute import FittedAttribute
from fastmlp.estimators.parameters import CONSTRAINTS, checked_callbacks, checked_settings
from fastmlp.estimators.pickling import FittedModelState, FunctionParameter
from fastmlp.estimators.private_fit import fit_privately
from fastmlp.estimators.smaller_models import SmallerModels
from fastmlp.estimators.unknown_names import (
    check_parameter_names,
    explains_keywords,
    missing_attribute,
)
from fastmlp.inspection.importances import importances_of
from fastmlp.inspection.summary import summarise
from fastmlp.model_file.draft import Draft
from fastmlp.model_file.envelope import Contents
from fastmlp.model_file.fitted_model import read_fitted_model, written_fitted_model
from fastmlp.prediction.pipeline import Pipeline
from fastmlp.privacy import Privacy
from fastmlp.streaming.sources.recognition import DEFAULT_MEMORY, check_in_memory, is_stream
from fastmlp.table.encoder import TableEncoder
from fastmlp.table.feature_names import feature_names_of
from fastmlp.table.rows import Table
from fastmlp.table.scaling import Scaling
from fastmlp.table.sparse import is_sparse
from fastmlp.table.sparse_encoder import Encoder, SparseEncoder
from fastmlp.table.training_range import RangeWatch, TrainingRange
from fastmlp.tasks import Task

if TYPE_CHECKING:
    from typing import Self

    from fastmlp.streaming.cache_folder import Cache

_FUNCTIONS = ("callbacks", "eval_metric", "loss")  # parameters that may hold what cannot be pickled


class BaseMLP(SmallerModels, ConformalCalibration, metaclass=ABCMeta):
    """Base of Regressor and Classifier."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS
    _model: FittedModel
    loss: Any

    networks_ = FittedAttribute(lambda model: [deepcopy(one.network) for one in model.members])
    estimator_weights_ = FittedAttribute(lambda model: model.ensemble.weights)
    histories_ = FittedAttribute(lambda model: deepcopy(model.histories))
    coefs_ = FittedAttribute(lambda model: _dense_parameters(model, "weights"))
    intercepts_ = FittedAttribute(lambda model: _dense_parameters(model, "bias"))
    n_iter_ = FittedAttribute(lambda model: model.n_iter)
    best_iteration_ = FittedAttribute(lambda model: model.best_iteration, may_be_none=True)
    loss_curve_ = FittedAttribute(lambda model: model.loss_curve)
    validation_curve_ = FittedAttribute(lambda model: model.validation_curve, may_be_none=True)
    metric_curve_ = FittedAttribute(lambda model: model.metric_curve, may_be_none=True)
    learning_rate_curve_ = FittedAttribute(lambda model: model.learning_rate_curve)
    loss_ = FittedAttribute(lambda model: model.last_loss)
    best_loss_ = FittedAttribute(lambda model: model.best_loss)
    stop_reason_ = FittedAttribute(lambda model: model.stop_reason)
    fit_seconds_ = FittedAttribute(lambda model: model.fit_seconds)
    feature_importances_ = FittedAttribute(
        lambda model: model.feature_importances, "set compute_importances=True before `fit`"
    )
    privacy_ = FittedAttribute(lambda model: model.privacy, may_be_none=True)
    t_ = FittedAttribute(lambda model: model.samples_seen)
    n_features_in_ = FittedAttribute(lambda model: model.encoder.n_columns)
    feature_names_in_ = FittedAttribute(
        lambda model: model.encoder.feature_names, "X had no column names that are all strings"
    )
    n_layers_ = FittedAttribute(lambda model: model.n_layers)
    n_outputs_ = FittedAttribute(lambda model: model.task.n_outputs)
    out_activation_ = FittedAttribute(lambda model: model.task.link.name)

    # ---- what a subclass says about its targets

    _classifies: ClassVar[bool]

    @abstractmethod
    def _new_task(
        self, y: NDArray[Any], settings: Settings, classes: Any = None, order: Any = None
    ) -> tuple[Task, NDArray[Any]]:
        """Learn from y what the targets are; returns the task and y's targets.

        `order` are the categories of y if these are in order.
        """

    @abstractmethod
    def _continued_task(self, task: Task, classes: Any = None) -> Task:
        """The task of a fitted model with this call's loss and other parameters."""

    def _needs_held_out(self) -> list[str]:
        """Parameters in use that do nothing without validation rows."""
        metric = [] if self.eval_metric is None else ["eval_metric"]
        return metric + ["compute_importances"] * bool(self.compute_importances)

    # ---- fitting

    @explains_keywords
    def fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: Any = None,
        callbacks: Callback | Sequence[Callback] | None = None,
        cache: str | PathLike[str] | Cache | None = None,
        max_memory: int | str = DEFAULT_MEMORY,
        checkpoint: str | PathLike[str] | Checkpoint | None = None,
        dp: tuple[float, float] | Privacy | None = None,
    ) -> Self:
        """Train on a table.

        After any exception, those of callbacks included, the estimator is as it was before.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features), or a stream
            A raw table: columns of numbers, dates, durations, text, categories and booleans, any of
            them with missing values (None, NaN, NaT, NA). Dates become the time that has passed and
            the phases of year, week and day. Arrays of float32, float64 and integers are read in
            place. Or sparse rows of finite numbers: a SciPy matrix or array, or a pandas frame
            whose columns are all sparse. They are never made dense.

            Or a table that is read in blocks and need not fit in memory (docs/streaming.md): the
            path of a Parquet, CSV or Arrow file or of a folder of them, a pyarrow Dataset, a polars
            LazyFrame, a Dask DataFrame, or a function without arguments that returns an iterator of
            ``(X, y)`` or ``(X, y, weight)``. Needs the extra "stream".
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True values, or class labels. With several outputs of a Regressor some may be missing
            (NaN): a row counts for those that it has, of which there must be one. If X is a stream,
            the name of a column or a list of names; None if X is a function.
        sample_weight : array-like of shape (n_samples,) or str, default=None
            Weights of the rows. If X is a stream, the name of a column.
        X_val, y_val : like X and y, default=None
            Validation rows for all networks. Without them `early_stopping` holds out some of the
            rows of X. In a Pipeline, X_val passes through the earlier steps only with
            scikit-learn's ``Pipeline(..., transform_input=["X_val"])`` and metadata routing. Must
            be None if X is a stream.
        sample_weight_val : array-like of shape (n_val_samples,), default=None
            Weights of the validation rows.
        callbacks : callable, sequence of callables or None, default=None
            Called in this fit only, after those of the parameter `callbacks`. The model does not
            keep them.
        cache : path-like, Cache or None, default=None
            If X is a stream, the folder that keeps its encoded rows on disk for later fits. They
            are read again if the files of X have not changed, and `y`, `sample_weight` and
            `categorical_features` are the same. None: a temporary folder, which is removed.
        max_memory : int or str, default="1GB"
            If X is a stream, bytes for its rows in memory, as a whole number or as text such as
            "500MB".
        checkpoint : str, PathLike, Checkpoint or None, default=None
            File to keep the fit in while it goes on. If the process is killed, the same call goes
            on from there and ends with the same model, bit for bit. The file is removed when the
            fit has ended, and stays after Ctrl-C and exceptions. See `fastmlp.Checkpoint`.
        dp : (epsilon, delta), Privacy or None, default=None
            Train with (epsilon, delta)-differential privacy: the model tells next to nothing of any
            single row. Nothing is learnt of the columns but by noised gradients: they must be
            numbers about as large as 1, and classes 0 and 1, or a `fastmlp.Privacy` has a schema.
            One network of a smaller recipe is trained, without validation rows. `privacy_` says
            what was promised. Takes ``pip install "fastmlp[privacy]"``.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter, X or y is not what it should be, training diverged, or the checkpoint is
            of another fit.
        ModelFileError
            If the file of the checkpoint is something else, or damaged.
        TypeError
            If X holds nested values, y holds dates, or a parameter is of the wrong type.
        ImportError
            If X is a stream and a library of the extra "stream" is not installed, or `dp` is given
            and ``dp-accounting`` is not.
        OSError
            If a stream cannot be read, the disk has not enough space for its rows, or the
            checkpoint cannot be written when training begins.
        MemoryError
            If there is not enough memory for the networks.
        """
        if dp is not None:
            others = {
                "X_val": X_val,
                "y_val": y_val,
                "sample_weight_val": sample_weight_val,
                "cache": cache,
                "checkpoint": checkpoint,
            }
            self._model = fit_privately(self, X, y, sample_weight, dp, callbacks, others)
            return self
        if is_stream(X):
            self._model = self._fit_stream(
                X,
                y,
                sample_weight,
                (X_val, y_val, sample_weight_val),
                callbacks,
                cache,
                max_memory,
                checkpoint,
            )
            return self
        check_in_memory(X, cache, max_memory)
        executor = LocalThreads(n_threads(self.n_jobs))
        self._fit(
            X, y, sample_weight, X_val, y_val, sample_weight_val, callbacks, executor, checkpoint
        )
        return self

    def _fit(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        X_val: Any,
        y_val: Any,
        sample_weight_val: Any,
        callbacks: Callback | Sequence[Callback] | None,
        executor: Executor,
        checkpoint: str | PathLike[str] | Checkpoint | None = None,
    ) -> None:
        """Train on a table in memory, with networks trained by the executor."""
        settings, threads = self._settings(X, self.warm_start), n_threads(self.n_jobs)
        deadline = Deadline.after(settings.time_limit)
        called = [*checked_callbacks(self.callbacks), *checked_callbacks(callbacks)]
        before = self._trained_before(settings) if self.warm_start else None
        encoder, task, data = self._encode(X, y, sample_weight, settings, before, minimum=2)
        shared = self._validation_rows(X_val, y_val, sample_weight_val, settings, encoder, task)
        watch = _watch(before, encoder, data)
        linear, data, is_honest = with_linear_part(settings, before, watch, task, data)
        if linear is not None and shared is not None:
            table, offset, _ = linear.split(shared.X, watch.training_range)
            shared = shared._replace(X=table, offset=offset)
        elif shared is not None and isinstance(encoder, TableEncoder):
            watch.warn_of_validation(shared.X, encoder, ADVICE_ON_PIPELINES)
        kept = self._kept_fit(checkpoint, before, encoder, data, shared)
        deadline = deadline.after_spending(kept.seconds_before if kept else 0.0)
        assignment, random_state = self._assignment(settings, before, data.n_rows, kept)
        splits = split_rows(
            data,
            task.strata(data.y),
            shared,
            settings.held_out_fraction,
            assignment.n_estimators,
            random_state,
        )
        self._check_held_out(splits)
        # Rows that are held out now must have been held out in earlier fits too.
        digest = fingerprint(data, splits) if self.warm_start else None
        never_trained_on = before is None or (digest == before.fingerprint and is_honest)

        longer = None
        if before is None:
            new, task = _new_networks(data, splits, settings, encoder, task, random_state, kept)
            scaling = new.scaling
            held_out = splits[0].validation is not None
            specs = settings.specs(len(splits), data.n_rows, held_out=held_out)
            runs = new.runs(specs)
            if settings.adapts(specs):
                longer = partial(longer_runs, new)
        else:
            scaling, task, members = _go_on(data, settings, before, task)
            splits = [splits[member.recipe.spec.index] for member in members]
            runs = runs_of_fit(
                members,
                range(len(members)),
                splits,
                data,
                settings=settings,
                task=task,
                random_state=random_state,
            )
        # Each row is predicted once when networks are weighed, and once for each shuffled column.
        passes = 1 + (encoder.n_columns if settings.compute_importances else 0)
        progress = self._progress(runs, task, called)
        trainer = EnsembleTrainer(scaling, executor, progress, deadline, passes)
        with kept or nullcontext():
            training = trainer.train(runs, longer, may_leave_out=before is None)
        is_whole = training.is_whole
        members = [member.after_fit() for member in training.members]
        validation = [splits[run.index].validation for run in training.runs]

        ensemble = WeightedEnsemble(members, scaling, task.link, _weights_before(before, training))
        out_of_fold, conformal, out_of_fold_std, importances = None, None, None, None
        if never_trained_on or shared is not None:
            try:
                ensemble, task, out_of_fold, conformal, out_of_fold_std = learn_from_held_out(
                    ensemble, task, data, validation, shared, threads
                )
                if settings.compute_importances and isinstance(encoder, TableEncoder):
                    importances = importances_of(
                        ensemble, encoder, task, validation, linear, threads, self.verbose, deadline
                    )
            except KeyboardInterrupt:  # what is trained is kept
                is_whole = False
                warn_of_late_interruption(out_of_fold is None)
        elif settings.compute_importances:
            warn(
                "feature_importances_ were not computed: this warm start holds out rows that "
                "earlier fits may have trained on. Pass X_val, or fit with warm_start=False"
            )
        self._model = FittedModel(
            encoder=encoder,
            scaling=scaling,
            task=task,
            ensemble=ensemble,
            linear=linear,
            watch=watch,
            standardize=settings.of("standardize"),
            # Rows may be assigned to more networks than there are: see `with_fewer_networks`.
            n_estimators=assignment.n_estimators if before is None else before.n_estimators,
            assignment=assignment,
            fingerprint=digest if never_trained_on else None,
            fit_seconds=training.seconds + (kept.seconds_before if kept else 0.0),
            out_of_fold=out_of_fold,
            out_of_fold_std=out_of_fold_std,
            feature_importances=importances,
            conformal=conformal,
        )
        if kept and is_whole:
            kept.remove()

    def _partial_fit(self, X: Any, y: Any, sample_weight: Any, classes: Any = None) -> None:
        """One epoch over the given rows; see the subclasses."""
        settings = self._settings(X, True)
        deadline = Deadline.after(settings.time_limit)
        before = self._trained_before(settings)
        encoder, task, data = self._encode(
            X, y, sample_weight, settings, before, minimum=1, classes=classes
        )
        watch = _watch(before, encoder, data)
        linear, data, _ = with_linear_part(
            settings, before, watch, task, data, may_be_the_same_rows=False
        )
        if before is None:
            random_state = check_random_state(self.random_state)
            splits = [Split(None, None)] * settings.n_networks(data.n_rows)
            new, task = _new_networks(data, splits, settings, encoder, task, random_state)
            scaling = new.scaling
            members = new.members(settings.specs(len(splits), data.n_rows, held_out=False))
            _warn_of_constants(encoder)
        else:
            scaling, task, members = _go_on(data, settings, before, task)
        runs = runs_of_partial_fit(members, data, settings=settings, task=task)
        called = checked_callbacks(self.callbacks)
        progress = self._progress(runs, task, called)
        executor = LocalThreads(n_threads(self.n_jobs))
        trainer = EnsembleTrainer(scaling, executor, progress, deadline)
        training = trainer.train(runs, may_leave_out=False)
        self._model = FittedModel(
            encoder=encoder,
            scaling=scaling,
            task=task,
            ensemble=WeightedEnsemble(
                training.members, scaling, task.link, _weights_before(before, training)
            ),
            linear=linear,
            watch=watch,
            standardize=settings.of("standardize"),
            n_estimators=len(members) if before is None else before.n_estimators,
            assignment=None if before is None else before.assignment,
            fingerprint=None,  # all rows were trained on
            fit_seconds=training.seconds,
        )

    def _fit_stream(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        validation: tuple[Any, Any, Any],
        callbacks: Callback | Sequence[Callback] | None,
        cache: str | PathLike[str] | Cache | None,
        max_memory: int | str,
        checkpoint: str | PathLike[str] | Checkpoint | None,
    ) -> FittedModel:
        # pyarrow and others, which tables in memory do not need
        from fastmlp.estimators.streamed_fit import fit_stream

        if any(given is not None for given in validation):
            raise ValueError(
                "X_val, y_val and sample_weight_val must be None if X is a stream: "
                "early_stopping=True holds out rows"
            )
        called = [*checked_callbacks(self.callbacks), *checked_callbacks(callbacks)]
        return fit_stream(
            self,
            X,
            y,
            sample_weight,
            called,
            cache=cache,
            max_memory=max_memory,
            checkpoint=checkpoint,
        )

    # ---- the steps of fitting

    def _settings(self, X: Any, goes_on: bool) -> Settings:
        """The parameters, checked, for a table like X or the one that a fitted model knows."""
        continues = goes_on and self._is_fitted
        sparse = self._model.encoder.is_sparse if continues else is_sparse(X)
        return checked_settings(self, sparse=sparse)

    def _trained_before(self, settings: Settings) -> FittedModel | None:
        """The fitted model that training goes on with, if there is one."""
        if not self._is_fitted:
            return None
        self._model.check_continues(settings)
        return self._model

    def _encode(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        settings: Settings,
        before: FittedModel | None,
        *,
        minimum: int,
        classes: Any = None,
    ) -> tuple[Encoder, Task, RowSubset]:
        """Encode X and y. Encoder and task are learnt first, unless training goes on."""
        if y is None:
            raise ValueError(
                f"This {type(self).__name__} estimator requires y to be passed, but the target y "
                "is None."
            )
        check_no_dates_or_gaps(y, "y", takes_gaps=True)
        if before is None:
            # Parts to come may have entries in columns that are empty in the first part.
            encoder, table = self._learn_columns(X, settings, drops_empty=minimum > 1)
            order = ordered_categories(y)
            y = checked_targets(y, table, minimum, self, takes_gaps=True)
            task, targets = self._new_task(y, settings, classes, order)
        else:
            encoder = before.encoder
            encoder.check_listed(self.categorical_features)
            encoder.check_features(X, type(self).__name__)
            table = encoder.encode(X)
            y = checked_targets(y, table, minimum, self, takes_gaps=True)
            task = self._continued_task(before.task, classes)
            targets = task.encode(y, np.dtype(settings.dtype))
        dtype = np.dtype(settings.dtype)
        weights = checked_weights(sample_weight, table, dtype)
        task = task.balanced_by(y, weights)
        weights = weights_by_class(task, y, weights, dtype)
        scales = before is None and settings.of("standardize")
        if scales and isinstance(encoder, SparseEncoder):
            encoder, table = encoder.scaled_to(table, weights)
        return encoder, task, RowSubset(table, targets, weights)

    def _learn_columns(
        self, X: Any, settings: Settings, *, drops_empty: bool
    ) -> tuple[Encoder, Table]:
        """Learn the columns of X, and encode its rows."""
        if not settings.sparse:
            return TableEncoder.learn(X, self.categorical_features)
        dtype = np.dtype(settings.dtype)
        return SparseEncoder.learn(X, self.categorical_features, dtype, drops_empty=drops_empty)

    def _validation_rows(
        self,
        X_val: Any,
        y_val: Any,
        sample_weight_val: Any,
        settings: Settings,
        encoder: Encoder,
        task: Task,
    ) -> RowSubset | None:
        """Encode X_val and y_val; None if `fit` got none."""
        if (X_val is None) != (y_val is None):
            raise ValueError("X_val and y_val must be given together")
        if X_val is None and sample_weight_val is not None:
            raise ValueError("sample_weight_val was given without X_val and y_val")
        if X_val is None:
            return None
        y = checked_validation_targets(y_val, takes_gaps=True)
        dtype = np.dtype(settings.dtype)
        table = encoded_validation_table(X_val, y, encoder, type(self).__name__)
        targets = task.encode(y, dtype, "y_val")
        name = "sample_weight_val"
        weights = checked_weights(sample_weight_val, table, dtype, name)
        weights = weights_by_class(task, y, weights, dtype, name)
        return RowSubset(table, targets, weights)

    def _kept_fit(
        self,
        checkpoint: str | PathLike[str] | Checkpoint | None,
        before: FittedModel | None,
        encoder: Encoder,
        data: RowSubset,
        shared: RowSubset | None,
    ) -> KeptFit | None:
        """The fit that a checkpoint keeps, to begin or to go on with."""
        if checkpoint is None:
            return None
        if before is not None:
            raise ValueError(
                "checkpoint must be None if a warm start goes on with a fitted model, which the "
                "file does not hold"
            )
        digests = digests_of(data) | digest_of_names(encoder) | digests_of(shared, "_val")
        return KeptFit.of(checkpoint, FitIdentity.of(self, digests))

    def _assignment(
        self,
        settings: Settings,
        before: FittedModel | None,
        n_rows: int,
        kept: KeptFit | None = None,
    ) -> tuple[RowAssignment, np.random.RandomState]:
        """How rows are assigned to networks: as before, if training goes on."""
        if before is None:
            n_networks = settings.n_networks(n_rows)
            if kept is None:
                return RowAssignment.new(n_networks, self.random_state)
            return kept.assignment(n_networks, self.random_state)
        if before.assignment is None:  # after partial_fit alone
            return RowAssignment.new(before.n_estimators, self.random_state)
        return before.assignment, before.assignment.generator()

    def _check_held_out(self, splits: Sequence[Split]) -> None:
        """Raise if a parameter needs validation rows and there are none."""
        if splits[0].validation is None:
            for name in self._needs_held_out():
                raise ValueError(
                    f"{name} needs validation rows: X_val and y_val, or early_stopping=True and "
                    f"at least {FEWEST_ROWS} rows, some of weight in each of both parts"
                )

    def _progress(
        self, runs: Sequence[TrainingRun], task: Task, callbacks: Sequence[Callback]
    ) -> Progress:
        """What shows how training goes, and asks the callbacks."""
        epochs = [run.options["max_iter"] for run in runs]
        return Progress(self.verbose, epochs, callbacks, task.shown_error)

    # ---- the fitted model

    @property
    def _is_fitted(self) -> bool:
        return "_model" in self.__dict__

    @property
    def _fitted(self) -> FittedModel:
        """The fitted model; an error before `fit`."""
        if not self._is_fitted:  # asked first: scikit-learn's check takes 4 us of a prediction
            check_is_fitted(self)
        return self._model

    @property
    def _pipeline(self) -> Pipeline:
        return self._fitted.pipeline.counted

    def _written(self, draft: Draft, include_optimizer: bool) -> dict[str, Any]:
        return written_fitted_model(self._fitted, draft, include_optimizer=include_optimizer)

    def _outputs_of(self, rows: Any) -> NDArray[np.float64]:
        model = self._fitted
        if feature_names_of(rows) is None:
            model = model.nameless
        return model.predict(rows, n_threads(self.n_jobs), estimator=type(self).__name__)

    def _predictions(self, X: Any) -> NDArray[np.float64]:
        """Numbers, or calibrated probabilities, for the rows of a raw table."""
        return self._predictions_with_std(X)[0]

    def _predictions_with_std(
        self, X: Any
    ) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """The same, and the standard deviations of numbers, if these were learnt."""
        return self._fitted.predict_with_std(
            X, n_threads(self.n_jobs), estimator=type(self).__name__, verbose=self.verbose
        )

    def _read(self, contents: Contents) -> None:
        self._model = read_fitted_model(contents)

    def predict_dataset(
        self,
        X: Any,
        folder: str | PathLike[str],
        *,
        keep: str | Sequence[str] = (),
        max_memory: int | str = DEFAULT_MEMORY,
    ) -> int:
        """Predict a table that is read in blocks, and write the predictions as Parquet files.

        Needs the extra "stream": ``pip install 'fastmlp[stream]'``.

        Parameters
        ----------
        X : stream
            As for `fit`. Columns that the model does not know are left out; a function yields
            tables, with or without targets.
        folder : path-like
            Must not exist. It appears when all rows are predicted; before, and after a failure,
            there is none.
        keep : str or sequence of str, default=()
            Columns of X to write beside the predictions: names, or a single one.
        max_memory : int or str, default="1GB"
            Bytes for rows in memory, as a whole number or as text such as "500MB".

        Returns
        -------
        int
            Number of rows, which are in the order of X. The column "prediction" holds what
            `predict` returns; of several outputs each has its number, or quantile, behind the name.
            Of classes "probability_" and the class hold what `predict_proba` returns.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        FileExistsError
            If the folder exists.
        ValueError, TypeError
            If X does not have the columns of the training table, or is no stream.
        """
        self._fitted  # noqa: B018  an error before `fit`
        from fastmlp.estimators.streamed_predictions import predict_stream

        return predict_stream(self, X, folder, keep=keep, max_memory=max_memory)

    def summary(self) -> str:
        """Describe what was fitted: columns and how each is treated, layers, training.

        Returns
        -------
        str
            Lines to print.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        """
        return summarise(type(self).__name__, self._fitted)

    def set_params(self, **params: Any) -> Self:
        """Set parameters.

        Parameters
        ----------
        **params : dict
            Parameters by name.

        Returns
        -------
        self
            The estimator.

        Raises
        ------
        ValueError
            If one of them does not exist; then none is set.
        """
        check_parameter_names(self, params)
        super().set_params(**params)
        return self

    if not TYPE_CHECKING:  # so that misspelt attributes are found

        def __getattr__(self, name: str) -> Any:
            if hasattr(type(self), name):  # it exists, and failed with an error of its own
                return object.__getattribute__(self, name)
            raise missing_attribute(self, name)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(super().__getstate__())
        for name in _FUNCTIONS:
            if state.get(name) is not None:
                state[name] = FunctionParameter(name, state[name])
        if self._is_fitted:
            state["_model"] = FittedModelState(self._model)
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(
            {
                name: value.value
                if isinstance(value, FunctionParameter | FittedModelState)
                else value
                for name, value in state.items()
            }
        )

    def __sklearn_is_fitted__(self) -> bool:
        return self._is_fitted

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        tags.input_tags.sparse = True
        return tags

    @classmethod
    @cache
    def _get_param_names(cls) -> list[str]:
        """Names of the parameters, read once: reading them takes a tenth of a small fit."""
        names: list[str] = super()._get_param_names()
        return names


def _new_networks(
    data: RowSubset,
    splits: Sequence[Split],
    settings: Settings,
    encoder: Encoder,
    task: Task,
    random_state: np.random.RandomState,
    keeper: StateKeeper | None = None,
) -> tuple[NewNetworks, Task]:
    """Learn the scaling of table and targets from the training rows, for new networks."""
    # A single network: its training rows. Several: all rows, because each holds out other ones.
    rows = splits[0].train if len(splits) == 1 else None
    scaling = settings.learn_scaling(data.X, encoder.n_numeric, rows, data.sample_weight)
    task = task.scaled_to(data.y, rows, data.sample_weight, data.offset)
    task = task.with_range_of(data.y, data.sample_weight)
    new = NewNetworks(data, splits, rows, settings, encoder, scaling, task, random_state, keeper)
    return new, task


def _watch(before: FittedModel | None, encoder: Encoder, data: RowSubset) -> RangeWatch:
    """The watch over the range of all training rows, if these are dense."""
    if isinstance(encoder, SparseEncoder):
        return RangeWatch(TrainingRange.of_no_rows(0))
    nothing = RangeWatch(TrainingRange.of_no_rows(encoder.n_numeric))
    return (nothing if before is None else before.watch).widened(data.X, data.sample_weight)


def _go_on(
    data: RowSubset, settings: Settings, before: FittedModel, task: Task
) -> tuple[Scaling, Task, list[Member]]:
    """Scaling, task and copies of the networks of a fitted model, to go on with."""
    task, task_before = task.going_on_with(data.y, data.sample_weight, data.offset), task
    members = continued_members(
        before.members, settings=settings, task=task, n_inputs=data.X.shape[1]
    )
    for member in members:
        task.restart_output(member.network, task_before, data.y, data.sample_weight, data.offset)
    return before.scaling.going_on_with(data.X, data.sample_weight), task, members


def _weights_before(before: FittedModel | None, training: Training) -> NDArray[np.float64] | None:
    """Weights that the networks had before this training; None if they are new."""
    if before is None:
        return None
    return weights_of_rest(before.ensemble.weights, [run.index for run in training.runs])


def _warn_of_constants(encoder: Encoder) -> None:
    """Warn of columns without two labels, or without a number, in the first rows of partial_fit.

    Numbers that do not vary are scaled by the first call in which they do.
    """
    if isinstance(encoder, SparseEncoder) or not encoder.n_flags:
        return
    names = [column.name for column in encoder.columns if column.kind == "constant"]
    if names:
        warn(
            f"{len(names)} columns, such as {names[0]!r}, are constant in the first call of "
            "partial_fit and are ignored in all later calls. Pass more varied rows first"
        )


def _dense_parameters(model: FittedModel, kind: str) -> list[NDArray[Any]]:
    """Read-only views of the parameters of the dense layers of a single network."""
    if len(model.members) > 1:
        raise AttributeError(
            f"coefs_ and intercepts_ exist for one network, and here are {len(model.members)}; "
            "networks_ holds them all, and n_estimators=1 fits one"
        )
    views = [values.view() for values in model.members[0].network.parameters_of(kind)]
    for view in views:
        view.flags.writeable = False  # predictors hold copies
    return views
