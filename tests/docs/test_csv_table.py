"""examples/csv_table.py: files of many kinds become inputs and a target."""

import numpy as np
import pandas as pd
import pytest
from csv_table import split


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_separators(loaded, houses, separator):
    table, _ = loaded(houses, "price", sep=separator)
    pd.testing.assert_frame_equal(table.X, houses.drop(columns="price"), check_dtype=False)


def test_decimal_commas(loaded, houses):
    table, _ = loaded(houses, "price", sep=";", decimal=",")
    np.testing.assert_array_equal(table.X["area"], houses["area"])
    np.testing.assert_array_equal(table.y, houses["price"])


@pytest.mark.parametrize(
    ("first", "values"), [("950", ["950", "1,250"]), ("0,750", [0.75, 1.25]), ("2,5", [2.5, 1.25])]
)
def test_commas_between_thousands_are_not_decimal(loaded, first, values):
    rows = [f"{i};{first if i == 0 else '1,250'};{i}" for i in range(20)]
    table, _ = loaded("\n".join(["id;size;price", *rows]), "price")
    assert table.X["size"][:2].tolist() == values


def test_quoted_separators_do_not_count(loaded):
    rows = "\n".join(f"{i},{i}" for i in range(20))
    table, _ = loaded(f'"size; in; m;",price\n{rows}\n', "price")
    assert list(table.X) == ["size; in; m;"]


def test_encodings(loaded, houses):
    table, _ = loaded(houses, "price", encoding="cp1252")
    assert "Köln" in set(table.X["town"])


def test_gaps_of_all_kinds(loaded, houses):
    houses["area"] = houses["area"].mask(houses.index % 7 == 0)
    houses["town"] = houses["town"].mask(houses.index % 5 == 0)
    houses["price"] = houses["price"].mask(houses.index % 20 == 3)
    houses["yield"] = np.where(houses.index % 6 == 0, np.inf, houses["rooms"] / 3.0)
    houses["garden"] = np.where(houses.index % 4 == 0, None, houses["rooms"] > 3)
    houses["nothing"] = np.nan
    table, out = loaded(houses, "price")
    for line in (
        "Inputs: 4 with numbers, 2 with text",
        "Missing values: area 9, town 12, garden 15, nothing 60",
        "Infinite values in 'yield', treated as missing: 10",
        "Rows left out because 'price' is missing: 3",
    ):
        assert f"{line}\n" in out
    assert table.X.shape == (57, 6)
    assert set(table.X["garden"].dropna()) == {"True", "False"}


def test_infinite_target_counts_as_missing(loaded, houses):
    houses.loc[:1, "price"] = np.inf
    table, out = loaded(houses, "price")
    assert len(table.y) == 58
    assert "Rows left out because 'price' is missing: 2\n" in out


@pytest.mark.parametrize("form", ["${:,.0f}", "{:,.0f} €", "{:.0f}%", " {:_.0f} "])
def test_numbers_as_people_write_them(loaded, houses, form):
    written = houses.assign(price=[form.format(v).replace("_", " ") for v in houses["price"]])
    table, out = loaded(written, "price")
    assert not table.is_classification
    np.testing.assert_array_equal(table.y, houses["price"].round())
    assert "'price' is text such as " in out


CLASSES = {
    "text": ["yes", "no"],
    "booleans": [True, False],
    "two numbers": [0, 1],
    "fractions": [0.5, 1.5],
}


@pytest.mark.parametrize("name", CLASSES)
def test_classes(loaded, houses, name):
    houses["sold"] = np.array(CLASSES[name], object)[houses["rooms"] % 2]
    table, out = loaded(houses, "sold")
    assert table.is_classification
    assert set(table.y) == set(map(str, CLASSES[name]))
    assert "to predict 'sold', 2 classes\n" in out


def test_task_decides(loaded, houses):
    assert not loaded(houses, "rooms")[0].is_classification
    table, _ = loaded(houses, "rooms", "classification")
    assert set(table.y) == set("1234567")
    two = houses.assign(rooms=houses["rooms"] % 2)
    assert not loaded(two, "rooms", "regression")[0].is_classification


def test_classes_of_few_rows_are_left_out(loaded, houses):
    houses.loc[:2, "town"] = "Bonn"
    table, out = loaded(houses, "town")
    assert "Bonn" not in set(table.y)
    assert "Rows left out because their class has fewer than 5: 3\n" in out


def test_each_part_has_its_share_of_a_class(loaded, houses):
    houses["sold"] = houses.index < 10
    table, _ = loaded(houses, "sold")
    parts = split(table, 0.2, seed=0)
    assert (parts.y_test == "True").sum() == 2
