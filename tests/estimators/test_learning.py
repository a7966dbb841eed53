"""It learns: real tables to stated scores, and every option does what it says."""

import numpy as np
import pytest
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_wine,
)
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split

from fastmlp import Classifier, Regressor

# Thresholds lie clearly below the worst of five seeds.
OWN = {
    "preset": "plain",
    "hidden_layer_sizes": (64, 64),
    "activation": "silu",
    "learning_rate_init": 5e-3,
    "weight_decay": 0.01,
    "random_state": 0,
}

SEVERAL = {"n_estimators": 3, "hidden_layer_sizes": (16,), "random_state": 0}


@pytest.mark.parametrize(
    ("estimator", "load", "score"),
    [
        (Regressor, load_diabetes, 0.30),
        (Classifier, load_iris, 0.92),
        (Classifier, load_wine, 0.93),
        (Classifier, load_breast_cancer, 0.88),
        (Classifier, load_digits, 0.94),
    ],
)
def test_real_tables(estimator, load, score):
    X, y = load(return_X_y=True)
    stratify = y if estimator is Classifier else None
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=1, stratify=stratify)
    assert estimator(**OWN).fit(X_train, y_train).score(X_test, y_test) > score


@pytest.mark.parametrize(
    ("estimator", "load", "score"),
    [
        (Regressor, load_diabetes, 0.28),
        (Classifier, load_wine, 0.9),
        (Classifier, load_breast_cancer, 0.9),
    ],
)
@pytest.mark.parametrize("preset", ["plain", "fast", "default"])
def test_real_tables_with_default_parameters(preset, estimator, load, score):
    X, y = load(return_X_y=True)
    stratify = y if estimator is Classifier else None
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=1, stratify=stratify)
    model = estimator(preset=preset, random_state=0).fit(X_train, y_train)
    assert model.score(X_test, y_test) > score


HALF = 1000


@pytest.fixture(scope="module")
def made():
    """Inputs, a noiseless target and noise; the first half to fit, the second to test."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2 * HALF, 3))
    return X, 2 * X[:, 0] + np.sin(3 * X[:, 1]), rng.normal(size=2 * HALF)


# ---- solvers and schedules

SOLVERS = {
    "adam": {"solver": "adam", "learning_rate_init": 5e-3},
    "rmsprop": {"solver": "rmsprop", "learning_rate_init": 2e-3},
    "sgd": {"solver": "sgd", "learning_rate_init": 0.05, "nesterovs_momentum": False},
    "nesterov": {"solver": "sgd", "learning_rate_init": 0.05},
}


@pytest.mark.parametrize("schedule", ["constant", "invscaling", "adaptive", "cosine", "one_cycle"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_solvers_and_schedules(solver, schedule, made):
    X, f, noise = made
    y = f + 0.1 * noise
    options = OWN | SOLVERS[solver] | {"learning_rate": schedule, "power_t": 0.1}
    options |= {"early_stopping": False, "n_iter_no_change": np.inf}
    model = Regressor(**options).fit(X[:HALF], y[:HALF])
    assert r2_score(f[HALF:], model.predict(X[HALF:])) > 0.96
    assert len(model.learning_rate_curve_) == model.n_iter_ == 100


# ---- losses


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.9])
def test_quantile_covers_its_share(quantile, made):
    X, f, noise = made
    y = f + (1 + 0.5 * np.abs(X[:, 2])) * noise
    model = Regressor(loss="quantile", quantile=quantile, **OWN).fit(X[:HALF], y[:HALF])
    assert abs(np.mean(y[HALF:] <= model.predict(X[HALF:])) - quantile) < 0.1


def test_poisson_predicts_the_mean_of_counts(made):
    X, _, _ = made
    mean = np.exp(0.7 * X[:, 0] + 0.3 * X[:, 1])
    y = np.random.default_rng(1).poisson(mean)
    model = Regressor(loss="poisson", **OWN).fit(X[:HALF], y[:HALF])
    prediction = model.predict(X[HALF:])
    assert prediction.min() > 0
    assert abs(prediction.mean() / y[HALF:].mean() - 1) < 0.2
    assert np.corrcoef(prediction, mean[HALF:])[0, 1] > 0.9
    assert model.out_activation_ == "exponential"


@pytest.mark.parametrize("loss", ["absolute_error", "quantile", "huber"])
def test_robust_losses_do_not_follow_outliers(loss, made):
    X, f, noise = made
    outlier = np.random.default_rng(1).uniform(size=len(f)) < 0.15
    y = f + 0.1 * noise + 30 * outlier

    def error(loss):
        model = Regressor(loss=loss, delta=0.1, **OWN).fit(X[:HALF], y[:HALF])
        return np.abs(model.predict(X[HALF:]) - f[HALF:]).mean()

    assert error("squared_error") > 3
    assert error(loss) < 0.5


# ---- classes


@pytest.fixture(scope="module")
def rare(made):
    X, _, noise = made
    return X, (X[:, 0] + 0.8 * noise > 1.6).astype(int)  # a tenth is of class 1


def minority_recall(model, X, y) -> float:
    return model.predict(X[HALF:])[y[HALF:] == 1].mean()


def test_balanced_class_weight_raises_minority_recall(rare):
    X, y = rare
    plain = Classifier(**OWN).fit(X[:HALF], y[:HALF])
    balanced = Classifier(class_weight="balanced", **OWN).fit(X[:HALF], y[:HALF])
    assert minority_recall(balanced, X, y) > minority_recall(plain, X, y) + 0.2


def test_class_weight_is_sample_weight_by_class(rare):
    X, y = rare
    weights = np.random.default_rng(0).uniform(0.5, 2, size=HALF)
    by_class = Classifier(class_weight={0: 1.0, 1: 7.0}, **OWN).fit(X[:HALF], y[:HALF], weights)
    by_row = Classifier(**OWN).fit(X[:HALF], y[:HALF], weights * np.where(y[:HALF] == 1, 7.0, 1.0))
    np.testing.assert_allclose(
        by_class.predict_proba(X), by_row.predict_proba(X), rtol=1e-3, atol=1e-4
    )


@pytest.mark.parametrize("classes", [2, 3])
def test_label_smoothing_lowers_confidence(classes, made):
    X, f, _ = made
    y = np.digitize(f, np.quantile(f, np.linspace(0, 1, classes + 1)[1:-1]))

    def confidence(share):
        model = Classifier(label_smoothing=share, **OWN).fit(X[:HALF], y[:HALF])
        assert model.score(X[HALF:], y[HALF:]) > 0.85
        return model.predict_proba(X[HALF:]).max(axis=1).mean()

    none, some, much = (confidence(share) for share in (0.0, 0.1, 0.3))
    assert none > some + 0.01 > much + 0.05
    # No higher than the smoothed label itself, but for what the fit overshoots.
    assert much < 1 - 0.3 * (classes - 1) / classes + 0.03


@pytest.mark.parametrize("classes", [2, 3, 6])
def test_probabilities(classes, made):
    X, f, _ = made
    y = np.digitize(f, np.quantile(f, np.linspace(0, 1, classes + 1)[1:-1]))
    model = Classifier(max_iter=10, **OWN).fit(X, y)
    p = model.predict_proba(X)
    assert p.shape == (len(X), classes)
    assert p.min() >= 0
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(model.classes_[p.argmax(axis=1)], model.predict(X))
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), p, rtol=1e-5, atol=1e-7)


def test_multilabel(made):
    X, _, _ = made
    Y = np.column_stack([X[:, 0] > 0, X[:, 1] > 0.3, X[:, 0] * X[:, 2] > 0]).astype(int)
    model = Classifier(**OWN).fit(X[:HALF], Y[:HALF])
    assert (model.predict(X[HALF:]) == Y[HALF:]).mean(axis=0).min() > 0.94
    p = model.predict_proba(X)
    assert p.shape == Y.shape
    np.testing.assert_array_equal(model.predict(X), p > 0.5)
    assert model.out_activation_ == "logistic"


# ---- regression


def test_outputs_of_very_different_scales(made):
    X, f, _ = made
    Y = np.column_stack([1e6 * f, 1e-6 * X[:, 2] ** 2, X[:, 0] - 3])
    model = Regressor(**OWN).fit(X[:HALF], Y[:HALF])
    scores = r2_score(Y[HALF:], model.predict(X[HALF:]), multioutput="raw_values")
    assert scores.min() > 0.97


def test_inputs_of_very_different_scales(made):
    X, f, _ = made
    table = X * [1e6, 1e-6, 1] + [1e7, 0, 5]
    model = Regressor(**OWN).fit(table[:HALF], f[:HALF])
    assert model.score(table[HALF:], f[HALF:]) > 0.97


def test_linear_model_without_hidden_layers(made):
    X, _, _ = made
    y = X @ [1.0, -2.0, 3.0] + 4
    options = OWN | {"hidden_layer_sizes": (), "weight_decay": 0.0, "learning_rate_init": 0.05}
    model = Regressor(early_stopping=False, **options).fit(X, y)
    np.testing.assert_allclose(model.predict(X), y, atol=1e-3)


def test_sample_weight_moves_the_fit(made):
    X, f, _ = made
    group = np.random.default_rng(1).uniform(size=len(X)) < 0.5
    y = np.where(group, f + 5, f - 5)

    def mean_offset(weight):
        weights = np.where(group, weight, 1.0)
        model = Regressor(max_iter=40, **OWN).fit(X[:HALF], y[:HALF], weights[:HALF])
        return np.mean(model.predict(X[HALF:]) - f[HALF:])

    assert abs(mean_offset(1.0)) < 1
    np.testing.assert_allclose(mean_offset(9.0), 4, atol=1)
    np.testing.assert_allclose(mean_offset(0.0), -5, atol=1)


@pytest.mark.parametrize(
    "options", [OWN, SEVERAL, SEVERAL | {"loss": "poisson"}], ids=["plain", "default", "poisson"]
)
def test_rows_of_weight_zero_do_not_count(options, made):
    X, f, _ = made
    y = np.abs(f)
    y[::2] = 1e4
    options = options | {"batch_size": 100, "max_iter": 3}
    weights = np.tile([0.0, 1.0], HALF)
    other = y.copy()
    other[::2] = 77
    one, two = (Regressor(**options).fit(X, target, weights) for target in (y, other))
    np.testing.assert_array_equal(one.predict(9 * X), two.predict(9 * X))
    for own, others in zip(one.networks_, two.networks_, strict=True):
        for a, b in zip(own.parameters, others.parameters, strict=True):
            np.testing.assert_array_equal(a, b)


# ---- regularisation


def fitted(made, **options) -> Regressor:
    X, f, noise = made
    defaults = {"hidden_layer_sizes": (32, 32), "weight_decay": 0.0, "early_stopping": False}
    defaults |= {"preset": "plain", "max_iter": 60, "random_state": 0, "activation": "silu"}
    return Regressor(**defaults | options).fit(X[:300], f[:300] + noise[:300])


def norm(model) -> float:
    return np.sqrt(sum((w.astype(float) ** 2).sum() for w in model.coefs_))


def test_l1_makes_weights_small_one_by_one(made):
    def tiny(model):
        return np.mean(np.abs(np.concatenate([w.ravel() for w in model.coefs_])) < 2e-3)

    assert tiny(fitted(made)) < 0.05
    assert tiny(fitted(made, alpha=0.6, l1_ratio=1.0)) > 0.3


@pytest.mark.parametrize("options", [{"alpha": 3.0}, {"weight_decay": 5.0}])
def test_l2_and_weight_decay_make_weights_smaller(options, made):
    assert norm(fitted(made, **options)) < 0.7 * norm(fitted(made))


def test_dropout_keeps_the_training_error_up(made):
    options = {"hidden_layer_sizes": (128, 128), "max_iter": 400, "learning_rate_init": 5e-3}
    options |= {"n_iter_no_change": np.inf}
    plain, dropped = fitted(made, **options), fitted(made, dropout=0.5, **options)
    X, f, noise = made
    y = f[:300] + noise[:300]
    assert plain.score(X[:300], y) > dropped.score(X[:300], y) + 0.02
    assert dropped.score(X[HALF:], f[HALF:]) > plain.score(X[HALF:], f[HALF:])


def test_learning_rate_factor_of_zero_holds_a_layer(made):
    still = fitted(made, learning_rate_factors=[0.0, 1.0, 1.0])
    start = fitted(made, learning_rate_init=1e-30, max_iter=1)
    np.testing.assert_array_equal(still.coefs_[0], start.coefs_[0])
    assert not np.array_equal(still.coefs_[1], start.coefs_[1])


def test_gradient_clipping_tames_a_wild_rate(made):
    options = {"solver": "sgd", "learning_rate_init": 1.0, "momentum": 0.9, "activation": "relu"}
    options |= {"standardize": False, "learning_rate": "constant"}
    X, f, _ = made
    with pytest.raises(ValueError, match="max_grad_norm"):
        fitted((X * 100, f * 100, 0 * f), **options)
    model = fitted((X * 100, f * 100, 0 * f), max_grad_norm=1e-3, **options)
    assert np.isfinite(model.loss_)


# ---- stopping


def test_early_stopping_keeps_the_best_epoch(made):
    X, f, noise = made
    y = f + 2 * noise
    model = Regressor(learning_rate="constant", n_iter_no_change=7, max_iter=500, **OWN)
    model.fit(X[:200], y[:200], X_val=X[HALF:], y_val=y[HALF:])
    curve = model.validation_curve_
    assert model.stop_reason_ == "no_improvement"
    assert model.best_iteration_ == np.argmin(curve) + 1
    assert model.best_loss_ == min(curve)
    # As in scikit-learn, more than n_iter_no_change epochs without progress.
    assert model.n_iter_ == model.best_iteration_ + 8 == len(curve)
    # The kept weights are those of that epoch: their loss, computed anew, is the curve's least.
    loss = np.mean(((model.predict(X[HALF:]) - y[HALF:]) / y[:200].std()) ** 2)
    np.testing.assert_allclose(loss, min(curve), rtol=1e-5)
    # And training stopped there gives the same weights.
    shorter = Regressor(learning_rate="constant", max_iter=model.best_iteration_, **OWN)
    shorter.fit(X[:200], y[:200], X_val=X[HALF:], y_val=y[HALF:])
    for one, other in zip(model.coefs_, shorter.coefs_, strict=True):
        np.testing.assert_array_equal(one, other)


def test_early_stopping_keeps_the_best_epoch_of_every_network(made):
    X, f, noise = made
    y = f + 2 * noise
    model = Regressor(learning_rate="constant", n_iter_no_change=7, max_iter=500, **SEVERAL)
    model.fit(X[:200], y[:200], X_val=X[HALF:], y_val=y[HALF:])
    scaled = (y[HALF:] - y[:200].mean()) / y[:200].std()
    assert len(model.histories_) == 3
    for history, predictor in zip(model.histories_, model._ensemble.predictors, strict=True):
        curve = history.validation_curve
        assert history.stop_reason == "no_improvement"
        assert history.best_iteration == np.argmin(curve) + 1
        assert history.best_loss == min(curve)
        assert history.n_iter == history.best_iteration + 8 == len(curve)
        loss = np.mean((predictor.predict(X[HALF:], 1)[:, 0] - scaled) ** 2)
        np.testing.assert_allclose(loss, min(curve), rtol=1e-5)
    assert model.n_iter_ == max(history.n_iter for history in model.histories_)
    assert model.best_iteration_ == np.median([h.best_iteration for h in model.histories_])
    assert model.best_loss_ == np.mean([history.best_loss for history in model.histories_])


@pytest.mark.parametrize("classes", [2, 4])
def test_early_stopping_of_a_classifier_watches_the_log_loss(classes, made):
    X, f, noise = made
    y = np.digitize(f + noise, np.quantile(f, np.linspace(0, 1, classes + 1)[1:-1]))
    model = Classifier(learning_rate="constant", n_iter_no_change=5, max_iter=500, **OWN)
    model.fit(X[:200], y[:200], X_val=X[HALF:], y_val=y[HALF:])
    assert model.stop_reason_ == "no_improvement"
    p = model.predict_proba(X[HALF:]).astype(float)
    loss = -np.log(p[np.arange(HALF), y[HALF:]]).mean()
    np.testing.assert_allclose(loss, min(model.validation_curve_), rtol=1e-5)
    assert model.best_iteration_ == np.argmin(model.validation_curve_) + 1


def test_without_early_stopping_the_training_loss_is_watched(made):
    model = fitted(made, max_iter=1000, n_iter_no_change=3, tol=1e-2, learning_rate="constant")
    assert model.stop_reason_ == "no_improvement"
    assert model.n_iter_ < 1000
    assert model.best_loss_ == min(model.loss_curve_)
    assert model.validation_curve_ is None
    assert model.best_iteration_ is None


def test_progress_is_a_fall_by_more_than_tol(made):
    """A loss that does not move at all is no progress, whatever tol is."""
    model = fitted(
        made, solver="sgd", learning_rate_init=1e-30, n_iter_no_change=3, shuffle=False, tol=0.0
    )
    assert len(set(model.loss_curve_)) == 1
    assert model.stop_reason_ == "no_improvement"


def test_validation_fraction(made):
    X, f, _ = made
    model = Regressor(batch_size=1, max_iter=1, validation_fraction=0.3, **OWN)
    assert model.fit(X[:100], f[:100]).t_ == 70


def test_validation_split_keeps_the_proportions_of_classes(rare):
    """Without it a class of 3 in 100 could be missing from a part."""
    X, _ = rare
    y = np.array([0] * 97 + [1] * 3)
    for seed in range(5):
        model = Classifier(max_iter=1, validation_fraction=0.34, **OWN | {"random_state": seed})
        weights = np.where(y == 1, 1.0, 0.0)  # only class 1 weighs, so both parts need one
        assert model.fit(X[:100], y, weights).validation_curve_ is not None


# ---- going on


@pytest.mark.parametrize("estimator", [Regressor, Classifier])
def test_warm_start_goes_on(estimator, made):
    X, f, _ = made
    y = f if estimator is Regressor else f > 0
    options = OWN | {"learning_rate": "constant", "early_stopping": False, "shuffle": False}
    once = estimator(max_iter=6, **options).fit(X, y)
    twice = estimator(max_iter=3, warm_start=True, **options).fit(X, y)
    twice.fit(X, y)
    assert once.loss_curve_ == twice.loss_curve_
    assert (once.n_iter_, once.t_) == (twice.n_iter_, twice.t_) == (6, once.t_)
    for one, other in zip(once.coefs_, twice.coefs_, strict=True):
        np.testing.assert_array_equal(one, other)


def test_warm_start_with_early_stopping_counts_epochs_on(made):
    X, f, _ = made
    model = Regressor(max_iter=4, warm_start=True, **OWN).fit(X[:HALF], f[:HALF])
    model.fit(X[:HALF], f[:HALF])
    assert model.n_iter_ == len(model.loss_curve_) == len(model.validation_curve_) == 8
    assert 5 <= model.best_iteration_ <= 8


def test_fit_without_warm_start_begins_anew(made):
    X, f, _ = made
    model = Regressor(max_iter=3, **OWN).fit(X, f)
    first = model.loss_curve_
    assert model.fit(X, f).loss_curve_ == first
    assert model.n_iter_ == 3


@pytest.mark.parametrize("options", [OWN, SEVERAL], ids=["plain", "default"])
def test_partial_fit_learns(options, made):
    X, f, _ = made
    model = Regressor(**options)
    losses = [model.partial_fit(X[:HALF], f[:HALF]).loss_ for _ in range(40)]
    assert losses[-1] < 0.1 * losses[0]
    assert model.score(X[HALF:], f[HALF:]) > 0.95
    assert model.n_iter_ == 40
    assert model.loss_curve_ == losses


def test_partial_fit_is_fit_epoch_by_epoch(made):
    X, f, _ = made
    options = OWN | {"learning_rate": "constant", "early_stopping": False, "shuffle": False}
    whole = Regressor(max_iter=3, **options).fit(X, f)
    steps = Regressor(**options)
    for _ in range(3):
        steps.partial_fit(X, f)
    for one, other in zip(whole.coefs_, steps.coefs_, strict=True):
        np.testing.assert_array_equal(one, other)


def test_partial_fit_takes_the_rows_in_another_order_every_time(made):
    X, f, _ = made
    options = OWN | {"learning_rate": "constant", "solver": "sgd", "batch_size": 7}
    one, other = (Regressor(**options).partial_fit(X, f) for _ in range(2))
    np.testing.assert_array_equal(one.coefs_[0], other.coefs_[0])
    one.set_params(shuffle=False)
    moved = [
        model.partial_fit(X, f).coefs_[0] - before
        for model, before in ((m, np.array(m.coefs_[0])) for m in (one, other))
    ]
    assert not np.array_equal(*moved)


def test_partial_fit_with_announced_classes(made):
    X, f, _ = made
    y = np.digitize(f, [-1, 1])
    model = Classifier(**OWN)
    for label in (0, 1, 2):
        rows = y == label
        model.partial_fit(X[rows], y[rows], classes=[2, 0, 1])
    assert model.classes_.tolist() == [0, 1, 2]
    for _ in range(30):
        model.partial_fit(X[:HALF], y[:HALF])
    assert model.score(X[HALF:], y[HALF:]) > 0.85
    with pytest.raises(ValueError, match="classes must be those of the first call"):
        model.partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match="labels that the model was fitted with"):
        model.partial_fit(X, y + 1)


def test_partial_fit_without_classes_learns_them_from_the_first_call(made):
    X, f, _ = made
    y = f > 0
    model = Classifier(**OWN).partial_fit(X, y)
    assert model.classes_.tolist() == [False, True]
    model.partial_fit(X[:1], y[:1])  # one row is enough from then on
    with pytest.raises(ValueError, match="at least two classes"):
        Classifier(**OWN).partial_fit(X[y], y[y])
    with pytest.raises(ValueError, match="labels"):
        Classifier(**OWN).partial_fit(X, y.astype(int), classes=[1, 2])


def test_partial_fit_after_fit_goes_on(made):
    X, f, _ = made
    model = Regressor(max_iter=5, **OWN).fit(X[:HALF], f[:HALF])
    before = model.score(X[HALF:], f[HALF:])
    model.set_params(learning_rate="constant")  # or it would go on at 3% of the rate
    for _ in range(10):
        model.partial_fit(X[:HALF], f[:HALF])
    assert model.n_iter_ == 15
    assert model.score(X[HALF:], f[HALF:]) > before


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("estimator", [Regressor, Classifier])
def test_one_column_of_two_values_is_learnt(estimator, seed):
    """Starts that were fitted to rows which differ in one direction only blew up."""
    flag = np.random.default_rng(seed).random(120) < 0.5
    model = estimator(random_state=seed, preset="fast", n_estimators=3)
    model.fit(flag[:, None], 1.0 * flag)
    predict = model.predict if estimator is Regressor else lambda X: model.predict_proba(X)[:, 1]
    np.testing.assert_allclose(predict([[False], [True]]), [0, 1], atol=0.05)
    assert model.loss_curve_[0] < 1000  # it was 10^9
