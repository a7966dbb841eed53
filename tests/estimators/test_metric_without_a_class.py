"""eval_metric on folds that lack a class, because it is rare."""

import numpy as np
import pytest
from sklearn.metrics import get_scorer, make_scorer, roc_auc_score

from fastmlp import Classifier

ROWS = 120
X = np.random.default_rng(0).normal(size=(ROWS, 2))
THREE = np.r_[np.zeros(58, int), np.ones(60, int), 2, 2]
TWO = np.r_[np.zeros(117, int), 1, 1, 1]
OPTIONS = {"hidden_layer_sizes": 8, "max_iter": 3, "n_estimators": 5, "random_state": 0}
OF_PROBABILITIES = ("neg_log_loss", "neg_brier_score", "d2_log_loss_score")


@pytest.mark.parametrize("metric", OF_PROBABILITIES)
@pytest.mark.parametrize("y", [THREE, TWO], ids=["three", "two"])
def test_metrics_of_probabilities_get_all_classes(y, metric):
    model = Classifier(**OPTIONS, eval_metric=metric).fit(X, y)
    assert all(len(history.metric_curve) == 3 for history in model.histories_)


def test_value_with_all_classes():
    """A shared part that lacks one gets them too."""
    some = THREE < 2
    model = Classifier(**OPTIONS | {"n_estimators": 1}, calibrate=False, eval_metric="neg_log_loss")
    model.fit(X, THREE, X_val=X[some], y_val=THREE[some])
    p = model.predict_proba(X[some])
    by_hand = np.mean(np.log(p[np.arange(some.sum()), THREE[some]]))
    assert max(model.metric_curve_) == pytest.approx(by_hand, rel=1e-5)


def test_labels_of_the_user_stay():
    scorer = make_scorer(roc_auc_score, response_method="predict_proba", labels=[0, 1])
    model = Classifier(**OPTIONS, eval_metric=scorer).fit(X, np.arange(ROWS) % 2)
    assert len(model.metric_curve_) == 3


WITHOUT_VALUE = r"has no value on the validation rows of {} of 5 networks, which lack a class; the"


@pytest.mark.parametrize(
    ("metric", "y", "n_without"),
    [("roc_auc", TWO, 2), ("average_precision", THREE, 3), ("roc_auc_ovr", THREE, 3)],
)
def test_networks_without_the_metric_are_chosen_by_the_loss(metric, y, n_without):
    with pytest.warns(UserWarning, match=WITHOUT_VALUE.format(n_without)) as told:
        model = Classifier(**OPTIONS, eval_metric=metric).fit(X, y)
    assert len(told) == 1
    having = [history for history in model.histories_ if history.metric_curve]
    assert len(having) == 5 - n_without
    for history in model.histories_:
        if history not in having:
            assert history.best_loss == min(history.validation_curve)
    assert model.best_loss_ == np.mean([history.best_loss for history in having])
    assert len(model.metric_curve_) == 3


def test_a_part_of_the_users_own_must_have_what_the_metric_needs():
    some = TWO < 1
    with (
        pytest.warns(Warning, match="Only one class"),
        pytest.warns(RuntimeWarning, match="eval_metric was NaN"),
    ):
        Classifier(**OPTIONS, eval_metric="roc_auc").fit(X, TWO, X_val=X[some], y_val=TWO[some])


@pytest.mark.parametrize(
    ("metric", "y", "without"),
    [
        (["roc_auc", "neg_log_loss"], TWO, "roc_auc"),
        (["roc_auc_ovr", "accuracy"], THREE, "roc_auc_ovr"),
    ],
)
def test_a_set_that_decides_nothing_may_lack_a_class(metric, y, without):
    some = y < y.max()
    message = rf"no value for \['{without}'\] on the rows of eval_set 'some', which lack a class"
    with pytest.warns(UserWarning, match=message) as told:
        model = Classifier(**OPTIONS | {"n_estimators": 1}, eval_metric=metric).fit(
            X, y, X_val=X, y_val=y, eval_set=[("some", X[some], y[some])]
        )
    assert len(told) == 1
    curves = model.evals_result_["some"]
    assert np.isnan(curves[without]).tolist() == [True] * 3
    assert np.isfinite(curves[metric[1]]).all()
    assert np.isfinite(model.evals_result_["validation"][without]).all()


def test_several_labels():
    y = np.column_stack([TWO, np.arange(ROWS) % 2])
    with pytest.warns(UserWarning, match=WITHOUT_VALUE.format(3)):
        model = Classifier(**OPTIONS, eval_metric="roc_auc").fit(X, y)
    assert len(model.metric_curve_) == 3


def test_metrics_that_fail_on_every_part_still_fail():
    with pytest.raises(ValueError, match="eval_metric='roc_auc' failed: multi_class must be in"):
        Classifier(**OPTIONS, eval_metric="roc_auc").fit(X, np.arange(ROWS) % 3)
    assert get_scorer("roc_auc")._kwargs == {}


def test_a_fault_of_the_metric_is_not_taken_for_a_lack():
    def faulty(y_true, y_pred):
        raise AttributeError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        Classifier(**OPTIONS, eval_metric=faulty).fit(X, TWO)
