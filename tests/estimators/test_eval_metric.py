"""eval_metric: scorers and functions, and which epoch they choose."""

import numpy as np
import pytest
from sklearn.metrics import (
    average_precision_score,
    f1_score,
    get_scorer,
    hamming_loss,
    make_scorer,
    mean_absolute_error,
    mean_pinball_loss,
    mean_squared_error,
    r2_score,
    roc_auc_score,
    zero_one_loss,
)
from small_tables import ONE, TARGETS, X_VAL, Y_VAL, X, Y, fitted

from fastmlp import Classifier, Regressor


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
    model = fitted(eval_metric=make_scorer(mean_squared_error))
    assert model.best_iteration_ == np.argmax(model.validation_curve_) + 1
    assert model.best_iteration_ != np.argmin(model.validation_curve_) + 1


def test_metric_of_the_last_of_equal_epochs():
    assert fitted(eval_metric=lambda y_true, y_pred: 1.0).best_iteration_ == ONE["max_iter"]


def test_metric_in_the_units_of_the_targets():
    seen = []

    def metric(y_true, y_pred):
        seen.append((y_true, y_pred))
        return mean_absolute_error(y_true, y_pred)

    Regressor(**ONE, eval_metric=metric).fit(X, 1e6 * Y, X_val=X_VAL, y_val=1e6 * Y_VAL)
    np.testing.assert_array_equal(seen[0][0], 1e6 * Y_VAL)
    assert np.std(seen[-1][1]) > 1e5
    both = np.column_stack([Y, 100 * Y])
    assert len(Regressor(**ONE, eval_metric="r2").fit(X, both).metric_curve_) == 12


def test_metric_of_quantiles_and_counts():
    options = {"loss": "quantile", "quantile": [0.1, 0.5]}
    model = fitted(**options, eval_metric=lambda y, p: mean_pinball_loss(y, p[:, 0], alpha=0.1))
    assert model.best_loss_ == min(model.metric_curve_)
    poisson = Regressor(**ONE, loss="poisson", eval_metric="neg_mean_poisson_deviance")
    poisson.fit(X, np.exp(Y), X_val=X_VAL, y_val=np.exp(Y_VAL))
    by_hand = get_scorer("neg_mean_poisson_deviance")(poisson, X_VAL, np.exp(Y_VAL))
    assert by_hand == pytest.approx(max(poisson.metric_curve_), rel=1e-5)


@pytest.mark.parametrize("metric", ["neg_mean_absolute_error", mean_absolute_error])
def test_metric_with_weights(metric):
    weights = np.where(Y_VAL > 0, 1.0, 0.0)
    model = Regressor(**ONE, eval_metric=metric)
    model.fit(X, Y, X_val=X_VAL, y_val=Y_VAL, sample_weight_val=weights)
    by_hand = mean_absolute_error(Y_VAL[Y_VAL > 0], model.predict(X_VAL[Y_VAL > 0]))
    assert by_hand == pytest.approx(model.best_loss_, rel=1e-5)


@pytest.mark.parametrize(
    "metric", ["neg_max_error", lambda y_true, y_pred: np.max(np.abs(y_true - y_pred))]
)
def test_metrics_that_take_no_weights_get_none(metric):
    model = Regressor(**ONE, eval_metric=metric)
    model.fit(X, Y, X_val=X_VAL, y_val=Y_VAL, sample_weight_val=np.arange(1.0, 101.0))
    by_hand = np.max(np.abs(Y_VAL - model.predict(X_VAL)))
    assert by_hand == pytest.approx(model.best_loss_, rel=1e-5)


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("accurac", "eval_metric='accurac' is not a scorer of scikit-learn; .*get_scorer_names"),
        (3, "The 'eval_metric' parameter of Regressor must be .* Got 3 instead"),
        (["r2", "r2"], "several metrics of the same name"),
        (
            ["r2", 3],
            "eval_metric must be a scorer's name, a callable, or a list or dict of these; got 3",
        ),
        ({3: "r2"}, "eval_metric must have names that are strings; got 3"),
        ({"loss": "r2"}, "eval_metric must not name a metric 'loss'"),
    ],
)
def test_bad_metrics(metric, message):
    with pytest.raises((ValueError, TypeError), match=message):
        fitted(eval_metric=metric)


def test_metric_of_another_kind_of_target_is_an_error():
    with pytest.raises(ValueError, match="could not convert string to float"):
        fitted("text", eval_metric="r2")
    with pytest.raises(ValueError, match=r"eval_metric='accuracy' failed: .*continuous"):
        fitted(eval_metric="accuracy")


def test_without_a_validation_part_there_is_no_curve():
    assert fitted().metric_curve_ is None
    model = Regressor(**ONE, eval_metric="r2", early_stopping=False)
    with pytest.raises(ValueError, match="eval_metric needs validation rows"):
        model.fit(X, Y)
    model.fit(X, Y, X_val=X_VAL, y_val=Y_VAL)  # is told, but not acted upon
    assert len(model.metric_curve_) == 12
    assert model.best_iteration_ is None


OF_PROBABILITIES = {"roc_auc": roc_auc_score, "average_precision": average_precision_score}


@pytest.mark.parametrize("metric", ["roc_auc", "average_precision", "f1_macro", "neg_log_loss"])
@pytest.mark.parametrize("labels", [2, 3])
def test_scorers_of_several_labels(metric, labels):
    if metric == "neg_log_loss":
        metric = make_scorer(hamming_loss, greater_is_better=False)
    y, y_val = ((table[:, :labels] > 0).astype(int) for table in (X, X_VAL))
    model = Classifier(**ONE | {"eval_metric": metric, "calibrate": False})
    model.fit(X, y, X_val=X_VAL, y_val=y_val)
    if metric in OF_PROBABILITIES:  # scikit-learn's own scorers take two labels for two classes
        by_hand = OF_PROBABILITIES[metric](y_val, model.predict_proba(X_VAL))
    else:
        scorer = get_scorer(metric) if isinstance(metric, str) else metric
        by_hand = scorer(model, X_VAL, y_val)
    assert by_hand == pytest.approx(max(model.metric_curve_), rel=1e-5)


def test_functions_of_scikit_learn_named_score_are_scores():
    scores = Regressor(**ONE, eval_metric=r2_score).fit(X, Y)
    named = Regressor(**ONE, eval_metric="r2").fit(X, Y)
    assert scores.metric_curve_ == named.metric_curve_
    assert scores.best_iteration_ == named.best_iteration_


def test_errors_of_metrics_name_the_parameter():
    with pytest.raises(ValueError, match="eval_metric='roc_auc' needs the probabilities of"):
        Regressor(**ONE, eval_metric="roc_auc").fit(X, Y)


def test_metric_that_is_not_a_number_is_warned_of():
    with pytest.warns(RuntimeWarning, match="eval_metric was NaN after 12 of 12 epochs"):
        model = Regressor(**ONE, eval_metric=lambda y_true, y_pred: np.nan).fit(X, Y)
    assert np.isfinite(model.predict(X)).all()
