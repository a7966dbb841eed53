"""Numbers as people write them are read as numbers; codes and few values stay categories."""

from fractions import Fraction

import numpy as np
import pandas as pd
import polars as pl
import pytest
from columns_of_every_kind import NAN, encoded

from fastmlp.table.encoder import DenseEncoder
from fastmlp.table.number_text import NumberText

AMOUNTS = np.round(np.random.default_rng(0).uniform(-5e3, 2e6, size=60), 2)


def european(x):
    return f"{x:,.2f}".translate(str.maketrans(",.", ".,"))


WRITTEN = {
    "plain": str,
    "thousands": "{:,.2f}".format,
    "dollars": lambda x: f"${x:,.2f}".replace("$-", "-$"),
    "euros": lambda x: f"{european(x)} €",
    "francs": lambda x: f"CHF {x:,.2f}".replace(",", "'"),
    "accounting": lambda x: f"({-x:,.2f})" if x < 0 else f"{x:,.2f}",
    "minus": lambda x: f"{x:,.2f}".replace("-", "\u2212"),
    "spaces": lambda x: f"{x:,.2f}".replace(",", "\u202f").replace(".", ","),
    "percent": "{:.2f}%".format,
    "unit": "{:.2f} km/h".format,
    "unit of several words": "{:.2f} Nm @ full load".format,
    "surrounded by spaces": "  {:.2f} ".format,
    "lines": "{:.2f}\n".format,
    "powers": "{:.8e}".format,
    "many digits": "{:.20f}".format,
    "beside words for missing values": str,
}


@pytest.mark.parametrize("how", WRITTEN)
def test_numbers_however_they_are_written(how):
    texts = [*map(WRITTEN[how], AMOUNTS.tolist())]
    numbers = AMOUNTS
    if "missing" in how:
        texts += ["n/a", "-", "", "NULL", None]
        numbers = np.append(AMOUNTS, [NAN] * 5)
    frame = pd.DataFrame({"a": texts})
    for table in (frame, pl.from_pandas(frame), np.array(frame, dtype=object)):
        result, one, columns = encoded(table, table[5:6])
        np.testing.assert_array_equal(result[:, 0], numbers)
        np.testing.assert_array_equal(one, result[5:6])
        assert isinstance(columns.columns[0].reader, NumberText)
        assert columns.n_flags == ("missing" in how)


def test_the_learnt_format_is_used_later():
    *_, columns = encoded(pd.DataFrame({"a": [f"{x:.1f} kg" for x in AMOUNTS]}))
    later = ["5 kg", "1,000 kg", "5 lb", "5", "heavy", None, "n/a"]
    with pytest.warns(UserWarning, match="2 of 5 values, such as '5 lb', cannot be read as numb"):
        result = columns.encode(pd.DataFrame({"a": later}))
    np.testing.assert_array_equal(result[:, 0], [5, 1000, NAN, 5, NAN, NAN, NAN])
    np.testing.assert_array_equal(columns.encode(pd.DataFrame({"a": [2, 3]})), [[2], [3]])
    with pytest.warns(UserWarning, match="1 of 1 values, such as '5 lb', cannot be read as numb"):
        columns.encode(pd.DataFrame({"a": ["5 lb"]}))
    assert np.isnan(columns.encode(pd.DataFrame({"a": ["n/a", "-"]}))).all()
    with pytest.raises(ValueError, match="'a' held numbers as text in training; got dates"):
        columns.encode(pd.DataFrame({"a": pd.Series([pd.Timestamp(0)], dtype=object)}))


def test_separators_are_told_apart_by_the_whole_column():
    thousands = [f"{n},000" for n in range(1, 12)]
    assert encoded(pd.DataFrame({"a": thousands}))[0][0, 0] == 1000
    assert encoded(pd.DataFrame({"a": [*thousands, "0,5"]}))[0][0, 0] == 1
    assert encoded(pd.DataFrame({"a": [*thousands, "1,000.5"]}))[0][0, 0] == 1000


THOUSANDS = [f"{n}.{n:03d}" for n in range(101, 120)]


@pytest.mark.parametrize("unit", ["", " €"])
def test_dots_are_of_thousands_beside_smaller_numbers_without(unit):
    texts = [f"{text}{unit}" for text in ["950", "80", *THOUSANDS]]
    result, _ = encoded(pd.DataFrame({"a": texts}))
    assert result[:3, 0].tolist() == [950, 80, 101_101]


def test_dots_that_may_be_of_thousands_or_of_decimals():
    with pytest.warns(UserWarning, match=r"dots may separate thousands or .* such as '101\.101'"):
        result, columns = encoded(pd.DataFrame({"a": THOUSANDS}))
    assert result[0, 0] == 101.101
    with pytest.warns(UserWarning, match="1 of 2 values, such as '1.200.000', cannot be read"):
        columns.encode(pd.DataFrame({"a": ["1.250", "1.200.000"]}))
    # Nothing is in doubt where some numbers have other digits.
    assert encoded(pd.DataFrame({"a": [*THOUSANDS, "0.5"]}))[0][0, 0] == 101.101
    assert encoded(pd.DataFrame({"a": [*THOUSANDS, "1.200.000"]}))[0][0, 0] == 101_101


def test_points_before_a_power_are_decimal():
    texts = [f"{n}.{n:03d}e+08" for n in range(101, 120)]
    assert encoded(pd.DataFrame({"a": texts}))[0][0, 0] == 101.101e8


def test_thousands_do_not_begin_with_zero():
    result, later, _ = encoded(
        pd.DataFrame({"a": [f"0,{n}" for n in range(100, 120)]}),
        pd.DataFrame({"a": ["0,75", "1,5"]}),
    )
    assert result[:2, 0].tolist() == [0.1, 0.101]
    assert later[:, 0].tolist() == [0.75, 1.5]


def test_few_rows_are_numbers():
    words = ["sold out", "on request"] * 50
    with pytest.warns(UserWarning, match="a category of 202 values. It holds numbers"):
        *_, columns = encoded(pd.DataFrame({"a": [f"{n}.50" for n in range(200)] + words}))
    assert columns.columns[0].kind == "category"


def test_percentages_without_the_sign_are_not_guessed():
    *_, columns = encoded(pd.DataFrame({"a": [f"{n / 10}%" for n in range(90)]}))
    for dtype in (float, object):
        frame = pd.DataFrame({"a": pd.Series([0.173, 0.2], dtype=dtype)})
        with pytest.raises(ValueError, match=r"'a' held numbers in %, .* got numbers, such as 0"):
            columns.encode(frame)
    with pytest.warns(UserWarning, match="1 of 2 values, such as '0.173', cannot be read as numb"):
        result = columns.encode(pd.DataFrame({"a": ["0.173", "17.3%"]}))
    np.testing.assert_array_equal(result[:, 0], [NAN, 17.3])
    assert np.isnan(columns.encode(pd.DataFrame({"a": [NAN]}))).all()


RNG = np.random.default_rng(0)
CODES = {
    "few": [f"{n}%" for n in range(9)] * 4,
    "postal codes": [f"{n:05d}" for n in RNG.integers(1000, 99_999, size=30)] * 2,
    "of one length": [str(n) for n in range(1000, 1040)] * 2,
    "years": [str(n) for n in range(1980, 2000)] * 3,
    "repeated integers": [str(n) for n in range(5, 30)] * 2,
    "integers that were floats": [f"{n}.0" for n in range(5, 30)] * 2,
    "different units": [f"{n} {'kg' if n % 2 else 'lb'}" for n in range(30)] * 2,
    "letters and numbers": [f"A{n}" for n in range(30)] * 2,
    "padded, with a letter": [f"{n:04d}A" for n in range(0, 400, 7)] * 2,
    "of two groups": [f"{110 + n // 7} {n % 7:03d}" for n in range(30)] * 2,
    "routes": [f"{n}A" for n in range(5, 40)] * 3,
    "courses": [f"CAD{n}" for n in range(101, 140)] * 2,
    "courses with a space": [f"CAD {n}" for n in range(95, 140)] * 3,
    "versions": [f"{n // 15}.{n % 15}" for n in range(15, 60)] * 2,
    "versions with a letter": [f"v1.{n}" for n in range(1, 25)] * 2,
    "letters between digits": [f"{n}e{n % 9}" for n in range(30)] * 2,
    "ordinals": [f"{n}th" if n % 3 else f"{n}rd" for n in range(4, 30)] * 2,
}


@pytest.mark.parametrize("kind", CODES)
@pytest.mark.filterwarnings("ignore:.* is treated as a category")
def test_codes_stay_categories(kind):
    *_, columns = encoded(pd.DataFrame({"a": CODES[kind]}))
    assert columns.columns[0].kind == "category"
    assert len(columns.columns[0].categories) == len(set(CODES[kind]))


def test_integers_of_which_nearly_all_differ_are_numbers():
    texts = [str(n * n) for n in range(40)]
    result, columns = encoded(pd.DataFrame({"a": texts}))
    np.testing.assert_array_equal(result[:, 0], np.arange(40.0) ** 2)
    assert columns.columns[0].reader == NumberText((",", "."), "", "")


@pytest.mark.parametrize("form", ["{}A", "EUR {}"])
def test_codes_that_may_be_amounts_are_warned_of(form):
    texts = [form.format(n) for n in range(5, 40)] * 3
    with pytest.warns(UserWarning, match="a category of 35 values. Its values look like codes"):
        encoded(pd.DataFrame({"a": texts}))


MEASURES = {
    "of a unit": [f"{n} kg" for n in range(10, 40)] * 2,
    "of a unit without space": [f"{n}kg" for n in range(10, 40)] * 2,
    "of capitals after a space": [f"{n} EUR" for n in range(10, 40)] * 2,
    "of a currency": [f"${n}" for n in range(10, 40)] * 2,
    "percentages": [f"{n}%" for n in range(10, 40)] * 2,
    "thousands": [f"{n},000" for n in range(10, 40)] * 2,
}


@pytest.mark.parametrize("kind", MEASURES)
def test_measures_are_no_codes(kind):
    result, columns = encoded(pd.DataFrame({"a": MEASURES[kind]}))
    assert isinstance(columns.columns[0].reader, NumberText)
    np.testing.assert_array_equal(np.diff(result[:30, 0]), 1000 if kind == "thousands" else 1)


def test_what_the_user_calls_a_category_is_one():
    texts = [f"${n}.50" for n in range(20)] * 2
    frame = pd.DataFrame({"a": texts})
    assert DenseEncoder.learn(frame, ["a"])[0].category_sizes == (20,)
    assert DenseEncoder.learn(frame.astype("category"))[0].category_sizes == (20,)


def test_numbers_beside_numbers_as_text():
    values = pd.Series([*AMOUNTS[:20], *map(str, AMOUNTS[20:40]), "?"], dtype=object)
    result, _ = encoded(pd.DataFrame({"a": values}))
    np.testing.assert_array_equal(result[:, 0], [*AMOUNTS[:40], NAN])


@pytest.mark.parametrize("text", ["1.0e999", "1" * 70, "9" * 50 + "e+300"])
def test_number_too_large_or_too_long(text):
    result, columns = encoded(pd.DataFrame({"a": [*map(str, AMOUNTS), text]}))
    assert np.isnan(result[-1, 0])
    with pytest.warns(UserWarning, match="1 of 1 values, such as '.*, cannot be read as numbers"):
        assert np.isnan(columns.encode(pd.DataFrame({"a": [text]}))[0, 0])


@pytest.mark.parametrize("number", [10**400, Fraction(10**400, 3)])
def test_numbers_too_large_for_a_float_are_infinite(number):
    frame = pd.DataFrame({"price": [f"${1000 + i}" for i in range(60)]})
    encoder = encoded(frame)[1]
    with pytest.raises(ValueError, match=r"contains infinity .*column 'price'"):
        encoder.encode(pd.DataFrame({"price": [number]}, dtype=object))
