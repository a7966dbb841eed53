"""eval_metric as a function: whether greater is better, and what it gets."""

from functools import partial

import numpy as np
import pytest
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    cohen_kappa_score,
    f1_score,
    get_scorer,
    get_scorer_names,
    hamming_loss,
    log_loss,
    make_scorer,
    matthews_corrcoef,
    mean_absolute_error,
    mean_pinball_loss,
    roc_auc_score,
    top_k_accuracy_score,
    zero_one_loss,
)
from small_tables import ONE, X_VAL, Y_VAL, X, Y, fitted

from fastmlp import Classifier, Regressor
from fastmlp.ensemble.metric_direction import rises_as_loss_falls
from fastmlp.tasks.metric_functions import is_score

WARNED = "'accuracy' rose while the validation loss fell.* If greater is better, pass .*make_scorer"


def accuracy(y_true, y_pred):
    return np.mean(y_true == y_pred)


def error_rate(y_true, y_pred):
    return np.mean(y_true != y_pred)


def test_functions_of_scikit_learn_have_the_directions_of_its_scorers():
    for name in get_scorer_names():
        scorer = get_scorer(name)
        assert is_score(scorer._score_func) == (scorer._sign > 0), name


@pytest.mark.parametrize("function", [matthews_corrcoef, cohen_kappa_score, f1_score])
def test_scores(function):
    assert is_score(function)
    assert is_score(partial(function, sample_weight=None))


@pytest.mark.parametrize(
    "function", [hamming_loss, zero_one_loss, mean_absolute_error, mean_pinball_loss, accuracy]
)
def test_costs(function):
    assert not is_score(function)
    assert not is_score(partial(function))


def test_partial_chooses_the_epoch_that_its_function_does():
    macro = fitted("three classes", eval_metric=partial(f1_score, average="macro"))
    named = fitted("three classes", eval_metric="f1_macro")
    assert macro.metric_curve_ == named.metric_curve_
    assert macro.best_iteration_ == named.best_iteration_ > 1


def test_score_that_is_taken_as_a_cost_is_warned_of():
    with pytest.warns(UserWarning, match=WARNED) as warned:
        as_cost = fitted("three classes", eval_metric=accuracy)
    assert len(warned) == 1
    as_score = fitted("three classes", eval_metric=make_scorer(accuracy))
    assert as_cost.metric_curve_ == as_score.metric_curve_
    assert as_score.metric_curve_[as_score.best_iteration_ - 1] == max(as_score.metric_curve_)


def test_most_of_several_networks_are_warned_of_once():
    with pytest.warns(UserWarning, match=WARNED) as warned:
        Classifier(**ONE | {"n_estimators": 3}, eval_metric=[accuracy, "roc_auc"]).fit(X, Y > 0)
    assert [warning.filename for warning in warned] == [__file__]


@pytest.mark.parametrize(
    "metric",
    [
        error_rate,
        lambda y_true, y_pred: 1.0,
        make_scorer(accuracy, greater_is_better=False),  # the user says so
        ["loss", accuracy],  # does not decide
        [error_rate, accuracy],
    ],
)
def test_no_false_alarms(metric):
    fitted("three classes", eval_metric=metric)


def test_which_curves_are_warned_of():
    falls = [5.0, 4.0, 3.0, 2.0, 1.0]
    rises = falls[::-1]
    assert rises_as_loss_falls(rises, falls)
    assert rises_as_loss_falls([1.0, 3.0, 2.0, np.nan, 4.0, 5.0], [5.0, 4.0, 3.0, 9.0, 2.0, 1.0])
    assert rises_as_loss_falls(rises, [*falls, 0.5])  # interrupted in the sixth epoch
    assert not rises_as_loss_falls(falls, falls)
    assert not rises_as_loss_falls(rises[:4], falls[:4])
    assert not rises_as_loss_falls([2.0] * 5, falls)
    assert not rises_as_loss_falls([np.nan] * 5, falls)
    assert not rises_as_loss_falls([], [])
    # An error rate that still falls once the network is too sure of itself
    assert not rises_as_loss_falls([*falls, *np.arange(0.9, 0, -0.1)], [*falls, *range(2, 11)])


@pytest.mark.parametrize(
    ("function", "scorer"),
    [
        (log_loss, "neg_log_loss"),
        (brier_score_loss, "neg_brier_score"),
        (average_precision_score, "average_precision"),
        (top_k_accuracy_score, "top_k_accuracy"),
        (roc_auc_score, "roc_auc', 'roc_auc_ovo"),
        (partial(log_loss, labels=[0, 1]), "neg_log_loss"),
    ],
)
def test_functions_of_probabilities_are_errors_that_name_the_scorer(function, scorer):
    message = f"since functions get labels; got .*Pass the name of a scorer: '{scorer}'"
    with pytest.raises(ValueError, match=message):
        fitted("two classes", eval_metric=[accuracy, function])


def test_regressors_pass_numbers_to_functions_of_probabilities():
    model = Regressor(**ONE, eval_metric=roc_auc_score)
    model.fit(X, np.float64(Y > 0), X_val=X_VAL, y_val=np.float64(Y_VAL > 0))
    by_hand = roc_auc_score(Y_VAL > 0, model.predict(X_VAL))
    assert by_hand == pytest.approx(max(model.metric_curve_)) == -model.best_loss_


def test_scorer_of_several_columns_of_labels():
    both = make_scorer(lambda y_true, y_pred: np.mean(y_true == y_pred))
    y, y_val = (np.where(table[:, :2] > 0, "yes", "no") for table in (X, X_VAL))
    model = Classifier(**ONE, eval_metric=both).fit(X, y, X_val=X_VAL, y_val=y_val)
    by_hand = np.mean(model.predict(X_VAL) == y_val)
    assert model.best_loss_ == -max(model.metric_curve_) == pytest.approx(-by_hand)
