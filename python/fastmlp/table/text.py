"""Text in a column: what it may stand for, and how messages quote it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Text is taken as dates or numbers if this share of the distinct values reads as such.
PARSED_SHARE = 0.95
_MISSING = {"", "-", "--", "?", ".", "na", "n/a", "#n/a", "nan", "nat", "none", "null", "missing"}
FEWEST_NUMBERS = 10  # distinct values: fewer are a category, each with an effect of its own
_SAMPLED = 100  # labels that tell whether a format is worth trying
_QUOTED = 40  # characters of a value in messages
_FREE_TEXT_LABELS, _FREE_TEXT_DISTINCT, _FREE_TEXT_WORDS = 20, 0.9, 10


def quoted(value: Any) -> str:
    """The value as messages show it, cut where it is long."""
    shown = repr(value)
    return shown if len(shown) <= _QUOTED else f"{shown[: _QUOTED - 3]}..."


def as_text(label: Any) -> str:
    """The label if it is text, or bytes as text; else the empty text."""
    if isinstance(label, bytes):
        return label.decode("utf-8", "replace")
    return label if isinstance(label, str) else ""


def is_text(label: Any) -> bool:
    """Whether a label is text or bytes."""
    return isinstance(label, str | bytes)


def not_text(labels: Sequence[Any]) -> list[int]:
    """Positions of the labels that are neither text nor bytes."""
    if {*map(type, labels)} <= {str, bytes}:
        return []
    return [position for position, label in enumerate(labels) if not is_text(label)]


def share_that_reads(read: NDArray[np.bool_], labels: Sequence[Any]) -> float:
    """The share of labels that were read, apart from words such as "n/a"."""
    others = np.flatnonzero(~read).tolist()
    n_missing = sum(as_text(labels[i]).strip().lower() in _MISSING for i in others)
    return float(read.sum() / max(1, len(labels) - n_missing))


def sampled_texts(labels: Sequence[Any]) -> list[str]:
    """Some of the labels that are text, without those that stand for missing values."""
    some = (as_text(label).strip() for label in labels[:: -(-len(labels) // _SAMPLED)])
    return [text for text in some if text.lower() not in _MISSING]


def is_free_text(labels: Sequence[Any], n_values: int) -> bool:
    """Whether labels of `n_values` rows are documents: many words each, and hardly any twice."""
    if not (len(labels) > _FREE_TEXT_LABELS and len(labels) >= _FREE_TEXT_DISTINCT * n_values):
        return False
    words = [len(as_text(label).split()) for label in labels[:: -(-len(labels) // _SAMPLED)]]
    return sum(words) >= _FREE_TEXT_WORDS * len(words)
