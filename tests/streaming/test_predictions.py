"""Predictions of streams: datasets in new folders."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from streamed_tables import NEW, QUICK, ROWS, X, Y, kinds_of
from streams import blocks_of

from fastmlp import Classifier, Regressor


def test_predictions_of_a_stream_are_a_dataset(folder, streamed, tmp_path):
    n_rows = streamed.predict_dataset(folder, tmp_path / "predicted", keep=["size"])
    written = pq.read_table(tmp_path / "predicted")
    assert written.column_names == ["size", "prediction"]
    assert streamed.output_names_ == ["size"]
    assert n_rows == ROWS
    np.testing.assert_array_equal(written["prediction"].to_numpy(), streamed.predict(X))
    np.testing.assert_array_equal(written["size"].to_numpy(), Y)


def test_predictions_of_classes_have_probabilities(tmp_path):
    y = kinds_of(Y)
    model = Classifier(**QUICK).fit(X, y)
    model.predict_dataset(blocks_of(X, y), tmp_path / "predicted")
    written = pq.read_table(tmp_path / "predicted")
    assert written["prediction"].to_pylist() == model.predict(X).tolist()
    probabilities = model.predict_proba(X)
    for k, label in enumerate(model.classes_):
        np.testing.assert_array_equal(written[f"probability_{label}"], probabilities[:, k])


def test_predictions_are_called_as_their_targets(tmp_path):
    y = pd.DataFrame({"u": kinds_of(Y), "v": np.where(X["a"] > 0, "yes", "no")})
    model = Classifier(**QUICK).fit(X, y)
    model.predict_dataset(blocks_of(X, y.to_numpy()), tmp_path / "predicted")
    written = pq.read_table(tmp_path / "predicted")
    by_class = [f"probability_{name}_{one}" for name in y for one in sorted({*y[name]})]
    assert written.column_names == ["prediction_u", "prediction_v", *by_class]
    np.testing.assert_array_equal(written["prediction_v"], model.predict(X)[:, 1])
    np.testing.assert_array_equal(written[by_class[-1]], model.predict_proba(X)[1][:, 1])


def test_probabilities_of_names_that_join_to_the_same(tmp_path):
    flag = X["a"] > 0
    y = pd.DataFrame({"u": np.where(flag, "v_w", "x"), "u_v": np.where(flag, "w", "x")})
    model = Classifier(**QUICK).fit(X, y)
    model.predict_dataset(blocks_of(X, y.to_numpy()), tmp_path / "predicted")
    written = pq.read_table(tmp_path / "predicted")
    names = ["probability_0_v_w", "probability_0_x", "probability_1_w", "probability_1_x"]
    assert written.column_names == ["prediction_u", "prediction_u_v", *names]
    found = np.column_stack([written[name] for name in names])
    np.testing.assert_array_equal(found, np.hstack(model.predict_proba(X)))


def test_predictions_read_csv_as_the_model_was_trained(tmp_path):
    digits = X.assign(color=X["color"].map({"red": "1", "green": "2", "blue": "3"}))
    model = Regressor(**QUICK).fit(digits, Y)
    numbers = [f"{k:05d}" for k in range(ROWS)]
    # "other" holds no numbers any more beyond the first MB.
    more = {"id": numbers, "other": 799 * [7.0] + ["seven"], "filler": "x" * 3000}
    digits.assign(**more).to_csv(tmp_path / "table.csv", index=False)
    model.predict_dataset(tmp_path / "table.csv", tmp_path / "predicted", keep=["id"])
    written = pq.read_table(tmp_path / "predicted")
    np.testing.assert_allclose(written["prediction"], model.predict(digits), rtol=1e-6)
    assert written["id"].to_pylist() == numbers


def test_errors_of_predictions_name_the_file(streamed, tmp_path):
    X.assign(a=np.inf).to_parquet(tmp_path / "table.parquet")
    with pytest.raises(ValueError, match=r"table\.parquet, block 1\): .*infinity.* in column 'a'"):
        streamed.predict_dataset(tmp_path / "table.parquet", tmp_path / "predicted")
    X.assign(a="long").to_csv(tmp_path / "table.csv", index=False)
    with pytest.raises(ValueError, match=r"table\.csv'.* invalid value 'long'"):
        streamed.predict_dataset(tmp_path / "table.csv", tmp_path / "predicted")


def test_a_single_column_may_be_kept(folder, streamed, tmp_path):
    streamed.predict_dataset(folder, tmp_path / "predicted", keep="color")
    assert pq.read_table(tmp_path / "predicted").column_names == ["color", "prediction"]


def test_an_index_may_be_kept(streamed, tmp_path):
    squares = np.arange(ROWS) ** 2
    NEW.set_index(squares).to_parquet(tmp_path / "new.parquet")
    index = "__index_level_0__"
    streamed.predict_dataset(tmp_path / "new.parquet", tmp_path / "predicted", keep=index)
    written = pq.read_table(tmp_path / "predicted")
    assert written[index].to_pylist() == squares.tolist()


def test_predictions_are_not_written_among_the_files(folder, streamed):
    with pytest.raises(ValueError, match=r"folder must be outside X.*in '"):
        streamed.predict_dataset(folder, folder / "more" / "predicted")
    assert not (folder / "more").exists()


def test_failed_predictions_leave_nothing(streamed, tmp_path):
    def blocks():
        yield X
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        streamed.predict_dataset(blocks, tmp_path / "predicted")
    with pytest.raises(ValueError, match=r"X \(block 1\) has no column 'color'"):
        streamed.predict_dataset(lambda: iter([X[["a", "b", "c"]]]), tmp_path / "predicted")
    with pytest.raises(ValueError, match="already has a column 'prediction'"):
        streamed.predict_dataset(
            lambda: iter([X.assign(prediction=0)]), tmp_path / "predicted", keep=["prediction"]
        )
    with pytest.raises(TypeError, match="`predict` takes tables in memory"):
        streamed.predict_dataset(X, tmp_path / "predicted")
    assert not [*tmp_path.iterdir()]
    (tmp_path / "there").mkdir()
    with pytest.raises(FileExistsError, match="predictions need a new folder"):
        streamed.predict_dataset(lambda: iter([X]), tmp_path / "there")
