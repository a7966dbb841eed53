"""Workers train the networks of an ensemble: a local fit's bits, with the table placed once."""

import pickle
from concurrent.futures import CancelledError
from inspect import signature

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from distributed import Client, Future
from distributed.protocol import serialize
from sklearn.base import clone
from squared_by_hand import derivative, squared
from tiny_models import FOLDS, assert_same_weights

import fastmlp
from fastmlp.dask import Classifier, Regressor


def chunked(table, n=40):
    return da.from_array(table, chunks=(n, 2)[: table.ndim])


def assert_same(model, local):
    assert model.loss_curve_ == local.loss_curve_
    assert np.array_equal(model.estimator_weights_, local.estimator_weights_)
    assert_same_weights(model, local)


@pytest.fixture(scope="module")
def local(X, y):
    return fastmlp.Regressor(**FOLDS).fit(X, y)


@pytest.fixture(scope="module")
def model(client, X, y):
    return Regressor(**FOLDS).fit(chunked(X), chunked(y))


def test_same_bits(model, local):
    assert_same(model, local)
    assert np.array_equal(model.oof_prediction_, local.oof_prediction_)


def test_same_bits_of_classes_in_a_weighted_frame(client, X):
    frame = pd.DataFrame(X, columns=list("abcd")).assign(e=np.where(X[:, 3] > 0, "up", "down"))
    labels = pd.Series(np.where(X[:, 0] + X[:, 1] > 0, "yes", "no"))
    weight = pd.Series(np.arange(len(X)) % 3 + 0.5)
    local = fastmlp.Classifier(**FOLDS).fit(frame, labels, weight)
    lazy = (dd.from_pandas(part, npartitions=3) for part in (frame, labels, weight))
    assert_same(Classifier(**FOLDS).fit(*lazy), local)


@pytest.mark.parametrize("name", ["groups", "time"])
def test_same_bits_where_other_rows_validate(client, name, X, y):
    values = np.arange(len(X)) // 4
    local = fastmlp.Regressor(**FOLDS).fit(X, y, **{name: values})
    model = Regressor(**FOLDS).fit(chunked(X), chunked(y), **{name: chunked(values)})
    assert_same(model, local)
    np.testing.assert_array_equal(model.oof_prediction_, local.oof_prediction_)


def test_same_bits_with_validation_rows_further_ones_and_metrics(client, X, y):
    options = FOLDS | {"eval_metric": ["neg_mean_absolute_error", "r2"]}
    local, model = fastmlp.Regressor(**options), Regressor(**options)
    sets = [("new", X[30:60], y[30:60]), (X, y)]
    local.fit(X, y, X_val=X[:30], y_val=y[:30], eval_set=sets)
    sets = [("new", chunked(X[30:60]), chunked(y[30:60])), (X, chunked(y))]
    model.fit(X, y, X_val=chunked(X[:30]), y_val=y[:30], eval_set=sets)
    assert_same(model, local)
    assert model.metric_curve_ == local.metric_curve_
    assert model.evals_result_ == local.evals_result_
    assert list(model.evals_result_) == ["validation", "new", "valid_1"]


def test_targets_and_weights_of_further_rows_may_be_named(client, X, y):
    frame = pd.DataFrame(X, columns=list("abcd")).assign(y=y, w=np.arange(len(X)) % 3 + 0.5)
    new, inputs = frame[:60], frame.columns.drop(["y", "w"])
    local, model = fastmlp.Regressor(**FOLDS), Regressor(**FOLDS)
    parts = new[inputs], new["y"], new["w"]
    validation = dict(zip(("X_val", "y_val", "sample_weight_val"), parts, strict=True))
    local.fit(frame[inputs], y, frame["w"], eval_set=[("new", *parts)], **validation)
    lazy, parts = dd.from_pandas(frame, npartitions=3), (dd.from_pandas(new, npartitions=2), "y")
    validation = {"X_val": parts[0], "y_val": "y", "sample_weight_val": "w"}
    model.fit(lazy, "y", "w", eval_set=[("new", *parts, "w")], **validation)
    assert_same(model, local)
    assert model.evals_result_ == local.evals_result_
    with pytest.raises(ValueError, match="X of eval_set 'new' has no column 'z'; it has"):
        model.fit(lazy, "y", "w", eval_set=[("new", parts[0], "z")])
    with pytest.raises(TypeError, match="y_val and sample_weight_val can name columns of a Dask"):
        model.fit(lazy, "y", "w", X_val=X, y_val="y")


def test_own_client(client, X, y):
    model = Regressor(**FOLDS)
    assert model.client is None
    model.client = client
    assert clone(model).client is None
    assert pickle.loads(pickle.dumps(model)).client is None
    assert model.fit(X, y).to_local().score(X, y) == model.score(X, y)


def test_table_is_placed_once(client, monkeypatch, X, y):
    scattered, sizes = [], []
    scatter, submit = Client.scatter, Client.submit

    def counted(self, data, **options):
        scattered.extend(map(type, data))
        return scatter(self, data, **options)

    def weighed(self, function, *args, **options):
        _, frames = serialize(args)
        sizes.append(sum(map(len, map(bytes, frames))))
        return submit(self, function, *args, **options)

    monkeypatch.setattr(Client, "scatter", counted)
    monkeypatch.setattr(Client, "submit", weighed)
    Regressor(**FOLDS).fit(X, y, eval_set=[(X[:90], y[:90])])
    assert scattered.count(np.ndarray) == 4  # X and y of both
    assert len(scattered) == 4 + FOLDS["n_estimators"]
    assert max(sizes) < 2000 < X.nbytes  # of what is in the graph


def test_callbacks_see_every_epoch(client, X, y):
    records = []
    Regressor(**FOLDS).fit(X, y, callbacks=records.append)
    seen = sorted((record.network, record.epoch) for record in records)
    assert seen == [(k, epoch) for k in range(4) for epoch in range(1, 7)]


def test_callback_ends_a_network(client, X, y):
    options = FOLDS | {"max_iter": 5_000, "n_iter_no_change": np.inf}
    model = Regressor(**options).fit(X, y, callbacks=lambda record: True)
    assert model.stop_reason_ == "callback"
    assert 1 <= model.n_iter_ < 5_000


def test_error_of_a_callback(client, X, y):
    def fails(record):
        raise OSError("the disk is full")

    model = Regressor(**FOLDS)
    with pytest.raises(OSError, match="the disk is full"):
        model.fit(X, y, callbacks=fails)
    with pytest.raises(Exception, match="not fitted"):
        model.predict(X)


def test_error_of_a_worker(client, X, y):
    def fails(true, predicted):
        raise RuntimeError("this metric never works")

    with pytest.raises(ValueError, match="this metric never works"):
        Regressor(**FOLDS, eval_metric=fails).fit(X, y, X_val=X, y_val=y)


def test_interruption_keeps_what_was_learnt(client, X, y):
    def interrupt(record):
        if record.epoch == 3:
            raise KeyboardInterrupt

    options = FOLDS | {"max_iter": 5_000, "n_iter_no_change": np.inf}
    with pytest.warns(UserWarning, match="interrupted by user"):
        model = Regressor(**options).fit(X, y, callbacks=interrupt)
    assert np.isfinite(model.predict(X)).all()


def test_names_and_logs_for_the_dashboard(client, model):
    lines = [line for log in client.get_worker_logs().values() for _, line in log]
    assert any("network 0 (periodic): 90 rows, threads: 1" in line for line in lines)
    assert any("network 3 (periodic): ended by max_iter after 6 epochs" in line for line in lines)


@pytest.mark.parametrize(
    ("workers", "n_jobs", "n_networks", "expected"),
    [
        ([1, 1], None, 1, 1),  # no more than a worker has
        ([4, 4], None, 2, 4),
        ([4, 4], None, 10, 1),
        ([4, 2], None, 1, 2),
        ([4, 4], 3, 2, 3),
        ([4, 4], -1, 2, 4),
    ],
)
def test_threads_of_a_task(client, monkeypatch, X, y, workers, n_jobs, n_networks, expected):
    monkeypatch.setattr(client, "nthreads", lambda: dict(enumerate(workers)))
    tasks = []
    placed = "fastmlp.dask.executor.placed_on_workers"
    monkeypatch.setattr(placed, lambda client, task: tasks.append(task) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        Regressor(**FOLDS | {"n_estimators": n_networks, "n_jobs": n_jobs}).fit(X, y)
    assert tasks[0].threads == expected


def test_networks_of_several_threads_share_no_worker(client, monkeypatch, X, y):
    workers = dict.fromkeys(client.nthreads(), 4)
    monkeypatch.setattr(client, "nthreads", lambda: workers)
    meant, submit = [], Client.submit

    def seen(self, *args, workers, **options):
        meant.extend(workers)
        return submit(self, *args, workers=workers, **options)

    monkeypatch.setattr(Client, "submit", seen)
    Regressor(**FOLDS | {"n_estimators": 2}).fit(X, y)
    assert sorted(meant) == sorted(workers)


def test_a_network_that_is_always_lost(client, monkeypatch, X, y):
    def lost(task):
        raise CancelledError

    monkeypatch.setattr(Future, "result", lost)
    with pytest.raises(RuntimeError, match="died one after the other"):
        Regressor(**FOLDS).fit(X, y)


def test_parameters():
    others = {"distribute", "local_epochs", "outer_rate", "outer_momentum"}
    taken = set(signature(Regressor.fit).parameters) - others
    local = set(signature(fastmlp.Regressor.fit).parameters)
    assert local - taken == {"cache", "max_memory", "checkpoint", "dp"}  # of one process
    assert taken <= local
    model = Regressor(max_iter=3)
    assert model.get_params() == fastmlp.Regressor(max_iter=3).get_params()
    assert model.set_params(max_iter=4).max_iter == 4
    with pytest.raises(TypeError, match="unexpected keyword argument 'epochs'"):
        Classifier(epochs=3)


def test_local_model(model, local, X, tmp_path):
    assert type(model.to_local()) is fastmlp.Regressor
    assert model.to_local().get_params() == local.get_params()
    model.save(tmp_path / "model.safetensors")
    loaded = fastmlp.load(tmp_path / "model.safetensors")
    assert type(loaded) is fastmlp.Regressor
    assert np.array_equal(loaded.predict(X), local.predict(X))


def test_other_collections_are_refused(client, y):
    with pytest.raises(TypeError, match="must be a Dask DataFrame, Series or Array; got Delayed"):
        Regressor().fit(dd.from_pandas(pd.DataFrame({"a": y})).to_delayed()[0], y)


def test_same_bits_with_a_loss_of_ones_own(client, X, y):
    options = FOLDS | {"loss": (squared, derivative)}
    local = fastmlp.Regressor(**options).fit(X, y)
    assert_same(Regressor(**options).fit(chunked(X), chunked(y)), local)


def test_same_bits_with_missing_targets(client, X, y):
    two = np.column_stack([y, np.where(X[:, 1] > 0, y, np.nan)])
    local = fastmlp.Regressor(**FOLDS).fit(X, two)
    assert_same(Regressor(**FOLDS).fit(chunked(X), da.from_array(two, chunks=(40, 2))), local)
