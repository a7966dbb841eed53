"""ConformalCalibration: calibrates intervals and sets of classes of a fitted estimator again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator

from fastmlp._threads import n_threads
from fastmlp.ensemble.conformal import Observed, conformalized
from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.estimators.checked_arguments import (
    check_given_targets,
    checked_targets,
    checked_weights,
)
from fastmlp.tasks.target_names import check_target_names

if TYPE_CHECKING:
    from typing import Self


class ConformalCalibration(BaseEstimator):
    """Calibration of a fitted estimator on rows that it was not trained on."""

    n_jobs: int | None
    _model: FittedModel

    @property
    def _fitted(self) -> FittedModel:
        raise NotImplementedError

    def conformalize(
        self, X: Any, y: Any, sample_weight: Any = None, *, groups: Any = None
    ) -> Self:
        """Calibrate intervals (`predict_interval`) or sets of classes (`predict_set`).

        `fit` does this with its held-out rows. Do it again with rows that `fit` did not get, for
        coverage that is guaranteed (docs/intervals.md), after training without held-out rows, or
        for coverage in each of several groups. Predictions do not change. The model then holds a
        number for each of these rows, which the privacy budget of ``fit(dp=...)`` does not cover:
        `privacy_` is then None.

        Parameters
        ----------
        X : array-like, frame or sparse matrix of shape (n_samples, n_features), or None
            Rows that the model was not trained on. None: the training rows, in the order of `fit`,
            with their out-of-fold predictions. The training rows themselves as X make intervals
            too narrow.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True values, or class labels. Rows that lack one of several targets do not count. With
            X=None they must be the y of `fit`.
        sample_weight : array-like of shape (n_samples,), default=None
            How much each row counts, such as how much more often rows like it will be predicted.
        groups : array-like of shape (n_samples,), default=None
            Labels of groups, such as a column of X; rows without a label are a group too. Coverage
            then holds in each group, and predictions need groups too. A group needs 19 rows for
            intervals of coverage 0.9, 39 for 0.95.

        Returns
        -------
        self
            The estimator.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        ValueError, TypeError
            If X, y, sample_weight or groups do not match the model or each other, X is None and
            there are no out-of-fold predictions or y is not that of `fit`, or rows have several
            labels each.

        Examples
        --------
        >>> from sklearn.datasets import load_diabetes
        >>> from fastmlp import Regressor
        >>> X, y = load_diabetes(return_X_y=True)
        >>> model = Regressor(preset="fast", random_state=0).fit(X, y)
        >>> is_female = X[:, 1] > 0
        >>> model.conformalize(None, y, groups=is_female).predict_interval(
        ...     X[:3], groups=is_female[:3]
        ... ).shape
        (3, 2)
        """
        model, threads = self._fitted, n_threads(self.n_jobs)
        out_of_fold = model.out_of_fold if X is None else None
        if X is not None:
            predicted, std = model.predict_with_std(X, threads, estimator=type(self).__name__)
        elif out_of_fold is not None:
            predicted, std = out_of_fold.predicted, out_of_fold.std
        else:
            raise ValueError(
                "X must hold rows that were not trained on: this model has no out-of-fold "
                "predictions, which X=None stands for"
            )
        check_given_targets(y, "y", takes_gaps=True)
        check_target_names(model.task.target_names, y, "y")
        rows = "the training table (X=None)" if X is None else "X"
        y = checked_targets(y, predicted, 1, self, takes_gaps=True, rows=rows)
        targets = model.task.encode(y, model.dtype)
        if out_of_fold is not None:
            out_of_fold.check_targets(targets)
        weights = checked_weights(sample_weight, predicted, np.dtype(np.float64))
        observed = Observed.of(model.task, predicted, targets, weights, groups, std)
        conformal = conformalized(model.task, model.conformal, observed, out_of_fold=X is None)
        # What calibrates is kept as it is, without noise.
        self._model = replace(model, conformal=conformal, privacy=None)
        return self
