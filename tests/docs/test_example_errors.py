"""What the tutorial refuses, and how it says so."""

import gzip
import subprocess
import sys

import numpy as np
import pytest
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler


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


def test_error_in_a_process_of_its_own(script, tmp_path):
    done = subprocess.run(
        [sys.executable, str(script), "--csv", "no-such.csv", "--target", "price"],
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
def test_unreadable(refused, tmp_path, name):
    (tmp_path / name).write_bytes(UNREADABLE[name])
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


def test_search_without_one_that_learns(search_with_inputs_times):
    with pytest.raises(ValueError, match="training diverged"):
        search_with_inputs_times(60)
