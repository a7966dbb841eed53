"""Regressor and Classifier on a Dask cluster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from inspect import signature
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

import numpy as np
from distributed import Client
from numpy.typing import NDArray

from fastmlp import estimators
from fastmlp._threads import check_n_jobs
from fastmlp.dask.clients import client_for
from fastmlp.dask.executor import DaskExecutor
from fastmlp.dask.fit_by_rows import fit_by_rows
from fastmlp.dask.fit_tables import arguments_in_memory, check_names
from fastmlp.dask.predictions import lazy_predictions
from fastmlp.dask.tables import in_memory, is_dask_table, is_large, without_rows
from fastmlp.ensemble.progress import Callback
from fastmlp.ensemble.settings import LARGEST
from fastmlp.estimators.base import BaseMLP
from fastmlp.estimators.fit_arguments import FitArguments
from fastmlp.estimators.table_fit import fit_table
from fastmlp.estimators.unknown_names import explains_keywords
from fastmlp.rounds.options import AveragingOptions
from fastmlp.tasks import MultioutputClassificationTask

if TYPE_CHECKING:
    from typing import Self

DISTRIBUTIONS = ("auto", "networks", "rows")

_Init = TypeVar("_Init", bound=Callable[..., None])


def _with_parameters_of(local: type) -> Callable[[_Init], _Init]:
    """Give a constructor the parameters of the local estimator too, where scikit-learn looks."""

    def decorated(init: _Init) -> _Init:
        others = signature(local.__init__).parameters.values()  # type: ignore[misc]
        own = [one for one in signature(init).parameters.values() if one.kind == one.KEYWORD_ONLY]
        joined = signature(init).replace(parameters=[*others, *own])
        init.__signature__ = joined  # type: ignore[attr-defined]
        return init

    return decorated


class _OnCluster(BaseMLP):
    """Fits by workers and lazy predictions, for both estimators."""

    _local: ClassVar[type[BaseMLP]]
    _own_client: Client | None = None

    @property
    def client(self) -> Client | None:
        """The client to use; None: the current one. It is not a parameter: copies and pickles have
        none.
        """
        return self._own_client

    @client.setter
    def client(self, client: Client | None) -> None:
        if not isinstance(client, Client | None):
            raise TypeError(
                "client must be a distributed.Client, such as Client('scheduler:8786'), or None; "
                f"got {client!r}"
            )
        self._own_client = client

    @explains_keywords
    def fit(  # type: ignore[override]
        self,
        X: Any,
        y: Any,
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
        distribute: Literal["auto", "networks", "rows"] = "auto",
        local_epochs: float = 1.0,
        outer_rate: float = 1.0,
        outer_momentum: float = 0.0,
    ) -> Self:
        """Train on a table, on the workers of a cluster.

        Parameters
        ----------
        X : Dask DataFrame or Array, or what the local estimator takes
            A raw table.
        y : Dask Series, DataFrame or Array, or what the local estimator takes
            True values, or class labels. A str names the column of a Dask DataFrame X that holds
            them.
        sample_weight : Dask Series or Array, or array-like of shape (n_samples,), default=None
            Weights of the rows; or, as y, the name of a column.
        X_val, y_val, sample_weight_val : like X, y and sample_weight, default=None
            Validation rows for all networks. With ``distribute="rows"`` there can be none.
        eval_set : list of (X, y), (name, X, y) or (name, X, y, sample_weight), default=None
            As for the local estimator. Sets may be Dask collections (y and weights may be names, as
            above), which must fit into the memory of each worker; None with ``distribute="rows"``.
        groups, time : Dask Series or Array, or what the local estimator takes, default=None
            Which rows validate which networks; None with ``distribute="rows"``.
        cv : splitter or iterable of (train, test), default=None
            As for the local estimator; None with ``distribute="rows"``.
        callbacks : callable, sequence of callables or None, default=None
            Called in this process when the record of an epoch arrives; with ``distribute="rows"``
            after each round. If one returns true, the worker ends the training of that network
            after the epoch in which it receives this.
        distribute : {"auto", "networks", "rows"}, default="auto"
            "networks": each network is a task, and every worker gets the whole encoded table, which
            this process encodes; the result is that of a local fit, bit for bit. "rows": every
            worker has a part of the rows and trains all networks on it, and their weights are
            averaged after each round; this process holds a sample of 2^18 rows. "auto": rows if X
            is a Dask collection that takes more than a quarter of the memory of a worker or of this
            process.
        local_epochs : float, default=1.0
            With ``distribute="rows"``, epochs of a round over a worker's rows. Fewer make the
            result more like that of one process, but send more bytes.
        outer_rate, outer_momentum : float, default=1.0 and 0.0
            Rate and Nesterov momentum of the step from the weights before a round towards the mean
            of those after it. 1 and 0 are plain averaging (FedAvg, [1]_); 0.7 and 0.9 are those of
            DiLoCo ([2]_), for rounds of hundreds of steps in long trainings.

        Returns
        -------
        self
            The fitted estimator.

        Raises
        ------
        ValueError, TypeError
            As the local estimator; errors of workers are raised too. With ``distribute="rows"``
            also for `warm_start`, `eval_metric`, `compute_importances`, `time_limit`,
            ``extrapolation="linear"`` and ``learning_rate="adaptive"``.
        RuntimeError
            If workers are lost and others cannot replace them.
        MemoryError
            If there is not enough memory for the networks.

        References
        ----------
        .. [1] McMahan et al. 2017, "Communication-efficient learning of deep networks from
           decentralized data", https://arxiv.org/abs/1602.05629
        .. [2] Douillard et al. 2023, "DiLoCo: distributed low-communication training of language
           models", https://arxiv.org/abs/2311.08105
        """
        averaging = AveragingOptions(local_epochs, outer_rate, outer_momentum)
        if distribute not in DISTRIBUTIONS:
            raise ValueError(f"distribute must be one of {DISTRIBUTIONS}; got {distribute!r}")
        check_n_jobs(self.n_jobs)
        most_threads = LARGEST if self.n_jobs is None or self.n_jobs < 0 else self.n_jobs
        check_names(X, y, sample_weight)
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
        )
        with client_for(self._own_client) as client:
            if distribute == "rows" or (distribute == "auto" and is_large(client, X)):
                self._model = fit_by_rows(self, client, given, averaging, most_threads)
            else:
                given = arguments_in_memory(client, given)
                self._model = fit_table(self, given, DaskExecutor(client, most_threads))
        return self

    def to_local(self) -> Any:
        """The estimator without Dask: a `fastmlp.Regressor` or `fastmlp.Classifier`.

        Returns
        -------
        Regressor or Classifier
            With the same parameters, and fitted if this one is. Both share the fitted model, which
            is immutable.

        Examples
        --------
        >>> from fastmlp.dask import Regressor
        >>> type(Regressor(max_iter=3).to_local())
        <class 'fastmlp.estimators.regressor.Regressor'>
        """
        parameters = self.get_params(deep=False)
        local = self._local(**{name: parameters[name] for name in self._local._get_param_names()})
        if self._is_fitted:
            local._model = self._model
        return local

    def _predicted(self, method: str, X: Any, outputs: NDArray[Any], names: Any = None) -> Any:
        """Lazy predictions for a Dask collection, which must have the columns of training."""
        self._fitted.encoder.check_features(without_rows(X), type(self).__name__)
        model = self.to_local()
        # A task has one of its worker's threads. Attributes that are not needed there may not be
        # picklable, or are as long as the training table.
        model.set_params(n_jobs=1, verbose=0, callbacks=None, eval_metric=None)
        unused = ("out_of_fold", "assignment", "fingerprint")
        model._model = replace(model._model, **dict.fromkeys(unused))
        return lazy_predictions(model, method, X, outputs, names)

    def _no_rows(self) -> NDArray[np.float64]:
        """Decoded outputs of a table without rows, of the right shape."""
        task = self._fitted.task
        return task.decode(np.ones((1, self._fitted.ensemble.n_outputs)))[:0]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Score predictions: R2 of a regressor, accuracy of a classifier.

        Parameters
        ----------
        X : Dask DataFrame or Array, or what the local estimator takes
        y : Dask Series, DataFrame or Array, or array-like
        sample_weight : Dask Series or Array, or array-like of shape (n_samples,), default=None

        Returns
        -------
        float
            Workers predict; predictions, y and weights are gathered by this process.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        ValueError, TypeError
            If X does not have the columns of the training table, or y not its rows.
        """
        task = self._fitted.task
        with client_for(self._own_client) as client:
            tables = in_memory(client, y=y, predicted=self.predict(X), sample_weight=sample_weight)
        tables = {name: None if one is None else np.asarray(one) for name, one in tables.items()}
        return task.score_of(tables["y"], tables["predicted"], tables["sample_weight"])

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        state.pop("_own_client", None)
        return state


class Regressor(_OnCluster, estimators.Regressor):
    """`fastmlp.Regressor` on a Dask cluster.

    The workers of a `dask.distributed` cluster train the networks of the ensemble. Without a client
    (`client`, or the current one) a cluster inside this process does. docs/dask.md describes where
    data are.

    Parameters
    ----------
    **parameters
        Those of `fastmlp.Regressor`. `n_jobs` is the most threads to use of each worker, None all.

    Examples
    --------
    >>> import dask.array as da
    >>> from fastmlp.dask import Regressor
    >>> from sklearn.datasets import load_diabetes
    >>> X, y = (da.from_array(part, chunks=(150, -1)[: part.ndim])
    ...         for part in load_diabetes(return_X_y=True))
    >>> model = Regressor(preset="fast", random_state=0).fit(X, y)
    >>> model.predict(X)
    dask.array<...>
    >>> bool(model.score(X, y) > 0.4)
    True
    """

    _local = estimators.Regressor

    @explains_keywords
    @_with_parameters_of(estimators.Regressor)
    def __init__(self, /, **parameters: Any) -> None:
        super().__init__(**parameters)

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Predict the target.

        Parameters
        ----------
        X : Dask DataFrame or Array, or what `fastmlp.Regressor` takes
        return_std : bool, default=False
            As of `fastmlp.Regressor`; must be False for Dask collections.

        Returns
        -------
        Dask Series, DataFrame or Array, or ndarray
            For a Dask collection lazy: for a frame a Series with its index (for several outputs a
            DataFrame with their names as columns), for an Array an Array. For other tables as
            `fastmlp.Regressor`.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        ValueError, TypeError
            If X does not have the columns of the training table. Values that cannot be read are an
            error when a Dask collection is computed.
        """
        if not is_dask_table(X):
            return super().predict(X, True) if return_std else super().predict(X)
        if return_std:
            raise ValueError(
                "return_std must be False for Dask collections; the model that to_local() returns "
                "gives both, in map_partitions"
            )
        return self._predicted("predict", X, self._no_rows(), self._fitted.task.output_names)


class Classifier(_OnCluster, estimators.Classifier):
    """`fastmlp.Classifier` on a Dask cluster; see `fastmlp.dask.Regressor`.

    Parameters
    ----------
    **parameters
        Those of `fastmlp.Classifier`. `n_jobs` is the most threads to use of each worker, None all.

    Examples
    --------
    >>> import dask.dataframe as dd
    >>> from fastmlp.dask import Classifier
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> table = dd.from_pandas(X, npartitions=3)
    >>> model = Classifier(preset="fast", random_state=0).fit(table, y)
    >>> model.predict_proba(table).compute().shape
    (150, 3)
    """

    _local = estimators.Classifier

    @explains_keywords
    @_with_parameters_of(estimators.Classifier)
    def __init__(self, /, **parameters: Any) -> None:
        super().__init__(**parameters)

    def predict(self, X: Any) -> Any:
        """Predict labels.

        Parameters
        ----------
        X : Dask DataFrame or Array, or what `fastmlp.Classifier` takes

        Returns
        -------
        Dask Series, DataFrame or Array, or ndarray
            As of `Regressor.predict`.

        Raises
        ------
        sklearn.exceptions.NotFittedError, ValueError, TypeError
            As `Regressor.predict`.
        """
        if not is_dask_table(X):
            return super().predict(X)
        labels = self._fitted_task.decoder.labels(self._no_rows())
        return self._predicted("predict", X, labels, self._fitted_task.output_names)

    def predict_proba(self, X: Any) -> Any:
        """Predict the probabilities of the classes; columns of a frame are named by them.

        Parameters
        ----------
        X : Dask DataFrame or Array, or what `fastmlp.Classifier` takes

        Returns
        -------
        Dask DataFrame or Array, or ndarray, of shape (n_samples, n_classes)
            For a Dask collection they are lazy.

        Raises
        ------
        sklearn.exceptions.NotFittedError, ValueError, TypeError
            As `predict`.
        """
        if not is_dask_table(X):
            return super().predict_proba(X)
        task = self._fitted_task
        if isinstance(task, MultioutputClassificationTask):
            raise ValueError(
                "predict_proba takes no Dask collections if y had several columns of labels; use "
                "the model that to_local() returns, in map_partitions"
            )
        names = task.output_names if task.multilabel else task.classes.tolist()
        return self._predicted("predict_proba", X, self._no_rows(), names)
