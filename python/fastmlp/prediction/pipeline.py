"""Pipeline: the steps of a prediction, from the raw row to the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from fastmlp.prediction.conformal import (
    SEVERAL_LABELS,
    Conformal,
    PredictionIntervals,
    PredictionSets,
    check_coverage,
)
from fastmlp.prediction.decoders import (
    Decoder,
    RegressionDecoder,
    has_several_labels,
    std_of,
)
from fastmlp.prediction.linear_part import LinearPart
from fastmlp.prediction.link import Link
from fastmlp.prediction.rounded_weights import (
    RoundedWeights,
    SmallDtype,
    check_small_dtype,
    with_rounded_weights,
)

if TYPE_CHECKING:
    from fastmlp.networks.layers import Dense, Layer
    from fastmlp.table.rows import Table
    from fastmlp.table.scaling import Scaling
    from fastmlp.table.sparse_encoder import Encoder
    from fastmlp.table.training_range import TrainingRange


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A network after training.

    Parameters
    ----------
    layers : tuple of Dense, Dropout, Scale and Embedding
        Dropout does nothing in predictions.
    parameters : tuple of ndarray and RoundedWeights
        In the order of `fastmlp.Network.parameters`; arrays are of the type that the network
        computes in.
    """

    layers: tuple[Layer, ...]
    parameters: tuple[NDArray[Any] | RoundedWeights, ...]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type that the network computes in."""
        bias_or_slopes = cast("NDArray[Any]", self.parameters[-1])  # which are never rounded
        return bias_or_slopes.dtype

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """The parameters as arrays of the type that the network computes in."""
        return tuple(
            one.as_floats(self.dtype) if isinstance(one, RoundedWeights) else one
            for one in self.parameters
        )

    @property
    def n_outputs(self) -> int:
        """Units of the last layer."""
        return cast("Dense", self.layers[-1]).outputs


@dataclass(frozen=True, eq=False)
class Pipeline:
    """Everything that a prediction needs, and nothing of training. Immutable.

    A raw row is encoded; with a linear part its numbers are clipped to the training range. It is
    then scaled and goes through each network. What the linear part adds is added to their raw
    outputs, the inverse link follows, the weighted mean over networks, and the decoder.

    Parameters
    ----------
    encoder : Encoder
        From raw rows to numbers.
    scaling : Scaling or None
        From encoded numbers to those that networks read; None: they read them as they are.
    networks : tuple of TrainedNetwork
    weights : ndarray of shape (n_networks,)
        Add up to 1.
    link : Link
    decoder : Decoder
        From outputs after the inverse link to predictions.
    training_range : TrainingRange or None
        Range of the columns of numbers in training; None: it is not known.
    linear : LinearPart or None
    conformal : PredictionIntervals, PredictionSets or None
        Makes intervals or sets of classes; None: not calibrated.
    target_names, output_names : tuple of str or None
        Names of the targets, and of the columns of predictions: the same, or quantiles; None: they
        have none.
    """

    encoder: Encoder
    scaling: Scaling | None
    networks: tuple[TrainedNetwork, ...]
    weights: NDArray[np.float64]
    link: Link
    decoder: Decoder
    training_range: TrainingRange | None = None
    linear: LinearPart | None = None
    conformal: Conformal | None = None
    target_names: tuple[str, ...] | None = None
    output_names: tuple[str, ...] | None = None

    @property
    def counted(self) -> Pipeline:
        """The pipeline without networks of weight 0."""
        counted = np.flatnonzero(self.weights).tolist()
        networks = tuple(self.networks[i] for i in counted)
        return replace(self, networks=networks, weights=self.weights[counted])

    def rounded(self, dtype: SmallDtype | None) -> Pipeline:
        """The pipeline with weights in fewer bytes; None: with those that it has."""
        check_small_dtype(dtype)
        if dtype is None:
            return self
        networks = tuple(with_rounded_weights(network, dtype) for network in self.networks)
        return replace(self, networks=networks)

    @property
    def n_outputs(self) -> int:
        """Outputs of each network."""
        return self.networks[0].n_outputs

    def predict(
        self, table: Table, mean_outputs: Callable[[Table, NDArray[Any] | None], NDArray[Any]]
    ) -> NDArray[np.float64]:
        """Predict the rows of an encoded table: numbers, or calibrated probabilities.

        Parameters
        ----------
        table : ndarray or csr_array of shape (n_rows, n_encoded)
        mean_outputs : callable
            ``mean_outputs(table, offset)`` computes the weighted mean over networks, for an offset
            of their raw outputs or None.
        """
        return self.predict_with_std(table, mean_outputs)[0]

    def predict_with_std(
        self, table: Table, mean_outputs: Callable[[Table, NDArray[Any] | None], NDArray[Any]]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """The same, and the standard deviations of numbers, if these were learnt."""
        table, offset, beyond = self.split(table)
        outputs = mean_outputs(table, offset)
        return self.decoder.decode(outputs, beyond), std_of(self.decoder, outputs)

    def split(self, table: Table) -> tuple[Table, NDArray[Any] | None, NDArray[np.float64] | None]:
        """What networks read of an encoded table, and what the linear part adds.

        With a linear part the table is clipped to the training range. Then come what is added to
        raw outputs (n_rows, n_network_outputs), and how much of it lies beyond the range.
        """
        if self.linear is None:
            return table, None, None
        if self.training_range is None:
            raise ValueError("a linear part needs the training range")
        table, offset, beyond = self.linear.split(table, self.training_range)
        raw = self.decoder.raw_offset(offset, self.n_outputs, self.networks[0].dtype)
        return table, raw, beyond

    def check_conformal(self, coverage: Any) -> None:
        """Raise if there are no intervals, or sets of classes, of this coverage."""
        check_coverage(coverage)
        if has_several_labels(self.decoder):
            raise ValueError(SEVERAL_LABELS)
        if self.conformal is None:
            raise ValueError(
                "the model has no calibration rows that its networks were not trained on: its fit "
                "held out none (early_stopping=False, federated or distilled), it was trained "
                "further on other rows (partial_fit, warm_start), or networks were left out later. "
                "Call conformalize(X, y) with such rows, or fit with early_stopping=True or X_val"
            )

    def intervals(
        self,
        predicted: NDArray[np.float64],
        std: NDArray[np.float64] | None,
        coverage: float,
        groups: Any,
    ) -> NDArray[np.float64]:
        """Intervals of predictions, (n_rows, 2) or (n_rows, n_outputs, 2)."""
        conformal = cast("PredictionIntervals", self.conformal)
        n_rows = len(predicted)
        size = None if std is None else std.reshape(n_rows, -1)
        intervals = conformal.of(predicted.reshape(n_rows, -1), coverage, groups, size)
        if self.link.name == "exponential":  # of numbers that are not negative
            intervals = np.maximum(intervals, 0)
        one_dimensional = cast("RegressionDecoder", self.decoder).one_dimensional
        return intervals[:, 0] if one_dimensional else intervals

    def sets(
        self,
        probabilities: NDArray[np.float64],
        coverage: float,
        groups: Any,
        *,
        class_conditional: bool,
    ) -> NDArray[np.bool_]:
        """Which classes are in the set of each row, (n_rows, n_classes)."""
        conformal = cast("PredictionSets", self.conformal)
        return conformal.of(probabilities, coverage, groups, class_conditional=class_conditional)
