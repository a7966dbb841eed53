"""examples/tutorial.py: what it prints and draws."""

import re

import numpy as np
import pandas as pd
import pytest
from csv_table import load
from tutorial import make_encoder, normalised

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
    (start,) = (i for i, line in enumerate(lines) if line.startswith("Test rows"))
    assert lines[start].split()[2:] == ["RMSE", "MAE", "R2"]
    rows = [re.split(r"\s{2,}", line.strip()) for line in lines[start + 1 :]]
    return {name: [float(n.replace(",", "")) for n in numbers] for name, *numbers in rows}


def test_whole_run(run, write, houses):
    path = write(houses, "houses.csv.gz")
    assert path.read_bytes()[:2] == b"\x1f\x8b"
    plot = path.with_name("curves.png")
    code, out, err = run("tutorial", "--csv", path, "--target", "price", plot=plot)
    assert (code, err) == (0, "")
    assert epoch_lines(out) == list(range(1, 101))
    assert re.search(rf"^RMSE in 5-fold cross-validation: {NUMBER} \+/- {NUMBER}$", out, re.M)
    assert re.search(r"^Best: learning rate 0\.\d+, dropout 0(\.1)?$", out, re.MULTILINE)
    rows = comparison(out)
    assert list(rows) == ["the network of step 4", "the best of step 6", "Regressor()"]
    assert np.isfinite(list(rows.values())).all()
    assert "Inputs of the network: 5\n" in out  # two numbers, three towns
    assert plot.read_bytes().startswith(PNG_SIGNATURE)
    # The loss of the normalised target and the RMSE in the target's unit are one measurement.
    loss = float(re.search(r"^Test Loss: (.*)$", out, re.MULTILINE)[1])
    target = re.search(rf"^Target: mean .*, standard deviation ({NUMBER})$", out, re.MULTILINE)
    deviation = float(target[1].replace(",", ""))
    rmse = rows["the network of step 4"][0]
    assert np.sqrt(loss) * deviation == pytest.approx(rmse, rel=1e-2)


def test_classes_are_refused(run, write, houses):
    code, _, err = run("tutorial", "--csv", write(houses), "--target", "town")
    assert code == 2
    assert "error: the target 'town' is not a number in 60 of 60 rows: line 2 has '" in err


def test_empty_columns_and_free_text_are_left_out(houses, capsys):
    houses["nothing"] = np.nan
    houses["street"] = [f"Street {i}" for i in range(60)]
    encoder = make_encoder(houses.drop(columns="price"))
    out = capsys.readouterr().out
    assert "Column left out: 'nothing' has no values in the training part\n" in out
    assert "Column left out: 'street' is text with 60 different values\n" in out
    assert encoder.fit_transform(houses).shape == (60, 5)


def test_no_input_columns_left(run, write, houses):
    houses["nothing"] = np.nan
    path = write(houses[["nothing", "price"]])
    code, _, err = run("tutorial", "--csv", path, "--target", "price")
    assert (code, err) == (2, "error: no input columns are left after cleaning\n")


def test_statistics_come_from_the_training_part():
    train = pd.DataFrame({"n": [1.0, 2.0, 9.0, np.nan], "t": ["a", "b", np.nan, "a"]})
    other = pd.DataFrame({"n": [np.nan, 1000.0], "t": ["c", np.nan]})
    train["t"], other["t"] = train["t"].astype(object), other["t"].astype(object)
    encoder = make_encoder(train).fit(train)
    np.testing.assert_array_equal(encoder.transform(other), [[2, 0, 0, 0], [1000, 0, 0, 1]])
    scaled = normalised(encoder).fit(train)
    numbers = scaled.transform(train)[:, 0]
    assert numbers.mean() == pytest.approx(0)
    assert numbers.std() == pytest.approx(1)
    np.testing.assert_array_equal(scaled.transform(train)[:, 1:], encoder.transform(train)[:, 1:])


def test_house_prices_of_the_repository(capsys):
    table = load(None, None)
    assert table.X.shape == (20_640, 9)
    assert (table.y.name, table.is_classification) == ("median_house_value", False)
    out = capsys.readouterr().out
    assert "Inputs: 8 with numbers, 1 with text\nMissing values: total_bedrooms 207\n" in out
