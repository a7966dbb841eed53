"""Partial dependence, and individual conditional expectation, of one column or two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from fastmlp.inspection.explained_columns import column_positions
from fastmlp.inspection.output_positions import output_position
from fastmlp.inspection.shapley.explained_model import ExplainedModel
from fastmlp.inspection.shown_value import shown_value
from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.raw_values import raw_values
from fastmlp.table.rows import slices

KINDS = ("average", "individual", "both")
_MOST_PREDICTIONS = 2**17  # in memory at a time
_DECILES = np.arange(0.1, 1.0, 0.1)


class PartialDependence(Bunch):
    """Mean predictions, or those of each row, for other values of one or two columns.

    A dictionary whose entries are attributes, as scikit-learn's `partial_dependence` returns it,
    and with more of them.

    Attributes
    ----------
    grid_values : list of ndarray
        The values of each column: numbers or, of other columns, values of X as they are.
    average : ndarray of shape (n_outputs, n_values) or (n_outputs, n_values, n_values)
        Mean predictions; not there with ``kind="individual"``.
    individual : ndarray of shape (n_outputs, n_rows, n_values, ...)
        The prediction of each row; not there with ``kind="average"``.
    features : tuple of int
        Positions of the columns.
    feature_names : list of str
        Names of all columns.
    is_categorical : tuple of bool
        Whether the columns are categories.
    deciles : dict
        Deciles of the columns of numbers by their positions.
    output_names : list or None
        Classes, of two the second, or names of the columns of y or quantiles; None if these have no
        names.
    """

    def plot(self, *, output: Any = None, ax: Any = None, **options: Any) -> Any:
        """Plot with scikit-learn's display.

        Parameters
        ----------
        output : label, str, float or int, default=None
            Which output, as of `Attributions.of_output`. Must be given if there are several.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.
        **options : dict
            Passed to the display's `plot`.

        Returns
        -------
        sklearn.inspection.PartialDependenceDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If there is no such output, or one of two columns is a category and the other is not.
        """
        from sklearn.inspection import PartialDependenceDisplay

        if len(set(self.is_categorical)) > 1:
            raise ValueError(
                "the two columns of a plot must both be categories or both be numbers; plot one of "
                "them, or plot the array `average` yourself"
            )
        shown = [
            [shown_value(value) for value in values] if is_category else values
            for values, is_category in zip(self.grid_values, self.is_categorical, strict=True)
        ]
        number = self._output_number(output)
        display = PartialDependenceDisplay(
            [Bunch(**self | {"grid_values": shown})],
            features=[self.features],
            feature_names=self.feature_names,
            target_idx=number,
            deciles=self.deciles,
            kind="both" if "average" in self and "individual" in self else self._only_kind,
            is_categorical=[self.is_categorical],
        )
        display.plot(ax=ax, **options)
        if self.output_names is not None:
            display.axes_[0, 0].set_title(str(self.output_names[number]))
        return display

    @property
    def _only_kind(self) -> str:
        return "average" if "average" in self else "individual"

    def _output_number(self, output: Any) -> int:
        n_outputs = len(self[self._only_kind])
        if output is None and n_outputs == 1:
            return 0
        return output_position(output, self.output_names, n_outputs)


@dataclass(frozen=True, eq=False)
class _Grid:
    """Values of a column to predict with.

    Attributes
    ----------
    values : ndarray of shape (n_values,)
        As they are shown.
    encoded : ndarray of shape (n_values, n_encoded)
        The column's part of the encoded table.
    """

    values: NDArray[Any]
    encoded: NDArray[Any]


def partial_dependence_of(
    explained: ExplainedModel,
    X: Any,
    columns: Any,
    *,
    kind: str,
    grid_resolution: int,
    percentiles: tuple[float, float],
    sample_weight: NDArray[Any] | None,
    estimator: str,
) -> PartialDependence:
    """Predict the rows of a raw table with other values; see `fastmlp.estimators.explanations`."""
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {list(KINDS)}; got {kind!r}")
    encoder = explained.encoder
    positions = column_positions(encoder, _as_list(columns), "columns")
    if len(positions) not in (1, 2):
        raise ValueError(f"columns must be one column or two; got {len(positions)}")
    table = explained.encode(X, estimator)
    groups = [encoder.encoded_by_column[position] for position in positions]
    grids = [
        _grid_of(encoder, X, table, position, grid_resolution, percentiles)
        for position in positions
    ]
    result = _predicted(explained, table, groups, grids, kind, sample_weight)
    plain = set(encoder.layout.plain.tolist())
    return PartialDependence(
        grid_values=[grid.values for grid in grids],
        **result,
        features=tuple(positions),
        feature_names=[column.name for column in encoder.columns],
        is_categorical=tuple(encoder.columns[p].kind != "numeric" for p in positions),
        deciles={
            position: _quantiles(table[:, group[0]], _DECILES) if position in plain else []
            for position, group in zip(positions, groups, strict=True)
        },
        output_names=explained.output_names,
    )


def _as_list(columns: Any) -> Sequence[Any]:
    return list(columns) if isinstance(columns, list | tuple | np.ndarray) else [columns]


def _grid_of(
    encoder: DenseEncoder,
    X: Any,
    table: NDArray[Any],
    position: int,
    resolution: int,
    percentiles: tuple[float, float],
) -> _Grid:
    """The values of a column to predict with: numbers as in scikit-learn, else values of X."""
    column, group = encoder.columns[position], encoder.encoded_by_column[position]
    if column.kind == "numeric" and column.reader is None:
        numbers = _grid_of_numbers(table[:, group[0]], column.name, resolution, percentiles)
        encoded = np.zeros((numbers.size, len(group)))
        encoded[:, 0] = numbers
        return _Grid(numbers, encoded)
    own = table[:, group]
    known = np.flatnonzero(~np.isnan(own).any(axis=1))
    distinct, first = np.unique(own[known], axis=0, return_index=True)
    if not len(distinct):
        raise ValueError(f"X has no value in the column {column.name!r}")
    if len(distinct) > resolution and column.kind == "numeric":
        some = np.linspace(0, len(distinct) - 1, resolution).round().astype(int)
    else:  # the most frequent categories in training come first
        some = np.arange(min(len(distinct), resolution))
    return _Grid(raw_values(X)[known[first[some]], position], distinct[some])


def _grid_of_numbers(
    numbers: NDArray[Any], name: str, resolution: int, percentiles: tuple[float, float]
) -> NDArray[Any]:
    """All values if they are few, else evenly spaced ones between two percentiles."""
    known = np.unique(numbers[~np.isnan(numbers)])
    if not known.size:
        raise ValueError(f"X has no number in the column {name!r}")
    if known.size < resolution:
        return known
    low, high = _quantiles(numbers, percentiles)
    if np.allclose(low, high):
        raise ValueError(
            f"percentiles must be further apart: those of the column {name!r} are {low} and {high}"
        )
    return np.linspace(low, high, resolution)


def _quantiles(numbers: NDArray[Any], shares: Any) -> NDArray[np.float64]:
    """Quantiles of the numbers that are known, as scikit-learn's partial dependence has them."""
    from scipy.stats.mstats import mquantiles  # takes a third of a second to import

    known = numbers[~np.isnan(numbers)].astype(np.float64)
    return np.asarray(mquantiles(known, prob=shares))


def _predicted(
    explained: ExplainedModel,
    table: NDArray[Any],
    groups: Sequence[Sequence[int]],
    grids: Sequence[_Grid],
    kind: str,
    weights: NDArray[Any] | None,
) -> dict[str, NDArray[np.float64]]:
    """Averages or individual predictions, with the outputs first."""
    shape = tuple(len(grid.values) for grid in grids)
    points = list(product(*map(range, shape)))
    dtype = np.result_type(table, *(grid.encoded for grid in grids))
    averages, individuals = [], []
    for some in slices(len(points), max(1, _MOST_PREDICTIONS // len(table))):
        chosen = np.array(points[some])
        rows = np.empty((len(chosen), *table.shape), dtype)
        rows[:] = table
        for k, (group, grid) in enumerate(zip(groups, grids, strict=True)):
            rows[:, :, group] = grid.encoded[chosen[:, k]][:, None]
        predicted = explained.predict(rows.reshape(-1, table.shape[1]))
        predicted = predicted.reshape(len(chosen), len(table), -1)
        averages.append(np.average(predicted, axis=1, weights=weights))
        if kind != "average":
            individuals.append(predicted)
    result = {}
    if kind != "individual":
        result["average"] = np.concatenate(averages).T.reshape(-1, *shape)
    if kind != "average":
        result["individual"] = (
            np.concatenate(individuals).transpose(2, 1, 0).reshape(-1, len(table), *shape)
        )
    return result
