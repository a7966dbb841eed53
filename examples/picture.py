"""A picture of a fitted model: what it predicts, what it looks at, how it was trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from csv_table import InputError, Split
from numpy.typing import NDArray
from sklearn.inspection import permutation_importance
from sklearn.metrics import ConfusionMatrixDisplay

from fastmlp import LossCurveDisplay

MOST_CLASSES = 20  # a confusion matrix of more cannot be read
MOST_COLUMNS = 15
IMPORTANCE_ROWS = 1000


def draw(model: Any, split: Split, predicted: NDArray[Any], path: Path) -> None:
    """Draw predictions against the truth, importances and loss curves to a file."""
    try:
        import matplotlib as mpl
    except ImportError:
        print("No picture: matplotlib is not installed (pip install matplotlib)")
        return
    mpl.use("Agg")  # draws to files, without a screen
    import matplotlib.pyplot as plt

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(15, 4.5), layout="constrained")
    if hasattr(model, "classes_"):
        draw_classes(split.y_test, predicted, left)
    else:
        draw_numbers(split.y_test, predicted, left)
    draw_importances(model, split, middle)
    LossCurveDisplay.from_estimator(model, ax=right, name="Loss while training")
    plt.close(figure)
    save(figure, path)


def save(figure: Any, path: Path) -> None:
    """Write a figure to a file, whose suffix says in which format."""
    try:
        figure.savefig(path, dpi=120)
    except (OSError, ValueError) as error:
        raise InputError(f"cannot write the picture: {error}") from error
    print(f"Picture: {path}")


def draw_numbers(true: pd.Series, predicted: NDArray[Any], axes: Any) -> None:
    """Draw predicted against true numbers, which are equal on the line."""
    axes.axline((true.mean(), true.mean()), slope=1, color="gray", linewidth=1)
    axes.scatter(true, predicted, s=6, alpha=0.3, linewidths=0)
    axes.locator_params(axis="x", nbins=6)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:,g}")
    axes.set(xlabel=f"true {true.name}", ylabel="predicted", title="Test rows")


def draw_classes(true: pd.Series, predicted: NDArray[Any], axes: Any) -> None:
    """Draw how many rows of each class are predicted to be of which class."""
    most = true.value_counts().index[:MOST_CLASSES]
    shown = true.isin(most).to_numpy() & np.isin(predicted, most)
    ConfusionMatrixDisplay.from_predictions(
        true[shown].astype(str),
        predicted[shown].astype(str),
        ax=axes,
        cmap="Blues",
        colorbar=False,
        xticks_rotation="vertical",
    )
    axes.set(xlabel="predicted", ylabel=f"true {true.name}", title="Test rows")


def draw_importances(model: Any, split: Split, axes: Any) -> None:
    """Draw by how much the score falls if a column is shuffled."""
    rows = slice(IMPORTANCE_ROWS)
    falls = permutation_importance(
        model, split.X_test[rows], split.y_test[rows], n_repeats=1, random_state=0
    )
    columns = split.X_test.columns.astype(str)
    largest = pd.Series(falls.importances_mean, columns).sort_values()[-MOST_COLUMNS:]
    axes.barh(largest.index, largest)
    score = "accuracy" if hasattr(model, "classes_") else "R2"
    axes.set(xlabel=f"fall of {score} if the column is shuffled", title="Importances")
