"""examples/house_prices.py: what it prints and draws, for numbers and for classes."""

import importlib.util
import re
from functools import partial

import house_prices
import numpy as np
import peers
import pytest

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
EPOCH = re.compile(r"^Epoch \[(\d+)/100\], Loss: \d+\.\d{4}, Val Loss: \d+\.\d{4}$", re.MULTILINE)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Every step of the example is run; what is learnt does not matter."""
    quick = {"preset": "fast", "n_estimators": 1, "max_iter": 3}
    for name in ("Regressor", "Classifier"):
        monkeypatch.setattr(house_prices, name, partial(getattr(house_prices, name), **quick))


@pytest.fixture
def _alone(monkeypatch):
    """No other program is trained."""
    monkeypatch.setattr(house_prices, "measured_peers", lambda *_: {})


def comparison(out):
    """The table of programs: the names of the columns, and the numbers of each program."""
    lines = out.splitlines()
    (start,) = (i for i, line in enumerate(lines) if line.startswith("Test rows"))
    rows = {}
    for line in lines[start + 1 : -1]:
        name, *cells = re.split(r"\s{2,}", line)
        rows[name] = [float(cell.removesuffix(" s").replace(",", "")) for cell in cells]
    return lines[start].split()[2:], rows


def programs():
    """The names of the programs that are installed."""
    lightgbm = ["LightGBM"] if importlib.util.find_spec("lightgbm") else []
    return ["fastmlp", "linear model", "scikit-learn's MLP", *lightgbm]


def test_numbers(run, write, houses):
    path = write(houses)
    code, out, err = run("house_prices", "--csv", path, "--target", "price")
    assert code == 0
    assert "epoch" in err  # the progress bar
    assert not EPOCH.search(out)
    assert "Rows: 60, to predict 'price', a number\nInputs: 2 with numbers, 1 with text\n" in out
    assert "Rows for training and for the test: 48, 12\n" in out
    measures, rows = comparison(out)
    assert measures == ["RMSE", "MAE", "R2", "fit"]
    assert list(rows) == programs()
    assert np.isfinite(list(rows.values())).all()
    picture = path.with_name("picture.png")
    assert out.endswith(f"\nPicture: {picture}\n")
    assert picture.read_bytes().startswith(PNG_SIGNATURE)


def test_classes_and_all_epochs(run, write, houses):
    houses["area"] = houses["area"].mask(houses.index % 7 == 0)
    houses["town"] = houses["town"].mask(houses.index % 5 == 0)
    houses["sold"] = houses["rooms"] > 3
    code, out, _ = run("house_prices", "--csv", write(houses), "--target", "sold", "--verbose")
    assert code == 0
    assert "Rows: 60, to predict 'sold', 2 classes\n" in out
    assert EPOCH.findall(out) == [str(epoch) for epoch in range(1, 101)]
    measures, rows = comparison(out)
    assert measures == ["log-loss", "accuracy", "F1", "fit"]
    assert list(rows) == ["fastmlp", "fastmlp, one plain network", *programs()[1:]]
    assert np.isfinite(list(rows.values())).all()


@pytest.mark.usefixtures("_alone")
def test_several_numbers_are_classes_where_asked(run, write, houses):
    houses = houses.assign(kind=houses["rooms"] % 3)
    path = write(houses)
    code, out, _ = run(
        "house_prices", "--csv", path, "--target", "kind", "--task", "classification"
    )
    assert code == 0
    assert comparison(out)[0] == ["log-loss", "accuracy", "F1", "fit"]


def test_a_table_that_fastmlp_refuses_is_said_in_a_sentence(run, write, monkeypatch, houses):
    class Refusing:
        def __init__(self, **settings):
            pass

        def fit(self, X, y):
            raise ValueError("column 'town' is free text")

    monkeypatch.setattr("house_prices.Regressor", Refusing)
    code, _, err = run("house_prices", "--csv", write(houses), "--target", "price")
    assert code == 2
    assert err == "error: fastmlp cannot learn from this table: column 'town' is free text\n"


@pytest.mark.usefixtures("_alone")
def test_free_text_is_left_out(run, write, houses):
    houses["about"] = [f"{n} " + "a house with a view of the hills and a garden" for n in range(60)]
    path = write(houses)
    code, out, _ = run("house_prices", "--csv", path, "--target", "price")
    assert code == 0
    assert "Column left out: 'about' is free text, with 12 words in each row\n" in out
    path = write(houses[["about", "price"]])
    code, _, err = run("house_prices", "--csv", path, "--target", "price")
    assert (code, err) == (2, "error: no input columns are left: all are free text\n")


@pytest.mark.usefixtures("_alone")
def test_picture_that_cannot_be_written(run, write, houses, tmp_path):
    plot = tmp_path / "no-such-folder" / "picture.png"
    code, _, err = run("house_prices", "--csv", write(houses), "--target", "price", plot=plot)
    assert code == 2
    assert "error: cannot write the picture: " in err
    assert str(plot) in err


def test_seed_out_of_range(run):
    code, _, err = run("house_prices", "--seed", -1)
    assert (code, err) == (2, "error: --seed must be in [0, 2**32); got -1\n")


def test_many_rows_do_without_the_slow_one(monkeypatch, loaded, houses, capsys):
    from csv_table import split

    monkeypatch.setattr(peers, "MLP_ROWS", 40)
    table, _ = loaded(houses, "price")
    lines = peers.measured_peers(split(table, 0.2, seed=0), False, seed=0)
    assert "scikit-learn's MLP" not in lines
    assert "scikit-learn's MLP is left out" in capsys.readouterr().out


@pytest.mark.skipif(
    not importlib.util.find_spec("lightgbm"), reason="only where LightGBM is installed"
)
def test_lightgbm_takes_any_name_and_new_categories():
    import pandas as pd

    X = pd.DataFrame({'a "b", [c]': ["x", "y"] * 20, "n": np.arange(40.0)})
    model = peers.lightgbm(X, False, 0).fit(X, X["n"])
    new = X.assign(**{'a "b", [c]': "z"})
    assert np.isfinite(model.predict(new)).all()
