"""The warning that with random folds networks are validated on rows like those they were trained
on.

That is so where rows are copies of each other, come in groups (visits of one patient share what
belongs to the patient), or follow one another in time. Each sign is one that tables without groups
or time hardly ever show; groups that leave no trace in X are not found.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastmlp._user_warnings import ValidationWarning, warn
from fastmlp.ensemble.leakage.copies import described_copies
from fastmlp.ensemble.leakage.groups import described_groups
from fastmlp.ensemble.leakage.time_order import time_order
from fastmlp.ensemble.leakage.value_samples import Column, columns_of
from fastmlp.ensemble.splits import RowSubset
from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.rows import every_kth
from fastmlp.table.sparse_encoder import Encoder
from fastmlp.tasks import Task

_MOST_COLUMNS = 64  # of numbers that are looked at, and as many others


def warn_of_leakage(encoder: Encoder, task: Task, data: RowSubset, *, of_time: bool = True) -> None:
    """Warn if rows of a table that are held out at random are not like rows to come.

    Parameters
    ----------
    encoder : Encoder
    task : Task
    data : RowSubset
        All training rows.
    of_time : bool, default=True
        Whether rows may be divided by time.
    """
    if not isinstance(encoder, DenseEncoder):
        return
    order = time_order(encoder, data.X) if of_time else None
    if order is not None:
        found = (
            f"{order.described()}. To judge and train a model that predicts later rows, pass "
            f"time={order.name!r}"
        )
        if order.has_gaps:
            found += ", without the rows that lack it"
    else:
        columns = _columns(encoder, data)
        if copies := described_copies(encoder, data, columns, _positions(encoder, data)):
            found = (
                f"{copies}. Drop the copies, or pass groups with the same label for all copies of "
                "a row"
            )
        elif groups := described_groups(encoder, task, data, columns):
            found = (
                f"{groups}. If rows to predict come from new groups, pass groups, a label for each "
                "row"
            )
        else:
            return
    warn(
        f"{found}. If the rows to predict are like that too, random folds are right: cv=KFold(5, "
        "shuffle=True) draws them without this warning. See docs/validation.md",
        ValidationWarning,
    )


def warn_of_leakage_in_stream(encoder: DenseEncoder, task: Task, sample: RowSubset) -> None:
    """Warn if the rows of a stream follow one another in time or come in groups.

    Copies have the same hash, which determines what is held out, so they stay together.

    Parameters
    ----------
    encoder : DenseEncoder
    task : Task
    sample : RowSubset
        Some of the rows, in their order.
    """
    order = time_order(encoder, sample.X)
    if order is not None:
        found, others = order.described(), "later rows"
    else:
        groups = described_groups(encoder, task, sample, _columns(encoder, sample))
        if groups is None:
            return
        found, others = groups, "rows of other groups"
    warn(
        f"{found}. From a table that is read in blocks, rows are held out at random; judge the "
        f"model on {others}, in files that it was not trained on. See docs/validation.md",
        ValidationWarning,
    )


def _columns(encoder: DenseEncoder, data: RowSubset) -> list[Column]:
    return columns_of(data.X, _some(np.arange(encoder.n_numeric)))


def _positions(encoder: DenseEncoder, data: RowSubset) -> NDArray[np.intp]:
    """Of columns that are compared: numbers, and then others."""
    numbers, others = np.split(np.arange(data.X.shape[1]), [encoder.n_numeric])
    return np.concatenate([_some(numbers), _some(others)])


def _some(positions: NDArray[np.intp]) -> NDArray[np.intp]:
    return positions[every_kth(positions.size, most=_MOST_COLUMNS)]
