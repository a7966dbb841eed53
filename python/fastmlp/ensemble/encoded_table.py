"""EncodedTable: the rows that `fit` was given, as numbers, and what was learnt of their columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastmlp.ensemble.evaluation import EvalSet
from fastmlp.ensemble.splits import RowSubset
from fastmlp.prediction.linear_part import LinearPart
from fastmlp.table.sparse_encoder import Encoder
from fastmlp.table.training_range import RangeWatch
from fastmlp.tasks import Task


@dataclass(frozen=True, eq=False)
class EncodedTable:
    """The encoded arguments of one call of `fit`.

    Attributes
    ----------
    encoder : Encoder
    task : Task
        With targets that are not scaled yet.
    data : RowSubset
        All training rows.
    shared : RowSubset or None
        Validation rows of all networks, if `fit` was given some.
    eval_sets : sequence of EvalSet
        Rows on which metrics are only recorded.
    watch : RangeWatch
        Watches the training range, which includes that of earlier fits.
    linear : LinearPart or None
        What is added to the networks.
    is_cross_fitted : bool
        Whether each training row's offset is that of a linear part fitted without its target.
    """

    encoder: Encoder
    task: Task
    data: RowSubset
    shared: RowSubset | None
    eval_sets: Sequence[EvalSet]
    watch: RangeWatch
    linear: LinearPart | None
    is_cross_fitted: bool
