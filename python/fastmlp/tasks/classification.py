"""Classification: one class for each row, or several independent labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import accuracy_score
from sklearn.utils import column_or_1d, compute_sample_weight

from fastmlp.prediction.decoders import ClassificationDecoder
from fastmlp.prediction.link import Link
from fastmlp.table.engine_array import engine_values
from fastmlp.table.rows import pieces
from fastmlp.table.text import quoted, quoted_few
from fastmlp.tasks.calibration import calibrates, fit_temperature
from fastmlp.tasks.class_labels import check_same_order, labels_of, ranks_of
from fastmlp.tasks.class_weights import (
    ClassWeight,
    balanced_weights,
    check_finite,
    weights_of_classes,
)
from fastmlp.tasks.inverse_links import apply_inverse_link
from fastmlp.tasks.losses import ClassificationLoss, log_loss
from fastmlp.tasks.metrics import Metric, metric_of
from fastmlp.tasks.task import Task


@dataclass(frozen=True, eq=False)
class ClassificationTask(Task):
    """Targets that are classes. Build it with :meth:`learn`.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        The labels in ascending order; column numbers for several labels per row.
    multilabel : bool
        Whether each column of y is an independent label.
    training_loss : ClassificationLoss
        What is minimised.
    class_weight : dict, "balanced", list of dict or None
        As the estimator's parameter; see `balanced_by`.
    calibrate : bool or "auto"
        "auto": only where the whole model predicts the held-out rows, and with the focal loss.
    temperature : float or ndarray of shape (n_labels,), default=1.0
        Divides the logits of predictions; with `multilabel` one for each label.
    cost_matrix : ndarray of shape (n_classes, n_classes) or None, default=None
        Cost of each prediction (column) where a class (row) is true.
    ranks : ndarray of shape (n_classes,) or None, default=None
        Place of each class in the order that 'ordinal' keeps; None: that of `classes`.
    target_names : tuple of str or None, default=None
        Names of the columns of y.
    """

    classes: NDArray[Any]
    multilabel: bool
    training_loss: ClassificationLoss
    class_weight: ClassWeight
    calibrate: bool | Literal["auto"]
    temperature: float | NDArray[np.float64] = 1.0
    cost_matrix: NDArray[np.float64] | None = None
    ranks: NDArray[np.intp] | None = None
    target_names: tuple[str, ...] | None = None

    @classmethod
    def learn(
        cls,
        y: NDArray[Any],
        dtype: np.dtype[Any],
        *,
        classes: ArrayLike | None = None,
        training_loss: ClassificationLoss,
        class_weight: ClassWeight,
        calibrate: bool | Literal["auto"],
        cost_matrix: NDArray[np.float64] | None = None,
        order: ArrayLike | None = None,
    ) -> tuple[ClassificationTask, NDArray[Any]]:
        """Learn the classes of y, or take those given; returns the task and y's targets.

        `order` are classes from the lowest to the highest, which only 'ordinal' asks for.
        """
        values, present, multilabel = labels_of(y, "y")
        known = present if classes is None else np.unique(column_or_1d(classes))
        if not multilabel and known.size < 2:
            name = "y" if classes is None else "classes"
            more = ". partial_fit takes all of them as classes=" if classes is None else ""
            raise ValueError(
                f"{name} must have at least two classes; the number of classes is "
                f"{known.size}: {quoted_few(known.tolist())}{more}"
            )
        if classes is not None and (unknown := present[~np.isin(present, known)]).size:
            raise ValueError(
                f"classes must hold all labels of y, including {quoted_few(unknown.tolist())}; got "
                f"{quoted_few(known.tolist())}"
            )
        task = cls(
            known,
            multilabel,
            training_loss,
            class_weight,
            calibrate,
            cost_matrix=cost_matrix,
            ranks=ranks_of(known, order) if training_loss.is_ordinal else None,
        )
        if multilabel and training_loss.is_ordinal:
            raise ValueError("loss='ordinal' is for one label per row; y has several")
        task.check_costs()
        return task, task._targets(values, present, multilabel, dtype, "y")

    def check_costs(self) -> None:
        """Raise if the cost matrix does not fit the classes."""
        costs, n = self.cost_matrix, self.classes.size
        if costs is None:
            return
        if self.multilabel:
            raise ValueError("cost_matrix must be None where there are several labels per row")
        if costs.shape != (n, n) or not np.isfinite(costs).all():
            raise ValueError(
                f"cost_matrix must hold {n} x {n} finite numbers, a row and a column for each of "
                f"the classes {quoted_few(self.classes.tolist())}; got {quoted(costs.tolist())}"
            )

    def continued(
        self,
        classes: ArrayLike | None,
        class_order: ArrayLike | None,
        order: Sequence[Any] | None,
        **options: Any,
    ) -> ClassificationTask:
        """The task with other parameters, for further training of its networks.

        Parameters
        ----------
        classes, class_order
            As they are given now.
        order : sequence or None
            The categories of this call's y, if these are in order.
        **options
            Other parameters.
        """
        if classes is not None:
            announced = np.unique(column_or_1d(classes))
            if not np.array_equal(announced, self.classes):
                raise ValueError(
                    f"classes must be those of the first call, {self.classes}; got {announced}"
                )
        temperature = self.temperature if options["calibrate"] else 1.0
        task = replace(self, temperature=temperature, **options)
        ranks = self.ranks
        if class_order is not None and task.training_loss.is_ordinal:
            ranks = ranks_of(self.classes, class_order)
        if (task.link, _as_list(ranks)) != (self.link, _as_list(self.ranks)):
            raise ValueError(
                f"loss and class_order cannot become {task.training_loss.name!r} and "
                f"{class_order!r} while training goes on: the outputs of the networks are made for "
                "the first ones"
            )
        if task.is_ordinal and class_order is None and order is not None:
            check_same_order(order, self.classes, ranks)
        task.check_costs()
        return task

    # ---- what the networks learn

    @property
    def n_outputs(self) -> int:  # type: ignore[override]
        """One for two classes, else one for each class or label."""
        size = self.classes.size
        return size if self.multilabel or size > 2 else 1

    @property
    def is_ordinal(self) -> bool:
        """Whether networks learn the steps from each class to the next; two classes have no order.

        That is the continuation-ratio model, a likelihood of classes in order: output k is the
        logit of being above class k if not below it (CORN: Shi, Cao & Raschka 2023,
        https://arxiv.org/abs/2111.08851).
        """
        return self.training_loss.is_ordinal and self.n_outputs > 1

    @property
    def n_network_outputs(self) -> int:
        """Units of the output layer: one for each output, or each step."""
        return self.n_outputs - self.is_ordinal

    @property
    def link(self) -> Link:
        """The function between raw outputs and outputs."""
        if self.is_ordinal:
            return Link("continuation_ratio")
        return Link("softmax" if self.n_outputs > 1 and not self.multilabel else "logistic")

    @property
    def loss_options(self) -> dict[str, Any]:
        """The engine's options of the loss."""
        return self.training_loss.for_engine(binary=self.link.name != "softmax")

    # ---- targets

    def encode(self, y: NDArray[Any], dtype: np.dtype[Any], name: str = "y") -> NDArray[Any]:
        """Check y and turn it into targets.

        Of several labels (n_rows, n_labels) zeros and ones, of two classes (n_rows, 1) zeros and
        ones, of more (n_rows,) class numbers.
        """
        return self._targets(*labels_of(y, name), dtype, name)

    def _targets(
        self,
        values: NDArray[Any],
        present: NDArray[Any],
        multilabel: bool,
        dtype: np.dtype[Any],
        name: str,
    ) -> NDArray[Any]:
        if multilabel != self.multilabel:
            expected = "several labels" if self.multilabel else "one label"
            raise ValueError(f"{name} must have {expected} per row, as the model was fitted")
        if (unknown := present[~np.isin(present, self.classes)]).size:
            raise ValueError(
                f"{name} must only have the labels that the model was fitted with, "
                f"{quoted_few(self.classes.tolist())}; got {quoted_few(unknown.tolist())}"
            )
        if multilabel:
            if values.shape[1] != self.n_outputs:
                raise ValueError(
                    f"{name} must have {self.n_outputs} columns; got {values.shape[1]}"
                )
            return engine_values(values, dtype)
        codes = np.searchsorted(self.classes, values)
        return codes.astype(dtype)[:, None] if self.classes.size == 2 else codes.astype(np.int32)

    def balanced_by(
        self, y: NDArray[Any], sample_weight: NDArray[Any] | None
    ) -> ClassificationTask:
        """Learn what "balanced" stands for, so that all later rows are weighted alike."""
        if self.class_weight != "balanced":
            return self
        if self.multilabel:
            columns = labels_of(y, "y")[0].T
            # A label that all or no rows have weighs 1 on rows of which it is otherwise.
            of_labels = [
                {0: 1.0, 1: 1.0} | balanced_weights(column, sample_weight) for column in columns
            ]
            return replace(self, class_weight=of_labels)
        return replace(self, class_weight=balanced_weights(column_or_1d(y), sample_weight))

    def class_weights(self, y: NDArray[Any]) -> NDArray[np.float64] | None:
        """Weight of each row by its class; classes that `class_weight` does not name weigh 1."""
        if self.class_weight is None:
            return None
        weights = self._class_weights(y)
        check_finite(weights, self.class_weight)
        return weights

    def _class_weights(self, y: NDArray[Any]) -> NDArray[np.float64]:
        if isinstance(self.class_weight, list) and not self.multilabel:
            raise ValueError(
                "class_weight can be a list only where there are several labels per row"
            )
        if self.multilabel:
            weights: NDArray[np.float64] = compute_sample_weight(self.class_weight, y)
            return weights
        labels = column_or_1d(y)
        by_class = weights_of_classes(self.classes, cast(Mapping[Any, float], self.class_weight))
        weights = np.empty(labels.size)
        for rows in pieces(labels):
            weights[rows] = by_class[np.searchsorted(self.classes, labels[rows])]
        return weights

    def scale(self, targets: NDArray[Any], dtype: np.dtype[Any], name: str = "y") -> NDArray[Any]:
        """Targets as networks learn them: ordered classes as steps.

        A step is 1 for a class above it, 0 for the class that ends there, and NaN for those below.
        """
        if not self.is_ordinal:
            return targets
        ranks = (targets if self.ranks is None else self.ranks[targets])[:, None]
        steps = np.arange(self.n_network_outputs)
        return np.where(ranks < steps, np.nan, ranks > steps).astype(dtype)

    def strata(self, targets: NDArray[Any]) -> NDArray[Any] | None:
        """Class numbers (n_rows,); None for several labels per row."""
        return None if self.multilabel else targets.ravel()

    def shown_error(self, loss: float) -> tuple[str, float]:
        """The validation loss itself."""
        return self.training_loss.error_of(loss)

    # ---- the linear part

    def linear_targets(self, targets: NDArray[Any]) -> NDArray[np.float64]:
        """Zeros and ones, a column for each output."""
        if self.is_ordinal:
            raise ValueError("extrapolation='linear' is not supported for loss='ordinal'")
        if self.link.name == "softmax":
            targets = targets[:, None] == np.arange(self.n_outputs)
        return targets.astype(np.float64)

    # ---- predictions

    @property
    def decoder(self) -> ClassificationDecoder:
        """The decoder, from outputs to probabilities and labels."""
        return ClassificationDecoder(
            self.classes, self.multilabel, self.temperature, self.cost_matrix, self.ranks
        )

    def _codes(self, targets: NDArray[Any]) -> NDArray[np.int64]:
        """Class numbers (n_rows,), or zeros and ones (n_rows, n_labels)."""
        codes = targets.astype(np.int64)
        return codes if self.multilabel else codes.ravel()

    def _probabilities_and_codes(
        self, outputs: NDArray[Any], targets: NDArray[Any]
    ) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Probabilities before calibration, a column for each class or label, and the codes."""
        return self.decoder.probabilities(outputs), self._codes(targets)

    def loss(
        self, outputs: NDArray[Any], targets: NDArray[Any], weights: NDArray[Any] | None
    ) -> float:
        """The mean training loss of outputs, before calibration, without label smoothing."""
        return self.training_loss.mean(*self._probabilities_and_codes(outputs, targets), weights)

    def score(
        self, outputs: NDArray[Any], targets: NDArray[Any], weights: NDArray[Any] | None
    ) -> float:
        """The negative log loss."""
        return -log_loss(*self._probabilities_and_codes(outputs, targets), weights)

    def score_of(self, y: Any, predicted: NDArray[Any], weights: Any) -> float:
        """Accuracy of predicted labels; of several labels the share of rows with all right."""
        return float(accuracy_score(y, predicted, sample_weight=weights))

    def metric(
        self, eval_metric: Any, targets: NDArray[Any], weights: NDArray[Any] | None
    ) -> Metric:
        """Build a function of raw outputs for these validation rows from `eval_metric`."""
        codes = self._codes(targets)

        def predict_proba(outputs: NDArray[np.float64]) -> NDArray[Any]:
            return self.decoder.probabilities(apply_inverse_link(self.link, outputs))

        return metric_of(
            eval_metric,
            codes if self.multilabel else self.classes[codes],
            weights,
            lambda outputs: self.decoder.labels(predict_proba(outputs)),
            predict_proba,
            np.tile([0, 1], (self.n_outputs, 1)) if self.multilabel else self.classes,
        )

    def lacks_classes(self, targets: NDArray[Any]) -> bool:
        """Whether some class, or some value of a label, occurs in no row."""
        if not self.multilabel:
            return np.unique(self._codes(targets)).size < self.classes.size
        return bool(np.any(targets.min(axis=0) == targets.max(axis=0)))

    # ---- calibration

    def calibrates(self, *, by_whole_model: bool) -> bool:
        """Whether to learn a temperature from held-out rows."""
        return calibrates(self.calibrate, self.training_loss, by_whole_model=by_whole_model)

    def calibrated(
        self, outputs: NDArray[Any], targets: NDArray[Any], weights: NDArray[Any] | None
    ) -> ClassificationTask:
        """Learn the temperature; of several labels one for each, for some are harder to predict."""
        probabilities, codes = self._probabilities_and_codes(outputs, targets)
        if not self.multilabel:
            return replace(self, temperature=fit_temperature(probabilities, codes, weights))
        labels = zip(probabilities.T[..., None], codes.T[..., None], strict=True)
        temperatures = np.array([fit_temperature(p, y, weights) for p, y in labels])
        return replace(self, temperature=temperatures)


def _as_list(ranks: NDArray[np.intp] | None) -> list[int] | None:
    return None if ranks is None else ranks.tolist()
