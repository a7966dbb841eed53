"""`fastmlp train` and `fastmlp predict` on folders of files."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("datasketches")

import fastmlp


@pytest.fixture(scope="module")
def folder(tmp_path_factory, table):
    folder = tmp_path_factory.mktemp("houses")
    half = len(table) // 2
    for part in range(2):
        rows = table.iloc[half * part : half * (part + 1)]
        pq.write_table(pa.Table.from_pandas(rows, preserve_index=False), folder / f"{part}.parquet")
    return folder


@pytest.fixture(scope="module")
def target(table):
    return table.columns[-1]


@pytest.fixture
def model(run, folder, target, tmp_path):
    path = tmp_path / "model.safetensors"
    result = run("train", folder, "--target", target, "-o", path, "--estimators", 2, "--quiet")
    assert result.status == 0, result.err
    assert "Held out  no rows to score: the table was read in blocks; validation loss" in result.out
    return path


def test_train_and_predict_a_folder(run, folder, target, model, table, tmp_path):
    output = tmp_path / "predicted"
    result = run("predict", model, folder, "-o", output, "--id", target)
    assert result.status == 0, result.err
    written = pq.read_table(output)
    assert written.column_names == [target, "prediction"]
    expected = fastmlp.load(model).predict(pq.read_table(folder).drop_columns(target))
    assert written["prediction"].to_pylist() == pytest.approx(expected.tolist())
    again = run("predict", model, folder, "-o", output)
    assert (again.status, "needs a new folder" in again.err or "exists" in again.err) == (1, True)


def test_a_file_is_read_in_blocks_if_memory_is_limited(run, csv, target, tmp_path):
    result = run(
        *("train", csv, "--target", target, "--max-memory", "100MB", "--estimators", 2, "--quiet"),
        *("--cache", tmp_path / "caches", "-o", tmp_path / "model.safetensors"),
    )
    assert result.status == 0, result.err
    assert "the table was read in blocks" in result.out
    assert len([*(tmp_path / "caches").iterdir()]) == 1


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["--groups", "x"], 2, "a table that is read in blocks"),
        (["--category", "none"], 1, "has no column 'none'"),
        (["--drop", "none"], 1, "no column 'none'"),
        (["--max-memory", "lots"], 2, "SIZE must be a whole number of bytes"),
    ],
)
def test_errors(run, folder, target, options, status, message, tmp_path):
    result = run("train", folder, "--target", target, "-o", tmp_path / "m.safetensors", *options)
    assert result.status == status
    assert message in result.err
    assert not [*tmp_path.iterdir()]


def test_other_files_are_no_checkpoints(run, folder, target, tmp_path):
    kept = tmp_path / "checkpoint"
    kept.write_text("something else")
    options = ("-o", tmp_path / "m.safetensors", "--checkpoint", kept)
    result = run("train", folder, "--target", target, *options)
    assert (result.status, str(kept) in result.err) == (1, True)
    assert kept.read_text() == "something else"


@pytest.mark.parametrize("kept", [["--id", "id"], ["--keep"]])
def test_identifiers_in_csv_are_kept_as_they_are(run, model, table, kept, tmp_path):
    (tmp_path / "new").mkdir()
    numbers = [f"{k:05d}" for k in range(len(table))]
    table.assign(id=numbers).to_csv(tmp_path / "new" / "table.csv", index=False)
    result = run("predict", model, tmp_path / "new", "-o", tmp_path / "predicted", *kept)
    assert result.status == 0, result.err
    assert pq.read_table(tmp_path / "predicted")["id"].to_pylist() == numbers


def test_a_folder_of_another_delimiter(run, table, target, tmp_path):
    for folder in ("old", "new"):
        (tmp_path / folder).mkdir()
        table.to_csv(tmp_path / folder / "table.csv", index=False, sep=";")
    training = ["train", tmp_path / "old", "--target", target, "-o", tmp_path / "model"]
    quick = ["--estimators", 2, "--quiet", "--preset", "fast", "--time-limit", 1]
    result = run(*training, *quick)
    assert (result.status, "or --delimiter on the command line" in result.err) == (1, True)
    result = run(*training, *quick, "--delimiter", ";")
    assert result.status == 0, result.err
    predicting = ["predict", tmp_path / "model", tmp_path / "new", "-o", tmp_path / "predicted"]
    result = run(*predicting, "--delimiter", ";", "--id", target)
    assert result.status == 0, result.err
    assert pq.read_table(tmp_path / "predicted").column_names == [target, "prediction"]


def test_predictions_of_a_folder_need_a_folder(run, folder, model):
    result = run("predict", model, folder)
    assert result.status == 2
    assert "need -o with a new folder" in result.err
