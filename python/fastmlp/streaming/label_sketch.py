"""LabelSketch: which labels a column holds and how often, in bounded memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.streaming.row_cache import FIRST, MISSING, RARE

MOST_EXACT = 2**15  # labels that are counted exactly
_MOST_LABELS = 2**16 - FIRST  # that have a code
_LG_COUNTERS = 16  # of the sketch: it errs by at most 3.5 / 2^16 of the rows
_FREQUENT = 2**16  # a label is frequent if more than one in this many rows has it


class LabelSketch:
    """Counts labels, and numbers them in the order in which they first appeared.

    Counts are exact up to `MOST_EXACT` labels. Beyond, a sketch of frequent items (Apache
    datasketches) counts them with an error of at most 5.4e-5 of the rows, and only labels that it
    finds to be frequent get a number. Sketches of several parts of a table can be merged.
    """

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}
        self._counts = np.zeros(0, dtype=np.int64)  # while they are exact
        self._frequent: Any = None
        self._distinct: Any = None
        self.n_rows = self.n_missing = 0

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        if not self.is_exact:
            state["_frequent"] = self._frequent.serialize()
            state["_distinct"] = self._distinct.serialize_updatable()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if not self.is_exact:
            from datasketches import frequent_strings_sketch, hll_sketch

            self._frequent = frequent_strings_sketch.deserialize(self._frequent)
            self._distinct = hll_sketch.deserialize(self._distinct)

    @property
    def is_exact(self) -> bool:
        """Whether all labels are counted."""
        return self._frequent is None

    @property
    def n_distinct(self) -> float:
        """How many labels there are; beyond `MOST_EXACT` an estimate that errs by about 1%."""
        if self._distinct is None:
            return float(len(self._numbers))
        return float(self._distinct.get_estimate())

    @property
    def labels(self) -> list[Any]:
        """Labels that have a code."""
        return [*self._numbers]

    @property
    def counts(self) -> NDArray[np.int64]:
        """Rows of each of them."""
        if self._frequent is None:
            return self._counts[: len(self._numbers)]
        found = (self._frequent.get_estimate(_text(label)) for label in self._numbers)
        return np.fromiter(found, np.int64, len(self._numbers))

    def add(
        self, labels: Sequence[Any], counts: NDArray[Any], n_missing: int
    ) -> NDArray[np.uint16]:
        """Count labels; returns the code of each, followed by that of a missing one."""
        self.n_rows += int(counts.sum()) + n_missing
        self.n_missing += n_missing
        if self._frequent is None:
            new = [label for label in labels if label not in self._numbers]
            if len(self._numbers) + len(new) > MOST_EXACT:
                self._begin_to_estimate()
            else:
                self._number(new)
        if self._frequent is not None:
            return self._estimate(labels, counts)
        numbers = np.fromiter(map(self._numbers.__getitem__, labels), np.intp, len(labels))
        self._counts[numbers] += counts
        return np.append(numbers + FIRST, MISSING).astype(np.uint16)

    def merge(self, other: LabelSketch) -> None:
        """Count the labels of another part of the table too; its numbers do not matter."""
        if other.is_exact:
            self.add(other.labels, other.counts, other.n_missing)
            return
        if self._frequent is None:
            self._begin_to_estimate()
        from datasketches import hll_union

        self._frequent.merge(other._frequent)
        union = hll_union(self._distinct.lg_config_k)
        union.update(self._distinct)
        union.update(other._distinct)
        self._distinct = union.get_result()
        self.n_rows += other.n_rows
        self.n_missing += other.n_missing
        self._number([label for label in other._numbers if self._is_new(label)])

    def _number(self, labels: Sequence[Any]) -> None:
        self._numbers.update(zip(labels, range(len(self._numbers), _MOST_LABELS), strict=False))
        short = len(self._numbers) - self._counts.size
        if short > 0:
            self._counts = np.append(self._counts, np.zeros(short + self._counts.size, np.int64))

    def _begin_to_estimate(self) -> None:
        from datasketches import frequent_strings_sketch, hll_sketch

        counts = self.counts
        self._frequent, self._distinct = frequent_strings_sketch(_LG_COUNTERS), hll_sketch(14)
        self._count(self.labels, counts)

    def _estimate(self, labels: Sequence[Any], counts: NDArray[Any]) -> NDArray[np.uint16]:
        self._count(labels, counts)
        self._number([label for label in labels if self._is_new(label)])
        numbers = (self._numbers.get(label, RARE - FIRST) for label in labels)
        found = np.fromiter(numbers, np.intp, len(labels))
        return np.append(found + FIRST, MISSING).astype(np.uint16)

    def _count(self, labels: Sequence[Any], counts: NDArray[Any]) -> None:
        for label, count in zip(labels, counts.tolist(), strict=True):
            text = _text(label)
            self._frequent.update(text, count)
            self._distinct.update(text)

    def _is_new(self, label: Any) -> bool:
        """Whether a label is frequent and has no number yet."""
        if label in self._numbers:
            return False
        return bool(self._frequent.get_lower_bound(_text(label)) > self.n_rows / _FREQUENT + 1)


def _text(label: Any) -> str:
    """What stands for a label in a sketch of text."""
    return label if isinstance(label, str) else repr(label)
