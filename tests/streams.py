"""Tables as streams, and what one pass over them learns."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("datasketches")
pytest.importorskip("pyarrow")

from fastmlp.streaming.source_pass import SourcePass
from fastmlp.streaming.sources.opening import open_source
from fastmlp.streaming.target_learners import ClassesLearner, IndicatorsLearner, NumbersLearner

__all__ = ["ClassesLearner", "IndicatorsLearner", "NumbersLearner", "blocks_of", "one_pass"]


def blocks_of(X, y, *, weight=None, rows=64):
    """A function that yields a table in memory in blocks."""

    def blocks():
        for start in range(0, len(y), rows):
            some = slice(start, start + rows)
            part = X.iloc[some] if hasattr(X, "iloc") else _part(X, start, rows)
            yield (part, y[some]) if weight is None else (part, y[some], weight[some])

    return blocks


def _part(X, start, rows):
    return X.slice(start, rows) if hasattr(X, "slice") else X[start : start + rows]


def one_pass(X, folder, y=None, weight=None, *, targets=NumbersLearner, rows=64, **options):
    """The cache and what was learnt of a stream."""
    categorical = options.pop("categorical_features", "from_dtype")
    source = open_source(X, y, weight)
    return SourcePass(source, categorical, targets, rows, options.pop("n_threads", 2)).write(folder)


def numbered(n_rows):
    """Targets that tell the rows apart."""
    return np.arange(float(n_rows))
