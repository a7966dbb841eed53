"""Numbers as text: separators of thousands, currencies, percentages, units."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, partial
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fastmlp._user_warnings import warn
from fastmlp.table.labels import as_float
from fastmlp.table.text import (
    FEWEST_NUMBERS,
    PARSED_SHARE,
    as_text,
    is_text,
    not_text,
    quoted,
    sampled_texts,
)
from fastmlp.table.text_skeletons import Matched, matched_texts

if TYPE_CHECKING:
    from fastmlp.table.column_values import ColumnValues

_SPACES = " '\u2019\u00a0\u2009\u202f"
# What separates thousands, and what the decimals. Of equally good ones the first is taken.
SEPARATORS = ((",", "."), (".", ","), (_SPACES, "."), (_SPACES, ","))
_SIGNS = "\u00a2-\u00a5\u20a0-\u20cf$"  # of currencies
CURRENCY = rf"(?:[A-Z]{{1,3}}\$|[{_SIGNS}]|(?:USD|EUR|GBP|CHF|JPY|CNY|INR|CAD|AUD|Rs\.?|kr\.?))"
SHARES = "%\u2030"
_UNIT = rf"[^\W\d_](?:\D{{0,14}}[^\d\s])?|[{SHARES}\u00b0\u2032\u2033\"'{_SIGNS}]\D{{0,3}}"
_EXACT = 15  # digits of an integer that float64 holds
MINUS = "\u2212"
# What codes look like: whole, and only spaces between the digits, and capitals beside them. Amounts
# have 1,000, $5, 5% or 5 kg.
LIKE_CODES = re.compile(r"(?:[A-Z]+\s*)?[0-9]+(?:\s[0-9]+)*(?:\.0)?[A-Z]*")
_PADDED = re.compile(r"[^0-9]*0[0-9]")


def _pattern(separators: tuple[str, str], prefix: str, unit: str) -> re.Pattern[str]:
    some, point = (f"[{re.escape(one)}]" for one in separators)
    grouped = rf"(?P<grouped>[0-9]{{1,3}}(?:{some}[0-9]{{3}})+)"
    digits = rf"(?:{grouped}|[0-9]+|(?={point}[0-9]))(?P<fraction>{point}[0-9]*)?"
    # Not of thousands; 12e4 may be a code.
    power = r"(?(grouped)(?!)|[eE](?:(?(fraction)[-+]?|[-+]))[0-9]+)"
    return re.compile(
        rf"\s*(?P<open>\()?(?P<sign>[-+{MINUS}]?)\s*(?P<prefix>{prefix})\s*"
        rf"(?P<inner_sign>[-+{MINUS}]?)\s*(?P<digits>{digits})(?P<power>(?:{power})?)\s*"
        rf"(?P<unit>{unit})(?(open)\))\s*"
    )


@cache
def _any(separators: tuple[str, str]) -> re.Pattern[str]:
    """The pattern with any currency and unit; compiling them takes milliseconds."""
    return _pattern(separators, f"(?:{CURRENCY})?", f"(?:{_UNIT})?")


def number_matches(text: str) -> dict[tuple[str, str], re.Match[str]]:
    """How a text can be read as a number, by its separators, with any currency and unit."""
    matches = ((separators, _any(separators).fullmatch(text)) for separators in SEPARATORS)
    return {separators: match for separators, match in matches if match}


@dataclass(frozen=True)
class NumberText:
    """Reads numbers that are written as text, in one format.

    Parameters
    ----------
    separators : tuple of str
        Characters between thousands, and the one before decimals.
    prefix, unit : str
        Currency before, and unit after all numbers in training. Text with another one is not a
        number; numbers without are taken to be in it, except for percentages.
    """

    separators: tuple[str, str]
    prefix: str
    unit: str

    @classmethod
    def learn(cls, values: ColumnValues) -> NumberText | None:
        """Learn how numbers are written in a column of text; None if it holds none.

        It holds none if fewer than ten values are distinct, or if they are rather codes: if any
        number begins with a 0 before another digit; if two differ only by zeros at the end of the
        fraction, as the versions 1.1 and 1.10; and if all are plain integers, with or without
        capitals beside them, unless these differ in length and most rows have a value of their own,
        so that as a category the column would be useless.
        """
        labels = values.factors[1]
        if len(labels) < FEWEST_NUMBERS or len(not_text(labels)) == len(labels):
            return None
        texts = sampled_texts(labels)
        found: dict[NumberText, float] = {}
        for separators in SEPARATORS:
            if separators[0] == _SPACES and 1 in found.values():
                break  # all is read, so spaces are not needed
            beside = [
                match.group("prefix", "unit")
                for text in texts
                if (match := _any(separators).fullmatch(text))
            ]
            if 2 * len(beside) < len(texts):
                continue
            [((prefix, unit), _)] = Counter(beside or [("", "")]).most_common(1)
            one = cls(separators, prefix, unit)
            share = values.share_that_reads(~np.isnan(one._strict(values)))
            if share >= PARSED_SHARE:
                found[one] = share
        best = [one for one, share in found.items() if share == max(found.values())]
        if not best or best[0]._reads_codes(values):
            return None
        return _likely(best, values)

    @property
    def description(self) -> str:
        """What summaries say."""
        units = " ".join(filter(None, (self.prefix, self.unit)))
        return f"number in {units}, written as text" if units else "number written as text"

    def names(self, name: str) -> list[str]:
        """The name of the column."""
        return [name]

    def reads(self, text: str) -> bool:
        """Whether a text is a number in this format, or one without its unit; see `read`."""
        formats = [(self.prefix, self.unit)] + [("", "")] * (not self._is_share)
        return any(not np.isnan(self._parse([text], *one)[0]) for one in formats)

    def read(self, values: ColumnValues) -> NDArray[np.float64]:
        """The number of each row, (n_rows, 1); NaN for what is not a number in this format.

        Numbers without the unit or the currency are taken to be in it. But 0.5 may be 0.5% or 50%.
        """
        if values.is_number and not self._is_share:
            return values.array.astype(np.float64)[:, None]
        kind = f"numbers in {self.unit}, written as text" if self._is_share else "numbers as text"
        values.check_kind(
            is_text if self._is_share else lambda label: isinstance(label, str | bytes | Real), kind
        )
        example = f"{self.prefix}1{self.separators[1]}5{self.unit and ' '}{self.unit}"
        return values.read_labels(
            (self, "bare"), lambda labels: self._numbers(values), f"numbers such as {example!r}"
        )[:, None]

    @property
    def _is_share(self) -> bool:
        return self.unit[:1] in tuple(SHARES)

    def _strict(self, values: ColumnValues) -> NDArray[np.float64]:
        """The number of each label, NaN for those without the currency and the unit."""
        return values.parsed(self, partial(self._parse, prefix=self.prefix, unit=self.unit))

    def _numbers(self, values: ColumnValues) -> NDArray[np.float64]:
        """The number of each label."""
        numbers = self._strict(values)
        others = np.flatnonzero(np.isnan(numbers))
        if others.size and not self._is_share and (self.prefix or self.unit):
            labels = values.factors[1]
            numbers = numbers.copy()
            numbers[others] = self._parse([labels[i] for i in others.tolist()], "", "")
        return numbers

    def _parse(self, labels: Sequence[Any], prefix: str, unit: str) -> NDArray[np.float64]:
        numbers = np.full(len(labels), np.nan)
        pattern = _pattern(self.separators, re.escape(prefix), re.escape(unit))
        for some in matched_texts(labels, pattern):
            numbers[some.rows] = self._of(some)
        if not (prefix or unit):
            others = not_text(labels)
            numbers[others] = [
                as_float(labels[row]) if isinstance(labels[row], Real) else np.nan for row in others
            ]
        return numbers

    def _of(self, texts: Matched) -> NDArray[np.float64]:
        """The numbers of texts of one skeleton, as `float` would read them."""
        thousands, decimal = self.separators
        found = texts.match.groupdict("")
        _, _, fraction = found["digits"].partition(decimal)
        if found["power"] or found["digits"].count("0") > _EXACT:
            span = slice(texts.match.start("digits"), texts.match.end("power"))
            replaced = str.maketrans(decimal, ".", thousands)
            numbers = np.array([float(text[span].translate(replaced)) for text in texts.texts])
            numbers[np.isinf(numbers)] = np.nan
        else:
            numbers = texts.number("digits") / 10.0 ** len(fraction)  # both are exact
        if found["grouped"]:  # 0,750 has no thousands
            numbers[texts.characters[:, texts.match.start("digits")] == ord("0")] = np.nan
        is_negative = found["open"] or {found["sign"], found["inner_sign"]} & {"-", MINUS}
        return -numbers if is_negative else numbers

    def _reads_codes(self, values: ColumnValues) -> bool:
        """Whether what reads as numbers is rather codes: postal codes, years, versions."""
        labels, numbers = values.factors[1], self._strict(values)
        read = np.flatnonzero(~np.isnan(numbers))
        texts = [as_text(labels[i]).strip() for i in read.tolist()]
        if any(map(_PADDED.match, texts)) or self._are_versions(texts, numbers[read]):
            return True
        if not all(map(LIKE_CODES.fullmatch, texts)):
            return False
        is_rare = 2 * np.count_nonzero(values.counts == 1) >= values.counts.sum()
        return not is_rare or len({*map(len, texts)}) == 1

    def _are_versions(self, texts: Sequence[str], numbers: NDArray[np.float64]) -> bool:
        """Whether two texts differ only by zeros at the end of the fraction."""
        fractional = np.flatnonzero(numbers != np.rint(numbers))
        order = fractional[np.argsort(numbers[fractional], kind="stable")]
        same = np.flatnonzero(np.diff(numbers[order]) == 0)
        point = self.separators[1]

        def digits(row: int) -> int:
            return sum(map(str.isdecimal, texts[row].partition(point)[2]))

        pairs = zip(order[same].tolist(), order[same + 1].tolist(), strict=True)
        return any(digits(one) != digits(other) for one, other in pairs)


def _likely(formats: list[NumberText], values: ColumnValues) -> NumberText:
    """The first of several formats that read as much, unless dots are likely to be of thousands.

    That is so where numbers below 1000 are without dots, and others have groups of three digits.
    Where all have such groups, dots are decimal and a warning says so. Commas are taken for
    thousands: a fraction that is written later with other digits than three is not misread then.
    """
    first, *others = formats
    numbers = first._strict(values)
    for other in others:
        theirs = other._strict(values)
        larger = np.abs(theirs) > np.abs(numbers)
        if not larger.any():
            continue
        plain = np.abs(numbers[(theirs == numbers) & (numbers != 0)])
        if plain.size and plain.max() < 1000:
            return other
        label = values.factors[1][int(larger.argmax())]
        warn(
            f"{values.title} holds numbers whose dots may separate thousands or decimals, such as "
            f"{quoted(label)}. They are read as decimals; convert the column to numbers if that is "
            "wrong"
        )
    return first
