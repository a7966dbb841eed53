"""Several classifications of each row: one class for each output."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import issparse
from sklearn.utils.multiclass import type_of_target

from fastmlp.prediction.decoders import MultioutputDecoder, joined
from fastmlp.prediction.link import Link
from fastmlp.table.labels import is_missing
from fastmlp.table.text import quoted_few
from fastmlp.tasks.calibration import calibrates, fit_temperature
from fastmlp.tasks.class_weights import ClassWeight, balanced_weights, weights_of_classes
from fastmlp.tasks.inverse_links import apply_inverse_link
from fastmlp.tasks.losses import ClassificationLoss, log_loss
from fastmlp.tasks.metrics import Metric, metric_of
from fastmlp.tasks.task import Task

_UNKNOWN = -1  # the class number of a label that is missing


@dataclass(frozen=True, eq=False)
class MultioutputClassificationTask(Task):
    """Targets that are several classes each. Build it with :meth:`learn`.

    Networks have a softmax for each output, side by side. Targets are class numbers
    (n_rows, n_outputs), -1 for labels that are missing.

    Parameters
    ----------
    classes : tuple of ndarray
        The labels of each output in ascending order.
    training_loss : ClassificationLoss
        Its mean over outputs is minimised.
    class_weight : list of dict, "balanced" or None
        As the estimator's parameter; see `balanced_by`.
    calibrate : bool or "auto"
        "auto": only where the whole model predicts the held-out rows, and with the focal loss.
    temperatures : tuple of float
        What divides the logits of each output's predictions.
    target_names : tuple of str or None, default=None
        Names of the columns of y.
    """

    classes: tuple[NDArray[Any], ...]
    training_loss: ClassificationLoss
    class_weight: ClassWeight
    calibrate: bool | Literal["auto"]
    temperatures: tuple[float, ...]
    target_names: tuple[str, ...] | None = None

    @classmethod
    def learn(
        cls,
        y: NDArray[Any],
        *,
        classes: Any = None,
        training_loss: ClassificationLoss,
        cost_matrix: Any = None,
        order: Any = None,
        **options: Any,
    ) -> tuple[MultioutputClassificationTask, NDArray[Any]]:
        """Learn the classes of each column of y, or take those given; returns task and targets.

        Parameters
        ----------
        y : ndarray of shape (n_rows, n_outputs)
        classes : list of array-like or None, default=None
            The labels of each column.
        cost_matrix, order : None
            Those of a single classification.
        **options
            Other parameters.
        """
        _check_single(training_loss, cost_matrix)
        known = [_typed(_distinct(own[~_missing(own)], k, "y")[0]) for k, own in enumerate(y.T)]
        if classes is not None:
            known = _announced(classes, y)
        for k, labels in enumerate(known):
            if labels.size < 2:
                raise ValueError(
                    f"y must have at least two classes in each column; column {k} has "
                    f"{labels.size}: {quoted_few(labels.tolist())}"
                )
        ones = (1.0,) * len(known)
        task = cls(tuple(known), training_loss, temperatures=ones, **options)
        return task, task.encode(y, np.dtype(np.int32))

    def continued(
        self,
        classes: Any,
        class_order: Any,
        order: Any,
        *,
        training_loss: ClassificationLoss,
        cost_matrix: Any,
        **options: Any,
    ) -> MultioutputClassificationTask:
        """The task with other parameters, for further training of its networks.

        The classes of several columns of labels have no order.
        """
        _check_single(training_loss, cost_matrix)
        if classes is not None and not (
            len(classes) == len(self.classes)
            and all(map(np.array_equal, map(np.unique, classes), self.classes))
        ):
            raise ValueError(
                f"classes must be those of the first call, {list(self.classes)}; got {classes!r}"
            )
        ones = (1.0,) * len(self.classes)
        temperatures = self.temperatures if options["calibrate"] else ones
        return replace(self, temperatures=temperatures, training_loss=training_loss, **options)

    # ---- what the networks learn

    @property
    def n_outputs(self) -> int:  # type: ignore[override]
        """Columns of y."""
        return len(self.classes)

    @property
    def n_network_outputs(self) -> int:
        """Units of the output layer: one for each class of each output."""
        return sum(self.link.heads)

    @property
    def link(self) -> Link:
        """What lies between raw outputs and outputs."""
        return Link("softmax", tuple(own.size for own in self.classes))

    @property
    def loss_options(self) -> dict[str, Any]:
        """The engine's options of the loss."""
        return {**self.training_loss.for_engine(binary=False), "heads": [*self.link.heads]}

    # ---- targets

    def encode(self, y: NDArray[Any], dtype: np.dtype[Any], name: str = "y") -> NDArray[Any]:
        """Check y and turn it into class numbers (n_rows, n_outputs)."""
        if y.ndim != 2 or y.shape[1] != self.n_outputs:
            raise ValueError(
                f"{name} must have {self.n_outputs} columns of labels, as the model was fitted; "
                f"got shape {y.shape}"
            )
        codes = np.full(y.shape, _UNKNOWN, dtype=np.int32)
        for k, classes in enumerate(self.classes):
            known = ~_missing(y[:, k])
            labels, inverse = _distinct(y[known, k], k, name)
            code_of = {label: code for code, label in enumerate(classes.tolist())}
            if unknown := [label for label in labels.tolist() if label not in code_of]:
                raise ValueError(
                    f"{name} must only have the labels that the model was fitted with, in column "
                    f"{k} {quoted_few(classes.tolist())}; got {quoted_few(unknown)}"
                )
            own = np.array([code_of[label] for label in labels.tolist()], dtype=np.int32)
            codes[known, k] = own[inverse]
        if (empty := np.flatnonzero((codes < 0).all(axis=1))).size:
            raise ValueError(
                f"{name} must have at least one label in each row; row {empty[0]} has none. Leave "
                "out such rows"
            )
        return codes

    def balanced_by(
        self, y: NDArray[Any], sample_weight: NDArray[Any] | None
    ) -> MultioutputClassificationTask:
        """Learn what "balanced" stands for, so that all later rows are weighted alike."""
        if self.class_weight != "balanced":
            return self
        weights = []
        for column in y.T:
            known = ~_missing(column)
            own = None if sample_weight is None else sample_weight[known]
            weights.append(balanced_weights(column[known], own))
        return replace(self, class_weight=weights)

    def class_weights(self, y: NDArray[Any]) -> NDArray[np.float64] | None:
        """Weight of each row: the product of those of its known classes."""
        given = self.class_weight
        if given is None:
            return None
        if not isinstance(given, list | tuple) or len(given) != self.n_outputs:
            raise ValueError(
                "class_weight must be 'balanced' or a list of a dict for each of the "
                f"{self.n_outputs} columns of y; got {given!r}"
            )
        weights = np.ones(len(y))
        columns = zip(self.classes, given, self.encode(y, y.dtype).T, strict=True)
        for classes, weight_of, codes in columns:
            weights *= np.append(weights_of_classes(classes, weight_of), 1.0)[codes]
        return weights

    def shown_error(self, loss: float) -> tuple[str, float]:
        """The validation loss itself."""
        return self.training_loss.error_of(loss)

    # ---- the linear part

    def linear_targets(self, targets: NDArray[Any]) -> NDArray[np.float64]:
        """There are none."""
        raise ValueError("extrapolation='linear' is not supported for several outputs of classes")

    # ---- predictions

    @property
    def decoder(self) -> MultioutputDecoder:
        """What makes probabilities and labels of outputs."""
        return MultioutputDecoder(self.classes, self.temperatures)

    def _by_output(
        self, outputs: NDArray[Any], targets: NDArray[Any], weights: NDArray[Any] | None
    ) -> Iterator[tuple[NDArray[Any], NDArray[Any], NDArray[Any] | None]]:
        """Probabilities, class numbers and weights of the rows whose label is known."""
        by_output = zip(self.decoder.by_output(outputs), targets.T, strict=True)
        for probabilities, codes in by_output:
            known = codes != _UNKNOWN
            own = None if weights is None else weights[known]
            yield probabilities[known], codes[known], own

    def loss(
        self, outputs: NDArray[Any], targets: NDArray[Any], weights: NDArray[Any] | None
    ) -> float:
        """The mean training loss over all known labels, before calibration and smoothing."""
        return self._mean(self.training_loss.mean, outputs, targets, weights)

    def score(
        self, outputs: NDArray[Any], targets: NDArray[Any], weights: NDArray[Any] | None
    ) -> float:
        """The negative log loss."""
        return -self._mean(log_loss, outputs, targets, weights)

    def _mean(
        self,
        loss: Callable[[NDArray[Any], NDArray[Any], NDArray[Any] | None], float],
        outputs: NDArray[Any],
        targets: NDArray[Any],
        weights: NDArray[Any] | None,
    ) -> float:
        losses, counts = [], []
        for probabilities, codes, own in self._by_output(outputs, targets, weights):
            counts.append(float(len(codes) if own is None else own.sum()))
            losses.append(loss(probabilities, codes, own) if counts[-1] else 0.0)
        return float(np.average(losses, weights=counts))

    def score_of(self, y: Any, predicted: NDArray[Any], weights: Any) -> float:
        """The share of rows whose known labels are all right, of the rows that have any."""
        labels = np.asarray(y)
        if labels.shape != predicted.shape:
            raise ValueError(
                f"y must have shape {predicted.shape}, as the predictions; got {labels.shape}"
            )
        known = np.column_stack([~_missing(column) for column in labels.T])
        wrong = np.zeros(known.shape, dtype=bool)
        wrong[known] = labels[known] != predicted[known]
        counted = known.any(axis=1)
        if not counted.any():
            raise ValueError("y must have at least one label that is known")
        own = None if weights is None else np.asarray(weights)[counted]
        return float(np.average(~wrong[counted].any(axis=1), weights=own))

    def metric(
        self, eval_metric: Any, targets: NDArray[Any], weights: NDArray[Any] | None
    ) -> Metric:
        """Build a function of raw outputs for these validation rows from `eval_metric`."""

        def predict(outputs: NDArray[np.float64]) -> NDArray[Any]:
            return self.decoder.labels(apply_inverse_link(self.link, outputs))

        labels = [own[codes] for own, codes in zip(self.classes, targets.T, strict=True)]
        lacking = targets == _UNKNOWN
        if eval_metric == "accuracy":  # scikit-learn's does not take several columns
            known = joined(labels).astype(object)
            known[lacking] = None

            def accuracy(outputs: NDArray[np.float64]) -> tuple[float, float]:
                share = self.score_of(known, predict(outputs), weights)
                return share, -share

            return accuracy
        if isinstance(eval_metric, str):
            raise ValueError(
                f"eval_metric={eval_metric!r} is a scorer of scikit-learn for one column of "
                "labels; y has several. Pass 'accuracy' or a function metric(y_true, y_pred) of "
                "labels"
            )
        if lacking.any():
            raise ValueError(
                "eval_metric must be None or 'accuracy' where validation rows lack some of their "
                f"labels; got {eval_metric!r}"
            )
        return metric_of(eval_metric, joined(labels), weights, predict, None, None)

    def lacks_classes(self, targets: NDArray[Any]) -> bool:
        """Whether a column has a class that no row has."""
        return any(
            np.unique(codes[codes != _UNKNOWN]).size < own.size
            for codes, own in zip(targets.T, self.classes, strict=True)
        )

    # ---- calibration

    def calibrates(self, *, by_whole_model: bool) -> bool:
        """Whether to learn temperatures from held-out rows."""
        return calibrates(self.calibrate, self.training_loss, by_whole_model=by_whole_model)

    def calibrated(
        self, outputs: NDArray[Any], targets: NDArray[Any], weights: NDArray[Any] | None
    ) -> MultioutputClassificationTask:
        """Learn a temperature for each output."""
        temperatures = tuple(
            fit_temperature(probabilities, codes, own) if len(codes) else 1.0
            for probabilities, codes, own in self._by_output(outputs, targets, weights)
        )
        return replace(self, temperatures=temperatures)


def has_several_outputs(y: NDArray[Any]) -> bool:
    """Whether the columns of y are classes each, rather than labels that a row has or has not.

    scikit-learn calls that a multiclass-multioutput target. Labels may be missing.
    """
    if issparse(y) or y.ndim != 2 or y.shape[1] < 2:
        return False
    if y.dtype.kind in "OUST":
        return True
    known = np.where(np.isnan(y), np.nanmax(y), y) if y.dtype.kind == "f" else y
    is_finite = bool(np.isfinite(known).all())
    return is_finite and type_of_target(known) == "multiclass-multioutput"


def _check_single(training_loss: ClassificationLoss, cost_matrix: Any) -> None:
    """Raise for what a single classification can have alone."""
    if cost_matrix is not None:
        raise ValueError("cost_matrix must be None where y has several columns of labels")
    if training_loss.is_ordinal:
        raise ValueError("loss='ordinal' is for one label per row; y has several columns of labels")


def _missing(column: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether each label is missing."""
    if column.dtype.kind == "f":
        missing: NDArray[np.bool_] = np.isnan(column)
        return missing
    if column.dtype.kind != "O":
        return np.zeros(column.size, dtype=bool)
    return np.array([is_missing(label) for label in column.tolist()], dtype=bool)


def _distinct(labels: NDArray[Any], k: int, name: str) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """The different labels among those of column k of y, and which of them each one is."""
    try:
        return np.unique(labels, return_inverse=True)
    except TypeError:
        raise ValueError(
            f"{name} must hold labels of one type in each column; column {k} has several types"
        ) from None


def _typed(labels: NDArray[Any]) -> NDArray[Any]:
    """Labels in the type that their column has on its own; text is not changed."""
    typed: NDArray[Any] = np.array(labels.tolist())
    one_type = len(set(map(type, labels.tolist()))) == 1
    return typed if one_type and typed.dtype.kind in "biuf" else labels


def _announced(classes: Any, y: NDArray[Any]) -> list[NDArray[Any]]:
    """The classes of each output that were given."""
    given: list[ArrayLike] = list(classes)
    if len(given) != y.shape[1] or not all(np.ndim(own) == 1 for own in given):
        raise ValueError(
            f"classes must be a list of the labels of each of the {y.shape[1]} columns of y; got "
            f"{classes!r}"
        )
    return [np.unique(own) for own in given]
