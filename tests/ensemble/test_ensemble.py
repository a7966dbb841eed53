"""Several networks in one estimator: means, folds, threads, copies, what breaks a fit."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, softmax

from fastmlp import Classifier, Regressor

ROWS = 120
SMALL = {
    "hidden_layer_sizes": 8,
    "max_iter": 6,
    "n_estimators": 4,
    "validation_fraction": 0.25,  # as many folds
    "random_state": 0,
}
ESTIMATORS = [Regressor, Classifier]


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(ROWS, 4))


@pytest.fixture
def y(X):
    return X[:, 0] + X[:, 1] ** 2


def made(estimator, X, y, **options):
    return estimator(**SMALL | options).fit(X, y if estimator is Regressor else y > 1)


def outputs(model, X):
    return model.predict(X) if isinstance(model, Regressor) else model.predict_proba(X)


def folds_of(estimator, X, y, **options):
    """The targets that each network is validated on, as `eval_metric` gets them."""
    seen = []

    def metric(y_true, y_pred):
        seen.append(np.sort(y_true))
        return 0.0

    estimator(**SMALL | {"max_iter": 1, "n_jobs": 1, "eval_metric": metric} | options).fit(X, y)
    return seen


# ---- means


def test_prediction_is_the_mean_of_the_networks(X, y):
    model = made(Regressor, X, y, standardize=False, dtype="float64")
    each = np.stack([network.forward(X)[:, 0] for network in model.networks_])
    assert np.std(each, axis=0).min() > 1e-6
    np.testing.assert_allclose(model.predict(X), each.mean(axis=0).clip(y.min(), y.max()))


@pytest.mark.parametrize("classes", [2, 3])
def test_probabilities_are_the_mean_of_the_networks(classes, X, y):
    labels = np.digitize(y, [0.5, 1.5][: classes - 1])
    model = Classifier(**SMALL, standardize=False, calibrate=False).fit(X, labels)
    logits = np.stack([network.forward(X) for network in model.networks_])
    linked = expit(logits)[..., 0] if classes == 2 else softmax(logits, axis=2)
    probabilities = model.predict_proba(X)
    np.testing.assert_allclose(
        probabilities[:, 1] if classes == 2 else probabilities, linked.mean(axis=0), rtol=1e-5
    )


def test_more_networks_are_better_than_their_mean(X, y):
    rng = np.random.default_rng(1)
    noisy = y + rng.normal(size=ROWS)
    model = made(Regressor, X, noisy, max_iter=100, standardize=False, hidden_layer_sizes=64)
    unseen = rng.normal(size=(1000, 4))
    truth = unseen[:, 0] + unseen[:, 1] ** 2

    def error(predicted):
        return np.mean((predicted - truth) ** 2)

    alone = [error(network.forward(unseen)[:, 0]) for network in model.networks_]
    assert error(model.predict(unseen)) < np.mean(alone)


# ---- folds


@pytest.mark.parametrize("n_estimators", [2, 3, 5])
def test_folds_cover_all_rows_once(n_estimators, X, y):
    fraction = 1 / n_estimators
    folds = folds_of(Regressor, X, y, n_estimators=n_estimators, validation_fraction=fraction)
    assert len(folds) == n_estimators
    assert {fold.size for fold in folds} == {ROWS // n_estimators}
    np.testing.assert_array_equal(np.sort(np.concatenate(folds)), np.sort(y))


def test_few_networks_have_folds_as_small(X, y):
    """Two networks would otherwise be trained on half of the rows each."""
    folds = folds_of(Regressor, X, y, n_estimators=2, validation_fraction=0.2)
    assert [fold.size for fold in folds] == [ROWS // 5] * 2
    model = made(Regressor, X, y, n_estimators=2, validation_fraction=0.2)
    assert np.isfinite(model.oof_prediction_).sum() == 2 * ROWS // 5


def test_folds_where_rows_cannot_be_shared_out_evenly(X, y):
    folds = folds_of(Regressor, X[:117], y[:117], n_estimators=5, validation_fraction=0.2)
    assert sorted(fold.size for fold in folds) == [23, 23, 23, 24, 24]


def test_rows_are_dealt_anew_where_there_are_more_networks_than_folds(X, y):
    folds = folds_of(Regressor, X, y, n_estimators=10, validation_fraction=0.2)
    assert {fold.size for fold in folds} == {ROWS // 5}
    first, second = folds[:5], folds[5:]
    for deal in (first, second):
        np.testing.assert_array_equal(np.sort(np.concatenate(deal)), np.sort(y))
    assert not any(np.array_equal(one, other) for one in first for other in second)


def test_folds_keep_the_proportions_of_classes(X):
    labels = np.arange(ROWS) % 10 == 0
    folds = folds_of(Classifier, X, labels)
    assert [fold.sum() for fold in folds] == [3] * 4
    rare = np.where(np.arange(ROWS) < 2, "rare", "common")
    assert sorted(np.sum(fold == "rare") for fold in folds_of(Classifier, X, rare)) == [0, 0, 1, 1]


def test_one_network_has_the_fraction(X, y):
    (fold,) = folds_of(Regressor, X, y, n_estimators=1, validation_fraction=0.25)
    assert fold.size == 30
    assert np.isin(fold, y).all()


def test_given_validation_part_is_that_of_all(X, y):
    seen = []

    def metric(y_true, y_pred):
        seen.append(np.array_equal(y_true, y[80:]))
        return 0.0

    model = Regressor(**SMALL, eval_metric=metric)
    model.fit(X[:80], y[:80], X_val=X[80:], y_val=y[80:])
    assert seen == [True] * (4 * 6)
    assert not hasattr(model, "oof_prediction_")


def test_without_early_stopping_there_are_no_folds(X, y):
    model = made(Regressor, X, y, early_stopping=False)
    assert model.validation_curve_ is None
    assert model.best_iteration_ is None
    assert not hasattr(model, "oof_prediction_")


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_predictions_out_of_fold_are_of_the_last_fit(estimator, X, y):
    model, labels = made(estimator, X, y), y if estimator is Regressor else y > 1
    names = {name for name in vars(model) if name.startswith("oof_")}
    assert len(names) == 1
    model.fit(X[:80], labels[:80], X_val=X[80:], y_val=labels[80:])
    assert not names & set(vars(model))


# ---- predictions out of fold


def test_every_row_is_predicted_by_the_network_that_has_not_seen_it(X, y):
    model = made(Regressor, X, y, standardize=False, dtype="float64")
    for network, fold in zip(model.networks_, folds_of(Regressor, X, y), strict=True):
        rows = np.isin(y, fold)
        expected = network.forward(X[rows])[:, 0].clip(y.min(), y.max())
        np.testing.assert_allclose(model.oof_prediction_[rows], expected)


def test_noise_cannot_be_predicted_out_of_fold():
    """Though the last epoch counts, which knows the rows of training by heart."""
    rng = np.random.default_rng(0)
    X, noise = rng.normal(size=(200, 30)), rng.normal(size=200)
    options = SMALL | {"max_iter": 60, "hidden_layer_sizes": 64, "dropout": 0.0}
    options["eval_metric"] = lambda y_true, y_pred: 0.0
    model = Regressor(**options).fit(X, noise)
    assert model.score(X, noise) > 0.6
    assert np.corrcoef(model.oof_prediction_, noise)[0, 1] < 0.2
    model = Classifier(**options).fit(X, noise > 0)
    assert model.score(X, noise > 0) > 0.8
    assert np.mean((model.oof_decision_function_[:, 1] > 0.5) == (noise > 0)) < 0.6


def test_shapes_out_of_fold(X, y):
    two = np.column_stack([y, 1000 * y])
    assert made(Regressor, X, y).oof_prediction_.shape == (ROWS,)
    assert made(Regressor, X, two).oof_prediction_.shape == (ROWS, 2)
    assert made(Classifier, X, y).oof_decision_function_.shape == (ROWS, 2)
    alone = made(Regressor, X, y, n_estimators=1)
    assert not hasattr(alone, "oof_prediction_")  # of a fifth of the rows it would be


# ---- weights


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_targets_of_weight_zero_do_not_count(estimator, X, y):
    labels = y if estimator is Regressor else y > 1
    weights = (np.arange(ROWS) % 3 > 0).astype(float)
    other = np.where(weights > 0, labels, labels[::-1])
    folds = {"n_estimators": 2} if estimator is Regressor else {"early_stopping": False}
    one, same = (estimator(**SMALL | folds).fit(X, t, weights) for t in (labels, other))
    np.testing.assert_array_equal(outputs(one, X), outputs(same, X))


def test_no_folds_where_one_would_weigh_nothing(X, y):
    weights = np.zeros(ROWS)
    weights[:2] = 1
    model = Regressor(**SMALL).fit(X, y, weights)
    assert model.validation_curve_ is None
    assert np.isfinite(model.predict(X)).all()


# ---- threads


@pytest.mark.parametrize("n_estimators", [1, 2, 5])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_same_bits_for_any_number_of_threads(estimator, n_estimators, X, y):
    frame = pd.DataFrame(X).add_prefix("x").assign(city=[*"abcdefghijkl"] * 10)
    frame.iloc[::7, 1] = np.nan
    first, *others = (
        made(estimator, frame, y, n_estimators=n_estimators, n_jobs=n) for n in (1, 2, 4)
    )
    for other in others:
        np.testing.assert_array_equal(outputs(first, frame), outputs(other, frame))
        assert first.validation_curve_ == other.validation_curve_
        for one, same in zip(first.networks_, other.networks_, strict=True):
            for own, values in zip(one.parameters, same.parameters, strict=True):
                np.testing.assert_array_equal(own, values)


# ---- going on, copies, attributes


def test_partial_fit(X, y):
    model = Regressor(**SMALL).partial_fit(X, y)
    before = np.mean((model.predict(X) - y) ** 2)
    for _ in range(20):
        model.partial_fit(X, y)
    assert len(model.networks_) == 4
    assert [history.n_iter for history in model.histories_] == [21] * 4
    assert np.mean((model.predict(X) - y) ** 2) < before / 2


def test_warm_start(X, y):
    model = made(Regressor, X, y, warm_start=True)
    first = np.mean((model.oof_prediction_ - y) ** 2)
    model.set_params(max_iter=30).fit(X, y)
    assert [len(history.loss_curve) for history in model.histories_] == [36] * 4
    assert np.mean((model.oof_prediction_ - y) ** 2) < first
    with pytest.raises(ValueError, match=r"hidden_layer_sizes was .* cannot become"):
        model.set_params(hidden_layer_sizes=9).fit(X, y)


@pytest.mark.parametrize("random_state", [None, 0])
@pytest.mark.parametrize("n_estimators", [1, 4])
def test_warm_start_keeps_to_its_folds(n_estimators, random_state, X, y):
    folds = []

    def metric(y_true, y_pred):
        folds.append(tuple(y_true))
        return 0.0

    options = {"eval_metric": metric, "n_jobs": 1, "max_iter": 1, "n_estimators": n_estimators}
    model = Regressor(**SMALL | options | {"random_state": random_state}, warm_start=True)
    model.fit(X, y).fit(X, y)
    assert folds == 2 * folds[:n_estimators]


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_pickle_goes_on_with_the_same_bits(estimator, X, y):
    model = made(estimator, X, y)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(outputs(copy, X), outputs(model, X))
    assert copy.histories_ == model.histories_
    for each in (model, copy):
        each.partial_fit(X, y if estimator is Regressor else y > 1)
    np.testing.assert_array_equal(outputs(copy, X), outputs(model, X))


def test_coefs_are_of_one_network(X, y):
    model = made(Regressor, X, y)
    for name in ("coefs_", "intercepts_"):
        with pytest.raises(AttributeError, match="of one network, and here are 4; networks_ holds"):
            getattr(model, name)
    assert made(Regressor, X, y, n_estimators=1).coefs_[-1].shape == (8, 1)


def test_networks_are_copies(X, y):
    model = made(Regressor, X, y)
    before = model.predict(X)
    for network in model.networks_:
        network.parameters[0][...] = 7
    np.testing.assert_array_equal(model.predict(X), before)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), before)


def test_attributes_sum_up_the_histories(X, y):
    stops = {0: 3, 1: 5, 2: 4, 3: 6}
    model = made(Regressor, X, y, callbacks=lambda r: r.epoch == stops[r.network])
    histories = model.histories_
    assert [history.n_iter for history in histories] == [3, 5, 4, 6]
    assert {history.stop_reason for history in histories} == {"callback"}
    assert model.n_iter_ == 6
    assert model.learning_rate_curve_ == histories[3].learning_rate_curve
    assert model.best_iteration_ == int(np.median([h.best_iteration for h in histories]))
    longer = [history.validation_curve[3] for history in histories if history.n_iter > 3]
    assert model.validation_curve_[3] == pytest.approx(np.mean(longer))
    assert len(model.loss_curve_) == 6
    for history in histories:
        assert history.best_loss == min(history.validation_curve)
        assert history.best_loss == history.validation_curve[history.best_iteration - 1]
        assert history.seconds > 0


# ---- callbacks, interruption, divergence


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_callbacks_are_told_of_every_network(n_jobs, X, y):
    seen = []
    model = made(Regressor, X, y, n_jobs=n_jobs, callbacks=seen.append)
    assert {(r.network, r.epoch) for r in seen} == {(n, e) for n in range(4) for e in range(1, 7)}
    for record in seen:
        curve = model.histories_[record.network].validation_curve
        assert record.validation_loss == curve[record.epoch - 1]


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("warm_start", [False, True])
def test_exception_in_a_callback_leaves_the_model_alone(warm_start, n_jobs, X, y):
    def fails(record):
        if record.network == 2 and record.epoch == 3:
            raise RuntimeError("on purpose")

    model = made(Regressor, X, y, n_jobs=n_jobs, warm_start=warm_start)
    before, state = model.predict(X), set(vars(model))
    with pytest.raises(RuntimeError, match="on purpose"):
        model.set_params(callbacks=fails).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), before)
    assert set(vars(model)) == state
    assert [history.n_iter for history in model.histories_] == [6] * 4


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_interrupted_by_a_callback(n_jobs, X, y):
    def interrupts(record):
        if record.network == 1 and record.epoch == 3:
            raise KeyboardInterrupt

    model = Regressor(**SMALL, n_jobs=n_jobs, callbacks=interrupts)
    with pytest.warns(UserWarning, match=r"interrupted by user. \d of 4 networks were kept"):
        model.fit(X, y)
    reasons = [history.stop_reason for history in model.histories_]
    assert "interrupted" in reasons
    assert len(model.networks_) == len(reasons)
    assert np.isfinite(model.predict(X)).all()
    if n_jobs == 1:
        assert [history.n_iter for history in model.histories_] == [6, 3]
        assert np.isfinite(model.oof_prediction_).sum() == 60


@pytest.mark.parametrize("early_stopping", [True, False])
def test_network_that_diverges_is_left_out(early_stopping, X, y, monkeypatch):
    recipe = Regressor._recipe

    def with_a_wild_one(model, place):
        wild = {"learning_rate_init": 1e30} if place.number == 1 else {}
        return replace(recipe(model, place), **wild)

    monkeypatch.setattr(Regressor, "_recipe", with_a_wild_one)
    options = {"solver": "sgd", "learning_rate": "constant", "early_stopping": early_stopping}
    model = Regressor(**SMALL, **options)
    with pytest.warns(RuntimeWarning, match="training of 1 of 4 .* 1 were left out"):
        model.fit(X, y)
    assert len(model.networks_) == len(model.histories_) == 3
    assert np.isfinite(model.predict(X)).all()
    if early_stopping:
        assert np.isfinite(model.oof_prediction_).sum() == 90
