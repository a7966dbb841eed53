"""LossCurveDisplay: a plot with the API of scikit-learn's displays."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from fastmlp.ensemble.evaluation import VALIDATION
from fastmlp.ensemble.history import mean_curve
from fastmlp.inspection.axes import axes_or_new
from fastmlp.tasks.metrics import LOSS

_LOGARITHMIC_FROM = 10.0  # ratio of the largest to the least loss


class LossCurveDisplay:
    """Losses, or one metric, over epochs: of the training rows, validation rows and sets of
    `eval_set`.

    Build it with :meth:`from_estimator`.

    Parameters
    ----------
    loss_curves : sequence of array-like of shape (n_epochs,)
        Training loss of each network after each epoch. Of several networks the mean is a line and
        the range a band. The axis is logarithmic if losses differ tenfold.
    validation_curves : sequence of array-like of shape (n_epochs,), default=()
        Validation loss of each network after each epoch, or a metric.
    eval_curves : mapping of str to sequence of array-like, default=None
        The same for further rows, by their names.
    best_iteration : int or None, default=None
        The epoch (from 1) whose weights were kept.
    first_epoch : int, default=1
        Epoch that the curves begin with: after further training they may lack the first epochs.
    ylabel : str, default="Loss"
        What the curves show.
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
        eval_curves: Mapping[str, Sequence[Sequence[float]]] | None = None,
        best_iteration: int | None = None,
        first_epoch: int = 1,
        ylabel: str = "Loss",
        estimator_name: str | None = None,
    ) -> None:
        self.loss_curves = loss_curves
        self.validation_curves = validation_curves
        self.eval_curves = eval_curves
        self.best_iteration = best_iteration
        self.first_epoch = first_epoch
        self.ylabel = ylabel
        self.estimator_name = estimator_name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        metric: str = LOSS,
        ax: Any = None,
        name: str | None = None,
        **line_kw: Any,
    ) -> "LossCurveDisplay":
        """Plot the loss curves of a fitted estimator, or those of one metric.

        Parameters
        ----------
        estimator : Regressor, Classifier or a Pipeline that ends in one
            Fitted.
        metric : str, default="loss"
            What to plot: "loss", or a name of `evals_result_`, which has no values for training
            rows.
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
        ValueError
            If `metric` was not measured.
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
        >>> X, y = load_diabetes(return_X_y=True)
        >>> model = Regressor(max_iter=20, eval_metric="r2", random_state=0)
        >>> model = model.fit(X[:400], y[:400], eval_set=[("test", X[400:], y[400:])])
        >>> display = LossCurveDisplay.from_estimator(model)
        >>> [line.get_label() for line in display.lines_]
        ['training', 'validation', 'test']
        >>> display = LossCurveDisplay.from_estimator(model, metric="r2")
        >>> [line.get_label() for line in display.lines_]
        ['validation', 'test']
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
        measured = model.eval_curves
        curves = {
            rows: own for (rows, measure), own in measured.items() if measure == metric and own
        }
        if metric != LOSS and not curves:
            known = list(dict.fromkeys([LOSS, *(measure for _, measure in measured)]))
            raise ValueError(f"metric must be one of {known}, which were measured; got {metric!r}")
        of_training = model.curves(lambda history: history.loss_curve) if metric == LOSS else []
        return cls(
            loss_curves=[curve for curve in of_training if curve],
            validation_curves=curves.pop(VALIDATION, ()),
            eval_curves=curves,
            best_iteration=estimator.best_iteration_,
            first_epoch=estimator.n_iter_ - len(estimator.loss_curve_) + 1,
            ylabel="Loss" if metric == LOSS else metric,
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
        ax = axes_or_new(ax, type(self).__name__)
        self.lines_, self.bands_ = [], []
        others = self.eval_curves or {}
        every = {"training": self.loss_curves, "validation": self.validation_curves, **others}
        for label, curves in every.items():
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
        values = np.concatenate(list(chain.from_iterable(every.values())))
        if values.min() > 0 and values.max() > _LOGARITHMIC_FROM * values.min():
            ax.set_yscale("log")
        if self.best_iteration is not None:
            ax.axvline(self.best_iteration, color="gray", linestyle=":", linewidth=1)
        ax.set(xlabel="Epoch", ylabel=self.ylabel, title=self.estimator_name)
        ax.legend()
        self.ax_ = ax
        self.figure_ = ax.figure
        return self
