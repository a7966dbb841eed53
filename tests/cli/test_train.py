"""fastmlp train: tasks, roles of columns, held-out rows, report and plot."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from houses import FAST

import fastmlp


@pytest.fixture
def train(run, csv, tmp_path):
    """Train on the houses; the result and the model."""

    def call(*arguments, table=csv, preset=FAST):
        path = tmp_path / "model.safetensors"
        result = run("train", table, "-o", path, *preset, *arguments)
        assert result.status == 0, result.err
        assert result.err == ""
        return result, fastmlp.load(path)

    return call


def columns_of(model):
    return model.feature_names_in_.tolist()


def test_a_number(train):
    result, model = train("--target", "price", "--drop", "id", "--drop", "sold")
    assert type(model).__name__ == "Regressor"
    assert columns_of(model) == ["area", "rooms", "town", "garden", "built", "agent"]
    kinds = {column.name: column.kind for column in model._pipeline.encoder.columns}
    assert kinds["town"] == "category"
    assert kinds["garden"] == "binary"
    assert "built" in kinds
    assert "Task      regression, as the target is a number\n" in result.out
    assert "a single network was trained; validation loss " in result.out
    assert "Model     " in result.out


def test_several_networks_are_scored_out_of_fold(train):
    more = ("--preset", "fast", "--estimators", "5", "--quiet")
    result, _ = train("--target", "price", "--drop", "id", preset=more)
    assert "Held out  80 rows, each predicted by networks that were not trained on it" in result.out
    assert [line.split()[0] for line in result.out.splitlines()[-4:-1]] == ["R2", "RMSE", "MAE"]


@pytest.mark.parametrize(
    ("target", "more", "classes", "reason"),
    [
        ("sold", (), ["no", "yes"], "as the target is text"),
        ("garden", (), [False, True], "as the target is boolean"),
        ("rooms", (), list(range(1, 8)), "as the target is a whole number of 7 values"),
        ("rooms", ("--task", "regression"), None, "as asked for"),
        ("price", ("--loss", "absolute_error"), None, "as asked for"),
    ],
)
def test_the_target_tells_the_task(train, target, more, classes, reason):
    result, model = train("--target", target, "--drop", "id", *more)
    assert reason in result.out
    assert (model.classes_.tolist() if classes else None) == classes


def test_several_targets(train):
    _, model = train("--target", "price", "--target", "area", "--drop", "id")
    assert model.n_outputs_ == 2


def test_several_labels(train, csv, table, tmp_path):
    flags = table.assign(a=table["rooms"] > 3, b=(table["area"] > 100).astype(int))
    path = tmp_path / "flags.csv"
    flags.to_csv(path, index=False)
    result, model = train("--target", "a", "--target", "b", "--drop", "id", table=path)
    assert model.classes_.tolist() == [0, 1]
    assert "as all targets are booleans or 0 and 1" in result.out


def test_quantiles(train):
    quantiles = ("--quantile", "0.9", "--quantile", "0.1")
    _, model = train("--target", "price", "--drop", "id", *quantiles)
    assert model.quantile == [0.1, 0.9]


def test_codes_stay_text(train, table, tmp_path):
    path = tmp_path / "codes.csv"
    codes = [f"{n:05d}" for n in table["agent"]]
    table.assign(agent=codes).to_csv(path, index=False)
    arguments = ("--target", "price", "--drop", "id", "--category", "agent")
    _, model = train(*arguments, table=path)
    column = model._pipeline.encoder.columns[columns_of(model).index("agent")]
    assert set(column.categories) <= {*codes, None}


def test_rows_without_a_target_are_left_out(train, table, tmp_path):
    path = tmp_path / "gaps.csv"
    table.assign(price=table["price"].mask(table.index < 3)).to_csv(path, index=False)
    result, _ = train("--target", "price", "--drop", "id", table=path)
    assert "77 rows, 7 inputs\nLeft out  3 rows without a target\n" in result.out


def test_weights_are_no_input(train):
    _, model = train("--target", "price", "--drop", "id", "--weight", "rooms")
    assert "rooms" not in columns_of(model)


def test_weights_may_be_decimals(train, table, tmp_path):
    path = tmp_path / "decimal.parquet"
    weights = pa.array([Decimal(1), Decimal("2.5")] * 40)
    pq.write_table(pa.Table.from_pandas(table).append_column("weight", weights), path)
    arguments = ("--target", "price", "--drop", "id", "--weight", "weight")
    _, model = train(*arguments, table=path)
    table.assign(weight=[1.0, 2.5] * 40).to_parquet(path)
    _, again = train(*arguments, table=path)
    first, second = (one.networks_[0].parameters[0] for one in (model, again))
    np.testing.assert_array_equal(first, second)


FOLDS = ("--preset", "fast", "--quiet")


def test_groups_are_held_out_whole(train):
    arguments = ("--target", "price", "--drop", "id", "--groups", "agent")
    result, model = train(*arguments, preset=FOLDS)
    assert "agent" not in columns_of(model)
    description = "Held out  80 rows, each predicted by networks that were not trained on its "
    assert f"{description}'agent'; slightly optimistic" in result.out
    alone, _ = train(*arguments)
    assert "Held out  no rows to score: a single network was trained" in alone.out


BY_TIME = ("--target", "price", "--drop", "id", "--time", "built")
TREND = ("--extrapolation", "linear")  # learnt from all rows that networks are trained on


def test_earlier_rows_are_not_held_out(train):
    result, model = train(*BY_TIME, preset=FOLDS)
    assert "built" in columns_of(model)
    description = "Held out  48 rows, each predicted by networks that were trained on rows before "
    assert f"{description}its 'built'; slightly optimistic" in result.out


@pytest.mark.parametrize("more", [(), TREND])
def test_a_time_that_is_dropped_is_no_input(train, more):
    _, model = train(*BY_TIME, "--drop", "built", *more)
    assert "built" not in columns_of(model)


def test_the_latest_rows_are_held_out_from_a_trend(train):
    result, _ = train(*BY_TIME, *TREND)
    assert "Held out  16 rows, the latest by 'built'; slightly optimistic" in result.out


@pytest.mark.parametrize(
    ("ends", "n_latest"),
    [((30, 60), 20), ((10, 70), 10)],  # rows of one time stay together; most rows are trained on
)
def test_many_rows_of_one_time(train, table, tmp_path, ends, n_latest):
    path = tmp_path / "years.csv"
    table.assign(built=2000 + np.searchsorted(ends, np.arange(80), "right")).to_csv(path)
    result, _ = train(*BY_TIME, *TREND, table=path)
    assert f"Held out  {n_latest} rows" in result.out


def test_a_table_of_validation_rows(train, table, tmp_path):
    path = tmp_path / "later.parquet"
    table[:30].to_parquet(path)
    result, _ = train("--target", "price", "--drop", "id", "--validation", path)
    assert f"Held out  30 rows, of {path}; slightly optimistic" in result.out
    as_text = tmp_path / "later.csv"
    table[:30].to_csv(as_text, index=False, sep=";")
    again, _ = train("--target", "price", "--drop", "id", "--validation", as_text)
    assert again.out.partition("Scores")[2] == result.out.partition("Scores")[2]


def test_few_validation_rows_as_text(train, table, tmp_path):
    """They are read as the training table was: with one class, and numbers that could be text."""
    training, few = tmp_path / "houses.parquet", tmp_path / "few.csv"
    dates = pd.to_datetime(table["built"])
    kept = table.assign(built=dates, code=[*"1x"] * 40, id=table["rooms"] % 3)
    kept.to_parquet(training)
    of_one = kept[kept["code"] == "1"][:2]
    of_one.to_csv(few, index=False)
    options = ("--target", "code", "--drop", "rooms", "--validation", few)
    result, model = train(*options, table=training)
    assert f"Held out  2 rows, of {few}" in result.out
    assert model.classes_.tolist() == ["1", "x"]


def test_report_and_plot(train, tmp_path):
    report, plot = tmp_path / "report.txt", tmp_path / "plot.svg"
    more = ("--groups", "agent", "--report", report, "--plot", plot)
    result, model = train("--target", "sold", "--drop", "id", *more)
    text = report.read_text()
    assert text.startswith(result.out.partition("\nModel")[0])
    assert text.endswith(f"{model.summary()}\n")
    assert b"<svg" in plot.read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {
        "report.txt",
        "plot.svg",
        "model.safetensors",
    }


def test_the_seed_decides(train):
    arguments = ("--target", "price", "--drop", "id", "--seed")
    models = [train(*arguments, seed)[1] for seed in (1, 1, 2)]
    first, again, other = (model.networks_[0].parameters[0] for model in models)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_from_parquet_and_compressed_text(train, table, csv, tmp_path):
    parquet = tmp_path / "houses.parquet"
    table.to_parquet(parquet)
    zipped = tmp_path / "houses.csv.gz"
    table.to_csv(zipped, index=False, sep="\t")
    arguments = ("--target", "price", "--drop", "id")
    models = [train(*arguments, table=path)[1] for path in (csv, parquet, zipped)]
    for model in models[1:]:
        np.testing.assert_array_equal(
            model.networks_[0].parameters[0], models[0].networks_[0].parameters[0]
        )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--target", "prize"), "has no column 'prize'; did you mean 'price'? It has ['id', "),
        (("--target", "price", "--drop", "x"), "has no column 'x'; it has ['id', "),
        (("--target", "sold", "--task", "regression"), "the target 'sold' holds '"),
        (
            ("--target", "id"),
            "has 80 different values, such as 'h000', in 80 rows: these are not cl",
        ),
        (("--target", "price", "--groups", "one"), "--groups: all rows have the same 'one'"),
        (
            ("--target", "price", "--time", "town"),
            "--time: the column 'town' holds neither dates",
        ),
        (
            ("--target", "price", "--time", "one"),
            "--time: all rows have the same 'one'",
        ),
        (
            ("--target", "price", "--time", "area"),
            "--time: the column 'area' is missing in 9 rows",
        ),
        (
            ("--target", "price", "--groups", "town"),
            "--groups: the column 'town' is missing in 7 r",
        ),
        (("--target", "price", "--weight", "town"), "--weight: the column 'town' holds no numbers"),
        (("--target", "one", "--task", "classification"), "the target 'one' is 1 in every row"),
        (("--target", "price", "--groups", "price"), "--groups: the column 'price' is the target"),
        (
            ("--target", "price", "--groups", "town", "--category", "town"),
            "--category: the column 'town' is not an input",
        ),
        (("--target", "nothing"), ": no row has a 'nothing'"),
        (("--target", "price", "--target", "sold", "--task", "classification"), "is not boolean"),
    ],
)
def test_tables_that_do_not_fit(run, table, tmp_path, arguments, message):
    path = tmp_path / "houses.csv"
    table.assign(one=1, nothing=None).to_csv(path, index=False)
    model = tmp_path / "m.safetensors"
    model.write_text("the old one")
    result = run("train", path, "-o", model, *arguments, *FAST)
    assert result.status == 1
    assert message in result.err
    assert result.err.startswith("Error: ")
    assert result.err.count("\n") == 1
    assert result.out == ""
    assert model.read_text() == "the old one"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--groups", "agent", "--time", "built"), "cannot be used together"),
        (("--quantile", "0.5", "--loss", "huber"), "--quantile cannot be used with --loss huber"),
        (("--loss", "huber", "--task", "classification"), "need --task regression"),
        (("--plot", "plot.doc"), "--plot must end in one of .png"),
        (("--delimiter", "ab"), "must be a single character"),
        (("--preset", "worst"), "'worst' is not one of 'fast'"),
    ],
)
def test_wrong_usage(run, csv, tmp_path, arguments, message):
    output = ("-o", tmp_path / "m.safetensors")
    result = run("train", csv, "--target", "price", *output, *arguments)
    assert result.status == 2
    assert message in result.err
    assert "Usage: fastmlp train" in result.err


@pytest.mark.parametrize("option", ["-o", "--report", "--plot"])
def test_no_file_that_is_read_is_overwritten(run, table, tmp_path, option):
    path = tmp_path / "houses.svg"  # a name that all options take
    table.to_csv(path, index=False)
    outputs = {"-o": tmp_path / "m.safetensors", option: path}
    words = [word for pair in outputs.items() for word in pair]
    result = run("train", path, "--delimiter", ",", "--target", "price", *words)
    assert result.status == 2
    assert f"{path} is an input and would be overwritten" in result.err
    assert path.read_text().startswith("id,")


def test_a_type_that_arrow_cannot_work_with(run, tmp_path):
    path = tmp_path / "nested.parquet"
    n = 20
    parts = [{"a": i} for i in range(n)]
    pq.write_table(pa.table({"x": range(n), "y": range(n), "parts": parts}), path)
    options = ("--target", "y", "--groups", "parts", "-o", tmp_path / "m.safetensors")
    result = run("train", path, *options)
    assert result.status == 1
    assert result.err.startswith("Error: Function 'dictionary_encode'")


def test_outputs_are_checked_before_training(run, csv, tmp_path):
    path = tmp_path / "nowhere" / "m.safetensors"
    result = run("train", csv, "--target", "price", "-o", path)
    assert result.status == 1
    assert result.err == f"Error: cannot write {path}: there is no folder {path.parent}\n"


def test_too_few_rows_to_hold_any_out(run, table, tmp_path):
    path = tmp_path / "few.csv"
    table[:6].to_csv(path, index=False)
    fast = ("--preset", "fast", "--estimators", "2")
    result = run("train", path, "--target", "price", "-o", tmp_path / "m.safetensors", *fast)
    assert result.status == 0, result.err
    assert "Held out  no rows to score: too few of them" in result.out
