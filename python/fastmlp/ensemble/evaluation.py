"""Evaluation: metrics and losses of a network after each epoch, on rows it is not trained on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import nan
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from fastmlp.ensemble.splits import RowSubset
from fastmlp.tasks.metrics import LOSS, Metric

VALIDATION = "validation"  # name of the rows that decide

# Loss and raw outputs (None: not kept), as the engine passes them for each set after an epoch
Evaluated = tuple[float, "NDArray[np.float64] | None"]
_V = TypeVar("_V")


class EvalSet(NamedTuple):
    """A set of `eval_set`, with targets that are not scaled."""

    name: str
    rows: RowSubset


class MeasuredSet(NamedTuple):
    """The name of an `EvalSet`, and the metrics that are computed on its rows."""

    name: str
    metrics: Mapping[str, Metric]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What is measured for one network after each epoch, in addition to its validation loss.

    Attributes
    ----------
    metrics : mapping of str to Metric or None
        Metrics of the validation rows. None: it has no value there, as the rows lack a class.
    watched : str
        Name of the metric that decides on the best epoch, or "loss".
    others : sequence of MeasuredSet
        Sets whose loss and metrics are only recorded.
    scores : tuple of str
        Names of the metrics of which greater is better.
    is_assumed_cost : bool
        Whether the watched metric is a function of the user, of which smaller is assumed to be
        better.
    """

    metrics: Mapping[str, Metric | None] = field(default_factory=dict)
    watched: str = LOSS
    others: Sequence[MeasuredSet] = ()
    scores: tuple[str, ...] = ()
    is_assumed_cost: bool = False

    @property
    def needs_outputs(self) -> bool:
        """Whether the engine must pass raw outputs."""
        return bool(self.metrics) or any(other.metrics for other in self.others)

    @property
    def names(self) -> list[tuple[str, str]]:
        """Names of the rows and of the measure of each value that `measure` returns."""
        of_validation = [(VALIDATION, metric) for metric in self.metrics]
        return of_validation + [
            (other.name, measure) for other in self.others for measure in (LOSS, *other.metrics)
        ]

    def measure(
        self, outputs: NDArray[np.float64] | None, others: Sequence[Evaluated]
    ) -> tuple[list[float], float | None]:
        """The values of an epoch, and what to watch instead of the validation loss.

        Parameters
        ----------
        outputs : ndarray of shape (n_rows, n_outputs) or None
            Raw, for the validation rows.
        others : sequence of Evaluated
            Loss and raw outputs of each of the other sets.
        """
        values, watched = [], None
        for name, metric in self.metrics.items():
            value = nan
            if metric is not None and outputs is not None:
                value, cost = metric(outputs)
                watched = cost if name == self.watched else watched
            values.append(value)
        for other, (loss, own) in zip(self.others, others, strict=True):
            values.append(loss)
            values += [metric(own)[0] for metric in other.metrics.values() if own is not None]
        return values, watched

    def curves(self, measured: Sequence[Sequence[float]]) -> dict[str, dict[str, list[float]]]:
        """Curves of the values that `measure` returned; empty where a metric has no value."""
        columns = zip(*measured, strict=True) if measured else [()] * len(self.names)
        curves = by_name(self.names, map(list, columns))
        for name, metric in self.metrics.items():
            if metric is None:
                curves[VALIDATION][name] = []
        return curves


def by_name(names: Iterable[tuple[str, str]], values: Iterable[_V]) -> dict[str, dict[str, _V]]:
    """Values by the name of their rows, and then by that of the measure."""
    nested: dict[str, dict[str, _V]] = {}
    for (rows, measure), value in zip(names, values, strict=True):
        nested.setdefault(rows, {})[measure] = value
    return nested
