"""The plot of `fastmlp train`: loss curves, and held-out predictions against the truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.calibration import calibration_curve

from fastmlp.inspection.loss_curve_display import LossCurveDisplay

_MANY = 5000  # rows from which on a plot shows how many there are at each place
_MOST_TARGETS = 3  # that are shown
_BINS = 10


def picture(model: Any, targets: Sequence[str], y: NDArray[Any], outputs: NDArray[Any]) -> Any:
    """Draw the loss curves, and what a reader should compare.

    For numbers that is predicted against true ones, for classes how often the predicted class is
    right, by its probability.

    Parameters
    ----------
    model : Regressor or Classifier
        Fitted.
    targets : sequence of str
        Their names.
    y : ndarray of shape (n_rows,) or (n_rows, n_targets)
        Targets of the held-out rows; without rows that part of the picture is left out.
    outputs : ndarray
        Predicted numbers or probabilities.

    Returns
    -------
    matplotlib Figure
    """
    from matplotlib.figure import Figure

    shown = targets[:_MOST_TARGETS] if len(y) else []
    figure = Figure(figsize=(5 * (1 + len(shown)), 4.5), layout="constrained")
    first, *others = figure.subplots(1, 1 + len(shown), squeeze=False)[0]
    LossCurveDisplay.from_estimator(model, ax=first)
    for k, (name, ax) in enumerate(zip(shown, others, strict=True)):
        several = y.ndim == 2
        true = y[:, k] if several else y
        if not is_classifier(model):
            _draw_numbers(ax, name, true, outputs[:, k] if several else outputs)
        elif several:
            _draw_reliability(ax, name, true == 1, outputs[:, k])
        elif len(model.classes_) == 2:
            label = model.classes_[1]
            _draw_reliability(ax, f"{name} = {label}", true == label, outputs[:, 1])
        else:
            right = true == model.classes_[outputs.argmax(axis=1)]
            _draw_reliability(ax, f"{name}, most probable class", right, outputs.max(axis=1))
    return figure


def _draw_numbers(ax: Any, name: str, true: NDArray[Any], predicted: NDArray[Any]) -> None:
    if predicted.ndim == 2:  # quantiles: the lowest and the highest
        for k, of_line in ((0, "lowest quantile"), (-1, "highest quantile")):
            ax.plot(true, predicted[:, k], ".", markersize=2, label=of_line)
        ax.legend()
    elif len(true) > _MANY:
        ax.hexbin(true, predicted, gridsize=60, bins="log", mincnt=1, linewidths=0)
    else:
        ax.plot(true, predicted, ".", markersize=3)
    ends = [true.min(), true.max()]
    ax.plot(ends, ends, color="gray", linestyle=":", linewidth=1)
    ax.set(xlabel="True", ylabel="Predicted", title=f"{name}, held-out rows")


def _draw_reliability(
    ax: Any, name: str, happened: NDArray[np.bool_], probability: NDArray[Any]
) -> None:
    share, mean = calibration_curve(happened, probability, n_bins=_BINS, strategy="quantile")
    ax.plot([0, 1], [0, 1], color="gray", linestyle=":", linewidth=1)
    ax.plot(mean, share, "o-", markersize=4)
    ax.set(xlabel="Predicted probability", ylabel="Share of rows", title=f"{name}, held-out rows")
