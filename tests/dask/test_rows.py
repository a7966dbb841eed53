"""Workers train on rows of their own, and the networks are averaged after each round."""

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
from tiny_models import LEARNING, assert_same_weights

import fastmlp
from fastmlp.dask import Classifier, Regressor
from fastmlp.dask import fit_by_rows as by_rows
from fastmlp.dask.shard_tasks import _participants, joined
from fastmlp.ensemble.splits import RowSubset
from fastmlp.estimators import after_training

FEW = LEARNING | {"n_estimators": 2, "preset": "fast", "max_iter": 16}
ONCE = FEW | {"max_iter": 1}


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(800, 4))
    frame = pd.DataFrame(X, columns=list("abcd"))
    frame["e"] = pd.Series(np.where(X[:, 3] > 0, "up", "down")).where(X[:, 0] < 2)
    frame["y"] = X[:, 0] + X[:, 1] ** 2 + 0.1 * rng.normal(size=800)
    return frame


@pytest.fixture(scope="module")
def lazy(table):
    return dd.from_pandas(table, npartitions=5)


@pytest.fixture(scope="module")
def model(client, lazy):
    return Regressor(**FEW).fit(lazy, "y", distribute="rows")


def test_held_out_rows_calibrate_intervals(model, table):
    low, high = model.predict_interval(table.drop(columns="y")).T
    assert 0.85 < ((low <= table["y"]) & (table["y"] <= high)).mean() < 0.98


def test_as_good_as_one_process(model, table):
    X, y = table.drop(columns="y"), table["y"]
    local = fastmlp.Regressor(**FEW).fit(X, y)
    assert model.score(X, y) > local.score(X, y) - 0.05  # after a few epochs


def assert_columns_of_a_local_fit(model, table):
    local = fastmlp.Regressor(**ONCE).fit(table.drop(columns="y"), table["y"])
    own, other = (one.summary().partition("Layers")[0] for one in (model, local))
    assert own.partition("Columns")[2] == other.partition("Columns")[2]
    assert model.output_names_ == local.output_names_ == ["y"]


def test_columns_are_those_of_the_whole_table(model, table):
    assert_columns_of_a_local_fit(model, table)


def test_same_bits_again(client, model, lazy):
    again = Regressor(**FEW).fit(lazy, "y", distribute="rows")
    assert_same_weights(model, again)


def test_history(model):
    assert model.n_iter_ == 16
    assert [len(curve) for curve in (model.loss_curve_, model.validation_curve_)] == [16, 16]
    assert model.stop_reason_ == "max_iter"


def test_local_model(model, table, tmp_path):
    model.save(tmp_path / "model.safetensors")
    loaded = fastmlp.load(tmp_path / "model.safetensors")
    X = table.drop(columns="y")
    assert np.array_equal(loaded.predict(X), model.to_local().predict(X))


def test_workers_keep_nothing(client, model):
    assert set(client.run(lambda: len(_participants)).values()) == {0}


def test_classes_and_weights(client, table):
    frame = table.assign(y=np.where(table["y"] > 0.5, "high", "low"), w=np.arange(800) % 2 * 2.0)
    lazy = dd.from_pandas(frame, npartitions=3)
    model = Classifier(**FEW).fit(lazy, "y", "w", distribute="rows")
    X = frame.drop(columns=["y", "w"])
    assert model.classes_.tolist() == ["high", "low"]
    assert model.to_local().score(X, frame["y"], frame["w"]) > 0.85


def test_named_columns_stay_with_their_rows(client, table):
    def mixed(part):  # otherwise at every reading
        return part.sample(frac=1.0)

    lazy = dd.from_pandas(table, npartitions=5).map_partitions(mixed, meta=table.iloc[:0])
    model = Regressor(**FEW).fit(lazy, "y", distribute="rows")
    assert model.score(table.drop(columns="y"), table["y"]) > 0.5


def test_small_files(client, table, tmp_path):
    weighted = table.assign(w=1.0)
    for number in range(4):
        weighted[number::4].to_parquet(tmp_path / f"{number}.parquet")
    lazy = dd.read_parquet(tmp_path)
    assert lazy["y"].optimize().npartitions < lazy.npartitions  # Dask joins those of few columns
    model = Regressor(**ONCE).fit(lazy, "y", "w", distribute="rows")
    assert np.isfinite(model.loss_curve_).all()
    with pytest.raises(ValueError, match="Pass the name of a column of X as y"):
        model.fit(lazy.drop(columns="y"), lazy["y"], distribute="rows")


def test_partitions_without_weight(client, table):
    weighted = table.assign(w=np.arange(800) >= 300)
    lazy = dd.from_pandas(weighted, npartitions=4)
    model = Regressor(**ONCE).fit(lazy, "y", "w", distribute="rows")
    assert np.isfinite(model.loss_curve_).all()
    with pytest.raises(ValueError, match="sample_weight must have at least one positive weight"):
        model.fit(lazy, lazy["y"], 0 * lazy["y"], distribute="rows")


def test_partitions_that_change(table):
    rows = RowSubset(np.zeros((3, 1)), np.zeros((3, 1)), None)
    with pytest.raises(
        ValueError, match="had 7 rows when they were first computed, and now have 6"
    ):
        joined([rows, None, rows], 7)


def test_labels_that_only_some_partitions_have(client, table):
    frame = table.assign(e=np.where(np.arange(800) < 790, "1", "x"))  # numbers at first
    lazy = dd.from_pandas(frame, npartitions=4)
    model = Regressor(**ONCE).fit(lazy, "y", distribute="rows")
    assert_columns_of_a_local_fit(model, frame)


def test_rows_and_columns_of_arrays(client, table):
    X = table[list("abcd")].to_numpy()
    arrays = da.from_array(X, chunks=(300, 3)), da.from_array(table["y"].to_numpy(), chunks=300)
    model = Regressor(**FEW | {"max_iter": 2}).fit(*arrays, distribute="rows")
    assert model.predict(arrays[0]).compute().shape == (800,)


def test_large_collections_are_distributed_by_rows(client, lazy, monkeypatch):
    seen = []
    monkeypatch.setattr(by_rows, "check_random_state", seen.append)
    monkeypatch.setattr("fastmlp.dask.tables._SHARE", 1e-9)
    with pytest.raises(AttributeError):  # None is no generator
        Regressor(**FEW).fit(lazy, "y")
    assert seen == [0]


def test_callbacks_and_outer_steps(client, lazy):
    records = []
    Regressor(**FEW | {"max_iter": 6}).fit(
        lazy,
        "y",
        distribute="rows",
        callbacks=records.append,
        local_epochs=2,
        outer_rate=0.7,
        outer_momentum=0.5,
    )
    assert sorted((one.network, one.epoch) for one in records) == [
        (network, number) for network in range(2) for number in range(1, 4)
    ]


def test_interruption_keeps_what_was_learnt(client, lazy, table):
    def interrupt(record):
        if record.epoch == 2:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted by user"):
        model = Regressor(**FEW).fit(lazy, "y", distribute="rows", callbacks=interrupt)
    assert np.isfinite(model.to_local().predict(table.drop(columns="y"))).all()


def test_interruption_after_training_keeps_the_networks(client, lazy, table, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(after_training, "learn_from_held_out", interrupted)
    with pytest.warns(UserWarning, match=r"after training\. The networks were kept"):
        model = Regressor(**FEW | {"max_iter": 1}).fit(lazy, "y", distribute="rows")
    assert np.isfinite(model.to_local().predict(table.drop(columns="y"))).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"warm_start": True}, "warm_start must be False"),
        ({"eval_metric": "r2"}, "eval_metric must be None"),
        ({"learning_rate": "adaptive"}, "learning_rate must not be 'adaptive'"),
        ({"monotonic_cst": np.ones(5)}, "monotonic_cst must be None if fit is distributed by rows"),
    ],
    ids=str,
)
def test_what_needs_the_rows_in_one_place(client, lazy, options, message):
    with pytest.raises(ValueError, match=message):
        Regressor(**FEW | options).fit(lazy, "y", distribute="rows")


@pytest.mark.parametrize("name", ["X_val", "groups", "time", "cv"])
def test_rows_that_are_held_out_are_chosen_by_the_workers(client, lazy, name):
    with pytest.raises(ValueError, match=f"{name} must be None if fit is distributed by rows"):
        Regressor(**FEW).fit(lazy, "y", distribute="rows", **{name: 1})


def test_further_rows_are_for_networks_as_tasks(client, lazy):
    with pytest.raises(ValueError, match=r"eval_set must be None .*distribute='networks' takes it"):
        Regressor(**FEW).fit(lazy, "y", distribute="rows", eval_set=[(1, 1)])


def test_errors_of_arguments(client, lazy, table):
    model = Regressor(**FEW)
    with pytest.raises(TypeError, match="X must be a Dask DataFrame, Series or Array if fit"):
        model.fit(table, table["y"], distribute="rows")
    with pytest.raises(ValueError, match=r"y must have the partitions of X, 5; it has 2"):
        model.fit(lazy, dd.from_pandas(table["y"], npartitions=2), distribute="rows")
    with pytest.raises(ValueError, match=r"X has no column 'z'; it has \['a', 'b', "):
        model.fit(lazy, "z")
    with pytest.raises(TypeError, match=r"'checkpoint'\. Only fits in one process keep"):
        model.fit(lazy, "y", checkpoint="fit.checkpoint")
    with pytest.raises(ValueError, match="distribute must be one of"):
        model.fit(lazy, "y", distribute="columns")
    with pytest.raises(ValueError, match="local_epochs must be positive; got 0"):
        model.fit(lazy, "y", local_epochs=0)


def test_errors_name_the_partition(client, table):
    infinite = table.assign(a=np.where(np.arange(800) == 500, np.inf, table["a"]))
    with pytest.raises(ValueError, match=r"partition 2: .*infinity"):
        Regressor(**FEW).fit(dd.from_pandas(infinite, npartitions=4), "y", distribute="rows")
