"""Numbers as people write them: separators of thousands, currencies, percentages, units."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.table.skeletons import Matched, matched_texts
from fastmlp.table.text import (
    FEWEST_NUMBERS,
    PARSED_SHARE,
    as_text,
    is_text,
    not_text,
    sampled_texts,
    share_that_reads,
)

if TYPE_CHECKING:
    from fastmlp.table.column_values import ColumnValues

_SPACES = " '\u2019\u00a0\u2009\u202f"
# What separates thousands, and what the decimals. Of equally good ones the first is taken.
_SEPARATORS = ((",", "."), (".", ","), (_SPACES, "."), (_SPACES, ","))
_SIGNS = "\u00a2-\u00a5\u20a0-\u20cf$"  # of currencies
_CURRENCY = rf"(?:[A-Z]{{1,3}}\$|[{_SIGNS}]|(?:USD|EUR|GBP|CHF|JPY|CNY|INR|CAD|AUD|Rs\.?|kr\.?))"
_UNIT = rf"[^\W\d_](?:\D{{0,14}}[^\d\s])?|[%\u2030\u00b0\u2032\u2033\"'{_SIGNS}]\D{{0,3}}"
_EXACT = 15  # digits of an integer that float64 holds
_MINUS = "\u2212"
_WHOLE = re.compile(r"[0-9]+(?:\.0)?")


def _pattern(separators: tuple[str, str], prefix: str, unit: str) -> re.Pattern[str]:
    some, point = (f"[{re.escape(one)}]" for one in separators)
    digits = rf"(?:[0-9]{{1,3}}(?:{some}[0-9]{{3}})+|[0-9]+)(?:{point}[0-9]*)?|{point}[0-9]+"
    return re.compile(
        rf"\s*(?P<open>\()?(?P<sign>[-+{_MINUS}]?)\s*(?P<prefix>{prefix})\s*"
        rf"(?P<inner_sign>[-+{_MINUS}]?)\s*(?P<digits>{digits})(?P<power>(?:[eE][-+]?[0-9]+)?)\s*"
        rf"(?P<unit>{unit})(?(open)\))\s*"
    )


_ANY = {one: _pattern(one, f"(?:{_CURRENCY})?", f"(?:{_UNIT})?") for one in _SEPARATORS}


@dataclass(frozen=True)
class NumberText:
    """Reads numbers that are written as text, in one format.

    Parameters
    ----------
    separators : tuple of str
        Characters between thousands, and the one before decimals.
    prefix, unit : str
        Currency before, and unit after all numbers. Text with another one is no number.
    """

    separators: tuple[str, str]
    prefix: str
    unit: str

    @classmethod
    def learn(cls, values: ColumnValues) -> NumberText | None:
        """Learn how numbers are written in a column of text; None if it holds none.

        It holds none if fewer than ten values are distinct; if any number begins with a 0, as in
        codes; and if all are plain integers, unless these differ in length and most rows have a
        value of their own, so that as a category the column would tell nothing.
        """
        labels = values.factors[1]
        if len(labels) < FEWEST_NUMBERS or not any(map(is_text, labels)):
            return None
        best, best_share = None, 0.0
        texts = sampled_texts(labels)
        for separators, pattern in _ANY.items():
            found = [
                match.group("prefix", "unit")
                for text in texts
                if (match := pattern.fullmatch(text))
            ]
            if 2 * len(found) < len(texts):
                continue
            [((prefix, unit), _)] = Counter(found or [("", "")]).most_common(1)
            one = cls(separators, prefix, unit)
            read = ~np.isnan(values.parsed(one, one._numbers))
            share = share_that_reads(read, labels)
            if share >= PARSED_SHARE and share > best_share and not _are_codes(values, read):
                best, best_share = one, share
            if share == 1:
                break
        return best

    @property
    def description(self) -> str:
        """What summaries say."""
        units = " ".join(filter(None, (self.prefix, self.unit)))
        return f"number in {units}, written as text" if units else "number written as text"

    def names(self, name: str) -> list[str]:
        """The name of the column."""
        return [name]

    def read(self, values: ColumnValues) -> NDArray[np.float64]:
        """The number of each row, (n_rows, 1); NaN for what is no number in this format."""
        if values.is_number:
            return values.array.astype(np.float64)[:, None]
        values.check_kind(lambda label: isinstance(label, str | bytes | Real), "numbers as text")
        example = f"{self.prefix}1{self.separators[1]}5{self.unit and ' '}{self.unit}"
        return values.read_labels(self, self._numbers, f"numbers such as {example!r}")[:, None]

    def _numbers(self, labels: Sequence[Any]) -> NDArray[np.float64]:
        numbers = np.full(len(labels), np.nan)
        pattern = _pattern(self.separators, re.escape(self.prefix), re.escape(self.unit))
        for some in matched_texts(labels, pattern):
            numbers[some.rows] = self._of(some)
        others = not_text(labels)
        numbers[others] = [
            float(labels[row]) if isinstance(labels[row], Real) else np.nan for row in others
        ]
        return numbers

    def _of(self, texts: Matched) -> NDArray[np.float64]:
        """The numbers of texts of one skeleton, as `float` would read them."""
        thousands, decimal = self.separators
        found = texts.match.groupdict()
        _, _, fraction = found["digits"].partition(decimal)
        if found["power"] or found["digits"].count("0") > _EXACT:
            span = slice(texts.match.start("digits"), texts.match.end("power"))
            replaced = str.maketrans(decimal, ".", thousands)
            numbers = np.array([float(text[span].translate(replaced)) for text in texts.texts])
        else:
            numbers = texts.number("digits") / 10.0 ** len(fraction)  # both are exact
        is_negative = found["open"] or {found["sign"], found["inner_sign"]} & {"-", _MINUS}
        return -numbers if is_negative else numbers


def _are_codes(values: ColumnValues, read: NDArray[np.bool_]) -> bool:
    """Whether text that reads as numbers is rather codes, such as postal codes or years."""
    rows, labels = values.factors
    numbers = [label for label, is_read in zip(labels, read, strict=True) if is_read]
    texts = [as_text(label).strip() for label in numbers]
    if any(text[:1] == "0" and text.isdecimal() and len(text) > 1 for text in texts):
        return True
    if not all(map(_WHOLE.fullmatch, texts)):
        return False
    n_rows = np.bincount(rows[rows >= 0])
    rare = 2 * np.count_nonzero(n_rows == 1) >= n_rows.sum()
    return not rare or len({*map(len, texts)}) == 1
