"""The warning that random folds would let networks be validated on what they have seen.

That is so where rows are copies of each other, come in groups (visits of one patient share what
belongs to the patient), or follow one another in time. Each sign is one that tables without groups
or time hardly ever show; groups that leave no trace in X are not found.
"""

from __future__ import annotations

import numpy as np

from fastmlp._user_warnings import ValidationWarning, warn
from fastmlp.ensemble.leakage.copies import copies_warning
from fastmlp.ensemble.leakage.groups import groups_warning
from fastmlp.ensemble.leakage.time_order import time_order_column
from fastmlp.ensemble.leakage.values import columns_of, evenly
from fastmlp.ensemble.splits import RowSubset
from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.sparse_encoder import Encoder
from fastmlp.tasks import Task

_MOST_COLUMNS = 64  # of numbers that are looked at, and as many others


def warn_of_leakage(encoder: Encoder, task: Task, data: RowSubset, *, of_time: bool = True) -> None:
    """Warn if rows that are held out at random are not like rows to come.

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
    message = _of_time(encoder, data) if of_time else None
    if message is None:
        X, n_numeric = data.X, encoder.n_numeric
        numbers = evenly(0, n_numeric, _MOST_COLUMNS)
        positions = np.concatenate([numbers, evenly(n_numeric, X.shape[1], _MOST_COLUMNS)])
        columns = columns_of(X, numbers)
        message = copies_warning(X, columns, positions)
        message = message or groups_warning(encoder, task, data, columns)
    if message is not None:
        warn(
            f"{message}. If rows to predict are of the same kind as these, random folds are right: "
            "cv=KFold(5, shuffle=True) draws them without this warning. docs/validation.md says "
            "more",
            ValidationWarning,
        )


def _of_time(encoder: DenseEncoder, data: RowSubset) -> str | None:
    found = time_order_column(encoder, data.X)
    if found is None:
        return None
    name, in_series = found
    how = "in series, each in the order of" if in_series else "in the order of"
    return (
        f"The rows of X are {how} {name!r}, and networks are validated on rows "
        "that lie between those of training. To judge and train a model that predicts "
        f"later rows, pass time={name!r}"
    )
