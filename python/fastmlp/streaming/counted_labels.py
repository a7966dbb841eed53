"""CountedLabels: the labels of many rows, each once, with their numbers of rows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.table.column import ColumnKindError
from fastmlp.table.column_values import ColumnValues


class CountedLabels(ColumnValues):
    """The labels of a column as `ColumnValues`, which learn its kind as they do of all its rows.

    Parameters
    ----------
    labels : sequence
        Each once, none of them missing.
    counts : ndarray of shape (n_labels,)
        Rows of each.
    n_missing : int
        Rows without a label.
    like : ColumnValues
        Values of the column, which say what it is called and whether it holds labels by its type.
    strict : bool, default=True
        Whether it is an error if more of them cannot be read than in training.
    """

    def __init__(
        self,
        labels: Sequence[Any],
        counts: NDArray[np.intp],
        n_missing: int,
        like: ColumnValues,
        *,
        strict: bool = True,
    ) -> None:
        data = np.empty(len(labels), dtype=object)
        data[:] = labels
        super().__init__(data, like.name, like.table, reads_text=like.reads_text)
        self.are_labels, self.are_booleans = like.are_labels, like.are_booleans
        self.are_categories = like.are_categories
        self._labels, self._counts, self._n_missing = [*labels], counts, n_missing
        self._strict = strict

    @classmethod
    def of(cls, values: ColumnValues, *, strict: bool = True) -> CountedLabels:
        """The labels of these values."""
        return cls(values.factors[1], values.counts, values.n_missing, values, strict=strict)

    def with_labels_of(self, other: CountedLabels) -> CountedLabels:
        """These labels and those of other rows."""
        counts = dict(zip(self._labels, self._counts.tolist(), strict=True))
        for label, count in zip(other._labels, other._counts.tolist(), strict=True):
            counts[label] = counts.get(label, 0) + count
        n_missing = self._n_missing + other._n_missing
        return CountedLabels([*counts], np.array([*counts.values()], np.intp), n_missing, self)

    @cached_property
    def factors(self) -> tuple[NDArray[np.int32], list[Any]]:
        """One row for each label, and one without if any are missing."""
        rows = np.arange(len(self._labels), dtype=np.int32)
        return (np.append(rows, np.int32(-1)) if self._n_missing else rows), self._labels

    @property
    def counts(self) -> NDArray[np.intp]:
        """How many rows have each label."""
        return self._counts

    @property
    def n_missing(self) -> int:
        """How many rows have no label."""
        return self._n_missing

    def _report_unread(self, message: str) -> None:
        if self._strict:
            raise ColumnKindError(message)
