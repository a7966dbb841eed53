"""`space`: parameters that are worth tuning and their ranges, in the format of several tuners."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, overload


@dataclass(frozen=True)
class _Choice:
    """One of several values."""

    values: tuple[Any, ...]

    def as_dict(self) -> dict[str, Any]:
        return {"type": "choice", "values": list(self.values)}

    def for_sklearn(self) -> Any:
        return list(self.values)

    def suggested(self, trial: Any, name: str) -> Any:
        # Optuna stores text, numbers and None.
        by_text = {str(one) if isinstance(one, tuple) else one: one for one in self.values}
        return by_text[trial.suggest_categorical(name, list(by_text))]


@dataclass(frozen=True)
class _Range:
    """A range of numbers, uniform or log-uniform."""

    low: float
    high: float
    log: bool = False

    def as_dict(self) -> dict[str, Any]:
        return {"type": "float", "low": self.low, "high": self.high, "log": self.log}

    def for_sklearn(self) -> Any:
        from scipy.stats import loguniform, uniform

        if self.log:
            return loguniform(self.low, self.high)
        return uniform(self.low, self.high - self.low)

    def suggested(self, trial: Any, name: str) -> float:
        suggested: float = trial.suggest_float(name, self.low, self.high, log=self.log)
        return suggested


# Ranges of RealMLP's tuning [1] and of TabArena's [2], sizes that suit ensembles too.
_SPACE: dict[str, _Choice | _Range] = {
    "learning_rate_init": _Range(0.01, 0.3, log=True),
    "dropout": _Range(0.0, 0.5),
    "weight_decay": _Range(1e-3, 5e-2, log=True),
    "hidden_layer_sizes": _Choice(
        ("auto", (64,) * 2, (64,) * 5, (128,) * 3, (256,) * 2, (256,) * 3, (512,))
    ),
    "activation": _Choice(("auto", "silu", "mish", "selu", "relu")),
    "numeric_embedding": _Choice(("auto", "both", "periodic", "piecewise_linear", None)),
}


@overload
def space(kind: Literal["optuna"]) -> Callable[[Any], dict[str, Any]]: ...
@overload
def space(kind: Literal["sklearn", "dict"]) -> dict[str, Any]: ...
def space(kind: str) -> Any:
    """Return the parameters that are worth tuning, and their ranges, for a tuner.

    They are parameters of `Regressor` and `Classifier`, with the learning rate of Adam. Ranges are
    those that RealMLP ([1]_) and TabArena ([2]_) search; "auto" is among the values of whatever is
    chosen from a list. docs/tuning.md says what tuning gains.

    Parameters
    ----------
    kind : {"optuna", "sklearn", "dict"}
        "optuna": a function that asks a trial for its values. With ``study.best_trial`` it returns
        those of the best one. "sklearn": the `param_distributions` of `RandomizedSearchCV` and
        `HalvingRandomSearchCV`. "dict": a plain description for other tuners: for each parameter
        its "type", and the "values" of a "choice", or "low", "high" and "log" of a "float".

    Returns
    -------
    callable or dict

    Raises
    ------
    ValueError
        If `kind` is none of these.

    References
    ----------
    .. [1] Holzmüller, Grinsztajn & Steinwart 2024, "Better by default: strong pre-tuned MLPs and
       boosted trees on tabular data", https://arxiv.org/abs/2407.04491
    .. [2] Erickson et al. 2025, "TabArena: a living benchmark for machine learning on tabular
       data", https://arxiv.org/abs/2506.16791

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.model_selection import RandomizedSearchCV
    >>> from fastmlp import Regressor
    >>> from fastmlp.tuning import space
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = Regressor(n_estimators=1, max_iter=5, random_state=0)
    >>> search = RandomizedSearchCV(model, space("sklearn"), n_iter=2, cv=2, random_state=0)
    >>> sorted(search.fit(X, y).best_params_)[:3]
    ['activation', 'dropout', 'hidden_layer_sizes']
    >>> space("dict")["dropout"]
    {'type': 'float', 'low': 0.0, 'high': 0.5, 'log': False}
    """
    if kind == "optuna":
        return lambda trial: {name: one.suggested(trial, name) for name, one in _SPACE.items()}
    if kind == "sklearn":
        return {name: one.for_sklearn() for name, one in _SPACE.items()}
    if kind == "dict":
        return {name: one.as_dict() for name, one in _SPACE.items()}
    raise ValueError(f"kind must be 'optuna', 'sklearn' or 'dict'; got {kind!r}")
