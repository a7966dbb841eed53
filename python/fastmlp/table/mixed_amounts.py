"""Amounts of money, percentages and so on that no single format reads: an error with a remedy.

As categories they would lose their order, and most amounts in later tables would be unknown.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from fastmlp.table.number_text import CURRENCY, LIKE_CODES, MINUS, SHARES, number_matches
from fastmlp.table.text import FEWEST_NUMBERS, as_text, quoted, quoted_few, sampled_texts

if TYPE_CHECKING:
    from fastmlp.table.column_values import ColumnValues

_OF_AMOUNTS = re.compile(rf"{CURRENCY}|[{SHARES}]")  # currencies and units
# What is not part of a number, by the signs that separate decimals in the column. If both do, those
# before exactly three digits separate thousands.
_NO_PART = {".": r"[^0-9.-]", ",": r"[^0-9,-]", ".,": r"[.,](?=\d{3}(?!\d))|[^0-9.,-]"}


class _Amount(NamedTuple):
    """How a text is written: currency or unit, and what may separate its decimals."""

    unit: str
    points: str


def check_no_amounts(values: ColumnValues) -> None:
    """Raise if most labels of a column are amounts, which no reader reads in one format.

    Amounts have a currency, a sign such as %, or separators of thousands. Ten must be different, as
    for numbers that are read.

    Parameters
    ----------
    values : ColumnValues
        Values of a column that no reader reads.

    Raises
    ------
    ValueError
        With a line of code that converts the column.
    """
    labels = values.factors[1]
    if len(labels) < FEWEST_NUMBERS or not _are_mostly(sampled_texts(labels)):
        return
    texts = [as_text(label).strip() for label in labels]
    amounts = {text: amount for text in texts if (amount := _amount_in(text))}
    are_amounts = np.array([text in amounts for text in texts])
    n_rows = values.counts[are_amounts].sum()
    if len(amounts) < FEWEST_NUMBERS or 2 * n_rows < values.counts.sum():
        return
    first, of_first = next(iter(amounts.items()))
    other = next((text for text in texts if amounts.get(text) != of_first), None)
    beside = "" if other is None else f" beside {quoted(other)}"
    units = sorted({amount.unit for amount in amounts.values()} - {""})
    several = (
        f" Their units, {quoted_few(units)}, belong in a column of their own: "
        r"column.str.replace(r'[\d\s.,()-]', '', regex=True)."
        if len(units) > 1
        else ""
    )
    raise ValueError(
        f"{values.title} holds amounts that are not written in one format, such as "
        f"{quoted(first)}{beside}. As categories they would lose their order. Convert them to "
        f"numbers: column = {_remedy(texts, [*amounts.values()])}.{several} Or list the column in "
        "categorical_features"
    )


def _are_mostly(texts: Sequence[str]) -> bool:
    """Whether half of the texts or more are amounts."""
    return 2 * sum(_amount_in(text) is not None for text in texts) >= max(1, len(texts))


def _amount_in(text: str) -> _Amount | None:
    """How the text is written if it is an amount; plain numbers, codes and other units are not."""
    matches = number_matches(text)
    if not matches or LIKE_CODES.fullmatch(text):
        return None
    match = next(iter(matches.values()))
    unit = match["prefix"] or match["unit"]
    points = "".join(sorted({point for _, point in matches}))
    if _OF_AMOUNTS.fullmatch(unit) or any(map(_has_thousands, matches.values())):
        return _Amount(unit, points)
    return None


def _has_thousands(match: re.Match[str]) -> bool:
    """Whether thousands are separated, beyond doubt: 1.250 may be a fraction, 1 250 a code."""
    groups = match["grouped"] or ""
    return any(sign in groups for sign in ",'\u2019") or (
        "." in groups and (groups.count(".") > 1 or bool(match["fraction"]))
    )


def _remedy(texts: Sequence[str], amounts: Sequence[_Amount]) -> str:
    """A line of code that converts the column to numbers."""
    certain = {amount.points for amount in amounts if len(amount.points) == 1}
    point = "".join(sorted(certain, reverse=True)) or "."
    code = "column.astype(str)"
    if any(text.startswith("(") for text in texts):  # of accounting, for negative amounts
        code += ".str.replace('(', '-')"
    if any(MINUS in text for text in texts):
        code += f".str.replace({MINUS!r}, '-')"
    code += f".str.replace(r'{_NO_PART[point]}', '', regex=True)"
    if "," in point:
        code += ".str.replace(',', '.')"
    return f"pandas.to_numeric({code}, errors='coerce')"
