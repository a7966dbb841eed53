"""Scores of predictions for rows whose target is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics
from sklearn.base import is_classifier

from fastmlp.cli.errors import DataError
from fastmlp.table.text import quoted

Scores = Mapping[str, float]

_LARGE = 1000  # numbers from here on are shown without decimals


def outputs_of(model: Any, X: Any) -> NDArray[np.float64]:
    """What is scored: predicted numbers, or the probability of every class or label."""
    predict = model.predict_proba if is_classifier(model) else model.predict
    outputs: NDArray[np.float64] = predict(X)
    return outputs


def scores_of(
    model: Any,
    targets: Sequence[str],
    y: NDArray[Any],
    outputs: NDArray[Any],
    weight: NDArray[Any] | None,
) -> dict[str, Scores]:
    """Scores by target.

    Parameters
    ----------
    model : estimator
        Fitted.
    targets : sequence of str
        Their names.
    y : ndarray of shape (n_rows,) or (n_rows, n_targets)
    outputs : ndarray
        As `outputs_of` returns them.
    weight : ndarray of shape (n_rows,) or None

    Raises
    ------
    DataError
        If y holds a label that is not a class of the model.
    """
    if y.ndim == 2:
        of_one = _label_scores if is_classifier(model) else _number_scores
        return {name: of_one(y[:, k], outputs[:, k], weight) for k, name in enumerate(targets)}
    if is_classifier(model):
        scores = _class_scores(y, outputs, model.classes_, weight)
    elif getattr(model, "loss", "") == "quantile":
        scores = _quantile_scores(
            y, outputs.reshape(len(y), -1), np.atleast_1d(model.quantile), weight
        )
    else:
        scores = _number_scores(y, outputs, weight)
    return {targets[0]: scores}


def lines_of(scores: Mapping[str, Scores]) -> Iterator[str]:
    """Scores as lines to print."""
    for target, own in scores.items():
        if len(scores) > 1:
            yield f"  {target}"
        width = max(map(len, own))
        for name, value in own.items():
            yield f"  {name:<{width}}  {shown(value)}"


def shown(value: float) -> str:
    """A number as lines show it."""
    return f"{value:,.0f}" if abs(value) >= _LARGE else f"{value:.4g}"


def _number_scores(y: Any, predicted: Any, weight: Any) -> Scores:
    scores = {
        "RMSE": float(metrics.root_mean_squared_error(y, predicted, sample_weight=weight)),
        "MAE": float(metrics.mean_absolute_error(y, predicted, sample_weight=weight)),
    }
    if len(y) < 2:  # R2 compares with their mean
        return scores
    return {"R2": float(metrics.r2_score(y, predicted, sample_weight=weight)), **scores}


def _quantile_scores(y: Any, predicted: Any, quantiles: NDArray[Any], weight: Any) -> Scores:
    scores = {}
    for k, quantile in enumerate(quantiles):
        own = predicted[:, k]
        scores[f"pinball loss of {quantile:g}"] = float(
            metrics.mean_pinball_loss(y, own, sample_weight=weight, alpha=quantile)
        )
        scores[f"share of rows below {quantile:g}"] = float(np.average(y <= own, weights=weight))
    return scores


def _class_scores(y: Any, probabilities: Any, classes: Any, weight: Any) -> Scores:
    codes = {label: code for code, label in enumerate(classes.tolist())}
    unknown = next((label for label in y.tolist() if label not in codes), None)
    if unknown is not None:
        raise DataError(f"the target holds {quoted(unknown)}, which is not a class of the model")
    true = np.array([codes[label] for label in y.tolist()])
    known = {"sample_weight": weight}
    share = np.bincount(true, weights=weight) / (len(true) if weight is None else weight.sum())
    loss = metrics.log_loss(true, probabilities, labels=np.arange(len(classes)), **known)
    scores = {
        "accuracy": float(metrics.accuracy_score(true, probabilities.argmax(axis=1), **known)),
        "accuracy of the most frequent class": float(share.max()),
        "log loss": float(loss),
    }
    if np.unique(true).size == len(classes):  # else the area does not exist
        scored = probabilities[:, 1] if len(classes) == 2 else probabilities
        scores["ROC AUC"] = float(metrics.roc_auc_score(true, scored, multi_class="ovr", **known))
    return scores


def _label_scores(y: Any, probability: Any, weight: Any) -> Scores:
    return _class_scores(
        y, np.column_stack([1 - probability, probability]), np.array([0, 1]), weight
    )
