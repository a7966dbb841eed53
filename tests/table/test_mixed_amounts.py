"""Amounts that no format reads are refused, with a line of code that makes numbers of them."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest
from columns_of_every_kind import encoded

from fastmlp import Regressor

NUMBERS = np.round(np.random.default_rng(0).uniform(1e3, 2e6, size=40), 2)


def dollars(x):
    return f"${x:,.2f}"


def euros(x):
    return f"{x:,.2f} €".translate(str.maketrans(",.", ".,"))


def alternately(*forms):
    return [forms[i % len(forms)](x) for i, x in enumerate(NUMBERS.tolist())]


AMOUNTS = {
    "two ways": alternately(dollars, euros),
    "two currencies": alternately(dollars, lambda x: f"£{x:,.2f}"),
    "currency before or behind": alternately(lambda x: f"EUR {x:.2f}", lambda x: f"{x:.2f} EUR"),
    "thousands in two ways": alternately("{:,.2f}".format, lambda x: euros(x).removesuffix(" €")),
    "beside words": [*map(dollars, NUMBERS), *["sold out"] * 5, *["on request"] * 5],
    "euros beside words": [*map(euros, NUMBERS), *["sold out"] * 5, *["on request"] * 5],
    "percent beside words": [*map("{}%".format, NUMBERS), *["unknown yet"] * 5, *["-/-"] * 5],
    "of accounting": [*alternately(lambda x: f"({x:,.2f})", "{:,.2f}".format), *["open"] * 9],
    "apostrophes": [*(f"{x:,.2f}".replace(",", "'") for x in NUMBERS), *["open"] * 9],
    "negative": [*(f"\u2212{x:,.2f}" for x in NUMBERS), *["open"] * 9],
    "of two lengths": [f"${x:.1f}{zero}" for zero in ("", 0) for x in NUMBERS.round(1)],
}


@pytest.mark.parametrize("kind", AMOUNTS)
def test_amounts_in_several_formats_are_refused_with_what_converts_them(kind):
    texts = AMOUNTS[kind]
    frame = pd.DataFrame({"price": texts, "other": np.arange(len(texts)) % 7.0})
    for table in (frame, pl.from_pandas(frame)):
        with pytest.raises(ValueError, match=r"X: column 'price' holds amounts that") as info:
            encoded(table)
    message = str(info.value)
    assert any(repr(text) in message for text in texts)
    line = re.search(r"column = (pandas\.to_numeric\(.*?errors='coerce'\))\.", message)[1]
    found = eval(line, {"pandas": pd, "column": frame["price"]}).to_numpy()
    expected = np.resize(NUMBERS, len(texts))
    expected[40:] = np.nan
    if kind == "of two lengths":
        expected = np.tile(NUMBERS.round(1), 2)
    if kind == "of accounting":
        expected[::2] *= -1
    np.testing.assert_array_equal(found, -expected if kind == "negative" else expected)


def test_units_of_amounts_become_a_column_of_their_own():
    frame = pd.DataFrame({"price": AMOUNTS["two currencies"]})
    with pytest.raises(ValueError, match=r"Their units, \['\$', '£'\], belong in") as info:
        encoded(frame)
    line = re.search(r"own: (column\.str\.replace\(.*?regex=True\))\.", str(info.value))[1]
    units = eval(line, {"column": frame["price"]})
    assert units.tolist() == ["$", "£"] * 20


@pytest.mark.parametrize("kind", ["two ways", "beside words"])
def test_amounts_that_are_called_categories_are_categories(kind):
    frame = pd.DataFrame({"price": AMOUNTS[kind] * 2})
    assert encoded(frame, categorical_features=["price"])[-1].columns[0].kind == "category"
    assert encoded(frame.astype("category"))[-1].columns[0].kind == "category"


NO_AMOUNTS = {
    "few": ["$5", "$10", "$1,000", "5 €", "sold out"] * 8,
    "other units": alternately("{:.0f} kg".format, "{:.0f} lb".format) * 2,
    "words, and few amounts": [*[f"${n}.50" for n in range(12)], *["low", "medium", "high"] * 20],
    "answers to choose from": [f"{a},{b},{b + 1}" for a in range(5) for b in range(5)] * 2,
    "sections": [f"{a}.{b}.{c}" for a in range(3) for b in range(3) for c in range(3)] * 2,
    "labels with signs": [f"top {n}% of all" for n in range(20)] * 2,
}


@pytest.mark.parametrize("kind", NO_AMOUNTS)
@pytest.mark.filterwarnings("ignore:.* is treated as a category")
def test_what_is_no_amount_is_a_category(kind):
    values = NO_AMOUNTS[kind]
    assert encoded(pd.DataFrame({"a": values}))[-1].columns[0].kind == "category"


def test_a_refused_fit_of_blocks_says_the_same():
    frame = pd.DataFrame({"price": AMOUNTS["two ways"], "n": NUMBERS})

    def blocks():
        for start in (0, 20):
            yield frame[start : start + 20], NUMBERS[start : start + 20]

    with pytest.raises(ValueError, match="column 'price' holds amounts that"):
        Regressor(preset="fast").fit(blocks)
