"""LossCurveDisplay: a plot with the API of scikit-learn's displays."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from fastmlp.ensemble.history import mean_curve

_LOGARITHMIC_FROM = 10.0  # ratio of the largest to the least loss


class LossCurveDisplay:
    """Training and validation loss over epochs.

    Build it with :meth:`from_estimator`.

    Parameters
    ----------
    loss_curves : sequence of array-like of shape (n_epochs,)
        Training loss of each network after each epoch. Of several networks the mean is a line and
        the range a band. The axis is logarithmic if losses differ tenfold.
    validation_curves : sequence of array-like of shape (n_epochs,), default=()
        Validation loss of each network after each epoch.
    best_iteration : int or None, default=None
        The epoch (from 1) whose weights were kept.
    first_epoch : int, default=1
        Epoch that the curves begin with: of a model that went on, they lack its first epochs.
    estimator_name : str or None, default=None
        Title of the plot.

    Attributes
    ----------
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure
    lines_ : list of matplotlib Line2D
        The curves.
    bands_ : list of matplotlib PolyCollection
        The ranges over networks; empty for a single one.
    """

    def __init__(
        self,
        *,
        loss_curves: Sequence[Sequence[float]],
        validation_curves: Sequence[Sequence[float]] = (),
        best_iteration: int | None = None,
        first_epoch: int = 1,
        estimator_name: str | None = None,
    ) -> None:
        self.loss_curves = loss_curves
        self.validation_curves = validation_curves
        self.best_iteration = best_iteration
        self.first_epoch = first_epoch
        self.estimator_name = estimator_name

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, ax: Any = None, name: str | None = None, **line_kw: Any
    ) -> "LossCurveDisplay":
        """Plot the loss curves of a fitted estimator.

        Parameters
        ----------
        estimator : Regressor, Classifier or a Pipeline that ends in one
            Fitted.
        ax : matplotlib Axes, default=None
            Axes to draw on; None makes new ones.
        name : str, default=None
            Title; None is the estimator's class.
        **line_kw : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        LossCurveDisplay

        Raises
        ------
        TypeError
            If `estimator` is something else.
        sklearn.exceptions.NotFittedError
            If it is not fitted.
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> from sklearn.datasets import load_diabetes
        >>> from fastmlp import LossCurveDisplay, Regressor
        >>> model = Regressor(max_iter=20, random_state=0).fit(*load_diabetes(return_X_y=True))
        >>> display = LossCurveDisplay.from_estimator(model)
        >>> [line.get_label() for line in display.lines_]
        ['training', 'validation']
        """
        if hasattr(estimator, "steps"):  # a Pipeline: its last step is what was trained
            estimator = estimator[-1]
        if not hasattr(type(estimator), "validation_curve_"):
            raise TypeError(
                "estimator must be a fastmlp Regressor or Classifier, or a Pipeline that ends in "
                f"one; got {type(estimator).__name__}"
            )
        check_is_fitted(estimator)
        model = estimator._model
        validation_curves = model.curves(lambda history: history.validation_curve)
        return cls(
            loss_curves=[c for c in model.curves(lambda history: history.loss_curve) if c],
            validation_curves=[curve for curve in validation_curves if curve],
            best_iteration=estimator.best_iteration_,
            first_epoch=estimator.n_iter_ - len(estimator.loss_curve_) + 1,
            estimator_name=type(estimator).__name__ if name is None else name,
        ).plot(ax=ax, **line_kw)

    def plot(self, *, ax: Any = None, **line_kw: Any) -> "LossCurveDisplay":
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
        **line_kw : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        LossCurveDisplay

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        try:
            import matplotlib.pyplot as plt
        except ImportError as error:
            raise ImportError(
                "LossCurveDisplay needs matplotlib: pip install 'fastmlp[plot]'"
            ) from error
        if ax is None:
            _, ax = plt.subplots()
        self.lines_, self.bands_ = [], []
        for label, curves in (
            ("training", self.loss_curves),
            ("validation", self.validation_curves),
        ):
            if not curves:
                continue
            epochs = self.first_epoch + np.arange(max(map(len, curves)))
            [line] = ax.plot(epochs, mean_curve(curves), **{"label": label, **line_kw})
            self.lines_.append(line)
            if len(curves) > 1:
                of_networks = np.full((len(curves), epochs.size), np.nan)
                for row, curve in zip(of_networks, curves, strict=True):
                    row[: len(curve)] = curve
                low, high = np.nanmin(of_networks, axis=0), np.nanmax(of_networks, axis=0)
                band = ax.fill_between(epochs, low, high, color=line.get_color(), alpha=0.2)
                self.bands_.append(band)
        losses = np.concatenate([*self.loss_curves, *self.validation_curves])
        if losses.min() > 0 and losses.max() > _LOGARITHMIC_FROM * losses.min():
            ax.set_yscale("log")
        if self.best_iteration is not None:
            ax.axvline(self.best_iteration, color="gray", linestyle=":", linewidth=1)
        ax.set(xlabel="Epoch", ylabel="Loss", title=self.estimator_name)
        ax.legend()
        self.ax_ = ax
        self.figure_ = ax.figure
        return self
