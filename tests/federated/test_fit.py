"""fastmlp.federated: `fit` on sites that keep their rows."""

import pickle
import threading
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from federated.hospitals import QUICK, split, table
from sklearn.base import clone

import fastmlp
from fastmlp import federated


@pytest.fixture(scope="module")
def data():
    X, y = table()
    return X, y, split(X, y)


@pytest.fixture(scope="module")
def model(data):
    return federated.Regressor(**QUICK).fit(data[2])


class Elsewhere:
    """A site behind a connection: all that it is told and tells is pickled."""

    def __init__(self, *rows, fails_in=()):
        self.site = federated.LocalSite(*rows, n_jobs=1)
        self.fails_in = fails_in
        self.sent = 0

    def _call(self, method, *arguments, **options):
        arguments, options = pickle.loads(pickle.dumps((arguments, options)))
        answer = pickle.dumps(getattr(self.site, method)(*arguments, **options))
        self.sent += len(answer)
        return pickle.loads(answer)

    def sketch(self, categorical_features, *, classifies):
        return self._call("sketch", categorical_features, classifies=classifies)

    def prepare(self, plan, number):
        return self._call("prepare", plan, number)

    def train(self, starts):
        if starts[0].number in self.fails_in:
            raise ConnectionError("no route to site")
        return self._call("train", starts)


def test_a_federated_model_is_as_good_as_one_of_all_rows(data, model):
    X, y, sites = data
    X_new, y_new = table(seed=1)
    score = model.score(X_new, y_new)
    together = fastmlp.Regressor(**QUICK).fit(X, y).score(X_new, y_new)
    alone = fastmlp.Regressor(**QUICK).fit(*sites[-1]).score(X_new, y_new)
    assert score > 0.8
    assert score > together - 0.05
    assert score > alone + 0.1


def test_attributes_are_those_of_a_fit(model):
    assert model.n_iter_ == 12 == len(model.loss_curve_) == len(model.validation_curve_)
    assert model.best_loss_ == min(model.validation_curve_)
    assert model.best_iteration_ == 1 + int(np.argmin(model.validation_curve_))
    assert model.stop_reason_ == "max_iter"
    assert list(model.feature_names_in_) == ["age", "dose", "ward"]
    assert model.epsilon_ == np.inf
    assert "ward" in model.summary()


def test_the_same_seed_gives_the_same_bits_on_any_number_of_threads(data, model):
    X, _, sites = data
    again = federated.Regressor(**QUICK, n_jobs=3).fit(sites)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_sites_elsewhere_train_the_same_bits_and_send_a_few_kilobytes(data, model):
    X, _, sites = data
    elsewhere = [Elsewhere(*rows) for rows in sites]
    again = federated.Regressor(**QUICK).fit(elsewhere)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    n_bytes = sum(values.nbytes for values in model.networks_[0].parameters)
    for site in elsewhere:
        assert site.sent < 12 * (1.2 * n_bytes + 2000) + 10_000


def test_sites_that_are_files(data, model, tmp_path):
    X, _, sites = data
    paths = []
    for number, (rows, target) in enumerate(sites):
        path = tmp_path / f"{number}.{'csv' if number % 2 else 'parquet'}"
        written = rows.assign(stay=target, weight=1.0)
        if path.suffix == ".csv":
            written.to_csv(path, index=False)
        else:
            written.to_parquet(path)
        paths.append(path if number else str(path))
    again = federated.Regressor(**QUICK).fit(paths, y="stay", sample_weight="weight")
    np.testing.assert_allclose(again.predict(X), model.predict(X), rtol=1e-5)


def test_rows_count_by_their_weights(data):
    X, y, _ = data
    wrong = np.zeros_like(y)
    weights = np.full(len(y), 1e-6)
    sites = [(X, y), (X, wrong, weights)]
    score = federated.Regressor(**QUICK).fit(sites).score(X, y)
    assert score > 0.7


def test_classes_and_probabilities(data):
    X, y, _ = data
    labels = np.where(y > 4, "long", np.where(y > 2.5, "middle", "short"))
    parameters = QUICK | {"max_iter": 40, "hidden_layer_sizes": 32}
    model = federated.Classifier(**parameters).fit(split(X, labels))
    assert model.classes_.tolist() == ["long", "middle", "short"]
    assert model.predict_proba(X).shape == (400, 3)
    assert model.score(X, labels) > 0.75
    balanced = federated.Classifier(**parameters, class_weight="balanced").fit(split(X, labels))
    assert balanced.score(X, labels) > 0.7


def test_several_networks_outputs_and_local_epochs(data):
    X, y, _ = data
    targets = np.column_stack([y, -2 * y])
    parameters = QUICK | {"n_estimators": 3, "max_iter": 12}
    model = federated.Regressor(**parameters).fit(
        split(X, targets), local_epochs=3, outer_momentum=0.3
    )
    assert [history.n_iter for history in model.histories_] == [4, 4, 4]
    np.testing.assert_array_equal(model.estimator_weights_, np.full(3, 1 / 3))
    assert model.score(X, targets) > 0.6


def test_public_rows_take_the_place_of_sketches(data):
    X, y, sites = data

    class Silent(federated.LocalSite):
        def sketch(self, categorical_features, *, classifies):
            raise AssertionError("it was asked for a sketch")

    public = table(60, seed=5)
    named = public[0], pd.Series(public[1], name="price")
    model = federated.Regressor(**QUICK).fit([Silent(*rows) for rows in sites], schema=named)
    assert model.output_names_ == ["price"]
    assert model.score(X, y) > 0.75
    low, high = public[1].min(), public[1].max()
    predicted = model.predict(X)
    assert predicted.min() >= low - 1e-6
    assert predicted.max() <= high + 1e-6


def test_without_early_stopping_no_rows_are_held_out(data):
    model = federated.Regressor(**QUICK, early_stopping=False).fit(data[2])
    assert model.best_iteration_ is None
    assert model.n_iter_ == 12
    assert model.validation_curve_ is None


def test_it_is_saved_and_loaded_as_fastmlps_own(data, model, tmp_path):
    X = data[0]
    model.save(tmp_path / "model.safetensors")
    loaded = fastmlp.load(tmp_path / "model.safetensors")
    assert type(loaded) is fastmlp.Regressor
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))
    assert type(clone(model)) is federated.Regressor


def test_a_site_that_cannot_be_reached_is_left_out_of_the_round(data):
    X, y, sites = data
    elsewhere = [Elsewhere(*rows) for rows in sites[:-2]]
    elsewhere += [
        Elsewhere(*sites[-2], fails_in=[5]),
        Elsewhere(*sites[-1], fails_in=[1, *range(3, 8)]),
    ]
    with pytest.warns(
        UserWarning,
        match=r"left out of .*: site 3 \(round 5\), site 4 \(rounds 1, 3-7\)\. .*no route to site",
    ) as caught:
        model = federated.Regressor(**QUICK).fit(elsewhere)
    assert len(caught) == 1
    assert model.n_iter_ == 12
    assert model.score(X, y) > 0.8


def test_if_no_site_answers_that_is_an_error_and_the_model_as_before(data, model):
    X, _, sites = data
    before = model.predict(X)
    gone = [Elsewhere(*rows, fails_in=[2]) for rows in sites]
    with pytest.raises(ConnectionError, match="none of 5 sites answered in round 2"):
        model.fit(gone)
    np.testing.assert_array_equal(model.predict(X), before)


def test_callbacks_see_rounds_and_can_stop(data):
    records = []

    def stop_after_five(record):
        records.append(record)
        return record.epoch == 5

    model = federated.Regressor(**QUICK).fit(data[2], callbacks=stop_after_five)
    assert [record.epoch for record in records] == [1, 2, 3, 4, 5]
    assert model.stop_reason_ == "callback"
    # The validation loss of a round comes with the next one.
    assert model.n_iter_ == 6
    assert [record.loss for record in records] == model.loss_curve_[:5]
    assert [record.validation_loss for record in records] == model.validation_curve_


def test_an_interruption_keeps_what_was_learnt(data):
    def interrupt(record):
        if record.epoch == 4:
            raise KeyboardInterrupt

    model = federated.Regressor(**QUICK)
    with pytest.warns(UserWarning, match="interrupted by user after 5 rounds"):
        model.fit(data[2], callbacks=interrupt)
    assert model.stop_reason_ == "interrupted"
    assert model.score(*data[:2]) > 0.3


def test_progress_is_shown(data, capsys):
    federated.Regressor(**QUICK | {"max_iter": 2}, verbose=2).fit(data[2])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Epoch [1/2], Loss: ")
    assert "Val Loss" in lines[1]


def test_a_fit_leaves_no_threads(data):
    before = threading.active_count()
    federated.Regressor(**QUICK | {"max_iter": 2}).fit(data[2])
    assert threading.active_count() == before


@pytest.mark.parametrize(
    ("parameters", "options", "message"),
    [
        ({"time_limit": 5.0}, {}, "time_limit must be None in federated training; got 5.0"),
        ({"warm_start": True}, {}, "warm_start must be False"),
        ({"extrapolation": "linear"}, {}, "extrapolation must be 'clip'"),
        ({"eval_metric": "r2"}, {}, "eval_metric needs all rows in one place"),
        ({"compute_importances": True}, {}, "compute_importances needs all rows in one place"),
        ({"learning_rate": "adaptive"}, {}, "must not be 'adaptive'"),
        ({}, {"local_epochs": 0}, "local_epochs must be positive; got 0"),
        ({}, {"outer_rate": -1}, "outer_rate must be positive; got -1"),
        ({}, {"outer_momentum": 1}, r"outer_momentum must be in \[0, 1\); got 1"),
        ({}, {"site_fraction": 2}, r"site_fraction must be in \(0, 1\]; got 2"),
        ({}, {"max_update_norm": 0}, "max_update_norm must be positive, or None; got 0"),
        ({}, {"noise_multiplier": -1}, "noise_multiplier must be finite and >= 0; got -1"),
    ],
)
def test_what_cannot_be_is_an_error(data, parameters, options, message):
    with pytest.raises(ValueError, match=message):
        federated.Regressor(**QUICK | parameters).fit(data[2], **options)


@pytest.mark.parametrize(
    ("sites", "options", "error", "message"),
    [
        ([], {}, ValueError, "at least one site"),
        ("houses", {"y": "price"}, TypeError, "sites must be a list of sites.*; got 'houses'"),
        (None, {}, TypeError, "sites must be a list of sites.*; got None"),
        (np.eye(9), {"y": np.arange(9)}, TypeError, r"such as \[\(X_1, y_1\), .*; got ndarray"),
        ([(np.eye(9), np.arange(9))], {"y": np.arange(9)}, TypeError, "y must be the name of a"),
        ([(np.eye(9), np.arange(9))], {"checkpoint": "a"}, TypeError, "'checkpoint'. Only fits in"),
        ([np.zeros((3, 2))], {}, TypeError, r"tuples \(X, y\).*; got ndarray"),
        (["rows.parquet"], {}, ValueError, "y must name the target column of files"),
        ([(np.zeros((9, 2)), np.arange(8))], {}, ValueError, "site 0: .*inconsistent"),
        ([(np.eye(9), np.arange(9)), (np.eye(9), [None] * 9)], {}, ValueError, "site 1: .*NaN"),
    ],
)
def test_sites_that_cannot_be_are_errors(sites, options, error, message):
    with pytest.raises(error, match=message):
        federated.Regressor(**QUICK).fit(sites, **options)


def test_a_site_cannot_answer_for_another(data):
    class Hostile(federated.LocalSite):
        def train(self, starts):
            return [replace(update, participant=0) for update in super().train(starts)]

    first, second, *_ = data[2]
    with pytest.raises(ValueError, match="site 1: it answered as site 0"):
        federated.Regressor(**QUICK).fit([first, Hostile(*second)])


def test_a_schema_must_be_rows(data):
    with pytest.raises(TypeError, match=r"schema must be a tuple \(X, y\); got DataFrame"):
        federated.Regressor(**QUICK).fit(data[2], schema=data[0])


def test_a_missing_column_of_a_file_is_an_error(data, tmp_path):
    path = tmp_path / "rows.parquet"
    data[0].to_parquet(path)
    with pytest.raises(ValueError, match=r"has no column 'stay'; it has .*'ward'"):
        federated.Regressor(**QUICK).fit([path], y="stay")


def test_a_site_must_be_prepared(data):
    with pytest.raises(RuntimeError, match="prepare must be called before train"):
        federated.LocalSite(*data[2][0]).train([])
