"""What steers a fit: eval_metric, records, time_limit, schedule, patience, calibration."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import (
    f1_score,
    get_scorer,
    hamming_loss,
    log_loss,
    make_scorer,
    mean_absolute_error,
    mean_pinball_loss,
    r2_score,
    zero_one_loss,
)

from fastmlp import Classifier, Regressor
from fastmlp._calibration import fit_temperature, log_loss_of, sharpen

ROWS = 300
SMALL = {"hidden_layer_sizes": 16, "max_iter": 12, "n_estimators": 1, "random_state": 0}
rng = np.random.default_rng(0)
X, X_VAL = rng.normal(size=(ROWS, 3)), rng.normal(size=(100, 3))
Y, Y_VAL = (table[:, 0] + 0.3 * rng.normal(size=len(table)) for table in (X, X_VAL))
TARGETS = {
    "numbers": (Y, Y_VAL),
    "two classes": (Y > 0, Y_VAL > 0),
    "text": tuple(np.where(y > 0, "yes", "no") for y in (Y, Y_VAL)),
    "three classes": tuple(np.digitize(y, [-0.5, 0.5]) for y in (Y, Y_VAL)),
}


def fitted(target="numbers", **options):
    y, y_val = TARGETS[target]
    if target == "numbers":
        return Regressor(**SMALL | options).fit(X, y, X_val=X_VAL, y_val=y_val)
    model = Classifier(**SMALL | {"calibrate": False} | options)
    return model.fit(X, y, X_val=X_VAL, y_val=y_val)


# ---- eval_metric


@pytest.mark.parametrize(
    ("target", "metric"),
    [
        ("numbers", "neg_mean_absolute_error"),
        ("numbers", "r2"),
        ("numbers", make_scorer(mean_absolute_error, greater_is_better=False)),
        ("two classes", "accuracy"),
        ("two classes", "roc_auc"),
        ("two classes", "neg_log_loss"),
        ("two classes", "average_precision"),
        ("text", "roc_auc"),
        ("text", "balanced_accuracy"),
        ("text", make_scorer(f1_score, pos_label="yes")),
        ("three classes", "roc_auc_ovr"),
        ("three classes", "neg_log_loss"),
        ("three classes", "f1_macro"),
    ],
)
def test_scorers(target, metric):
    model = fitted(target, eval_metric=metric)
    scorer = get_scorer(metric) if isinstance(metric, str) else metric
    curve = np.array(model.metric_curve_)
    assert curve.size == model.n_iter_
    assert curve[model.best_iteration_ - 1] == curve.max()
    assert model.best_loss_ == -curve.max()
    by_hand = scorer(model, X_VAL, TARGETS[target][1])
    assert by_hand == pytest.approx(curve.max(), rel=1e-5)


@pytest.mark.parametrize(
    ("target", "metric"),
    [
        ("numbers", mean_absolute_error),
        ("numbers", lambda y_true, y_pred: np.max(np.abs(y_true - y_pred))),
        ("text", zero_one_loss),
        ("three classes", lambda y_true, y_pred: np.mean(y_true != y_pred)),
    ],
)
def test_functions_are_costs(target, metric):
    model = fitted(target, eval_metric=metric)
    curve = np.array(model.metric_curve_)
    assert curve[model.best_iteration_ - 1] == curve.min() == model.best_loss_
    by_hand = metric(TARGETS[target][1], model.predict(X_VAL))
    assert by_hand == pytest.approx(curve.min(), rel=1e-5)


def test_metric_finds_another_epoch_than_the_loss():
    """What has risen is kept though the validation loss is at its worst."""
    model = fitted(eval_metric=lambda y_true, y_pred: np.mean((y_true - y_pred) ** 2) * -1.0)
    assert model.best_iteration_ == np.argmax(model.validation_curve_) + 1
    assert model.best_iteration_ != np.argmin(model.validation_curve_) + 1


def test_metric_of_the_last_of_equal_epochs():
    assert fitted(eval_metric=lambda y_true, y_pred: 1.0).best_iteration_ == SMALL["max_iter"]


def test_metric_in_the_units_of_the_targets():
    seen = []

    def metric(y_true, y_pred):
        seen.append((y_true, y_pred))
        return mean_absolute_error(y_true, y_pred)

    Regressor(**SMALL, eval_metric=metric).fit(X, 1e6 * Y, X_val=X_VAL, y_val=1e6 * Y_VAL)
    np.testing.assert_array_equal(seen[0][0], 1e6 * Y_VAL)
    assert np.std(seen[-1][1]) > 1e5
    both = np.column_stack([Y, 100 * Y])
    assert len(Regressor(**SMALL, eval_metric="r2").fit(X, both).metric_curve_) == 12


def test_metric_of_quantiles_and_counts():
    options = {"loss": "quantile", "quantile": [0.1, 0.5]}
    model = fitted(**options, eval_metric=lambda y, p: mean_pinball_loss(y, p[:, 0], alpha=0.1))
    assert model.best_loss_ == min(model.metric_curve_)
    poisson = Regressor(**SMALL, loss="poisson", eval_metric="neg_mean_poisson_deviance")
    poisson.fit(X, np.exp(Y), X_val=X_VAL, y_val=np.exp(Y_VAL))
    by_hand = get_scorer("neg_mean_poisson_deviance")(poisson, X_VAL, np.exp(Y_VAL))
    assert by_hand == pytest.approx(max(poisson.metric_curve_), rel=1e-5)


@pytest.mark.parametrize("metric", ["neg_mean_absolute_error", mean_absolute_error])
def test_metric_with_weights(metric):
    weights = np.where(Y_VAL > 0, 1.0, 0.0)
    model = Regressor(**SMALL, eval_metric=metric)
    model.fit(X, Y, X_val=X_VAL, y_val=Y_VAL, sample_weight_val=weights)
    by_hand = mean_absolute_error(Y_VAL[Y_VAL > 0], model.predict(X_VAL[Y_VAL > 0]))
    assert by_hand == pytest.approx(model.best_loss_, rel=1e-5)


@pytest.mark.parametrize(
    "metric", ["neg_max_error", lambda y_true, y_pred: np.max(np.abs(y_true - y_pred))]
)
def test_metrics_that_take_no_weights_get_none(metric):
    model = Regressor(**SMALL, eval_metric=metric)
    model.fit(X, Y, X_val=X_VAL, y_val=Y_VAL, sample_weight_val=np.arange(1.0, 101.0))
    by_hand = np.max(np.abs(Y_VAL - model.predict(X_VAL)))
    assert by_hand == pytest.approx(model.best_loss_, rel=1e-5)


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("accurac", "eval_metric='accurac' is no scorer of scikit-learn; .*get_scorer_names"),
        (3, "eval_metric"),
        (["r2"], "eval_metric"),
    ],
)
def test_bad_metrics(metric, message):
    with pytest.raises((TypeError, ValueError), match=message):
        fitted(eval_metric=metric)


def test_metric_of_another_kind_of_target_is_an_error():
    with pytest.raises(ValueError, match="could not convert string to float"):
        fitted("text", eval_metric="r2")
    with pytest.raises((TypeError, ValueError), match=r"continuous|classification"):
        fitted(eval_metric="accuracy")


def test_without_a_validation_part_there_is_no_curve():
    assert fitted().metric_curve_ is None
    model = Regressor(**SMALL, eval_metric="r2", early_stopping=False)
    with pytest.raises(ValueError, match="eval_metric needs validation rows"):
        model.fit(X, Y)
    model.fit(X, Y, X_val=X_VAL, y_val=Y_VAL)  # is told, but not acted upon
    assert len(model.metric_curve_) == 12
    assert model.best_iteration_ is None


NEEDS = [
    (Regressor, {"eval_metric": "r2"}),
    (Regressor, {"compute_importances": True}),
    (Classifier, {"eval_metric": "accuracy"}),
    (Classifier, {"compute_importances": True}),
    (Classifier, {"calibrate": True}),
]


@pytest.mark.parametrize(("estimator", "option"), NEEDS)
def test_what_needs_validation_rows_says_so(estimator, option):
    y, y_val = (Y, Y_VAL) if estimator is Regressor else (Y > 0, Y_VAL > 0)
    model = estimator(**SMALL | option)
    message = f"{next(iter(option))}.* needs validation rows: X_val and y_val, or early_stopping"
    with pytest.raises(ValueError, match=message):
        model.fit(X[:9], y[:9])  # nine are all needed to train on
    with pytest.raises(ValueError, match=message):
        model.fit(X, y, np.arange(ROWS) == 0)  # one part weighs nothing
    model.fit(X[:10], y[:10]).set_params(warm_start=True)
    with pytest.raises(ValueError, match=message):
        model.fit(X[:9], y[:9])
    model.set_params(early_stopping=False, warm_start=False)
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    model.fit(X, y, X_val=X_VAL, y_val=y_val)
    if "calibrate" in option:
        assert model._temperature != 1


def test_a_validation_part_leaves_rows_to_train_on():
    with pytest.raises(ValueError, match=r"validation_fraction=0.99 leaves none of 12 rows"):
        Regressor(**SMALL, validation_fraction=0.99).fit(X[:12], Y[:12])
    with pytest.raises(ValueError, match="X_val and y_val must have at least one row"):
        Regressor(**SMALL).fit(X, Y, X_val=X[:0], y_val=Y[:0])


# ---- records


@pytest.mark.parametrize("n_estimators", [1, 3])
def test_records(n_estimators):
    records = []
    model = fitted(eval_metric="r2", callbacks=records.append, n_estimators=n_estimators)
    for number, history in enumerate(model.histories_):
        own = [record for record in records if record.network == number]
        assert [record.metric for record in own] == history.metric_curve
        assert [record.learning_rate for record in own] == history.learning_rate_curve
        assert [record.epoch for record in own] == list(range(1, 13))
        seconds = [0.0] + [record.seconds for record in own]
        assert np.all(np.diff(seconds) >= 0)
        assert seconds[-1] <= history.seconds


def test_record_without_a_metric():
    records = []
    fitted(callbacks=records.append)
    assert all(np.isnan(record.metric) for record in records)


# ---- time_limit


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("target", TARGETS)
def test_tiny_time_limit_leaves_one_epoch_for_each(target, n_jobs):
    model = fitted(target, time_limit=1e-9, n_estimators=4, n_jobs=n_jobs)
    assert [history.n_iter for history in model.histories_] == [1] * 4
    assert model.stop_reason_ == "time_limit"
    assert model.score(X, TARGETS[target][0]) > -10


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("n_estimators", [1, 3])
def test_time_limit_ends_long_fits(n_estimators, n_jobs):
    options = {"max_iter": 10**7, "n_iter_no_change": np.inf, "n_jobs": n_jobs}
    model = fitted(time_limit=0.2, n_estimators=n_estimators, **options)
    for history in model.histories_:
        assert 1 <= history.n_iter < 10**7
        assert history.stop_reason == "time_limit"
        assert history.best_loss == min(history.validation_curve)
    assert np.isfinite(model.predict(X_VAL)).all()


def test_large_time_limit_changes_nothing():
    one, same = fitted(n_estimators=3), fitted(n_estimators=3, time_limit=1e6)
    np.testing.assert_array_equal(one.predict(X), same.predict(X))
    assert one.learning_rate_curve_ == same.learning_rate_curve_


# ---- schedule and patience


@pytest.mark.parametrize("max_iter", [3, 40])
def test_coslog4(max_iter):
    options = {"learning_rate": "coslog4", "learning_rate_init": 0.02, "max_iter": max_iter}
    options |= {"early_stopping": False, "n_iter_no_change": np.inf, "batch_size": 50}
    model = Regressor(**SMALL | options)
    steps = ROWS // 50
    t = (np.arange(1, max_iter + 1) * steps - 1) / (steps * max_iter)
    expected = 0.02 * 0.5 * (1 - np.cos(2 * np.pi * np.log2(1 + 15 * t)))
    np.testing.assert_allclose(model.fit(X, Y).learning_rate_curve_, expected, atol=1e-15)


def stopped_after(best, **options):
    """Epochs of a fit whose metric is best at that epoch."""
    costs = iter(abs(epoch - best) for epoch in range(1, 10_000))
    options = {"max_iter": 1000, "hidden_layer_sizes": 2} | options
    model = fitted(eval_metric=lambda y_true, y_pred: next(costs), **options)
    assert model.best_iteration_ == best
    assert model.stop_reason_ == ("max_iter" if model.n_iter_ == 1000 else "no_improvement")
    return model.n_iter_


@pytest.mark.parametrize("best", [1, 7, 30])
def test_patience(best):
    """Epochs without progress: so many are borne, the next one is the last."""
    assert stopped_after(best, n_iter_no_change=5) == best + 6
    assert stopped_after(best, n_iter_no_change=5, preset="plain") == best + 6
    assert stopped_after(best, preset="plain") == best + 21
    assert stopped_after(best) == best + 40 + best + 1
    assert stopped_after(best, n_iter_no_change=np.inf) == 1000


# ---- calibration

SURE = np.array([[0.1, 0.9]] * 4)
RIGHT_IN_THREE = np.array([1, 1, 1, 0])
MANY = 1000  # times, beside which half a row is nothing


def test_temperature_of_two_classes():
    """Odds of nine to one where they are three to one: the square root."""
    p, y = np.tile(SURE, (MANY, 1)), np.tile(RIGHT_IN_THREE, MANY)
    assert fit_temperature(p, y, None) == pytest.approx(2, abs=1e-3)
    last, weights = np.tile([False, False, True, True], MANY), np.tile([3.0, 1.0], MANY)
    assert fit_temperature(p[last], y[last], weights) == pytest.approx(2, abs=1e-3)
    expected = np.array([[0.25, 0.75]] * 4)
    np.testing.assert_allclose(sharpen(SURE, 2.0, exclusive=True), expected, rtol=1e-12)


def test_temperature_of_three_classes():
    """Odds of eight to one and one where they are two to one and one: the third root."""
    p, y = np.array([[0.8, 0.1, 0.1]] * 4 * MANY), np.array([0, 0, 1, 2] * MANY)
    assert fit_temperature(p, y, None) == pytest.approx(3, abs=1e-2)
    expected = [[0.5, 0.25, 0.25]] * 4
    np.testing.assert_allclose(sharpen(p[:4], 3.0, exclusive=True), expected, rtol=1e-12)


def test_temperature_of_several_labels():
    y = np.tile(np.column_stack([RIGHT_IN_THREE, RIGHT_IN_THREE[::-1]]), (MANY, 1))
    assert fit_temperature(np.full(y.shape, 0.9), y, None) == pytest.approx(2, abs=1e-3)
    p = np.full((4, 2), 0.9)
    np.testing.assert_allclose(sharpen(p, 2.0, exclusive=False), np.full((4, 2), 0.75), rtol=1e-12)
    each = sharpen(p, np.array([2.0, 1.0]), exclusive=False)
    np.testing.assert_allclose(each, [[0.75, 0.9]] * 4, rtol=1e-12)


def test_every_label_has_a_temperature_of_its_own():
    """One that is easily told from a number, and one that is noise."""
    y = np.column_stack([X[:, 0] > 0, rng.random(ROWS) < 0.3]).astype(int)
    options = SMALL | {"n_estimators": 5, "max_iter": 60}
    model, raw = (Classifier(**options, calibrate=c).fit(X, y) for c in (True, False))
    oof, raw_oof = model.oof_decision_function_, raw.oof_decision_function_
    for label in range(2):
        losses = [log_loss(y[:, label], p[:, label]) for p in (oof, raw_oof)]
        assert losses[0] <= losses[1]


@pytest.mark.parametrize("n_rows", [5, 40, 300])
@pytest.mark.parametrize("exclusive", [True, False])
def test_rows_that_are_all_told_apart_do_not_make_sure(n_rows, exclusive):
    """Of n rows that are all right follows no more than 1 - 1 / (4 n + 2)."""
    y = np.arange(n_rows) % 2
    p, y = (np.where(y, 0.9, 0.1)[:, None], y) if exclusive else (np.full((n_rows, 1), 0.9), y)
    p = np.hstack([1 - p, p]) if exclusive else p
    y = y if exclusive else np.ones((n_rows, 1), dtype=int)
    found = sharpen(p, fit_temperature(p, y, None), exclusive=exclusive).max()
    assert 1 - found == pytest.approx(1 / (4 * n_rows + 2), rel=1e-3)


def test_temperature_of_logits():
    logits = 2 * rng.normal(size=(20_000, 4))
    y = np.array([rng.choice(4, p=p) for p in softmax(logits, axis=1)])
    for factor in (0.5, 1.0, 2.5):
        found = fit_temperature(softmax(factor * logits, axis=1), y, None)
        assert found == pytest.approx(factor, rel=0.05)


@pytest.mark.parametrize("exclusive", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sharpen(dtype, exclusive):
    p = np.array([[0.0, 1.0], [1e-30, 1.0], [0.3, 0.7], [0.5, 0.5]], dtype=dtype)
    assert sharpen(p, 1.0, exclusive=exclusive) is p
    for temperature in (0.25, 0.8, 4.0):
        moved = sharpen(p, temperature, exclusive=exclusive)
        assert moved.dtype == dtype
        assert np.isfinite(moved).all()
        np.testing.assert_array_equal(moved > 0.5, p > 0.5)
        np.testing.assert_allclose(moved[2:].sum(axis=1), 1, rtol=1e-6)
        assert (moved[2, 1] > p[2, 1]) == (temperature < 1)


def test_log_loss_is_scikit_learns():
    p = softmax(rng.normal(size=(50, 3)), axis=1)
    y, weights = rng.integers(3, size=50), rng.uniform(size=50)
    assert log_loss_of(p, y, weights) == pytest.approx(log_loss(y, p, sample_weight=weights))
    each = np.mean([log_loss(y == k, p[:, k], sample_weight=weights) for k in range(3)])
    assert log_loss_of(p, np.eye(3)[y], weights) == pytest.approx(each)


@pytest.mark.parametrize("classes", [2, 3])
def test_calibration_lowers_the_log_loss(classes):
    """Of networks whose last epoch counts, which makes them too sure."""
    y = np.random.default_rng(1).integers(classes, size=ROWS)
    options = SMALL | {
        "n_estimators": 3,
        "validation_fraction": 1 / 3,
        "eval_metric": lambda y_true, y_pred: 0.0,
    }
    model, raw = (Classifier(**options, calibrate=c).fit(X, y) for c in (True, False))
    oof, raw_oof = model.oof_decision_function_, raw.oof_decision_function_
    assert log_loss(y, oof) < log_loss(y, raw_oof)
    assert oof.max(axis=1).mean() < raw_oof.max(axis=1).mean()
    np.testing.assert_array_equal(model.predict(X), raw.predict(X))
    assert model.predict_proba(X).max() < raw.predict_proba(X).max()


def test_calibration_is_left_to_single_networks_unless_asked_for():
    y = np.random.default_rng(1).integers(2, size=ROWS)

    def first_row(**options):
        return Classifier(**SMALL | options).fit(X, y).predict_proba(X[:1])[0, 0]

    assert first_row() != first_row(calibrate=False)
    several = {"n_estimators": 5}
    assert first_row(**several) == first_row(**several, calibrate=False)
    assert first_row(**several) != first_row(**several, calibrate=True)


@pytest.mark.parametrize("metric", ["roc_auc", "average_precision", "f1_macro", "neg_log_loss"])
@pytest.mark.parametrize("labels", [2, 3])
def test_scorers_of_several_labels(metric, labels):
    if metric == "neg_log_loss":
        metric = make_scorer(hamming_loss, greater_is_better=False)
    y = (X[:, :labels] > 0).astype(int)
    model = Classifier(**SMALL | {"eval_metric": metric}).fit(X, y)
    assert np.isfinite(model.metric_curve_).all()


def test_functions_of_scikit_learn_named_score_are_scores():
    scores = Regressor(**SMALL, eval_metric=r2_score).fit(X, Y)
    named = Regressor(**SMALL, eval_metric="r2").fit(X, Y)
    assert scores.metric_curve_ == named.metric_curve_
    assert scores.best_iteration_ == named.best_iteration_


def test_errors_of_metrics_name_the_parameter():
    with pytest.raises(ValueError, match="eval_metric='roc_auc' failed: PredictedNumbers has none"):
        Regressor(**SMALL, eval_metric="roc_auc").fit(X, Y)


def test_metric_that_is_not_a_number_is_warned_of():
    with pytest.warns(RuntimeWarning, match="eval_metric was not a number after 12 of 12 epochs"):
        model = Regressor(**SMALL, eval_metric=lambda y_true, y_pred: np.nan).fit(X, Y)
    assert np.isfinite(model.predict(X)).all()


def test_calibration_on_a_given_validation_part():
    """By the prediction of all networks: then no other temperature does better there."""
    noisy = [TARGETS["two classes"][i] ^ (rng.random(n) < 0.2) for i, n in ((0, ROWS), (1, 100))]
    model = Classifier(**SMALL | {"n_estimators": 3, "max_iter": 200, "early_stopping": False})
    model.fit(X, noisy[0], X_val=X_VAL, y_val=noisy[1])
    found = model.predict_proba(X_VAL)
    assert fit_temperature(found, noisy[1].astype(int), None) == pytest.approx(1, abs=0.02)
    raw = model.set_params(calibrate=False).fit(X, noisy[0], X_val=X_VAL, y_val=noisy[1])
    assert log_loss(noisy[1], found) < log_loss(noisy[1], raw.predict_proba(X_VAL)) - 0.02


def test_plain_preset_is_not_calibrated_unless_asked():
    y = np.random.default_rng(1).integers(2, size=ROWS)
    probabilities = [
        Classifier(**SMALL, preset="plain", calibrate=c).fit(X, y).predict_proba(X)
        for c in ("auto", False, True)
    ]
    np.testing.assert_array_equal(probabilities[0], probabilities[1])
    assert not np.array_equal(probabilities[1], probabilities[2])
