"""Text in a column: what it may mean, and how messages quote it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.table.rows import every_kth

# Text is taken as dates or numbers if this share reads as such, of distinct values and of rows.
PARSED_SHARE = 0.95
_MISSING = {"", "-", "--", "?", ".", "na", "n/a", "#n/a", "nan", "nat", "none", "null", "missing"}
FEWEST_NUMBERS = 10  # distinct values: fewer are treated as categories, each with its own effect
_SAMPLED = 100  # labels that decide whether a format is worth trying
_QUOTED, _LISTED = 40, 10  # characters of a value in messages, and values in a list of them
_FREE_TEXT_LABELS, _FREE_TEXT_DISTINCT, _FREE_TEXT_WORDS = 20, 0.9, 10


def shortened(text: str, most: int) -> str:
    """The text, cut where it has more characters."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def quoted(value: Any) -> str:
    """The value as messages show it, cut where it is long."""
    return shortened(repr(value), _QUOTED)


def quoted_few(values: Iterable[Any]) -> str:
    """A few of the values as messages show them."""
    few = [*islice(values, _LISTED + 1)]
    shown = [*map(quoted, few[:_LISTED]), *["..."] * (len(few) > _LISTED)]
    return f"[{', '.join(shown)}]"


def as_text(label: Any) -> str:
    """The label if it is text, or bytes as text; else the empty text."""
    if isinstance(label, bytes):
        return label.decode("utf-8", "replace")
    return label if isinstance(label, str) else ""


def is_text(label: Any) -> bool:
    """Whether a label is text or bytes."""
    return isinstance(label, str | bytes)


def are_of_types(labels: Sequence[Any], is_one: Callable[[type], bool]) -> NDArray[np.bool_]:
    """Whether each label is of a type that `is_one`, which is asked once for each type."""
    answers = {kind: is_one(kind) for kind in {*map(type, labels)}}
    if len({*answers.values()}) < 2:
        return np.full(len(labels), any(answers.values()))
    return np.fromiter(map(answers.__getitem__, map(type, labels)), bool, len(labels))


def not_text(labels: Sequence[Any]) -> list[int]:
    """Positions of the labels that are neither text nor bytes."""
    are_text = are_of_types(labels, lambda kind: issubclass(kind, str | bytes))
    return list(np.flatnonzero(~are_text).tolist())


def says_missing(text: str) -> bool:
    """Whether a text is a word such as "n/a" that stands for a missing value."""
    return text.strip().lower() in _MISSING


def unread(read: NDArray[np.bool_], labels: Sequence[Any]) -> list[int]:
    """Positions of the labels that were not read, apart from words such as "n/a"."""
    others = np.flatnonzero(~read).tolist()
    return [i for i in others if not says_missing(as_text(labels[i]))]


def share_that_reads(
    read: NDArray[np.bool_], labels: Sequence[Any], n_rows: NDArray[np.intp]
) -> float:
    """The share that was read, of labels or of rows, whichever is less; without missing ones.

    Parameters
    ----------
    read : ndarray of shape (n_labels,)
        Whether each label was read.
    labels : sequence of length n_labels
    n_rows : ndarray of shape (n_labels,)
        How many rows have each label.
    """
    others = unread(read, labels)
    shares = [
        counts[read].sum() / max(1, counts[read].sum() + counts[others].sum())
        for counts in (np.ones_like(n_rows), n_rows)
    ]
    return float(min(shares))


def sampled_texts(labels: Sequence[Any]) -> list[str]:
    """Some of the labels that are text, without those that stand for missing values."""
    some = (as_text(label).strip() for label in labels[every_kth(len(labels), most=_SAMPLED)])
    return [text for text in some if text.lower() not in _MISSING]


def is_free_text(labels: Sequence[Any], n_values: int) -> bool:
    """Whether labels of `n_values` rows are documents: many words each, and hardly any twice."""
    if not (len(labels) > _FREE_TEXT_LABELS and len(labels) >= _FREE_TEXT_DISTINCT * n_values):
        return False
    some = labels[every_kth(len(labels), most=_SAMPLED)]
    words = [len(as_text(label).split()) for label in some]
    return sum(words) >= _FREE_TEXT_WORDS * len(words)
