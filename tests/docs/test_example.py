"""The tutorial in examples/house_prices.py: what it prints and draws."""

import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
NUMBER = r"-?[\d,]+(?:\.\d+)?(?:e[+-]\d+)?"


def epoch_lines(out):
    form = re.compile(r"Epoch \[(\d+)/100\], Loss: \d+\.\d{4}, Val Loss: \d+\.\d{4}")
    lines = [line for line in out.splitlines() if line.startswith("Epoch")]
    matches = [form.fullmatch(line) for line in lines]
    assert all(matches), lines
    return [int(match[1]) for match in matches]


def comparison(out):
    """Rows of the last table: name to RMSE, MAE, R2."""
    lines = out.splitlines()
    (start,) = (i for i, line in enumerate(lines) if line.startswith("Test part"))
    assert lines[start].split()[2:] == ["RMSE", "MAE", "R2"]
    rows = [re.split(r"\s{2,}", line.strip()) for line in lines[start + 1 :]]
    return {name: [float(n.replace(",", "")) for n in numbers] for name, *numbers in rows}


def check_whole_run(out):
    assert epoch_lines(out) == list(range(1, 101))
    assert len(re.findall(r"^Test Loss: \d+\.\d{4}$", out, re.MULTILINE)) == 1
    assert re.search(rf"^RMSE in 5-fold cross-validation: {NUMBER} \+/- {NUMBER}$", out, re.M)
    assert re.search(r"^Best: learning rate 0\.\d+, batch size (32|128)$", out, re.MULTILINE)
    rows = comparison(out)
    assert list(rows) == ["tutorial's network", "grid search's best", "Regressor()"]
    assert np.isfinite(list(rows.values())).all()


def test_bundled_table_with_warnings_as_errors(script, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    check_whole_run(done.stdout)
    assert "Rows: 442\n" in done.stdout
    assert (tmp_path / "loss.png").read_bytes().startswith(PNG_SIGNATURE)


def test_test_loss_is_that_of_the_table(run):
    """The loss on the normalised target and the RMSE in its unit are one measurement."""
    code, out, _ = run("--seed", 3)
    assert code == 0
    loss = float(re.search(r"^Test Loss: (.*)$", out, re.MULTILINE)[1])
    target = re.search(r"^Target: mean .*, standard deviation (.*)$", out, re.MULTILINE)
    deviation = float(target[1])
    rmse = comparison(out)["tutorial's network"][0]
    assert np.sqrt(loss) * deviation == pytest.approx(rmse, rel=1e-3)


@pytest.mark.parametrize("name", ["houses.csv", "houses.csv.gz"])
def test_plain_and_gzipped(run, write, houses, tmp_path, name):
    path = write(houses, name)
    assert (path.read_bytes()[:2] == b"\x1f\x8b") == name.endswith(".gz")
    code, out, err = run("--csv", path, "--target", "price", plot=tmp_path / "curves.png")
    assert (code, err) == (0, "")
    check_whole_run(out)
    assert "Rows: 60\nColumns: 4, of which 'price' is the target\n" in out
    assert "Inputs: 2 with numbers, 1 with text\nMissing values: none\n" in out
    assert "Training, validation and test rows: 42, 9, 9\n" in out
    assert "Inputs of the network: 5\n" in out  # two numbers, three towns
    assert (tmp_path / "curves.png").read_bytes().startswith(PNG_SIGNATURE)


def test_same_seed_same_output(run, write, houses):
    arguments = ("--csv", write(houses), "--target", "price", "--seed")
    assert run(*arguments, 5) == run(*arguments, 5)


def test_holes_of_all_kinds(run, write, houses):
    houses["area"] = houses["area"].mask(houses.index % 7 == 0)
    houses["town"] = houses["town"].mask(houses.index % 5 == 0)
    houses["price"] = houses["price"].mask(houses.index % 20 == 3)
    houses["yield"] = np.where(houses.index % 6 == 0, np.inf, houses["rooms"] / 3.0)
    houses["loss"] = np.where(houses.index % 30 == 0, -np.inf, 1.0)
    houses["garden"] = np.where(houses.index % 4 == 0, None, houses["rooms"] > 3)
    houses["nothing"] = np.nan
    code, out, err = run("--csv", write(houses), "--target", "price")
    assert (code, err) == (0, "")
    check_whole_run(out)
    for line in (
        "  area: 9",
        "  town: 12",
        "  price: 3",
        "  garden: 15",
        "  nothing: 60",
        "Infinite values in 'yield', treated as missing: 10",
        "Infinite values in 'loss', treated as missing: 2",
        "Rows dropped because the target is missing: 3",
        "Column left out: 'nothing' has no values in the training part",
        "Numbers (missing values become the median): area, rooms, yield, loss",
        # four numbers, three towns and none, garden yes, no and unknown
        "Inputs of the network: 11",
    ):
        assert f"\n{line}\n" in out
    assert "\nText (one column per category, missing is one too): town, garden\n" in out


def test_text_with_many_categories_is_left_out(run, write, houses):
    houses = pd.concat([houses, houses], ignore_index=True)
    houses["street"] = [f"Street {i}" for i in range(120)]
    with pytest.warns(UserWarning, match="column 'street' is not used: none of its 102 values"):
        code, out, _ = run("--csv", write(houses), "--target", "price")
    assert code == 0
    assert "Column left out: 'street' is text with 84 different values\n" in out
    assert "Inputs of the network: 5\n" in out


def test_text_alone_will_do(run, write, houses):
    code, out, err = run("--csv", write(houses[["town", "price"]]), "--target", "price")
    assert (code, err) == (0, "")
    check_whole_run(out)
    assert "Inputs: 0 with numbers, 1 with text\n" in out


def test_infinite_target_counts_as_missing(run, write, houses):
    houses.loc[:1, "price"] = np.inf
    code, out, _ = run("--csv", write(houses), "--target", "price")
    assert code == 0
    assert "Rows dropped because the target is missing: 2\n" in out


def test_statistics_come_from_the_training_part(house_prices):
    train = pd.DataFrame({"n": [1.0, 2.0, 9.0, np.nan], "t": ["a", "b", np.nan, "a"]})
    other = pd.DataFrame({"n": [np.nan, 1000.0], "t": ["c", np.nan]})
    train["t"], other["t"] = train["t"].astype(object), other["t"].astype(object)
    encoder = house_prices.make_encoder(train).fit(train)
    np.testing.assert_array_equal(encoder.transform(other), [[2, 0, 0, 0], [1000, 0, 0, 1]])
    normalised = house_prices.normalised(encoder).fit(train)
    numbers = normalised.transform(train)[:, 0]
    assert numbers.mean() == pytest.approx(0)
    assert numbers.std() == pytest.approx(1)
    np.testing.assert_array_equal(
        normalised.transform(train)[:, 1:], encoder.transform(train)[:, 1:]
    )
