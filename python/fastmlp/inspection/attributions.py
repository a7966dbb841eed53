"""Attributions: how much each column moves each prediction, by Shapley values."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state, check_scalar

from fastmlp.inspection.output_positions import output_position
from fastmlp.inspection.shapley.coalitions import coalitions_of
from fastmlp.inspection.shapley.explained_model import ExplainedModel
from fastmlp.prediction.read_only import read_only

if TYPE_CHECKING:
    from fastmlp.inspection.attributions_display import AttributionsDisplay

_FEWEST_BACKGROUND_ROWS = 10  # if X is its own background
_FEW_COLUMNS = 10


@dataclass(frozen=True, eq=False)
class Attributions:
    """How much each column moves each prediction from the mean prediction. Immutable.

    ``base_value + values.sum(axis=1)`` equals `predictions`, up to the rounding of their sum.

    Attributes
    ----------
    values : ndarray of shape (n_rows, n_columns) or (n_rows, n_columns, n_outputs)
        Shapley values, in the unit of `predictions`.
    base_value : float or ndarray of shape (n_outputs,)
        Mean prediction for the background.
    predictions : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        What is explained: numbers, probabilities or log-odds; for two classes those of the second.
    data : ndarray of shape (n_rows, n_columns)
        The rows that are explained.
    feature_names : list of str
    output_names : list or None
        What is explained: classes (of two the second), names of the columns of y, or quantiles;
        None if there are no names.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from fastmlp import Regressor
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> model = Regressor(preset="fast", random_state=0).fit(X, y)
    >>> found = model.attributions(X[:3], background=X)
    >>> found.values.shape
    (3, 10)
    >>> import numpy as np
    >>> np.allclose(found.base_value + found.values.sum(axis=1), model.predict(X[:3]))
    True
    """

    values: NDArray[np.float64]
    base_value: float | NDArray[np.float64]
    predictions: NDArray[np.float64]
    data: NDArray[Any]
    feature_names: list[str]
    output_names: list[Any] | None = None

    def __post_init__(self) -> None:
        for name in ("values", "base_value", "predictions", "data"):
            array = getattr(self, name)
            if isinstance(array, np.ndarray):
                object.__setattr__(self, name, read_only(array))

    def importances(self) -> NDArray[np.float64]:
        """Mean size of each column's attributions.

        Returns
        -------
        ndarray of shape (n_columns,) or (n_columns, n_outputs)
        """
        means: NDArray[np.float64] = np.abs(self.values).mean(axis=0)
        return means

    def of_output(self, output: Any = None) -> Attributions:
        """The attributions of one output.

        Parameters
        ----------
        output : label, str, float or int, default=None
            A class, the name of a column of y, a quantile, or, where no class is a number, the
            position of an output. Needed if there are several outputs; the name of a single one is
            accepted too.

        Returns
        -------
        Attributions
            With `values` of shape (n_rows, n_columns).

        Raises
        ------
        ValueError
            If there is no such output, or several and None is given.
        """
        if self.values.ndim == 2:
            if output is not None:
                output_position(output, self.output_names, 1)
            return self
        k = output_position(output, self.output_names, self.values.shape[2])
        base: Any = self.base_value
        return Attributions(
            self.values[:, :, k],
            float(base[k]),
            self.predictions[:, k],
            self.data,
            self.feature_names,
            None if self.output_names is None else [self.output_names[k]],
        )

    def to_shap(self) -> Any:
        """Convert to an explanation of the package shap, for its plots.

        Returns
        -------
        shap.Explanation

        Raises
        ------
        ImportError
            If shap is not installed.
        """
        try:
            from shap import Explanation
        except ImportError as error:
            raise ImportError("to_shap needs shap: pip install shap") from error
        base = np.broadcast_to(self.base_value, self.predictions.shape)
        return Explanation(
            values=self.values,
            base_values=base.copy(),
            data=self.data,
            feature_names=list(self.feature_names),
            output_names=self.output_names if self.values.ndim > 2 else None,
        )

    def plot(
        self,
        kind: Literal["beeswarm", "bar", "waterfall"] = "beeswarm",
        *,
        output: Any = None,
        row: int = 0,
        max_columns: int = 10,
        ax: Any = None,
    ) -> AttributionsDisplay:
        """Plot the attributions.

        Parameters
        ----------
        kind : {"beeswarm", "bar", "waterfall"}, default="beeswarm"
            "beeswarm": a point for each row and column. "bar": mean sizes. "waterfall": the steps
            from the mean prediction to that of one row.
        output : label, str, float or int, default=None
            Which output, as of `of_output`. Must be given if there are several.
        row : int, default=0
            Which row, of "waterfall".
        max_columns : int, default=10
            Columns to show, the most important ones; the others are added up.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.

        Returns
        -------
        AttributionsDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If a parameter is not one of these.
        """
        from fastmlp.inspection.attributions_display import AttributionsDisplay

        display = AttributionsDisplay(
            attributions=self.of_output(output), kind=kind, row=row, max_columns=max_columns
        )
        return display.plot(ax=ax)


def attributions_of(
    explained: ExplainedModel,
    table: NDArray[Any],
    data: NDArray[Any],
    background: NDArray[Any] | None,
    *,
    n_permutations: int,
    max_background: int | None,
    random_state: Any,
) -> Attributions:
    """Explain the rows of an encoded table; see `fastmlp.estimators.explanations`.

    Parameters
    ----------
    explained : ExplainedModel
    table : ndarray of shape (n_rows, n_encoded)
    data : ndarray of shape (n_rows, n_columns)
        The rows as they were given.
    background : ndarray of shape (n_background, n_encoded) or None
        None: the table.
    n_permutations : int
    max_background : int or None
        None: more where columns are few.
    random_state : int, RandomState or None
    """
    check_scalar(n_permutations, "n_permutations", Integral, min_val=1)
    n_columns = explained.encoder.n_columns
    if max_background is None:
        max_background = 100 if n_columns <= _FEW_COLUMNS else 50
    check_scalar(max_background, "max_background", Integral, min_val=1)
    random_state = check_random_state(random_state)
    if background is None:
        background = table
        if len(table) < _FEWEST_BACKGROUND_ROWS:
            raise ValueError(
                f"background must be given to explain fewer than {_FEWEST_BACKGROUND_ROWS} rows "
                f"(got {len(table)}): pass rows to compare them with, such as training rows"
            )
    if len(background) > max_background:
        drawn = random_state.permutation(len(background))[:max_background]
        background = background[np.sort(drawn)]
    coalitions = coalitions_of(n_columns, len(background), n_permutations, random_state)
    base: Any
    values, predictions, base = explained.shapley_values(table, background, coalitions)
    if explained.is_one_dimensional:
        values, predictions, base = values[..., 0], predictions[:, 0], float(base[0])
    names = [column.name for column in explained.encoder.columns]
    return Attributions(values, base, predictions, data, names, explained.output_names)
