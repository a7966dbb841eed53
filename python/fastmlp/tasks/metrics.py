"""`eval_metric`: scikit-learn's scorers and metric functions on the outputs of a network."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import cache
from inspect import signature
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import get_scorer, get_scorer_names

from fastmlp._other_names import advice_on_value
from fastmlp.tasks.metric_functions import is_score, scorers_of_probabilities
from fastmlp.tasks.unchecked_metrics import unchecked_metric

LOSS = "loss"  # names the loss of training among metrics

# From raw outputs for the validation rows to (the metric's value, what is to become small)
Metric = Callable[[NDArray[np.float64]], tuple[float, float]]


class _Answers(BaseEstimator):
    """Stands for a fitted estimator where a scorer needs one: it has the predictions already."""

    def __init__(self, answers: dict[str, Callable[[], NDArray[Any]]]) -> None:
        self.answers = answers

    def predict(self, X: Any) -> NDArray[Any]:
        """The labels or numbers."""
        return self.answers["predict"]()

    def __sklearn_is_fitted__(self) -> bool:
        return True


class PredictedNumbers(RegressorMixin, _Answers):
    """Answers of a regressor."""


class PredictedClasses(ClassifierMixin, _Answers):
    """Answers of a classifier."""

    def __init__(
        self, answers: dict[str, Callable[[], NDArray[Any]]], classes: NDArray[Any]
    ) -> None:
        super().__init__(answers)
        self.classes = classes
        # Of several labels per row scikit-learn expects the classes of each.
        self.classes_: Any = classes if classes.ndim == 1 else list(classes)

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """The probabilities."""
        return self.answers["predict_proba"]()


@cache
def _names() -> frozenset[str]:
    return frozenset(get_scorer_names())


def named_metrics(eval_metric: Any) -> dict[str, Any]:
    """The metrics of `eval_metric`, by the names that their values are recorded under.

    A function's name is its own, that of a scorer the name of its function. "loss" stands for the
    loss of training.

    Raises
    ------
    ValueError
        If two have the same name.
    """
    if eval_metric is None:
        return {}
    if isinstance(eval_metric, dict):
        return dict(eval_metric)
    metrics = list(eval_metric) if isinstance(eval_metric, list | tuple) else [eval_metric]
    named = {_name_of(metric): metric for metric in metrics}
    if len(named) < len(metrics):
        names = [_name_of(metric) for metric in metrics]
        raise ValueError(
            f"eval_metric has several metrics of the same name: {names}. Pass a dict of names and "
            "metrics"
        )
    return named


def _name_of(metric: Any) -> str:
    if isinstance(metric, str):
        return metric
    function = getattr(metric, "_score_func", metric)
    return str(getattr(function, "__name__", type(function).__name__))


def check_metrics(eval_metric: Any, *, classifies: bool) -> None:
    """Raise unless `eval_metric` is None, a metric, or several that have names.

    Parameters
    ----------
    eval_metric : object
    classifies : bool
        Whether functions get labels, so that those of probabilities are errors.
    """
    for name, metric in named_metrics(eval_metric).items():
        if not isinstance(name, str):
            raise TypeError(f"eval_metric must have names that are strings; got {name!r}")
        if name == LOSS and metric != LOSS:
            raise ValueError(
                "eval_metric must not name a metric 'loss', the name of the training loss"
            )
        if metric != LOSS:
            _check_metric(metric)
            if classifies:
                _check_takes_labels(metric)


def _check_takes_labels(metric: Any) -> None:
    """Raise if it is a function of scikit-learn's that takes probabilities."""
    scorers = scorers_of_probabilities(metric)
    if scorers:
        raise ValueError(
            "eval_metric must not be a function of probabilities, since functions get labels; got "
            f"{metric!r}. Pass the name of a scorer: {', '.join(map(repr, scorers))}"
        )


def _check_metric(metric: Any) -> None:
    """Raise unless it is a scorer's name or a callable."""
    if callable(metric) or (isinstance(metric, str) and metric in _names()):
        return
    if isinstance(metric, str):
        raise ValueError(
            f"eval_metric={metric!r} is not a scorer of scikit-learn; "
            "sklearn.metrics.get_scorer_names() lists them."
            f"{advice_on_value('eval_metric', metric, sorted(_names()))}"
        )
    raise TypeError(
        "eval_metric must be a scorer's name, a callable, or a list or dict of these; got "
        f"{metric!r}"
    )


def _takes_weights(function: Callable[..., Any]) -> bool:
    try:
        return "sample_weight" in signature(function).parameters
    except ValueError:  # some built-in functions have no signature
        return False


def _responses(scorer: Any, default: str = "") -> tuple[str, ...]:
    """The methods of an estimator whose values a scorer takes."""
    asked: Any = getattr(scorer, "_response_method", default)
    return (asked,) if isinstance(asked, str) else tuple(asked)


def _told_of_all(scorer: Any, classes: NDArray[Any], y_true: NDArray[Any]) -> Any:
    """Give a scorer of probabilities all classes, if y_true lacks one and it can take them."""
    of_probabilities = "predict_proba" in _responses(scorer)
    if not of_probabilities or np.unique(y_true).size == classes.size:
        return scorer
    if "labels" in scorer._kwargs or "labels" not in signature(scorer._score_func).parameters:
        return scorer
    told = copy(scorer)
    told._kwargs = scorer._kwargs | {"labels": classes}
    return told


def metric_of(
    metric: Any,
    y_true: NDArray[Any],
    sample_weight: NDArray[Any] | None,
    predict: Callable[[NDArray[np.float64]], NDArray[Any]],
    predict_proba: Callable[[NDArray[np.float64]], NDArray[Any]] | None,
    classes: NDArray[Any] | None,
) -> Metric:
    """Build the function from a network's outputs to the metric's value and what to minimise.

    Parameters
    ----------
    metric : str or callable
        Name of a scikit-learn scorer, a scorer, or a function ``metric(y_true, y_pred)``; see
        `is_score`.
    y_true, sample_weight : ndarray
        Targets and weights of the validation rows. Metrics that take no weights get none.
    predict, predict_proba : callable
        From outputs to predictions.
    classes : ndarray or None
        The labels, or for several labels per row a row of them each; None for regression.
    """
    scorer = get_scorer(metric) if isinstance(metric, str) else metric
    is_scorer = hasattr(scorer, "_score_func")
    if predict_proba is None and "predict" not in _responses(scorer, default="predict"):
        raise ValueError(
            f"eval_metric={metric!r} needs the probabilities of one column of classes, which this "
            "model does not predict. Pass a function metric(y_true, y_pred), which gets its "
            "predictions"
        )
    if is_scorer and classes is not None and classes.ndim == 1:
        scorer = _told_of_all(scorer, classes, y_true)
    weights = {}
    if sample_weight is not None and _takes_weights(scorer._score_func if is_scorer else scorer):
        weights = {"sample_weight": sample_weight}
    unchecked = (
        unchecked_metric(metric, y_true, sample_weight, classes)
        if isinstance(metric, str)
        else None
    )

    is_cost = not is_score(metric)

    def value(outputs: NDArray[np.float64]) -> tuple[float, float]:
        try:
            found = measured(outputs)
        except Exception as error:
            raise ValueError(f"eval_metric={metric!r} failed: {error}") from error
        return found, found if is_cost else -found

    def measured(outputs: NDArray[np.float64]) -> float:
        if not is_scorer:
            return float(scorer(y_true, predict(outputs), **weights))
        answers = {"predict": lambda: predict(outputs)}
        if predict_proba is not None and classes is not None:
            answers["predict_proba"] = lambda: predict_proba(outputs)
            known: _Answers = PredictedClasses(answers, classes)
        else:
            known = PredictedNumbers(answers)
        if unchecked is not None and unchecked.takes(answer := answers[unchecked.response]()):
            return float(unchecked.formula(answer))
        return float(scorer(known, np.empty((len(y_true), 1)), y_true, **weights))

    return value
