"""The tutorial in examples/house_prices.py: what it prints, draws and refuses."""

import gzip
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

pytest.importorskip("matplotlib")
pd = pytest.importorskip("pandas")

SCRIPT = Path(__file__).parents[2] / "examples" / "house_prices.py"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
NUMBER = r"-?[\d,]+(?:\.\d+)?(?:e[+-]\d+)?"


@pytest.fixture(scope="module")
def house_prices():
    spec = importlib.util.spec_from_file_location("house_prices", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up by name.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture
def run(house_prices, tmp_path, capsys):
    """Call main; returns exit code, stdout and stderr."""

    def call(*argv, plot=tmp_path / "loss.png"):
        code = house_prices.main([*map(str, argv), "--plot", str(plot)])
        return (code, *capsys.readouterr())

    return call


@pytest.fixture
def houses():
    """Sixty houses: numbers, text, a price."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "area": rng.uniform(40, 200, 60).round(1),
            "rooms": rng.integers(1, 8, 60),
            "town": rng.choice(["Ulm", "Gera", "Köln"], 60),
        }
    )
    table["price"] = 1000 * table["area"] + 20_000 * (table["town"] == "Ulm")
    return table


@pytest.fixture
def write(tmp_path):
    """Write a frame or a text to a file; returns its path."""

    def to_file(content, name="houses.csv"):
        path = tmp_path / name
        if isinstance(content, str):
            path.write_text(content, encoding="utf-8")
        else:
            content.to_csv(path, index=False)
        return path

    return to_file


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


def test_bundled_table_with_warnings_as_errors(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error", str(SCRIPT)],
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
    deviation = float(re.search(r"^Target: mean .*, deviation (.*)$", out, re.MULTILINE)[1])
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


# ---- errors


@pytest.fixture
def refused(run):
    """Call main; returns the one line on stderr."""

    def call(*argv, **kwargs):
        code, _, err = run(*argv, **kwargs)
        assert code == 2
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        return err

    return call


def test_error_in_a_process_of_its_own(tmp_path):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--csv", "no-such.csv", "--target", "price"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr == "error: no such file: no-such.csv\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("ragged.csv", b"a,price\n1,2\n1,2,3\n"),
        ("long-rows.csv", b"a,price\n1,2,3\n1,2,3\n"),
        ("empty.csv", b""),
        ("latin.csv", "größe,price\n1,2\n".encode("latin-1")),
        ("not.csv.gz", b"a,price\n1,2\n"),
        ("cut.csv.gz", gzip.compress(b"a,price\n" + b"1,2\n" * 1000)[:-10]),
        ("damaged.csv.gz", gzip.compress(b"a,price\n1,2\n")[:10] + b"\xff" * 20),
    ],
)
def test_unreadable(refused, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    err = refused("--csv", tmp_path / name, "--target", "price")
    assert f"cannot read {tmp_path / name} as CSV" in err


def test_folder_in_the_place_of_a_file(refused, tmp_path):
    assert f"cannot read {tmp_path} as CSV" in refused("--csv", tmp_path, "--target", "price")


def test_no_such_column(refused, write, houses):
    err = refused("--csv", write(houses), "--target", "prize")
    assert "houses.csv has no column 'prize'; it has 'area', 'rooms', 'town', 'price'" in err


def test_csv_and_target_go_together(refused, write, houses):
    assert "--csv needs --target" in refused("--csv", write(houses))
    assert "--target needs --csv" in refused("--target", "price")


def test_text_as_target(refused, write, houses):
    err = refused("--csv", write(houses), "--target", "town")
    assert "the target 'town' is not numeric: it has" in err
    assert houses["town"].iloc[0] in err


def test_one_word_among_the_target_numbers(refused, write, houses):
    houses["price"] = houses["price"].astype(object)
    houses.loc[30, "price"] = "on request"
    err = refused("--csv", write(houses), "--target", "price")
    assert "the target 'price' is not numeric: it has 'on request'" in err


def test_true_and_false_as_target(refused, write, houses):
    houses["sold"] = houses["rooms"] > 3
    assert "the target 'sold' is not numeric" in refused("--csv", write(houses), "--target", "sold")


def test_no_rows(refused, write):
    assert "houses.csv has a header but no rows" in refused(
        "--csv", write("area,price\n"), "--target", "price"
    )


def test_too_few_rows(refused, write, houses):
    houses.loc[19:, "price"] = np.nan
    err = refused("--csv", write(houses), "--target", "price")
    assert "only 19 rows have a 'price'; at least 20 are needed" in err


def test_just_enough_rows(run, write, houses):
    houses.loc[20:, "price"] = np.nan
    code, out, _ = run("--csv", write(houses), "--target", "price")
    assert code == 0
    assert "Training, validation and test rows: 14, 3, 3\n" in out


def test_no_input_columns(refused, write, houses):
    err = refused("--csv", write(houses[["price"]]), "--target", "price")
    assert "houses.csv has no input columns: 'price' is the only one" in err


def test_no_input_columns_left(refused, write, houses):
    houses["nothing"] = np.nan
    err = refused("--csv", write(houses[["nothing", "price"]]), "--target", "price")
    assert "no input columns are left" in err


def test_constant_target(refused, write, houses):
    houses["price"] = 12.5
    err = refused("--csv", write(houses), "--target", "price")
    assert "'price' is 12.5 in every row" in err


def test_seed_out_of_range(refused):
    assert "--seed must be in [0, 2**32); got -1" in refused("--seed", -1)


def test_plot_that_cannot_be_written(refused, tmp_path):
    path = tmp_path / "no-such-folder" / "loss.png"
    assert str(path) in refused(plot=path)


def test_divergence_is_said_in_one_line(refused, house_prices, monkeypatch):
    network = house_prices.tutorial_network

    def too_fast(seed):
        return network(seed).set_params(learning_rate_init=1e6)

    monkeypatch.setattr(house_prices, "tutorial_network", too_fast)
    assert "training diverged" in refused()


@pytest.fixture
def search_with_inputs_times(house_prices, houses):
    """Search the grid with inputs this many times too large."""

    def search(factor):
        X, y = house_prices.clean(houses.drop(columns="town"), "price")
        model = TransformedTargetRegressor(
            make_pipeline(
                StandardScaler(),
                FunctionTransformer(lambda X: X * factor),
                house_prices.tutorial_network(0).set_params(standardize=False),
            ),
            transformer=StandardScaler(),
        )
        return house_prices.search_grid(model, house_prices.split(X, y, seed=0))

    return search


def test_search_ranks_divergence_last(search_with_inputs_times, capsys):
    search = search_with_inputs_times(12)
    largest = search.cv_results_["param_regressor__regressor__learning_rate_init"] == 0.03
    np.testing.assert_array_equal(np.isnan(search.cv_results_["mean_test_score"]), largest)
    assert search.best_params_["regressor__regressor__learning_rate_init"] < 0.03
    assert "NaN: training diverged\n" in capsys.readouterr().out


def test_search_without_one_that_learns(search_with_inputs_times, house_prices):
    with pytest.raises((house_prices.InputError, ValueError), match="training diverged"):
        search_with_inputs_times(60)
