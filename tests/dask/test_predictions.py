"""Lazy predictions: as those of the local model, with the right type, names and index."""

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from tiny_models import FOLDS, TINY

from fastmlp.dask import Classifier, Regressor

ONE = TINY | {"n_estimators": 1}


@pytest.fixture(scope="module")
def frame(X):
    table = pd.DataFrame(X, columns=list("abcd"), index=np.arange(len(X)) * 2)
    return table.assign(e=np.where(X[:, 3] > 0, "up", "down"))


@pytest.fixture(scope="module")
def regressor(frame, y):
    return Regressor(**ONE).fit(frame, y)


@pytest.fixture(scope="module")
def classifier(frame, y):
    return Classifier(**ONE).fit(frame, np.digitize(y, [0, 1]).astype(str))


def test_series(regressor, frame):
    predicted = regressor.predict(dd.from_pandas(frame, npartitions=3))
    expected = pd.Series(regressor.predict(frame), frame.index, name="prediction")
    assert isinstance(predicted, dd.Series)
    assert predicted.dtype == np.float64
    pd.testing.assert_series_equal(predicted.compute(), expected)


def test_labels(classifier, frame):
    predicted = classifier.predict(dd.from_pandas(frame, npartitions=3))
    computed = predicted.compute()
    assert predicted.dtype == computed.dtype
    assert (computed == classifier.predict(frame)).all()


def test_probabilities_are_named_by_class(classifier, frame):
    predicted = classifier.predict_proba(dd.from_pandas(frame, npartitions=3))
    assert list(predicted.columns) == ["0", "1", "2"]
    expected = pd.DataFrame(classifier.predict_proba(frame), frame.index, ["0", "1", "2"])
    pd.testing.assert_frame_equal(predicted.compute(), expected)


def test_outputs_are_named_as_the_targets(frame, y):
    model = Regressor(**ONE).fit(frame, pd.DataFrame({"u": y, "v": -y}, frame.index))
    predicted = model.predict(dd.from_pandas(frame, npartitions=3))
    assert list(predicted.columns) == ["u", "v"]
    expected = pd.DataFrame(model.predict(frame), frame.index, ["u", "v"])
    pd.testing.assert_frame_equal(predicted.compute(), expected)


def test_predictions_are_columns_of_the_frame(regressor, frame):
    table = dd.from_pandas(frame, npartitions=3)
    table["predicted"] = regressor.predict(table)
    assert np.array_equal(table.compute()["predicted"], regressor.predict(frame))


def test_graph_holds_nothing_of_the_training_rows(client, frame, y, monkeypatch):
    fitted = Regressor(**FOLDS).fit(frame, y)
    monkeypatch.setattr("fastmlp.dask.estimators.lazy_predictions", lambda model, *_: model)
    model = fitted.predict(dd.from_pandas(frame, npartitions=3))
    assert len(fitted.oof_prediction_) == len(frame)
    with pytest.raises(AttributeError, match="oof_prediction_"):
        model.oof_prediction_  # noqa: B018


def test_other_columns_are_an_error_before_anything_is_computed(regressor, classifier, frame):
    others = (frame.drop(columns="e"), frame.assign(y=1), frame[[*"dcbae"]])
    for model, method in ((regressor, "predict"), (classifier, "predict_proba")):
        for other in others:
            with pytest.raises(ValueError, match="The feature names should match") as local:
                getattr(model.to_local(), method)(other)
            with pytest.raises(ValueError, match="The feature names should match") as lazy:
                getattr(model, method)(dd.from_pandas(other, npartitions=3))
            assert str(lazy.value) == str(local.value)


def test_arrays_of_another_width(X, y):
    model = Regressor(**ONE).fit(X, y)
    with pytest.raises(ValueError, match="X has 3 features, but Regressor is expecting 4"):
        model.predict(da.from_array(X[:, :3], chunks=(50, 3)))


def test_empty_partitions(regressor, classifier, frame):
    table = dd.from_pandas(frame, npartitions=3)
    table = table[table["a"] > 100]
    assert len(regressor.predict(table).compute()) == 0
    assert classifier.predict_proba(table).compute().shape == (0, 3)


@pytest.mark.parametrize("chunks", [(50, 4), (50, 3)], ids=["rows", "rows and columns"])
@pytest.mark.parametrize("several", [False, True], ids=["one output", "several outputs"])
def test_arrays(X, y, chunks, several):
    target = np.column_stack([y, -y]) if several else y
    model = Regressor(**ONE).fit(X, target)
    predicted = model.predict(da.from_array(X, chunks=chunks))
    assert predicted.shape == target.shape
    assert predicted.dtype == np.float64
    assert np.array_equal(predicted.compute(), model.predict(X))


def test_logarithms_are_lazy_too(classifier, frame):
    table = dd.from_pandas(frame, npartitions=2)
    expected = classifier.predict_log_proba(frame)
    assert np.array_equal(classifier.predict_log_proba(table).compute(), expected)


def test_nothing_is_computed_before_it_is_asked_for(regressor, frame):
    def fails(part):
        raise AssertionError

    table = dd.from_pandas(frame, npartitions=2).map_partitions(fails, meta=frame)
    regressor.predict(table)


def test_model_is_once_in_the_graph(regressor, frame):
    parts = regressor.predict(dd.from_pandas(frame, npartitions=12))
    small = regressor.predict(dd.from_pandas(frame, npartitions=2))
    held = [[type(node).__name__ for node in one.dask.values()] for one in (parts, small)]
    others = [sorted(names) for names in held]
    assert others[0].count("DataNode") == others[1].count("DataNode") + 10


def test_score(client, regressor, classifier, frame, y):
    table, target = (dd.from_pandas(one, npartitions=3) for one in (frame, pd.Series(y)))
    assert regressor.score(table, target) == regressor.to_local().score(frame, y)
    labels = np.digitize(y, [0, 1]).astype(str)
    assert classifier.score(table, labels) == classifier.to_local().score(frame, labels)


def test_predictions_need_no_client(regressor, frame):
    table = dd.from_pandas(frame, npartitions=2)
    with dask.config.set(scheduler="synchronous"):
        assert np.array_equal(regressor.predict(table).compute(), regressor.predict(frame))
