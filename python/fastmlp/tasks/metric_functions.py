"""Metric functions: of which greater is better, and which take probabilities."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from sklearn.metrics import get_scorer, get_scorer_names


def is_score(metric: Any) -> bool:
    """Whether greater is better for a metric.

    It is for scorers, and for scikit-learn's functions that are its scorers' scores or are named
    ``..._score``, as it promises. The values of other functions are taken as costs.

    Parameters
    ----------
    metric : str or callable
        A scorer's name, a scorer, or a function; a `functools.partial` is taken as its function.
    """
    if _is_scorer(metric):
        return True
    function = _function_of(metric)
    if not _is_of_sklearn(function):
        return False
    scorers = _scorers_by_function().get(function.__name__, {})
    if scorers:
        return all(scorer._sign > 0 for scorer in scorers.values())
    return bool(function.__name__.endswith("_score"))


def has_known_direction(metric: Any) -> bool:
    """Whether `is_score` knows; of a function of the user it assumes that it is a cost."""
    return _is_scorer(metric) or _is_of_sklearn(_function_of(metric))


def scorers_of_probabilities(metric: Any) -> list[str]:
    """Names of the scorers of a function that takes probabilities; none if it takes labels."""
    function = _function_of(metric)
    if _is_scorer(metric) or not _is_of_sklearn(function):
        return []
    scorers = _scorers_by_function().get(function.__name__, {})
    return [name for name, scorer in scorers.items() if scorer._response_method != "predict"]


def _is_scorer(metric: Any) -> bool:
    return isinstance(metric, str) or hasattr(metric, "_score_func")


def _function_of(metric: Any) -> Any:
    return metric.func if isinstance(metric, partial) else metric


def _is_of_sklearn(function: Any) -> bool:
    module = str(getattr(function, "__module__", ""))
    return module.startswith("sklearn.") and hasattr(function, "__name__")


@cache
def _scorers_by_function() -> dict[str, dict[str, Any]]:
    """scikit-learn's scorers by their names, of each function by its name."""
    scorers: dict[str, dict[str, Any]] = {}
    for name in get_scorer_names():
        scorer = get_scorer(name)
        scorers.setdefault(scorer._score_func.__name__, {})[name] = scorer
    return scorers
