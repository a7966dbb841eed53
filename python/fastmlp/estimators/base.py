"""What Regressor and Classifier share: `fit`, attributes, and methods of a fitted model."""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from fastmlp._threads import n_threads
from fastmlp.checkpoints import Checkpoint
from fastmlp.ensemble.evaluation import EvalSet
from fastmlp.ensemble.executor import LocalThreads
from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.ensemble.progress import Callback, Progress
from fastmlp.ensemble.settings import Settings, is_auto
from fastmlp.ensemble.splits import FEWEST_ROWS, Split
from fastmlp.ensemble.training_run import TrainingRun
from fastmlp.estimators.common_attributes import CommonAttributes
from fastmlp.estimators.conformal_calibration import ConformalCalibration
from fastmlp.estimators.explanations import Explanations
from fastmlp.estimators.fit_arguments import FitArguments
from fastmlp.estimators.initial_model import initial_model
from fastmlp.estimators.parameters import CONSTRAINTS, checked_settings
from fastmlp.estimators.private_fit import fit_privately
from fastmlp.estimators.sklearn_conventions import SklearnConventions
from fastmlp.estimators.smaller_models import SmallerModels
from fastmlp.estimators.table_fit import fit_table
from fastmlp.estimators.unknown_names import (
    explains_keywords,
)
from fastmlp.inspection.summary import summarise
from fastmlp.model_file.draft import Draft
from fastmlp.model_file.envelope import Contents
from fastmlp.model_file.fitted_model import read_fitted_model, written_fitted_model
from fastmlp.prediction.pipeline import Pipeline
from fastmlp.privacy import Privacy
from fastmlp.streaming.sources.recognition import DEFAULT_MEMORY, check_in_memory, is_stream
from fastmlp.table.feature_names import feature_names_of
from fastmlp.table.sparse import is_sparse
from fastmlp.tasks import Task

if TYPE_CHECKING:
    from typing import Self

    from fastmlp.streaming.cache_folder import Cache


class BaseMLP(
    SklearnConventions,
    CommonAttributes,
    SmallerModels,
    ConformalCalibration,
    Explanations,
    metaclass=ABCMeta,
):
    """Base of Regressor and Classifier."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = CONSTRAINTS
    _model: FittedModel
    loss: Any
    init_model: Any

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
    def _continued_task(self, task: Task, classes: Any = None, order: Any = None) -> Task:
        """The task of a fitted model with this call's loss and other parameters.

        `order` are the categories of this call's y if these are in order.
        """

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
        eval_set: Any = None,
        groups: Any = None,
        time: Any = None,
        cv: Any = None,
        callbacks: Callback | Sequence[Callback] | None = None,
        cache: str | PathLike[str] | Cache | None = None,
        max_memory: int | str = DEFAULT_MEMORY,
        checkpoint: str | PathLike[str] | Checkpoint | None = None,
        dp: tuple[float, float] | Privacy | None = None,
    ) -> Self:
        """Train on a table.

        After any exception, also of a callback, the estimator is as it was before.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features), or a stream
            A raw table: columns of numbers, dates, durations, text, categories and booleans, any of
            them with missing values (None, NaN, NaT, NA). Dates become elapsed time and the phases
            of year, week and day. Arrays of float32, float64 and integers are read in place. Or
            sparse rows of finite numbers: a SciPy matrix or array, or a pandas frame whose columns
            are all sparse. They are never made dense.

            Or a table that is read in blocks and need not fit in memory (docs/streaming.md): the
            path of a Parquet, CSV or Arrow file or of a folder of them, a pyarrow Dataset, a polars
            LazyFrame, a Dask DataFrame, or a function without arguments that returns an iterator of
            ``(X, y)`` or ``(X, y, weight)``. Needs the extra "stream".
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True values, or class labels. Several columns of zeros and ones are labels that a row
            has or has not; several columns of other labels are one classification each. With
            several outputs a row may lack some of them (NaN or None), but not all; columns of zeros
            and ones must be complete. If X is a stream, the name of a column or a list of names;
            None if X is a function.
        sample_weight : array-like of shape (n_samples,) or str, default=None
            Weights of the rows. If X is a stream, the name of a column.
        X_val, y_val : like X and y, default=None
            Validation rows for all networks. Without them `early_stopping` holds out some of the
            rows of X. In a Pipeline, X_val passes through the earlier steps only with
            scikit-learn's ``Pipeline(..., transform_input=["X_val"])`` and metadata routing. Must
            be None if X is a stream.
        sample_weight_val : array-like of shape (n_val_samples,), default=None
            Weights of the validation rows.
        groups : array-like of shape (n_samples,) or (n_samples, 1), or str, default=None
            Labels of groups of rows that belong together, such as the patient of each visit, or the
            name of a column of X, which stays an input. No group is in both the training rows and
            the validation rows of a network, so out-of-fold predictions are as good as those for
            new groups. docs/validation.md says when to use this and the next two.
        time : array-like of shape (n_samples,) or (n_samples, 1), or str, default=None
            Times of the rows, as dates or numbers, or the name of a column of X. Later rows
            validate networks that are trained on earlier ones, to find the number of epochs; the
            networks of the model are then trained on all rows.
        cv : splitter or iterable of (train, test), default=None
            A splitter of scikit-learn, which gets `groups`, or pairs of arrays of row numbers: the
            networks use these splits in turn. If splits leave rows out, as those of TimeSeriesSplit
            do, networks are validated on the splits, and the networks of the model are then trained
            on all rows.
        eval_set : list of (X, y), (name, X, y) or (name, X, y, sample_weight), default=None
            Further rows, whose loss and metrics (see `eval_metric`) are recorded after each epoch
            in `evals_result_`. They do not influence training. Sets without a name are called
            "valid_0", "valid_1" and so on. In a Pipeline they do not pass through the earlier
            steps: pass what ``pipeline[:-1].transform(X)`` returns once these are fitted. They are
            tables in memory, also if X is a stream.
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
            File in which the state of the fit is saved. If the process is killed, the same call
            continues from there and ends with the same model, bit for bit. The file is removed when
            the fit has ended, and stays after Ctrl-C and exceptions. See `fastmlp.Checkpoint`.
        dp : (epsilon, delta), Privacy or None, default=None
            Train with (epsilon, delta)-differential privacy: the model reveals almost nothing about
            any single row. Columns must be numbers about as large as 1, and classes 0 and 1; a
            schema in `fastmlp.Privacy` lifts both limits. One small network is trained, without
            validation rows. `privacy_` holds the guarantee. Needs the extra "privacy".

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ValueError
            If a parameter, X or y is invalid, training diverged, or the checkpoint is of another
            fit.
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
        given = FitArguments(
            X=X,
            y=y,
            sample_weight=sample_weight,
            X_val=X_val,
            y_val=y_val,
            sample_weight_val=sample_weight_val,
            eval_set=eval_set,
            groups=groups,
            time=time,
            cv=cv,
            callbacks=callbacks,
            cache=cache,
            max_memory=max_memory,
            checkpoint=checkpoint,
            dp=dp,
        )
        if dp is not None:
            self._model = fit_privately(self, given)
        elif is_stream(X):
            # pyarrow and others, which tables in memory do not need
            from fastmlp.estimators.streamed_fit import fit_stream

            self._model = fit_stream(self, given)
        else:
            check_in_memory(X, cache, max_memory)
            self._model = fit_table(self, given, LocalThreads(n_threads(self.n_jobs)))
        return self

    # ---- the steps of fitting

    def _settings(self, X: Any, before: FittedModel | None) -> Settings:
        """The parameters, checked, for a table like X or the one that a fitted model knows."""
        if before is None:
            return checked_settings(self, sparse=is_sparse(X))
        settings = checked_settings(self, sparse=before.encoder.is_sparse)
        if is_auto(settings.n_estimators):
            settings = replace(settings, n_estimators=before.n_estimators)
        return settings

    def _trained_before(self, goes_on: bool) -> FittedModel | None:
        """The fitted model that training begins with, if there is one.

        Parameters
        ----------
        goes_on : bool
            Whether that is this estimator's own, if it is fitted.
        """
        if self.init_model is self:
            raise ValueError(
                "init_model must be another estimator; got this one itself. warm_start=True "
                "continues the training of its own networks"
            )
        if goes_on and self._is_fitted:
            return self._model
        if self.init_model is None:
            return None
        return initial_model(self.init_model, classifies=self._classifies)

    def _check_held_out(self, splits: Sequence[Split], eval_sets: Sequence[EvalSet] = ()) -> None:
        """Raise if a parameter needs validation rows and there are none."""
        if splits[0].validation is None:
            for name in self._needs_held_out():
                if name == "eval_metric" and eval_sets:
                    continue
                raise ValueError(
                    f"{name} needs validation rows: X_val and y_val, or early_stopping=True and "
                    f"at least {FEWEST_ROWS} rows, with positive weights among those to train on "
                    "and among those to validate on"
                )

    def _progress(
        self, runs: Sequence[TrainingRun], task: Task, callbacks: Sequence[Callback]
    ) -> Progress:
        """The object that shows the progress of training and calls the callbacks."""
        epochs = [run.options["max_iter"] for run in runs]
        return Progress(self.verbose, epochs, callbacks, task.shown_error)

    # ---- the fitted model

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
            Must not exist. It appears when all rows are predicted; after a failure there is none.
        keep : str or sequence of str, default=()
            Columns of X to write beside the predictions: names, or a single one.
        max_memory : int or str, default="1GB"
            Bytes for rows in memory, as a whole number or as text such as "500MB".

        Returns
        -------
        int
            Number of rows, which are in the order of X. What `predict` returns is in the column
            "prediction", or for several outputs in "prediction_" and the output's name (see
            `output_names_`) or number. What `predict_proba` returns is in "probability_" and the
            class or the label's name; for several columns of labels, in "probability_", the
            column's name (its number, where two names would be the same) and the class.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        FileExistsError
            If the folder exists.
        ValueError, TypeError
            If X does not have the columns of the training table, or is not a stream.
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
