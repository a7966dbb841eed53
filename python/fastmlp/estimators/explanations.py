"""Explanations: methods that explain the predictions of a fitted estimator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_scalar

from fastmlp._threads import n_threads
from fastmlp.ensemble.fitted_model import FittedModel
from fastmlp.estimators.checked_arguments import checked_weights, encoded_rows
from fastmlp.inspection.attributions import Attributions, attributions_of
from fastmlp.inspection.explained_columns import dense_encoder
from fastmlp.inspection.one_row import one_row
from fastmlp.inspection.partial_dependence import PartialDependence, partial_dependence_of
from fastmlp.inspection.repeated_importances import repeated_importances
from fastmlp.inspection.row_report import row_report
from fastmlp.inspection.shapley.explained_model import ExplainedModel
from fastmlp.prediction.row_forms import is_single_row
from fastmlp.table.raw_values import raw_values

if TYPE_CHECKING:
    from numpy.random import RandomState
    from sklearn.utils import Bunch


class Explanations(BaseEstimator):
    """Methods that explain the predictions of a fitted estimator."""

    n_jobs: int | None

    @property
    def _fitted(self) -> FittedModel:
        raise NotImplementedError

    def attributions(
        self,
        X: Any,
        background: Any = None,
        *,
        log_odds: bool = False,
        n_permutations: int = 1,
        max_background: int | None = None,
        random_state: int | RandomState | None = 0,
    ) -> Attributions:
        """Explain predictions: how much each column moves them from the mean, by Shapley values.

        A prediction is compared with those for the rows of a background. Its difference from their
        mean is shared among the columns of the raw table: a date, or a column with missing values,
        is one of them. docs/explanations.md has the method and what is exact.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features), or one row as of `explain_row`
            The rows to explain.
        background : array-like or frame of shape (n_background, n_features), default=None
            The rows to compare them with, such as the training rows, which the model does not
            store. None: the rows of X, if there are at least ten.
        log_odds : bool, default=False
            Classifiers: whether log-odds, in which large effects add up, are explained instead of
            probabilities. Log-odds of probabilities of 0 and 1 are limited, to 16.6 with float32.
        n_permutations : int, default=1
            Orders of the columns for each row of the background, each taken forwards and backwards.
            Time grows with it. With one, values are exact where no more than two columns interact
            at a time. If there are no more coalitions of columns than these orders have, all are
            used and values are exact: from 19 on for 8 columns.
        max_background : int or None, default=None
            Rows of the background to use; if it has more, a sample is drawn. Time grows with it.
            None: 100 for up to ten columns, else 50.
        random_state : int, RandomState or None, default=0
            Seed for the orders and the sample.

        Returns
        -------
        Attributions
            Values of shape (n_samples, n_features) or (n_samples, n_features, n_outputs), which
            add up to ``predict(X)``, ``predict_proba(X)`` or, for two classes, the probability of
            the second, less the mean for the background.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        ValueError, TypeError
            If X or the background does not have the columns of the training table, there is no
            background and X has fewer than ten rows, the model was fitted on sparse rows, or a
            parameter is invalid.
        KeyboardInterrupt
            After Ctrl-C.

        Examples
        --------
        >>> from sklearn.datasets import load_diabetes
        >>> from fastmlp import Regressor
        >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
        >>> model = Regressor(preset="fast", random_state=0).fit(X, y)
        >>> found = model.attributions(X[:20], background=X)
        >>> found.feature_names[found.importances().argmax()]
        's5'
        """
        explained, estimator = self._explained(log_odds=log_odds), type(self).__name__
        if is_single_row(X):
            table, data = one_row(explained.encoder, X)
        else:
            table, data = explained.encode(X, estimator), raw_values(X)
        others = None
        if background is not None:
            others = explained.encode(background, estimator, "background")
        return attributions_of(
            explained,
            table,
            data,
            others,
            n_permutations=n_permutations,
            max_background=max_background,
            random_state=random_state,
        )

    def explain_row(
        self,
        row: Any,
        background: Any,
        *,
        max_columns: int = 5,
        n_permutations: int = 1,
        max_background: int | None = None,
        random_state: int | RandomState | None = 0,
    ) -> str:
        """Explain the prediction for one row in a few sentences.

        Parameters
        ----------
        row : mapping, sequence, 1-D array or Series; or a table of one row
            Its values by the names of the columns or in their order.
        background : array-like or frame of shape (n_background, n_features)
            The rows to compare it with, such as the training rows.
        max_columns : int, default=5
            Columns to name, those that matter most for this row.
        n_permutations, max_background, random_state
            As for `attributions`.

        Returns
        -------
        str
            The prediction, how far it is from the mean for the background, and which columns raise
            and lower it. For a classifier the predicted class and its probability; changes of
            probabilities are in percentage points.

        Raises
        ------
        sklearn.exceptions.NotFittedError, ValueError, TypeError, KeyboardInterrupt
            As `attributions`.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from fastmlp import Classifier
        >>> X, y = load_iris(return_X_y=True, as_frame=True)
        >>> model = Classifier(preset="fast", random_state=0).fit(X, y)
        >>> report = model.explain_row(X.iloc[0], X)
        >>> report.startswith("The predicted class is 0. Its probability is")
        True
        """
        check_scalar(max_columns, "max_columns", Integral, min_val=1)
        explained = self._explained()
        table, data = one_row(explained.encoder, row)
        found = attributions_of(
            explained,
            table,
            data,
            explained.encode(background, type(self).__name__, "background"),
            n_permutations=n_permutations,
            max_background=max_background,
            random_state=random_state,
        )
        return row_report(found, self._fitted.task.decoder, max_columns)

    def importances(
        self,
        X: Any,
        y: Any,
        sample_weight: Any = None,
        *,
        groups: Mapping[Any, Sequence[Any]] | None = None,
        n_repeats: int = 5,
        random_state: int | RandomState | None = None,
    ) -> Bunch:
        """Measure by how much the score falls if a column, or a group of columns, is shuffled.

        The score is R2, for quantiles the explained share of the pinball loss, and for classifiers
        the negative log loss. Use rows that the model was not trained on.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True values, or class labels. As in `fit` some of several may be missing.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the score. Rows of weight 0 are left out.
        groups : mapping from names to lists of columns, default=None
            Columns, by name or position, that are shuffled together, such as those of a place or
            several with the same information. None: each column separately.
        n_repeats : int, default=5
            How many times each is shuffled.
        random_state : int, RandomState or None, default=None
            Seed for the shuffles.

        Returns
        -------
        Bunch
            As of scikit-learn's `permutation_importance`: importances_mean, importances_std of
            shape (n_groups,), importances of shape (n_groups, n_repeats); and names.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        ValueError, TypeError
            If X or y does not fit the model, fewer than two rows have a weight, the model was
            fitted on sparse rows, or a parameter is invalid.
        KeyboardInterrupt
            After Ctrl-C.

        Examples
        --------
        >>> from sklearn.datasets import load_diabetes
        >>> from fastmlp import Regressor
        >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
        >>> model = Regressor(preset="fast", random_state=0).fit(X[:300], y[:300])
        >>> groups = {"blood": ["s1", "s2", "s3", "s4", "s5", "s6"], "body": ["bmi", "bp"]}
        >>> found = model.importances(X[300:], y[300:], groups=groups, random_state=0)
        >>> found.names, found.importances.shape
        (['blood', 'body'], (2, 5))
        """
        check_scalar(n_repeats, "n_repeats", Integral, min_val=1)
        model = self._fitted
        encoder, estimator = dense_encoder(model), type(self).__name__
        rows = encoded_rows(
            X, y, sample_weight, encoder, model.task, model.dtype, estimator, takes_gaps=True
        )
        return repeated_importances(
            model,
            rows,
            groups,
            n_repeats=n_repeats,
            random_state=random_state,
            n_threads=n_threads(self.n_jobs),
        )

    def partial_dependence(
        self,
        X: Any,
        columns: Any,
        *,
        kind: Literal["average", "individual", "both"] = "average",
        grid_resolution: int = 100,
        percentiles: tuple[float, float] = (0.05, 0.95),
        sample_weight: Any = None,
    ) -> PartialDependence:
        """Predict the rows of a table with other values in one column or two.

        The means are partial dependence (Friedman 2001, https://doi.org/10.1214/aos/1013203451),
        the predictions of each row individual conditional expectation (Goldstein et al. 2015,
        https://arxiv.org/abs/1309.6392). Values are those of scikit-learn's `partial_dependence`;
        here dates, categories and missing values need no preparation, and the table is encoded
        once.

        Parameters
        ----------
        X : array-like or frame of shape (n_samples, n_features)
            The rows to predict. Some hundred are enough.
        columns : str, int or list of one or two of them
            Names or positions.
        kind : {"average", "individual", "both"}, default="average"
            Means, predictions of each row, or both.
        grid_resolution : int, default=100
            Values of each column: all that occur if they are fewer, else evenly spaced numbers, or
            the categories that were most frequent in training.
        percentiles : (float, float), default=(0.05, 0.95)
            Between which the numbers lie.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the means.

        Returns
        -------
        PartialDependence
            With scikit-learn's entries `grid_values`, `average` and `individual`, and a method
            `plot`, which uses scikit-learn's PartialDependenceDisplay.

        Raises
        ------
        sklearn.exceptions.NotFittedError
            Before `fit`.
        ValueError, TypeError
            If X does not have the columns of the training table, the model was fitted on sparse
            rows, or a parameter is invalid.
        KeyboardInterrupt
            After Ctrl-C.

        Examples
        --------
        >>> from sklearn.datasets import load_diabetes
        >>> from fastmlp import Regressor
        >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
        >>> model = Regressor(preset="fast", random_state=0).fit(X, y)
        >>> found = model.partial_dependence(X, "bmi", grid_resolution=20)
        >>> found.average.shape
        (1, 20)
        >>> bool(found.average[0, -1] > found.average[0, 0])
        True
        """
        check_scalar(grid_resolution, "grid_resolution", Integral, min_val=2)
        if np.shape(percentiles) != (2,):
            raise TypeError(f"percentiles must be two numbers, (low, high); got {percentiles!r}")
        low, high = percentiles
        if not 0 <= low < high <= 1:
            raise ValueError(f"percentiles must ascend and lie in [0, 1]; got {percentiles!r}")
        weights = None
        if sample_weight is not None:
            weights = checked_weights(sample_weight, X, np.dtype(np.float64))
        return partial_dependence_of(
            self._explained(),
            X,
            columns,
            kind=kind,
            grid_resolution=grid_resolution,
            percentiles=(low, high),
            sample_weight=weights,
            estimator=type(self).__name__,
        )

    def _explained(self, *, log_odds: bool = False) -> ExplainedModel:
        return ExplainedModel(self._fitted, n_threads(self.n_jobs), log_odds=log_odds)
