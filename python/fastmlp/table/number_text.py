"""Numbers as people write them: separators of thousands, currencies, percentages, units."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastmlp.table.text import PARSED_SHARE, as_text, is_text, sampled_texts, share_that_reads

if TYPE_CHECKING:
    from fastmlp.table.column_values import ColumnValues

_SPACES = " '\u2019\u00a0\u2009\u202f"
# What separates thousands, and what the decimals. Of equally good ones the first is taken.
_SEPARATORS = ((",", "."), (".", ","), (_SPACES, "."), (_SPACES, ","))
_SIGNS = "\u00a2-\u00a5\u20a0-\u20cf$"  # of currencies
_CURRENCY = rf"(?:[A-Z]{{1,3}}\$|[{_SIGNS}]|(?:USD|EUR|GBP|CHF|JPY|CNY|INR|CAD|AUD|Rs\.?|kr\.?))"
_UNIT = rf"[^\W\d_](?:\D{{0,14}}[^\d\s])?|[%\u2030\u00b0\u2032\u2033\"'{_SIGNS}]\D{{0,3}}"
_LONGEST = 60  # characters of a number
_MINUS = "\u2212"
_CODE, _WHOLE = re.compile(r"0\d+"), re.compile(r"\d+(?:\.0)?")
_FEWEST = 10  # distinct values: fewer are a category, each of whose values can have its own effect


def _pattern(separators: tuple[str, str], prefix: str, unit: str) -> re.Pattern[str]:
    """Pattern of numbers; its groups are (, sign, prefix, sign, number, unit."""
    some, point = (f"[{re.escape(one)}]" for one in separators)
    number = rf"(?:\d{{1,3}}(?:{some}\d{{3}})+|\d+)(?:{point}\d*)?|{point}\d+"
    sign = rf"([-+{_MINUS}]?)"
    return re.compile(
        rf"(\()?{sign}\s*({prefix})\s*{sign}\s*((?:{number})(?:[eE][-+]?\d+)?)\s*({unit})(?(1)\))"
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
        if len(labels) < _FEWEST or not any(map(is_text, labels)):
            return None
        best, best_share = None, 0.0
        texts = sampled_texts(labels)
        for separators, pattern in _ANY.items():
            found = [match.groups() for text in texts if (match := pattern.fullmatch(text))]
            if 2 * len(found) < len(texts):
                continue
            [((prefix, unit), _)] = Counter((g[2], g[5]) for g in found).most_common(1)
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

    @cached_property
    def _format(self) -> tuple[Callable[[str], re.Match[str] | None], Any]:
        """What matches a number, and what is replaced before `float` reads it."""
        pattern = _pattern(self.separators, re.escape(self.prefix), re.escape(self.unit))
        thousands, decimal = self.separators
        return pattern.fullmatch, str.maketrans(decimal + _MINUS, ".-", thousands)

    def _numbers(self, labels: Sequence[Any]) -> NDArray[np.float64]:
        return np.array([self._number(label) for label in labels], dtype=np.float64)

    def _number(self, label: Any) -> float:
        if isinstance(label, Real):
            return float(label)
        match, replaced = self._format
        found = match(as_text(label)[:_LONGEST].strip())
        if found is None:
            return np.nan
        negative, sign, _, sign2, digits, _ = found.groups("")
        number = float(digits.translate(replaced))
        return -number if negative or "-" in (sign + sign2).replace(_MINUS, "-") else number


def _are_codes(values: ColumnValues, read: NDArray[np.bool_]) -> bool:
    """Whether text that reads as numbers is rather codes, such as postal codes or years."""
    rows, labels = values.factors
    numbers = [label for label, is_read in zip(labels, read, strict=True) if is_read]
    texts = [as_text(label).strip() for label in numbers]
    if any(_CODE.fullmatch(text) for text in texts):
        return True
    if not all(map(_WHOLE.fullmatch, texts)):
        return False
    n_rows = np.bincount(rows[rows >= 0])
    rare = 2 * np.count_nonzero(n_rows == 1) >= n_rows.sum()
    return not rare or len({*map(len, texts)}) == 1
