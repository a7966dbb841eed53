"""fastmlp predict: the same numbers as the estimator's, beside the columns that are asked for."""

import gzip

import numpy as np
import pandas as pd
import pytest
from houses import FAST, houses

import fastmlp
from fastmlp.cli.tables import reading

NEW = houses(30, seed=1)


@pytest.fixture(scope="module")
def new(tmp_path_factory):
    path = tmp_path_factory.mktemp("new") / "new.csv"
    NEW.iloc[:, ::-1].to_csv(path, index=False)  # columns are found by name
    return path


def estimator(path):
    return fastmlp.load(path)


def inputs(model):
    return NEW[model.feature_names_in_.tolist()]


@pytest.mark.parametrize("name", ["p.csv", "p.csv.gz", "p.parquet", "p.feather", "p.tsv"])
def test_numbers(run, trained, new, tmp_path, name):
    path = trained("price")
    result = run("predict", path, new, "-o", tmp_path / name, "--id", "id", "--id", "town")
    assert (result.status, result.out, result.err) == (0, "", "")
    reader = {"p.parquet": pd.read_parquet, "p.feather": pd.read_feather}.get(name, pd.read_csv)
    written = reader(tmp_path / name)
    assert list(written) == ["id", "town", "prediction"]
    assert written["id"].tolist() == NEW["id"].tolist()
    model = estimator(path)
    np.testing.assert_array_equal(written["prediction"], model.predict(inputs(model)))


def test_labels_and_probabilities(run, trained, new, tmp_path):
    path = trained("rooms")
    run("predict", path, new, "-o", tmp_path / "p.parquet", "--proba")
    written = pd.read_parquet(tmp_path / "p.parquet")
    model = estimator(path)
    names = [f"probability_{label}" for label in range(1, 8)]
    assert list(written) == ["prediction", *names]
    np.testing.assert_array_equal(written["prediction"], model.predict(inputs(model)))
    np.testing.assert_array_equal(written[names], model.predict_proba(inputs(model)))


@pytest.mark.parametrize(
    ("more", "names"),
    [
        (("--target", "area"), ["prediction_price", "prediction_area"]),
        (("--quantile", "0.1", "--quantile", "0.9"), ["prediction_0.1", "prediction_0.9"]),
    ],
)
def test_several_columns(run, trained, new, tmp_path, more, names):
    path = trained("price", *more)
    run("predict", path, new, "-o", tmp_path / "p.parquet")
    written = pd.read_parquet(tmp_path / "p.parquet")
    assert list(written) == names
    model = estimator(path)
    assert [f"prediction_{name}" for name in model.output_names_] == names
    np.testing.assert_array_equal(written, model.predict(inputs(model)))


def test_several_labels(run, table, tmp_path):
    path, model = tmp_path / "flags.csv", tmp_path / "m.safetensors"
    flags = table.assign(a=table["rooms"] > 3, b=table["area"] > 100)
    flags.to_csv(path, index=False)
    train = ("train", path, "--target", "a", "--target", "b", "--drop", "id", "-o", model)
    assert run(*train, *FAST).status == 0
    run("predict", model, path, "-o", tmp_path / "p.parquet", "--proba")
    written = pd.read_parquet(tmp_path / "p.parquet")
    assert list(written) == ["prediction_a", "prediction_b", "probability_a", "probability_b"]


def test_kept_columns_are_verbatim(run, trained, new):
    result = run("predict", trained("price"), new, "--keep")
    lines = [line.replace('"', "") for line in result.out.splitlines()]
    kept = [line.rpartition(",")[0] for line in lines]
    assert kept == new.read_text().splitlines()


def test_kept_columns_of_the_model_are_numbers_where_files_have_types(run, trained, new, tmp_path):
    run("predict", trained("price"), new, "--keep", "-o", tmp_path / "p.parquet")
    written = pd.read_parquet(tmp_path / "p.parquet")
    np.testing.assert_array_equal(written["area"], NEW["area"])
    assert written["garden"].dtype == bool


def test_pieces_are_predicted_as_the_whole(run, trained, new, tmp_path, monkeypatch):
    run("predict", trained("price"), new, "-o", tmp_path / "whole.csv")
    monkeypatch.setattr(reading, "_TEXT_BLOCK", 400)  # some five rows
    run("predict", trained("price"), new, "-o", tmp_path / "pieces.csv")
    assert (tmp_path / "pieces.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_a_model_without_names_reads_columns_in_their_order(run, table, tmp_path):
    from fastmlp import Regressor

    X, y = table[["rooms", "agent"]].to_numpy(float), table["price"]
    model = Regressor(preset="plain", max_iter=2, random_state=0).fit(X, y)
    model.save(tmp_path / "m.safetensors")
    table[["id", "rooms", "agent"]].to_csv(tmp_path / "t.csv", index=False)
    arguments = ("predict", tmp_path / "m.safetensors", tmp_path / "t.csv")
    result = run(*arguments, "--id", "id", "-o", tmp_path / "p.parquet")
    assert (result.status, result.err) == (0, "")
    written = pd.read_parquet(tmp_path / "p.parquet")
    np.testing.assert_array_equal(written["prediction"], model.predict(X))
    result = run(*arguments)
    assert "has 3 columns; the model needs 2 and was trained without column names" in result.err


@pytest.mark.parametrize(
    ("content", "more", "message"),
    [
        ("area,rooms\n1,2\n", (), "has no column 'town'; it has ['area', 'rooms']"),
        (None, ("--id", "ID"), "has no column 'ID'; did you mean 'id'? It has "),
        (None, ("--proba",), "--proba needs a classifier; this model predicts numbers"),
        (None, ("-o", "nowhere/p.csv"), "there is no folder nowhere"),
        (None, ("-o", "p.xls"), "cannot tell the format of p.xls"),
        ("wrong", (), "the column 'area' holds 'wide', which is not a number"),
        ("late", (), "the column 'area' holds 'wide', which is not a number"),
        ("twice", ("--keep",), "already has a column 'prediction'"),
    ],
)
def test_an_error_writes_nothing(run, trained, tmp_path, monkeypatch, content, more, message):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reading, "_TEXT_BLOCK", 400)  # some five rows
    table = {
        "wrong": NEW.assign(area="wide"),
        "late": NEW.assign(area=NEW["area"].astype(object).where(NEW.index < 20, "wide")),
        "twice": NEW.assign(prediction=1),
    }.get(content, NEW)
    table.to_csv("new.csv", index=False)
    if content and content not in ("wrong", "late", "twice"):
        (tmp_path / "new.csv").write_text(content)
    (tmp_path / "p.csv").write_text("the old one")
    output = () if "-o" in more else ("-o", "p.csv")
    result = run("predict", trained("price"), "new.csv", *output, *more)
    assert result.status == 1
    assert message in result.err
    assert result.err.count("\n") == 1
    assert (tmp_path / "p.csv").read_text() == "the old one"
    assert {path.name for path in tmp_path.iterdir()} == {"new.csv", "p.csv"}


@pytest.mark.parametrize("word", ["yesterday", "n/a", "?"])
def test_what_is_no_date_counts_as_missing(run, trained, tmp_path, word):
    """As in Python: with a warning, unless it is a word that says so."""
    path, model = tmp_path / "new.csv", fastmlp.load(trained("price"))
    NEW.assign(built=word).to_csv(path, index=False)
    result = run("predict", trained("price"), path)
    warning = (
        "Warning: rows: column 'built': 1 of 1 values, such as 'yesterday', cannot be read as "
        "dates (year-month-day), which the column held in training; they count as missing\n"
    )
    assert (result.status, result.err) == (0, warning if word == "yesterday" else "")
    wanted = model.predict(NEW.assign(built=None)[model.feature_names_in_.tolist()])
    np.testing.assert_array_equal([float(line) for line in result.out.split()[1:]], wanted)


def test_labels_have_one_type_in_all_pieces(run, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "_TEXT_BLOCK", 200)
    X = pd.DataFrame({"grade": [1.5, 2.0, 3.0] * 20, "x": np.arange(60.0)})
    options = {"preset": "plain", "max_iter": 2, "random_state": 0}
    model = fastmlp.Regressor(**options, categorical_features=["grade"]).fit(X, X["x"])
    model.save(tmp_path / "m.safetensors")
    X = X.sort_values("grade", ascending=False)
    (tmp_path / "t.csv").write_text(
        "grade,x\n" + "".join(f"{grade:g},{x}\n" for grade, x in X.to_numpy())
    )
    options = ("-o", tmp_path / "p.parquet", "--keep")
    result = run("predict", tmp_path / "m.safetensors", tmp_path / "t.csv", *options)
    assert (result.status, result.err) == (0, "")
    written = pd.read_parquet(tmp_path / "p.parquet")
    assert written["grade"].tolist() == X["grade"].tolist()
    np.testing.assert_array_equal(written["prediction"], model.predict(X))


def test_labels_of_several_types_cannot_be_read_from_text(run, tmp_path):
    labels = np.array([1, "a", "b"] * 20, dtype=object)
    X = pd.DataFrame({"grade": labels, "x": np.arange(60.0)})
    model = fastmlp.Regressor(preset="plain", max_iter=2, random_state=0).fit(X, X["x"])
    model.save(tmp_path / "m.safetensors")
    X.to_csv(tmp_path / "t.csv", index=False)
    result = run("predict", tmp_path / "m.safetensors", tmp_path / "t.csv")
    assert result.status == 1
    assert result.out == ""
    assert "the column 'grade' held values of several types in training" in result.err


def test_the_mode_of_a_file_and_links_stay(run, trained, new, tmp_path):
    path, link = tmp_path / "p.csv", tmp_path / "link.csv"
    path.touch(0o640)
    link.symlink_to(path)
    assert run("predict", trained("price"), new, "-o", link).status == 0
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    assert path.read_text().startswith('"prediction"\n')


def test_compressed_output_is_what_its_name_says(run, trained, new, tmp_path):
    run("predict", trained("price"), new, "-o", tmp_path / "p.csv.gz")
    with gzip.open(tmp_path / "p.csv.gz") as file:
        assert file.readline() == b'"prediction"\n'


def test_the_table_is_not_overwritten(run, trained, tmp_path):
    path = tmp_path / "new.csv"
    NEW.to_csv(path, index=False)
    contents = path.read_bytes()
    result = run("predict", trained("price"), path, "-o", path)
    assert result.status == 2
    assert f"{path} is an input and would be overwritten" in result.err
    assert path.read_bytes() == contents
