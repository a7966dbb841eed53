"""AttributionsDisplay: plots of attributions, with the API of scikit-learn's displays."""

from __future__ import annotations

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.inspection.attributions import Attributions
from fastmlp.inspection.axes import axes_or_new
from fastmlp.inspection.shown_value import shown_value
from fastmlp.table.text import quoted

KINDS = ("beeswarm", "bar", "waterfall")
_RAISES, _LOWERS = "#d6336c", "#1c7ed6"
_BINS = 60  # of a beeswarm's axis, in which points are put above each other
_HEIGHT = 0.4  # of a swarm, above and below its line


class AttributionsDisplay:
    """Attributions of one output as a beeswarm, bars or a waterfall.

    Build it with :meth:`from_estimator` or ``model.attributions(X, background).plot(kind)``.

    Parameters
    ----------
    attributions : Attributions
        With `values` of shape (n_rows, n_columns).
    kind : {"beeswarm", "bar", "waterfall"}, default="beeswarm"
        "beeswarm": a point for each row and column, coloured by the column's value; other columns
        than numbers are grey. "bar": mean sizes. "waterfall": from the mean prediction to that of
        one row.
    row : int, default=0
        Which row, of "waterfall".
    max_columns : int, default=10
        Columns to show, the most important ones; the others are added up.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    """

    def __init__(
        self,
        *,
        attributions: Attributions,
        kind: str = "beeswarm",
        row: int = 0,
        max_columns: int = 10,
    ) -> None:
        self.attributions = attributions
        self.kind = kind
        self.row = row
        self.max_columns = max_columns

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        background: Any = None,
        *,
        kind: str = "beeswarm",
        output: Any = None,
        row: int = 0,
        max_columns: int = 10,
        ax: Any = None,
        **options: Any,
    ) -> AttributionsDisplay:
        """Explain the rows of a table, and plot the attributions.

        Parameters
        ----------
        estimator : Regressor or Classifier
            Fitted.
        X, background : array-like or frame
            As for the estimator's method `attributions`.
        kind, row, max_columns
            As of the class.
        output : label, str, float or int, default=None
            Which output, as of `Attributions.of_output`. Must be given if there are several.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.
        **options : dict
            Passed to `attributions`.

        Returns
        -------
        AttributionsDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError, TypeError
            As `attributions`, and if a parameter is not one of these.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> from sklearn.datasets import load_diabetes
        >>> from fastmlp import AttributionsDisplay, Regressor
        >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
        >>> model = Regressor(preset="fast", random_state=0).fit(X, y)
        >>> display = AttributionsDisplay.from_estimator(model, X[:50], kind="bar", max_columns=2)
        >>> [label.get_text() for label in display.ax_.get_yticklabels()]
        ['s5', 'bmi', '8 others']
        """
        attributions = estimator.attributions(X, background, **options).of_output(output)
        display = cls(attributions=attributions, kind=kind, row=row, max_columns=max_columns)
        return display.plot(ax=ax)

    def plot(self, *, ax: Any = None) -> AttributionsDisplay:
        """Draw the attributions.

        Parameters
        ----------
        ax : matplotlib Axes, default=None

        Returns
        -------
        AttributionsDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If a parameter is invalid.
        """
        self._check()
        ax = axes_or_new(ax, type(self).__name__)
        draw = {"beeswarm": self._beeswarm, "bar": self._bar, "waterfall": self._waterfall}
        draw[self.kind](ax)
        ax.invert_yaxis()
        if self.attributions.output_names is not None:
            ax.set_title(str(self.attributions.output_names[0]))
        self.ax_ = ax
        self.figure_ = ax.figure
        return self

    def _check(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {list(KINDS)}; got {quoted(self.kind)}")
        if self.attributions.values.ndim != 2:
            raise ValueError("attributions must be of one output: see Attributions.of_output")
        if self.max_columns < 1:
            raise ValueError(f"max_columns must be at least 1; got {self.max_columns!r}")
        n_rows = len(self.attributions.values)
        if self.kind == "waterfall" and not (
            isinstance(self.row, Integral) and -n_rows <= self.row < n_rows
        ):
            raise ValueError(f"row must be the number of one of {n_rows} rows; got {self.row!r}")

    def _chosen(self, sizes: NDArray[np.float64]) -> tuple[list[int], list[int]]:
        """The largest columns, and all others."""
        order = np.argsort(-sizes, kind="stable").tolist()
        n = len(order) if len(order) <= self.max_columns + 1 else self.max_columns
        return order[:n], order[n:]

    def _beeswarm(self, ax: Any) -> None:
        values, names = self.attributions.values, self.attributions.feature_names
        shown, _ = self._chosen(self.attributions.importances())
        limit = float(np.abs(values).max()) or 1.0
        for place, column in enumerate(shown):
            own = values[:, column]
            colours = _ranks_of_numbers(self.attributions.data[:, column])
            kind: Any = {"color": "gray"}
            if colours is not None:
                kind = {"c": colours, "cmap": "coolwarm", "vmin": 0, "vmax": 1}
            ax.scatter(own, place + _swarm(own / limit), s=12, linewidths=0, **kind)
        ax.axvline(0, color="gray", linewidth=1)
        ax.set_yticks(range(len(shown)), [names[column] for column in shown])
        ax.set_xlabel("Attribution (blue: low values of the column, red: high ones)")

    def _bar(self, ax: Any) -> None:
        sizes = self.attributions.importances()
        shown, others = self._chosen(sizes)
        heights = [*sizes[shown], *([sizes[others].sum()] if others else [])]
        ax.barh(range(len(heights)), heights, color=_RAISES)
        ax.set_yticks(range(len(heights)), self._labels(shown, others))
        ax.set_xlabel("Mean size of the attributions")

    def _waterfall(self, ax: Any) -> None:
        values, data = self.attributions.values[self.row], self.attributions.data[self.row]
        shown, others = self._chosen(np.abs(values))
        steps = np.array([*values[shown], *([values[others].sum()] if others else [])])
        base = float(self.attributions.base_value)
        starts = base + np.concatenate([[0.0], np.cumsum(steps)[:-1]])
        colours = np.where(steps > 0, _RAISES, _LOWERS)
        ax.barh(range(len(steps)), steps, left=starts, color=colours)
        for place, (start, step) in enumerate(zip(starts, steps, strict=True)):
            ax.annotate(
                f"{step:+.3g}",
                (start + step, place),
                xytext=(3 if step > 0 else -3, 0),
                textcoords="offset points",
                ha="left" if step > 0 else "right",
                va="center",
            )
        labels = self._labels(shown, others)
        for place, column in enumerate(shown):
            labels[place] += f" = {shown_value(data[column])}"
        ax.set_yticks(range(len(steps)), labels)
        ax.use_sticky_edges = False  # numbers stand beside the bars
        ax.margins(x=0.15)
        prediction = float(self.attributions.predictions[self.row])
        ax.axvline(base, color="gray", linestyle=":", linewidth=1)
        ax.set_xlabel(f"From the mean prediction {base:.4g} to the prediction {prediction:.4g}")

    def _labels(self, shown: list[int], others: list[int]) -> list[str]:
        names = [self.attributions.feature_names[column] for column in shown]
        return [*names, f"{len(others)} others"] if others else names


def _swarm(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Heights of points on an axis from -1 to 1: those of a bin lie above and below each other."""
    bins = np.round(places * _BINS / 2).astype(int)
    heights = np.zeros(places.size)
    counts = np.unique(bins, return_counts=True)[1]
    step = 2 * _HEIGHT / max(int(counts.max()), 20)
    for own in np.unique(bins):
        members = np.flatnonzero(bins == own)
        order = np.arange(members.size)
        heights[members] = (order + 1) // 2 * np.where(order % 2, 1, -1) * step
    return heights


def _ranks_of_numbers(values: NDArray[Any]) -> NDArray[np.float64] | None:
    """Shares of smaller values, from 0 to 1, of a column of numbers; None of others."""
    try:
        numbers = values.astype(np.float64)
    except (TypeError, ValueError):
        return None
    known = np.sort(numbers[~np.isnan(numbers)])
    if known.size < 2:
        return None
    low, high = (np.searchsorted(known, numbers, side) for side in ("left", "right"))
    ranks: NDArray[np.float64] = (low + high - 1) / 2 / (known.size - 1)
    ranks[np.isnan(numbers)] = 0.5
    return ranks.clip(0, 1)
