"""What the ensemble needs to know about targets; regression and classification implement it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import DataConversionWarning
from sklearn.utils import column_or_1d

from fastmlp._user_warnings import warn
from fastmlp.networks import Network
from fastmlp.prediction.decoders import Decoder
from fastmlp.prediction.link import Link
from fastmlp.tasks.metrics import Metric

if TYPE_CHECKING:
    from typing import Self


class Task(ABC):
    """Targets of a model: how they are encoded, scaled, predicted, scored. Immutable.

    *Targets* are the encoded true values: numbers (n_rows, n_outputs), or class numbers (n_rows,).
    *Outputs* are a network's, after the inverse link: (n_rows, n_network_outputs). Methods that
    learn something return a new task.
    """

    n_outputs: int
    target_names: tuple[str, ...] | None

    @property
    def output_names(self) -> tuple[str, ...] | None:
        """Names of the columns of predictions, if they have names: those of y's columns."""
        return self.target_names

    def with_target_names(self, names: tuple[str, ...] | None) -> Self:
        """The task of targets with these names, or without any."""
        named: Self = replace(cast(Any, self), target_names=names)
        return named

    # ---- what the networks learn

    @property
    @abstractmethod
    def link(self) -> Link:
        """What lies between raw outputs and outputs."""

    @property
    def n_network_outputs(self) -> int:
        """Units of the output layer."""
        return self.n_outputs

    @property
    @abstractmethod
    def loss_options(self) -> dict[str, Any]:
        """The engine's option "loss", and those parameters of the loss that it has."""

    @property
    def penalty_factor(self) -> float:
        """The engine's loss as a multiple of scikit-learn's, which `alpha` is relative to."""
        return 1.0

    def initialise_output(
        self,
        network: Network,
        targets: NDArray[Any],
        weights: NDArray[Any] | None,
        offset: NDArray[np.float64] | None,
    ) -> None:
        """Give the output layer of a new network initial values that suit the targets."""
        return  # the network's own initial values do

    def restart_output(
        self,
        network: Network,
        before: Task,
        targets: NDArray[Any],
        weights: NDArray[Any] | None,
        offset: NDArray[np.float64] | None,
    ) -> None:
        """Set outputs again that had no targets to start from, such as counts that were all 0.

        Parameters
        ----------
        before : Task
            The task before `going_on_with` these targets.
        """
        return

    # ---- targets

    @abstractmethod
    def encode(self, y: NDArray[Any], dtype: np.dtype[Any], name: str = "y") -> NDArray[Any]:
        """Check y and turn it into targets.

        Raises
        ------
        ValueError, TypeError
            If y does not fit what the task was learnt from.
        """

    def balanced_by(self, y: NDArray[Any], sample_weight: NDArray[Any] | None) -> Task:
        """Learn balanced weights of the classes from the training rows, if they are requested."""
        return self

    def class_weights(self, y: NDArray[Any]) -> NDArray[np.float64] | None:
        """Weight of each row by its class; None if all are equal."""
        return None

    def strata(self, targets: NDArray[Any]) -> NDArray[Any] | None:
        """Class numbers (n_rows,) whose proportions a split should keep, if there are any."""
        return None

    def scaled_to(
        self,
        targets: NDArray[Any],
        rows: NDArray[Any] | None,
        weights: NDArray[Any] | None,
        offset: NDArray[np.float64] | None,
    ) -> Task:
        """Learn the scale of the targets, less their offset, from some rows (None: all)."""
        return self

    def with_range_of(self, targets: NDArray[Any], weights: NDArray[Any] | None) -> Task:
        """Widen the range of predictions to that of the targets."""
        return self

    def going_on_with(
        self,
        targets: NDArray[Any],
        weights: NDArray[Any] | None,
        offset: NDArray[np.float64] | None,
    ) -> Task:
        """Learn what the targets of rows that come later add to what is known."""
        return self

    def scale(self, targets: NDArray[Any], dtype: np.dtype[Any], name: str = "y") -> NDArray[Any]:
        """Targets on the scale that the networks learn them on."""
        return targets

    @abstractmethod
    def shown_error(self, loss: float) -> tuple[str, float]:
        """Name and value of the error that stands for a validation loss in progress bars."""

    # ---- the linear part

    @property
    def linear_share(self) -> float:
        """Share of a linear model that is added to the networks inside the training range.

        None of a linear model of classes: where these are nearly separable, networks would have to
        undo large logits.
        """
        return 0.0

    @abstractmethod
    def linear_targets(self, targets: NDArray[Any]) -> NDArray[np.float64]:
        """Targets (n_rows, n_outputs) of a linear model of the raw outputs."""

    def raw_offset(
        self, offset: NDArray[np.float64] | None, dtype: np.dtype[Any]
    ) -> NDArray[Any] | None:
        """A linear model's values as what the engine adds to the networks' raw outputs."""
        if offset is None:
            return None
        return self.decoder.raw_offset(offset, self.n_network_outputs, dtype)

    # ---- predictions

    @property
    @abstractmethod
    def decoder(self) -> Decoder:
        """What makes predictions of outputs."""

    def decode(
        self, outputs: NDArray[Any], beyond: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """Outputs as predictions: numbers in the target's unit, or calibrated probabilities.

        Parameters
        ----------
        outputs : ndarray of shape (n_rows, n_network_outputs)
        beyond : ndarray of shape (n_rows, n_outputs) or None
            What the linear part adds beyond the training range; limits of predictions move by it.
            None: not known, which lifts them.
        """
        return self.decoder.decode(outputs, beyond)

    @abstractmethod
    def loss(
        self, outputs: NDArray[Any], targets: NDArray[Any], weights: NDArray[Any] | None
    ) -> float:
        """The mean loss of outputs, before calibration."""

    @abstractmethod
    def score(
        self, outputs: NDArray[Any], targets: NDArray[Any], weights: NDArray[Any] | None
    ) -> float:
        """Score of outputs, of which greater is better; importances are measured by it."""

    @abstractmethod
    def score_of(self, y: Any, predicted: NDArray[Any], weights: Any) -> float:
        """What the estimator's `score` says of predictions, as `predict` returns them."""

    @abstractmethod
    def metric(
        self, eval_metric: Any, targets: NDArray[Any], weights: NDArray[Any] | None
    ) -> Metric:
        """Build a function of raw outputs for these validation rows from `eval_metric`."""

    def lacks_classes(self, targets: NDArray[Any]) -> bool:
        """Whether the targets of some rows lack a class of the training table."""
        return False

    def calibrates(self, *, by_whole_model: bool) -> bool:
        """Whether to calibrate on held-out rows.

        These are predicted `by_whole_model`, or only by the networks that they were held out from.
        """
        return False

    def calibrated(
        self, outputs: NDArray[Any], targets: NDArray[Any], weights: NDArray[Any] | None
    ) -> Task:
        """Learn the calibration from outputs for held-out rows."""
        return self


def as_1d(y: ArrayLike, name: str = "y") -> NDArray[Any]:
    """Return y as an array of shape (n_rows,); a single column is converted with a warning."""
    shape = np.shape(y)
    if len(shape) == 2 and shape[1] == 1:
        warn(
            f"A column-vector {name} was passed when a 1d array was expected. Please change the "
            f"shape of {name} to (n_samples, ), for example using ravel().",
            DataConversionWarning,
        )
    flat: NDArray[Any] = column_or_1d(y)
    return flat
