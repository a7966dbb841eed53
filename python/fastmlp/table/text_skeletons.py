"""Texts by skeleton, which is the text with 0 for every digit: parsed as one array each.

Dates and numbers have few skeletons, however many values they have. So a regular expression is
matched with each skeleton only, and finds the digits of all texts with that skeleton.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fastmlp.table.text import as_text, not_text

_TO_ZERO = str.maketrans("123456789", "000000000")
_LONGEST = 60  # characters, more than a date or a number has: longer texts match nothing


class Matched(NamedTuple):
    """Texts whose skeleton matches a pattern.

    Attributes
    ----------
    match : re.Match
        Match of the skeleton. Its groups are as in each text, except for the digits.
    rows : list of int
        Positions of the texts.
    texts : list of str
    characters : ndarray of shape (n_texts, length)
        As Unicode code points.
    """

    match: re.Match[str]
    rows: list[int]
    texts: list[str]
    characters: NDArray[np.uint32]

    def number(self, group: str | int, *, most_digits: int = 15) -> NDArray[np.int64]:
        """The first digits of a group as a number; anything else in it is left out."""
        first, end = self.match.span(group)
        digits = [k for k in range(first, end) if self.match.string[k] == "0"]
        number = np.zeros(len(self.rows), dtype=np.int64)
        for k in digits[:most_digits]:
            number = 10 * number + self.characters[:, k] - ord("0")
        return number


def matched_texts(labels: Sequence[Any], pattern: re.Pattern[str]) -> Iterator[Matched]:
    """The labels that are text and match the pattern, those of a skeleton together."""
    if len(not_text(labels)) == len(labels):
        return
    rows_of: defaultdict[str, list[int]] = defaultdict(list)
    texts = [label if type(label) is str else as_text(label) for label in labels]
    texts = [text if len(text) <= _LONGEST else "" for text in texts]
    joined = "\n".join(texts)  # one text is translated three times as fast as many
    if joined.count("\n") >= max(1, len(texts)):
        texts = [text.replace("\n", " ") for text in texts]
        joined = "\n".join(texts)
    skeletons = joined.translate(_TO_ZERO).split("\n")
    for row, skeleton in enumerate(skeletons[: len(texts)]):
        rows_of[skeleton].append(row)
    for skeleton, rows in rows_of.items():
        if match := pattern.fullmatch(skeleton):
            some = [texts[row] for row in rows]
            characters = np.array(some, dtype=f"U{len(skeleton)}").view(np.uint32)
            yield Matched(match, rows, some, characters.reshape(len(rows), len(skeleton)))
