"""SmallerModels: smaller and faster models made from a trained one."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_random_state, check_scalar

from fastmlp._threads import n_threads
from fastmlp.compact.distillation import distil
from fastmlp.compact.fewer_networks import first_row, n_within, of_networks, selection_order
from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.estimators.parameters import checked_callbacks, checked_settings
from fastmlp.trained_model import TrainedModel

if TYPE_CHECKING:
    from typing import Self


class SmallerModels(TrainedModel, BaseEstimator):
    """Methods that return a new, smaller estimator; the fitted one is not changed."""

    n_jobs: int | None
    verbose: int
    callbacks: Any
    _model: FittedModel

    @property
    def _fitted(self) -> FittedModel:
        raise NotImplementedError

    def distilled(
        self,
        X: Any,
        *,
        hidden_layer_sizes: int | Sequence[int] | None = None,
        max_iter: int | None = None,
    ) -> Self:
        """Train one network on this model's predictions: nearly as accurate, and faster.

        The new network learns this model's outputs for the rows of X (docs/compact.md). No rows are
        held out: `early_stopping` and `eval_metric` have no effect. Training takes about four times
        as long as that of one of this model's networks.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features)
            Rows like those that will be predicted: all training rows, and others without labels if
            there are any. With only some hundred rows much of the accuracy is lost.
        hidden_layer_sizes : int, sequence of int or None, default=None
            Units of each hidden layer. None: as many as this model's networks have.
        max_iter : int or None, default=None
            Largest number of epochs. None: four times as many as for this model's networks; for
            sparse rows the same number.

        Returns
        -------
        Regressor or Classifier
            A new fitted estimator with this one's parameters, except for ``n_estimators=1``,
            ``dropout=0.0`` and those given here.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        ValueError, TypeError
            If a parameter or X is invalid.

        See Also
        --------
        with_fewer_networks : Keeps some networks, without training.

        Examples
        --------
        >>> from sklearn.datasets import load_diabetes
        >>> from fastmlp import Regressor
        >>> X, y = load_diabetes(return_X_y=True)
        >>> model = Regressor(preset="fast", random_state=0).fit(X, y)
        >>> small = model.distilled(X)
        >>> len(model.networks_), len(small.networks_)
        (5, 1)
        >>> bool(abs(small.predict(X) - model.predict(X)).mean() < 0.1 * y.std())
        True
        """
        teacher = self._fitted
        student: Self = clone(self).set_params(n_estimators=1, dropout=0.0)
        if hidden_layer_sizes is not None:
            student.set_params(hidden_layer_sizes=hidden_layer_sizes)
        if max_iter is not None:
            student.set_params(max_iter=max_iter)
        student._model = distil(
            teacher,
            X,
            checked_settings(student, sparse=teacher.encoder.is_sparse),
            longer=max_iter is None,
            estimator=type(self).__name__,
            random_state=check_random_state(student.random_state),
            n_threads=n_threads(student.n_jobs),
            verbose=student.verbose,
            callbacks=checked_callbacks(student.callbacks),
        )
        return student

    def with_fewer_networks(
        self, X: Any, *, n_networks: int | None = None, max_predict_us: float | None = None
    ) -> Self:
        """Keep the networks whose mean is closest to the predictions of all networks.

        Files become smaller and predictions faster in proportion.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features)
            Rows to compare predictions for, such as the training rows. No labels are needed.
        n_networks : int or None, default=None
            Largest number of networks to keep.
        max_predict_us : float or None, default=None
            Largest time of ``predictor().predict`` for one row of X (a mapping if X is a frame), in
            microseconds. As many networks are kept as this allows. The time is measured, so the
            number depends on the machine and its load.

        Returns
        -------
        Regressor or Classifier
            A new fitted estimator with this one's parameters, except for `n_estimators`.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        ValueError, TypeError
            If a parameter or X is invalid, both or none of `n_networks` and `max_predict_us` are
            given, or even one network takes longer.

        See Also
        --------
        distilled : Trains one network on what this model predicts; more accurate than one of these.

        Examples
        --------
        >>> from sklearn.datasets import load_diabetes
        >>> from fastmlp import Regressor
        >>> X, y = load_diabetes(return_X_y=True)
        >>> model = Regressor(preset="fast", random_state=0).fit(X, y)
        >>> len(model.with_fewer_networks(X, n_networks=2).networks_)
        2
        """
        model = self._fitted
        if (n_networks is None) == (max_predict_us is None):
            raise ValueError("exactly one of n_networks and max_predict_us must be given")
        if n_networks is not None:
            check_scalar(n_networks, "n_networks", Integral, min_val=1)
        if max_predict_us is not None:
            check_scalar(max_predict_us, "max_predict_us", Real, min_val=0)
        order = selection_order(
            model, X, n_networks, estimator=type(self).__name__, n_threads=n_threads(self.n_jobs)
        )
        if max_predict_us is None:
            return self._of_networks(order)
        models = [self._of_networks(order[:n]) for n in range(1, len(order) + 1)]
        predicts = (model.predictor().predict for model in models)
        return models[n_within(max_predict_us, predicts, first_row(X)) - 1]

    def _of_networks(self, positions: Sequence[int]) -> Self:
        fewer: Self = clone(self).set_params(n_estimators=len(positions))
        fewer._model = of_networks(self._fitted, positions)
        return fewer
