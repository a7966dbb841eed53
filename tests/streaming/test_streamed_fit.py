"""`fit` on streams: the model is as one that was fitted in memory."""

import pickle
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import dataset
from squared_by_hand import derivative, squared
from streamed_tables import NEW, NEW_Y, QUICK, ROWS, X, Y, kinds_of
from streams import blocks_of
from tiny_models import TINY

import fastmlp
from fastmlp import Cache, Checkpoint, Classifier, Regressor, ValidationWarning


@pytest.fixture(scope="module")
def in_memory():
    return Regressor(**QUICK).fit(X, Y)


def same(one, other):
    return np.array_equal(one.predict(NEW), other.predict(NEW))


# ---- the model


def test_it_predicts_as_well_as_one_in_memory(streamed, in_memory):
    scores = [model.score(NEW, NEW_Y) for model in (streamed, in_memory)]
    assert min(scores) > 0.93
    assert abs(scores[0] - scores[1]) < 0.06  # seeds differ as much


def test_it_knows_the_same_of_the_table(streamed, in_memory):
    one, other = streamed._model, in_memory._model
    assert one.encoder.columns == other.encoder.columns
    np.testing.assert_allclose(one.scaling.shift, other.scaling.shift, atol=1e-6)
    np.testing.assert_allclose(one.scaling.scale, other.scaling.scale, rtol=1e-5)
    for name in ("shift", "unit", "lowest", "highest"):
        np.testing.assert_allclose(getattr(one.task, name), getattr(other.task, name), rtol=1e-9)
    np.testing.assert_allclose(one.watch.training_range.low, other.watch.training_range.low)
    columns = [[*model.summary().splitlines()[1:7]] for model in (streamed, in_memory)]
    assert columns[0] == columns[1]


def test_it_is_saved_loaded_pickled_and_compiled(streamed, tmp_path):
    streamed.save(tmp_path / "model.safetensors")
    for other in (
        fastmlp.load(tmp_path / "model.safetensors"),
        pickle.loads(pickle.dumps(streamed)),
        streamed.predictor(),
    ):
        assert same(streamed, other)


def test_the_held_out_rows_of_its_sample_calibrate_intervals(streamed):
    low, high = streamed.predict_interval(NEW).T
    n_scores = len(streamed._model.conformal.scores.values)
    error = np.sqrt(0.09 / ROWS + 0.09 / n_scores)
    # Both networks together are better than the one that a row is held out from.
    inside = (low <= NEW_Y) & (high >= NEW_Y)
    assert inside.mean() > 0.9 - 4 * error


def test_there_are_no_out_of_fold_predictions(streamed):
    with pytest.raises(AttributeError, match="oof_prediction_"):
        streamed.oof_prediction_  # noqa: B018


def test_a_single_plain_network_without_validation():
    options = TINY | {"preset": "plain", "early_stopping": False, "max_iter": 20}
    model = Regressor(**options).fit(blocks_of(X, Y))
    assert model.validation_curve_ is None
    assert model.score(NEW, NEW_Y) > 0.8


@pytest.mark.parametrize("standardize", [False, True, "robust"])
def test_every_kind_of_scaling(standardize):
    options = QUICK | {"standardize": standardize}
    far = X.assign(a=X["a"] + 5)
    one = Regressor(**options).fit(blocks_of(far, Y))
    other = Regressor(**options).fit(far, Y)
    np.testing.assert_allclose(
        one._model.scaling.shift, other._model.scaling.shift, rtol=1e-5, atol=1e-6
    )
    assert abs(one.score(far, Y) - other.score(far, Y)) < 0.1


# ---- classes


def test_classes(folder):
    y = kinds_of(Y)
    model = Classifier(**QUICK).fit(blocks_of(X, y))
    assert model.classes_.tolist() == ["medium", "small", "tall"]
    other = Classifier(**QUICK).fit(X, y)
    assert abs(model.score(NEW, kinds_of(NEW_Y)) - other.score(NEW, kinds_of(NEW_Y))) < 0.05
    np.testing.assert_allclose(model.predict_proba(NEW).sum(axis=1), 1, rtol=1e-6)


def test_two_classes_with_balanced_weights():
    y = Y > 2
    options = QUICK | {"class_weight": "balanced"}
    one = Classifier(**options).fit(blocks_of(X, y))
    other = Classifier(**options).fit(X, y)
    assert one.classes_.tolist() == [False, True]
    assert one._model.task.class_weight == pytest.approx(other._model.task.class_weight)
    assert abs(np.mean(one.predict(NEW)) - np.mean(other.predict(NEW))) < 0.05


def test_several_labels():
    y = np.stack([Y > 0, X["color"] == "red"], axis=1).astype(int)
    model = Classifier(**QUICK).fit(blocks_of(X, y))
    assert model.predict(NEW).shape == (ROWS, 2)
    assert model.score(NEW, np.stack([NEW_Y > 0, NEW["color"] == "red"], axis=1)) > 0.7


def test_several_targets_by_name(tmp_path):
    pq.write_table(pa.table(X.assign(one=Y, two=-Y)), tmp_path / "table.parquet")
    model = Regressor(**QUICK).fit(tmp_path, ["one", "two"])
    assert model.predict(NEW).shape == (ROWS, 2)
    only_one = dataset.dataset(tmp_path).schema.remove(5)
    only_one = dataset.dataset(tmp_path, schema=only_one)  # without "two"
    assert Regressor(**QUICK).fit(only_one, ["one"]).predict(NEW).ndim == 1


# ---- weights, callbacks, metrics


def test_rows_without_weight_do_not_count(tmp_path):
    weight = (np.arange(ROWS) % 2).astype(float)
    wrong = np.where(weight > 0, Y, 100.0)
    frame = X.assign(size=wrong, weight=weight)
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), tmp_path / "table.parquet")
    model = Regressor(**QUICK).fit(tmp_path, "size", "weight")
    assert model.score(NEW, NEW_Y) > 0.8
    assert model.predict(NEW).max() < 20


def test_callbacks_metric_and_importances():
    seen = []
    options = QUICK | {"eval_metric": "r2", "compute_importances": True}
    model = Regressor(**options).fit(blocks_of(X, Y), callbacks=seen.append)
    assert {record.network for record in seen} == {0, 1}
    assert len(model.metric_curve_) == model.n_iter_
    assert model.feature_importances_.argmax() == 0


# ---- the same bits


def test_the_same_bits_for_any_threads_and_from_a_cache(folder, streamed, tmp_path):
    for threads in (1, 3):
        options = QUICK | {"n_jobs": threads}
        assert same(streamed, Regressor(**options).fit(folder, "size", cache=tmp_path))
    assert len([*tmp_path.iterdir()]) == 1


def test_functions_have_a_cache_by_key(tmp_path):
    calls = []

    def blocks():
        calls.append(1)
        return blocks_of(X, Y)()

    one, other = (Regressor(**QUICK).fit(blocks, cache=Cache(tmp_path, "k")) for _ in range(2))
    assert same(one, other)
    assert len(calls) == 1


def test_rows_may_be_stored_in_half_the_bytes(folder, streamed, tmp_path):
    cache = Cache(tmp_path, dtype="float16")
    model = Regressor(**QUICK).fit(folder, "size", cache=cache)
    assert model.score(NEW, NEW_Y) == pytest.approx(streamed.score(NEW, NEW_Y), abs=0.02)
    with pytest.raises(ValueError, match="dtype must be 'float32' or 'float16'"):
        Cache(tmp_path, dtype="int8")


def test_a_fit_goes_on_from_its_checkpoint_to_the_same_bits(folder, streamed, tmp_path):
    def stop(record):
        if record.epoch == 5:
            raise RuntimeError("killed")

    checkpoint = Checkpoint(tmp_path / "fit.safetensors", epochs=1)
    with pytest.raises(RuntimeError, match="killed"):
        Regressor(**QUICK).fit(folder, "size", checkpoint=checkpoint, callbacks=stop)
    assert checkpoint.path.exists()
    with pytest.raises(ValueError, match="The fits differ in max_memory"):
        Regressor(**QUICK).fit(folder, "size", checkpoint=checkpoint, max_memory="2GB")
    renamed = dataset.dataset(pa.Table.from_pandas(X.rename(columns={"a": "d"}).assign(size=Y)))
    with pytest.raises(ValueError, match=r"The fits differ in .*the names of the columns\. Pass"):
        Regressor(**QUICK).fit(renamed, "size", checkpoint=checkpoint)
    with pytest.raises(
        ValueError, match=r"The fits differ in X, y, sample_weight, max_memory\. Pass"
    ):
        Regressor(**QUICK).fit(X, Y, checkpoint=checkpoint)
    epochs = []
    model = Regressor(**QUICK).fit(
        folder, "size", checkpoint=checkpoint, callbacks=lambda record: epochs.append(record.epoch)
    )
    assert min(epochs) > 1
    assert same(streamed, model)
    assert not checkpoint.path.exists()


@pytest.mark.parametrize("standardize", [True, False])
def test_sets_in_memory_are_measured_as_the_stored_rows_are(folder, tmp_path, standardize):
    options = QUICK | {"n_estimators": 1, "standardize": standardize, "eval_metric": "r2"}
    cache = Cache(tmp_path / "cache", dtype="float16")
    model = Regressor(**options).fit(
        folder, "size", cache=cache, eval_set=[("new", NEW, NEW_Y)], callbacks=lambda record: False
    )
    alone = Regressor(**options).fit(folder, "size", cache=cache)
    assert same(model, alone)  # it decides nothing
    best = model.evals_result_["new"]["r2"][model.best_iteration_ - 1]
    assert best == pytest.approx(model.score(NEW, NEW_Y), rel=1e-3)
    assert list(model.evals_result_) == ["validation", "new"]


# ---- failures


def unread():
    raise AssertionError("nothing must be read")


@pytest.mark.parametrize(
    ("options", "keywords", "message"),
    [
        ({"warm_start": True}, {}, "warm_start must be False"),
        ({"extrapolation": "linear"}, {}, "extrapolation must be 'clip' if X is a stream"),
        ({}, {"X_val": X, "y_val": Y}, "X_val must be None"),
        ({}, {"sample_weight_val": Y}, "sample_weight_val must be None"),
        ({}, {"time": "x"}, "time must be None if X is a stream"),
        ({}, {"eval_set": [("new", X, Y), ("new", X, Y)]}, "eval_set must have names that differ"),
        ({}, {"max_memory": "much"}, "max_memory must be a whole number of bytes"),
        ({}, {"max_memory": 1000}, r"max_memory must be at least .* \(64 MiB\)"),
        ({"preset": "none"}, {}, "preset"),
    ],
)
def test_what_cannot_be_is_an_error_before_anything_is_read(options, keywords, message):
    with pytest.raises(ValueError, match=message):
        Regressor(**QUICK | options).fit(unread, **keywords)


@pytest.mark.parametrize("keywords", [{"cache": "folder"}, {"max_memory": "2GB"}])
def test_what_is_for_streams_is_an_error_beside_a_table(keywords):
    with pytest.raises(ValueError, match=r"(cache|max_memory) is for streams.*got DataFrame"):
        Regressor(**QUICK).fit(X, Y, **keywords)


def test_the_result_of_a_function_is_no_stream():
    with pytest.raises(TypeError, match="pass the function, not its result"):
        Regressor(**QUICK).fit(block for block in [(X, Y)])


def test_paths_are_for_fits_and_predictions_of_datasets(folder, streamed):
    for path in (folder, str(folder)):
        for call in (streamed.predict, lambda path: streamed.score(path, Y)):
            with pytest.raises(TypeError, match=r"a table in memory; got .*predict_dataset"):
                call(path)
        with pytest.raises(TypeError, match="X must be a table in memory"):
            Regressor(preset="plain").partial_fit(path, Y)


def test_a_failed_fit_leaves_the_model_and_no_files(folder, streamed, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    model = Regressor(**QUICK).fit(X, Y)
    before = model._model

    def stop(record):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        model.fit(folder, "size", callbacks=stop)
    assert model._model is before
    assert not [*tmp_path.iterdir()]


def test_targets_must_fit_the_estimator():
    with pytest.raises(ValueError, match="Classifier is for labels such as 'tall'"):
        Regressor(**QUICK).fit(blocks_of(X, kinds_of(Y)))
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        Classifier(**QUICK).fit(blocks_of(X, Y))
    for missing in (None, np.nan):
        labels = np.array([*kinds_of(Y)[1:], missing], dtype=object)
        with pytest.raises(ValueError, match=r"X \(block 13\): y holds .*every row needs a label"):
            Classifier(**QUICK).fit(blocks_of(X, labels))
        with pytest.raises(ValueError, match=r"X \(block 1\): y holds .*every row needs a label"):
            Classifier(**QUICK).fit(blocks_of(X, np.roll(labels, 2)))
    with pytest.raises(ValueError, match="at least two classes"):
        Classifier(**QUICK).fit(blocks_of(X, np.zeros(ROWS, dtype=int)))


# ---- losses


def test_a_loss_of_ones_own_is_called_for_the_rows_of_windows(folder, streamed):
    model = Regressor(**QUICK, loss=(squared, derivative)).fit(folder, "size")
    np.testing.assert_allclose(model.predict(X), streamed.predict(X), atol=0.02)


def test_amounts(folder):
    model = Regressor(**QUICK, loss="gamma")
    with pytest.raises(ValueError, match="y must be positive for loss='gamma'"):
        model.fit(folder, "size")
    y = np.exp(Y)
    model.fit(blocks_of(X, y))
    assert model.predict(NEW).min() > 0
    assert np.corrcoef(np.log(model.predict(NEW)), NEW_Y)[0, 1] > 0.95


def test_streams_need_all_targets():
    y = np.column_stack([Y, np.where(Y > 0, Y, np.nan)])
    with pytest.raises(ValueError, match="y must hold finite numbers; it holds NaN"):
        Regressor(**QUICK).fit(blocks_of(X, y))


@pytest.mark.parametrize("sign", ["time", "groups", "none"])
def test_signs_that_random_rows_do_not_fit(sign):
    """And numbers that seem to be identifiers, told by the first blocks."""
    rng = np.random.default_rng(0)
    patient, x = np.repeat(np.arange(20), 10), rng.normal(size=200)
    rows = pd.DataFrame({"x": x, "order_id": np.arange(200)})
    y = x
    if sign == "time":
        rows["date"] = pd.date_range("2024-01-01", periods=200)
        said = "in the order of 'date', .* judge the model on later rows, in files"
    elif sign == "groups":
        rows[["age", "height"]] = rng.normal(size=(20, 2))[patient]
        y = y + rng.normal(size=20)[patient]
        said = "come in groups, .* judge the model on rows of other groups, in files"
    with pytest.warns(UserWarning, match="identifier|judge the model") as caught:
        Regressor(**TINY, n_estimators=2).fit(blocks_of(rows, y))
    messages = {one.category: str(one.message) for one in caught}
    assert "'order_id' seems to be an identifier: its first 200 " in messages.pop(UserWarning)
    assert messages.keys() == ({ValidationWarning} if sign != "none" else set())
    if messages:
        assert re.search(said, messages[ValidationWarning])
