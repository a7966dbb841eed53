"""eval_set: rows that are measured after each epoch, and several metrics, by their names."""

import io

import numpy as np
import pytest
from sklearn.metrics import log_loss, make_scorer, mean_absolute_error, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from small_tables import ONE, TARGETS, X_VAL, Y_VAL, X, Y, fitted
from tiny_models import FOLDS, TINY, assert_same_weights

import fastmlp
from fastmlp import Classifier, ExtrapolationWarning, Regressor

METRICS = ["r2", "neg_mean_absolute_error"]


@pytest.fixture(scope="module")
def model():
    return Regressor(**ONE, eval_metric=METRICS).fit(
        X, Y, X_val=X_VAL, y_val=Y_VAL, eval_set=[("again", X_VAL, Y_VAL), (X[:50], Y[:50])]
    )


def test_curves_have_names(model):
    result = model.evals_result_
    assert list(result) == ["validation", "again", "valid_1"]
    assert all(list(curves) == ["loss", *METRICS] for curves in result.values())
    assert {len(c) for curves in result.values() for c in curves.values()} == {model.n_iter_}
    assert result["validation"]["loss"] == model.validation_curve_
    assert result["validation"]["r2"] == model.metric_curve_
    assert model.histories_[0].evals_result == result


def test_a_set_is_measured_as_the_validation_rows_are(model):
    assert model.evals_result_["again"] == model.evals_result_["validation"]


def test_values_are_those_of_the_weights_that_are_kept(model):
    curves, best = model.evals_result_["valid_1"], model.best_iteration_ - 1
    predicted = model.predict(X[:50])
    assert curves["r2"][best] == pytest.approx(r2_score(Y[:50], predicted), rel=1e-5)
    assert curves["neg_mean_absolute_error"][best] == pytest.approx(
        -mean_absolute_error(Y[:50], predicted), rel=1e-5
    )
    unit = model._model.task.unit[0]
    expected = np.mean((Y[:50] - predicted) ** 2) / unit**2
    assert curves["loss"][best] == pytest.approx(expected, rel=1e-3)  # which is not clipped


def test_the_first_metric_decides_alone(model):
    alone = fitted(eval_metric="r2")
    assert_same_weights(model, alone)
    assert model.best_iteration_ == alone.best_iteration_ == np.argmax(model.metric_curve_) + 1
    assert model.best_loss_ == alone.best_loss_


def test_loss_in_front_decides():
    # which would choose the first epochs
    worst = make_scorer(mean_absolute_error)
    model = fitted(eval_metric={"loss": "loss", "error": worst})
    assert_same_weights(model, fitted())
    assert list(model.evals_result_["validation"]) == ["loss", "error"]
    assert len(model.metric_curve_) == model.n_iter_


def test_names_of_metrics():
    metrics = [r2_score, make_scorer(mean_absolute_error, greater_is_better=False)]
    model = fitted(eval_metric=metrics)
    assert list(model.evals_result_["validation"]) == ["loss", "r2_score", "mean_absolute_error"]
    model = fitted(eval_metric={"mine": lambda y, p: 1.0, "R²": "r2"})
    assert model.evals_result_["validation"]["mine"] == [1.0] * 12
    assert model.metric_curve_ == [1.0] * 12


def test_without_any_metric_losses_are_recorded():
    model = Regressor(**ONE).fit(X, Y, eval_set=[(X_VAL, Y_VAL)])
    assert_same_weights(model, Regressor(**ONE).fit(X, Y))  # it decides nothing
    assert {name: [*curves] for name, curves in model.evals_result_.items()} == {
        "validation": ["loss"],
        "valid_0": ["loss"],
    }
    assert model.metric_curve_ is None


def test_without_validation_rows():
    options = ONE | {"early_stopping": False, "eval_metric": "r2"}
    model = Regressor(**options).fit(X, Y, eval_set=(X_VAL, Y_VAL))
    assert {name: [*curves] for name, curves in model.evals_result_.items()} == {
        "valid_0": ["loss", "r2"]
    }
    by_hand = r2_score(Y_VAL, model.predict(X_VAL))
    assert model.evals_result_["valid_0"]["r2"][-1] == pytest.approx(by_hand, rel=1e-5)
    assert Regressor(**ONE | {"early_stopping": False}).fit(X, Y).evals_result_ == {}
    with pytest.raises(ValueError, match="eval_metric needs validation rows"):
        Regressor(**options).fit(X, Y)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_the_mean_over_networks(n_jobs):
    options = FOLDS | {"eval_metric": METRICS, "n_jobs": n_jobs}
    model = Regressor(**options).fit(X, Y, eval_set=[("new", X_VAL, Y_VAL)])
    assert_same_weights(model, Regressor(**options | {"eval_metric": "r2"}).fit(X, Y))
    of_networks = [history.evals_result["new"]["r2"] for history in model.histories_]
    assert len(set(map(tuple, of_networks))) == 4
    np.testing.assert_allclose(model.evals_result_["new"]["r2"], np.mean(of_networks, axis=0))


def test_classes_and_weights():
    y, y_val = TARGETS["text"]
    weights = np.where(Y_VAL > 0, 3.0, 1.0)
    model = Classifier(**ONE, calibrate=False, eval_metric=["roc_auc", "neg_log_loss"]).fit(
        X, y, X_val=X_VAL, y_val=y_val, eval_set=[("weighted", X_VAL, y_val, weights)]
    )
    by_hand = -log_loss(y_val, model.predict_proba(X_VAL), sample_weight=weights)
    best = model.best_iteration_ - 1
    curves = model.evals_result_["weighted"]
    assert curves["neg_log_loss"][best] == pytest.approx(by_hand, rel=1e-5)
    assert curves["loss"][best] == pytest.approx(-by_hand, rel=1e-5)
    assert curves["loss"] != model.validation_curve_


def test_a_fold_that_lacks_a_class_has_no_such_curve():
    rare = np.zeros(len(X), dtype=int)
    rare[:2] = 1  # in two of four folds
    options = FOLDS | {"eval_metric": ["accuracy", "roc_auc"], "max_iter": 2}
    model = Classifier(**options).fit(X, rare, eval_set=[("all", X, rare)])
    curves = [history.evals_result["validation"] for history in model.histories_]
    assert sorted(len(own["roc_auc"]) for own in curves) == [0, 0, 2, 2]
    assert all(len(own["accuracy"]) == 2 for own in curves)
    assert len(model.evals_result_["validation"]["roc_auc"]) == 2
    assert len(model.evals_result_["all"]["roc_auc"]) == 2


def test_records_have_all_values():
    records = []
    model = Regressor(**FOLDS, eval_metric=METRICS).fit(
        X, Y, eval_set=[("new", X_VAL, Y_VAL)], callbacks=records.append
    )
    for number, history in enumerate(model.histories_):
        own = [record.evals for record in records if record.network == number]
        for rows, curves in history.evals_result.items():
            for measure, curve in curves.items():
                assert [evals[rows][measure] for evals in own] == curve
    assert records[0].metric == records[0].evals["validation"]["r2"]


def test_records_say_which_metrics_are_scores():
    metrics = {
        "a": "r2",
        "b": r2_score,
        "c": mean_absolute_error,
        "d": make_scorer(mean_absolute_error, greater_is_better=False),
        "e": lambda y, predicted: 1.0,
        "loss": "loss",
    }
    records = []
    Regressor(**ONE | {"max_iter": 1}, eval_metric=metrics).fit(X, Y, callbacks=records.append)
    assert [*records[0].scores] == ["a", "b", "d"]


def test_a_linear_part_is_added():
    model = Regressor(**ONE, extrapolation="linear", eval_metric="r2").fit(
        X, Y, eval_set=[("first", X[:50], Y[:50])]
    )
    by_hand = r2_score(Y[:50], model.predict(X[:50]))
    best = model.best_iteration_ - 1
    assert model.evals_result_["first"]["r2"][best] == pytest.approx(by_hand, rel=1e-4)


def test_files_hold_the_curves(model):
    file = io.BytesIO()
    model.save(file)
    loaded = fastmlp.load(file.getvalue())
    assert loaded.evals_result_ == model.evals_result_
    assert loaded.metric_curve_ == model.metric_curve_


def test_a_warm_start_goes_on_with_the_curves():
    model = Regressor(**TINY, n_estimators=1, warm_start=True, eval_metric="r2")
    model.fit(X, Y, eval_set=[("new", X_VAL, Y_VAL)]).fit(X, Y, eval_set=[("new", X_VAL, Y_VAL)])
    assert {len(c) for curves in model.evals_result_.values() for c in curves.values()} == {6}
    model.set_params(eval_metric="neg_mean_absolute_error").fit(X, Y)
    assert len(model.metric_curve_) == 3  # the curve of the metric that is measured now
    assert len(model.evals_result_["validation"]["r2"]) == 6


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (X_VAL, "eval_set must be a list of .*; got ndarray"),
        ([X_VAL], "set 0 is none of these"),
        ([(X_VAL, Y_VAL), (1, X_VAL, Y_VAL)], "set 1 is of type int"),
        ([("a", X_VAL, Y_VAL), ("a", X_VAL, Y_VAL)], "names that differ"),
        ([("validation", X_VAL, Y_VAL)], "from 'validation'"),
        ([("a", X_VAL, Y_VAL[:5])], "X of eval_set 'a' and y of eval_set 'a' must have the same"),
        ([("a", X_VAL[:, :2], Y_VAL)], "2 features(?s:.*)Pipeline, eval_set does not pass"),
        ([("a", (X_VAL, Y_VAL))], r"set 0 is \('a', ...\).*after the name: \('a', X, y\)"),
        ([("a", X_VAL, np.full(100, np.nan))], "y of eval_set 'a'"),
        ([("a", X_VAL, Y_VAL, -Y_VAL)], "sample_weight of eval_set 'a'"),
    ],
)
def test_bad_sets(given, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Regressor(**ONE).fit(X, Y, eval_set=given)


@pytest.mark.parametrize("name", [(), ("old",)])
def test_rows_that_no_step_of_a_pipeline_transformed(name):
    pipeline = make_pipeline(StandardScaler(), Regressor(**ONE))
    large = 50 + 9 * X
    with pytest.warns(ExtrapolationWarning, match="X of eval_set .* lies beyond .*range") as found:
        pipeline.fit(large, Y, regressor__eval_set=[(*name, large, Y)])
    assert "X_val" not in str(found[0].message)
    assert "In a Pipeline, eval_set does not pass through the steps" in str(found[0].message)
    pipeline.fit(large, Y, regressor__eval_set=[(*name, pipeline[:-1].transform(large), Y)])


def test_a_set_that_is_read_in_blocks():
    with pytest.raises(TypeError, match="X of eval_set 'a' must be a table in memory; got str"):
        Regressor(**ONE).fit(X, Y, eval_set=[("a", "new.parquet", "y")])


def test_unknown_labels():
    y, _ = TARGETS["text"]
    with pytest.raises(ValueError, match="eval_set 'a'"):
        Classifier(**ONE).fit(X, y, eval_set=[("a", X, np.full(len(X), "maybe"))])
