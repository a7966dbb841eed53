"""What the examples refuse, and how they say so."""

import gzip
import subprocess
import sys

import numpy as np
import pytest
from csv_table import InputError


@pytest.fixture
def refused(loaded):
    """Load a table that cannot be used; returns the sentence."""

    def call(content, target, task="auto", **how):
        with pytest.raises(InputError) as error:
            loaded(content, target, task, **how)
        assert "\n" not in str(error.value)
        return str(error.value)

    return call


def test_error_in_a_process_of_its_own(examples, tmp_path):
    done = subprocess.run(
        [sys.executable, examples / "house_prices.py", "--csv", "no-such.csv", "--target", "price"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "error: no such file: no-such.csv\n"


UNREADABLE = {
    "ragged.csv": b"a,price\n1,2\n1,2,3\n",
    "long-rows.csv": b"a,price\n1,2,3\n1,2,3\n",
    "empty.csv": b"",
    "latin.csv": "größe,price\n1,2\n".encode("latin-1"),
    "not.csv.gz": b"a,price\n1,2\n",
    "cut.csv.gz": gzip.compress(b"a,price\n" + b"1,2\n" * 1000)[:-10],
    "damaged.csv.gz": gzip.compress(b"a,price\n1,2\n")[:10] + b"\xff" * 20,
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable(run, tmp_path, name):
    (tmp_path / name).write_bytes(UNREADABLE[name])
    code, _, err = run("house_prices", "--csv", tmp_path / name, "--target", "price")
    assert code == 2
    assert err.startswith(f"error: cannot read {tmp_path / name} as CSV: ")
    assert err.count("\n") == 1


def test_folder_in_the_place_of_a_file(run, tmp_path):
    code, _, err = run("house_prices", "--csv", tmp_path, "--target", "price")
    assert code == 2
    assert f"cannot read {tmp_path} as CSV" in err


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252"])
def test_other_encodings_are_named(run, write, houses, encoding):
    path = write(houses, encoding=encoding)
    _, _, err = run("house_prices", "--csv", path, "--target", "price")
    assert "it is not utf-8 text" in err
    assert f"--encoding {encoding}\n" in err


def test_no_such_encoding(run, write, houses):
    path = write(houses)
    _, _, err = run("house_prices", "--csv", path, "--target", "price", "--encoding", "utf-9")
    assert err == "error: --encoding: unknown encoding: utf-9\n"


def test_no_such_column(refused, houses):
    error = refused(houses, "Prize")
    assert error.endswith(
        "houses.csv has no column 'Prize'; did you mean 'price'? "
        "It has 'area', 'rooms', 'town', 'price'"
    )
    assert "no column 'x'; it has 'area'" in refused(houses, "x")


def test_many_columns_are_not_listed(refused, houses):
    wide = houses.assign(**{f"c{i}": 0 for i in range(30)})
    assert refused(wide, "x").endswith(" and 14 more")


def test_csv_and_target_go_together(run, refused, houses):
    assert "--csv needs --target" in refused(houses, None)
    assert "--target needs --csv" in run("house_prices", "--target", "price")[2]


def test_one_word_among_the_target_numbers(refused, houses):
    houses["price"] = houses["price"].astype(object)
    houses.loc[30, "price"] = "on request"
    error = refused(houses, "price")
    assert error == ("the target 'price' is not a number in 1 of 60 rows: line 32 has 'on request'")


def test_a_target_of_names(refused, houses):
    houses["street"] = [f"Street {i}" for i in range(60)]
    error = refused(houses, "street")
    assert error.startswith("most of the 60 values of the target 'street' occur in fewer than 5")


def test_no_rows(refused):
    assert refused("area,price\n", "price").endswith("houses.csv has a header but no rows")


def test_too_few_rows(refused, loaded, houses):
    houses.loc[20:, "price"] = np.nan
    assert len(loaded(houses, "price")[0].y) == 20
    houses.loc[19:, "price"] = np.nan
    assert refused(houses, "price") == "only 19 rows have a 'price'; at least 20 are needed"
    houses["price"] = np.nan
    assert refused(houses, "price") == "only 0 rows have a 'price'; at least 20 are needed"


def test_no_input_columns(refused, houses):
    error = refused(houses[["price"]], "price")
    assert error.endswith("houses.csv has no input columns: 'price' is the only one")


@pytest.mark.parametrize("value", [12.5, "yes"])
def test_a_single_value_as_target(refused, houses, value):
    error = refused(houses.assign(price=value), "price")
    assert error == f"nothing to learn: 'price' is {value} in every row"
